"""Reading a payload from its line gives what decoding it and reading it gives, or leaves it to that."""

import json

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from stillhunt.errors import BadRow
from stillhunt.intake.formats import Context
from stillhunt.intake.formats.litellm import FORMAT
from stillhunt.intake.framing import is_utf8, records_of_line

CALL = {
    "id": "chatcmpl-1",
    "trace_id": "t-1",
    "session_id": None,
    "litellm_call_id": "c-1",
    "call_type": "acompletion",
    "status": "success",
    "startTime": 1783418400.251934,
    "endTime": 1783418404,
    "prompt_tokens": 12,
    "completion_tokens": 3,
    "total_tokens": 15,
    "model": "large-1",
    "model_group": "large",
    "model_parameters": {"temperature": 0.2, "tools": [{"type": "function", "function": {"name": "lookup"}}]},
    "metadata": {
        "user_api_key_hash": "a" * 64,
        "user_api_key_user_id": "user-7",
        "user_api_key_org_id": None,
        "user_api_key_team_id": "team-4",
        "user_api_key_user_email": "berry@example.com",
        "requester_custom_headers": {"x-stainless-lang": "python", "x-api-key": "secret"},
        "requester_ip_address": "192.0.2.9",
        "user_agent": "curl/8.5.0",
        "usage_object": {
            "completion_tokens_details": {"reasoning_tokens": 2, "audio_tokens": None},
            "prompt_tokens_details": None,
            "cache_read_input_tokens": 8,
        },
    },
    "error_information": {"error_code": "", "error_class": ""},
    "end_user": "",
    "messages": [
        {"role": "system", "content": "Answer briefly."},
        {"role": "user", "content": "Wo liegt “Ulm”?\x1e"},
        {"role": "critic", "content": ""},
    ],
    "response": {
        "model": "large-1-2026",
        "choices": [{"finish_reason": "stop", "message": {"role": "assistant", "content": "An der Donau.", "tool_calls": None}}],
        "usage": {"completion_tokens_details": {"reasoning_tokens": 99}},
    },
}


def by_definition(line, context):
    """What the definition of the format makes of a line: the rows, or the reasons against it."""
    found = []
    for _, record, _ in records_of_line(1, memoryview(line)):
        if isinstance(record, BadRow):
            return str(record)
        try:
            found.extend(FORMAT.read(record, context))
        except BadRow as bad:
            return str(bad)
    return found


def agree(line, **options):
    """Whether the line was read at once; proves that it then was read as by definition."""
    ours, theirs = Context(**options), Context(**options)
    found = FORMAT.read_line(memoryview(line), ours)
    if found is None:
        assert ours.facts == {}
        return False
    assert list(found) == by_definition(line, theirs)
    assert ours.facts == theirs.facts
    return True


def replaced(value, path, new):
    """`value` with what stands at `path` replaced, or left out when `new` is `agree`, which no JSON holds."""
    if not path:
        return new
    pairs = list(enumerate(value)) if isinstance(value, list) else list(value.items())
    pairs = [(key, replaced(inner, path[1:], new) if key == path[0] else inner) for key, inner in pairs]
    pairs = [(key, inner) for key, inner in pairs if inner is not agree]
    return [inner for _, inner in pairs] if isinstance(value, list) else dict(pairs)


def paths(value, here=()):
    yield here
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from paths(inner, (*here, key))


NEW = {
    **{f"top.{name}": (name,) for name in ("proxy_server_request", "requester_ip_address", "user_agent", "surprise")},
    **{f"meta.{name}": ("metadata", name) for name in ("headers", "proxy_server_request", "surprise")},
    **{f"message.{name}": ("messages", 1, name) for name in ("tool_calls", "name")},
    **{f"answer.{name}": ("response", "choices", 0, "message", name) for name in ("reasoning", "thinking_blocks", "function_call")},
    **{f"usage.{name}": ("metadata", "usage_object", name) for name in ("output_tokens_details", "input_tokens_details")},
}
PLACES = sorted({*paths(CALL), *NEW.values()}, key=repr)
ODD = [
    *(
        None,
        True,
        0,
        -1,
        7,
        2**63,
        2**64,
        10**30,
        0.5,
        3.0,
        1e300,
        "",
        " ",
        "0",
        "429",
        " 429 ",
        "a\0b",
        "\ud800",
        "default_user_id",
    ),
    *(
        " 429 ",
        "batch",
        "mcp",
        "aresponses",
        "redacted-by-litellm",
        "… truncated by litellm",
        "litellm_truncated",
        "192.0.2.1:80",
        "c-1",
    ),
    *("system", "tool", "a\x1eb", "\u2028x", "chatcmpl-1", "nobody", "２", [], {}, [{}], [None], {"a": 1}, {"": ""}),
    *({"system": "be kind"}, {"stream": True, "system": None}, {"X-Title": "x", "Cookie": "y"}, {"error_code": "503"}, '{"a": 1}'),
    *({"headers": {"host": "example.com"}}, {"reasoning_tokens": 4.0}, [{"role": "user", "content": "x"}], agree),
]
VALUES = st.sampled_from(ODD) | st.text(max_size=8) | st.floats(allow_nan=True) | st.integers()


