"""The registry: what is remembered in SQL. Campaigns under their names, their accounts and sizes, events, looks; what was done in cases.

SQLite in a file beside a lake, or any database that SQLAlchemy reaches (a URL). Everything that one look changes is one transaction, so
that a watch that is killed has either taken the look down whole or not at all.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Engine,
    Float,
    Integer,
    MetaData,
    RowMapping,
    String,
    Table,
    Text,
    bindparam,
    create_engine,
    delete,
    event,
    insert,
    select,
    update,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from stillhunt.campaigns.kinship import Trait
from stillhunt.campaigns.known import Event, Known, Membership
from stillhunt.errors import StillhuntError

FILE = "registry.sqlite"
LAYOUT = 2
"""The version of the tables below. A registry with a higher one was written by a newer release. 2: cases, where 1 had none."""

_TABLES = MetaData()
_ABOUT = Table("registry", _TABLES, Column("layout", Integer, nullable=False), Column("identity", String(32), nullable=False))
_CAMPAIGNS = Table(
    "campaigns",
    _TABLES,
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("name", String(64), unique=True, nullable=False),
    Column("status", String(16), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("first_named_at", String(40), nullable=False),
    Column("first_named_to", String(40), nullable=False),
    Column("not_named_to", String(40)),
    Column("could_to", String(40), nullable=False),
    Column("dated", String(16), nullable=False),
    Column("first_seen", String(40), nullable=False),
    Column("last_seen", String(40), nullable=False),
    Column("calls", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("traits", JSON, nullable=False),
    Column("told", Integer, nullable=False),
    Column("merged_into", String(64)),
    Column("split_from", String(64)),
)
_MEMBERS = Table(
    "campaign_accounts",
    _TABLES,
    Column("name", String(64), primary_key=True),
    Column("account_id", Text, primary_key=True),
    Column("generation", Integer, nullable=False),
    Column("named_at", String(40), nullable=False),
    Column("listed", Boolean, nullable=False),
    Column("closed", Boolean, nullable=False),
)
_HISTORY = Table(
    "campaign_history",
    _TABLES,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("name", String(64), nullable=False, index=True),
    Column("at", String(40), nullable=False),
    Column("seen_to", String(40), nullable=False),
    Column("status", String(16), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("accounts", Integer, nullable=False),
    Column("closed", Integer, nullable=False),
    Column("calls", BigInteger, nullable=False),
)
_EVENTS = Table(
    "events",
    _TABLES,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("kind", String(16), nullable=False),
    Column("campaign", String(64), nullable=False),
    Column("at", String(40), nullable=False),
    Column("seen_to", String(40), nullable=False),
    Column("accounts", Integer, nullable=False),
    Column("before", Integer, nullable=False),
    Column("new", Integer, nullable=False),
    Column("closed", Integer, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("other", String(64)),
    Column("could_to", String(40)),
)
_LOOKS = Table(
    "newest_look",
    _TABLES,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("snapshot", Text, nullable=False),
    Column("seen_to", String(40), nullable=False),
    Column("at", String(40), nullable=False),
    Column("seconds", Float, nullable=False),
)
CASE_EVENTS = Table(
    "case_events",
    _TABLES,
    Column("case_id", String(64), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", String(40), nullable=False),
    Column("actor", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("body", Text),
    Column("salt", String(32)),
    Column("commitment", String(64), nullable=False),
    Column("leaf", BigInteger),
)
"""What was done in cases (`records.cases.CaseEvent`): rows are only ever added, but for redaction, and the leaf that comes later."""


@dataclass(frozen=True)
class Taken:
    """A look that was taken down: the snapshot that it read, its newest call, when it was made, how long it took."""

    snapshot: str
    seen_to: str
    at: str
    seconds: float


@dataclass(frozen=True)
class Moment:
    """A campaign at one look: what is kept of its history, one entry for each look that changed it."""

    at: str
    seen_to: str
    status: str
    generation: int
    accounts: int
    closed: int
    calls: int


class Registry:
    """An open registry.

    Args:
        location: a file, or a database's URL.
        create: make what is missing.

    Attributes:
        where: for people.
        identity: tells this registry from others that were at the same place.
        layout: the version of its tables. An older one is brought up to date, nothing lost, by whoever may `create`.

    Raises:
        StillhuntError: it is not there, is none, is a newer release's, or cannot be reached.
    """

    def __init__(self, location: str | Path, *, create: bool = False) -> None:
        url = _url(location)
        self.where = url.render_as_string(hide_password=True) if url.host else str(url.database)
        file = Path(url.database) if url.drivername.startswith("sqlite") and url.database else None
        if file is not None and not create and not file.exists():
            raise StillhuntError(f"{self.where}: there is no registry here; `stillhunt watch` makes one")
        with self._spoken():
            self._engine = _opened(url)
            if file is not None and not file.exists():
                file.parent.mkdir(parents=True, exist_ok=True)
                file.touch(mode=0o600)
            if create:
                _TABLES.create_all(self._engine)
            with self._engine.begin() as connection:
                about = connection.execute(select(_ABOUT)).mappings().first()
                if about is None and create:
                    connection.execute(insert(_ABOUT).values(layout=LAYOUT, identity=secrets.token_hex(16)))
                    about = connection.execute(select(_ABOUT)).mappings().first()
        if about is None:
            raise StillhuntError(f"{self.where}: this registry was never finished; `stillhunt watch` finishes it")
        if about["layout"] > LAYOUT:
            raise StillhuntError(
                f"{self.where}: this registry has layout {about['layout']}, this release knows {LAYOUT}; install a newer release"
            )
        self.identity: str = about["identity"]
        self.layout: int = about["layout"]
        if create and self.layout < LAYOUT:
            with self.transaction() as connection:  # the tables that came since are there already
                connection.execute(update(_ABOUT).values(layout=LAYOUT))
            self.layout = LAYOUT

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction: all that is done in the block, or nothing.

        Raises:
            StillhuntError: the database cannot be used.
        """
        with self._spoken(), self._engine.begin() as connection:
            yield connection

    def known(self) -> list[Known]:
        """All campaigns, in the order in which they became known."""
        with self._spoken(), self._engine.connect() as connection:
            members: dict[str, dict[str, Membership]] = {}
            for row in connection.execute(select(_MEMBERS).order_by(_MEMBERS.c.name, _MEMBERS.c.account_id)).mappings():
                members.setdefault(row["name"], {})[row["account_id"]] = Membership(
                    row["generation"], row["named_at"], row["listed"], row["closed"]
                )
            rows = connection.execute(select(_CAMPAIGNS).order_by(_CAMPAIGNS.c.place)).mappings()
            return [_known(row, members.get(row["name"], {})) for row in rows]

    def newest_look(self) -> Taken | None:
        """The look that was taken down last."""
        with self._spoken(), self._engine.connect() as connection:
            row = connection.execute(select(_LOOKS)).mappings().first()
            return None if row is None else Taken(row["snapshot"], row["seen_to"], row["at"], row["seconds"])

    def history(self, name: str) -> list[Moment]:
        """What became of a campaign, oldest first."""
        names = [one.name for one in fields(Moment)]
        with self._spoken(), self._engine.connect() as connection:
            found = connection.execute(select(_HISTORY).where(_HISTORY.c.name == name).order_by(_HISTORY.c.number)).mappings()
            return [Moment(**{one: row[one] for one in names}) for row in found]

    def events(self, after: int = 0) -> list[tuple[int, Event]]:
        """Events with their numbers, from the one behind `after` on."""
        names = [one.name for one in fields(Event)]
        with self._spoken(), self._engine.connect() as connection:
            found = connection.execute(select(_EVENTS).where(_EVENTS.c.number > after).order_by(_EVENTS.c.number)).mappings()
            return [(int(row["number"]), Event(**{one: row[one] for one in names})) for row in found]

    def take(self, before: Sequence[Known], after: Sequence[Known], events: Sequence[Event], look: Taken | None) -> None:
        """Take down what a look changed, all of it or nothing.

        Args:
            before: campaigns as `known` gave them.
            after: as they are now: the same in the same order, and new ones behind.
            events: what happened; they get the next numbers.
            look: the look itself; None for an answer about the past.
        """
        old = {one.name: one for one in before}
        with self._spoken(), self._engine.begin() as connection:
            for place, one in enumerate(after):
                was = old.get(one.name)
                if was == one:
                    continue
                connection.execute(delete(_CAMPAIGNS).where(_CAMPAIGNS.c.place == place))
                connection.execute(insert(_CAMPAIGNS).values(place=place, **_row(one)))
                changed = _changed_members(one.name, was.members if was is not None else {}, one.members)
                stale = [{"stale": row["account_id"]} for row in changed if was is not None and row["account_id"] in was.members]
                if stale:
                    outdated = _MEMBERS.c.account_id == bindparam("stale")
                    connection.execute(delete(_MEMBERS).where(_MEMBERS.c.name == one.name, outdated), stale)
                if changed:
                    connection.execute(insert(_MEMBERS), changed)
                if look is not None and (was is None or _moment(was) != _moment(one)):
                    connection.execute(insert(_HISTORY).values(name=one.name, at=look.at, seen_to=look.seen_to, **_moment(one)))
            if events:
                newest = _newest_event(connection)
                connection.execute(insert(_EVENTS), [{"number": newest + at, **asdict(one)} for at, one in enumerate(events, 1)])
            if look is not None:
                connection.execute(delete(_LOOKS))
                connection.execute(insert(_LOOKS).values(one=1, **asdict(look)))

    def close(self) -> None:
        """Release the database."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @contextmanager
    def _spoken(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, OSError) as error:
            said = str(getattr(error, "orig", None) or error).splitlines()[0]
            raise StillhuntError(
                f"{self.where}: the registry cannot be used ({said}); check that it is one, its permissions and free space"
            ) from error


def _url(location: str | Path) -> URL:
    text = str(location)
    if "://" not in text:
        return URL.create("sqlite", database=str(Path(text).expanduser().absolute()))
    try:
        return make_url(text)
    except ArgumentError as error:
        raise StillhuntError(f"{text}: not a database's URL; write it like postgresql://user@host/name, or give a file") from error


def _opened(url: URL) -> Engine:
    try:
        engine = create_engine(url)
    except (ImportError, SQLAlchemyError) as error:
        shown = url.render_as_string(hide_password=True)
        raise StillhuntError(f"{shown}: no driver for this database is installed ({error}); install one, or give a file") from error
    if url.drivername.startswith("sqlite"):

        @event.listens_for(engine, "connect")
        def _durable(connection: Any, _record: Any) -> None:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA secure_delete = ON")  # what a case redacts is overwritten, not only unlinked

    return engine


def _newest_event(connection: Connection) -> int:
    return connection.execute(select(_EVENTS.c.number).order_by(_EVENTS.c.number.desc()).limit(1)).scalar() or 0


def _row(one: Known) -> dict[str, Any]:
    values = {name: getattr(one, name) for name in _CAMPAIGNS.c.keys() if name not in {"place", "traits"}}  # noqa: SIM118  # not a dict
    return values | {"traits": [asdict(trait) for trait in one.traits]}


def _known(row: RowMapping, members: Mapping[str, Membership]) -> Known:
    values = {name: row[name] for name in _CAMPAIGNS.c.keys() if name not in {"place", "traits"}}  # noqa: SIM118  # not a dict
    found = row["traits"] if isinstance(row["traits"], list) else json.loads(row["traits"])
    return Known(**values, members=members, traits=tuple(Trait(**trait) for trait in found))


def _moment(one: Known) -> dict[str, Any]:
    return {"status": one.status, "generation": one.generation, "accounts": one.size, "closed": one.closed, "calls": one.calls}


def _changed_members(name: str, before: Mapping[str, Membership], after: Mapping[str, Membership]) -> list[dict[str, Any]]:
    return [{"name": name, "account_id": account, **asdict(one)} for account, one in after.items() if before.get(account) != one]
