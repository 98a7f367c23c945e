"""OpenTelemetry GenAI spans and events as OTLP/JSON lines, as the Collector's file exporter writes them.

A line is an export request with many spans or log records. Who called stands on another span (the HTTP server's), so a
first pass keeps which span is whose parent and what it tells about the caller. Content stands on the span, on its
events, in log records, or in files that the span refers to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from stillhunt.errors import BadRow, UnknownCaller
from stillhunt.intake.bodies import read_body
from stillhunt.intake.formats import Context, Row, Sample
from stillhunt.intake.formats.litellm_fields import split_parameters
from stillhunt.intake.formats.placeholders import REFUSED, is_rotating
from stillhunt.intake.formats.usage import Tokens
from stillhunt.intake.formats.values import (
    address,
    decoded,
    from_nanoseconds,
    headers,
    http_status,
    label,
    optional_identifier,
    trusted_address,
)
from stillhunt.intake.otel_agents import event_word, id_of, is_request, prompt_in, prompt_key, status_of, times_of
from stillhunt.intake.otel_attributes import ALIASES, HEADER, account_in, attributes_of, lookup, somebody_in, span_or_trace_id, tokens_in
from stillhunt.intake.otel_content import CONTENT_EVENTS, DETAILS, Content, content_of, content_of_events
from stillhunt.intake.otel_kinds import operation_of
from stillhunt.intake.otel_traces import Call, Span, Trace, finish_reason, keep_spans, span_of, trace_of
from stillhunt.intake.references import read_reference

_ON_SERVER_SPAN = "on the HTTP server span: export it too, in the same files"
_OPT_IN = "only with OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT, or the upload hook and its files beside the log"
_NAMES = ("gen_ai.", "llm.", "langfuse.", "ai.model.", "openinference.", "ai.operationId")
_TRACES = 512
"""Traces that are remembered while reading: the spans of one stand close to each other."""
_KNOWN_KEY = ("metadata.user_api_key_team_id", "metadata.user_api_key_org_id", "metadata.user_api_key_alias")
_PARAMETERS = ("llm.invocation_parameters", "langfuse.observation.model.parameters", "langfuse.generation.model_parameters")


class OtelGenAI:
    """One inference span, one details event without such a span, or one request of a coding agent is one interaction.

    An inference span below another one may be the same call seen deeper (a gateway's and its engine's): see `otel_traces`.
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
    keeps = True
    """All that the first pass remembers is in `Context.kept`, so that workers can do both passes."""

    def sniff(self, sample: Sample) -> float:
        """By OTLP's envelope; more surely when an attribute of a model's call is in it."""
        records = [record for record in sample.records if isinstance(record, Mapping)]
        scores = []
        for record in records:
            known = [(kind, found, attributes_of(found.get("attributes"))) for kind, _, found in _entries(record)]
            named = any(name.startswith(_NAMES) for _, _, attributes in known for name in attributes)
            named = named or any(kind == "log" and is_request(_event_name(found, given), given) for kind, found, given in known)
            scores.append(0.99 if named else 0.8 if known else 0.0)
        return sum(scores) / len(scores) if scores else 0.0

    def index(self, record: Mapping[str, Any], context: Context) -> None:
        """Keep each span's parent and what it tells about the caller and the call, and the content of log records."""
        spans: list[tuple[str, Span]] = []
        logs: list[tuple[str, str, Any]] = []
        for kind, _, found in _entries(record):
            trace_id, span_id = _ids(found)
            if kind == "span":
                if trace_id and span_id:
                    spans.append((trace_id, span_of(found)))
                continue
            name = _event_name(found, None)
            if name in CONTENT_EVENTS:
                if trace_id and span_id:
                    logs.append((trace_id, span_id, (name, attributes_of(found.get("attributes")), _body_of(found))))
            elif event_word(name) == "user_prompt":
                attributes = attributes_of(found.get("attributes"))
                key, prompt = prompt_key(attributes), prompt_in(name, attributes)
                if key is not None and prompt is not None:
                    logs.append((key, "", prompt))
        keep_spans(context.kept, spans, logs)

    def read(self, record: Mapping[str, Any], context: Context) -> Iterator[tuple[str, Row]]:
        """The interactions in one export request.

        Every good one is yielded before the first bad one is reported: a caller that keeps what came loses none.
        """
        bad: list[BadRow] = []
        envelopes = [record.get(name) for name in ("resourceSpans", "resource_spans", "resourceLogs", "resource_logs") if name in record]
        if any(not isinstance(envelope, list) or not all(type(item) is dict for item in envelope) for envelope in envelopes):
            bad.append(BadRow("resourceSpans, resourceLogs: expected a list of objects"))
        for kind, resource, found in _entries(record):
            try:
                row = _from_span(found, resource, context) if kind == "span" else _from_event(found, resource, context)
            except BadRow as reason:
                bad.append(reason)
            else:
                if row is not None:
                    yield "interactions", row
        if bad:
            raise next((reason for reason in bad if not isinstance(reason, UnknownCaller)), bad[0])


