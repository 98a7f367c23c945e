"""Requests and responses of an OpenAI-compatible API as proxies and servers write them down, one JSON object a call.

There is no standard for it. Understood are records with a request's and a response's body under their usual names, as objects
or JSON text, flat or as `request: {headers, body}` and `response: {status, body}`. The account is what a trusted proxy put into a
header or a field beside them; else the digest of the credential.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from stillhunt.intake.bodies import read_body
from stillhunt.intake.formats import Context, Row, Sample
from stillhunt.intake.formats.calls import (
    ACCOUNT_KEYS,
    CONVERSATION_KEYS,
    ORGANIZATION_KEYS,
    TEXT_COLUMNS,
    account_in_headers,
    filled,
    first,
    lowered,
    made_id,
    mapping,
    named,
    person,
    request_parameters,
    required_account,
    text,
    text_columns,
    usage_columns,
    who,
)
from stillhunt.intake.formats.envoy_ai import operation_of
from stillhunt.intake.formats.values import (
    address,
    decoded,
    from_microseconds,
    from_milliseconds,
    from_nanoseconds,
    from_seconds,
    headers,
    http_status,
    label,
    optional_identifier,
    trusted_address,
)
from stillhunt.intake.vendors import usage_of, vendor_request, vendor_response

REQUEST = ("request_body", "requestbody", "req_body", "request_json", "request_payload", "request_data", "request", "req", "input_body")
RESPONSE = (
    "response_body",
    "responsebody",
    "resp_body",
    "res_body",
    "response_json",
    "response_payload",
    "response_data",
    "response",
    "resp",
    "output_body",
)
TIME = (
    *(
        "started_at",
        "start_time",
        "starttime",
        "request_time",
        "requested_at",
        "request_timestamp",
        "timestamp",
        "@timestamp",
        "time",
        "ts",
    ),
    *("created_at", "datetime", "date", "logged_at"),
)
_ENDED = ("ended_at", "end_time", "endtime", "completed_at", "finished_at", "response_timestamp")
_ID = ("request_id", "x-request-id", "requestid", "call_id", "id", "trace_id", "correlation_id")
_SENT = ("request_headers", "headers", "req_headers", "http_headers")
_STATUS = ("status", "status_code", "http_status", "response_status", "response_code", "statuscode")
_PEER = ("client_ip", "remote_addr", "remote_ip", "client_addr", "ip", "ip_address", "source_ip", "peer")
_PATH = ("path", "uri", "url", "endpoint", "request_path", "request_uri", "route")
_ASKED = ("messages", "prompt", "input", "contents")
_SAID = ("choices", "usage", "output", "candidates", "content", "error", "data")


class OpenAIBody:
    """One request with its response is one record; records without a request's body are of another kind."""

    name = "openai-body"
    title = "OpenAI-compatible requests and responses"
    sees = frozenset(
        (
            *("interaction_id", "started_at", "ended_at", "account_id", "organization_id", "key_id", "end_user_id", "surface", "operation"),
            *("request_model", "response_model", "input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens", "http_status"),
            *("error_type", "conversation_id", "client_ip", "user_agent", "client_headers", *TEXT_COLUMNS),
        )
    )
    hides: Mapping[str, str] = {
        "account_id": "only with a field or header beside the bodies that names the account (x-user-id, x-consumer-id, user_id, …)",
        "client_ip": "only when the proxy logs it (client_ip, remote_addr)",
        "user_agent": "only when the proxy logs the request's headers",
        "client_headers": "only when the proxy logs the request's headers",
        "tls_ja4": "not in such a log: join a gateway log that has it",
        "email": "not in the log: ingest an accounts file",
        "payment_fingerprint": "not in the log: ingest an accounts file",
    }
    two_pass = False

    def sniff(self, sample: Sample) -> float:
        """By a request's and a response's body with a time beside them."""
        scores = [_score(record) for record in sample.records if isinstance(record, Mapping)]
        return sum(scores) / len(scores) if scores else 0.0

    def index(self, record: Mapping[str, Any], context: Context) -> None:
        """Nothing: a record is complete in itself."""

    def read(self, record: Mapping[str, Any], context: Context) -> Iterable[tuple[str, Row]]:
        """One interaction for a record that holds a request to a model."""
        entry = {str(name).lower(): value for name, value in record.items()}
        request, response = body_in(entry, REQUEST), body_in(entry, RESPONSE)
        asked, said = mapping(request), mapping(response)
        if not any(asked.get(key) for key in _ASKED):
            return ()
        outer, inner = mapping(first(entry, REQUEST)[0]), mapping(first(entry, RESPONSE)[0])
        sent_as = first(entry, _SENT)[0] or outer.get("headers")
        sent = lowered(sent_as)
        started = moment(*_time(entry, said))
        status, field = first(entry, _STATUS)
        if status is None:
            status, field = first(inner, ("status", "status_code", "statusCode"))
        trusted, key = account_in_headers(sent)
        # A proxy may copy the client's own word for its user beside the bodies: that is no account.
        plain = {name.replace(".", "_"): value for name, value in entry.items() if name != "user" or value != asked.get("user")}
        account = required_account(
            who(plain, ACCOUNT_KEYS) or who(lowered(entry.get("metadata")), ACCOUNT_KEYS) or trusted,
            context,
            "x-user-id: expected a header or field that names the account; log one, or say with --map which it is",
            status,
        )
        call = optional_identifier(text(first(entry, _ID)[0] or sent.get("x-request-id")), "request_id")
        answer = optional_identifier(text(said.get("id")), "response.id")
        body = read_body(vendor_request(request), vendor_response(response), keep_text=context.keep_text)
        path, _ = first({**outer, **entry}, _PATH)
        peer = address(text(first({**outer, **entry}, _PEER)[0]), "client_ip")
        agent = first(entry, ("user_agent", "http_user_agent"))[0] or sent.get("user-agent")
        error = mapping(said.get("error"))
        ended, ended_field = first(entry, _ENDED)
        row: Row = {
            "interaction_id": call or answer or made_id(account, started, request),
            "started_at": started,
            "ended_at": moment(ended, ended_field) if ended is not None else None,
            "account_id": account,
            "organization_id": named(plain, ORGANIZATION_KEYS) or named(sent, ("openai_organization", "x_organization_id", "x_team_id")),
            "key_id": key
            if key is not None and account == key
            else optional_identifier(text(first(entry, ("key_id", "api_key_id"))[0]), "key_id") or key,
            "end_user_id": person(asked.get("user") or asked.get("safety_identifier"), "request.user"),
            "surface": "batch" if isinstance(path, str) and "/batches" in path else "api",
            "operation": operation_of(path) or ("embeddings" if said.get("object") == "list" else "chat"),
            "request_model": label(text(asked.get("model") or entry.get("model")), "request.model"),
            "response_model": label(text(said.get("model")), "response.model"),
            "http_status": http_status(status if not isinstance(status, bool | Mapping) and str(status)[:1].isdecimal() else None, field),
            "error_type": label(text(error.get("type") or error.get("code")), "response.error.type"),
            "conversation_id": named(plain, CONVERSATION_KEYS) or named(sent, ("x_session_id", "x_conversation_id")),
            "client_ip": trusted_address(peer, entry.get("x_forwarded_for") or sent.get("x-forwarded-for")),
            "user_agent": label(text(agent), "headers.user-agent"),
            "client_headers": headers(sent_as, "headers"),
            "request_parameters": request_parameters(asked, "request"),
            **text_columns(body),
        }
        if call is not None and answer is not None and call != answer:
            row["_request_ids"] = [answer]
        counted = usage_columns(usage_of(response), "response.usage") or usage_columns(entry.get("usage"), "usage")
        return (("interactions", filled(row, counted)),)


