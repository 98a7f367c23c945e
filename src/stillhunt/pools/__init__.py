"""Pools: observations become links, links become groups of accounts that one operator seems to run.

In: any table of `records.OBSERVATIONS` and who declares to belong together. Out: pools with the evidence for each family
of channels and, for each account, the probability of membership with the observations that carry it.
May import: records, errors, channels. Whether a pool conceals itself and harvests is not asked here (campaigns).
"""
