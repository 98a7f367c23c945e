"""LiteLLM's ordinary payloads, read by the block in compiled loops, without an object for each value.

`scan` gives the rows that decoding the lines and `LiteLLM.read` would give, and names the lines that it leaves to them: it takes what
nearly every call looks like (messages and one choice of plain text, ids as text, times as numbers) and is never sure of anything
else, so that `litellm.py` stays the definition of the format and the only place that says what is wrong with a record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.compiled import compiled
from stillhunt.compiled.instructions import pairs_at, zeros_below
from stillhunt.intake.bodies import LETTERS, NO_TEXT, REDACTED, TRUNCATION_MARKS, Body, set_tools
from stillhunt.intake.formats import Also, Context, Scan
from stillhunt.intake.formats.litellm_calls import call_type_of, is_pass_through, kind_of_call
from stillhunt.intake.formats.litellm_fields import (
    NO_MODEL,
    NOT_TEAMS,
    attempt_of,
    client_headers,
    first_seen_account,
    outcome,
    split_parameters,
)
from stillhunt.intake.formats.placeholders import ABSENT, LONGEST_WORD, NO_CALL, NOBODY, REFUSED, ROTATING
from stillhunt.intake.formats.usage import CACHED, GIVEN_DETAILS, REASONING, SPENT_DETAILS
from stillhunt.intake.formats.values import EARLIEST, LATEST, address, decoded
from stillhunt.intake.scanning import (
    COUNT,
    IDENTIFIER,
    NOTHING,
    NULL,
    NUMBER,
    RAW,
    TEXT,
    Each,
    Kernel,
    One,
    Plan,
    Scanned,
    Tables,
    Wanted,
    alike,
    scan,
    word,
)
from stillhunt.intake.spans import SLACK, Several, counts, large_strings, numbers, room, strings, unescaped
from stillhunt.records import INTAKE_INTERACTIONS, TIMESTAMP

_ELSEWHERE = tuple(
    name
    for name in (*REASONING, *CACHED, "cache_read", *GIVEN_DETAILS, *SPENT_DETAILS)
    if name not in ("cache_read_input_tokens", "prompt_tokens_details", "completion_tokens_details")
)
"""Other names of reasoning and cached tokens: a line that has one is left to `usage.tokens_of`."""


def _nothing(names: Sequence[str]) -> dict[str, int]:
    return dict.fromkeys(names, NOTHING)


_WANTED: Wanted = {
    **dict.fromkeys(("id", "litellm_call_id", "session_id", "trace_id", "end_user"), IDENTIFIER),
    **dict.fromkeys(("model", "model_group", "user_agent"), TEXT),
    **dict.fromkeys(("call_type", "status", "error_information", "model_parameters", "requester_ip_address"), RAW),
    **dict.fromkeys(("prompt_tokens", "completion_tokens"), COUNT),
    **dict.fromkeys(("startTime", "endTime"), NUMBER),
    "proxy_server_request": NOTHING,
    "metadata": {
        **dict.fromkeys(("user_api_key_hash", "user_api_key_user_id", "user_api_key_org_id", "user_api_key_team_id"), IDENTIFIER),
        **dict.fromkeys(("user_api_key_user_email", "user_agent"), TEXT),
        **dict.fromkeys(("requester_ip_address", "requester_custom_headers", "headers"), RAW),
        "proxy_server_request": NOTHING,
        "usage_object": {
            "completion_tokens_details": {"reasoning_tokens": COUNT, **_nothing(REASONING[1:])},
            "prompt_tokens_details": {"cached_tokens": COUNT, **_nothing((*CACHED[1:], "cache_read"))},
            "cache_read_input_tokens": COUNT,
            **dict.fromkeys(("total_tokens", "prompt_tokens", "completion_tokens"), RAW),
            **_nothing(_ELSEWHERE),
        },
    },
    "messages": Each({"role": TEXT, "content": TEXT}),
    "response": {
        "model": TEXT,
        "choices": One(
            {
                "message": {
                    "content": TEXT,
                    **dict.fromkeys(("tool_calls", "function_call", "reasoning_content", "reasoning", "thinking_blocks"), NOTHING),
                },
                "finish_reason": TEXT,
            }
        ),
    },
}
_COUNTED = (
    *("total_tokens", "prompt_tokens", "completion_tokens", "cache_read_input_tokens"),
    *("completion_tokens_details.reasoning_tokens", "prompt_tokens_details.cached_tokens"),
)
_PLAN = Plan(_WANTED, {role.encode(): ord(letter) for role, letter in LETTERS.items()})
_ROLE, _CONTENT = _PLAN.each["messages.role"], _PLAN.each["messages.content"]
_USAGE = "metadata.usage_object"
_ANSWER = "response.choices.message"
_SYSTEM, _OTHER = ord("s"), ord("o")
_NOTHING = np.array([NULL, NULL, 0])
_MARKS = tuple(mark.encode() for mark in TRUNCATION_MARKS)
_LAST, _WITHIN = (np.frombuffer(mark, np.uint8) for mark in _MARKS)
_TAIL = 640  # bytes of the 160 characters at the end of a text among which the first mark is looked for
_REDACTED = np.frombuffer(REDACTED.encode(), np.uint8)
_ABSENT, _NO_CALL, _NOBODY, _NO_TEAM, _NO_MODEL = (
    pa.array(sorted(words), pa.string()) for words in (ABSENT, NO_CALL, ABSENT | NOBODY, ABSENT | NOBODY | NOT_TEAMS, NO_MODEL)
)
_REFUSED = pa.array(sorted(REFUSED), pa.int32())
_NO_TEXTS = sorted(word.encode() for word in NO_TEXT if word != REDACTED)
_WORDS = np.frombuffer(b"".join(_NO_TEXTS), np.uint8)
_WORD_ENDS = np.cumsum([0, *map(len, _NO_TEXTS)])
_PARTS = tuple(np.frombuffer(word, np.uint8) for word in (b"sess", b"conv", b"thre", b"_acc"))
"""Where an identity may hold more than one: what of it is stable, `placeholders.somebody` knows."""
_TOKENS = tuple(np.frombuffer(word.encode(), np.uint8) for word in ROTATING)
_signed: Any = np.int64  # inside kernels numba knows the types, mypy does not
_ONE = np.uint64(1)
_UNDERSCORE, _T, _L, _M = (np.uint8(ord(sign)) for sign in "_tlm")


# --------------------------------------------------------------------------------------------------------------------
# Loops over spans and texts.


@compiled
def _says(data: Kernel, start: int, end: int, words: Kernel) -> bool:
    if end - start != words.size:
        return False
    for j in range(words.size):  # noqa: SIM110  # compiled loops know no generators
        if data[start + j] != words[j]:
            return False
    return True


@compiled
def _same(data: Kernel, one: Kernel, other: Kernel, found: Kernel) -> None:
    """Where two columns of spans say the same; ids hold no escapes."""
    for row in range(found.size):
        size = one[row, 1] - one[row, 0]
        same = one[row, 0] >= 0 and other[row, 0] >= 0 and other[row, 1] - other[row, 0] == size
        found[row] = same and alike(data, one[row, 0], other[row, 0], size) == size


@compiled
def _is(data: Kernel, spans: Kernel, words: Kernel, found: Kernel) -> None:
    for row in range(found.size):
        found[row] = spans[row, 0] >= 0 and _says(data, spans[row, 0], spans[row, 1], words)


@compiled
def _odd(data: Kernel, spans: Kernel, parts: tuple[Kernel, ...], found: Kernel) -> None:
    """Which identities are not an id and nothing else: a blob, several joined, or with blanks around them."""
    for row in range(found.size):
        start, end = spans[row, 0], spans[row, 1]
        if start < 0 or end <= start:
            continue
        sign = data[start]
        if sign <= 0x20 or data[end - 1] <= 0x20 or sign in (0x7B, 0x5B, 0x22, 0x27):
            found[row] = True
        for i in range(start, end - 3):
            if data[i] == 0x73 or data[i] == 0x63 or data[i] == 0x74 or data[i] == 0x5F:
                for part in parts:
                    found[row] |= _says(data, i, i + 4, part)


@compiled
def _stands(offsets: Kernel, data: Kernel, words: Kernel, ends: Kernel, skipped: int, found: Kernel) -> None:
    """Which texts are one of `words` up to their end, or up to the next turn, behind so many bytes."""
    for row in range(found.size):
        start, end = offsets[row] + skipped, offsets[row + 1]
        for n in range(ends.size - 1):
            until = start + ends[n + 1] - ends[n]
            if until <= end and (until == end or data[until] == 0x1E):
                found[row] |= _says(data, start, until, words[ends[n] : ends[n + 1]])


@compiled
def _said(
    data: Kernel,
    rows: Kernel,
    ends: Kernel,
    items: Kernel,
    tables: Tables,
    systems: tuple[Kernel, Kernel],
    turns: tuple[Kernel, Kernel],
) -> bool:
    """System texts and transcripts: offsets and bytes, nothing where there is none. False when a role is escaped, which nobody does."""
    at = system_at = 0
    text, system = turns[1], systems[1]
    for n in range(rows.size):
        begun, system_begun = at, system_at
        spoken = redacted = False
        for item in range(ends[rows[n]], ends[rows[n] + 1]):
            role, content = items[item, _ROLE], items[item, _CONTENT]
            if role[2]:
                return False
            letter = word(data, role[0], role[1] - role[0], tables, _OTHER)
            if letter == _SYSTEM:
                if spoken:
                    system[system_at] = 0x0A
                    system_at += 1
                system_at = unescaped(data, content[0], content[1], system, system_at, False)
                spoken = True
                continue
            text[at], text[at + 1] = 0x1E, letter
            until = unescaped(data, content[0], content[1], text, at + 2, True)
            redacted |= at == begun and _says(text, at + 2, until, _REDACTED)
            at = until
        if redacted:
            at = begun
        if _says(system, system_begun, system_at, _REDACTED):
            system_at = system_begun
        turns[0][n + 1], systems[0][n + 1] = at, system_at
    return True


@compiled
def _cut(offsets: Kernel, data: Kernel, found: Kernel) -> None:
    """Which texts LiteLLM may have cut: those that hold one of its marks, the first one near their end."""
    for row in range(found.size):
        start, end = offsets[row], offsets[row + 1]
        for i in range(start, end, 32):
            marks = pairs_at(data, i, _UNDERSCORE, _T)
            while marks:
                at = i + _signed(zeros_below(marks)) - 7
                found[row] |= start <= at and at + _WITHIN.size <= end and _says(data, at, at + _WITHIN.size, _WITHIN)
                marks &= marks - _ONE
        start = max(start, end - _TAIL)
        for i in range(start, end, 32):
            marks = pairs_at(data, i, _L, _M)
            while marks:
                at = i + _signed(zeros_below(marks)) - 18
                found[row] |= start <= at and at + _LAST.size <= end and _says(data, at, at + _LAST.size, _LAST)
                marks &= marks - _ONE


# --------------------------------------------------------------------------------------------------------------------
# Columns that come from few distinct values.


_NO_METADATA: Mapping[str, Any] = {}


def _kind_of_call(values: Sequence[Any]) -> tuple[Any, ...] | None:
    call_type = call_type_of({"call_type": values[0]}, _NO_METADATA)
    if is_pass_through(call_type) or values[0] in (None, ""):
        return None  # what was asked stands as text in a message; what it was, in the metadata
    kind = kind_of_call(call_type)
    return (None, None, True) if kind is None else (*kind, False)


def _outcome(values: Sequence[Any]) -> tuple[Any, ...]:
    return *outcome({"error_information": values[0], "status": values[1]}, "error_information"), values[1] == "failure"


def _parameters(values: Sequence[Any]) -> tuple[Any, ...] | None:
    parameters, tools, system = split_parameters(values[0], "model_parameters")
    if system is not None:
        return None  # the system's instructions stand among the parameters
    body = Body()
    if tools:
        set_tools(body, decoded(tools))
    return parameters, body.tools, body.tool_count, body.truncated


def _headers(values: Sequence[Any]) -> tuple[Any, ...]:
    return (client_headers({"requester_custom_headers": values[0], "headers": values[1]}, None),)


def _address(values: Sequence[Any]) -> tuple[Any, ...]:
    return (address(values[0] or values[1], "requester_ip_address"),)


_FEW = (
    ((Several(_kind_of_call, pa.string(), pa.string(), pa.bool_()), ("call_type",)), ("surface", "operation", "other")),
    ((Several(_outcome, pa.int32(), pa.string(), pa.bool_()), ("error_information", "status")), ("http_status", "error_type", "failed")),
    (
        (Several(_parameters, pa.string(), pa.large_string(), pa.int32(), pa.bool_()), ("model_parameters",)),
        ("request_parameters", "tools", "tool_count", "truncated"),
    ),
    ((Several(_headers, pa.string()), ("metadata.requester_custom_headers", "metadata.headers")), ("client_headers",)),
    ((Several(_address, pa.string()), ("requester_ip_address", "metadata.requester_ip_address")), ("client_ip",)),
)


# --------------------------------------------------------------------------------------------------------------------
# Blocks to rows.


class _Spans:
    """Columns of spans by their paths, of some lines."""

    def __init__(self, scanned: Scanned, lines: Kernel) -> None:
        self.data, self.lines = scanned.data, lines
        self._whole, self._all = scanned.spans, len(lines) == len(scanned.spans)

    def __getitem__(self, path: str) -> Kernel:
        slot = _PLAN.slots[path]
        found: Kernel = self._whole[:, slot] if self._all else self._whole[self.lines, slot]  # a copy of one column, not of all
        return found

    def there(self, path: str) -> Kernel:
        """Where there is a value, and not null."""
        found: Kernel = self[path][:, 0] >= 0
        return found

    def same(self, one: Kernel, other: Kernel) -> Kernel:
        """Where two ids are the same."""
        found = np.zeros(len(self.lines), np.bool_)
        _same(self.data, one, other, found)
        return found

    def named(self, path: str, words: pa.Array[Any] = _ABSENT, *, trimmed: bool = True) -> Kernel:
        """An id's or a name's spans, none where it is one of the placeholders `words`, with blanks around it if `trimmed`."""
        spans = self[path]
        short = np.flatnonzero(_full(spans) & ((spans[:, 1] - spans[:, 0] <= LONGEST_WORD) | (spans[:, 2] != 0)))
        if not short.size:
            return spans
        found = np.zeros(len(self.lines), np.bool_)
        values: Any = strings(self.data, spans[short])
        found[short] = pc.is_in(pc.ascii_trim_whitespace(values) if trimmed else values, value_set=words).to_numpy(zero_copy_only=False)
        return _blanked(spans, found) if found.any() else spans

    def odd(self, *paths: str) -> Kernel:
        """Where one of these identities is not an id and nothing else."""
        found = np.zeros(len(self.lines), np.bool_)
        for path in paths:
            _odd(self.data, self[path], _PARTS, found)
        return found

    def rotating(self, spans: Kernel) -> Kernel:
        """Where a key's hash is that of a token."""
        found = np.zeros(len(self.lines), np.bool_)
        for begin in _TOKENS:
            rows = np.flatnonzero((spans[:, 0] >= 0) & (spans[:, 1] - spans[:, 0] >= begin.size))
            found[rows] |= (self.data[spans[rows, :1] + np.arange(begin.size)] == begin).all(axis=1)
        return found

    def without(self, spans: Kernel, words: Kernel) -> Kernel:
        """The spans, none where they say `words`."""
        found = np.zeros(len(self.lines), np.bool_)
        _is(self.data, spans, words, found)
        return _blanked(spans, found)


