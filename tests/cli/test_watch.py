"""`stillhunt watch`: one line for each thing that happens to a campaign, from whatever is written to the logs."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cli import standin
from stillhunt import campaigns
from stillhunt.cases import scans
from stillhunt.cases.registry import Registry
from stillhunt.cli import watching
from stillhunt.cli.watch import duration
from stillhunt.errors import InputError
from stillhunt.intake.journal import Journal
from stillhunt.lake import Lake

BEGIN = datetime(2026, 5, 4, tzinfo=UTC)
TESTS = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(campaigns, "hunt", standin.hunt)


@pytest.fixture
def logs(tmp_path):
    folder = tmp_path / "logs"
    folder.mkdir()
    return folder


@pytest.fixture
def lake(tmp_path):
    return tmp_path / "lake"


def write(path: Path, accounts, *, minutes: float, every: float = 0.0) -> None:
    """One call of each account, the first so many minutes after the beginning, then one `every` so many minutes."""
    with path.open("a") as file:
        for n, account in enumerate(accounts):
            at = BEGIN + timedelta(minutes=minutes + n * every)
            call = {"interaction_id": f"{account}/{at.isoformat()}", "started_at": at.isoformat(), "account_id": account}
            file.write(json.dumps(call) + "\n")


def close(path: Path, accounts) -> None:
    with path.open("a") as file:
        for account in accounts:
            file.write(json.dumps({"account_id": account, "status": "banned", "closed_at": "2026-05-04T05:00:00Z"}) + "\n")


def names(operator: str, *numbers: int) -> list[str]:
    return [f"{operator}-{n}" for n in range(*numbers)]


def kinds(outcome) -> list[str]:
    return [json.loads(line)["kind"] for line in outcome.out.splitlines()]


def test_a_watch_says_what_happens_and_nothing_when_nothing_does(stillhunt, logs, lake):
    def look():
        return kinds(stillhunt("watch", logs, "--lake", lake, "--once", "--json"))

    write(logs / "calls.jsonl", names("anna", 5), minutes=0)
    assert look() == []
    assert look() == []
    write(logs / "calls.jsonl", names("op1", 10), minutes=30)
    assert look() == ["appeared"]
    assert look() == []
    write(logs / "calls.jsonl", names("op1", 10, 20), minutes=60)
    assert look() == ["grew"]
    close(logs / "accounts.jsonl", names("op1", 20))
    assert look() == ["banned"]
    write(logs / "calls.jsonl", names("op1x", 12), minutes=400)  # other accounts, the same card
    assert look() == ["came_back"]
    write(logs / "calls.jsonl", names("anna", 5), minutes=400 + 73 * 60)
    assert look() == ["went_quiet"]
    assert look() == []


def test_an_event_is_one_sentence_for_a_person(stillhunt, logs, lake):
    write(logs / "calls.jsonl", names("op1", 10), minutes=30)
    outcome = stillhunt("watch", logs, "--lake", lake, "--once")
    assert outcome.status == 0
    assert outcome.err == ""
    (line,) = outcome.out.splitlines()
    assert "appeared: 10 accounts; could first have been named with the calls up to 2026-05-04 00:30 UTC" in line


def test_every_kind_of_event_has_a_sentence():
    from typing import get_args

    from stillhunt.campaigns.known import Event, Kind
    from stillhunt.cases.telling import sentence

    said = [
        sentence(Event(kind, "c-1", "2026-05-04T00:00:00Z", "2026-05-04T00:00:00Z", 12, 8, 4, 3, 2, "c-2", "2026-05-04T00:00:00Z"))
        for kind in get_args(Kind)
    ]
    assert len(set(said)) == len(get_args(Kind))
    assert all("c-1" in one and "None" not in one and "\n" not in one for one in said)


def test_findings_are_kept_under_the_name_that_stays(stillhunt, logs, lake, tmp_path):
    output = tmp_path / "findings.json"
    write(logs / "calls.jsonl", names("op1", 10), minutes=30)
    stillhunt("watch", logs, "--lake", lake, "--once", "--output", output)
    name = scans.read(output).campaigns[0].campaign_id
    write(logs / "calls.jsonl", names("op1", 10, 30), minutes=40)
    stillhunt("watch", logs, "--lake", lake, "--once", "--output", output)
    newest = scans.read(output)
    assert [(one.campaign_id, len(one.accounts)) for one in newest.campaigns] == [(name, 30)]
    assert scans.latest(lake) == newest
    assert output.stat().st_mode & 0o777 == 0o600
    output.unlink()
    stillhunt("watch", logs, "--lake", lake, "--once", "--output", output)
    assert scans.read(output) == newest


def test_what_a_watch_knows_is_shown_with_the_campaigns(stillhunt, logs, lake):
    for numbers in ((10,), (10, 30)):
        write(logs / "calls.jsonl", names("op1", *numbers), minutes=30)
        stillhunt("watch", logs, "--lake", lake, "--once")
    close(logs / "accounts.jsonl", names("op1", 30))
    stillhunt("watch", logs, "--lake", lake, "--once")
    (known,) = stillhunt("campaigns", "--lake", lake, "--json").document["known"]
    assert (known["status"], known["accounts"], known["closed"], known["dated"]) == ("banned", 30, 30, "watched")
    assert [at["accounts"] for at in known["history"]] == [10, 30, 30]
    said = stillhunt("campaigns", "--lake", lake).out
    assert "What the watch knows" in said
    assert known["campaign"] in said
    assert "banned" in said


def test_a_backlog_is_dated_by_scans_of_the_past_one_a_look(stillhunt, logs, lake):
    write(logs / "calls.jsonl", names("op1", 50), minutes=0, every=60)  # the eighth account calls after seven hours
    first = stillhunt("watch", logs, "--lake", lake, "--once", "--json")
    assert kinds(first) == ["appeared"]
    assert json.loads(first.out)["could_to"] is None
    told = []
    for _ in range(8):
        told += [json.loads(line) for line in stillhunt("watch", logs, "--lake", lake, "--once", "--json").out.splitlines()]
    assert [one["kind"] for one in told] == ["dated"]
    could = datetime.fromisoformat(told[0]["could_to"]) - BEGIN
    assert timedelta(hours=7) <= could <= timedelta(hours=8)
    (known,) = stillhunt("campaigns", "--lake", lake, "--json").document["known"]
    assert known["dated"] == "looked back"


def test_finding_something_fails_only_when_asked_to(stillhunt, logs, lake):
    write(logs / "calls.jsonl", names("anna", 10), minutes=30)
    assert stillhunt("watch", logs, "--lake", lake, "--once", "--fail-on-campaign").status == 0
    write(logs / "calls.jsonl", names("op1", 10), minutes=30)
    assert stillhunt("watch", logs, "--lake", lake, "--once", "--fail-on-campaign").status == 1
    assert stillhunt("watch", logs, "--lake", lake, "--once", "--fail-on-campaign").status == 1
    assert stillhunt("watch", logs, "--lake", lake, "--once").status == 0


def test_a_lake_that_others_write_to_is_watched_without_logs(stillhunt, logs, lake):
    write(logs / "calls.jsonl", names("op1", 10), minutes=30)
    stillhunt("ingest", logs, "--lake", lake)
    assert kinds(stillhunt("watch", "--lake", lake, "--once", "--json")) == ["appeared"]


def test_logs_that_are_not_there_yet_are_waited_for(stillhunt, tmp_path, lake):
    later = tmp_path / "later"
    outcome = stillhunt("watch", later, "--lake", lake, "--once")
    assert outcome.status == 0
    assert outcome.err.count("\n") == 1
    assert "not there yet" in outcome.err
    later.mkdir()
    write(later / "calls.jsonl", names("op1", 10), minutes=30)
    assert kinds(stillhunt("watch", later, "--lake", lake, "--once", "--json")) == ["appeared"]


def test_a_second_watch_on_the_same_lake_is_refused(stillhunt, logs, lake):
    stillhunt("watch", logs, "--lake", lake, "--once")
    with Journal(lake):
        outcome = stillhunt("watch", logs, "--lake", lake, "--once")
    assert outcome.status == 2
    assert "another watch is at work" in outcome.err


def test_what_is_remembered_may_lie_elsewhere(stillhunt, logs, lake, tmp_path):
    state, database = tmp_path / "state", tmp_path / "elsewhere.sqlite"
    options = ("--once", "--json", "--state", state, "--registry", f"sqlite:///{database}")
    write(logs / "calls.jsonl", names("op1", 10), minutes=30)
    assert kinds(stillhunt("watch", logs, "--lake", lake, *options)) == ["appeared"]
    assert kinds(stillhunt("watch", logs, "--lake", lake, *options)) == []
    assert database.exists()
    assert sorted(path.name for path in state.iterdir()) == ["watch.lock", "watch.sqlite", "watch.told"]
    assert not list(lake.glob("watch.*"))


def test_a_registry_that_was_removed_begins_anew_and_is_told(stillhunt, logs, lake):
    for operator in ("op1", "op2"):
        write(logs / "calls.jsonl", names(operator, 10), minutes=30)
        stillhunt("watch", logs, "--lake", lake, "--once")
    (lake / "registry.sqlite").unlink()
    write(logs / "calls.jsonl", names("op1", 10, 12), minutes=31)
    outcome = stillhunt("watch", logs, "--lake", lake, "--once", "--json")
    assert kinds(outcome) == ["appeared", "appeared"]
    assert [json.loads(line)["event"] for line in outcome.out.splitlines()] == [1, 2]


def test_closed_accounts_are_told_by_their_status_or_by_when_they_were_closed(stillhunt, logs, lake):
    rows = [
        {"account_id": "a", "status": "Suspended"},
        {"account_id": "b", "status": "active", "closed_at": "2026-05-04T05:00:00Z"},
        {"account_id": "c", "status": "active"},
        {"account_id": "d", "country": "IS"},
        {"account_id": "e", "status": "banned"},
    ]
    (logs / "accounts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    stillhunt("watch", logs, "--lake", lake, "--once")
    with Lake.open(lake) as opened:
        assert watching.closed_accounts(opened, {"a", "b", "c", "d", "nobody"}) == {"a", "b"}
        assert watching.closed_accounts(opened, set()) == frozenset()


@pytest.mark.parametrize("text", ["", "soon", "0", "-5m", "0.5s", "5 weeks", "1000d"])
def test_a_time_that_is_none_is_refused(stillhunt, logs, lake, text):
    with pytest.raises(InputError, match="--every"):
        duration(text)


def test_times_are_read_as_people_write_them():
    assert [duration(text) for text in ("30s", "5m", "1.5h", "1d", "90")] == [30, 300, 5_400, 86_400, 90]


# ---- the command for events


def recorder(tmp_path: Path, *, fails: bool = False) -> tuple[str, Path]:
    """A command that writes down what it is given, and the file."""
    script, record = tmp_path / "record.py", tmp_path / "record.jsonl"
    script.write_text(f"import sys; open({str(record)!r}, 'a').write(sys.stdin.read()); sys.exit({int(fails)})")
    return f"{sys.executable} {script}", record


def test_a_command_gets_each_event_once_and_a_new_one_begins_with_the_present(stillhunt, logs, lake, tmp_path):
    write(logs / "calls.jsonl", names("op2", 10), minutes=30)
    stillhunt("watch", logs, "--lake", lake, "--once")
    command, record = recorder(tmp_path)
    write(logs / "calls.jsonl", names("op1", 10), minutes=31)
    for _ in range(3):
        stillhunt("watch", logs, "--lake", lake, "--once", "--on-event", command)
    (given,) = [json.loads(line) for line in record.read_text().splitlines()]
    assert (given["event"], given["kind"], given["accounts"]) == (2, "appeared", 10)


def test_a_command_that_fails_is_said_and_gets_the_event_again(stillhunt, logs, lake, tmp_path):
    stillhunt("watch", logs, "--lake", lake, "--once", "--on-event", "true")
    write(logs / "calls.jsonl", names("op1", 10), minutes=30)
    broken, _ = recorder(tmp_path, fails=True)
    outcome = stillhunt("watch", logs, "--lake", lake, "--once", "--on-event", broken)
    assert outcome.status == 2
    assert "ended with status 1" in outcome.err
    assert outcome.out.count("\n") == 1
    command, record = recorder(tmp_path)
    record.unlink()
    again = stillhunt("watch", logs, "--lake", lake, "--once", "--on-event", command)
    assert (again.status, again.out) == (0, "")
    assert json.loads(record.read_text())["event"] == 1


@pytest.mark.parametrize("command", ["", "'unfinished", "/no/such/program"])
def test_a_command_that_is_none_is_one_sentence(stillhunt, logs, lake, command):
    stillhunt("watch", logs, "--lake", lake, "--once", "--on-event", "true")
    write(logs / "calls.jsonl", names("op1", 10), minutes=30)
    outcome = stillhunt("watch", logs, "--lake", lake, "--once", "--on-event", command)
    assert outcome.status == 2
    assert outcome.err.count("\n") == 1
    assert "--on-event" in outcome.err


# ---- the loop


def test_the_loop_says_a_problem_once_tries_again_and_goes_on(stillhunt, logs, lake, tmp_path, capsys):
    """A folder in the place of the output keeps findings from being written; then it is gone."""
    output = tmp_path / "findings.json"
    (output / "in the way").mkdir(parents=True)
    write(logs / "calls.jsonl", names("op1", 10), minutes=30)
    started = threading.Thread(target=_meddle, args=(output, tmp_path), daemon=True)
    started.start()
    outcome = stillhunt("watch", logs, "--lake", lake, "--every", "1s", "--output", output, "--json")
    started.join()
    assert outcome.status == 0
    assert outcome.err.count("cannot be written") == 1
    assert kinds(outcome) == ["appeared"]


def _meddle(output: Path, away: Path) -> None:
    time.sleep(2.5)
    output.rename(away / "elsewhere")
    _until(output.is_file)
    time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)


def _until(there) -> None:
    for _ in range(600):
        if there():
            return
        time.sleep(0.1)


PROGRAM = """
import sys
from cli import standin
from stillhunt import campaigns
campaigns.hunt = standin.hunt
from stillhunt.cli import main
sys.exit(main(sys.argv[1:]))
"""


def test_a_signal_ends_the_watch_with_status_0_and_everything_told(logs, lake):
    write(logs / "calls.jsonl", names("op1", 10), minutes=30)
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "watch", str(logs), "--lake", str(lake), "--every", "1s", "--json"],
        cwd=TESTS,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert json.loads(running.stdout.readline())["kind"] == "appeared"
        write(logs / "calls.jsonl", names("op1", 10, 30), minutes=40)
        assert json.loads(running.stdout.readline())["kind"] == "grew"
        running.send_signal(signal.SIGTERM)
        out, err = running.communicate(timeout=60)
    assert (running.returncode, out, err) == (0, "", "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_scan_that_is_stopped_is_made_again_and_nothing_is_taken_down(logs, lake, stillhunt, monkeypatch, number):
    write(logs / "calls.jsonl", names("op1", 10), minutes=30)

    def stopped_hunt(opened, **options):
        os.kill(os.getpid(), number)
        return standin.hunt(opened, **options)

    monkeypatch.setattr(campaigns, "hunt", stopped_hunt)
    outcome = stillhunt("watch", logs, "--lake", lake, "--once", "--json")
    assert (outcome.status, outcome.out) == (0, "")
    with Registry(lake / "registry.sqlite") as registry:
        assert registry.newest_look() is None
    monkeypatch.setattr(campaigns, "hunt", standin.hunt)
    assert kinds(stillhunt("watch", logs, "--lake", lake, "--once", "--json")) == ["appeared"]


def test_while_a_backlog_takes_too_long_it_is_scanned_half_read(logs, lake, stillhunt, monkeypatch):
    from stillhunt.intake import follow

    monkeypatch.setattr(watching, "OVERDUE", -1.0)
    monkeypatch.setattr(watching, "OVERDUE_LOOKS", -1)
    monkeypatch.setattr(follow.Follower.read, "__kwdefaults__", {**follow.Follower.read.__kwdefaults__, "most_bytes": 1})
    for n in range(3):
        write(logs / f"calls-{n}.jsonl", names("op1", 10 * n, 10 * n + 10), minutes=n)
        os.utime(logs / f"calls-{n}.jsonl", (n + 1, n + 1))
    outcome = stillhunt("watch", logs, "--lake", lake, "--once", "--every", "1s", "--json")
    assert kinds(outcome) == ["appeared", "grew", "grew"]
