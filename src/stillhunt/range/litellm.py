"""LiteLLM's logs: the StandardLoggingPayload that its callbacks push, and the SpendLogs that its database keeps.

Field names and their order follow LiteLLM 1.109 (`litellm/types/utils.py`, `proxy/schema.prisma`), content included.
Records are assembled from constant pieces, because a world has a million of them: everything that is the same in each
call of an actor is serialised once and kept in the actor's memo.
"""

from __future__ import annotations

import csv
import hashlib
import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from stillhunt.range.calls import SECOND, Call, Message
from stillhunt.range.files import LineWriter
from stillhunt.range.stage import MODEL_BY_NAME

dumps = orjson.dumps

API_BASE = b"https://inference.example.com/v1"
MESSAGES = {
    400: "Invalid request: this model's maximum context length was exceeded.",
    401: "Incorrect API key provided.",
    403: "This account has been suspended.",
    429: "Rate limit reached for requests. Please try again later.",
    500: "The server had an error while processing your request.",
    503: "The model is overloaded. Please try again later.",
}

_MODEL_ID = {name: hashlib.sha256(name.encode()).hexdigest().encode() for name in MODEL_BY_NAME}
_MAP = {
    name: dumps(
        {
            "model_map_key": name,
            "model_map_value": {
                "key": name,
                "max_tokens": 16384,
                "max_input_tokens": 200000,
                "max_output_tokens": 16384,
                "input_cost_per_token": model.input_price / 1e6,
                "output_cost_per_token": model.output_price / 1e6,
                "litellm_provider": "openai",
                "mode": "chat",
            },
        }
    )
    for name, model in MODEL_BY_NAME.items()
}

COST = b'{"input_cost":%b,"output_cost":%b,"total_cost":%b,"tool_usage_cost":0.0}'
INFORMATION_NONE = b'{"error_code":"","error_class":"","llm_provider":"","traceback":"","error_message":""}'
INFORMATION = b'{"error_code":"%d","error_class":"%b","llm_provider":"openai","traceback":"","error_message":%b}'
METADATA_HEAD = (
    b'{"user_api_key_hash":"%b","user_api_key_alias":null,"user_api_key_max_budget":null,"user_api_key_budget_reset_at":null,'
    b'"user_api_key_user_max_budget":null,"user_api_key_team_spend":null,"user_api_key_team_max_budget":null,'
    b'"user_api_key_org_id":%b,"user_api_key_org_alias":null,"user_api_key_team_id":null,"user_api_key_project_id":null,'
    b'"user_api_key_project_alias":null,"user_api_key_user_id":"%b","user_api_key_user_email":%b,"user_api_key_team_alias":null,'
    b'"user_api_key_end_user_id":null,"user_api_key_request_route":"/v1/chat/completions","user_api_key_auth_metadata":{},'
    b'"spend_logs_metadata":null,"requester_metadata":{},"requester_custom_headers":%b,"prompt_management_metadata":null,'
    b'"mcp_tool_call_metadata":null,"vector_store_request_metadata":null,"routing_decision":null,"kubernetes_pod_routing":null,'
    b'"applied_guardrails":[],"cold_storage_object_key":null,"team_alias":null,"team_id":null,"used_client_oauth_token":null,'
    b'"is_silent_experiment":null,'
)
METADATA_TAIL = b'"user_api_key_spend":%b,"user_api_key_user_spend":%b,"requester_ip_address":%b,"user_agent":%b,"usage_object":%b}'
PAYLOAD = (
    b'{"id":"%b","trace_id":%b,"session_id":%b,"litellm_call_id":"%b","call_type":"acompletion","stream":%b,"response_cost":%b,'
    b'"cost_breakdown":%b,"autorouter_model":null,"autorouter_reason":null,"response_cost_failure_debug_info":null,'
    b'"zero_cost_diagnostic":null,"status":"%b","status_fields":{"llm_api_status":"%b","guardrail_status":"not_run"},'
    b'"custom_llm_provider":"openai","total_tokens":%d,"prompt_tokens":%d,"completion_tokens":%d,"startTime":%b,"endTime":%b,'
    b'"completionStartTime":%b,"response_time":%b,"model_map_information":%b,"model":"%b","model_id":"%b","model_group":"%b",'
    b'"api_base":"%b","metadata":%b,"cache_hit":null,"cache_key":null,"saved_cache_cost":0.0,"request_tags":[],'
    b'"request_model_access_groups":[],"end_user":%b,"requester_ip_address":%b,"user_agent":%b,"messages":%b,"response":%b,'
    b'"error_str":%b,"error_information":%b,"model_parameters":%b,"hidden_params":{"model_id":"%b","cache_key":null,"api_base":"%b",'
    b'"response_cost":%b,"additional_headers":null,"litellm_overhead_time_ms":null,"batch_models":null,"litellm_model_name":"%b",'
    b'"usage_object":null},"guardrail_information":null,"standard_built_in_tools_params":{"web_search_options":null,"file_search":null},'
    b'"cost_finalized":true}\n'
)