def _full(spans: Kernel) -> Kernel:
    found: Kernel = (spans[:, 0] >= 0) & (spans[:, 1] > spans[:, 0])
    return found


def _blanked(spans: Kernel, where: Kernel) -> Kernel:
    return np.where(where[:, None], _NOTHING, spans)


def _first(one: Kernel, other: Kernel) -> Kernel:
    """In each row the first span that is not empty."""
    return np.where(_full(one)[:, None], one, other)


def scan_payloads(data: Kernel, context: Context) -> Scan | None:
    """The interactions of lines, and which lines `LiteLLM.read` must see; None when that is all of them. See `formats.Scanner`."""
    if context.keep_text:
        return None
    scanned = scan(data, _PLAN)
    spans = _plain(scanned)
    texts = _texts(scanned, spans)
    if texts is None or not len(spans.lines):
        return None
    columns, sound = _columns(spans, optional=context.account_optional)
    for name, text in texts.items():
        sound &= ~_is_cut(text) & ~_is_placeholder(text, 2 if name == "transcript" else 0)
    columns |= texts
    strange = columns["other"].fill_null(False).to_numpy(zero_copy_only=False) & sound
    left = np.ones(len(scanned.good), np.bool_)
    left[spans.lines[sound]] = False
    table = pa.table([columns[name] for name in INTAKE_INTERACTIONS.names], schema=INTAKE_INTERACTIONS)
    email = strings(spans.data, spans["metadata.user_api_key_user_email"])
    kept = sound & ~strange
    if not kept.all():
        table, email = table.filter(pa.array(kept)), email.filter(pa.array(kept))
    lines, starts = spans.lines[kept] + 1, scanned.starts
    rest = [(line + 1, int(starts[line]), int(starts[line + 1]) - 1) for line in np.flatnonzero(left).tolist()]
    return Scan(table, lines, rest, spans.lines[strange] + 1, _accounts(table, email, lines, context))


