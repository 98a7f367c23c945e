"""Client shapes: the same software gets the same number, and nobody's values get into number or words."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest

from stillhunt.intake.client_shape import VOLATILE_PARAMETERS, client_columns, parameters_number

STAINLESS = {
    "Host": "api.example.com",
    "Accept": "application/json",
    "Content-Type": "application/json",
    "User-Agent": "OpenAI/Python 1.51.0",
    "X-Stainless-Lang": "python",
    "X-Stainless-Package-Version": "1.51.0",
    "X-Stainless-OS": "Linux",
    "X-Stainless-Runtime": "CPython",
    "X-Stainless-Runtime-Version": "3.11.7",
}


def shape(agent=None, headers=None, parameters=None, tls=None):
    encoded = [v if v is None or isinstance(v, str) else json.dumps(v) for v in (agent, headers, parameters, tls)]
    found = client_columns(*(pa.array([v], pa.string()) for v in encoded))
    return found.shape[0].as_py(), found.label[0].as_py(), found.parameters[0].as_py()


def number(**options):
    return shape(**options)[0]


def test_the_label_of_an_sdk():
    found = shape("OpenAI/Python 1.51.0", STAINLESS, {"temperature": 0.2, "max_tokens": 100})
    assert found[1] == "openai-python 1.51.0, CPython 3.11, Linux; 9 headers; max_tokens, temperature"


@pytest.mark.parametrize(
    ("agent", "headers", "parameters", "label"),
    [
        ("curl/8.5.0", None, None, "curl 8.5.0"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:124.0) Gecko/20100101 Firefox/124.0", None, None, "Firefox 124.0"),
        (None, {"accept": "*/*"}, None, "unknown client; 1 header"),
        (None, {"user-agent": "curl/8.5.0"}, {}, "curl 8.5.0; 1 header"),
        (None, None, {f"p{c}": 1 for c in "abcdefghij"}, "unknown client; pa, pb, pc, pd, pe, pf, pg, ph, 2 more"),
    ],
)
def test_labels_of_others(agent, headers, parameters, label):
    assert shape(agent, headers, parameters)[1] == label


def test_nothing_visible_is_null():
    assert shape() == (None, None, None)


@pytest.mark.parametrize(
    "broken", ["", "{", '{"a": 1e999}', "[1, 2", "7", "null", '"text"', "\x00", '{"a":' * 900 + "1" + "}" * 900, '{"a": "\\ud800"}']
)
def test_broken_json_is_no_error(broken):
    assert shape(headers=broken, parameters=broken, agent="curl/8.5.0")[1].startswith("curl 8.5.0")
    assert shape(parameters=broken)[2] is None


@pytest.mark.parametrize("odd", ["-0.0", "18446744073709551616", "123456789012345678901234567890", "[[[[[1]]]]]", '""', "null"])
def test_odd_values_are_no_error(odd):
    assert shape(parameters=f'{{"a": {odd}}}', headers=f'{{"accept": {odd}, "content-type": [{odd}]}}')[0] is not None
    assert shape(headers=f"[{odd}]")[0] is not None


def test_order_of_headers_counts_and_their_case_does_not():
    lower = {k.lower(): v for k, v in STAINLESS.items()}
    assert number(headers=lower) == number(headers=STAINLESS)
    assert number(headers=dict(reversed(STAINLESS.items()))) != number(headers=STAINLESS)


def test_an_object_and_a_list_of_pairs_are_the_same_headers():
    pairs = [[k, v] for k, v in STAINLESS.items()]
    named = [{"name": k, "value": v} for k, v in STAINLESS.items()]
    assert number(headers=pairs) == number(headers=named) == number(headers=STAINLESS)


@pytest.mark.parametrize(
    "name",
    ["authorization", "cookie", "x-request-id", "traceparent", "x-forwarded-for", "content-length", "date", "accept-language", "x-api-key"],
)
def test_values_that_change_or_name_a_person_do_not_count_but_their_names_do(name):
    assert number(headers=STAINLESS | {name: "one"}) == number(headers=STAINLESS | {name: "two"})
    assert number(headers=STAINLESS | {name: "one"}) != number(headers=STAINLESS)


@pytest.mark.parametrize(
    ("name", "value", "counts"),
    [
        ("X-Stainless-Package-Version", "1.52.0", True),
        ("X-Stainless-Retry-Count", "1", False),
        ("Accept", "text/event-stream", True),
        ("Content-Type", "application/json; boundary=5f3a", False),
    ],
)
def test_values_that_describe_software_count(name, value, counts):
    base = {"X-Stainless-Retry-Count": "0"} | STAINLESS
    assert (number(headers=base | {name: value}) != number(headers=base)) is counts


def test_tls_and_the_version_of_the_sdk_and_names_of_parameters_count():
    assert len({number(agent=a) for a in ("OpenAI/Python 1.51.0", "OpenAI/Python 1.52.0", "Anthropic/Python 1.51.0")}) == 3
    assert number(agent="curl/8.5.0", tls="t13d1516h2_8daaf6152771_02713d6af862") != number(agent="curl/8.5.0")
    assert number(parameters={"temperature": 1}) == number(parameters={"temperature": 0})
    assert number(parameters={"temperature": 1, "top_p": 1}) == number(parameters={"top_p": 1, "temperature": 1})
    assert number(parameters={"temperature": 1}) != number(parameters={"temperature": 1, "top_p": 1})


SECRETS = ["winter.berry@example.com", "3f2504e04f8911d39a0c0305e82c3301", "15550100234", "Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MA"]


@pytest.mark.parametrize("secret", SECRETS)
def test_no_personal_value_reaches_the_label(secret):
    hostile = {
        "user-agent": f"{secret}/1.0",
        "x-stainless-lang": secret,
        "x-stainless-package-version": secret,
        "x-stainless-os": secret,
        "x-stainless-runtime": secret,
        "x-stainless-runtime-version": secret,
        f"x-{secret}": "1",
    }
    for agent in (f"{secret}/1.0", f"App/{secret}", f"App/1.0 ({secret})", f"App/1.0 {secret}/2.0"):
        label = shape(agent, STAINLESS | hostile, {secret: 1, "user": secret, "stop": [secret]})[1]
        assert not any(part and part.lower() in label.lower() for part in (secret, secret.partition("@")[0], secret[:12]))


@pytest.mark.parametrize("secret", SECRETS)
def test_ids_in_names_and_agents_do_not_split_a_shape(secret):
    one = shape(f"App/1.0 ({secret})", STAINLESS | {f"x-{secret}": "1"}, {secret: 1})
    two = shape("App/1.0 (0123456789abcdef00)", STAINLESS | {"x-0123456789abcdef00": "1"}, {"0123456789abcdef00": 1})
    assert one[0] == two[0]


def test_parameters_hash_ignores_who_asked_and_what():
    base = {"temperature": 0.2, "max_tokens": 4096, "response_format": {"type": "json_object", "strict": True}}
    volatile = dict.fromkeys(VOLATILE_PARAMETERS, "anything")
    assert parameters_number(json.dumps(base)) == parameters_number(json.dumps(volatile | base))
    assert parameters_number(json.dumps(base)) != parameters_number(json.dumps(base | {"temperature": 0.3}))


def test_parameters_hash_does_not_depend_on_spelling():
    one = '{"temperature": 1.0, "stop": ["a"], "x": {"b": 1, "a": 2}}'
    two = '{"x":{"a":2,"b":1},"stop":["a"],"temperature":1}'
    assert parameters_number(one) == parameters_number(two)
    assert parameters_number('{"stop": ["a", "b"]}') != parameters_number('{"stop": ["b", "a"]}')


def test_rows_keep_their_places():
    agents = ["curl/8.5.0", None, "OpenAI/Python 1.51.0", "curl/8.5.0", None]
    parameters = [None, '{"a": 1}', '{"a": 2}', None, None]
    none = pa.nulls(5, pa.string())
    found = client_columns(pa.array(agents), none, pa.array(parameters), none)
    for i, (agent, given) in enumerate(zip(agents, parameters, strict=True)):
        assert (found.shape[i].as_py(), found.label[i].as_py(), found.parameters[i].as_py()) == shape(agent, None, given)


def test_numbers_never_change():
    found = shape("OpenAI/Python 1.51.0", STAINLESS, {"temperature": 0.2, "max_tokens": 100}, "t13d1516h2_8daaf6152771_02713d6af862")
    assert found[0] == 7160736173000219172
    assert found[2] == 9188547247177690504
