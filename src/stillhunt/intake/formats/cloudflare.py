"""Cloudflare AI Gateway: the Logpush data set `ai_gateway_events`, and logs as its API lists them.

Logpush encrypts bodies with your public key: text is there once they are decrypted in place. Who called is whatever the application
put into the request's metadata (header `cf-aig-metadata`).
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
from stillhunt.intake.formats.envoy_ai import operation_of
from stillhunt.intake.formats.openai_body import moment
from stillhunt.intake.formats.values import address, count, decoded, http_status, label, optional_identifier
from stillhunt.intake.vendors import usage_of, vendor_request, vendor_response

_METADATA = "only when the application sends it in the header cf-aig-metadata"
_ENCRYPTED = "Logpush encrypts bodies: decrypt RequestBody and ResponseBody with your private key first"
_NOT_LOGGED = "not in this log: join a gateway log"


class Cloudflare:
    """One request is one record."""

    name = "cloudflare-ai-gateway"
    title = "Cloudflare AI Gateway log"
    sees = frozenset(
        (
            *("interaction_id", "started_at", "ended_at", "account_id", "organization_id", "end_user_id", "surface", "operation"),
            *("request_model", "response_model", "input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens", "http_status"),
            *("error_type", "conversation_id", "client_ip", *TEXT_COLUMNS),
        )
    )
    hides: Mapping[str, str] = {
        "account_id": _METADATA,
        "organization_id": _METADATA,
        "conversation_id": _METADATA,
        "client_ip": _METADATA,
        **dict.fromkeys(("system", "messages", "tools", "response", "reasoning"), _ENCRYPTED),
        "interaction_id": "Logpush has none, so one is made of the record",
        "user_agent": _NOT_LOGGED,
        "client_headers": _NOT_LOGGED,
        "tls_ja4": "not in this log: Cloudflare's HTTP requests data set has JA4; join it",
        "email": "not in the log: ingest an accounts file",
        "payment_fingerprint": "not in the log: ingest an accounts file",
    }
    two_pass = False

    def sniff(self, sample: Sample) -> float:
        """By the names of the data set's fields, or of the API's."""
        heads = [dict.fromkeys(sample.columns)] if sample.columns else sample.records
        scores = [_score(record.keys()) for record in heads if isinstance(record, Mapping)]
        return sum(scores) / len(scores) if scores else 0.0

    def index(self, record: Mapping[str, Any], context: Context) -> None:
        """Nothing: a record is complete in itself."""

    def read(self, record: Mapping[str, Any], context: Context) -> Iterable[tuple[str, Row]]:
        """One interaction."""
        entry = {str(name).replace("_", "").lower(): value for name, value in record.items()}
        metadata = lowered(entry.get("metadata"))
        account = required_account(
            who(metadata, ACCOUNT_KEYS),
            context,
            "Metadata.user_id: expected the account; send cf-aig-metadata with each request",
            entry.get("statuscode"),
        )
        request, response = (_body(entry.get(name)) for name in ("requestbody", "responsebody"))
        asked, said = mapping(request), mapping(response)
        body = read_body(vendor_request(request), vendor_response(response), keep_text=context.keep_text)
        metrics = mapping(entry.get("metrics"))
        started = moment(*first(entry, ("timestamp", "createdat")))
        waited, field = first({**metrics, **entry}, ("duration", "durationMs", "durationms"))
        took = count(round(waited) if isinstance(waited, float) and 0 <= waited < 1e9 else waited, field)
        path = first(entry, ("endpoint", "path"))[0]
        limited = entry.get("ratelimited") is True
        status, status_field = first(entry, ("statuscode",))
        error = mapping(said.get("error"))
        row: Row = {
            "interaction_id": optional_identifier(text(first(entry, ("id", "rayid"))[0]), "id")
            or made_id(account, started, sorted((name, value) for name, value in entry.items() if isinstance(value, str | int | Mapping))),
            "started_at": started,
            "ended_at": started + took * 1000 if took is not None and took < 10**9 else None,
            "account_id": account,
            "organization_id": named(metadata, ORGANIZATION_KEYS) or optional_identifier(text(entry.get("gateway")), "Gateway"),
            "end_user_id": who(metadata, END_USER_KEYS) or person(asked.get("user"), "RequestBody.user"),
            "surface": "api",
            "operation": operation_of(f"/{str(path).lstrip('/')}")
            or ("embeddings" if "embed" in str(entry.get("modeltype", "")).lower() else "chat"),
            "request_model": label(text(first(entry, ("requestedmodel", "model"))[0]), "Model"),
            "response_model": label(text(entry.get("model")), "Model"),
            "input_tokens": count(first({**metrics, **entry}, ("tokensin", "tokensIn", "inputTokens"))[0], "tokens_in"),
            "output_tokens": count(first({**metrics, **entry}, ("tokensout", "tokensOut", "outputTokens"))[0], "tokens_out"),
            "http_status": http_status(status, status_field) if status not in (0, "0", None) else 429 if limited else None,
            "error_type": label(text(error.get("type") or error.get("code")), "ResponseBody.error.type")
            or ("rate_limited" if limited else None),
            "conversation_id": named(metadata, CONVERSATION_KEYS),
            "client_ip": address(text(first(metadata, ("client_ip", "ip", "ip_address"))[0]), "Metadata.ip"),
            "request_parameters": request_parameters(asked, "RequestBody"),
            **text_columns(body),
        }
        return (("interactions", filled(row, usage_columns(usage_of(response), "ResponseBody.usage"))),)


def _body(value: Any) -> Any:
    """A body, None where it is still encrypted: what nobody can read must not look like a prompt that all have in common."""
    found = decoded(value)
    if isinstance(found, Mapping) and "data" in found and set(found) <= {"type", "data", "key", "iv", "algorithm"}:
        return None if found.get("type") == "encrypted" else decoded(found["data"])
    return found


def _score(keys: Iterable[str]) -> float:
    names = set(keys)
    if {"Gateway", "Provider", "Model", "Timestamp"} <= names and names & {"StatusCode", "Endpoint", "RequestBody", "Metadata"}:
        return 0.97
    if {"provider", "model", "created_at", "tokens_in", "tokens_out"} <= names and names & {"cached", "status_code", "success", "step"}:
        return 0.95
    return 0.0


FORMAT = Cloudflare()