def with_changes(changes):
    call = CALL
    for path, value in changes:
        present = path in set(paths(call))
        if present:
            call = replaced(call, path, value)
        elif path and path[:-1] in set(paths(call)) and value is not agree:
            holder = call
            for key in path[:-1]:
                holder = holder[key]
            if isinstance(holder, dict):
                call = replaced(call, path[:-1], {**holder, path[-1]: value})
        if not isinstance(call, dict):
            break
    return None if call is agree else call


@pytest.mark.parametrize("path", PLACES, ids=lambda path: ".".join(map(str, path)) or "all of it")
def test_whatever_stands_in_one_place_both_ways_of_reading_it_agree(path):
    for value in ODD:
        changed = with_changes([(path, value)])
        agree(json.dumps(changed).encode())
        agree(json.dumps(changed, ensure_ascii=False).encode("utf-8", "replace"))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(st.lists(st.tuples(st.sampled_from(PLACES), VALUES), min_size=1, max_size=4), st.booleans(), st.booleans())
def test_whatever_stands_in_several_places_both_ways_of_reading_it_agree(changes, ascii_only, account_optional):
    text = json.dumps(with_changes(changes), ensure_ascii=ascii_only)
    agree(text.encode("utf-8", "replace"), account_optional=account_optional)


PIECES = [b"", b'"', b"\\", b"\x01", b"{", b"}", b",", b"1e999", b"null", b" ", b'"id": 3, ', b"\xc3", b"\\ud800"]


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_a_line_that_came_to_harm_is_read_by_both_or_by_neither(data):
    line = bytearray(json.dumps(CALL, ensure_ascii=False).encode())
    for _ in range(data.draw(st.integers(1, 2))):
        at = data.draw(st.integers(0, len(line) - 1))
        piece = data.draw(
            st.sampled_from([b"", b'"', b"\\", b"\x01", b"{", b"}", b",", b"1e999", b"null", b" ", b'"id": 3, ', b"\xc3", b"\\ud800"])
        )
        line[at : at + data.draw(st.integers(0, 3))] = piece
    assume(is_utf8(bytes(line)))  # other lines are never tried
    agree(bytes(line))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((), CALL),
        (("session_id",), "s-9"),
        (("id",), agree),
        (("endTime",), None),
        (("model_parameters",), {}),
        (("model_parameters",), agree),
        (("status",), "failure"),
        (("error_information",), {"error_code": "429", "error_class": "RateLimitError"}),
        (("metadata", "user_api_key_user_id"), "default_user_id"),
        (("metadata", "user_api_key_user_email"), None),
        (("metadata", "requester_custom_headers"), None),
        (("metadata", "requester_ip_address"), "[2001:db8::1]:443"),
        (("metadata", "usage_object"), {}),
        (("messages",), []),
        (("messages", 0, "content"), "… truncated by litellm"),
        (("messages", 1, "content"), "redacted-by-litellm"),
        (("call_type",), "list_mcp_tools"),
        (("response", "choices", 0, "message", "content"), ""),
    ],
    ids=str,
)
def test_ordinary_payloads_are_read_at_once_and_alike(path, value):
    assert agree(json.dumps(replaced(CALL, path, value)).encode())


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("startTime",), "2026-07-07T10:00:00Z"),
        (("messages", 0, "content"), [{"type": "text", "text": "x"}]),
        (("response", "choices", 0, "message", "tool_calls"), [{"function": {"name": "f", "arguments": "{}"}}]),
        (("metadata",), "{}"),
        (("model_parameters",), {"system": "be kind"}),
        (("prompt_tokens",), -1),
    ],
    ids=str,
)
def test_anything_else_is_left_to_the_definition_of_the_format(path, value):
    assert not agree(json.dumps(replaced(CALL, path, value)).encode())


def test_nothing_is_read_at_once_when_text_is_kept():
    assert not agree(json.dumps(CALL).encode(), keep_text=True)


def test_duplicate_names_count_as_the_last_of_them():
    line = json.dumps(CALL).replace('"id": ', '"id": "first", "id": ', 1).replace('"role": "user"', '"role": "system", "role": "user"', 1)
    assert agree(line.encode())


def test_what_comes_again_is_read_as_the_first_time():
    again = [json.dumps(replaced(CALL, ("model_parameters",), {"seed": n % 2})).encode() for n in range(4)]
    assert all(agree(line) for line in again)
    long = replaced(CALL, ("metadata", "requester_custom_headers"), {"x-title": "x" * 5000})
    assert agree(json.dumps(long).encode())
