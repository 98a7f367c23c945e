"""What the guides say to turn on is what the formats read: their examples are taken from the pages and read."""

import json
import re
from pathlib import Path

import pytest

from stillhunt.intake.formats import Context, Sample
from stillhunt.intake.registry import guess, registry

GUIDES = Path(__file__).parents[2] / "docs" / "logs"
VARIABLES = {
    "msec": "1783418401.777",
    "request_time": "1.526",
    "request_id": "4b1c0d0e7f0a4c5b9a550d9a0f3f0001",
    "remote_addr": "10.0.0.1",
    "http_x_forwarded_for": "203.0.113.77",
    "http_x_user_id": "acct-512",
    "request": "POST /v1/chat/completions HTTP/1.1",
    "status": "200",
    "body_bytes_sent": "930",
    "request_body": '{\\"model\\":\\"m\\",\\"messages\\":[{\\"role\\":\\"user\\",\\"content\\":\\"Hello\\"}]}',
}
OPERATORS = {
    "START_TIME": "2026-07-07T10:00:00.251Z",
    "REQ(X-REQUEST-ID)": "r-1",
    "REQ(X-ACCOUNT-ID)": "acct-512",
    "REQ(:PATH)": "/v1/chat/completions",
    "RESPONSE_CODE": "200",
    "RESPONSE_FLAGS": "-",
    "DURATION": "1526",
    "BYTES_SENT": "930",
    "DOWNSTREAM_REMOTE_ADDRESS": "203.0.113.77:4711",
    "REQ(USER-AGENT)": "curl/8.7.1",
    "TLS_JA4_FINGERPRINT": "t13d1516h2_8daaf6152771_02713d6af862",
}


def block(guide, language):
    """The first block of a language in a guide."""
    return re.search(rf"```{language}\n(.*?)```", (GUIDES / guide).read_text(), re.DOTALL)[1]


def read(record, name):
    assert guess(Sample("x", "lines", [record]))[0].name == name
    ((_, row),) = registry().formats[name].read(record, Context())
    return row


@pytest.mark.parametrize("more", ["", ',"request_body":"$request_body"'])
def test_the_log_format_for_nginx_shows_what_the_guide_promises(more):
    text = "".join(re.findall(r"'([^']*)'", block("access-log.md", "nginx").split(";")[0])).removesuffix("}") + more + "}"
    line = re.sub(r"\$(\w+)", lambda name: VARIABLES.get(name[1], "x"), text)
    row = read(json.loads(line), "access-log")
    assert (row["account_id"], row["interaction_id"], row["client_ip"]) == ("acct-512", VARIABLES["request_id"], "203.0.113.77")
    assert (row["started_at"], row["ended_at"], row["http_status"]) == (1783418400251000, 1783418401777000, 200)
    assert {"user-agent", "accept", "accept-encoding", "x-stainless-lang"} <= set(json.loads(row["client_headers"]))
    assert row["transcript"] == ("\x1euHello" if more else None)


def test_the_log_format_for_envoy_shows_what_the_guide_promises():
    keys = re.findall(r'([\w-]+): "%(.*?)%"', block("access-log.md", "yaml"))
    row = read({key: OPERATORS[operator] for key, operator in keys}, "envoy-ai")
    assert (row["account_id"], row["client_ip"], row["http_status"]) == ("acct-512", "203.0.113.77", 200)
    assert (row["user_agent"], row["tls_ja4"]) == ("curl/8.7.1", OPERATORS["TLS_JA4_FINGERPRINT"])


def test_the_record_of_bodies_shows_what_the_guide_promises():
    row = read(json.loads(block("openai-body.md", "json")), "openai-body")
    assert (row["account_id"], row["client_ip"], row["user_agent"]) == ("acct-512", "203.0.113.77", "OpenAI/Python 2.3.0")
    assert (row["transcript"], row["response"], row["input_tokens"]) == ("\x1euHello", "Hi", 1)


METADATA = [
    ("cloudflare-ai-gateway", "cloudflare", "Metadata", r"`cf-aig-metadata: (\{.*?\})`"),
    ("portkey", "portkey", "metadata", r"`x-portkey-metadata: (\{.*?\})`"),
    ("bedrock", "bedrock", "requestMetadata", r"`requestMetadata=(\{.*?\})`"),
]


@pytest.mark.parametrize(("name", "file", "field", "pattern"), METADATA)
def test_the_metadata_that_a_guide_asks_for_name_account_and_conversation(name, file, field, pattern):
    told = json.loads(re.search(pattern, (GUIDES / f"{name}.md").read_text())[1].replace("…", "acct-1"))
    record = json.loads((Path(__file__).with_name("samples") / f"{file}.json").read_text())[0]
    row = read({**record, field: told}, name)
    assert row["account_id"] == told.get("user_id", told.get("_user"))
    assert row["conversation_id"] == told["session_id"]