def _from_span(found: Mapping[str, Any], resource: Mapping[str, Any], context: Context) -> Row | None:
    trace_id, span_id = _ids(found)
    trace = _trace(trace_id, context)
    span = trace.spans.get(span_id) if span_id else None
    if span is None:  # the first pass did not see it
        span = span_of(found)
        if trace_id and span_id:
            trace.add(span)
    if span.call is None:
        return None
    call = trace.call_of(span_id) if trace_id and span_id else Call(span, span, [span])
    if call is None or call.read.id != span_id:
        return None
    attributes = attributes_of(found.get("attributes"))
    inner = content_of_events(_span_events(found))
    outer = [content_of_events(trace.logs.get(one.id, ())) for one in (span, *call.spans)] if trace.logs else [Content()]
    told = {**_from_events(found), **outer[0].attributes, **inner.attributes}
    own = {**told, **attributes} if told else attributes
    content = _content(own, context)
    for other in (inner, *outer):
        content.fill(other)
    others = [one for one in call.spans if one.id != span_id]
    above = [one.identity for one in trace.above(span.parent, (span_id,))]
    counted = Tokens(*span.call.tokens) if not told and any(span.call.tokens) else None
    row = _row(own, [*(one.identity for one in others), *above], resource, content, context, counted)
    _fill(row, others)
    row["interaction_id"] = f"{trace_id}-{call.root.id}" if trace_id and span_id else None
    if call.root.id == span_id or not call.root.start:
        ended = found.get("endTimeUnixNano", found.get("end_time_unix_nano"))
        row["started_at"] = from_nanoseconds(found.get("startTimeUnixNano", found.get("start_time_unix_nano")), "startTimeUnixNano")
        row["ended_at"] = None if ended in (None, 0, "0", "") else from_nanoseconds(ended, "endTimeUnixNano")
    else:
        row["started_at"], row["ended_at"] = call.root.start, call.root.end or None
    if others:  # a stream's end may be a record of its own
        row["ended_at"] = max((one.end for one in call.spans), default=0) or row["ended_at"]
    return row


def _fill(row: Row, others: list[Span]) -> None:
    """Take over from other spans of the same call what this one lacks."""
    for span in others:
        called = span.call
        if called is None:
            continue
        found = {
            "request_model": called.request_model,
            "response_model": called.response_model,
            **dict(zip(Tokens._fields, called.tokens, strict=True)),
        }
        for column, value in found.items():
            column = column if column.endswith("model") else f"{column}_tokens"  # noqa: PLW2901
            if not row.get(column) and value is not None:
                row[column] = value
        if row.get("finish_reason") is None:
            row["finish_reason"] = label(finish_reason(called.finish), "finish_reasons")
        if called.response_id and called.response_id not in (known := row.setdefault("_request_ids", [])):
            known.append(called.response_id)


