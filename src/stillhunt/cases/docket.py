"""The docket: all cases, each as a list of events that only grows, in the registry; and the folders in which their material is frozen.

Whatever is recorded becomes a row of the registry first and a leaf of the ledger then. Whoever is cut off between the two leaves an event
without its leaf, which the next writer adds: the ledger never holds a commitment to an event that does not exist.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError

from stillhunt.cases.case_events import event, leaf, worked_out
from stillhunt.cases.registry import CASE_EVENTS, FILE, Registry
from stillhunt.errors import InputError, StillhuntError
from stillhunt.ledger import Ledger
from stillhunt.records.cases import Case, CaseEvent, Status

if TYPE_CHECKING:
    from stillhunt.cases.freezing import Frozen
    from stillhunt.cases.material import Material  # with it come hunting, the lake and statistics, which a list of cases does without

CASES, LEDGER = "cases", "ledger"
PREFIX = "case-"
"""How ids of cases begin; it need not be typed."""
LATEST = "latest"
"""The name of whichever case was opened last."""

_TRIES = 20
_TABLE_SINCE = 2


class Docket:
    """All cases of one registry.

    Args:
        registry: open registry.
        folder: where the cases' folders are.
        ledger: gets a leaf for each event; None where there is none.
    """

    def __init__(self, registry: Registry, folder: Path, ledger: Ledger | None = None) -> None:
        self.registry, self.folder, self.ledger = registry, folder, ledger

    @classmethod
    @contextmanager
    def open(
        cls, place: str | Path, *, registry: str | None = None, ledger: Path | None = None, write: bool = False, create: bool = False
    ) -> Iterator[Docket]:
        """Open the docket of a lake; the lake itself may be gone.

        Args:
            place: the lake's folder, or another folder for the cases of a lake that has none.
            registry: the registry's file or database URL; `registry.sqlite` in `place` if not said.
            ledger: the ledger's folder; `ledger` in `place` if not said.
            write: for writing.
            create: for writing, and make registry and ledger where they are missing.

        Raises:
            InputError: there are no cases here.
            StillhuntError: registry or ledger cannot be opened.
        """
        folder = Path(place).expanduser()
        if str(place).startswith("catalog:"):
            raise InputError(f"{place}: this lake has no folder; say with --cases DIR where its cases are kept")
        where = registry or str(folder / FILE)
        if not create and "://" not in where and not Path(where).expanduser().is_file():
            raise InputError(f"{folder}: there are no cases here; `stillhunt case open` opens one")
        with ExitStack() as opened:
            tables = opened.enter_context(Registry(where, create=write or create))
            log = Ledger.open(ledger or folder / LEDGER, create=True) if write or create else None
            yield cls(tables, folder.resolve() / CASES, log)

    # ---- reading

    def cases(self, status: Status | None = None) -> list[Case]:
        """All cases, oldest first, or those with one status."""
        listed: dict[str, list[CaseEvent]] = {}
        for case_id, one in self._events():
            listed.setdefault(case_id, []).append(one)
        found = sorted((worked_out(case_id, events) for case_id, events in listed.items()), key=lambda case: (case.opened_at, case.case_id))
        return [case for case in found if status is None or case.status is status]

    def case(self, name: str) -> Case:
        """The case with this id, or the only one whose id begins (or, after `case-`, goes on) with it, or the only one on this campaign.

        Ids of cases are drawn at random; those of campaigns follow from their accounts, so that a page or a script can name one beforehand.
        `latest` is the case that was opened last.

        Raises:
            InputError: there is none, or more than one.
        """
        if name == LATEST and (opened := self.cases()):
            return opened[-1]
        wanted = name if name.startswith(PREFIX) else PREFIX + name
        found = self._events(wanted) if wanted != PREFIX else []
        ids = {case_id for case_id, _ in found}
        ids = {wanted} if wanted in ids else ids
        if not ids:
            on_it = [case for case in self.cases() if name in (case.campaign_id, case.campaign) and case.merged_into is None]
            if len(on_it) == 1:
                return on_it[0]
            if on_it:
                raise InputError(f"{name[:80]}: {len(on_it)} cases are on this campaign: {', '.join(case.case_id for case in on_it)[:400]}")
        if len(ids) != 1:
            problem = "no such case" if not ids else f"{len(ids)} cases begin like this"
            raise InputError(f"{name[:80]}: {problem}; `stillhunt case list` lists them")
        (chosen,) = ids
        return worked_out(chosen, [one for case_id, one in found if case_id == chosen])

    def place(self, case_id: str) -> Path:
        """The case's folder."""
        return self.folder / case_id

    def frozen(self, case_id: str) -> Frozen:
        """What the case rests on.

        Raises:
            InputError: its folder is missing.
        """
        from stillhunt.cases.freezing import Frozen  # noqa: PLC0415

        return Frozen(self.place(case_id))

    @contextmanager
    def material(self, case_id: str) -> Iterator[Material]:
        """The material of a case as it stands: of its accounts, after merges and splits.

        Raises:
            InputError: no such case, or its calls were given up.
        """
        case = self.case(case_id)
        frozen = self.frozen(case.case_id)
        with frozen.lake() as lake:
            from stillhunt.cases.material import material_of  # noqa: PLC0415

            yield material_of(lake, frozen.findings, case.campaign_id, accounts=case.accounts, settings=frozen.settings)

    # ---- writing

    def record(self, case_id: str, kind: str, body: Mapping[str, Any], by: str) -> CaseEvent:
        """Add an event and its leaf. What may be done when is `proceedings`' to say.

        Args:
            case_id: the case.
            kind: see `case_events.STANDING`.
            body: JSON.
            by: who did it.

        Raises:
            InputError: nobody's name is given.
            StillhuntError: the registry or the ledger cannot be written.
        """
        if not by.strip():
            raise InputError("say who does this: --by NAME, or set STILLHUNT_ANALYST")
        for _ in range(_TRIES):
            try:
                made = self._insert(case_id, kind, body, by.strip())
                break
            except StillhuntError as error:
                if not isinstance(error.__cause__, IntegrityError):
                    raise
                # somebody else's event got the number
        else:
            raise StillhuntError(f"{case_id}: others keep writing to this case; try again")
        self.complete(case_id)
        return (
            made if self.ledger is None else next(one for id_, one in self._events(case_id) if one.number == made.number and id_ == case_id)
        )

    def complete(self, case_id: str) -> None:
        """Give a leaf to each event that has none yet."""
        if self.ledger is None:
            return
        for found, one in self._events(case_id):
            if one.leaf is None and found == case_id:
                index = self.ledger.append(*leaf(case_id, one))
                with self.registry.transaction() as connection:
                    connection.execute(update(CASE_EVENTS).where(_is(case_id, one.number)).values(leaf=index))

    def erase(self, case_id: str, number: int) -> None:
        """Take away an event's body and salt for good. Commitment and leaf stay."""
        with self.registry.transaction() as connection:
            connection.execute(update(CASE_EVENTS).where(_is(case_id, number)).values(body=None, salt=None))

    # ---- inside

    def _insert(self, case_id: str, kind: str, body: Mapping[str, Any], by: str) -> CaseEvent:
        with self.registry.transaction() as connection:
            newest = connection.execute(select(func.max(CASE_EVENTS.c.number)).where(CASE_EVENTS.c.case_id == case_id)).scalar() or 0
            made = event(newest + 1, by, kind, body)
            written = json.dumps(made.body, ensure_ascii=True, allow_nan=False)
            connection.execute(insert(CASE_EVENTS).values(case_id=case_id, **made.model_dump() | {"body": written}))
        return made

    def _events(self, beginning: str = "") -> list[tuple[str, CaseEvent]]:
        if self.registry.layout < _TABLE_SINCE:
            return []
        chosen = select(CASE_EVENTS).order_by(CASE_EVENTS.c.case_id, CASE_EVENTS.c.number)
        if beginning:
            chosen = chosen.where(CASE_EVENTS.c.case_id.startswith(beginning, autoescape=True))
        with self.registry.transaction() as connection:
            rows = [dict(row) for row in connection.execute(chosen).mappings()]
        return [
            (str(row.pop("case_id")), CaseEvent(**row | {"body": json.loads(row["body"]) if row["body"] is not None else None}))
            for row in rows
        ]


def _is(case_id: str, number: int) -> Any:
    return (CASE_EVENTS.c.case_id == case_id) & (CASE_EVENTS.c.number == number)
