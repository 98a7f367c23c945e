"""Traces: which spans of one are the same call of a model, seen by several programs or twice by one, and who stands above.

A gateway, an SDK and an engine each write a span for one call. The same call is the same response id, or a parent that
ends with the child and carries the same model and tokens. With a tool or an agent in between, or when the child starts
after the parent has ended, it is another call. A span that only stands for several calls below it is none itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from stillhunt.intake.formats.values import decoded
from stillhunt.intake.kept import Kept, key_of
from stillhunt.intake.otel_attributes import (
    HEADER,
    IDENTITY,
    USAGE_PREFIXES,
    chosen_attributes,
    identity_of,
    lookup,
    names_of,
    span_or_trace_id,
    tokens_in,
)
from stillhunt.intake.otel_content import ASKED_NAMES, ASKED_PREFIXES, CONTENT_NAMES, CONTENT_PREFIXES
from stillhunt.intake.otel_kinds import BOUNDARY, CALL, WANTED, is_wrapper, kind_of

MAX_DEPTH = 64
"""How many spans above a call are looked at: real traces are shallower, and a loop of parents must end."""
_SLACK = 1_000_000  # microseconds by which clocks of two programs may differ
ASKED, ANSWERED, WRAPPER, STREAMED, FAILED = 1, 2, 4, 8, 16


class Called(NamedTuple):
    """What of a call is needed to tell it from another, and to fill in what another span of the same call lacks."""

    response_id: str | None
    request_model: str | None
    response_model: str | None
    tokens: list[int | None]
    finish: Any
    request: int  # a number for the request's text where a dialect repeats it, else 0
    flags: int


class Span(NamedTuple):
    """One span of a trace. Times are microseconds, 0 where there is none."""

    id: str
    parent: str
    start: int
    end: int
    kind: int
    identity: dict[str, Any]
    call: Called | None


@dataclass(slots=True)
class Call:
    """One call of a model: the span that tells when it was, the one that is read, and all that are the same call."""

    root: Span
    read: Span
    spans: list[Span]


@dataclass(slots=True)
class Trace:
    """The spans of one trace and the log records that belong to them."""

    spans: dict[str, Span] = field(default_factory=dict)
    logs: dict[str, list[Any]] = field(default_factory=dict)
    _calls: dict[str, Call | None] | None = None

    def add(self, span: Span) -> None:
        """Add a span that the index does not know."""
        self.spans[span.id] = span
        self._calls = None

    def call_of(self, span_id: str) -> Call | None:
        """The call that a span is to be read for; None when another span is read for it, or when it is no call."""
        if self._calls is None:
            self._calls = _calls(self)
        return self._calls.get(span_id)

    def above(self, parent: str, seen: Iterable[str] = ()) -> Iterator[Span]:
        """The spans above, nearest first."""
        passed = set(seen)
        while parent and parent not in passed and len(passed) < MAX_DEPTH:
            passed.add(parent)
            span = self.spans.get(parent)
            if span is None:
                return
            yield span
            parent = span.parent


# --------------------------------------------------------------------------------------------------------------------
# Records -> what is kept of them


class _Shape(NamedTuple):
    """What the names of a span's attributes tell alone. Few lists of names make up a whole log."""

    wanted: frozenset[str]
    flags: int
    identity: bool


@lru_cache(maxsize=4096)
def _shape_of(names: tuple[str, ...]) -> _Shape:
    flags = 0
    if any(name in ASKED_NAMES or name.startswith(ASKED_PREFIXES) for name in names):
        flags |= ASKED
    if any((name in CONTENT_NAMES and name not in ASKED_NAMES) or name.startswith(CONTENT_PREFIXES) for name in names):
        flags |= ANSWERED
    wanted = frozenset(name for name in names if name in WANTED or name.startswith((HEADER, *USAGE_PREFIXES)))
    return _Shape(wanted, flags, any(name in IDENTITY or name.startswith(HEADER) for name in names))


def span_of(found: Mapping[str, Any]) -> Span:
    """What of a span as logged is needed to read others."""
    listed = found.get("attributes")
    names = names_of(listed)
    shape = _shape_of(names)
    attributes = chosen_attributes(listed, shape.wanted)
    kind = kind_of(found.get("name"), attributes, names)
    own_id = span_or_trace_id(found.get("spanId", found.get("span_id")))
    parent = span_or_trace_id(found.get("parentSpanId", found.get("parent_span_id")))
    start, end = (_micros(found.get(one, found.get(other))) for one, other in _TIMES)
    called = _called(found, attributes, names, shape.flags) if kind == CALL else None
    return Span(own_id, parent, start, end, kind, identity_of(attributes) if shape.identity else {}, called)


