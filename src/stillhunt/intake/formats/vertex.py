"""Vertex AI: its request-response log (a BigQuery table, exported), and Cloud Audit Logs of its predictions.

The first has text and tokens, and names an account only in the request's labels; the second has the principal and its address, and
no text. They share no id: read one of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from stillhunt.intake.bodies import read_body
from stillhunt.intake.formats import Context, Row, Sample
from stillhunt.intake.formats.calls import (
    ACCOUNT_KEYS,
    CONVERSATION_KEYS,
    END_USER_KEYS,
    ORGANIZATION_KEYS,
    TEXT_COLUMNS,
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
from stillhunt.intake.formats.openai_body import moment
from stillhunt.intake.formats.values import address, decoded, identifier, label, optional_identifier
from stillhunt.intake.vendors import usage_of, vendor_request, vendor_response

_LOG = "only in the request-response log"
_AUDIT = "only in Cloud Audit Logs (data access of aiplatform.googleapis.com)"
_CODES = {
    0: (200, None),
    3: (400, "INVALID_ARGUMENT"),
    4: (504, "DEADLINE_EXCEEDED"),
    5: (404, "NOT_FOUND"),
    7: (403, "PERMISSION_DENIED"),
    8: (429, "RESOURCE_EXHAUSTED"),
    9: (400, "FAILED_PRECONDITION"),
    12: (501, "UNIMPLEMENTED"),
    13: (500, "INTERNAL"),
    14: (503, "UNAVAILABLE"),
    16: (401, "UNAUTHENTICATED"),
}
"""gRPC's status codes -> HTTP's, and their names."""
_METHODS = ("generatecontent", "predict", "chatcompletions", "embedcontent")


class Vertex:
    """One request is one record; audit records of other methods, and the end of a stream, are of another kind."""

    name = "vertex"
    title = "Vertex AI request-response log and audit log"
    sees = frozenset(
        (
            *("interaction_id", "started_at", "account_id", "organization_id", "end_user_id", "surface", "operation", "request_model"),
            *("response_model", "input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens", "http_status", "error_type"),
            *("conversation_id", "client_ip", "user_agent", *TEXT_COLUMNS),
        )
    )
    hides: Mapping[str, str] = {
        "account_id": "in the request-response log only as a label of the request (labels.user_id); in audit logs the principal",
        "conversation_id": "only as a label of the request (labels.session_id)",
        **dict.fromkeys(("system", "messages", "tools", "response", "reasoning", "finish_reason", "request_parameters"), _LOG),
        **dict.fromkeys(("input_tokens", "output_tokens"), _LOG),
        "client_ip": _AUDIT,
        "user_agent": _AUDIT,
        "http_status": _AUDIT,
        "client_headers": "not logged",
        "tls_ja4": "not logged",
        "email": "not in the log: ingest an accounts file",
        "payment_fingerprint": "not in the log: ingest an accounts file",
    }
    two_pass = False

    def sniff(self, sample: Sample) -> float:
        """By the table's columns, or by an audit record of Vertex AI."""
        heads = sample.records or [dict.fromkeys(sample.columns)]
        scores = [_score(record) for record in heads if isinstance(record, Mapping)]
        return sum(scores) / len(scores) if scores else 0.0

    def index(self, record: Mapping[str, Any], context: Context) -> None:
        """Nothing: a record is complete in itself."""

    def read(self, record: Mapping[str, Any], context: Context) -> Iterable[tuple[str, Row]]:
        """One interaction."""
        audit = mapping(record.get("protoPayload")) or record
        row = _audited(record, audit, context) if "methodName" in audit else _logged(record, context)
        return (("interactions", row),) if row is not None else ()


