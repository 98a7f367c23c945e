"""OpenTelemetry GenAI spans and events as OTLP/JSON lines, as the Collector's file exporter writes them.

A line is an export request with many spans or log records. Who called stands on another span (the HTTP server's), so a
first pass remembers which span is whose parent and what it tells about the caller. Content stands on the span, on its
events, in log records, or in files that the span refers to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from stillhunt.errors import BadRow
from stillhunt.intake.bodies import read_body
from stillhunt.intake.formats import Context, Row, Sample
from stillhunt.intake.formats.litellm_fields import split_parameters
from stillhunt.intake.formats.values import (
    address,
    count,
    from_nanoseconds,
    headers,
    http_status,
    identifier,
    label,
    optional_identifier,
    trusted_address,
)
from stillhunt.intake.otel_attributes import (
    ALIASES,
    CONTENT_EVENTS,
    DETAILS,
    HEADER,
    Content,
    attributes_of,
    content_of,
    content_of_events,
    identity_of,
    lookup,
    value_of,
)
from stillhunt.intake.references import read_reference

_OPERATIONS = frozenset(
    {"chat", "completion", "text_completion", "generate_content", "embeddings", "embedding", "responses", "response", "rerank"}
)
_TOP = 32
"""How many spans above an inference span are looked at: real traces are shallower, and a loop of parents must end."""
_ON_SERVER_SPAN = "on the HTTP server span: export it too, in the same files"
_OPT_IN = "only with OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT, or the upload hook and its files beside the log"

_Span = tuple[str, bool, dict[str, Any]]
"""(id of the span above, whether it is an inference, what it tells about the caller)."""


class OtelGenAI:
    """One inference span, or one details event without such a span, is one interaction.

    An inference span below another one is the same call seen deeper (a gateway's and its engine's): the outer counts.
    """

    name = "otel-genai"
    title = "OpenTelemetry GenAI (OTLP/JSON)"
    sees = frozenset(
        (
            *("interaction_id", "started_at", "ended_at", "account_id", "organization_id", "key_id", "end_user_id", "operation"),
            *("request_model", "response_model", "input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens", "http_status"),
            *("finish_reason", "error_type", "conversation_id", "request_parameters", "client_ip", "user_agent", "client_headers"),
            *("tls_ja4", "system", "messages", "tools", "response", "reasoning"),
        )
    )
    hides: Mapping[str, str] = {
        "account_id": "never on the inference span by convention; user.id is taken from it or from the spans above it",
        "client_ip": _ON_SERVER_SPAN,
        "user_agent": _ON_SERVER_SPAN,
        "http_status": _ON_SERVER_SPAN,
        "client_headers": "only those that the HTTP instrumentation is told to capture, and not in their order",
        "tls_ja4": "only when something sets tls.client.ja4 on the server span",
        "system": _OPT_IN,
        "messages": _OPT_IN,
        "tools": _OPT_IN,
        "response": _OPT_IN,
        "reasoning": _OPT_IN,
        "surface": "not recorded",
        "email": "not recorded: ingest an accounts file",
        "payment_fingerprint": "not recorded: ingest an accounts file",
    }
    two_pass = True

    def sniff(self, sample: Sample) -> float:
        """By OTLP's envelope; more surely when an attribute of a model's call is in it."""
        records = [record for record in sample.records if isinstance(record, Mapping)]
        scores = []
        for record in records:
            known = [found for _, _, found in _entries(record)]
            named = any(name.startswith(("gen_ai.", "llm.")) for found in known for name in attributes_of(found.get("attributes")))
            scores.append(0.99 if named else 0.8 if known else 0.0)
        return sum(scores) / len(scores) if scores else 0.0

    def index(self, record: Mapping[str, Any], context: Context) -> None:
        """Remember each span's parent and what it tells about the caller, and the content of log records."""
        spans: dict[tuple[str, str], _Span] = context.facts.setdefault("spans", {})
        events: dict[tuple[str, str], list[bytes]] = context.facts.setdefault("events", {})
        for kind, _, found in _entries(record):
            key = _key(found)
            if key is None:
                continue
            attributes = attributes_of(found.get("attributes"))
            if kind == "span":
                parent = found.get("parentSpanId", found.get("parent_span_id"))
                spans[key] = (parent if isinstance(parent, str) else "", is_inference(found, attributes), identity_of(attributes))
            elif (name := _event_name(found, attributes)) in CONTENT_EVENTS:
                try:
                    packed = orjson.dumps((name, attributes, value_of(found.get("body"))))
                except TypeError:
                    continue
                held = events.setdefault(key, [])
                if packed not in held:
                    held.append(packed)

    def read(self, record: Mapping[str, Any], context: Context) -> Iterator[tuple[str, Row]]:
        """The interactions in one export request.

        Every good one is yielded before the first bad one is reported: a caller that keeps what came loses none.
        """
        reasons: list[str] = []
        envelopes = [record.get(name) for name in ("resourceSpans", "resource_spans", "resourceLogs", "resource_logs") if name in record]
        if any(not isinstance(envelope, list) or not all(isinstance(item, Mapping) for item in envelope) for envelope in envelopes):
            reasons.append("resourceSpans, resourceLogs: expected a list of objects")
        for kind, resource, found in _entries(record):
            try:
                row = _from_span(found, resource, context) if kind == "span" else _from_event(found, resource, context)
            except BadRow as bad:
                reasons.append(str(bad))
            else:
                if row is not None:
                    yield "interactions", row
        if reasons:
            raise BadRow(reasons[0])


