"""Who is on a full-size stage, as tables of numbers: accounts, and lanes of calls.

A `Register` takes accounts and actors from the ordinary range's own casting, or whole columns of people at once, and becomes a `Cast`:
what `moments` and `filling` need to make any day's calls, in arrays that another process can map. Identifiers are pseudonyms already.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from stillhunt import records
from stillhunt.intake import privacy
from stillhunt.intake.client_shape import client_columns
from stillhunt.intake.fingerprint import Fingerprinter
from stillhunt.range.calls import Account
from stillhunt.range.machinery import Client, Site
from stillhunt.range.scale.chance import key_of, keys
from stillhunt.range.scale.spelling import spell
from stillhunt.range.scale.voices import Voices
from stillhunt.range.stage import BUSY, CALM, MODELS, Actor, Weather

Array = npt.NDArray[Any]

LANE = np.dtype(
    [
        # what `filling` looks at lies within two cache lines
        ("account", "i4"),
        ("site", "i4"),
        ("home", "u8"),  # a rented server's own address; 0: none
        ("salt", "u8"),  # makes a template its own: only what templates have in common stays; 0: as it is
        ("parameters", "i8"),
        ("moves", "i8"),  # microseconds at which it takes up the new model; 0: never
        ("voice", "i4"),
        ("after", "i4"),  # voice of a conversation's later turns
        ("ware", "i4"),
        ("users", "i4"),  # end users whose ids are passed on
        ("limit", "i4"),  # most output tokens; 0: none
        ("content", "u1"),  # what: `CONTENTS`
        ("labelled", "u1"),  # whether the log knows the conversation's id
        ("surface", "u1"),
        ("model", "u1"),
        ("style", "u1"),  # when: `STYLES`
        ("weather", "u1"),
        ("habit", "u1"),  # how long conversations are: as people's talk, as coding, as an agent's sessions
        ("queue", "u2"),  # number of the operator's queue that it works off; 0: none
        ("begin", "i8"),
        ("until", "i8"),
        ("rate", "f4"),  # calls a day while it is at work, on average
        ("zone", "f4"),  # hours east of UTC
        ("size", "f4"),  # calls of one session, run or schedule's tick, on average
        ("patience", "f4"),
        ("level", "f4"),  # mean of its own clock and week, set by `moments.levels`
        ("week", "f4"),  # mean of its own week, set there, too
        ("voices", "i4"),  # so many voices from `voice` on are taken in turn
        ("period", "i8"),  # microseconds
        ("phase", "i8"),
        ("jitter", "i8"),
    ]
)
STYLES = {
    name: number for number, name in enumerate(("person", "office", "service", "batch", "steady", "schedule", "nightly", "tests", "quota"))
}
CONTENTS = {name: number for number, name in enumerate(("once", "talk", "tests", "items", "session", "paste", "cover"))}
SURFACES = ("api", "chat", "batch")
MODEL_NAMES = tuple(model.name for model in MODELS.values())
NEW = list(MODELS).index("new")
WEATHERS: list[Weather] = [CALM, BUSY]

SITE = np.dtype([("anchor", "i4"), ("anchors", "i4"), ("prefix", "i4"), ("prefixes", "i4"), ("steady", "f4")])
WARE = np.dtype([("agent", "i4"), ("ja4", "i4"), ("label", "i4"), ("shape", "i8"), ("parameters", "i8"), ("limit", "i4")])

QUEUE = np.dtype(
    [
        ("key", "u8"),
        ("opening", "i8"),
        ("end", "i8"),
        ("step", "f8"),  # microseconds between two turns
        ("lane", "i4"),  # its lanes lie side by side
        ("lanes", "i4"),
        ("failover", "f4"),
        ("voice", "i4"),
        ("voices", "i4"),
        ("own_words", "u1"),  # voice by account instead of by task
        ("central", "u1"),  # turns are dealt out; otherwise each lane has moments of its own
        ("rewords", "u1"),
    ]
)
"""An operator's queue of work. The first entry of a table is nobody's."""


@dataclass
class Cast:
    """Everything from which calls are made. `accounts` are in the order of `LANE.account`; so are `keys_` of the accounts' API keys."""

    accounts: pa.Table  # records.ACCOUNTS
    truth: pa.Table  # account_id, population, operator, campaign
    entitlements: pa.Table
    lanes: Array
    sites: Array
    anchors: Array  # addresses: number of the prefix << 32 | host
    prefix_lists: Array
    prefixes: pa.Array[Any]
    wares: Array
    agents: pa.Array[Any]
    ja4s: pa.Array[Any]
    labels: pa.Array[Any]
    weathers: Array  # (n, 4): shares of calls that are rate limited, fail, are bad, are withheld
    queues: Array
    closings: Array  # microseconds at which each account is closed; 0: never
    voices: Voices
    facts: dict[str, Any]

    def save(self, folder: Path) -> None:
        """Write all of it under `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, value in _parts(self):
            if isinstance(value, np.ndarray):
                np.save(folder / f"{name}.npy", value)
            elif isinstance(value, pa.Table | pa.Array):
                table = value if isinstance(value, pa.Table) else pa.table({"value": value})
                pq.write_table(table, folder / f"{name}.parquet", compression="zstd")
        (folder / "facts.json").write_text(json.dumps(self.facts))

    @staticmethod
    def facts_of(folder: Path) -> dict[str, Any]:
        """The facts alone of what `save` wrote."""
        facts: dict[str, Any] = json.loads((folder / "facts.json").read_text())
        return facts

    @classmethod
    def load(cls, folder: Path, *, tables: bool = True) -> Cast:
        """What `save` wrote; arrays are mapped, not read. Without `tables` accounts have only what calls show of them."""
        found: dict[str, Any] = {"facts": cls.facts_of(folder)}
        for path in folder.glob("*.npy"):
            found[path.stem] = np.load(path, mmap_mode="r")
        for path in folder.glob("*.parquet"):
            wanted = ["account_id", "organization_id"] if path.stem == "accounts" and not tables else None
            table = pq.read_table(path, columns=wanted)
            found[path.stem] = table["value"].combine_chunks() if table.column_names == ["value"] else table
        voices = Voices(**{f.name: found.pop(f"voices.{f.name}") for f in fields(Voices)})
        return cls(**found, voices=voices)


def _parts(cast: Cast) -> list[tuple[str, Any]]:
    own = [(f.name, getattr(cast, f.name)) for f in fields(cast)]
    return own + [(f"voices.{f.name}", getattr(cast.voices, f.name)) for f in fields(cast.voices)]


class Register:
    """Collects accounts and lanes. Accounts are numbered as they come."""

    def __init__(self, seed: int, key: bytes) -> None:
        self.seed = seed
        self.fingerprints = Fingerprinter(key)
        self.accounts = 0
        self.lanes: list[Array] = []
        self._rows: list[tuple[Any, ...]] = []
        self._tables: list[tuple[pa.Table, pa.Table, Array]] = []
        self._numbers: dict[int, int] = {}
        self._waiting: list[Account] = []
        self.prefixes: dict[str, int] = {}
        self._sites: list[tuple[int, int, int, int, float]] = []
        self._site_numbers: dict[int, tuple[Site, int]] = {}
        self.anchors: list[Array] = []
        self._anchor_count = 0
        self.prefix_lists: list[Array] = []
        self._prefix_count = 0
        self._wares: dict[tuple[Client, str], int] = {}
        self._weathers: dict[Weather, int] = {weather: number for number, weather in enumerate(WEATHERS)}
        self.queues: list[tuple[Any, ...]] = []

    # ---- one by one

    def number(self, account: Account) -> int:
        """The account's number; it is entered if it is new."""
        found = self._numbers.get(id(account))
        if found is None:
            found = self._numbers[id(account)] = self.accounts
            self.accounts += 1
            self._waiting.append(account)
        return found

    def play(self, actor: Actor, style: str, content: str, rate: float, begin: int, until: int, voice: int, **more: Any) -> int:
        """Add a lane of `actor`. Returns its number among the lanes added one by one."""
        row = {
            "account": self.number(actor.account),
            "style": STYLES[style],
            "content": CONTENTS[content],
            "weather": self.weather(actor.weather),
            "labelled": 0,
            "surface": SURFACES.index(actor.surface),
            "model": MODEL_NAMES.index(actor.model),
            "moves": actor.moves_at or 0,
            "begin": begin,
            "until": until,
            "rate": rate,
            "zone": actor.account.zone,
            "size": 4.0,
            "voice": voice,
            "voices": 1,
            "after": voice,
            "ware": self.ware(actor.client, actor.parameters),
            "limit": actor.limit or 0,
            "site": self.site(actor.site),
            "home": self.address(actor.home) if actor.site.kind == "hosting" else 0,
            "patience": actor.patience,
        } | more
        self._rows.append(tuple(row.get(name, 0) for name in LANE.names or ()))
        return len(self._rows) - 1

    def rows(self) -> int:
        """How many lanes were added one by one since the last `flush`."""
        return len(self._rows)

    def weather(self, weather: Weather) -> int:
        """The number of a weather."""
        return self._weathers.setdefault(weather, len(self._weathers))

    def ware(self, client: Client, parameters: dict[str, Any]) -> int:
        """The number of a program with what it always sends."""
        return self._wares.setdefault((client, orjson.dumps(parameters).decode()), len(self._wares))

    def prefix(self, text: str) -> int:
        """The number of a prefix."""
        return self.prefixes.setdefault(text, len(self.prefixes))

    def address(self, text: str) -> int:
        """An address as a number: its prefix and a host."""
        prefix, dot, host = text.rpartition(".")
        if dot and ":" not in text:
            return self.prefix(f"{prefix}.0/24") << 32 | int(host)
        return self.prefix(privacy.prefix(text) or text) << 32 | zlib.crc32(text.encode())

    def site(self, site: Site) -> int:
        """The number of a place."""
        known = self._site_numbers.get(id(site))
        if known is None:
            known = self._site_numbers[id(site)] = (site, len(self._sites))
            anchors = np.array([self.address(one) for one in site.anchors], np.uint64)
            listed = np.array([self.prefix(_narrow(one)) for one in site.prefixes], np.int32)
            self._sites.append((self._anchor_count, anchors.size, self._prefix_count, listed.size, site.steady))
            self.anchors.append(anchors)
            self.prefix_lists.append(listed)
            self._anchor_count += anchors.size
            self._prefix_count += listed.size
        return known[1]

    # ---- many at once

    def homes(self, anchors: Array, counts: Array, steady: Array) -> Array:
        """Enter as many places as `counts` has entries, with so many of `anchors` each. Returns their numbers."""
        first = self._anchor_count + np.concatenate([[0], np.cumsum(counts)[:-1]])
        begin = len(self._sites)
        self._sites += list(zip(first.tolist(), counts.tolist(), [0] * counts.size, [0] * counts.size, steady.tolist(), strict=True))
        self.anchors.append(anchors)
        self._anchor_count += anchors.size
        return np.arange(begin, begin + counts.size, dtype=np.int32)

    def enter(self, accounts: pa.Table, truth: pa.Table, closings: Array) -> int:
        """Enter many accounts at once. Returns the number of the first."""
        self.flush()
        first = self.accounts
        self._tables.append((accounts, truth, closings))
        self.accounts += accounts.num_rows
        return first

    def flush(self) -> Array:
        """Turn what came one by one into columns. Returns the lanes."""
        lanes = np.array(self._rows, LANE)
        self._rows = []
        if lanes.size:
            self.lanes.append(lanes)
        waiting, self._waiting = self._waiting, []
        if waiting:
            self._tables.append(self._columns(waiting))
        return lanes

    def _columns(self, waiting: list[Account]) -> tuple[pa.Table, pa.Table, Array]:
        names = records.CANONICAL_ACCOUNTS.names
        table = pa.table(
            {name: pa.array([getattr(one, name) for one in waiting], records.CANONICAL_ACCOUNTS.field(name).type) for name in names}
        )
        accounts = self.fingerprints.accounts(table, SOURCE)
        where = np.array([self.address(one.signup_ip) if one.signup_ip else 0 for one in waiting], np.uint64)
        at = accounts.column_names.index("signup_ip")
        accounts = accounts.set_column(at, records.ACCOUNTS.field("signup_ip"), pseudonyms("ip", where, self.seed, where != 0))
        truth = pa.table({name: pa.array([getattr(one, name) for one in waiting], pa.string()) for name in TRUTH_NAMES})
        return accounts, truth, np.array([one.closed_at or 0 for one in waiting], np.int64)

    def cast(self, voices: Voices, entitlements: list[dict[str, Any]], facts: dict[str, Any]) -> Cast:
        """Everything that was entered."""
        self.flush()
        wares, strings = self._software()
        lanes = np.concatenate(self.lanes)
        # negative so far: the program whose parameters they are
        sends = np.where(lanes["parameters"] < 0, -1 - lanes["parameters"], lanes["ware"])
        lanes["parameters"] = wares["parameters"][sends]
        lanes["limit"] = np.where(lanes["limit"] < 0, wares["limit"][sends], lanes["limit"])
        weathers = np.array([[w.rate_limited, w.server_error, w.bad_request, w.refused] for w in self._weathers], np.float64)
        return Cast(
            accounts=pa.concat_tables([one for one, _, _ in self._tables]),
            truth=pa.concat_tables([one for _, one, _ in self._tables]),
            entitlements=pa.Table.from_pylist(entitlements, records.ENTITLEMENTS),
            lanes=lanes,
            sites=np.array(self._sites, SITE),
            anchors=np.concatenate([*self.anchors, np.zeros(1, np.uint64)]),
            prefix_lists=np.concatenate([*self.prefix_lists, np.zeros(1, np.int32)]),
            prefixes=pa.array(list(self.prefixes), pa.string()),
            wares=wares,
            agents=strings[0],
            ja4s=strings[1],
            labels=strings[2],
            weathers=weathers,
            queues=np.array([(0,) * len(QUEUE.names or ()), *self.queues], QUEUE),
            closings=np.concatenate([one for _, _, one in self._tables]),
            voices=voices,
            facts=facts,
        )

    def _software(self) -> tuple[Array, list[pa.Array[Any]]]:
        clients = [client for client, _ in self._wares]
        agents = pa.array([client.user_agent for client in clients], pa.string())
        ja4s = pa.array([client.ja4 for client in clients], pa.string())
        headers = pa.array([orjson.dumps(dict(client.headers)).decode() for client in clients], pa.string())
        sent = [parameters for _, parameters in self._wares]
        columns = client_columns(agents, headers, pa.array(sent, pa.string()), ja4s)
        coded = [column.dictionary_encode() for column in (agents, ja4s, columns.label.cast(pa.string()))]
        wares = np.zeros(len(clients), WARE)
        for name, column in zip(("agent", "ja4", "label"), coded, strict=True):
            wares[name] = column.indices.fill_null(-1)
        wares["shape"] = columns.shape.fill_null(0)
        wares["parameters"] = columns.parameters.fill_null(0)
        for number, text in enumerate(sent):
            known = orjson.loads(text)
            limit = known.get("max_tokens", known.get("max_completion_tokens"))
            wares["limit"][number] = limit if isinstance(limit, int) else 0
        return wares, [column.dictionary for column in coded]


SOURCE = "range"
TRUTH_NAMES = ("account_id", "population", "operator", "campaign")


def _narrow(prefix: str) -> str:
    """A prefix as intake writes it: /24, or /48 for IPv6."""
    return privacy.prefix(prefix.partition("/")[0]) or prefix


def pseudonyms(kind: str, values: Array, seed: int, valid: Array) -> pa.Array[Any]:
    """Pseudonyms that look like intake's, one for each number; null where not `valid`."""
    return hexed(f"{kind}:", values, seed ^ zlib.crc32(kind.encode()), 32, valid)


def hexed(head: str, values: Array, seed: int, digits: int, valid: Array | None = None) -> pa.Array[Any]:
    """`head` and `digits` hexadecimal digits that depend on the number and the seed."""
    return spell(head, values, key_of(seed), digits, valid)


def fresh_numbers(seed: int, what: str, count: int) -> Array:
    """`count` numbers that nothing else has."""
    return keys(key_of(seed, zlib.crc32(what.encode())), count)
