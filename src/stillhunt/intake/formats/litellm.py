"""LiteLLM's StandardLoggingPayload, as its generic API callback and its object-store loggers write it.

Fields as of LiteLLM 1.109 (`litellm/types/utils.py`, StandardLoggingPayload). Read as JSON: LiteLLM is no dependency.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from stillhunt.errors import BadRow, UnknownCaller
from stillhunt.intake.bodies import read_body
from stillhunt.intake.formats import Context, Found, Row, Sample, Scan
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
from stillhunt.intake.formats.values import from_seconds, json_object, label, optional_identifier

_KEYS = frozenset(
    (
        "call_type",
        "startTime",
        "endTime",
        "completionStartTime",
        "response_cost",
        "model_map_information",
        "model_group",
        "model_parameters",
        "hidden_params",
        "metadata",
        "status",
        "custom_llm_provider",
    )
)


class LiteLLM:
    """One call, successful or failed, is one record."""

    name = "litellm"
    title = "LiteLLM StandardLoggingPayload"
    sees = frozenset(
        (
            *("interaction_id", "started_at", "ended_at", "account_id", "organization_id", "key_id", "end_user_id", "surface", "operation"),
            *("request_model", "response_model", "input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens", "http_status"),
            *("finish_reason", "error_type", "conversation_id", "request_parameters", "client_ip", "user_agent", "client_headers"),
            *("system", "messages", "tools", "response", "reasoning", "email"),
        )
    )
    hides: Mapping[str, str] = {
        "client_ip": "behind a load balancer it is the balancer's: set general_settings.use_x_forwarded_for",
        "client_headers": "only headers that begin with x- are logged; join a gateway log to see the others and their order",
        "messages": "absent or redacted with litellm_settings.turn_off_message_logging; some loggers cut it at 10,000 characters",
        "response": "absent or redacted with litellm_settings.turn_off_message_logging; some loggers cut it at 10,000 characters",
        "tls_ja4": "LiteLLM does not see the TLS handshake: join a gateway log that does",
        "email": "only for keys that belong to a user with an e-mail address",
        "payment_fingerprint": "LiteLLM does not bill: ingest an accounts file from the billing system",
        "created_at": "not in the call log: ingest an accounts file",
    }
    two_pass = False

    def sniff(self, sample: Sample) -> float:
        """By `call_type` and `startTime` among ten of the payload's own keys."""
        records = [record for record in sample.records if isinstance(record, Mapping)]
        if not records:
            return 0.0
        scores = []
        for record in records:
            known = len(_KEYS & record.keys())
            sure = "startTime" in record and "call_type" in record and "metadata" in record and "request_id" not in record and known >= 6
            scores.append(min(1.0, 0.7 + 0.03 * known) if sure else 0.0)
        return sum(scores) / len(scores)

    def scan(self, data: npt.NDArray[np.uint8], context: Context) -> Scan | None:
        """Plain lines, by compiled loops; see `formats.Scanner`."""
        from stillhunt.intake.formats.litellm_scan import scan_payloads  # noqa: PLC0415 - brings a compiler, which a list of formats does without

        return scan_payloads(data, context)

    def index(self, record: Mapping[str, Any], context: Context) -> None:
        """Nothing: a payload is complete in itself."""

    def read(self, record: Mapping[str, Any], context: Context) -> Iterable[Found]:
        """One interaction, and the account when it is the first with an e-mail address."""
        get = record.get
        metadata = get("metadata")
        if type(metadata) is not dict:
            metadata = json_object(metadata, "metadata")
        meta = metadata.get
        call_type = call_type_of(record, metadata)
        key_id = optional_identifier(meta("user_api_key_hash"), "metadata.user_api_key_hash")
        users = ((meta("user_api_key_user_id"), "metadata.user_api_key_user_id"),)
        try:
            account_id = account_of(users, key_id, metadata, get("error_information"))
        except UnknownCaller:
            if not context.account_optional:
                raise
            account_id = None
        kind = kind_of_call(call_type)
        if kind is None:
            return ()
        messages, response = get("messages"), get("response")
        if is_pass_through(call_type):
            passed = passed_through(record, metadata, messages, response)
            if passed is None:
                return ()
            messages, response = passed
            kind = kind[0], operation_in(messages, response) or kind[1]
        if account_id is None and not context.account_optional:
            raise BadRow("metadata.user_api_key_user_id, metadata.user_api_key_hash: expected one of them, to know whose call it is")
        call_id, interaction_id, request_ids = ids_of_call(get("litellm_call_id"), ((get("id"), "id"),))
        organization_id = organization_of((meta(name), f"metadata.{name}") for name in ("user_api_key_org_id", "user_api_key_team_id"))
        own_ids = (interaction_id, *request_ids)
        conversation_id = optional_identifier(get("session_id"), "session_id")
        if conversation_id is None or conversation_id in own_ids:
            conversation_id = optional_identifier(get("trace_id"), "trace_id")
            if conversation_id in own_ids:
                conversation_id = None

        parameters, tools, system = split_parameters(get("model_parameters"), "model_parameters")
        body = read_body(messages, response, tools=tools, system=system, keep_text=context.keep_text)
        ended = get("endTime")
        status, error_type = outcome(record, "error_information")
        model = model_of(get("model"))
        own: Row = {
            "ended_at": None if ended is None else from_seconds(ended, "endTime"),
            "response_model": label(response.get("model"), "response.model") or model if type(response) is dict else None,
            "http_status": status,
            "error_type": error_type,
            "request_parameters": parameters,
            "user_agent": label(get("user_agent") or meta("user_agent"), "user_agent"),
            "client_headers": client_headers(metadata, get("proxy_server_request")),
        }
        if is_pass_through(call_type) and isinstance(messages, Mapping):
            own["request_parameters"] = split_parameters(settings_in(messages), "messages")[0] or parameters
            own["request_model"] = label(get("model_group"), "model_group") or model or model_of(messages.get("model"))
        who = Who(
            call_id, interaction_id, request_ids, account_id, organization_id, None if is_rotating(key_id) else key_id, conversation_id
        )
        return rows_of_call(record, metadata, kind, who, body, response, own, context)


FORMAT = LiteLLM()
