"""Langfuse's exports: enriched observations (`events_full`, `observations_v2`), and legacy observations with traces.

Fields as of Langfuse's ClickHouse migrations and its blob-storage export; the camel case of its API and of exports
from its pages is understood too. Legacy observations know their user only through their trace: hence two passes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from stillhunt.errors import BadRow
from stillhunt.intake.bodies import read_body
from stillhunt.intake.formats import Context, Row, Sample
from stillhunt.intake.formats.litellm_fields import account_of, model_of, split_parameters
from stillhunt.intake.formats.placeholders import is_nobody
from stillhunt.intake.formats.usage import CACHED, INPUT, OUTPUT, REASONING, Tokens, first_count, tokens_of
from stillhunt.intake.formats.values import (
    address,
    count,
    decoded,
    from_text,
    headers,
    identifier,
    label,
    optional_identifier,
    optional_identity,
)

_CALLS = {"GENERATION": "chat", "EMBEDDING": "embeddings"}
"""The types of observation that are a model's call, and their operation."""

_INHERITED = ("user_id", "session_id", "metadata")
_ONLY_METADATA = "only when the application puts it into the metadata of its traces"

_OBSERVATION = frozenset(
    (
        *(
            "type",
            "name",
            "end_time",
            "parent_span_id",
            "parent_observation_id",
            "provided_model_name",
            "model_parameters",
            "usage_details",
        ),
        *("cost_details", "completion_start_time", "level", "status_message", "model_id", "internal_model_id", "prompt_id", "prompt_name"),
        *("environment", "input", "output", "metadata", "metadata_names", "usage", "model", "total_cost", "project_id", "tool_definitions"),
    )
)
_TRACE = frozenset(
    (
        "user_id",
        "session_id",
        "metadata",
        "tags",
        "release",
        "version",
        "environment",
        "public",
        "bookmarked",
        "project_id",
        "name",
        "input",
        "output",
    )
)


