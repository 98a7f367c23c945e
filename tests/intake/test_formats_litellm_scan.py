"""Scanning a block of payloads gives what decoding and reading each of them gives, or leaves it to that."""

import json
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stillhunt.intake.formats import Context
from stillhunt.intake.formats.litellm import FORMAT
from stillhunt.intake.framing import Block, is_utf8, padded
from stillhunt.intake.rows import INTAKE_TABLES, read_tables

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


class ByDefinition:
    """The format without its scanner."""

    name, read = FORMAT.name, FORMAT.read


def read_as(form, data, **options):
    batch, tables = read_tables(Block("x", "lines", data), form, Context(**options), INTAKE_TABLES)
    bad = [tuple(one) for one in batch.bad]
    return (batch.records, batch.ignored, batch.lines, batch.filled, bad, {name: table.to_pylist() for name, table in tables.items()})


def agree(*lines, **options):
    """How many lines the scanner read; proves that the block then is read as by definition."""
    data = b"\n".join(lines)
    assert read_as(FORMAT, data, **options) == read_as(ByDefinition, data, **options)
    scan = FORMAT.scan(padded(Block("x", "lines", data)), Context(**options)) if is_utf8(data) else None
    return 0 if scan is None else len(lines) - len(scan.left)


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
    **{f"usage.{name}": ("metadata", "usage_object", name) for name in ("output_tokens_details", "input_tokens_details", "cached_tokens")},
}
META = ("metadata",)
ANSWER = ("response", "choices", 0, "message", "content")
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
        "anonymous",
        "None",
        "\\N",
        "hashed-jwt-1",
    ),
    *(
        " 429 ",
        "batch",
        "mcp",
        "aresponses",
        "redacted-by-litellm",
        "default-message-value",
        "[REDACTED]",
        "aget_responses",
        "/v1/models",
        "llm_passthrough_route",
        "a_account__session_0123456789abcdef",
        "{u-1}",
        "401",
        "… truncated by litellm",
        "litellm_truncated",
        "192.0.2.1:80",
        "c-1",
    ),
    *("system", "tool", "a\x1eb", "\u2028x", "chatcmpl-1", "nobody", "２", [], {}, [{}], [None], {"a": 1}, {"": ""}),
    *(
        {"system": "be kind"},
        {"stream": True, "system": None},
        {"X-Title": "x", "Cookie": "y"},
        {"error_code": "503"},
        {"error_code": "401"},
        {"total_tokens": 3},
        '{"a": 1}',
    ),
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


def ways_to_write(value):
    yield json.dumps(value).encode()
    yield json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
    yield json.dumps(value, separators=(",", ":")).encode()
    yield json.dumps(value, separators=(" ,\t", "\r: ")).encode()


@pytest.mark.parametrize("path", PLACES, ids=lambda path: ".".join(map(str, path)) or "all of it")
def test_whatever_stands_in_one_place_both_ways_of_reading_it_agree(path):
    changed = [with_changes([(path, value)]) for value in ODD]
    for lines in zip(*map(ways_to_write, changed), strict=True):
        agree(*lines)


LINES = st.lists(st.lists(st.tuples(st.sampled_from(PLACES), VALUES), max_size=3), min_size=1, max_size=6)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(LINES, st.booleans(), st.booleans())
def test_whatever_stands_in_several_places_both_ways_of_reading_it_agree(changes, ascii_only, account_optional):
    texts = [json.dumps(with_changes(one), ensure_ascii=ascii_only) for one in changes]
    agree(*(text.encode("utf-8", "replace") for text in texts), account_optional=account_optional)


