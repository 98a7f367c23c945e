"""What columns are called in logs: for each column, patterns of names from the surest down, and the shape that its values have."""

from __future__ import annotations

import re
from typing import NamedTuple


class Wanted(NamedTuple):
    """What is looked for. Names are in lower case with underscores; a pattern matches a last name, or the last two joined."""

    shape: str
    names: tuple[re.Pattern[str], ...]
    unlike: tuple[str, ...] = ()  # words in the names before it that speak against it


def _wanted(shape: str, names: str, unlike: str = "") -> Wanted:
    return Wanted(shape, tuple(re.compile(name) for name in names.split()), tuple(unlike.split()))


_WHO = "(?:account|user|customer|consumer|client|subscriber|principal|tenant|member|caller|owner|login)"

COLUMNS: dict[str, Wanted] = {
    "started_at": _wanted(
        "time",
        "(?:call_|request_|.*_)?(?:started_at|start_time|starttime|start|begin|began_at) "
        "(?:request|call|received|requested)_(?:time|at|timestamp)"
        " (?:@?timestamp|ts|time_?stamp) time(?:_iso8601|_local|_unix)? created(?:_at|_time|_on)? (?:event|log)_(?:time|timestamp|at)"
        " (?:.*_)?(?:timestamp|datetime|date_time) (?:.*_)?(?:time|date|at|ts|when) when",
        "account signup profile expires",
    ),
    "ended_at": _wanted(
        "time",
        "(?:call_|request_|.*_)?(?:ended_at|end_time|endtime|end|finished_at|completed_at|finish_time|completion_time|done_at)"
        " (?:response|answered|finished|completed)_(?:time|at|timestamp)",
    ),
    "duration": _wanted(
        "number",
        "(?:total_|request_|response_|call_)?(?:latency|duration|elapsed|took|response_time|request_time)"
        "(?:_(?:ms|msec|s|sec|seconds|us|ns|millis|milliseconds))?",
    ),
    "interaction_id": _wanted(
        "id",
        "(?:request|call|interaction|completion|generation|x_request|req|invocation)_?(?:id|uuid) "
        "(?:response|message|event|log|record|correlation|transaction)_?(?:id|uuid)"
        " (?:uuid|guid|_?id|request|rid) (?:trace|span)_?id",
        "user account customer session organization",
    ),
    "account_id": _wanted(
        "word",
        f"account_?(?:id|uuid|number|name)? {_WHO}_?(?:id|uuid|ref|number) (?:x_)?{_WHO} {_WHO}_?(?:name|key|email|login) sub uid"
        " (?:api_?key|key|token)_?(?:id|hash|name|alias|prefix) (?:.*_)?(?:account|user|customer|consumer)_?id",
        "device",
    ),
    "organization_id": _wanted(
        "word",
        "(?:organi[sz]ation|org)_?(?:id|uuid|name)? (?:workspace|team|company|tenant|project|business)_?(?:id|uuid|name)? (?:.*_)?org_?id",
    ),
    "key_id": _wanted("word", "(?:api_?)?(?:key|token)_?(?:id|hash|alias|name|prefix|fingerprint) (?:api_?key|credential)_?id credential"),
    "end_user_id": _wanted("word", "(?:end_?user|final_?user|app_?user|external_?user)_?(?:id)?"),
    "request_model": _wanted(
        "word", "(?:request_?|requested_?)?model(?:_?(?:id|name|requested))? (?:engine|deployment|llm)(?:_?(?:id|name|model))?"
    ),
    "response_model": _wanted("word", "(?:response|answer|served|actual)_?model(?:_?(?:id|name))?"),
    "operation": _wanted("word", "operation(?:_?name)? (?:call|request|api)_?type endpoint route"),
    "input_tokens": _wanted(
        "count",
        "(?:.*_)?(?:input|prompt|in|request)_?(?:tokens?|token_count)(?:_?(?:count|total|used))? "
        "(?:num|n|count)_?(?:input|prompt)_?tokens? tokens_?(?:in|input|prompt)",
        "details cost",
    ),
    "output_tokens": _wanted(
        "count",
        "(?:.*_)?(?:output|completion|out|generated|response)_?(?:tokens?|token_count)(?:_?(?:count|total|used))? "
        "(?:num|n|count)_?(?:output|completion)_?tokens? tokens_?(?:out|output|completion)",
        "details cost",
    ),
    "reasoning_tokens": _wanted("count", "(?:.*_)?(?:reasoning|thinking)_?tokens?(?:_?count)?"),
    "cached_tokens": _wanted("count", "(?:.*_)?(?:cached|cache_read)_?(?:input_)?tokens?(?:_?count)?"),
    "http_status": _wanted("status", "(?:http_?|response_?)?(?:status|status_?code|code) (?:.*_)?status(?:_?code)?"),
    "finish_reason": _wanted("word", "(?:finish|stop|done|end)_?reason"),
    "error_type": _wanted("word", "error_?(?:type|code|class|name|kind) exception(?:_?type)?"),
    "conversation_id": _wanted("word", "(?:conversation|session|chat|thread|dialog)_?(?:id|uuid)?"),
    "client_ip": _wanted(
        "address",
        "(?:client|remote|source|caller|user|peer|src|real|requester|origin)_?(?:ip|addr|address|ip_?address|host) "
        "(?:ip|ip_?address|addr|x_forwarded_for|x_real_ip) (?:.*_)?ip(?:_?address)?",
    ),
    "user_agent": _wanted("word", "(?:http_)?user_?agent(?:_?string)? ua agent"),
    "client_headers": _wanted("headers", "(?:request|client|http|req)_?headers? headers?", "response"),
    "request_parameters": _wanted(
        "object", "(?:request|model|call|invocation|generation)_?(?:parameters|params|options|settings|config) (?:parameters|params)"
    ),
    "tls_ja4": _wanted("word", "(?:tls_|ssl_|client_)?ja4(?:_?(?:hash|fingerprint))?"),
    "request_body": _wanted(
        "request",
        "(?:request|req|input|raw_request)(?:_?(?:body|json|payload|data))? (?:body|payload|data|.*_request(?:_body)?)",
        "response",
    ),
    "response_body": _wanted(
        "response",
        "(?:response|resp|output|raw_response|completion|result|answer)(?:_?(?:body|json|payload|data))? .*_response(?:_body)?",
        "request",
    ),
    "messages": _wanted(
        "messages", "messages (?:.*_)?messages conversation history dialog turns chat (?:prompt|input|request|query)", "response output"
    ),
    "prompt": _wanted(
        "said",
        "(?:user_)?prompt(?:_?text)? (?:input|request|query|question|user)_?(?:text|content|prompt|message)? (?:.*_)?(?:prompt|question)",
        "response usage tokens system",
    ),
    "system": _wanted("text", "system(?:_?(?:prompt|message|instructions?))? instructions"),
    "tools": _wanted("tools", "tools functions (?:tool|function)_?definitions"),
    "response": _wanted(
        "said",
        "(?:model_|llm_|assistant_)?(?:response|completion|answer|output|reply|generation)(?:_?(?:text|content|message))? "
        "(?:generated|completion|output)_?text result",
        "request usage",
    ),
    "reasoning": _wanted("text", "(?:reasoning|thinking)(?:_?(?:text|content))?"),
    "email": _wanted("word", "(?:user_|account_|customer_)?e_?mail(?:_?address)?"),
    "created_at": _wanted("time", "(?:account|user|customer|signup|sign_up|registration|registered)_?(?:created|created_at|date|at|time)"),
    "signup_ip": _wanted("address", "(?:signup|sign_up|registration|register)_?ip(?:_?address)?"),
    "country": _wanted("word", "(?:account_|user_|billing_)?country(?:_?code)?"),
    "plan": _wanted("word", "(?:account_|user_|billing_)?(?:plan|tier|subscription)(?:_?name)?"),
    "payment_fingerprint": _wanted("word", "(?:payment|card)_?(?:fingerprint|hash|method_?id)"),
}
"""Column -> what it is called. Those that come first are preferred where a path would do for two."""

TABLES: dict[str, tuple[str, ...]] = {
    "calls": (
        *("interaction_id", "started_at", "ended_at", "duration", "account_id", "organization_id", "key_id", "end_user_id", "operation"),
        *("request_model", "response_model", "input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens", "http_status"),
        *("finish_reason", "error_type", "conversation_id", "client_ip", "user_agent", "client_headers", "request_parameters", "tls_ja4"),
    ),
    "text": ("request_body", "messages", "prompt", "system", "tools", "response_body", "response", "reasoning"),
    "accounts": ("email", "created_at", "signup_ip", "country", "plan", "payment_fingerprint"),
}
"""Table of a mapping -> columns in the order in which they are written. `duration` is `ended_at`, told as a duration."""

REQUIRED = frozenset({"account_id", "started_at"})
