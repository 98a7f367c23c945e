"""Logs without text, as gateways write them: a ring that cannot be judged is told as that, with its members and with what to turn on."""

import json
import re
import shlex

import pytest

from plain_ring import write_ring

COMMAND = re.compile(r"`(stillhunt [^`]+)`")


@pytest.fixture(scope="module", params=["litellm-spend", "otel-genai", "kong"])
def gateway(request):
    return request.param


SETTING = {"litellm-spend": "store_prompts_in_spend_logs", "otel-genai": "CAPTURE_MESSAGE_CONTENT", "kong": "log_payloads"}


@pytest.mark.parametrize("steady", [True, False])
def test_a_ring_whose_harvest_cannot_be_seen_is_found_and_told_as_not_judged(stillhunt, tmp_path, gateway, steady):
    ring = write_ring(tmp_path / "logs", gateway, steady=steady)
    kept = tmp_path / "findings.json"
    result = stillhunt("scan", ring.logs, "-o", kept, "--fail-on", "campaign", "--fail-on", "not-judged")
    assert result.status == 1
    said = " ".join(result.out.replace("│", " ").split())
    assert "0 campaigns; 1 pool of 20 accounts acts as one and could not be judged: the logs hold no text." in said
    assert "No campaign stands out" not in said
    assert SETTING[gateway] in said
    assert all(member in said for member in ring.members)
    (pool,) = json.loads(kept.read_text())["pools"]
    assert stillhunt("campaigns", kept, "--json").document == {"campaigns": [], "not_judged": [pool]}
    assert pool["pool_id"] in stillhunt("campaigns", kept).out
    assert (pool["verdict"], pool["not_visible"], pool["accounts"]) == ("not judged", ["text"], ring.members)
    assert SETTING[gateway] in pool["would_decide"][0]


def test_every_command_of_the_answer_runs_as_it_was_printed(stillhunt, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_ring(tmp_path / "my logs", "kong", steady=False)
    for scan in (["my logs"], ["my logs", "-o", "found it.json"], ["my logs", "--lake", "a lake", "--no-ledger"]):
        commands = COMMAND.findall(stillhunt("scan", *scan).out)
        assert any(command.startswith(("stillhunt members p-", "stillhunt scan 'my logs' ")) for command in commands)
        for command in commands:
            assert stillhunt(*shlex.split(command)[1:]).status == 0, command


def test_a_scan_fails_on_what_it_was_asked_to_fail_on(stillhunt, tmp_path, monkeypatch):
    lake = tmp_path / "lake"
    assert stillhunt("ingest", write_ring(tmp_path / "logs", "kong").logs, "--lake", lake, "--no-ledger").status == 0
    for asked, status in (((), 0), (("--fail-on-campaign",), 0), (("--fail-on", "campaign"), 0), (("--fail-on", "not-judged"), 1)):
        assert stillhunt("scan", "--lake", lake, "--no-ledger", *asked).status == status
    assert stillhunt("scan", "--lake", lake, "--fail-on", "anything").status == 2
    watched = stillhunt("watch", "--lake", lake, "--once", "--no-ledger", "--fail-on", "not-judged")
    assert watched.status == 1
    assert "1 pool of 20 accounts acts as one and could not be judged: the logs hold no text" in watched.err
    again = stillhunt("watch", "--lake", lake, "--once", "--no-ledger", "--fail-on", "not-judged")
    assert (again.status, again.err) == (1, "")
    assert stillhunt("watch", "--lake", lake, "--once", "--no-ledger", "--fail-on", "campaign").status == 0


def test_where_nobody_is_in_a_ring_nobody_is_told_as_one(stillhunt, tmp_path, gateway):
    write_ring(tmp_path / "logs", gateway, ring=0)
    result = stillhunt("scan", tmp_path / "logs", "--fail-on", "not-judged")
    assert result.status == 0
    assert "0 campaigns: these logs hold no text, and without text none is named." in " ".join(result.out.split())