def is_inference(span: Mapping[str, Any], attributes: Mapping[str, Any]) -> bool:
    """Whether a span is one call of a model, by its operation or, in older conventions, by naming a model."""
    operation, _ = lookup("operation", (attributes,))
    if isinstance(operation, str) and "gen_ai.operation.name" in attributes:
        return operation in _OPERATIONS
    if span.get("name") == "raw_gen_ai_request":  # a copy of its parent, with the provider's own names
        return False
    kind = attributes.get("openinference.span.kind") or attributes.get("traceloop.span.kind")
    if isinstance(kind, str):
        return kind.upper() in ("LLM", "EMBEDDING")
    return lookup("request_model", (attributes,))[0] is not None or lookup("response_model", (attributes,))[0] is not None


def _from_span(span: Mapping[str, Any], resource: Mapping[str, Any], context: Context) -> Row | None:
    attributes = attributes_of(span.get("attributes"))
    if not is_inference(span, attributes):
        return None
    trace_id, span_id = (
        identifier(span.get("traceId", span.get("trace_id")), "traceId"),
        identifier(span.get("spanId", span.get("span_id")), "spanId"),
    )
    above = list(_above(trace_id, span_id, span.get("parentSpanId", span.get("parent_span_id")), context))
    if any(inference for _, inference, _ in above):
        return None
    inner = content_of_events(_span_events(span))
    outer = content_of_events(_logged_events((trace_id, span_id), context))
    own = {**outer.attributes, **inner.attributes, **attributes}
    content = _content(own, context)
    content.fill(inner)
    content.fill(outer)
    row = _row(own, [identity for _, _, identity in above], resource, content, context)
    ended = span.get("endTimeUnixNano", span.get("end_time_unix_nano"))
    row["interaction_id"] = f"{trace_id}-{span_id}"
    row["started_at"] = from_nanoseconds(span.get("startTimeUnixNano", span.get("start_time_unix_nano")), "startTimeUnixNano")
    row["ended_at"] = None if ended in (None, 0, "0", "") else from_nanoseconds(ended, "endTimeUnixNano")
    return row


