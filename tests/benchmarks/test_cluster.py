"""The arithmetic of docs/scale.md is what the script computes, and its parts add up."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

from cluster import Assumptions, nodes, steps, tables  # noqa: E402 - a script beside the package


def test_the_page_shows_what_the_script_computes():
    assert tables(Assumptions()) in (ROOT / "docs" / "scale.md").read_text(), "stale: paste what `python benchmarks/cluster.py` prints"


def test_work_grows_with_calls_and_shrinks_with_faster_code():
    plain, twice = steps(Assumptions()), steps(replace(Assumptions(), calls=2 * Assumptions().calls))
    assert [round(b.core_hours / a.core_hours, 6) for a, b in zip(plain, twice, strict=True)] == [2.0] * len(plain)
    scan = plain[2]
    faster = steps(replace(Assumptions(), folding=Assumptions().folding / 2))[2]
    assert faster.core_hours == pytest.approx(scan.core_hours / 2)
    assert faster.moved == scan.moved


def test_a_scan_moves_every_call_every_digest_and_every_time_once():
    given = Assumptions(calls=10, days=3, by_account=100, by_request=20, accounts=7, digest=1_000, time=12)
    assert steps(given)[2].moved == 10 * 3 * (120 + 12) + 7 * 1_000


def test_a_slow_network_asks_for_nodes_when_cores_do_not():
    given = Assumptions()
    scan = steps(given)[2]
    slow = replace(given, network=given.network / 1_000)
    assert nodes(scan, slow) > nodes(scan, given)
    assert nodes(scan, slow) == pytest.approx(scan.moved / (scan.hours * 3600 * slow.network * slow.busy))


def test_an_assumption_is_changed_by_name_and_a_strange_one_refused():
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        script = [sys.executable, str(ROOT / "benchmarks" / "cluster.py"), *arguments]
        return subprocess.run(script, capture_output=True, text=True, check=False)

    assert "| calls a day | `calls` | 5,000 |" in run("--set", "calls=5000").stdout
    assert "no assumption 'wishes'" in run("--set", "wishes=1").stderr
    assert "a number was expected" in run("--set", "calls=many").stderr