def full_messages(call: Call) -> list[Message]:
    """The request's messages as sent, the system's first."""
    if call.system is None:
        return call.messages
    return [{"role": "system", "content": call.system}, *call.messages]


def response_object(call: Call, identifier: str) -> bytes:
    """The OpenAI-style response body as JSON; an empty object when the call failed."""
    if call.status != 200:
        return b"{}"
    return RESPONSE % (
        identifier.encode(),
        call.ended // SECOND,
        MODEL_BY_NAME[call.model].version.encode(),
        dumps(call.finish_reason),
        dumps(call.response),
        b',"reasoning_content":' + dumps(call.reasoning) if call.reasoning is not None else b"",
        usage_object(call),
    )


RESPONSE = (
    b'{"id":"chatcmpl-%b","created":%d,"model":"%b","object":"chat.completion","system_fingerprint":null,'
    b'"choices":[{"finish_reason":%b,"index":0,"message":{"content":%b,"role":"assistant","tool_calls":null,"function_call":null%b}}],'
    b'"usage":%b,"service_tier":null}'
)
USAGE = (
    b'{"completion_tokens":%d,"prompt_tokens":%d,"total_tokens":%d,'
    b'"completion_tokens_details":{"accepted_prediction_tokens":null,"audio_tokens":null,"reasoning_tokens":%d,"rejected_prediction_tokens":null},'
    b'"prompt_tokens_details":{"audio_tokens":null,"cached_tokens":%d}}'
)


def usage_object(call: Call) -> bytes:
    """Token counts as the response carries them."""
    return USAGE % (
        call.output_tokens,
        call.input_tokens,
        call.input_tokens + call.output_tokens,
        call.reasoning_tokens,
        call.cached_tokens,
    )


def list_price(call: Call) -> float:
    """Dollars at list price; a failed call costs nothing."""
    if call.status != 200:
        return 0.0
    model = MODEL_BY_NAME[call.model]
    return (call.input_tokens * model.input_price + call.output_tokens * model.output_price) / 1e6


def epoch(microseconds: int) -> bytes:
    """Seconds with six decimals, as a clock read as a float prints."""
    return b"%d.%06d" % divmod(microseconds, SECOND)


def model_parameters(call: Call) -> bytes:
    """The request's parameters (tools among them) as JSON."""
    memo = call.memo
    known = memo.get("parameters")
    if known is None:
        known = memo["parameters"] = dumps(call.parameters)
    if call.tools is None:
        return known
    return known[:-1] + (b"," if len(known) > 2 else b"") + b'"tools":' + call.tools.encode() + b"}"


class LiteLLM(LineWriter):
    """LiteLLM's StandardLoggingPayload, one JSON object a line, content included, as its generic API callback pushes it."""

    suffix = ".jsonl"

    def line(self, call: Call) -> bytes:
        """The payload of one call, every key present."""
        identifier = self._id()
        account = call.account
        price = list_price(call)
        answered = call.output_tokens * MODEL_BY_NAME[call.model].output_price / 1e6
        account.spent += price
        good = call.status == 200
        first = call.at + (call.ended - call.at) // 4 if good else call.ended
        own = identifier.encode()
        trace = dumps(call.conversation_id) if call.conversation_id is not None else b'"%b"' % own
        ip = dumps(call.ip)
        agent = dumps(call.user_agent)
        message = MESSAGES.get(call.status, "")
        return PAYLOAD % (
            own,
            trace,
            trace,
            own,
            b"true" if call.parameters.get("stream") else b"false",
            dumps(price),
            COST % (dumps(price - answered), dumps(answered), dumps(price)) if good else b"null",
            b"success" if good else b"failure",
            b"success" if good else b"failure",
            call.input_tokens + call.output_tokens if good else 0,
            call.input_tokens if good else 0,
            call.output_tokens,
            epoch(call.at),
            epoch(call.ended),
            epoch(first),
            dumps((call.ended - call.at) / SECOND),
            _MAP[call.model],
            call.model.encode(),
            _MODEL_ID[call.model],
            call.model.encode(),
            API_BASE,
            self._metadata(call, ip, agent),
            dumps(call.end_user_id) if call.end_user_id is not None else b'""',
            ip,
            agent,
            dumps(full_messages(call)),
            response_object(call, identifier),
            b"null" if good else dumps(f"litellm.{call.error_type}: {message}"),
            INFORMATION_NONE if good else INFORMATION % (call.status, (call.error_type or "").encode(), dumps(message)),
            model_parameters(call),
            _MODEL_ID[call.model],
            API_BASE,
            dumps(price) if good else b"null",
            call.model.encode(),
        )

    def _metadata(self, call: Call, ip: bytes, agent: bytes) -> bytes:
        account = call.account
        slot = f"{call.key}/{call.user_agent}"
        head = call.memo.get(slot)
        if head is None:
            head = call.memo[slot] = METADATA_HEAD % (
                account.key_id(call.key).encode(),
                dumps(account.organization_id),
                account.account_id.encode(),
                dumps(account.email),
                dumps({name: value for name, value in call.headers if name.lower().startswith("x-")}),
            )
        spent = b"%.6f" % account.spent
        return head + METADATA_TAIL % (spent, spent, ip, agent, usage_object(call))