def _from_event(event: Mapping[str, Any], resource: Mapping[str, Any], context: Context) -> Row | None:
    """A details event whose span was not exported. Its time is the call's end; no log tells when it began."""
    attributes = attributes_of(event.get("attributes"))
    if _event_name(event, attributes) != DETAILS:
        return None
    key = _key(event)
    above: list[_Span] = []
    if key is not None:
        at = context.facts.get("spans", {}).get(key)
        above = [*([at] if at else []), *_above(*key, at[0] if at else None, context)]
        if any(inference for _, inference, _ in above):
            return None
    inner = content_of_events([(DETAILS, attributes, value_of(event.get("body")))])
    content = _content(inner.attributes, context)
    content.fill(inner)
    row = _row(inner.attributes, [identity for _, _, identity in above], resource, content, context)
    response_id = optional_identifier(*lookup("response_id", (inner.attributes,)))
    row["interaction_id"] = f"{key[0]}-{key[1]}" if key is not None else identifier(response_id, "gen_ai.response.id")
    time = event.get("timeUnixNano", event.get("time_unix_nano"))
    time = event.get("observedTimeUnixNano", event.get("observed_time_unix_nano")) if time in (None, 0, "0", "") else time
    row["started_at"] = row["ended_at"] = from_nanoseconds(time, "timeUnixNano")
    return row


def _row(own: Mapping[str, Any], above: list[dict[str, Any]], resource: Mapping[str, Any], content: Content, context: Context) -> Row:
    levels = (own, *above)
    account = optional_identifier(*lookup("account_id", (*levels, resource)))
    if account is None and not context.account_optional:
        raise BadRow("user.id: expected on the span or on one above it; export the HTTP server's span, or join a gateway log")
    parameters, tools, system = split_parameters(_parameters(own), "gen_ai.request")
    answer = content.answered
    body = read_body(
        content.asked,
        answer,
        tools=tools if content.tools is None else content.tools,
        system=system if content.system is None else content.system,
        keep_text=context.keep_text,
    )
    end_user = lookup("end_user_id", levels)
    if end_user[0] is None and own.get("user.id") is not None:
        end_user = own.get("enduser.id"), "enduser.id"
    reasons, reasons_name = lookup("finish_reasons", (own,))
    client, client_name = lookup("client_ip", levels)
    peer = address(*lookup("peer", levels))
    ja4, ja3 = label(*lookup("ja4", levels)), label(*lookup("ja3", levels))
    operation = label(*lookup("operation", (own,)))
    sent = {name[len(HEADER) :]: value for attributes in reversed(levels) for name, value in attributes.items() if name.startswith(HEADER)}
    row: Row = {
        "account_id": account,
        "organization_id": optional_identifier(*lookup("organization_id", (*levels, resource))),
        "key_id": optional_identifier(*lookup("key_id", levels)),
        "end_user_id": optional_identifier(*end_user),
        "operation": {"completion": "text_completion", "embedding": "embeddings"}.get(operation, operation) if operation else "chat",
        "request_model": label(*lookup("request_model", (own,))),
        "response_model": label(*lookup("response_model", (own,))),
        "input_tokens": count(*lookup("input_tokens", (own,))),
        "output_tokens": count(*lookup("output_tokens", (own,))),
        "reasoning_tokens": count(*lookup("reasoning_tokens", (own,))),
        "cached_tokens": count(*lookup("cached_tokens", (own,))),
        "http_status": http_status(*lookup("http_status", levels)),
        "finish_reason": label(reasons[0] if isinstance(reasons, list) else reasons, reasons_name) or body.finish_reason,
        "error_type": label(*lookup("error_type", (own,))),
        "conversation_id": optional_identifier(*lookup("conversation_id", levels)),
        "request_parameters": parameters,
        "client_ip": address(client, client_name) or trusted_address(peer, None),
        "user_agent": label(*lookup("user_agent", levels)),
        "client_headers": headers(sent, "http.request.header") if sent else None,
        "tls_ja4": ja4 or (f"ja3:{ja3}" if ja3 else None),
        "system": body.system,
        "transcript": body.transcript,
        "tools": body.tools,
        "response": body.response,
        "reasoning": body.reasoning,
        "tool_count": body.tool_count,
        "truncated": body.truncated,
        "messages": body.messages,
    }
    request_id, request_name = lookup("request_id", levels)
    aliases = (
        optional_identifier(request_id[0] if isinstance(request_id, list) else request_id, request_name),
        optional_identifier(*lookup("response_id", (own,))),
    )
    if any(aliases):
        row["_request_ids"] = [alias for alias in aliases if alias]
    return row