def body_in(entry: Mapping[str, Any], names: Iterable[str]) -> Any:
    """A body under one of `names` (in lower case): decoded where it is JSON text, taken out of `{headers, body}`."""
    value = decoded(first(entry, names)[0])
    if isinstance(value, Mapping):
        inner = next(
            (value[key] for key in ("body", "json", "data", "payload") if isinstance(decoded(value.get(key)), Mapping | list)), None
        )
        if inner is not None and not any(key in value for key in ("choices", "messages", "object")):
            return decoded(inner)
        if isinstance(value.get("body"), str):
            return value["body"]  # a stream of server-sent events
    return value


def moment(value: Any, field: str) -> int:
    """Microseconds from a time of which only the size tells the unit: seconds, ms, us or ns since 1970, or ISO 8601."""
    number = value
    if isinstance(value, str) and value.strip().replace(".", "", 1).isdecimal() and value.isascii() and len(value) < 24:
        number = float(value) if "." in value else int(value)
    if isinstance(number, bool) or not isinstance(number, int | float):
        return from_seconds(value if not isinstance(value, bool) else None, field)
    size = abs(number)
    if size < 1e11:
        return from_seconds(number, field)
    if size < 1e14:
        return from_milliseconds(number, field)
    return from_microseconds(int(number), field) if size < 1e17 else from_nanoseconds(int(number) if size < 1e20 else number, field)


def _time(entry: Mapping[str, Any], said: Mapping[str, Any]) -> tuple[Any, str]:
    value, field = first(entry, TIME)
    return (value, field) if value is not None else first(said, ("created", "created_at"))


def _score(record: Mapping[str, Any]) -> float:
    entry = {str(name).lower(): value for name, value in record.items()}
    request, response = mapping(body_in(entry, REQUEST)), body_in(entry, RESPONSE)
    if not any(isinstance(request.get(key), list | str) for key in _ASKED) or entry.keys() & _OTHERS:
        return 0.0
    said = mapping(response)
    streamed = isinstance(response, list) or (isinstance(response, str) and response.lstrip().startswith(("data:", "event:")))
    answered = streamed or any(key in said for key in _SAID)
    timed = _time(entry, said)[0] is not None
    return (0.9 if "model" in request else 0.7) if answered and timed else 0.0


_OTHERS = frozenset(
    (
        *(
            "schematype",
            "specversion",
            "request_created_at",
            "ai_org",
            "ai_model",
            "latencies",
            "call_type",
            "run_type",
            "gateway",
            "provider",
        ),
        *("full_request", "deployed_model_id", "resourcespans", "remote_addr", "inferenceservice"),
    )
)
"""Keys of sources that have bodies too, and a format of their own."""


FORMAT = OpenAIBody()
