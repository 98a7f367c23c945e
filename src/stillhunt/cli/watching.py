"""The loop of a watch: read what is new, scan if that changed anything, take down what became of campaigns, tell it.

Each step may be cut off and repeated: reading is idempotent, a scan of the same snapshot gives the same findings, what a look changed is
one transaction, and events have numbers. The order makes it whole: rows before positions, files before the registry, the registry before
anybody is told.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.campaigns import chronicle, dating
from stillhunt.campaigns.chronicle import Look
from stillhunt.campaigns.kinship import lasting
from stillhunt.cases import scans
from stillhunt.cases.registry import Registry, Taken
from stillhunt.cases.wording import amount, count, unjudged, unjudged_sentence, visible
from stillhunt.channels import channels
from stillhunt.cli.outlet import Outlet
from stillhunt.cli.terminal import progress
from stillhunt.errors import InputError, StillhuntError
from stillhunt.intake.follow import Arrivals, Follower
from stillhunt.lake import Lake
from stillhunt.records import Findings

OVERDUE, OVERDUE_LOOKS = 3_600.0, 12
"""While there is a backlog, so many seconds (or intervals, if these are longer) go by before it is scanned half-read."""

CLOSED = ("closed", "banned", "blocked", "deleted", "disabled", "suspended", "terminated")
"""What a provider may call the status of an account that is closed; a time of closing says it as well."""

Hunt = Callable[[datetime | None, Callable[[], None]], Findings]
"""Scan the lake as of a time (None: now). Calls what it is given now and then, which may raise to end it."""


class StoppedError(Exception):
    """A signal came while a scan was running. What it had found is not needed: the same scan is made again."""


@dataclass(frozen=True)
class Place:
    """Where a watch keeps what.

    Attributes:
        lake: as on the command line.
        state: for positions and telling.
        output: for the newest findings.
        told: what its scans are told (`cases.configuration`), kept beside each of them.
    """

    lake: str
    state: Path
    output: Path | None = None
    told: Mapping[str, Any] | None = None


class Watch:
    """One watch on one lake.

    Args:
        place: where things are kept.
        lake: open lake.
        follower: brings logs into it; None where others do.
        registry: open registry.
        outlet: where events go.
        hunt: scans.
        complain: says problems that the watch survives.
        every: seconds between looks.
        stop: whether it is time to end.
        record: keeps a record of each scan: findings, the same as they are kept, what it was told.
        now: the wall clock.
    """

    def __init__(
        self,
        place: Place,
        lake: Lake,
        follower: Follower | None,
        registry: Registry,
        outlet: Outlet,
        *,
        hunt: Hunt,
        complain: Callable[[Iterable[str]], None],
        every: float,
        stop: Callable[[], bool] = lambda: False,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        record: Callable[[Findings, bytes, Mapping[str, Any]], object] | None = None,
    ) -> None:
        self._record = record
        self._place, self._lake, self._follower, self._registry, self._outlet = place, lake, follower, registry, outlet
        self._hunt, self._complain, self._every, self._stop, self._now = hunt, complain, every, stop, now
        self._families = lasting(channels())
        self._scanned = time.monotonic()
        self._first = True
        self._said: set[str] = set()
        self._newest: Findings | None = None
        self._waiting = ""

    def run(self, wait: Callable[[float], object]) -> None:
        """Watch until it is time to end. Problems that may pass are said once, and tried again."""
        while not self._stop():
            begun = time.monotonic()
            behind = False
            try:
                behind = self.round()
                self._said.clear()
            except StillhuntError as error:
                if not self._stop() and str(error) not in self._said:
                    self._said.add(str(error))
                    self._complain([str(error)])
            if not behind:
                # a scan that took longer than the interval is followed by the next look at once, and by no more than one
                wait(max(0.0, self._every - (time.monotonic() - begun)))

    def round(self) -> bool:
        """Everything once. Returns whether there is more to read already.

        Raises:
            StillhuntError: something cannot be read or written; a later round goes on from there.
        """
        begun = time.monotonic()
        arrivals = self._read()
        try:
            if not self._stop():
                self._look()
                self._look_back(begun)
        except StoppedError:
            return False
        finally:
            self._tell()
        return arrivals.behind > 0

    def named(self) -> bool:
        """Whether the newest scan names anybody."""
        return any(one.size for one in self._registry.known())

    def unjudged(self) -> bool:
        """Whether the newest scan has pools that act as one and could not be judged."""
        if self._newest is None:
            with suppress(InputError):  # nothing was new: the scan before is kept beside the lake
                self._newest = scans.latest(self._place.lake)
        return self._newest is not None and bool(unjudged(self._newest))

    # ---- steps

    def _read(self) -> Arrivals:
        if self._follower is None:
            return Arrivals()
        with progress() as step:
            arrivals = self._follower.read(
                stop=lambda: self._stop() or self._overdue(),
                progress=lambda behind: step("read", f"reading logs, {amount(behind)} bytes left", None, None),
            )
        if arrivals.problems:
            self._complain(arrivals.problems)
        if arrivals.passed:
            named = ", ".join(visible(name, 40) for name in arrivals.passed[:5])
            self._complain([f"passed over {count(len(arrivals.passed), 'file')} in folders that {_are(arrivals.passed)} no log: {named}"])
        return arrivals

    def _overdue(self) -> bool:
        return time.monotonic() - self._scanned > max(OVERDUE, OVERDUE_LOOKS * self._every)

    def _look(self) -> None:
        """Scan if the lake has changed since the last look."""
        before = self._registry.newest_look()
        if before is not None and before.snapshot == self._lake.snapshot():
            self._scanned = time.monotonic()
            self._restore()
            return
        if not self._lake.table("interactions").count():
            return
        begun = time.monotonic()
        found = self._newest = self._hunt(None, self._pause)
        self._scanned = time.monotonic()
        known = self._registry.known()
        names = {account for one in known for account in one.members} | {m.account_id for c in found.campaigns for m in c.accounts}
        at = _iso(self._now())
        before_to = before.seen_to if before is not None else None
        step = chronicle.step(known, Look(found, at, closed_accounts(self._lake, names), before_to, self._families))
        self._write(chronicle.renamed(found, step.names))
        self._say_unjudged(found)
        seconds = round(self._scanned - begun, 3)
        self._registry.take(known, step.known, step.events, Taken(found.lake_snapshot, found.scanned.to or at, at, seconds))

    def _say_unjudged(self, findings: Findings) -> None:
        """Say once what could not be judged: it is no event of a campaign, and silence would clear it."""
        waiting = unjudged_sentence(findings)
        if waiting and waiting != self._waiting:
            self._complain([f"{waiting}; `stillhunt scan --lake {shlex.quote(self._place.lake)}` shows it"])
        self._waiting = waiting

    def _write(self, findings: Findings) -> None:
        """Keep the findings beside the lake, once for each scan, and give them to whoever asked for them."""
        repeated = self._first and _kept(self._place.lake) == (findings.lake_snapshot, findings.scanned)
        self._first = False
        if not repeated:
            if self._record is not None:
                self._record(findings, scans.encode(findings), self._place.told or {})
            scans.keep(findings, self._place.lake, self._place.told)
        if self._place.output is not None:
            scans.write_private(self._place.output, scans.encode(findings))

    def _restore(self) -> None:
        """Write the newest findings again where somebody has taken the file away, or asks for one for the first time."""
        if self._place.output is not None and not self._place.output.exists():
            with suppress(InputError):
                scans.write_private(self._place.output, scans.encode(scans.latest(self._place.lake)))

    def _look_back(self, begun: float) -> None:
        """One scan of the past, where it is not known yet when a campaign could first have been named, and there is time."""
        known = self._registry.known()
        asking = dating.question(known)
        if asking is None or time.monotonic() - begun > self._every / 2:
            return
        one, as_of = asking
        try:
            found: Findings | None = self._hunt(as_of, self._pause)
        except InputError:
            found = None
        after, events = dating.answered(one, as_of, found, _iso(self._now()))
        self._registry.take(known, [after if other.name == one.name else other for other in known], events, None)

    def _tell(self) -> None:
        self._outlet.tell(self._registry.events(self._outlet.told))

    def _pause(self) -> None:
        if self._stop():
            raise StoppedError


def closed_accounts(lake: Lake, names: Collection[str]) -> frozenset[str]:
    """Those of `names` whose accounts the lake knows to be closed."""
    if not names:
        return frozenset()
    rows = lake.table("accounts").to_arrow(["account_id", "status", "closed_at"])
    status = pc.utf8_lower(rows["status"])
    closed = pc.or_(pc.is_valid(rows["closed_at"]), pc.is_in(status, value_set=pa.array(CLOSED)))
    mine = pc.is_in(rows["account_id"], value_set=pa.array(sorted(names), pa.string()))
    return frozenset(str(account) for account in rows.filter(pc.and_(closed, mine))["account_id"].to_pylist())


def _are(things: Collection[str]) -> str:
    return "is" if len(things) == 1 else "are"


def _kept(lake: str) -> tuple[str, object] | None:
    try:
        latest = scans.latest(lake)
    except InputError:
        return None
    return latest.lake_snapshot, latest.scanned


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
