"""Every command that a page shows runs as it is pasted, in the order of the page, in a folder that holds what `stillhunt demo` makes.

Commands of ours run in this process, lines of other programs as they are. A line that cannot be run here stands in EXCEPTIONS with the
reason, or in SMALLER with the same command at a size that a test has time for; both are at least parsed.
"""

import contextlib
import csv
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pasted import ROOT, problem_of, quoted_in_pages, quoted_in_source
from stillhunt.cli.outcome import run

PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
SAMPLES = ROOT / "tests" / "intake" / "samples"

EXCEPTIONS = {
    "make install": "needs a package index; continuous integration runs it on a clean machine, tests/test_locks.py checks what it installs",
    "make test": "is what runs this test",
    "make docs": "writes the reference, whose freshness tests/test_docs.py checks",
    ".venv/bin/python -m hatchling build": "tests/test_wheel.py builds the wheel",
    "pip install": "needs a package index; tests/test_wheel.py installs the wheel",
    ".venv/bin/pip install '.[spark]'": "needs a package index",
    "podman ": "needs a container engine; tests/test_container.py runs it where there is one",
    "aws s3 sync": "needs a bucket",
    "psql": "needs a database",
    "stillhunt scan --lake demo/lake --engine spark": "Spark takes long to start; tests/lake/engines and tests/cli compare its findings",
    "stillhunt range ladder": "takes hours; tests/range runs the ladder on small worlds",
    "stillhunt ledger timestamp add": "needs the answer of a time stamp authority; tests/ledger/test_timestamps.py has one",
}
SMALLER = {
    "stillhunt range make large": "stillhunt range make large --format fingerprints --shape L1 --hidden 40 --accounts 1000 --calls 12000"
    " --days 6 --until 2026-03-06T23:00",
}


@dataclass
class Shown:
    """One command of a page, and what the page shows as its output."""

    line: int
    text: str
    output: list[str] = field(default_factory=list)


def shown_in(page: Path) -> list[Shown]:
    """The commands of a page's console blocks, in order, continued lines put together."""
    found: list[Shown] = []
    inside = continued = False
    for number, line in enumerate(page.read_text().splitlines(), 1):
        if line.startswith("```"):
            inside, continued = line.strip() == "```console", False
        elif inside and continued:
            found[-1].text += " " + line.strip().removesuffix("\\")
            continued = line.endswith("\\")
        elif inside and line.startswith("$ "):
            continued = line.endswith("\\")
            found.append(Shown(number, line[2:].removesuffix("\\")))
        elif inside and line.strip() not in ("", "..."):
            found[-1].output.append(line)
    return found


WITH_COMMANDS = [page for page in PAGES if shown_in(page)]


def known(table: dict[str, str], command: str) -> str | None:
    return next((value for beginning, value in table.items() if command.startswith(beginning)), None)


@dataclass(frozen=True)
class Demo:
    folder: Path
    said: str


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """The demo at its own size, made once: pages name ids that come out of its seed."""
    place = tmp_path_factory.mktemp("made")
    with patch.dict(os.environ, {"COLUMNS": "120"}), contextlib.chdir(place), contextlib.redirect_stdout(io.StringIO()) as said:
        assert run(["demo"]) == 0
    return Demo(place / "demo", said.getvalue())


def lines(path: Path, records: list[dict]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records))


def sample(name: str) -> list[dict]:
    return json.loads((SAMPLES / f"{name}.json").read_text())


def transfers() -> list[dict]:
    """Eight accounts that hand something on to one another, and a number for each."""
    ring = [f"r{at}" for at in range(8)]
    rows = [
        {"account": one, "channel": "transfer", "value": f"{min(pair)}-{max(pair)}", "time": "2030-01-01T00:00:00Z"}
        for at in range(8)
        for pair in [(ring[at], ring[(at + 1) % 8])]
        for one in pair
    ]
    return rows + [{"account": f"s{at}", "channel": "volume", "value": str(at), "time": "2030-01-02T00:00:00Z"} for at in range(40)]