def _from_event(event: Mapping[str, Any], resource: Mapping[str, Any], context: Context) -> Row | None:
    """A details event whose span was not exported, or a coding agent's request. Its time is the call's end."""
    name = _event_name(event, None)
    attributes: dict[str, Any] | None = None
    if name != DETAILS:
        attributes = attributes_of(event.get("attributes"))
        if not is_request(name, attributes):
            return None
    trace_id, span_id = _ids(event)
    above: list[dict[str, Any]] = []
    if trace_id and span_id:
        trace = _trace(trace_id, context)
        at = trace.spans.get(span_id)
        spans = [*([at] if at else []), *trace.above(at.parent if at else "", (span_id,))]
        if (at is not None and at.call is not None) or (attributes is None and any(span.call is not None for span in spans)):
            return None
        above = [span.identity for span in spans]
    if attributes is not None:
        return _from_agent(event, attributes, above, resource, context)
    inner = content_of_events([(DETAILS, attributes_of(event.get("attributes")), _body_of(event))])
    content = _content(inner.attributes, context)
    content.fill(inner)
    row = _row(inner.attributes, above, resource, content, context)
    response_id = optional_identifier(*lookup("response_id", (inner.attributes,)))
    row["interaction_id"] = f"{trace_id}-{span_id}" if trace_id and span_id else response_id
    time = event.get("timeUnixNano", event.get("time_unix_nano"))
    time = event.get("observedTimeUnixNano", event.get("observed_time_unix_nano")) if time in (None, 0, "0", "") else time
    row["started_at"] = row["ended_at"] = from_nanoseconds(time, "timeUnixNano")
    return row


def _from_agent(
    event: Mapping[str, Any], attributes: dict[str, Any], above: list[dict[str, Any]], resource: Mapping[str, Any], context: Context
) -> Row:
    content = _content(attributes, context)
    key = prompt_key(attributes)
    if content.asked is None and key is not None:
        content.asked = "\n".join(_trace(key, context).logs.get("", ())) or None
    status = status_of(attributes)
    given = {name: value for name, value in attributes.items() if name not in ALIASES["http_status"]}
    given |= {"gen_ai.request.model": attributes["model"]} | ({"http.response.status_code": status} if status else {})
    row = _row(given, above, resource, content, context)
    row["started_at"], row["ended_at"] = times_of(event, attributes)
    said = attributes.get("error.message") or attributes.get("error")
    if row["error_type"] is None and (said or status >= 400):
        row["error_type"] = str(status) if status else "error"  # the message may quote what was asked
    request_id = optional_identifier(*lookup("request_id", (attributes,)))
    row["interaction_id"] = request_id or id_of(row["account_id"], row["ended_at"], attributes)
    return row


