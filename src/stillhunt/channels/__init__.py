"""Channels: kinds of observation, one module each, found by entry point (group ``stillhunt.channels``).

In: the lake's interactions and accounts, through an engine. Out: rows of `records.OBSERVATIONS`.
May import: records, errors, lake. A channel decides nothing: what its values weigh is the population's to say (pools).
"""
