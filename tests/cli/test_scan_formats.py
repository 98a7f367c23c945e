"""`stillhunt scan` on what each source writes: no defect, and honest about what such a log cannot show."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

SAMPLES = Path(__file__).parent.parent / "intake" / "samples"
WITHOUT_CALLS = {
    "canonical_accounts": "1 account record",
    "canonical_entitlements": "1 entitlement",
    "langfuse_traces": "of another kind",
    "langfuse_observations": "1 record could not be read",
}
WITH_CALLS = sorted({path.stem for path in SAMPLES.glob("*.json")} - set(WITHOUT_CALLS))


def as_lines(name, folder):
    path = folder / f"{name}.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in json.loads((SAMPLES / f"{name}.json").read_text())))
    return path


def told(out):
    """Standard output as prose: no line breaks, no columns."""
    return " ".join(out.split())


@pytest.mark.parametrize("name", WITH_CALLS)
def test_what_a_source_writes_can_be_scanned_as_it_is(stillhunt, name):
    result = stillhunt("scan", SAMPLES / f"{name}.json")
    assert (result.status, result.err) == (0, "")
    quiet = ("No campaign stands out in what these logs show.", "0 campaigns: these logs hold no text, and without text none is named.")
    assert any(headline in result.out for headline in quiet)
    assert "could not be read" not in result.out
    for heading in ("What could be seen", "What could not be seen", "What to do next"):
        assert f"\n{heading}\n" in result.out


@pytest.mark.parametrize("name", WITHOUT_CALLS)
def test_what_a_source_writes_beside_calls_is_told_from_a_log(stillhunt, tmp_path, name):
    result = stillhunt("scan", as_lines(name, tmp_path))
    assert (result.status, result.err.count("\n")) == (2, 1)
    assert "there are no calls in these logs" in result.err
    assert WITHOUT_CALLS[name] in told(result.out)


def test_everything_at_once_is_one_population(stillhunt, tmp_path):
    for name in (*WITH_CALLS, *WITHOUT_CALLS):
        as_lines(name, tmp_path)
    result = stillhunt("scan", tmp_path)
    assert (result.status, result.err) == (0, "")
    assert {"canonical", "envoy-ai", "kong", "langfuse", "litellm", "litellm-spend", "otel-genai", "bedrock"} <= set(
        told(result.out).partition(" sources (")[2].partition(")")[0].split(", ")
    )
    assert "could not be read" not in result.out  # the observation finds its trace, the span its server
    again = stillhunt("scan", tmp_path, *sorted(tmp_path.iterdir()), *sorted(SAMPLES.glob("*.json")), "--json").document
    alone = stillhunt("scan", tmp_path, "--json").document
    assert again["scanned"] == alone["scanned"]
    assert (again["campaigns"], again["pools"]) == (alone["campaigns"], alone["pools"])


@pytest.fixture(scope="module")
def gateway_logs(tmp_path_factory):
    """Four days of forty accounts as two gateways log them, without bodies and without an accounts file."""
    folder = tmp_path_factory.mktemp("gateways")
    for name, changed in (("envoy_ai", envoy_call), ("kong", kong_call)):
        template = json.loads((SAMPLES / f"{name}.json").read_text())[0]
        lines = (json.dumps(changed(json.loads(json.dumps(template)), n)) + "\n" for n in range(800))
        (folder / f"{name}.log").write_text("".join(lines))
    return folder


def envoy_call(record, n):
    record["x-account-id"], record["x-request-id"] = f"acct-{n % 40}", f"request-{n}"
    record["downstream_remote_address"] = f"198.51.100.{n % 40}:4000"
    record["start_time"] = f"2026-05-{4 + n // 200:02d}T{n % 24:02d}:{n % 60:02d}:00.000Z"
    return record


def kong_call(record, n):
    record["consumer"] = {"id": f"acct-{n % 40}"}
    record["request"]["id"] = f"request-{n}"
    record["request"]["headers"].pop("x-request-id", None)
    record["client_ip"] = f"198.51.100.{n % 40}"
    began = datetime(2026, 5, 4 + n // 200, n % 24, n % 60, tzinfo=UTC)
    record["started_at"] = int(began.timestamp() * 1000) + 200  # the second gateway has it a moment later
    for plugin in record["ai"].values():
        plugin.pop("payload", None)
    return record


@pytest.mark.parametrize("name", ["envoy_ai", "kong"])
def test_a_gateway_log_without_text_and_accounts_says_what_would_show_more(stillhunt, gateway_logs, name):
    result = stillhunt("scan", gateway_logs / f"{name}.log")
    assert (result.status, result.err) == (0, "")
    out = told(result.out)
    assert "Read 800 new calls from 1 source" in out
    assert "800 calls of 40 accounts" in out
    seen, rest = out.split("What could be seen")[1].split("What could not be seen")
    unseen, following = rest.split("What to do next")
    assert "subnet (40 accounts)" in seen
    assert "client (40 accounts)" in seen
    for channel, column in (("payment", "accounts.payment_fingerprint"), ("template", "interactions.sketch")):
        assert f"{channel} the logs do not carry {column}" in unseen
        assert f"{channel} (" not in seen
    assert "Give the accounts table as well" in following
    assert "join a content log (`stillhunt join --help`)" in following


def test_two_gateways_in_front_of_each_other_count_a_request_once(stillhunt, gateway_logs):
    document = stillhunt("scan", gateway_logs, "--json").document
    assert (document["scanned"]["interactions"], document["scanned"]["accounts"]) == (800, 40)
    blind = {channel["channel"] for channel in document["visibility"] if not channel["visible"]}
    assert {"payment", "email", "template", "identical", "handoff"} <= blind
    assert document["campaigns"] == []