class Langfuse:
    """One observation is one record; those that are no model's call, and traces, are of another kind."""

    name = "langfuse"
    title = "Langfuse export"
    sees = frozenset(
        (
            *("interaction_id", "started_at", "ended_at", "account_id", "organization_id", "key_id", "end_user_id", "operation"),
            *("request_model", "input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens", "finish_reason", "error_type"),
            *("conversation_id", "request_parameters", "client_ip", "user_agent", "client_headers"),
            *("system", "messages", "tools", "response", "reasoning"),
        )
    )
    hides: Mapping[str, str] = {
        "account_id": "is whatever the application set as user_id: check that it is the account that is billed",
        "client_ip": _ONLY_METADATA,
        "user_agent": _ONLY_METADATA,
        "client_headers": _ONLY_METADATA,
        "organization_id": _ONLY_METADATA,
        "key_id": _ONLY_METADATA,
        "http_status": "not recorded: join a gateway log to see refusals and failovers",
        "surface": "not recorded",
        "tls_ja4": "Langfuse does not see the TLS handshake: join a gateway log that does",
        "email": "not in the export: ingest an accounts file",
        "payment_fingerprint": "not in the export: ingest an accounts file",
    }
    two_pass = True

    def sniff(self, sample: Sample) -> float:
        """By `trace_id` and `start_time` among an observation's keys, or by a trace's keys."""
        heads = [dict.fromkeys(sample.columns)] if sample.columns else [record for record in sample.records if isinstance(record, Mapping)]
        return sum(_score(snake(head).keys()) for head in heads) / len(heads) if heads else 0.0

    def index(self, record: Mapping[str, Any], context: Context) -> None:
        """Remember who a trace belongs to. An enriched observation that names the user tells it for its trace, too."""
        entry = snake(record)
        trace_id = entry.get("trace_id") if "start_time" in entry else entry.get("id")
        if not isinstance(trace_id, str) or not (entry.get("user_id") or entry.get("session_id") or entry.get("metadata")):
            return
        known = context.facts.setdefault(("langfuse", trace_id), {})
        if "start_time" not in entry:
            known.update({name: entry[name] for name in _INHERITED if entry.get(name)})
        elif isinstance(entry.get("user_id"), str) and not is_nobody(entry["user_id"]):
            known.setdefault("user_id", entry["user_id"])

    def read(self, record: Mapping[str, Any], context: Context) -> Iterable[tuple[str, Row]]:
        """One interaction for an observation that is a model's call."""
        entry = snake(record)
        get = entry.get
        if "start_time" not in entry:
            identifier(get("id"), "id")  # a trace: `index` has read it
            return ()
        kind = label(get("type"), "type")
        if _CALLS.get(kind.upper()) is None if kind is not None else not (get("provided_model_name") or get("model")):
            return ()
        trace = context.facts.get(("langfuse", get("trace_id")), {}) if isinstance(get("trace_id"), str) else {}
        metadata = {**metadata_of(trace), **metadata_of(entry)}
        account = optional_identity(get("user_id"), "user_id") or optional_identity(trace.get("user_id"), "trace.user_id")
        account = account or account_of(
            ((metadata.get("user_api_key_user_id"), "metadata.user_api_key_user_id"),),
            optional_identifier(metadata.get("user_api_key_hash"), "metadata.user_api_key_hash"),
            metadata,
            None,
        )
        if account is None and not context.account_optional:
            raise BadRow("user_id: expected on the observation or its trace; export the traces too, or set it in the application")
        given = decoded(get("input"))
        parameters, tools, system = split_parameters(_object(get("model_parameters")), "model_parameters")
        definitions = _definitions(decoded(get("tool_definitions")))
        body = read_body(given, get("output"), tools=tools or definitions, system=system, keep_text=context.keep_text)
        tokens = _tokens(entry)
        ended = get("end_time")
        row: Row = {
            "interaction_id": optional_identifier(get("span_id"), "span_id") or optional_identifier(get("id"), "id"),
            "started_at": from_text(get("start_time"), "start_time"),
            "ended_at": None if ended in (None, "") else from_text(ended, "end_time"),
            "account_id": account,
            "organization_id": optional_identity(
                *_first(metadata, ("organization_id", "org_id", "tenant_id", "user_api_key_org_id", "team_id"))
            ),
            "key_id": optional_identifier(*_first(metadata, ("key_id", "api_key_id", "user_api_key_hash"))),
            "end_user_id": optional_identity(*_first(metadata, ("end_user_id", "user_api_key_end_user_id"))),
            "operation": _CALLS.get((kind or "GENERATION").upper()),
            "request_model": model_of(get("provided_model_name")) or model_of(get("model")),
            "input_tokens": tokens.input,
            "output_tokens": tokens.output,
            "reasoning_tokens": tokens.reasoning,
            "cached_tokens": tokens.cached,
            "finish_reason": body.finish_reason or label(*_first(metadata, ("finish_reason", "stop_reason"))),
            "error_type": "error" if get("level") == "ERROR" else None,
            "conversation_id": optional_identifier(get("session_id"), "session_id")
            or optional_identifier(trace.get("session_id"), "trace.session_id"),
            "request_parameters": parameters,
            "client_ip": address(
                *_first(metadata, ("client_ip", "client.address", "ip", "ip_address", "requester_ip_address", "x-forwarded-for"))
            ),
            "user_agent": label(*_first(metadata, ("user_agent", "userAgent", "user-agent", "user_agent.original"))),
            "client_headers": headers(*_first(metadata, ("headers", "request_headers", "requester_custom_headers"))),
            "system": body.system,
            "transcript": body.transcript,
            "tools": body.tools,
            "response": body.response,
            "reasoning": body.reasoning,
            "tool_count": body.tool_count,
            "truncated": body.truncated,
            "messages": body.messages,
        }
        request_id = optional_identifier(*_first(metadata, ("request_id", "x-request-id", "litellm_call_id")))
        if request_id:
            row["_request_ids"] = [request_id]
        return (("interactions", row),)


