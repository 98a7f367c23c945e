"""The ladder: how much effort of an operator detection survives, measured on worlds that differ in nothing else.

In: conditions (how many accounts, which texts), seeds, steps. Out: results as JSON lines, and a page with pictures written
from nothing but them. Alone in the range this room may import the hunt (intake, lake, campaigns): it measures it; the worlds
themselves still know nothing of it. `steps` says what is climbed, `worlds` makes it, `measuring` measures one step, `results`
keeps and sums up, `running` goes through them all, `page` and `pictures` show.
"""
