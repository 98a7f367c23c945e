"""LiteLLM's `LiteLLM_SpendLogs` table, exported as CSV (JSON columns are text) or as JSON.

Fields as of LiteLLM 1.109 (`proxy/schema.prisma`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from stillhunt.errors import BadRow, UnknownCaller
from stillhunt.intake.bodies import Body, read_body
from stillhunt.intake.formats import Context, Found, Row, Sample
from stillhunt.intake.formats.litellm_calls import call_type_of, is_pass_through, kind_of_call, operation_in, passed_through, settings_in
from stillhunt.intake.formats.litellm_fields import (
    Who,
    account_of,
    client_headers,
    ids_of_call,
    model_of,
    organization_of,
    outcome,
    rows_of_call,
    split_parameters,
)
from stillhunt.intake.formats.placeholders import is_rotating
from stillhunt.intake.formats.values import decoded, from_seconds, json_object, label, optional_identifier

_SURE = frozenset({"request_id", "call_type", "startTime"})
_KEYS = frozenset(
    (
        *("api_key", "spend", "total_tokens", "prompt_tokens", "completion_tokens", "endTime", "completionStartTime", "model", "model_id"),
        *("model_group", "custom_llm_provider", "api_base", "user", "metadata", "cache_hit", "cache_key", "request_tags", "team_id"),
        *("end_user", "requester_ip_address", "messages", "response", "session_id", "status", "proxy_server_request", "organization_id"),
    )
)
_OFF = "only with general_settings.store_prompts_in_spend_logs, and long strings are cut in their middle"


class LiteLLMSpend:
    """One row of the table is one call."""

    name = "litellm-spend"
    title = "LiteLLM spend logs"
    sees = frozenset(
        (
            *("interaction_id", "started_at", "ended_at", "account_id", "organization_id", "key_id", "end_user_id", "surface", "operation"),
            *("request_model", "response_model", "input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens", "http_status"),
            *("finish_reason", "error_type", "conversation_id", "request_parameters", "client_ip", "user_agent", "client_headers"),
            *("system", "messages", "tools", "response", "reasoning", "email"),
        )
    )
    hides: Mapping[str, str] = {
        "system": _OFF,
        "messages": _OFF,
        "tools": _OFF,
        "response": _OFF,
        "reasoning": _OFF,
        "request_parameters": _OFF,
        "client_ip": "behind a load balancer it is the balancer's: set general_settings.use_x_forwarded_for",
        "user_agent": "in the metadata column of newer versions only",
        "client_headers": "in the metadata or the stored request of some versions only: join a gateway log to see them",
        "tls_ja4": "LiteLLM does not see the TLS handshake: join a gateway log that does",
        "email": "in the metadata column of some versions only: ingest an accounts file",
        "payment_fingerprint": "LiteLLM does not bill: ingest an accounts file from the billing system",
        "created_at": "not in the call log: ingest an accounts file",
    }
    two_pass = False

    def sniff(self, sample: Sample) -> float:
        """By the table's column names."""
        heads: list[Iterable[str]] = (
            [sample.columns] if sample.columns else [record for record in sample.records if isinstance(record, Mapping)]
        )
        scores = []
        for head in heads:
            keys = set(head)
            known = len(_KEYS & keys)
            scores.append(min(1.0, 0.7 + 0.02 * known) if keys >= _SURE and "api_key" in keys and known >= 4 else 0.0)
        return sum(scores) / len(scores) if scores else 0.0

    def index(self, record: Mapping[str, Any], context: Context) -> None:
        """Nothing: a row is complete in itself."""

    def read(self, record: Mapping[str, Any], context: Context) -> Iterable[Found]:
        """One interaction, and the account when it is the first with an e-mail address."""
        get = record.get
        metadata = json_object(get("metadata"), "metadata")
        meta = metadata.get
        call_type = call_type_of(record, metadata)
        key_id = optional_identifier(get("api_key"), "api_key") or optional_identifier(meta("user_api_key"), "metadata.user_api_key")
        users = ((get("user"), "user"), (meta("user_api_key_user_id"), "metadata.user_api_key_user_id"))
        teams = (
            (get("organization_id"), "organization_id"),
            (meta("user_api_key_org_id"), "metadata.user_api_key_org_id"),
            (get("team_id"), "team_id"),
            (meta("user_api_key_team_id"), "metadata.user_api_key_team_id"),
        )
        organization_id = organization_of(teams)
        error = decoded(meta("error_information"))
        try:
            account_id = account_of(users, key_id, {"user_api_key_team_id": organization_id, **_given(metadata)}, error)
        except UnknownCaller:
            if not context.account_optional:
                raise
            account_id = None
        kind = kind_of_call(call_type)
        if kind is None:
            return ()
        response, request, messages = decoded(get("response")), decoded(get("proxy_server_request")), decoded(get("messages"))
        if is_pass_through(call_type):
            passed = passed_through(record, metadata, messages, response)
            if passed is None:
                return ()
            messages, response = passed
            kind = kind[0], operation_in(messages, response) or kind[1]
        if account_id is None and not context.account_optional:
            raise BadRow("user, api_key: expected one of them, to know whose call it is")
        call_id, interaction_id, request_ids = ids_of_call(
            get("litellm_call_id") or meta("litellm_call_id"), ((get("request_id"), "request_id"),)
        )
        conversation_id = optional_identifier(get("session_id"), "session_id")
        body = _body(messages, request, response, context)
        status, error_type = outcome({"status": get("status") or meta("status"), "error": error}, "error")
        ended = get("endTime")
        model = label(response.get("model"), "response.model") if isinstance(response, Mapping) else None
        own: Row = {
            "ended_at": None if ended in (None, "") else from_seconds(ended, "endTime"),
            "response_model": model or model_of(get("model")),
            "http_status": status,
            "error_type": error_type,
            "request_parameters": _parameters(request),
            "user_agent": label(meta("user_agent"), "metadata.user_agent"),
            "client_headers": client_headers(metadata, request if isinstance(request, Mapping) and "headers" in request else None),
        }
        if conversation_id in (interaction_id, *request_ids):
            conversation_id = None
        who = Who(
            call_id, interaction_id, request_ids, account_id, organization_id, None if is_rotating(key_id) else key_id, conversation_id
        )
        return rows_of_call(record, metadata, kind, who, body, response, own, context)


def _given(metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in metadata.items() if value not in (None, "")}


def _body(messages: Any, request: Any, response: Any, context: Context) -> Body:
    """The body from `messages`, else from the stored request: newer versions leave the former empty ("{}")."""
    whole = request.get("body", request) if isinstance(request, Mapping) else request
    if not messages:
        return read_body(whole, response, keep_text=context.keep_text)
    tools = system = None
    if isinstance(whole, Mapping):
        tools, system = whole.get("tools"), whole.get("system") or whole.get("instructions")
    return read_body(messages, response, tools=tools, system=system, keep_text=context.keep_text)


def _parameters(request: Any) -> str | None:
    whole = request.get("body", request) if isinstance(request, Mapping) else None
    return split_parameters(settings_in(whole), "proxy_server_request")[0]


FORMAT = LiteLLMSpend()
