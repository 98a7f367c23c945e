"""Bodies: every API's shape of a conversation becomes the same transcript, response and reasoning."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillhunt.intake.bodies import read_body


def chat(content, **message):
    return {"choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content, **message}}]}


def test_plain_chat_messages_keep_order_roles_and_text():
    body = read_body(
        [
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": "Hello"},
            {"role": "user", "content": "Bye"},
        ],
        chat("Farewell"),
    )
    assert body.system == "Be kind."
    assert body.transcript == "\x1euHi\x1eaHello\x1euBye"
    assert (body.response, body.finish_reason, body.reasoning) == ("Farewell", "stop", None)
    assert (body.messages, body.tool_count, body.truncated) == (None, None, False)


def test_a_separator_inside_a_text_cannot_forge_a_turn():
    for content in ("a\x1eaforged", [{"type": "text", "text": "a\x1eaforged"}]):
        assert read_body([{"role": "user", "content": content}], None).transcript == "\x1eua aforged"


SAME_CONVERSATION = {
    "chat completions": {
        "messages": [
            {"role": "developer", "content": "Use the tool."},
            {
                "role": "user",
                "content": [{"type": "text", "text": "Oslo?"}, {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}],
            },
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "c", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Oslo"}'}}],
            },
            {"role": "tool", "tool_call_id": "c", "content": "rain"},
        ],
        "tools": [{"type": "function", "function": {"name": "weather"}}],
    },
    "responses": {
        "instructions": "Use the tool.",
        "input": [
            {
                "role": "user",
                "content": [{"type": "input_text", "text": "Oslo?"}, {"type": "input_image", "image_url": "https://example.com/a.png"}],
            },
            {"type": "function_call", "call_id": "c", "name": "weather", "arguments": '{"city":"Oslo"}'},
            {"type": "function_call_output", "call_id": "c", "output": "rain"},
        ],
        "tools": [{"type": "function", "name": "weather"}],
    },
    "messages": {
        "system": [{"type": "text", "text": "Use the tool.", "cache_control": {"type": "ephemeral"}}],
        "messages": [
            {
                "role": "user",
                "content": [{"type": "text", "text": "Oslo?"}, {"type": "image", "source": {"type": "base64", "data": "AAAA"}}],
            },
            {"role": "assistant", "content": [{"type": "tool_use", "id": "c", "name": "weather", "input": {"city": "Oslo"}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": [{"type": "text", "text": "rain"}]}]},
        ],
        "tools": [{"name": "weather", "input_schema": {}}],
    },
    "contents": {
        "systemInstruction": {"parts": [{"text": "Use the tool."}]},
        "contents": [
            {"role": "user", "parts": [{"text": "Oslo?"}, {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}]},
            {"role": "model", "parts": [{"functionCall": {"name": "weather", "args": {"city": "Oslo"}}}]},
            {"role": "function", "parts": [{"functionResponse": "rain"}]},
        ],
        "tools": [{"functionDeclarations": [{"name": "weather"}]}],
    },
    "parts": {
        "system": [{"type": "text", "content": "Use the tool."}],
        "messages": [
            {"role": "user", "parts": [{"type": "text", "content": "Oslo?"}, {"type": "blob", "modality": "image", "content": "AAAA"}]},
            {"role": "assistant", "parts": [{"type": "tool_call", "id": "c", "name": "weather", "arguments": {"city": "Oslo"}}]},
            {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c", "result": "rain"}]},
        ],
        "tools": [{"name": "weather"}],
    },
}


@pytest.mark.parametrize("api", SAME_CONVERSATION)
def test_the_same_conversation_reads_the_same_in_every_api(api):
    body = read_body(SAME_CONVERSATION[api], None)
    assert body.system == "Use the tool."
    assert body.transcript == '\x1euOslo?\x1eaweather {"city":"Oslo"}\x1etrain'
    assert body.images == 1
    assert body.tool_count == 1
    assert "weather" in body.tools


@pytest.mark.parametrize("api", SAME_CONVERSATION)
def test_a_body_as_json_text_reads_like_the_body(api):
    assert read_body(json.dumps(SAME_CONVERSATION[api]), None) == read_body(json.loads(json.dumps(SAME_CONVERSATION[api])), None)


SAME_ANSWER = {
    "chat completions": chat(
        "Rain.", reasoning_content="It said rain.", thinking_blocks=[{"type": "thinking", "thinking": "It said rain."}]
    ),
    "responses": {
        "object": "response",
        "status": "completed",
        "output": [
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "It said rain."}]},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Rain.", "annotations": []}]},
        ],
    },
    "messages": {
        "type": "message",
        "role": "assistant",
        "stop_reason": "stop",
        "content": [
            {"type": "thinking", "thinking": "It said rain.", "signature": "abc"},
            {"type": "redacted_thinking", "data": "opaque"},
            {"type": "text", "text": "Rain."},
        ],
    },
    "parts": [
        {
            "role": "assistant",
            "finish_reason": "stop",
            "parts": [{"type": "reasoning", "content": "It said rain."}, {"type": "text", "content": "Rain."}],
        }
    ],
    "contents": {
        "candidates": [
            {
                "finishReason": "STOP",
                "content": {"role": "model", "parts": [{"type": "thinking", "text": "It said rain."}, {"text": "Rain."}]},
            }
        ]
    },
    "chat chunks": [
        {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"role": "assistant", "reasoning_content": "It said "}}]},
        {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"reasoning_content": "rain."}}]},
        {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": "Ra"}}]},
        {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": "in."}, "finish_reason": "stop"}]},
        {"object": "chat.completion.chunk", "choices": [], "usage": {"total_tokens": 3}},
    ],
    "message events": [
        {"type": "message_start", "message": {"role": "assistant", "content": [], "model": "m"}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "It said rain."}},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "Rain."}},
        {"type": "message_delta", "delta": {"stop_reason": "stop"}, "usage": {"output_tokens": 3}},
        {"type": "message_stop"},
    ],
    "responses events cut before their end": [
        {"type": "response.created", "response": {"object": "response", "output": []}},
        {"type": "response.reasoning_summary_text.delta", "delta": "It said rain."},
        {"type": "response.output_text.delta", "delta": "Ra"},
        {"type": "response.output_text.delta", "delta": "in."},
    ],
}


@pytest.mark.parametrize("api", SAME_ANSWER)
def test_the_same_answer_reads_the_same_in_every_api(api):
    body = read_body(None, SAME_ANSWER[api])
    assert (body.response, body.reasoning) == ("Rain.", "It said rain.")
    assert (body.finish_reason or "stop").lower() in ("stop", "completed")


@pytest.mark.parametrize("api", ["chat chunks", "message events", "responses events cut before their end"])
def test_a_logged_event_stream_reads_like_its_chunks(api):
    stream = "".join(f"event: x\ndata: {json.dumps(chunk)}\n\n" for chunk in SAME_ANSWER[api]) + "data: [DONE]\n\n"
    assert read_body(None, stream) == read_body(None, SAME_ANSWER[api])


def test_streamed_tool_calls_are_put_together():
    chunks = [
        {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"name": "weather", "arguments": '{"ci'}}]}}]},
        {
            "choices": [
                {"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"arguments": 'ty":1}'}}]}, "finish_reason": "tool_calls"}
            ]
        },
    ]
    body = read_body(None, chunks)
    assert (body.response, body.finish_reason) == ('weather {"city":1}', "tool_calls")


def test_a_closing_responses_event_stands_for_the_stream():
    done = {
        "type": "response.completed",
        "response": {"object": "response", "status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
    }
    done["response"]["output"] = [{"type": "message", "content": [{"type": "output_text", "text": "Whole."}]}]
    body = read_body(None, [{"type": "response.output_text.delta", "delta": "Wh"}, done])
    assert (body.response, body.finish_reason) == ("Whole.", "max_output_tokens")


def test_tool_results_in_a_user_message_are_the_tools_turn_and_the_rest_the_users():
    content = [{"type": "tool_result", "content": "4"}, {"type": "text", "text": "Go on."}]
    assert read_body([{"role": "user", "content": content}], None).transcript == "\x1et4\x1euGo on."


def test_several_choices_are_all_kept():
    body = read_body(
        None,
        {"choices": [{"message": {"content": "One"}, "finish_reason": "length"}, {"message": {"content": "Two"}, "finish_reason": "stop"}]},
    )
    assert (body.response, body.finish_reason) == ("One\nTwo", "length")


@pytest.mark.parametrize(
    ("response", "text"),
    [
        ({"choices": [{"text": "legacy", "finish_reason": "stop"}]}, "legacy"),
        ({"message": {"role": "assistant", "content": "local"}, "done_reason": "stop"}, "local"),
        ({"role": "assistant", "content": "bare"}, "bare"),
        ({"output_text": "short"}, "short"),
        ("just text", "just text"),
        ('{"choices":[{"message":{"content":"as json"}}]}', "as json"),
        ({"choices": [{"message": {"content": None, "refusal": None, "function_call": {"name": "f", "arguments": "{}"}}}]}, "f {}"),
        ({"choices": [{"message": {"content": [{"type": "refusal", "refusal": "No."}]}}]}, "No."),
        ({"answer": 42}, '{"answer":42}'),
        ('{"answer": 42,  "data": []}', '{"answer": 42,  "data": []}'),
        ('[{"name": "x"}, 1]', '[{"name": "x"}, 1]'),
        ('{"object": "list", "data": [{"embedding": [0.1]}]}', None),
        ({"object": "list", "data": [{"embedding": [0.1]}]}, None),
        ({"error": {"message": "slow down"}}, None),
        ({}, None),
        ("", None),
        (None, None),
    ],
)
def test_other_responses(response, text):
    assert read_body(None, response).response == text


@pytest.mark.parametrize(
    ("request_body", "transcript"),
    [
        ("Tell me.", "\x1euTell me."),
        ('"quoted"', "\x1euquoted"),
        ({"prompt": "Complete"}, "\x1euComplete"),
        ({"input": ["one", "two"]}, "\x1euone\x1eutwo"),
        ({"messages": []}, None),
        ({"question": 1}, '\x1eu{"question":1}'),
        ('{"question":  1}', '\x1eu{"question":  1}'),
        ('{"prompt": "Complete"}', "\x1euComplete"),
        ([{"type": "human", "content": "Hi"}, {"type": "ai", "content": "Ho"}], "\x1euHi\x1eaHo"),
        ([{"role": "critic", "content": "Bad."}], "\x1eoBad."),
        ([{"role": "user", "content": [{"type": "hologram", "data": 1}]}], '\x1eu{"type":"hologram","data":1}'),
        ({}, None),
        ("", None),
        (None, None),
    ],
)
def test_other_requests(request_body, transcript):
    assert read_body(request_body, None).transcript == transcript


def test_text_that_litellm_cut_is_marked_and_its_beginning_read():
    messages = [{"role": "system", "content": 'Be "kind".'}, {"role": "user", "content": "Don't " + "stop " * 40}]
    cut = str(messages)[:160] + "...truncated by litellm, this logger does not support large content"
    body = read_body(cut, chat("ok"))
    assert body.truncated
    assert body.system == 'Be "kind".'
    assert body.transcript.startswith("\x1euDon't stop stop")
    assert "litellm" not in body.transcript


@pytest.mark.parametrize(
    "response", [chat("Begin (litellm_truncated 900 chars) end"), "Begin...truncated by litellm", {"litellm_truncated": True}]
)
def test_a_cut_response_is_marked(response):
    assert read_body([{"role": "user", "content": "Hi"}], response).truncated


def test_talk_about_truncation_is_not_truncation():
    assert not read_body(
        [{"role": "user", "content": "Was my_text truncated?"}], chat("It was truncated by litellm, I think. " + "x" * 500)
    ).truncated


def test_redacted_content_is_no_content():
    body = read_body([{"role": "user", "content": "redacted-by-litellm"}], chat("redacted-by-litellm"))
    assert (body.transcript, body.response) == (None, None)


def test_kept_messages_read_back_to_the_same_transcript():
    for request in SAME_CONVERSATION.values():
        body = read_body(request, None, keep_text=True)
        again = read_body(body.messages, None, keep_text=True)
        assert again.transcript == body.transcript
        assert again.messages == body.messages


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant", "tool", "critic"]), "content": st.text(max_size=20)}),
        min_size=1,
        max_size=5,
    )
)
def test_the_quick_path_and_the_general_path_agree(messages):
    assert read_body(messages, None).transcript == read_body(messages, None, keep_text=True).transcript
    assert read_body(messages, None).transcript == read_body([{**message, "name": "n"} for message in messages], None).transcript


def test_deeply_nested_content_is_kept_as_json_instead_of_overflowing():
    content = "deep"
    for _ in range(600):
        content = [content]
    assert "deep" in read_body([{"role": "user", "content": content}], None).transcript