def _logged(record: Mapping[str, Any], context: Context) -> Row | None:
    request = decoded(record.get("full_request")) or _payload(record.get("request_payload"))
    response = decoded(record.get("full_response")) or _payload(record.get("response_payload"))
    asked = mapping(request)
    labels = {**lowered(record.get("metadata")), **lowered(asked.get("labels"))}
    account = required_account(
        who(labels, ACCOUNT_KEYS), context, "labels.user_id: expected the account; send labels with each request, or read the audit log"
    )
    body = read_body(vendor_request(request), vendor_response(response), keep_text=context.keep_text)
    method = str(record.get("api_method", "")).lower()
    model = label(text(first(record, ("model", "deployed_model_id"))[0]), "model")
    said = mapping(response[-1] if isinstance(response, list) and response else response)
    at, field = first(record, ("logging_time", "timestamp"))
    started = moment(at.removesuffix(" UTC") if isinstance(at, str) else at, field)
    row: Row = {
        "interaction_id": optional_identifier(_whole(record.get("request_id")), "request_id")
        or made_id(account, started, request, response),
        "started_at": started,
        "account_id": account,
        "organization_id": named(labels, ORGANIZATION_KEYS) or _project(record.get("endpoint")),
        "end_user_id": who(labels, END_USER_KEYS),
        "surface": "batch" if "batch" in method else "api",
        "operation": "embeddings"
        if "embed" in f"{method}{model}".lower()
        else "generate_content"
        if "generatecontent" in method
        else "chat",
        "request_model": model.rpartition("/")[2] or model if model else None,
        "response_model": label(text(said.get("modelVersion") or said.get("model")), "full_response.modelVersion"),
        "conversation_id": named(labels, CONVERSATION_KEYS),
        "request_parameters": request_parameters(asked, "full_request"),
        **text_columns(body),
    }
    return filled(row, usage_columns(usage_of(response), "full_response.usageMetadata"))


def _audited(record: Mapping[str, Any], audit: Mapping[str, Any], context: Context) -> Row | None:
    method = str(audit.get("methodName")).lower()
    operation = mapping(record.get("operation"))
    ended_only = bool(operation) and operation.get("first") is not True and operation.get("last") is True
    if not method.endswith(_METHODS) or "aiplatform" not in str(audit.get("serviceName", "")) or ended_only:
        return None
    caller, sent = mapping(audit.get("authenticationInfo")), mapping(audit.get("requestMetadata"))
    account = required_account(
        person(first(caller, ("principalEmail", "principalSubject"))[0], "authenticationInfo.principalEmail"),
        context,
        "authenticationInfo.principalEmail: expected the caller",
    )
    started = moment(record.get("timestamp") or mapping(sent.get("requestAttributes")).get("time"), "timestamp")
    code = mapping(audit.get("status")).get("code", 0)
    status, error = _CODES.get(code, (None, "UNKNOWN")) if type(code) is int else (None, None)
    resource = label(text(audit.get("resourceName")), "resourceName")
    return {
        "interaction_id": optional_identifier(text(operation.get("id") or record.get("insertId")), "insertId")
        or identifier(made_id(account, started, resource, method, sent.get("callerIp")), "insertId"),
        "started_at": started,
        "account_id": account,
        "organization_id": _project(resource),
        "surface": "api",
        "operation": "generate_content" if "generatecontent" in method else "embeddings" if "embed" in method else "chat",
        "request_model": resource.rpartition("/")[2] or None if resource is not None and "/models/" in resource else None,
        "http_status": status,
        "error_type": error,
        "client_ip": address(text(sent.get("callerIp")), "requestMetadata.callerIp"),
        "user_agent": label(text(sent.get("callerSuppliedUserAgent")), "requestMetadata.callerSuppliedUserAgent"),
    }


def _payload(value: Any) -> Any:
    """A body that BigQuery holds as a list of JSON texts; a stream has several."""
    found = decoded(value)
    if isinstance(found, list):
        items = [decoded(item) for item in found]
        return items[0] if len(items) == 1 else items or None
    return found


def _whole(value: Any) -> Any:
    """BigQuery's NUMERIC id as text or integer."""
    return (
        int(value)
        if isinstance(value, float) and value.is_integer()
        else text(value) or (str(value) if value.__class__.__name__ == "Decimal" else None)
    )


def _project(resource: Any) -> str | None:
    parts = resource.split("/") if isinstance(resource, str) else []
    at = parts.index("projects") + 1 if "projects" in parts else 0
    return optional_identifier(parts[at], "resourceName") if 0 < at < len(parts) else None


def _score(record: Mapping[str, Any]) -> float:
    audit = mapping(record.get("protoPayload")) or record
    if "aiplatform.googleapis.com" in str(audit.get("serviceName", "")) and "methodName" in audit:
        return 0.95
    names = record.keys()
    if "logging_time" in names and names & {"full_request", "request_payload"} and names & {"api_method", "endpoint", "deployed_model_id"}:
        return 0.97
    return 0.0


FORMAT = Vertex()
