"""OpenRouter's activity as it exports it (CSV), and generations as its API shows them: who, when, which model, how many tokens.

There is no text in either.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from stillhunt.intake.formats import Context, Row, Sample
from stillhunt.intake.formats.calls import first, person, required_account, text
from stillhunt.intake.formats.langfuse import snake
from stillhunt.intake.formats.values import count, from_text, identifier, label, optional_identifier

_MEMBER = re.compile("user_[0-9A-Za-z]{27}")
_NO_TEXT = "OpenRouter's activity holds no text: join a content log, or put a gateway that logs text in front"
_KNOWN = frozenset(
    (
        *("cost_total", "tokens_prompt", "tokens_completion", "tokens_reasoning", "tokens_cached", "model_permaslug", "provider_name"),
        *("variant", "cancelled", "streamed", "user", "finish_reason_raw", "finish_reason_normalized", "generation_time_ms"),
        *("time_to_first_token_ms", "app_name", "api_key_name", "native_tokens_prompt", "native_tokens_completion", "external_user"),
        *("api_type", "upstream_id", "total_cost", "finish_reason", "native_finish_reason", "app_id"),
    )
)


class OpenRouter:
    """One generation is one row."""

    name = "openrouter"
    title = "OpenRouter activity"
    sees = frozenset(
        (
            *("interaction_id", "started_at", "ended_at", "account_id", "key_id", "end_user_id", "surface", "operation", "request_model"),
            *("input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens", "finish_reason", "conversation_id"),
        )
    )
    hides: Mapping[str, str] = {
        "account_id": "the `user` that your application sends with each request; without it the API key's name",
        **dict.fromkeys(("system", "messages", "tools", "response", "reasoning", "request_parameters"), _NO_TEXT),
        "client_ip": "not in the export: join a gateway log of your own",
        "user_agent": "not in the export; in generations from the API it is your own application's",
        "client_headers": "not in the export: join a gateway log of your own",
        "conversation_id": "only in generations from the API (session_id)",
        "http_status": "not in the export: requests that failed are not there",
        "tls_ja4": "not in the export",
        "email": "not in the export: ingest an accounts file",
        "payment_fingerprint": "not in the export: ingest an accounts file",
    }
    two_pass = False

    def sniff(self, sample: Sample) -> float:
        """By the export's columns, or by a generation's fields."""
        heads = [dict.fromkeys(sample.columns)] if sample.columns else sample.records
        scores = [_score(_plain(record).keys()) for record in heads if isinstance(record, Mapping)]
        return sum(scores) / len(scores) if scores else 0.0

    def index(self, record: Mapping[str, Any], context: Context) -> None:
        """Nothing: a record is complete in itself."""

    def read(self, record: Mapping[str, Any], context: Context) -> Iterable[tuple[str, Row]]:
        """One interaction without text."""
        entry = _plain(record)
        key = optional_identifier(text(entry.get("api_key_name")), "api_key_name")
        # `user` is what the application sent, but in an organization's export it may be the member who owns the key.
        sent = first(entry, ("external_user", "user"))[0]
        member = isinstance(sent, str) and _MEMBER.fullmatch(sent) is not None
        account = required_account(
            (person(key, "api_key_name") if member else None) or person(sent, "user") or person(key, "api_key_name"),
            context,
            "user: expected the account; send `user` with each request, or give each account a key of its own",
        )
        started = from_text(entry.get("created_at"), "created_at")
        took, field = first(entry, ("generation_time_ms", "generation_time"))
        waited = count(
            round(float(took)) if isinstance(took, str) and took.replace(".", "", 1).isdecimal() and len(took) < 12 else took, field
        )
        kind = str(entry.get("api_type", "")).lower()
        row: Row = {
            "interaction_id": identifier(*first(entry, ("generation_id", "id"))),
            "started_at": started,
            "ended_at": started + waited * 1000 if waited is not None and waited < 10**9 else None,
            "account_id": account,
            "key_id": key,
            "end_user_id": None,
            "surface": "api",
            "operation": "embeddings" if "embed" in kind else "chat",
            "request_model": label(text(first(entry, ("model_permaslug", "model"))[0]), "model_permaslug"),
            "input_tokens": count(*first(entry, ("native_tokens_prompt", "tokens_prompt"))),
            "output_tokens": count(*first(entry, ("native_tokens_completion", "tokens_completion"))),
            "reasoning_tokens": count(*first(entry, ("native_tokens_reasoning", "tokens_reasoning"))),
            "cached_tokens": count(*first(entry, ("native_tokens_cached", "tokens_cached"))),
            "finish_reason": label(
                text(first(entry, ("finish_reason_normalized", "finish_reason", "finish_reason_raw"))[0]), "finish_reason"
            ),
            "conversation_id": optional_identifier(text(entry.get("session_id")), "session_id"),
        }
        return (("interactions", row),)


def _plain(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Names in snake case: the client libraries write generations in camel case."""
    return snake({**record, "traceId": None}) if "createdAt" in record or "tokensPrompt" in record else record


def _score(keys: Iterable[str]) -> float:
    names = set(keys)
    known = len(names & _KNOWN)
    if {"generation_id", "created_at"} <= names and known >= 2:
        return 0.97
    return 0.95 if {"id", "created_at", "tokens_prompt", "tokens_completion"} <= names and known >= 4 else 0.0


FORMAT = OpenRouter()
