"""Langfuse's raw events, as a self-hosted Langfuse keeps them in its bucket: what the libraries sent, before anything was merged.

A call is a `generation-create` and any number of `generation-update`s (or `observation-create` and `-update`) with one id; its user
stands in the `trace-create` of its trace. Hence two passes: events are merged as Langfuse does, the later over the earlier, and then
read like its export.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from stillhunt.intake.formats import Context, Row, Sample, langfuse
from stillhunt.intake.formats.calls import keep, kept, mapping, text
from stillhunt.intake.formats.values import identifier

_KINDS = {"generation": "GENERATION", "span": "SPAN", "event": "EVENT", "embedding": "EMBEDDING"}
_TRACE = "langfuse-events trace"
_TYPES = ("trace-create", "trace-update", "score-create", "sdk-log", "dataset-run-item-create")


class LangfuseEvents:
    """Several events are one call; those of traces, spans and scores are of another kind."""

    name = "langfuse-events"
    title = "Langfuse raw events (S3)"
    sees = langfuse.FORMAT.sees
    hides: Mapping[str, str] = langfuse.FORMAT.hides
    two_pass = True
    keeps = True
    """All that the first pass remembers is in `Context.kept`, so that workers can do both passes."""

    def sniff(self, sample: Sample) -> float:
        """By events' types and bodies."""
        scores = [_score(record) for record in sample.records if isinstance(record, Mapping)]
        return sum(scores) / len(scores) if scores else 0.0

    def index(self, record: Mapping[str, Any], context: Context) -> None:
        """Remember whose traces are, and the events of each observation."""
        for event in _events(record):
            body, kind = mapping(event.get("body")), str(event.get("type"))
            if kind.startswith("trace-"):
                keep(context, _TRACE, str(body.get("id")), dict(body))
            elif (call := text(body.get("id"))) is not None and (_observed(kind) or kind.startswith("observation-")):
                keep(context, self.name, str(call), [*_order(event), _typed(body, kind)])

    def read(self, record: Mapping[str, Any], context: Context) -> Iterable[tuple[str, Row]]:
        """One interaction for an observation that is a model's call, at its first event."""
        for event in _events(record):
            body, kind = mapping(event.get("body")), str(event.get("type"))
            if not _observed(kind) and not kind.startswith("observation-"):
                continue
            call = identifier(text(body.get("id")), "body.id")
            parts = {(at, name): told for at, name, told in kept(context, self.name, call)}
            if parts and _order(event) != min(parts):
                continue
            merged: dict[str, Any] = {} if parts else _typed(body, kind)
            for _, told in sorted(parts.items()):
                merged = _merged(merged, told)
            merged.setdefault("traceId", None)
            if not merged.get("startTime"):
                merged["startTime"] = event.get("timestamp")  # what Langfuse takes when a library sent none
            alone = Context(context.base, context.keep_text, context.account_optional)
            for trace in kept(context, _TRACE, str(merged["traceId"])):
                langfuse.FORMAT.index(trace, alone)
            yield from langfuse.FORMAT.read(merged, alone)


def _events(record: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The events of a record: itself, or those of a batch as the libraries post it."""
    batch = record.get("batch")
    for event in batch if isinstance(batch, list) else [record]:
        if isinstance(event, Mapping):
            yield event


def _observed(kind: str) -> str | None:
    """The type of observation that an event's type tells; None for `observation-create`, whose body tells it."""
    head, _, tail = kind.rpartition("-")
    return _KINDS.get(head) if tail in ("create", "update") else None


def _typed(body: Mapping[str, Any], kind: str) -> dict[str, Any]:
    observed = _observed(kind)
    return dict(body) if observed is None else {**body, "type": observed}


def _order(event: Mapping[str, Any]) -> tuple[str, str]:
    return str(event.get("timestamp")), str(event.get("id"))


def _merged(before: dict[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The later event over the earlier: what it does not tell stays, metadata are one object."""
    found = {**before, **{name: value for name, value in after.items() if value is not None}}
    if isinstance(before.get("metadata"), Mapping) and isinstance(after.get("metadata"), Mapping):
        found["metadata"] = {**before["metadata"], **after["metadata"]}
    return found


def _score(record: Mapping[str, Any]) -> float:
    events = list(_events(record))
    sure = [
        isinstance(event.get("body"), Mapping)
        and {"id", "timestamp", "type"} <= event.keys()
        and isinstance(event["type"], str)
        and (event["type"] in _TYPES or event["type"].startswith("observation-") or _observed(event["type"]) is not None)
        for event in events
    ]
    return 0.97 * sum(sure) / len(sure) if sure else 0.0


FORMAT = LangfuseEvents()
