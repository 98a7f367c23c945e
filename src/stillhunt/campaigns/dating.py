"""When could a campaign first have been named? Halving the past, one scan at a time, where the watch had not been there.

What is asked: the earliest as-of time at which the same method names it. That takes it that what can be named can be named ever after,
which evidence that grows nearly always does; where it did not, the answer is a time at which the campaign could be named, and perhaps not
the first one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from stillhunt.campaigns.continuity import in_common
from stillhunt.campaigns.known import Event, Known
from stillhunt.records import Findings

EXACT = timedelta(hours=1)
"""How closely it is looked for when a campaign could first have been named."""


def question(known: Sequence[Known]) -> tuple[Known, datetime] | None:
    """The scan of the past that says most about when a campaign could first have been named: which campaign, and as of when.

    Halves what is not known yet of the campaign that was named first of those not dated; None when all are.
    """
    for one in known:
        if one.dated == "open" and one.status != "merged":
            low = datetime.fromisoformat(one.not_named_to or one.first_seen)
            return one, low + (datetime.fromisoformat(one.could_to) - low) / 2
    return None


def answered(one: Known, as_of: datetime, findings: Findings | None, at: str) -> tuple[Known, list[Event]]:
    """Take up the answer to `question`.

    Args:
        one: the campaign that was asked about.
        as_of: the moment that was asked about.
        findings: what a scan as of then found; None where nothing was in view yet.
        at: wall clock, ISO 8601.
    """
    members = one.members.keys()
    found = findings.campaigns if findings is not None else []
    named = any(in_common(members, {member.account_id for member in campaign.accounts}) for campaign in found)
    moment = as_of.isoformat().replace("+00:00", "Z")
    one = replace(one, could_to=moment) if named else replace(one, not_named_to=moment)
    low = datetime.fromisoformat(one.not_named_to or one.first_seen)
    if datetime.fromisoformat(one.could_to) - low > EXACT:
        return one, []
    one = replace(one, dated="looked back")
    event = Event("dated", one.name, at, one.could_to, one.size, one.told, 0, one.closed, one.generation, could_to=one.could_to)
    return one, [event]