def _plain(scanned: Scanned) -> _Spans:
    """The lines that have what every ordinary call has."""
    spans = _Spans(scanned, np.flatnonzero(scanned.good))
    there, answered = spans.there, spans.there("response") & (spans["response"][:, 2] == 0)  # that of a failed call is empty
    plain = there("metadata") & there("startTime") & _full(_first(spans["litellm_call_id"], spans["id"]))
    counted = there(f"{_USAGE}.{_COUNTED[0]}")
    if not counted.all():
        counted = np.logical_or.reduce([there(f"{_USAGE}.{name}") for name in _COUNTED])
    plain &= ~answered | (there(f"{_ANSWER}.content") & counted)  # where the usage object says nothing, the response's is asked
    return _Spans(scanned, spans.lines[plain])


def _columns(spans: _Spans, *, optional: bool) -> tuple[dict[str, pa.Array[Any]], Kernel]:
    """All columns but texts, and which rows are sound."""
    data, meta = spans.data, "metadata."
    call, given = spans.named("litellm_call_id", _NO_CALL), spans.named("id", _NO_CALL)
    interaction = _first(call, given)
    user, key = spans.named(f"{meta}user_api_key_user_id", _NOBODY), spans.named(f"{meta}user_api_key_hash")
    key = _blanked(key, spans.rotating(key))
    account = _first(user, key)
    organization, team = (spans.named(f"{meta}user_api_key_{name}_id", _NO_TEAM) for name in ("org", "team"))
    session, trace = (
        _blanked(found, spans.same(found, given) | spans.same(found, call)) for found in map(spans.named, ("session_id", "trace_id"))
    )
    model = spans.named("model", _NO_MODEL, trimmed=False)
    answering = _blanked(_first(spans["response.model"], model), ~spans.there("response"))
    texts = {
        "interaction_id": interaction,
        "account_id": account,
        "organization_id": _first(organization, team),
        "key_id": key,
        "end_user_id": spans.named("end_user", _NOBODY),
        "conversation_id": _first(session, trace),
        "request_model": _first(spans["model_group"], model),
        "response_model": answering,
        "finish_reason": spans["response.choices.finish_reason"],
        "user_agent": _first(spans["user_agent"], spans[f"{meta}user_agent"]),
    }
    columns: dict[str, pa.Array[Any]] = {name: strings(data, found) for name, found in texts.items()}
    # Who was refused, and whom a blob names, is for the definition of the format to say.
    sound = ~spans.odd("end_user", *(f"{meta}user_api_key_{name}_id" for name in ("user", "org", "team")))
    sound &= _full(interaction) & (_full(account) | optional)
    for name, path in (("started_at", "startTime"), ("ended_at", "endTime")):
        columns[name], fits = _times(data, spans[path])
        sound &= fits
    usage = f"{meta}usage_object."
    cached, others = spans[f"{usage}prompt_tokens_details.cached_tokens"], spans[f"{usage}cache_read_input_tokens"]
    uncounted = (spans["prompt_tokens"][:, 0] <= 0) | (spans["completion_tokens"][:, 0] <= 0)
    sound &= ~uncounted | ~(spans.there("response") | spans.there(f"{meta}usage_object"))
    columns |= {
        "input_tokens": counts(spans["prompt_tokens"], pa.int64()),
        "output_tokens": counts(spans["completion_tokens"], pa.int64()),
        "reasoning_tokens": counts(spans[f"{usage}completion_tokens_details.reasoning_tokens"], pa.int64()),
        "cached_tokens": counts(np.where((cached[:, :1] > 0) | (others[:, :1] < 0), cached, others), pa.int64()),
    }
    for (several, paths), names in _FEW:
        found, read = several.columns(data, np.stack([spans[path] for path in paths], axis=1))
        columns |= dict(zip(names, found, strict=True))
        sound &= read
    columns["interaction_id"] = _attempts(columns, _full(call))
    refused = pc.is_in(columns["http_status"], value_set=_REFUSED).to_numpy(zero_copy_only=False)
    sound &= _full(user) | ~refused
    absent = {field.name: pa.nulls(len(spans.lines), field.type) for field in INTAKE_INTERACTIONS if field.name not in columns}
    return absent | columns, sound


