"""What of the logs did not make it into a lake: kept with it, so that a scan of the lake can say so, however much later.

It stands in a property of the table of interactions, by the sources that were read together: reading them again replaces what was said of
them, so that a log that was read wrongly and then rightly is counted once.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b

from pyiceberg.exceptions import CommitFailedException
from pyiceberg.table import Table

from stillhunt.lake.commits import attempts
from stillhunt.lake.opening import Opened

PROPERTY = "stillhunt.not-read"
_MAX_RUNS = 64  # sets of sources that are told apart; older ones are added up
_MAX_REASONS = 8
_EARLIER = "earlier"


@dataclass(frozen=True)
class NotRead:
    """Records of the logs of a lake that were refused, and why.

    Attributes:
        refused: how many.
        reasons: the commonest reasons, which name fields and never values, with how many records each cost.
    """

    refused: int = 0
    reasons: dict[str, int] = field(default_factory=dict)


def noted(table: Table) -> NotRead:
    """What is known of a lake's logs from the properties of its table of interactions."""
    total, reasons = 0, Counter[str]()
    for refused, why in _runs(table).values():
        total += refused
        reasons.update(why)
    return NotRead(total, dict(reasons.most_common(_MAX_REASONS)))


def note(opened: Opened, sources: Iterable[str], reasons: Mapping[str, int]) -> None:
    """Keep what was refused of these sources, in place of what was kept of them before.

    Raises:
        LakeBusyError: other writers kept winning.
    """
    key = blake2b("\0".join(sorted(sources)).encode("utf-8", "replace"), digest_size=8).hexdigest()
    refused = sum(reasons.values())
    for _ in attempts(opened.where):
        table = opened.load("interactions")
        runs = _runs(table)
        if not refused and key not in runs:
            return
        runs.pop(key, None)
        if refused:
            runs[key] = (refused, dict(Counter(reasons).most_common(_MAX_REASONS)))
        while len(runs) > _MAX_RUNS:
            oldest = next(name for name in runs if name != _EARLIER)
            one, why = runs.pop(oldest)
            before, already = runs.pop(_EARLIER, (0, {}))
            runs = {_EARLIER: (before + one, dict((Counter(already) + Counter(why)).most_common(_MAX_REASONS))), **runs}
        try:
            with table.transaction() as change:
                change.set_properties({PROPERTY: json.dumps(runs)})
        except CommitFailedException:
            continue
        return


def _runs(table: Table) -> dict[str, tuple[int, dict[str, int]]]:
    try:
        found = json.loads(table.properties.get(PROPERTY, "{}"))
        return {
            str(key): (int(refused), {str(reason): int(times) for reason, times in why.items()}) for key, (refused, why) in found.items()
        }
    except (ValueError, TypeError, AttributeError):
        return {}  # written by a later release, or by hand: a scan goes on without it
