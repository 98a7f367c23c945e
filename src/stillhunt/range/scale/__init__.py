"""Worlds at full size: a million accounts and more than a hundred million calls, written straight as fingerprints into a lake.

In: a `WorldSpec`. Out: a lake as intake would have left it, with the truth beside it. No text is written and none is read back: texts are
drawn once per voice, fingerprinted by intake's own functions, and calls are numbers from there on. `voices` is what is said, `cast` who is
there (`crowd` draws people as columns, `twins` and `crew` use the ordinary range's casting), `moments` when they call, `filling` what a
call's columns are, `rows` makes them the lake's, `world` writes. Beside the range's own rooms this one may import intake's fingerprints
and the lake; it knows nothing of the hunt.
"""

from stillhunt.range.scale.world import cast, go_on, make

__all__ = ["cast", "go_on", "make"]
