"""Like with like: which accounts are compared with which.

A program behaves unlike a person whoever runs it: it works at night, says the same thing again and again, keeps its pace.
Weighed among people who chat, any group of programs would look like one operator. So there are three strata: accounts
with too few calls to say, persons, and programs (accounts in at least half of whose requests one instruction recurs).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from stillhunt.channels import Observed
from stillhunt.channels.rhythm import LEAST_CALLS
from stillhunt.channels.template import Template

FEW, PERSON, PROGRAM = 0, 1, 2
HALF = 0.5


def strata(calls: npt.NDArray[np.int64], observed: Iterable[Observed]) -> npt.NDArray[np.int8]:
    """The stratum of each account, from its calls and from what the channel template observed; shape (accounts,)."""
    layers = np.where(calls >= LEAST_CALLS, PERSON, FEW).astype(np.int8)
    for one in observed:
        if one.aspect == Template.aspects[0].name:
            often = one.accounts[one.shares >= HALF]
            layers[often[layers[often] == PERSON]] = PROGRAM
    return layers