PIECES = [
    *(b"", b'"', b"\\", b"\x01", b"{", b"}", b"[", b"]", b",", b":", b"1e999", b"null", b" ", b"0", b"-", b"true", b'"id": 3, ', b"\xc3"),
    *(b"\\ud800", b"\\ud83d\\ude00", b"\\u001e", b"\\u005f", b"\n", b"\r", b"e9", b".5", b"litellm_truncated", b"truncated by litellm"),
]


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_lines_that_came_to_harm_are_read_alike_whatever_stands_before_them(data):
    lines = []
    for _ in range(data.draw(st.integers(1, 4))):
        line = bytearray(json.dumps(CALL, ensure_ascii=False).encode())
        for _ in range(data.draw(st.integers(0, 2))):
            at = data.draw(st.integers(0, len(line) - 1))
            line[at : at + data.draw(st.integers(0, 3))] = data.draw(st.sampled_from(PIECES))
        lines.append(bytes(line))
    agree(*lines)


@pytest.mark.parametrize("size", [1, 7, 15, 16, 17, 31, 32, 33, 63, 64, 65, 200])
def test_signs_and_escapes_are_read_alike_wherever_they_stand(size):
    texts = [
        "x" * size + sign + "y" * (size % 5) for sign in ('"', "\\", "\n\t\r\b\f/", "é", "雪", "🙂", "\x1e", "\x00", "\x7f", "_t", "lm", "")
    ]
    calls = [replaced(replaced(CALL, ("messages", 1, "content"), text), ANSWER, text[::-1]) for text in texts]
    for lines in zip(*map(ways_to_write, calls), strict=True):
        assert agree(*lines) == len(texts)


def test_a_line_is_read_alike_whatever_members_the_one_before_had():
    variants = [CALL, dict(reversed(CALL.items())), {"surprise": {"deep": [[1, {"a": None}]] * 3}, **CALL}, {**CALL, "surprise": -1.5e-7}]
    variants += [{name: value for name, value in CALL.items() if name not in left} for left in (("total_tokens",), ("end_user", "status"))]
    variants += [{**{f"new{n}": n for n in range(700)}, **CALL, **{f"more{n}": [n] for n in range(700)}}]
    lines = [json.dumps({**one, "id": f"{n}"}).encode() for n, one in enumerate(variants * 3)]
    order = random.Random(1)
    for _ in range(10):
        order.shuffle(lines)
        assert agree(*lines) == len(lines)


ORDINARY = [
    ((), CALL),
    (("session_id",), "s-9"),
    (("id",), agree),
    (("endTime",), None),
    (("startTime",), 1783418400.2519341),
    (("startTime",), 1783418400),
    (("model_parameters",), {}),
    (("model_parameters",), agree),
    (("status",), "failure"),
    (("error_information",), {"error_code": "429", "error_class": "RateLimitError"}),
    (("metadata", "user_api_key_user_id"), "default_user_id"),
    (("metadata", "user_api_key_user_email"), None),
    (("metadata", "requester_custom_headers"), None),
    (("metadata", "requester_ip_address"), "[2001:db8::1]:443"),
    (("metadata", "usage_object"), {"total_tokens": 15, "prompt_tokens": 12, "completion_tokens": 3}),
    (("metadata", "usage_object", "prompt_tokens_details"), {"cached_tokens": 0}),
    (("metadata", "user_api_key_user_id"), "anonymous"),
    (("metadata", "user_api_key_org_id"), "None"),
    (("metadata", "user_api_key_team_id"), "litellm-dashboard"),
    (("metadata", "user_api_key_hash"), "hashed-jwt-" + "b" * 64),
    (("litellm_call_id",), "None"),
    (("id",), "undefined"),
    (("id",), "0"),
    (("end_user",), "unknown"),
    (("trace_id",), "null"),
    (("model",), "unknown"),
    (("call_type",), "aget_responses"),
    (("call_type",), "/key/info"),
    (("messages",), []),
    (("messages",), None),
    (("messages", 1, "content"), "redacted-by-litellm"),
    (("messages", 0, "content"), "redacted-by-litellm"),
    (ANSWER, "redacted-by-litellm"),
    (ANSWER, ""),
    (("response",), None),
    (("response",), {}),
    (("call_type",), "list_mcp_tools"),
]


@pytest.mark.parametrize(("path", "value"), ORDINARY, ids=lambda one: getattr(one, "__name__", str(one)))
def test_ordinary_payloads_are_scanned_and_read_alike(path, value):
    assert agree(json.dumps(replaced(CALL, path, value)).encode()) == 1