def _attempts(columns: dict[str, pa.Array[Any]], called: Kernel) -> Any:
    """The interactions' ids, of attempts that failed as `attempt_of` has them."""
    failed = (
        columns["failed"].fill_null(False).to_numpy(zero_copy_only=False)
        & called
        & columns["started_at"].is_valid().to_numpy(zero_copy_only=False)
    )
    ids = columns["interaction_id"]
    rows: Any = np.flatnonzero(failed)
    if not rows.size:
        return ids
    moments: Any = columns["started_at"].take(rows).cast(pa.int64()).to_pylist()
    own = [attempt_of(str(call), at) for call, at in zip(ids.take(rows).to_pylist(), moments, strict=True)]
    return pc.replace_with_mask(ids, pa.array(failed), pa.array(own, pa.string()))


def _times(data: Kernel, spans: Kernel) -> tuple[pa.Array[Any], Kernel]:
    """Seconds as microseconds, null where there are none, and where they are within what a time may be."""
    seconds = numbers(data, spans)
    missing = spans[:, 0] < 0
    fits = np.abs(seconds) < 1e12
    rounded = np.rint(np.where(fits, seconds, 0.0) * 1e6).astype(np.int64)
    fits &= (rounded >= EARLIEST) & (rounded < LATEST)
    return pa.array(rounded, pa.int64(), mask=missing).cast(TIMESTAMP), fits | missing


