"""The digest of every account: what its calls come to, folded once, in the order in which they were taken in.

In: the lake's interactions and accounts. Out: `Digest`, all that channels, pools and campaigns look at.
May import: records, errors, lake, compiled, intake.fingerprint's hashes. A scan reads each call once; the next scan only those
that are new. Everything is bounded per account (about four kilobytes) and a function of the calls and their order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.channels.digest import kernels, reading
from stillhunt.channels.digest.keeping import remember
from stillhunt.channels.digest.kernels import Held, Rows, Units
from stillhunt.channels.digest.state import SHARDS, Shard, State
from stillhunt.channels.threads import THREADS, in_threads

Index = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


_LARGE = ("hours", "pauses", "idle", "answers", "lengths", "thoughts", "networks", "clients", "parameters", "models", "handoffs", "shared")
"""What channels ask of a digest, and nobody after them."""


class Span(NamedTuple):
    """The first and the last call in view, microseconds since 1970."""

    first: int
    last: int


class Histogram:
    """An account's values in bins. `scale` says in words what the numbers are."""

    def __init__(self, state: State, begin: int, edges: Floats, order: Index, scale: str) -> None:
        self._state, self._begin, self._edges, self._order, self.scale = state, begin, edges, order, scale

    def quantile(self, q: float) -> Floats:
        """The quantile of each account, in `scale`, linear inside a bin; nan where there is nothing. Shape (accounts,)."""
        bins, begin, edges = self._state.rows["bins"], self._begin, self._edges
        (found,) = self._state.derived.of(
            f"quantile.{begin}.{q}", self._order.size, lambda rows: (reading.quantile(bins, rows, begin, edges, q),)
        )
        return np.asarray(found[self._order])

    @cached_property
    def entries(self) -> Index:
        """How many values each account has."""
        bins, begin, end = self._state.rows["bins"], self._begin, self._begin + self._edges.size - 1
        (found,) = self._state.derived.of(f"entries.{begin}", self._order.size, lambda rows: (reading.total(bins, rows, begin, end),))
        return np.asarray(found[self._order])


class Slots:
    """An account's most frequent values of a category."""

    def __init__(self, state: State, column: str, names: pa.Array[Any], order: Index) -> None:
        self.names = names
        self._state, self._column, self._order = state, column, order

    def dominant(self, groups: pa.Array[Any] | None = None, called: str = "") -> tuple[pa.DictionaryArray[Any, Any], Index, Index]:
        """The value that most of an account's calls show: (values, its calls, all calls with a value); of equal ones the first by name.

        Args:
            groups: a group for each of `names`, null for none: the dominant group is asked for instead.
            called: what the groups are, if a name always has the same: then what is found is kept.
        """
        words = self.names if groups is None else groups
        encoded = words.dictionary_encode() if len(words) else pa.array([], pa.string()).dictionary_encode()
        distinct = encoded.dictionary.cast(pa.string())
        group = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32)
        rank = np.empty(len(distinct), np.int64)
        rank[pc.sort_indices(distinct).to_numpy()] = np.arange(len(distinct))
        values, times = self._state.rows[self._column], self._state.rows[f"{self._column}_calls"]
        # a name that is new is numbered after all others, so that numbers of groups stay what they were
        work: Callable[[Index], tuple[npt.NDArray[Any], ...]] = lambda rows: reading.dominant(values, times, rows, group, rank)  # noqa: E731
        if groups is None or called:
            best, most, everything = self._state.derived.of(f"dominant.{self._column}.{called}", self._order.size, work)
        else:
            best, most, everything = work(np.arange(self._order.size))
        best = best[self._order]
        indices = pa.array(best, pa.int32(), mask=best < 0)
        return pa.DictionaryArray.from_arrays(indices, distinct), most[self._order], everything[self._order]


@dataclass(frozen=True)
class Models:
    """The models that accounts used. Arrays have shape (accounts, slots), -1 where there is none.

    Attributes:
        model: number of a name in `names`.
        first: microseconds of the first call to it.
        calls: calls to it.
        before: calls of the account before its first call to it.
        names: of models.
    """

    model: npt.NDArray[np.int32]
    first: Index
    calls: npt.NDArray[np.uint32]
    before: npt.NDArray[np.uint32]
    names: pa.Array[Any]