_TIMES = (("startTimeUnixNano", "start_time_unix_nano"), ("endTimeUnixNano", "end_time_unix_nano"))


def _micros(value: Any) -> int:
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 20:
        value = int(value)
    return value // 1000 if type(value) is int and value > 0 else 0


def _called(found: Mapping[str, Any], attributes: Mapping[str, Any], names: tuple[str, ...], flags: int) -> Called:
    events = found.get("events")
    if isinstance(events, list) and events:
        flags |= ASKED
    if is_wrapper(attributes):
        flags |= WRAPPER
    request = 0
    name = found.get("name")
    if "request_data" in names:
        whole = chosen_attributes(found.get("attributes"), _LOGFIRE)
        request = key_of(str(whole.get("request_data")))
        if isinstance(name, str) and name.startswith("streaming response from") and whole.get("logfire.span_type", "log") == "log":
            flags |= STREAMED
    status = found.get("status")
    if (isinstance(status, Mapping) and status.get("code") in (2, "2", "STATUS_CODE_ERROR")) or "error.type" in attributes:
        flags |= FAILED
    try:
        tokens = list(tokens_in(attributes))
    except Exception:  # counts that cannot be read are told when the span is read
        tokens = [None] * 4
    request_model, response_model = lookup("request_model", (attributes,))[0], lookup("response_model", (attributes,))[0]
    response_id = lookup("response_id", (attributes,))[0]
    return Called(
        response_id if isinstance(response_id, str) else None,
        request_model if isinstance(request_model, str) else None,
        response_model if isinstance(response_model, str) else None,
        tokens,
        lookup("finish_reasons", (attributes,))[0],
        request,
        flags,
    )


_LOGFIRE = frozenset({"request_data", "logfire.span_type"})


def keep_spans(kept: Kept, found: Iterable[tuple[str, Span]], logs: Iterable[tuple[str, str, Any]] = ()) -> None:
    """Keep spans, as (trace, span), and log records, as (trace, span's id, record), for `trace_of`."""
    whole: dict[str, tuple[list[Any], list[Any]]] = {}
    for trace_id, span in found:
        # orjson knows plain tuples only
        whole.setdefault(trace_id, ([], []))[0].append((*span[:6], tuple(span.call) if span.call is not None else None))
    for trace_id, span_id, record in logs:
        whole.setdefault(trace_id, ([], []))[1].append((span_id, record))
    for trace_id, (spans, records) in whole.items():
        try:
            packed = orjson.dumps((trace_id, spans, records), default=str)
        except TypeError:
            packed = b""
        if not packed:  # one span holds what JSON cannot: it must not cost the others
            packed = orjson.dumps((trace_id, [s for s in spans if _fits(s)], [r for r in records if _fits(r)]), default=str)
        kept.add(key_of(trace_id), packed)


def _fits(value: Any) -> bool:
    try:
        orjson.dumps(value, default=str)
    except TypeError:
        return False
    return True


def trace_of(kept: Kept, trace_id: str) -> Trace:
    """All that was kept of a trace."""
    trace = Trace()
    for packed in kept.get(key_of(trace_id)):
        whose, spans, records = orjson.loads(packed)
        if whose != trace_id:
            continue
        for span in spans:
            own_id, parent, start, end, kind, identity, called = span
            trace.spans[own_id] = Span(own_id, parent, start, end, kind, identity, Called(*called) if called else None)
        for span_id, record in records:
            held = trace.logs.setdefault(span_id, [])
            if record not in held:
                held.append(record)
    return trace


# --------------------------------------------------------------------------------------------------------------------
# Which spans are the same call


def _calls(trace: Trace) -> dict[str, Call | None]:
    calls = [span for span in trace.spans.values() if span.call is not None]
    if len(calls) == 1:
        return {calls[0].id: Call(calls[0], calls[0], calls)}
    joined = {span.id: span.id for span in calls}

    def first(of: str) -> str:
        while joined[of] != of:
            of = joined[of]
        return of

    below: dict[str, list[Span]] = {}
    for span in calls:
        outer = _nearest(trace, span)
        if outer is not None:
            below.setdefault(outer.id, []).append(span)
    dropped: set[str] = set()
    for outer_id, inner in below.items():
        outer = trace.spans[outer_id]
        if _only_stands_for(outer, inner):
            dropped.add(outer_id)
            continue
        for span in inner:
            if _is_same(outer, span):
                joined[first(span.id)] = first(outer_id)
    for one, other in _seen_twice(calls):
        joined[first(other.id)] = first(one.id)
    groups: dict[str, list[Span]] = {}
    for span in calls:
        if span.id not in dropped:
            groups.setdefault(first(span.id), []).append(span)
    found: dict[str, Call | None] = {}
    for spans in groups.values():
        members = {span.id for span in spans}
        depth = {span.id: sum(one.id in members for one in trace.above(span.parent, (span.id,))) for span in spans}
        spans.sort(key=lambda span: (depth[span.id], span.start, span.id))
        found |= dict.fromkeys(members)
        read = next((span for span in spans if _says(trace, span, ASKED)), None)
        read = read or next((span for span in spans if _says(trace, span, ANSWERED)), spans[0])
        found[read.id] = Call(spans[0], read, spans)
    return found