def _texts(scanned: Scanned, spans: _Spans) -> dict[str, pa.Array[Any]] | None:
    rows = len(spans.lines)
    size = room(scanned.items[:, _CONTENT]) + 3 * len(scanned.items) + SLACK
    systems, turns = ((np.zeros(rows + 1, np.int64), np.empty(size, np.uint8)) for _ in range(2))
    if not _said(scanned.data, spans.lines, scanned.ends, scanned.items, _PLAN.tables, systems, turns):
        return None
    answer = spans.without(spans[f"{_ANSWER}.content"], _REDACTED)
    found = {name: large_strings(*column) for name, column in (("system", systems), ("transcript", turns))}
    return found | {"response": strings(spans.data, answer, large=True)}


def _is_cut(texts: pa.Array[Any]) -> Kernel:
    found = np.zeros(len(texts), np.bool_)
    buffers: Any = texts.buffers()
    _cut(np.frombuffer(buffers[1], np.int64), np.frombuffer(buffers[2], np.uint8), found)
    return found


def _is_placeholder(texts: pa.Array[Any], skipped: int) -> Kernel:
    found = np.zeros(len(texts), np.bool_)
    buffers: Any = texts.buffers()
    _stands(np.frombuffer(buffers[1], np.int64), np.frombuffer(buffers[2], np.uint8), _WORDS, _WORD_ENDS, skipped, found)
    return found


def _accounts(table: pa.Table, email: Any, lines: Kernel, context: Context) -> list[tuple[int, Also]]:
    """The first call of each account with an e-mail address, in each source."""
    account: Any = table["account_id"].combine_chunks()
    named: Any = pc.and_(pc.match_substring(email, "@").fill_null(False), account.is_valid())
    places = np.flatnonzero(named.to_numpy(zero_copy_only=False))
    codes: Any = account.filter(named).dictionary_encode().indices.to_numpy().astype(np.int64)
    sources = np.searchsorted(np.array(context.ends, np.int64), lines[places])
    _, firsts = np.unique(sources * (len(account) + 1) + codes, return_index=True)
    rows: Any = np.sort(places[firsts])
    who = table.select(["account_id", "organization_id"]).take(rows).to_pydict().values()
    addresses = email.take(rows).to_pylist()
    return [
        (line, partial(first_seen_account, account, organization, address, "metadata.user_api_key_user_email", context))
        for line, account, organization, address in zip(lines[rows].tolist(), *who, addresses, strict=True)
    ]
