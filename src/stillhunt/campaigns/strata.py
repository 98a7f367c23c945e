"""Like with like: which accounts are compared with which.

A program behaves unlike a person whoever runs it: it works at night, says the same thing again and again, keeps its pace.
Weighed among people who chat, any group of programs would look like one operator. So there are three strata: accounts
with too few calls to say, persons, and programs (accounts in at least half of whose requests one instruction recurs).
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.channels.template import Template

FEW, PERSON, PROGRAM = 0, 1, 2
HALF = 0.5


def strata(observations: pa.Table) -> dict[str, int]:
    """Stratum of each account that is not in `FEW`, from what the channels rhythm and template observed."""
    paced = observations.filter(pc.equal(observations["channel"], pa.scalar("rhythm.pace")))
    grams = observations.filter(pc.equal(observations["channel"], pa.scalar(Template.aspects[0].name)))
    often = set(grams.filter(pc.greater_equal(grams["share"], pa.scalar(HALF)))["account_id"].to_pylist())
    return {str(account): PROGRAM if account in often else PERSON for account in paced["account_id"].to_pylist()}