def furnish(place: Path, demo: Demo) -> None:
    """What the pages' commands are given: the demo, and small files under the names that pages use."""
    shutil.copytree(demo.folder / "world", place / "demo" / "world", copy_function=os.link)
    shutil.copytree(demo.folder, place / "demo", ignore=lambda *_: {"world"}, dirs_exist_ok=True)
    shutil.copytree(demo.folder / "lake", place / "another")
    provider = place / "demo" / "world" / "provider"
    (place / "calls").mkdir()
    os.link(min(provider.glob("*.jsonl")), place / "calls" / "day.jsonl")
    shutil.copy(provider / "accounts.parquet", place)
    lines(place / "entitlements.jsonl", [{"account_id": "acct-1", "scope": "research"}])
    times = [f"2026-05-04T10:{at:02d}:00Z" for at in range(20)]
    gateway = [
        {"interaction_id": f"c{at}", "started_at": time, "account_id": f"a{at % 4}", "client_ip": "192.0.2.7"}
        for at, time in enumerate(times)
    ]
    said = json.dumps([{"role": "user", "parts": [{"type": "text", "content": "what is a still"}]}])
    lines(place / "gateway.jsonl", gateway)
    lines(place / "content.jsonl", [{"interaction_id": f"c{at}", "started_at": time, "messages": said} for at, time in enumerate(times)])
    pq.write_table(pa.Table.from_pylist(transfers()), place / "actions.parquet")
    lines(place / "posts.jsonl", [{"account": f"a{at % 9}", "channel": "post", "value": f"p{at % 5}", "time": at} for at in range(60)])
    prices = (ROOT / "docs" / "policy.md").read_text().split("```toml prices\n")[1].split("```")[0]
    (place / "prices.toml").write_text(prices)
    configuration = (ROOT / "docs" / "operating.md").read_text().split("```toml\n")[1].split("```")[0]
    (place / "stillhunt.toml").write_text(configuration)
    lines(place / "llm.json", sample("kong"))
    lines(place / "otel" / "genai.jsonl", sample("otel_spans") + sample("otel_logs"))
    lines(place / "logs" / "day.jsonl", sample("litellm"))
    lines(place / "shipped.log", [{"log": json.dumps(record) + "\n", "stream": "stdout"} for record in sample("litellm")])
    own = [
        {
            "request": {"id": f"r{at}"},
            "ts": 1_777_000_000_000 + at,
            "user": {"id": f"u{at % 3}"},
            "model": "model-a",
            "prompt": "a question",
        }
        for at in range(20)
    ]
    lines(place / "app.jsonl", own)
    spend = sample("litellm_spend")
    with (place / "spend.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, list(spend[0]))
        table.writeheader()
        table.writerows([{k: json.dumps(v) if isinstance(v, dict | list) else v for k, v in row.items()} for row in spend])
    (place / "src").symlink_to(ROOT / "src")


@pytest.fixture
def sandbox(demo: Demo, tmp_path: Path) -> Iterator[Path]:
    furnish(tmp_path, demo)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STILLHUNT_") or name == "STILLHUNT_CACHE"}
    environment |= {"COLUMNS": "120", "XDG_CONFIG_HOME": str(tmp_path / "config")}
    with patch.dict(os.environ, environment, clear=True), contextlib.chdir(tmp_path):
        yield tmp_path


def pasted(command: str, demo: Demo, capsys: pytest.CaptureFixture[str]) -> str:
    """Run one line as a shell would, and return what it printed."""
    words = shlex.split(command, comments=True)
    if words[0] == "export":
        os.environ.update([words[1].split("=", 1)])
        return ""
    if words[:2] == ["make", "demo"]:
        return demo.said
    target = Path(words.pop()) if words[-2:-1] == [">"] else None
    words = words[:-1] if target else words
    if Path(words[0]).name == "stillhunt":
        capsys.readouterr()
        status = run(words[1:])
        out, err = capsys.readouterr()
    else:
        words[0] = sys.executable if words[0] == "python" else words[0]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        status, out, err = done.returncode, done.stdout, done.stderr
    assert status == 0, f"{command}\nended with status {status}: {err[-800:]}"
    if target:
        target.write_text(out)
    return out


def settled(text: str) -> str:
    """Without what differs from run to run: ids of cases, seconds, line breaks."""
    text = re.sub(r"case-[0-9a-f]{10}", "case-X", text)
    return " ".join(re.sub(r"\(\d+ s\)", "(N s)", text).split())


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_of_a_page_runs_as_pasted(page, sandbox, demo, capsys):
    if page.name == "packs.md":
        (sandbox / "another").rename(sandbox / "lake")  # the page's second provider
    for one in shown_in(page):
        if known(EXCEPTIONS, one.text):
            continue
        printed = settled(pasted(known(SMALLER, one.text) or one.text, demo, capsys))
        for line in one.output:
            assert settled(line) in printed, f"{page.name}:{one.line}: `{one.text}` does not print what the page shows: {line}"


def test_every_exception_is_needed():
    everything = [one.text for page in PAGES for one in shown_in(page)]
    for beginning in (*EXCEPTIONS, *SMALLER):
        assert any(text.startswith(beginning) for text in everything), f"{beginning}: on no page any more"


def test_commands_that_are_not_run_can_be_parsed():
    for page in PAGES:
        for one in shown_in(page):
            words = shlex.split(one.text, comments=True)
            if Path(words[0]).name == "stillhunt":
                assert problem_of(words[1:]) is None, f"{page.name}:{one.line}: {one.text}"


QUOTED = sorted({*quoted_in_pages(PAGES), *quoted_in_source()})


def test_commands_are_quoted_at_all():
    assert len(QUOTED) > 100


@pytest.mark.parametrize(("command", "place"), QUOTED, ids=[f"{place}: {command}" for command, place in QUOTED])
def test_every_command_that_is_quoted_exists_with_its_options(command, place):
    problem = problem_of(shlex.split(command, comments=True)[1:])
    assert problem is None, f"{place}: `{command}`: {problem}"
