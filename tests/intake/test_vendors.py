"""Vendors' bodies: what is turned into chat messages reads as the whole does, and nothing raises."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intake.test_formats_fuzz import JSON
from stillhunt.intake.bodies import read_body
from stillhunt.intake.vendors import usage_of, vendor_request, vendor_response

KEYS = st.sampled_from(
    [
        *(
            "messages",
            "contents",
            "content",
            "parts",
            "text",
            "role",
            "system",
            "toolUse",
            "toolResult",
            "reasoningContent",
            "json",
            "image",
        ),
        *(
            "inputText",
            "texts",
            "message",
            "chat_history",
            "instances",
            "toolConfig",
            "output",
            "results",
            "generations",
            "outputs",
            "kwargs",
        ),
        *(
            "predictions",
            "completions",
            "generation",
            "contentBlockDelta",
            "delta",
            "event_type",
            "candidates",
            "usage",
            "id",
            "type",
            "data",
        ),
    ]
)
BODIES = st.recursive(JSON, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=10)


@settings(max_examples=400, deadline=None)
@given(BODIES, BODIES, st.booleans())
def test_a_body_of_any_shape_is_read_without_a_word_of_complaint(request, response, keep):
    body = read_body(vendor_request(request), vendor_response(response), keep_text=keep)
    for text in (body.system, body.transcript, body.tools, body.response, body.reasoning, body.messages):
        assert text is None or text.encode()
    assert isinstance(usage_of(response), dict)


@pytest.mark.parametrize(
    ("request_body", "expected"),
    [
        ({"messages": [{"role": "user", "content": [{"text": "a"}, {"text": "b"}]}]}, ("\x1eua\nb", None)),
        ({"messages": [{"role": "user", "content": [{"text": "a"}, {"image": {}}]}]}, ("\x1eua", None)),
        ({"messages": [{"role": "user", "content": []}]}, ("\x1eu", None)),
        ({"messages": [{"role": "assistant", "content": [{"text": "a"}], "name": "x"}]}, ("\x1eaa", None)),
        ({"messages": [{"role": "system", "content": [{"text": "s"}]}, {"role": "user", "content": "a"}]}, ("\x1eua", "s")),
        ({"contents": [{"role": "user", "parts": [{"text": "a"}]}, {"role": "model", "parts": [{"text": "b"}]}]}, ("\x1eua\x1eab", None)),
        ({"contents": [{"parts": [{"text": "a"}]}]}, ("\x1eua", None)),
        ({"contents": [{"role": "user", "parts": [{"text": "a"}, {"inlineData": {}}]}]}, ("\x1eua", None)),
        ({"system": [{"text": "s"}, {"cachePoint": {}}], "messages": []}, (None, "s")),
        (
            {"chat_history": [{"role": "USER", "message": "a"}, {"role": "CHATBOT", "message": "b"}], "message": "c"},
            ("\x1eua\x1eab\x1euc", None),
        ),
        ({"message": "c", "preamble": "s"}, ("\x1euc", "s")),
        ("plain", ("\x1euplain", None)),
        (None, (None, None)),
    ],
)
def test_requests_are_messages(request_body, expected):
    body = read_body(vendor_request(request_body), None)
    assert (body.transcript, body.system) == expected


def test_text_is_read_alike_with_and_without_keeping_it():
    asked = {"messages": [{"role": "user", "content": [{"text": "a"}, {"text": "b"}]}]}
    kept = read_body(vendor_request(asked), None, keep_text=True)
    assert kept.transcript == read_body(vendor_request(asked), None).transcript
    assert kept.messages is not None


def test_tools_of_a_stream_are_put_together():
    chunks = [
        {"contentBlockStart": {"start": {"toolUse": {"name": "look", "toolUseId": "t"}}, "contentBlockIndex": 0}},
        {"contentBlockDelta": {"delta": {"toolUse": {"input": '{"a"'}}}},
        {"contentBlockDelta": {"delta": {"toolUse": {"input": ": 1}"}}}},
        {"contentBlockDelta": {"delta": {"reasoningContent": {"text": "hm"}}}},
        {"messageStop": {"stopReason": "tool_use"}},
        {"metadata": {"usage": {"inputTokens": 3, "outputTokens": 4}}},
    ]
    body = read_body(None, vendor_response(chunks))
    assert (body.response, body.reasoning, body.finish_reason) == ('look {"a": 1}', "hm", "tool_use")
    assert usage_of(chunks) == {"inputTokens": 3, "outputTokens": 4}
