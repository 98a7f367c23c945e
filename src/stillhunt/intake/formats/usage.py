"""Token counts of one call under the names that APIs, gateways and SDKs give them.

Functions of decoded values, as in `values.py`. A zero beside a count under another name is not the answer: converters
fill in the name that they know with zero and keep what was reported under the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from stillhunt.intake.formats.values import count, decoded

INPUT = (
    *("prompt_tokens", "input_tokens", "promptTokens", "inputTokens", "promptTokenCount", "prompt_token_count", "inputTokenCount"),
    *("prompt_token", "input_token_count", "inputTextTokenCount"),
)
OUTPUT = (
    *("completion_tokens", "output_tokens", "completionTokens", "outputTokens", "candidatesTokenCount", "candidates_token_count"),
    *("outputTokenCount", "completion_token", "output_token_count", "generation_token_count", "totalOutputTextTokenCount"),
)
REASONING = ("reasoning_tokens", "reasoningTokens", "thoughtsTokenCount", "thoughts_token_count", "output_reasoning_tokens")
CACHED = (
    *("cached_tokens", "cache_read_input_tokens", "cachedTokens", "cacheReadInputTokens", "prompt_cache_hit_tokens"),
    *("cachedContentTokenCount", "cached_content_token_count", "input_cached_tokens", "cached_input_tokens", "cachedInputTokens"),
    "cacheReadInputTokenCount",
)
GIVEN_DETAILS = ("prompt_tokens_details", "input_tokens_details", "input_token_details", "promptTokensDetails", "inputTokensDetails")
SPENT_DETAILS = (
    "completion_tokens_details",
    "output_tokens_details",
    "output_token_details",
    "completionTokensDetails",
    "outputTokensDetails",
)


class Tokens(NamedTuple):
    """Counts of one call; None where nobody counted."""

    input: int | None = None
    output: int | None = None
    reasoning: int | None = None
    cached: int | None = None


def tokens_of(usage: Any, field: str = "usage") -> Tokens:
    """The counts of a usage object, with its details, in any spelling."""
    usage = decoded(usage)
    if not isinstance(usage, Mapping):
        return Tokens()
    given, spent = (_objects(usage, names) for names in (GIVEN_DETAILS, SPENT_DETAILS))
    return Tokens(
        first_count((usage,), INPUT, field),
        first_count((usage,), OUTPUT, field),
        first_count((*spent, usage), (*REASONING, "reasoning"), field),
        first_count((*given, usage), (*CACHED, "cache_read"), field),
    )


def usage_in(response: Any) -> Any:
    """The usage object of a response body of any API; None where it has none."""
    response = decoded(response)
    if not isinstance(response, Mapping):
        return None
    for name in ("usage", "usageMetadata", "usage_metadata"):
        found = decoded(response.get(name))
        if isinstance(found, Mapping) and found:
            return found
    inner = response.get("message") or response.get("response")  # a streamed message's start, and the Responses API's events
    return inner.get("usage") if isinstance(inner, Mapping) else None


def first_count(holders: Iterable[Mapping[str, Any]], names: Iterable[str], field: str) -> int | None:
    """The first count that is not zero under one of `names`; zero where all that are there say so."""
    found: int | None = None
    names = tuple(names)
    for holder in holders:
        for name in names:
            if name in holder:
                value = count(holder[name], f"{field}.{name}")
                if value:
                    return value
                found = value if found is None else found
    return found


def _objects(usage: Mapping[str, Any], names: Iterable[str]) -> tuple[Mapping[str, Any], ...]:
    return tuple(inner for name in names if isinstance(inner := decoded(usage.get(name)), Mapping))
