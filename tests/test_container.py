"""The container file: each file that it copies is there and reaches the build, it runs without rights, and it works."""

import fnmatch
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINES = [line for line in (ROOT / "Containerfile").read_text().splitlines() if line and not line.startswith("#")]


def engine() -> str | None:
    """A container engine that answers, not only a client without one."""
    for name in ("podman", "docker"):
        if shutil.which(name) and subprocess.run([name, "info"], capture_output=True, check=False, timeout=30).returncode == 0:
            return name
    return None


def test_every_copied_file_is_there_and_not_ignored() -> None:
    allowed = [line[1:] for line in (ROOT / ".containerignore").read_text().splitlines() if line.startswith("!")]
    assert (ROOT / ".containerignore").read_text() == (ROOT / ".dockerignore").read_text()
    copied = [name for line in LINES if line.startswith("COPY ") and "--from" not in line for name in line.split()[1:-1]]
    assert {"pyproject.toml", "requirements.lock", "src"} <= set(copied)
    for name in copied:
        assert (ROOT / name).exists(), f"Containerfile copies {name}, which is not there"
        assert any(fnmatch.fnmatch(name, pattern) for pattern in allowed), f".containerignore keeps {name} out"


def test_what_runs_is_no_root_and_has_no_build_tools() -> None:
    last = LINES[max(n for n, line in enumerate(LINES) if line.startswith("FROM ")) :]
    assert any(line == "USER 10001" for line in last)
    assert not any(line.startswith("RUN") and "pip" in line for line in last)


@pytest.mark.timeout(1200)
def test_it_builds_and_runs_the_demo_without_a_network() -> None:
    name = engine()
    if name is None:
        pytest.skip("no container engine answers on this machine")
    subprocess.run([name, "build", "-q", "-f", "Containerfile", "-t", "stillhunt-test", "."], cwd=ROOT, check=True, capture_output=True)
    options = ["--rm", "--network", "none", "stillhunt-test"]
    demo = ["demo", "--hidden", "40", "--accounts", "500", "--calls", "4000"]
    done = subprocess.run([name, "run", *options, *demo], capture_output=True, text=True, check=True)
    assert "VERIFIED" in done.stdout