@dataclass(frozen=True)
class Grams:
    """Grams that recur in accounts' requests, sorted by account and gram; times in microseconds."""

    accounts: Index
    grams: Index
    occurrences: Index
    first: Index
    last: Index


@dataclass(frozen=True)
class Handoffs:
    """Accounts that gave or took a refused request, sorted by account and key; times in microseconds."""

    accounts: Index
    keys: Index
    first: Index
    last: Index
    occurrences: Index


@dataclass(frozen=True)
class Shared:
    """Requests that two accounts or more sent word for word, among those sampled, sorted by account and key.

    `sampled` is the number of each account's sampled calls, shape (accounts,); where `rate` is 1 all its calls with words are.
    """

    accounts: Index
    keys: Index
    calls: Index
    sampled: Index
    rate: float


@dataclass(frozen=True)
class Sampled:
    """Units of chosen accounts; columns of equal length, ordered as the accounts were.

    Attributes:
        of: which of the chosen accounts.
        weight: how many like it the account has sent for each in the sample (1 / the account's sampling rate).
        key, prompt: hashes of the unit and of its first request (0 without words).
        calls, seconds, output, messages, shape: calls; time of the first; its output tokens, messages and shape, -1 for null.
        conversation, single: whether it is a conversation, and whether its first call had one message at most.
        grams: shape (units, UNIT_GRAMS), -1 where there are fewer.
    """

    of: Index
    weight: Floats
    key: npt.NDArray[np.uint64]
    prompt: npt.NDArray[np.uint64]
    calls: Index
    seconds: Index
    output: Floats
    messages: Index
    shape: Index
    conversation: npt.NDArray[np.bool_]
    single: npt.NDArray[np.bool_]
    grams: npt.NDArray[np.int32]


@dataclass(frozen=True)
class Slices:
    """What accounts' answered calls come to, in a slice of them; shape (accounts,) each, nan where not known."""

    share: Floats
    fresh: Floats
    single: Floats
    answered: Floats


