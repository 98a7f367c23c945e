"""What leaves as a wheel works where nothing else of the project is: built here, installed with its dependencies, used in an empty folder.

It needs the package index, for the dependencies; where none can be reached, the part that needs it is left out and says so.
"""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def built(source: Path, target: Path, kind: str, *, loops: bool = True) -> Path:
    """Build a wheel or an sdist from `source` with the locked backend and return it; without compiled loops it is for any machine."""
    environment = os.environ | ({} if loops else {"WITHOUT_LOOPS": "1"})
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(target)],
        cwd=source,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (file,) = target.glob("*.whl" if kind == "wheel" else "*.tar.gz")
    return file


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(ROOT, tmp_path_factory.mktemp("wheel"), "wheel")


def test_a_wheel_made_from_the_sdist_holds_what_one_made_from_the_checkout_holds(tmp_path: Path) -> None:
    wheel = built(ROOT, tmp_path / "wheel", "wheel", loops=False)
    sdist = built(ROOT, tmp_path / "sdist", "sdist")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    (source,) = (tmp_path / "unpacked").iterdir()
    again = built(source, tmp_path / "again", "wheel", loops=False)
    one, other = (set(zipfile.ZipFile(file).namelist()) for file in (wheel, again))
    assert one == other
    assert "stillhunt/verifier.py" in one
    assert not any("tests/" in name or name.endswith((".pyc", ".nbi", ".nbc")) for name in one)


def test_the_wheel_asks_for_what_the_product_imports_and_for_nothing_that_tests_need(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [entry for entry in archive.namelist() if entry.endswith(".dist-info/METADATA")]
        metadata = archive.read(name).decode()
    required = [line for line in metadata.splitlines() if line.startswith("Requires-Dist:") and "extra ==" not in line]
    assert any("pyarrow" in line for line in required)
    assert not any(tool in line for line in required for tool in ("pyspark", "duckdb", "mypy", "pytest", "hypothesis"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel, its dependencies as they are locked, and nothing else."""
    folder = tmp_path_factory.mktemp("empty") / "env"
    venv.create(folder, with_pip=True)
    pins = [line.removesuffix("\\").strip() for line in (ROOT / "requirements.lock").read_text().splitlines() if line[:1].isalpha()]
    constraints = folder / "constraints.txt"
    constraints.write_text("\n".join(pin.partition("[")[0] + pin.partition("]")[2] if "[" in pin else pin for pin in pins))
    python = folder / "bin" / "python"
    done = subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-c", constraints, wheel],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode and any(sign in done.stderr for sign in ("NewConnectionError", "No matching distribution", "Temporary failure")):
        pytest.skip("no package index can be reached: the wheel was built, and not installed")
    assert done.returncode == 0, done.stderr
    yield folder
    shutil.rmtree(folder)


def run(installed: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the installed command as somebody whose home is empty too."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "LANG", "TZ"} or name.startswith("OPENBLAS")}
    environment = kept | {"HOME": str(home)}
    return subprocess.run(
        [installed / "bin" / "stillhunt", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.timeout(600)
def test_the_installed_command_does_the_main_job_in_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    assert run(installed, tmp_path, "--version").stdout.startswith("stillhunt ")
    formats = run(installed, tmp_path, "formats", "--json")
    assert "litellm" in {one["name"] for one in json.loads(formats.stdout)["formats"]}
    done = run(installed, tmp_path, "demo", "--hidden", "40", "--accounts", "500", "--calls", "4000", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["campaigns"]
    assert document["named_wrongly"] == 0
    assert (tmp_path / document["report"]).is_file()
    again = run(installed, tmp_path, "scan", "demo/world/provider")
    assert again.returncode == 0
    assert "campaign" in again.stdout