def _says(trace: Trace, span: Span, what: int) -> bool:
    return span.call is not None and bool(span.call.flags & what or span.id in trace.logs)


def _nearest(trace: Trace, span: Span) -> Span | None:
    """The nearest call above with no agent or tool in between."""
    for outer in trace.above(span.parent, (span.id,)):
        if outer.call is not None:
            return outer
        if outer.kind == BOUNDARY:
            return None
    return None


def _only_stands_for(outer: Span, inner: list[Span]) -> bool:
    """Whether a span is not a call but stands for several below: a function that asks in steps, or a sum of counts."""
    within = [span for span in inner if _is_within(outer, span) and span.call and not span.call.flags & FAILED]
    if len(within) < 2 or outer.call is None:
        return False
    if len({span.call.response_id for span in within if span.call and span.call.response_id}) == 1 and outer.call.response_id:
        return False
    if outer.call.flags & WRAPPER:
        return True
    counted = [span.call.tokens for span in within if span.call]
    totals = [_sum(tokens[at] for tokens in counted) for at in (0, 1)]
    own = outer.call.tokens[:2]
    if any(own):
        return own == totals
    return all(any(tokens[:2]) for tokens in counted)  # nothing was counted for it, but for each below


def _sum(numbers: Iterable[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None


def _is_within(outer: Span, inner: Span) -> bool:
    if outer.end and inner.start and inner.start >= outer.end > outer.start:
        return False
    return not (outer.end and inner.end) or inner.end <= outer.end + _SLACK


def _is_same(outer: Span, inner: Span) -> bool:
    """Whether the call of `inner`, which stands below `outer` with no agent or tool in between, is that of `outer`."""
    above, below = outer.call, inner.call
    if above is None or below is None:
        return False
    if above.response_id and below.response_id:
        return above.response_id == below.response_id
    if not _is_within(outer, inner):
        return False
    if above.flags & WRAPPER:
        return True
    models = [(one, other) for one, other in ((above[1], below[1]), (above[2], below[2])) if one and other]
    if models and not any(_is_one_model(one, other) for one, other in models):
        return False
    return all(one is None or other is None or one == other for one, other in zip(above.tokens[:2], below.tokens[:2], strict=True))


def _is_one_model(one: str, other: str) -> bool:
    """Whether two names are one model's: without the provider before it, and with or without the version behind it."""
    one, other = sorted((one.lower().rpartition("/")[2], other.lower().rpartition("/")[2]), key=len)
    return other.startswith(one) and (one == other or other[len(one)] in "-@:.")


def _seen_twice(calls: list[Span]) -> Iterator[tuple[Span, Span]]:
    """Spans that are the same call without one being above the other: the same response, or a stream's request and its end."""
    by_response: dict[str, Span] = {}
    requests: dict[tuple[str, int], list[Span]] = {}
    for span in sorted(calls, key=lambda one: (one.start, one.id)):
        called = span.call
        if called is None:
            continue
        if called.response_id:
            other = by_response.setdefault(called.response_id, span)
            if other is not span and _are_one_customers(other, span) and (not other.end or span.start <= other.end + _SLACK):
                yield other, span
        if called.request:
            waiting = requests.setdefault((span.parent, called.request), [])
            if not called.flags & STREAMED:
                waiting.append(span)
            elif waiting:
                yield waiting.pop(0), span


def _are_one_customers(one: Span, other: Span) -> bool:
    """Whether nothing says that two spans are of different customers: clients may choose ids, and a trace's among them."""
    shared = one.identity.keys() & other.identity.keys() - {"http.response.status_code", "http.status_code"}
    return all(one.identity[name] == other.identity[name] for name in shared if "user" in name or "account" in name)


def finish_reason(value: Any) -> Any:
    """The first finish reason of a list, of JSON text of one, or the only one."""
    found = decoded(value)
    if isinstance(found, list):
        found = next((one for one in found if one), None)
    if isinstance(found, str) and found[:1] == "[" and found[-1:] == "]":  # as Python writes a list
        found = found[1:-1].partition(",")[0].strip(" '\"")
    return found or None