class Digest:
    """All accounts' digests. Arrays have one entry an account, in the order of `accounts`, if nothing else is said.

    Attributes:
        accounts: ids of all accounts that have called, sorted.
        people: what is known of them: columns of `records.ACCOUNTS`, row i is account i (null where nothing is known).
        filled: columns of interactions and accounts ("accounts.email_domain") that have any value.
        network_kinds: kind of each network of `networks.names`, null where not known.
    """

    def __init__(
        self, state: State, order: Index, people: pa.Table, filled: frozenset[str], network_kinds: pa.Array[Any] | None = None
    ) -> None:
        """`order` sorts the ids of `state`, and `people` is in that order."""
        self._state = state
        self._size = state.accounts
        ids = state.names.accounts.strings
        self._order = order
        self._rank = np.empty(self._size, np.int64)
        self._rank[self._order] = np.arange(self._size)
        self.ids: pa.Array[Any] = ids.take(pa.array(self._order, pa.int64()))
        self.people = people
        self.filled = filled
        self.network_kinds = network_kinds

    @cached_property
    def accounts(self) -> list[str]:
        """Ids, sorted."""
        return [str(one) for one in self.ids.to_pylist()]

    def remember(self) -> None:
        """Keep what was worked out of accounts beside their records, if these are kept."""
        remember(self._state)

    def put_aside(self) -> None:
        """Give memory back: what is large is worked out again when it is asked for next, and what is mapped is read again."""
        for name in _LARGE:
            self.__dict__.pop(name, None)
        self._state.put_aside()

    def _row(self, name: str) -> npt.NDArray[Any]:
        return np.asarray(self._state.rows[name][: self._size][self._order])

    @property
    def interactions(self) -> int:
        """Calls in view."""
        return self._state.calls

    @cached_property
    def span(self) -> Span:
        """First and last call in view."""
        return Span(int(self.first.min()), int(self.last.max()))

    @cached_property
    def calls(self) -> Index:
        """Calls."""
        return self._row("calls")

    @cached_property
    def answered(self) -> Index:
        """Calls that were not refused: without a status, or with one below 400."""
        return self._row("answered")

    @cached_property
    def requests(self) -> Index:
        """Separate requests with words: calls that replay a conversation do not count."""
        return self._row("requests")

    @cached_property
    def tokens(self) -> Index:
        """Output tokens in all."""
        return self._row("tokens")

    @cached_property
    def first(self) -> Index:
        """First call, microseconds."""
        return self._row("first")

    @cached_property
    def last(self) -> Index:
        """Last call, microseconds."""
        return self._row("last")

    @cached_property
    def days(self) -> Index:
        """Days (UTC) with calls."""
        return self._row("days").astype(np.int64)

    @cached_property
    def squares(self) -> Floats:
        """Sum over days of the square of the day's calls."""
        return self._row("squares")

    @cached_property
    def hours(self) -> npt.NDArray[np.uint32]:
        """Calls by hour of the day (UTC), shape (accounts, 24)."""
        return self._row("hours")

    def quietest(self, wide: int) -> Index:
        """Calls in an account's quietest `wide` hours of the day (UTC) in a row, around midnight, too."""
        hours = self._state.rows["hours"]
        (found,) = self._state.derived.of(f"quietest.{wide}", self._size, lambda rows: (reading.quietest(hours, rows, wide),))
        return np.asarray(found[self._order])

    def _histogram(self, begin: int, edges: Floats, scale: str) -> Histogram:
        return Histogram(self._state, begin, edges, self._order, scale)

    @cached_property
    def pauses(self) -> Histogram:
        """Pauses between successive calls."""
        return self._histogram(kernels.PAUSE_AT, np.arange(kernels.PAUSE_BINS + 1) / 8.0, "log2(1 + seconds)")

    @cached_property
    def idle(self) -> Histogram:
        """The longest pause that begins on each day, but for the day of the last call, of which it is not known yet."""
        edges = np.concatenate([np.arange(48) / 4.0, 12.0 + np.arange(24) / 2.0, 24.0 * 2.0 ** (np.arange(21) / 4.0)])
        return self._histogram(kernels.IDLE_AT, edges, "hours")

    @cached_property
    def answers(self) -> Histogram:
        """Output tokens of answered calls."""
        return self._histogram(kernels.ANSWER_AT, np.arange(kernels.SIZE_BINS + 1) / 4.0, "log2(1 + tokens)")

    @cached_property
    def lengths(self) -> Histogram:
        """Characters of the requests of answered calls."""
        return self._histogram(kernels.REQUEST_AT, np.arange(kernels.SIZE_BINS + 1) / 4.0, "log2(1 + characters)")

    @cached_property
    def thoughts(self) -> Histogram:
        """Reasoning tokens of answered calls that had any."""
        return self._histogram(kernels.THOUGHT_AT, np.arange(kernels.SIZE_BINS + 1) / 4.0, "log2(1 + tokens)")

    def _slots(self, name: str, names: pa.Array[Any]) -> Slots:
        return Slots(self._state, name, names, self._order)

    @cached_property
    def networks(self) -> Slots:
        """Networks that calls came from."""
        return self._slots("network", self._state.names.networks.strings)

    @cached_property
    def clients(self) -> Slots:
        """Shapes of clients: "label #shape"."""
        shapes = self._state.names.clients.keys.view(np.int64)
        words = [f"{label} #{shape}" for label, shape in zip(self._state.names.labels, shapes.tolist(), strict=True)]
        return self._slots("client", pa.array(words, pa.string()))

    @cached_property
    def parameters(self) -> Slots:
        """Hashes of request parameters."""
        return self._slots("parameters", pa.array(self._state.names.parameters.keys.view(np.int64)).cast(pa.string()))

    @cached_property
    def models(self) -> Models:
        """Models that were asked for."""
        model, first, calls, before = (self._row(name) for name in ("model", "model_first", "model_calls", "model_before"))
        return Models(model, first, calls, before, self._state.names.models.strings)

    def _by_shard(self, wanted: npt.NDArray[np.bool_]) -> Iterator[tuple[Shard, Index]]:
        """Each shard with the rows of its accounts that are wanted."""
        for number, shard in enumerate(self._state.shards):
            yield shard, number + SHARDS * np.flatnonzero(wanted[number::SHARDS])

    def recurring(self, share: float, often: int, seldom: float) -> Grams:
        """Grams in at least `share` of an account's requests, or in `seldom` of them if these are at least `often`."""
        rows, derived, name = Rows(**self._state.rows), self._state.derived, f"recurring.{share}.{often}.{seldom}"
        known = [derived.kept[f"{name}.{at}"] for at in range(5)] if f"{name}.0" in derived.kept else None
        unknown = derived.unknown(f"{name}.0", self._size)
        parts = [reading.recurring(rows, Held(**shard.held), chosen, share, often, seldom) for shard, chosen in self._by_shard(unknown)]
        if known is not None:
            left = ~unknown[known[0]]
            parts.append(tuple(one[left] for one in known))
        columns = [np.concatenate([part[at] for part in parts]) for at in range(5)]
        if known is None:
            derived.made |= {f"{name}.{at}": one for at, one in enumerate(columns)}
        who, gram, times, first, last = columns
        # the grams of an account are in order, and stay so
        who = self._rank[who]
        order = kernels.by_account(who, self._size)
        return Grams(who[order], gram[order], times[order], first[order] * 1_000_000, last[order] * 1_000_000)

    @cached_property
    def handoffs(self) -> Handoffs:
        """Refused requests that another account took over."""
        found = self._state.handoffs or [
            (np.zeros(0, np.uint64), np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, np.int64), np.zeros(0, np.int64))
        ]
        key, giver, taker, failed, taken = (np.concatenate([one[at] for one in found]) for at in range(5))
        who = self._rank[np.concatenate([giver, taker])]
        keys = np.concatenate([key, key]).view(np.int64)
        order = np.lexsort((keys, who))
        who, keys = who[order], keys[order]
        first, last = np.concatenate([failed, failed])[order], np.concatenate([taken, taken])[order]
        starts = _starts(who, keys)
        times = np.diff(np.append(starts, who.size))
        if not starts.size:
            return Handoffs(who, keys, first, last, times)
        return Handoffs(who[starts], keys[starts], np.minimum.reduceat(first, starts), np.maximum.reduceat(last, starts), times)

    @cached_property
    def shared(self) -> Shared:
        """Requests that more than one account sent word for word."""
        pairs = self._pairs
        several = reading.holders(pairs.key) >= 2
        who = self._rank[pairs.account[several]]
        keys, calls = pairs.key[several].view(np.int64), pairs.calls[several].astype(np.int64)
        order = np.lexsort((keys, who))
        sampled = np.bincount(pairs.account, weights=pairs.calls, minlength=self._size).astype(np.int64)
        rate = min(1.0, float(pairs.below) / 2.0**64)
        return Shared(who[order], keys[order], calls[order], sampled[self._order], rate)

    @property
    def _pairs(self) -> Any:
        self._state.pairs.settle()
        return self._state.pairs

    def distinct(self, members: Index) -> tuple[int, int]:
        """Of the sampled requests of some accounts: (distinct ones, distinct ones account by account)."""
        pairs = self._pairs
        chosen = np.zeros(self._size, np.bool_)
        chosen[self._order[members]] = True
        keys = pairs.key[chosen[pairs.account]]
        return (int(np.count_nonzero(keys[1:] != keys[:-1])) + 1 if keys.size else 0), int(keys.size)

    def units_of(self, members: Index) -> Sampled:
        """The units of some accounts."""
        rows = Rows(**{name: array[: self._size] for name, array in self._state.rows.items()})
        chosen = self._order[members]
        parts = []
        for number, shard in enumerate(self._state.shards):
            mine = np.flatnonzero(chosen % SHARDS == number)
            who, where = reading.units_of(rows, Units(**shard.units), chosen[mine])
            parts.append(_sampled(shard.units, mine[who], where, rows.below[chosen[mine]][who]))
        joined = [np.concatenate([part[at] for part in parts]) for at in range(len(parts[0]))]
        order = np.argsort(joined[0], kind="stable")
        return Sampled(*(column[order] for column in joined))

    def slices(self, top: Index) -> Slices:
        """Quantities of the units that have an account's gram `top`; of all its units where that is -1."""
        rows, derived = Rows(**self._state.rows), self._state.derived
        by_row = np.empty(self._size, np.int64)
        by_row[self._order] = top
        out = np.full((4, self._size), np.nan)
        unknown = derived.unknown("slices", self._size)
        if "slices" in derived.kept:
            unknown[: derived.accounts] |= by_row[: derived.accounts] != derived.kept["slices.top"]
            out[:, : derived.accounts] = derived.kept["slices"]
        else:
            derived.made |= {"slices": out, "slices.top": by_row}
        for shard, chosen in self._by_shard(unknown):
            reading.slices(rows, Units(**shard.units), chosen, by_row, out)
        return Slices(*(column[self._order] for column in out))

    def times_of(self, members: Index) -> tuple[Index, Index, npt.NDArray[np.bool_]]:
        """The calls of some accounts: (position, microseconds, whether from a batch), in the order in which they were taken in."""
        chosen = np.zeros(self._size, np.bool_)
        chosen[self._order[members]] = True
        parts = []
        for account, micros in self._state.trace.pieces():
            cuts = np.linspace(0, account.size, THREADS + 1).astype(np.int64)
            parts += in_threads(lambda part: reading.traced(account[part], micros[part], chosen), map(slice, cuts[:-1], cuts[1:]))  # noqa: B023
        who, when, batch = (np.concatenate([part[at] for part in parts]) for at in range(3))
        return self._rank[who], when, batch

    def latest(self, groups: Sequence[Index], most: int) -> list[tuple[Index, Index]]:
        """For each group of accounts its latest calls, `most` of them at most, but for those from batches: (position, microseconds)."""
        if not groups:
            return []
        rows = self._order[np.concatenate(groups)]
        numbers = np.repeat(np.arange(len(groups)), [group.size for group in groups])
        order = np.argsort(rows, kind="stable")
        starts = np.searchsorted(rows[order], np.arange(self._size + 1))
        room = np.array([min(most, int(self.calls[group].sum())) for group in groups], np.int64)
        ends = np.cumsum(room)
        at, left = ends - room, room.copy()
        row, micros = np.empty(int(ends[-1]), np.int64), np.empty(int(ends[-1]), np.int64)
        begun = at.copy()
        for account, when in self._state.trace.pieces(backwards=True):
            reading.latest(account, when, starts, numbers[order], left, at, row, micros)
            if not left.any():
                break
        return [(self._rank[row[begin:end]], micros[begin:end]) for begin, end in zip(begun, at, strict=True)]

    @cached_property
    def drawn(self) -> npt.NDArray[np.uint64]:
        """A number for each account, drawn by its id: the order in which strangers are taken as examples."""
        return self._state.names.accounts.keys[self._order]