def _row(
    own: Mapping[str, Any],
    above: list[dict[str, Any]],
    resource: Mapping[str, Any],
    content: Content,
    context: Context,
    counted: Tokens | None = None,
) -> Row:
    levels = (own, *above)
    everywhere = (*levels, resource)
    key_id = somebody_in("key_id", everywhere)
    status = http_status(*lookup("http_status", levels))
    account = _account(everywhere, key_id, status, context)
    parameters, tools, system = split_parameters(_parameters(own), "gen_ai.request")
    body = read_body(
        content.asked,
        content.answered,
        tools=tools if content.tools is None else content.tools,
        system=system if content.system is None else content.system,
        keep_text=context.keep_text,
    )
    reasons, reasons_name = lookup("finish_reasons", (own,))
    client, client_name = lookup("client_ip", levels)
    peer = address(*lookup("peer", levels))
    ja4, ja3 = label(*lookup("ja4", levels)), label(*lookup("ja3", levels))
    sent = {name[len(HEADER) :]: value for attributes in reversed(levels) for name, value in attributes.items() if name.startswith(HEADER)}
    tokens = tokens_in(own) if counted is None else counted
    row: Row = {
        "account_id": account,
        "organization_id": somebody_in("organization_id", everywhere),
        "key_id": key_id,
        "end_user_id": _end_user(own, levels, account),
        "operation": operation_of(own) or "chat",
        "request_model": label(*lookup("request_model", (own,))),
        "response_model": label(*lookup("response_model", (own,))),
        "input_tokens": tokens.input,
        "output_tokens": tokens.output,
        "reasoning_tokens": tokens.reasoning,
        "cached_tokens": tokens.cached,
        "http_status": status,
        "finish_reason": label(finish_reason(reasons), reasons_name) or body.finish_reason,
        "error_type": label(*lookup("error_type", (own,))),
        "conversation_id": somebody_in("conversation_id", levels),
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


def _account(levels: tuple[Mapping[str, Any], ...], key_id: str | None, status: int | None, context: Context) -> str | None:
    """Whose call it is: the nearest user who is one, else the key, as in LiteLLM's own formats.

    Raises:
        UnknownCaller: the gateway refused the call and knows nothing of the key.
        BadRow: nobody is named.
    """
    account = account_in(levels)
    if account is not None:
        return account
    if key_id is not None:
        refused = status in REFUSED or str(lookup("error_type", levels[:1])[0]) in ("401", "403", "AuthenticationError", "ProxyException")
        if refused and not any(attributes.get(name) for attributes in levels for name in _KNOWN_KEY):
            raise UnknownCaller("user.id: the gateway refused the credentials, and knows nobody by them")
        if not is_rotating(key_id):
            return key_id
    if context.account_optional:
        return None
    raise BadRow("user.id: expected on the span or on one above it; export the HTTP server's span, or join a gateway log")


def _end_user(own: Mapping[str, Any], levels: tuple[Mapping[str, Any], ...], account: str | None) -> str | None:
    """The customer's own user, where the account is named apart from it."""
    found = somebody_in("end_user_id", levels)
    if found is None and own.get("user.id") is not None and own.get("enduser.id") is not None:
        found = somebody_in("account_id", ({"enduser.id": own["enduser.id"]},))
    return None if found == account else found


def _parameters(attributes: Mapping[str, Any]) -> Any:
    prefix, apart = "gen_ai.request.", (*ALIASES["request_model"], *ALIASES["end_user_id"], "gen_ai.request.id", "gen_ai.request.messages")
    found = {name[len(prefix) :]: value for name, value in attributes.items() if name.startswith(prefix) and name not in apart}
    if found:
        return found
    for name in _PARAMETERS:
        if attributes.get(name):
            return attributes[name]
    body = decoded(attributes.get("request_data"))
    if isinstance(body, Mapping):
        return {name: value for name, value in body.items() if name not in ("model", "messages", "input", "prompt")}
    return {name[12:]: value for name, value in attributes.items() if name.startswith("ai.settings.")} or None


# --------------------------------------------------------------------------------------------------------------------
# The envelope, traces, events


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
            about = attributes_of(resource.get("attributes")) if type(resource) is dict else {}
            for scope in _objects(bundle, middle):
                for found in _objects(scope, inner):
                    yield kind, about, found


def _objects(record: Mapping[str, Any], names: tuple[str, ...]) -> Iterator[Mapping[str, Any]]:
    for name in names:
        listed = record.get(name)
        if type(listed) is list:
            for item in listed:
                if type(item) is dict:
                    yield item


def _ids(found: Mapping[str, Any]) -> tuple[str, str]:
    """(trace, span) of a span or a log record; "" where there is none."""
    return span_or_trace_id(found.get("traceId", found.get("trace_id"))), span_or_trace_id(found.get("spanId", found.get("span_id")))


def _trace(trace_id: str, context: Context) -> Trace:
    """A trace, remembered for the next spans."""
    known: dict[str, Trace] = context.facts.setdefault("otel traces", {})
    trace = known.get(trace_id)
    if trace is None:
        if len(known) >= _TRACES:
            known.clear()
        trace = known[trace_id] = trace_of(context.kept, trace_id) if trace_id else Trace()
    return trace


def _event_name(event: Mapping[str, Any], attributes: Mapping[str, Any] | None) -> str:
    name = event.get("eventName", event.get("event_name"))
    if not name:
        attributes = attributes_of(event.get("attributes")) if attributes is None else attributes
        name = attributes.get("event.name") or event.get("name") or _body_of(event)
    return name if isinstance(name, str) and len(name) < 256 else ""


def _body_of(event: Mapping[str, Any]) -> Any:
    return attributes_of([{"key": "body", "value": event.get("body")}])["body"]


def _span_events(span: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any], Any]]:
    for event in _objects(span, ("events",)):
        attributes = attributes_of(event.get("attributes"))
        name = _event_name(event, attributes)
        if name in CONTENT_EVENTS:
            yield name, attributes, None


def _from_events(span: Mapping[str, Any]) -> dict[str, Any]:
    """Counts that a span's events tell, the latest of them, and the type of an exception: what the span's own attributes may lack."""
    return {
        name: value
        for event in _objects(span, ("events",))
        for name, value in attributes_of(event.get("attributes")).items()
        if name.startswith("gen_ai.usage.") or name == "exception.type"
    }


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