def _parameters(attributes: Mapping[str, Any]) -> Any:
    prefix, apart = "gen_ai.request.", (*ALIASES["request_model"], *ALIASES["end_user_id"])
    found = {name[len(prefix) :]: value for name, value in attributes.items() if name.startswith(prefix) and name not in apart}
    return found or attributes.get("llm.invocation_parameters")


# --------------------------------------------------------------------------------------------------------------------
# The envelope, spans above, events


def _entries(record: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    """("span" or "log", attributes of the resource, span or log record) of one export request."""
    for kind, outer, middle, inner in (
        ("span", ("resourceSpans", "resource_spans"), ("scopeSpans", "scope_spans", "instrumentationLibrarySpans"), ("spans",)),
        (
            "log",
            ("resourceLogs", "resource_logs"),
            ("scopeLogs", "scope_logs", "instrumentationLibraryLogs"),
            ("logRecords", "log_records"),
        ),
    ):
        for bundle in _objects(record, outer):
            resource = bundle.get("resource")
            about = attributes_of(resource.get("attributes")) if isinstance(resource, Mapping) else {}
            for scope in _objects(bundle, middle):
                for found in _objects(scope, inner):
                    yield kind, about, found


def _objects(record: Mapping[str, Any], names: tuple[str, ...]) -> Iterator[Mapping[str, Any]]:
    for name in names:
        listed = record.get(name)
        for item in listed if isinstance(listed, list) else ():
            if isinstance(item, Mapping):
                yield item


def _key(found: Mapping[str, Any]) -> tuple[str, str] | None:
    trace_id, span_id = found.get("traceId", found.get("trace_id")), found.get("spanId", found.get("span_id"))
    if isinstance(trace_id, str) and isinstance(span_id, str) and trace_id and span_id:
        return trace_id, span_id
    return None


def _above(trace_id: str, span_id: str, parent: Any, context: Context) -> Iterator[_Span]:
    spans: dict[tuple[str, str], _Span] = context.facts.get("spans", {})
    seen = {span_id}
    while isinstance(parent, str) and parent and parent not in seen and len(seen) < _TOP:
        seen.add(parent)
        span = spans.get((trace_id, parent))
        if span is None:
            return
        yield span
        parent = span[0]


def _event_name(event: Mapping[str, Any], attributes: Mapping[str, Any]) -> str:
    name = event.get("eventName", event.get("event_name")) or attributes.get("event.name") or event.get("name")
    return name if isinstance(name, str) else ""


def _span_events(span: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any], Any]]:
    for event in _objects(span, ("events",)):
        attributes = attributes_of(event.get("attributes"))
        name = _event_name(event, attributes)
        if name in CONTENT_EVENTS:
            yield name, attributes, None


def _logged_events(key: tuple[str, str], context: Context) -> Iterable[tuple[str, Mapping[str, Any], Any]]:
    return (tuple(orjson.loads(packed)) for packed in context.facts.get("events", {}).get(key, ()))


# --------------------------------------------------------------------------------------------------------------------
# Content by reference


def _content(attributes: Mapping[str, Any], context: Context) -> Content:
    found = content_of(attributes)

    def stored(name: str) -> Any:
        return read_reference(attributes.get(f"{name}_ref"), f"{name}_ref", context.base)

    if found.asked is None:
        found.asked = stored("gen_ai.input.messages")
    if found.answered is None:
        found.answered = stored("gen_ai.output.messages")
    if found.system is None:
        found.system = stored("gen_ai.system_instructions")
    if found.tools is None:
        found.tools = stored("gen_ai.tool.definitions")
    return found


FORMAT = OtelGenAI()