def test_ordinary_payloads_are_scanned_in_one_block_with_others_in_the_order_of_the_log():
    lines = [json.dumps({**replaced(CALL, path, value), "trace_id": f"{n}"}).encode() for n, (path, value) in enumerate(ORDINARY)]
    others = [b"", b"{", b"[1]", json.dumps(replaced(CALL, ("startTime",), "2026-07-07T10:00:00Z")).encode(), b"[" + lines[0] + b"]"]
    mixed = [*lines, *others] * 4
    random.Random(2).shuffle(mixed)
    assert agree(*mixed) == 4 * len(lines)
    assert agree(*mixed, b"") == 4 * len(lines)


def test_the_address_of_an_account_comes_once_from_the_first_call_that_has_it():
    who = [
        ("a", None),
        ("a", "no address"),
        ("b", "b@example.com"),
        ("a", "a@example.com"),
        ("a", "late@example.com"),
        ("b", "late@example.com"),
    ]
    calls = [replaced(replaced(CALL, (*META, "user_api_key_user_id"), one), (*META, "user_api_key_user_email"), mail) for one, mail in who]
    lines = [json.dumps(call).encode() for call in calls]
    odd = json.dumps(replaced(calls[3], ("startTime",), "2026-07-07T10:00:00Z")).replace("a@example", "early@example").encode()
    for block in ([*lines], [*lines[:3], odd, *lines[3:]], [*lines, odd]):
        assert agree(*block) == len(lines)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("startTime",), "2026-07-07T10:00:00Z"),
        (("messages", 0, "content"), [{"type": "text", "text": "x"}]),
        (("messages", 0, "content"), "… truncated by litellm"),
        (ANSWER, "so litellm_truncated it"),
        (("response", "choices", 0, "message", "tool_calls"), [{"function": {"name": "f", "arguments": "{}"}}]),
        (("metadata",), "{}"),
        (("model_parameters",), {"system": "be kind"}),
        (("prompt_tokens",), -1),
        (("prompt_tokens",), 0),
        (("metadata", "usage_object"), {}),
        (("metadata", "usage_object"), {"total_tokens": 15, "cached_tokens": 4}),
        (("metadata", "user_api_key_user_id"), " NULL "),
        (("end_user",), "{4ec41e}"),
        (("end_user",), f"user_ab_account__session_{'0' * 32}"),
        (("metadata", "user_api_key_user_id"), f"u-1:session:{'0' * 32}"),
        (("call_type",), "pass_through_endpoint"),
        (("call_type",), ""),
        (("messages", 1, "content"), "default-message-value"),
        (("messages", 0, "content"), "[REDACTED]"),
        (ANSWER, "<masked>"),
        (("litellm_call_id",), ["c-1"]),
    ],
    ids=str,
)
def test_anything_else_is_left_to_the_definition_of_the_format(path, value):
    assert agree(json.dumps(replaced(CALL, path, value)).encode()) == 0


def test_nothing_is_scanned_when_text_is_kept():
    assert agree(json.dumps(CALL).encode(), keep_text=True) == 0


def test_names_that_come_twice_are_left_to_the_definition():
    line = json.dumps(CALL)
    assert agree(line.replace('"id": ', '"id": "first", "id": ', 1).encode()) == 0
    assert agree(line.replace('"id": ', '"\\u0069d": "first", "id": ', 1).encode()) == 0
    assert agree(line.replace('"role": "user"', '"role": "system", "role": "user"', 1).encode()) == 0
    assert agree(line.replace('"total_tokens": ', '"total_tokens": 1, "total_tokens": ', 1).encode()) == 1


def test_what_comes_again_is_read_as_the_first_time():
    again = [json.dumps(replaced(CALL, ("model_parameters",), {"seed": n % 2})).encode() for n in range(4)]
    assert agree(*again) == 4
    long = replaced(CALL, ("metadata", "requester_custom_headers"), {"x-title": "x" * 5000})
    assert agree(json.dumps(long).encode()) == 1