def snake(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """`record` with top-level camelCase names as snake_case; as it is when it has none."""
    if "traceId" not in record and "startTime" not in record and "userId" not in record and "sessionId" not in record:
        return record
    return {
        "".join(f"_{c.lower()}" if c.isupper() else c for c in key) if isinstance(key, str) else key: value for key, value in record.items()
    }


def metadata_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Metadata as an object: given as one, as JSON text, or as two lists of names and values."""
    found = _object(entry.get("metadata"))
    if isinstance(found, Mapping) and found:
        inner = found.get("attributes")  # SDKs on OpenTelemetry put the span's attributes there
        merged = {**inner, **found} if isinstance(inner, Mapping) else dict(found)
        return {str(name): decoded(value) for name, value in merged.items() if value not in (None, "")}
    names, values = decoded(entry.get("metadata_names")), decoded(entry.get("metadata_values"))
    if isinstance(names, list) and isinstance(values, list):
        return {str(name): decoded(value) for name, value in zip(names, values, strict=False) if value not in (None, "")}
    return {}


def _object(value: Any) -> Any:
    """A value decoded; pairs of names and values, as Parquet holds a map, become an object."""
    found = decoded(value)
    if isinstance(found, list) and found and all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in found):
        return {str(name): inner for name, inner in found}
    return found


def _tokens(entry: Mapping[str, Any]) -> Tokens:
    """The counts of the first usage that counted something; nothing is known where all are empty."""
    found = Tokens()
    for name in ("usage_details", "provided_usage_details", "usage"):
        usage = _object(entry.get(name))
        if isinstance(usage, Mapping) and usage:
            told = _counted(usage, name)
            if told.input or told.output:
                return told
            found = told if found == Tokens() else found
    flat = {name: entry[name] for name in (*INPUT, *OUTPUT) if entry.get(name) not in (None, "")}
    told = tokens_of(flat, "usage")
    return told if told.input or told.output or found == Tokens() else found


def _counted(usage: Mapping[str, Any], field: str) -> Tokens:
    """Langfuse's own names first, then those of the APIs, then the sum of buckets such as `input_text` and `input_audio`."""
    given = tokens_of(usage, field)
    asked, said = (first_count((usage,), (name,), field) for name in ("input", "output"))
    reasoning = first_count((usage,), ("output_reasoning_tokens", "output_reasoning", *REASONING), field)
    cached = first_count((usage,), ("input_cached_tokens", "input_cache_read", "input_cached", *CACHED), field)
    return Tokens(
        _first_told(asked, given.input, _sum_of(usage, "input_", field)),
        _first_told(said, given.output, _sum_of(usage, "output_", field)),
        _first_told(reasoning, given.reasoning),
        _first_told(cached, given.cached),
    )


def _first_told(*counts: int | None) -> int | None:
    """The first that is not zero; zero where somebody said so."""
    return next((one for one in counts if one), next((one for one in counts if one is not None), None))


def _sum_of(usage: Mapping[str, Any], beginning: str, field: str) -> int | None:
    counts = [
        found
        for name, value in usage.items()
        if isinstance(name, str) and name.startswith(beginning) and name not in (*INPUT, *OUTPUT) and type(value) is not dict
        for found in (count(value, f"{field}.{name}"),)
        if found is not None
    ]
    return sum(counts) if counts else None


def _definitions(value: Any) -> Any:
    """Tool definitions: a list, or an object of name -> JSON text."""
    return [decoded(inner) for inner in value.values()] if isinstance(value, Mapping) else value


def _first(entry: Mapping[str, Any], keys: tuple[str, ...]) -> tuple[Any, str]:
    for key in keys:
        if entry.get(key) is not None:
            return entry[key], key
    return None, keys[0]


def _score(keys: Iterable[str]) -> float:
    names = set(keys)
    if "call_type" in names:  # LiteLLM's payloads have a trace and a start, too
        return 0.0
    if {"trace_id", "start_time"} <= names and names & {"id", "span_id"}:
        known = len(names & _OBSERVATION)
        return min(1.0, 0.7 + 0.03 * known) if known >= 5 else 0.0
    if {"id", "timestamp"} <= names and "trace_id" not in names:
        known = len(names & _TRACE)
        return 0.9 if known >= 6 and names & {"user_id", "session_id"} else 0.0
    return 0.0


FORMAT = Langfuse()