def _starts(*columns: npt.NDArray[Any]) -> Index:
    """Where runs of equal rows of sorted columns begin."""
    if not columns[0].size:
        return np.zeros(0, np.int64)
    changed = np.zeros(columns[0].size, np.bool_)
    changed[0] = True
    for column in columns:
        changed[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(changed)


def _sampled(units: dict[str, npt.NDArray[Any]], who: Index, where: Index, below: npt.NDArray[np.uint64]) -> list[npt.NDArray[Any]]:
    at = (where // kernels.BLOCK, where % kernels.BLOCK)
    flags = units["flags"][at]
    words = flags & kernels.NO_WORDS == 0
    grams = units["grams"][at].copy()
    grams[np.arange(kernels.UNIT_GRAMS)[None, :] >= units["size"][at][:, None]] = -1
    return [
        who,
        2.0**64 / np.maximum(below.astype(np.float64), 1.0),
        units["key"][at],
        np.where(words, units["prompt"][at], np.uint64(0)),
        units["calls"][at].astype(np.int64),
        units["seconds"][at].astype(np.int64),
        units["output"][at].astype(np.float64),
        units["messages"][at].astype(np.int64),
        units["shape"][at],
        flags & kernels.CONVERSATION > 0,
        flags & kernels.SINGLE > 0,
        grams,
    ]
