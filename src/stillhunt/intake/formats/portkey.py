"""Portkey's log export: JSON lines with the fields that were asked for.

Fields as of the export's `requested_data` (`id`, `trace_id`, `created_at`, `request`, `response`, `ai_model`, `req_units`, …). Who
called is whatever the application put into the request's metadata (`_user`).
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
    is_call,
    lowered,
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
from stillhunt.intake.formats.openai_body import body_in, moment
from stillhunt.intake.formats.values import address, count, headers, http_status, identifier, label, optional_identifier
from stillhunt.intake.vendors import usage_of, vendor_request, vendor_response

_METADATA = "only when the application sends it in the header x-portkey-metadata"
_ASK = "only when the export asks for the fields request and response"
_PORTKEY = frozenset(
    (
        *("trace_id", "created_at", "request", "response", "is_success", "ai_org", "ai_model", "req_units", "res_units", "total_units"),
        *("request_url", "cost", "cost_currency", "response_time", "response_status_code", "mode", "config", "prompt_slug", "metadata"),
        *("virtual_key", "cache_status", "workspace_slug", "ai_provider", "time_of_generation"),
    )
)


class Portkey:
    """One request is one record."""

    name = "portkey"
    title = "Portkey log export"
    sees = frozenset(
        (
            *("interaction_id", "started_at", "ended_at", "account_id", "organization_id", "key_id", "end_user_id", "surface", "operation"),
            *("request_model", "response_model", "input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens", "http_status"),
            *("error_type", "conversation_id", "client_ip", "user_agent", "client_headers", *TEXT_COLUMNS),
        )
    )
    hides: Mapping[str, str] = {
        "account_id": "only with _user (or user_id, customer_id, …) in the header x-portkey-metadata",
        "organization_id": _METADATA,
        "client_ip": _METADATA,
        "conversation_id": _METADATA,
        **dict.fromkeys(("system", "messages", "tools", "response", "reasoning", "finish_reason", "request_parameters"), _ASK),
        "user_agent": "only where the exported request holds its headers",
        "client_headers": "only where the exported request holds its headers",
        "tls_ja4": "not in the export: join a gateway log",
        "email": "not in the export: ingest an accounts file",
        "payment_fingerprint": "not in the export: ingest an accounts file",
    }
    two_pass = False

    def sniff(self, sample: Sample) -> float:
        """By Portkey's names of units, provider and model."""
        heads = [dict.fromkeys(sample.columns)] if sample.columns else sample.records
        scores = [_score(record.keys()) for record in heads if isinstance(record, Mapping)]
        return sum(scores) / len(scores) if scores else 0.0

    def index(self, record: Mapping[str, Any], context: Context) -> None:
        """Nothing: a record is complete in itself."""

    def read(self, record: Mapping[str, Any], context: Context) -> Iterable[tuple[str, Row]]:
        """One interaction."""
        entry = {str(name).lower(): value for name, value in record.items()}
        url = first(entry, ("request_url",))[0] or mapping(entry.get("request")).get("url")
        if not is_call(url):
            return ()
        metadata = lowered(entry.get("metadata"))
        account = required_account(
            who(metadata, ("_user", *ACCOUNT_KEYS)),
            context,
            "metadata._user: expected the account; send _user in x-portkey-metadata, and ask the export for metadata",
            entry.get("response_status_code"),
        )
        request, response = body_in(entry, ("request",)), body_in(entry, ("response",))
        asked, said = mapping(request), mapping(response)
        sent_as = mapping(entry.get("request")).get("headers")
        sent = lowered(sent_as)
        body = read_body(vendor_request(request), vendor_response(response), keep_text=context.keep_text)
        started = moment(*first(entry, ("created_at", "time_of_generation")))
        took, field = first(entry, ("response_time",))
        waited = count(round(took) if isinstance(took, float) and 0 <= took < 1e9 else took, field)
        model = label(text(entry.get("ai_model") or asked.get("model")), "ai_model")
        error = mapping(said.get("error"))
        row: Row = {
            "interaction_id": identifier(text(entry.get("id")), "id"),
            "started_at": started,
            "ended_at": started + waited * 1000 if waited is not None and waited < 10**9 else None,
            "account_id": account,
            "organization_id": named(metadata, ("_organisation", "_organization", *ORGANIZATION_KEYS))
            or optional_identifier(text(entry.get("workspace_slug")), "workspace_slug"),
            "key_id": optional_identifier(text(first(entry, ("virtual_key", "api_key_id"))[0]), "virtual_key"),
            "end_user_id": who(metadata, END_USER_KEYS) or person(asked.get("user"), "request.user"),
            "surface": "api",
            "operation": operation_of(url) or "chat",
            "request_model": label(text(asked.get("model")), "request.model") or model,
            "response_model": label(text(said.get("model")), "response.model") or model,
            "input_tokens": count(entry.get("req_units"), "req_units"),
            "output_tokens": count(entry.get("res_units"), "res_units"),
            "http_status": http_status(entry.get("response_status_code"), "response_status_code"),
            "error_type": label(text(error.get("type") or error.get("code")), "response.error.type"),
            "conversation_id": named(metadata, CONVERSATION_KEYS),
            "client_ip": address(text(first(metadata, ("client_ip", "ip", "ip_address"))[0] or sent.get("x-forwarded-for")), "metadata.ip"),
            "user_agent": label(text(sent.get("user-agent")), "request.headers.user-agent"),
            "client_headers": headers(sent_as, "request.headers") if isinstance(sent_as, Mapping) else None,
            "request_parameters": request_parameters(asked, "request"),
            **text_columns(body),
        }
        return (("interactions", filled(row, usage_columns(usage_of(response), "response.usage"))),)


def _score(keys: Iterable[str]) -> float:
    names = {str(key).lower() for key in keys}
    known = len(names & _PORTKEY)
    own = names & {"ai_model", "ai_org", "req_units", "res_units"}
    return min(1.0, 0.75 + 0.03 * known) if len(own) >= 2 and "created_at" in names and known >= 5 else 0.0


FORMAT = Portkey()