class LiteLLMArchive(LiteLLM):
    """The same, gzipped."""

    suffix = ".jsonl.gz"
    compressed = True


def _stamp(microseconds: int) -> str:
    whole, rest = divmod(microseconds, SECOND)
    return f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%d %H:%M:%S}.{rest // 1000:03d}"


def spend_row(call: Call, identifier: str) -> dict[str, Any]:
    """One row of `LiteLLM_SpendLogs` with prompts stored (`store_prompts_in_spend_logs`); JSON columns are objects."""
    good = call.status == 200
    key = call.account.key_id(call.key)
    price = list_price(call)
    metadata = {
        "user_api_key": key,
        "user_api_key_alias": None,
        "user_api_key_team_id": None,
        "user_api_key_org_id": call.account.organization_id,
        "user_api_key_user_id": call.account.account_id,
        "user_api_key_user_email": call.account.email,
        "requester_ip_address": call.ip,
        "user_agent": call.user_agent,
        "status": "success" if good else "failure",
        "error_information": None if good else orjson.loads(INFORMATION % (call.status, (call.error_type or "").encode(), b'""')),
        "usage_object": orjson.loads(usage_object(call)),
    }
    return {
        "request_id": f"chatcmpl-{identifier}" if good else identifier,
        "call_type": "acompletion",
        "api_key": key,
        "spend": price,
        "total_tokens": call.input_tokens + call.output_tokens if good else 0,
        "prompt_tokens": call.input_tokens if good else 0,
        "completion_tokens": call.output_tokens,
        "startTime": _stamp(call.at),
        "endTime": _stamp(call.ended),
        "request_duration_ms": (call.ended - call.at) // 1000,
        "completionStartTime": _stamp(call.at + (call.ended - call.at) // 4 if good else call.ended),
        "model": call.model,
        "model_id": _MODEL_ID[call.model].decode(),
        "model_group": call.model,
        "custom_llm_provider": "openai",
        "api_base": API_BASE.decode(),
        "user": call.account.account_id,
        "metadata": metadata,
        "cache_hit": "False",
        "cache_key": "Cache OFF",
        "request_tags": [],
        "team_id": None,
        "organization_id": call.account.organization_id,
        "end_user": call.end_user_id or "",
        "requester_ip_address": call.ip,
        "messages": full_messages(call),
        "response": orjson.loads(response_object(call, identifier)),
        "session_id": call.conversation_id or identifier,
        "status": "success" if good else "failure",
        "mcp_namespaced_tool_name": None,
        "billing_agent_id": None,
        "agent_id": None,
        "proxy_server_request": {"model": call.model, **orjson.loads(model_parameters(call))},
        "litellm_call_id": identifier,
        "created_at": _stamp(call.ended),
        "updated_at": _stamp(call.ended),
    }


class SpendLogs(LineWriter):
    """SpendLogs as JSON lines: what an export of the table through the database's own JSON gives."""

    suffix = ".jsonl"

    def line(self, call: Call) -> bytes:
        """The row as one JSON object."""
        return dumps(spend_row(call, self._id()), option=orjson.OPT_APPEND_NEWLINE)


class SpendTable(LineWriter):
    """SpendLogs as CSV: JSON columns are strings, null is empty."""

    suffix = ".csv"
    _header = False

    def _begin(self, path: Path) -> None:
        super()._begin(path)
        self._header = True

    def line(self, call: Call) -> bytes:
        """The row as one CSV record, preceded by the header at the head of a file."""
        row = spend_row(call, self._id())
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        if self._header:
            table.writerow(row)
            self._header = False
        table.writerow(dumps(value).decode() if isinstance(value, dict | list) else value for value in row.values())
        return text.getvalue().encode()
