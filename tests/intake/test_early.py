"""The template starts before it is needed, for logs that are worth it, and Ctrl-C does not reach it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stillhunt.intake import early

STARTED = """
import os, sys
from multiprocessing import forkserver
from pathlib import Path
from stillhunt.intake.early import start_early
print(start_early([Path(p) for p in sys.argv[2:]], int(sys.argv[1]) or None), forkserver._forkserver._forkserver_pid is not None)
heavy = {"numpy", "pyarrow", "numba", "pydantic"} & set(sys.modules)
print(sorted(heavy))
"""


def started(workers, *paths):
    run = subprocess.run([sys.executable, "-c", STARTED, str(workers), *map(str, paths)], capture_output=True, text=True, check=True)
    (said, running), heavy = run.stdout.splitlines()[0].split(), run.stdout.splitlines()[1]
    assert said == running
    assert heavy == "[]"
    return said == "True"


def sized(path, size):
    path.parent.mkdir(exist_ok=True)
    with path.open("wb") as file:
        file.truncate(size)
    return path


def test_large_logs_start_it_and_nothing_heavy_is_imported_for_that(tmp_path):
    assert started(2, sized(tmp_path / "few.jsonl", 10))


@pytest.mark.parametrize(("sizes", "large"), [((early.SMALL_BYTES,), True), ((early.SMALL_BYTES // 2,) * 2, True), ((1000, 1000), False)])
def test_the_sizes_of_all_files_count_also_of_those_in_folders(tmp_path, monkeypatch, sizes, large):
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    monkeypatch.setattr(early, "context", lambda: None)
    for number, size in enumerate(sizes):
        sized(tmp_path / f"part {number}" / "calls.jsonl", size)
    assert early.start_early([tmp_path]) is large
    assert early.start_early([tmp_path / "part 0" / "calls.jsonl", tmp_path / "part 1", tmp_path / "nowhere"]) is large


def test_logs_that_threads_read_need_no_template(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    monkeypatch.setattr(early, "context", lambda: pytest.fail("started"))
    log = sized(tmp_path / "calls.jsonl", early.SMALL_BYTES)
    with log.open("r+b") as file:
        file.write(b'{"id": "1", "call_type": "acompletion", "startTime": 1783418400.25}')
    assert not early.start_early([log])


def test_one_worker_needs_no_template(tmp_path, monkeypatch):
    monkeypatch.setattr(early, "context", lambda: pytest.fail("started"))
    assert not early.start_early([sized(tmp_path / "calls.jsonl", early.SMALL_BYTES)], 1)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")
def test_an_interruption_does_not_reach_the_template():
    program = """
import os
from multiprocessing import forkserver
from stillhunt.intake import early
early.context()
for pid in (forkserver._forkserver._forkserver_pid, os.getpid()):
    print([line for line in open(f"/proc/{pid}/status") if line.startswith("SigBlk")][0].split()[1])
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    template, here = (int(line, 16) for line in run.stdout.split())
    assert template & 2
    assert not here & 2


def test_a_script_without_a_guard_reads_with_workers(tmp_path):
    """Workers must not run the caller's script again, which would ingest in each of them, and fail."""
    log = tmp_path / "calls.jsonl"
    log.write_text(
        "".join(f'{{"interaction_id": "i{n}", "started_at": "2030-01-01T00:00:00Z", "account_id": "a{n % 3}"}}\n' for n in range(40))
    )
    script = tmp_path / "own.py"
    script.write_text(
        "import sys\nfrom pathlib import Path\nfrom stillhunt.intake import pipeline\nfrom stillhunt.lake import Lake\n"
        "print('begun')\n"
        "with Lake.open(sys.argv[2], create=True) as lake:\n"
        "    print(pipeline.ingest([Path(sys.argv[1])], lake, workers=2).accepted)\n"
    )
    done = subprocess.run([sys.executable, script, log, tmp_path / "lake"], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.split() == ["begun", "40"]
