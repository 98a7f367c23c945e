"""The demo: what a newcomer sees first, on a world small enough for a test."""

import json
import shlex
import shutil
from pathlib import Path

import pytest

from stillhunt.cli import demo as module
from stillhunt.cli.outcome import run
from stillhunt.errors import InputError

SMALL = ("--hidden", "40", "--accounts", "500", "--calls", "4000", "--seed", "1")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A demo in a new folder, and what it printed."""
    folder = tmp_path_factory.mktemp("newcomer") / "demo"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "300")
        import contextlib
        import io

        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            status = run(["demo", str(folder), *SMALL])
    assert status == 0
    return folder, out.getvalue()


def test_it_says_first_what_it_takes_and_last_what_was_found_and_what_to_do(told: tuple[Path, str]) -> None:
    folder, printed = told
    lines = printed.splitlines()
    assert "GB" in lines[0]
    assert "minute" in lines[0]
    assert [line[:3] for line in lines[1:7]] == [f"{n}/6" for n in range(1, 7)]
    assert any(line.startswith("Found: campaign c-") for line in lines[7:])
    assert f"Look: open {folder / 'report.html'} in a browser." in lines
    assert (folder / "report.html").is_file()
    assert len(lines) < 15


def test_the_next_command_runs_as_it_is_printed(told: tuple[Path, str], capsys: pytest.CaptureFixture[str]) -> None:
    _, printed = told
    (command,) = [line.removeprefix("Next: ") for line in printed.splitlines() if line.startswith("Next: ")]
    program, *arguments = shlex.split(command)
    assert program == "stillhunt"
    assert run(arguments) == 0
    assert "c-" in capsys.readouterr().out


def test_the_bundle_verifies_with_the_keys_beside_it(told: tuple[Path, str], capsys: pytest.CaptureFixture[str]) -> None:
    folder, _ = told
    assert run(["verify", str(folder / "case.stillhunt-bundle.json"), "--key", str(folder / "provider.vkey")]) == 0
    assert capsys.readouterr().out == (folder / "verified.txt").read_text()


def test_another_demo_replaces_an_earlier_one_and_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    assert run(["demo", str(mine), *SMALL]) == 2
    assert "no earlier demo" in capsys.readouterr().err
    assert (mine / "thesis.txt").read_text() == "years of work"
    earlier = tmp_path / "earlier"
    earlier.mkdir()
    (earlier / module.MARK).write_text("")
    (earlier / "old").write_text("")
    assert run(["demo", str(earlier), *SMALL, "--json"]) == 0
    assert not (earlier / "old").exists()
    document = json.loads(capsys.readouterr().out)
    assert document["named_wrongly"] == 0
    assert document["case"]["proved"]


def test_a_full_disk_is_met_before_anything_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1_000})())
    with pytest.raises(InputError, match=r"GB are free"):
        module.demo(tmp_path / "demo", hidden=80, accounts=3_000, calls=24_000, seed=1, json=True)
    assert [path.name for path in (tmp_path / "demo").iterdir()] == [module.MARK]


def test_a_lake_that_was_moved_still_proves_what_it_proved(
    told: tuple[Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _ = told
    moved = tmp_path / "moved"
    shutil.copytree(folder / "lake", moved)
    shutil.move(folder / "lake", tmp_path / "out of the way")
    try:
        assert run(["ledger", "check", "--lake", str(moved)]) == 0
        capsys.readouterr()
        assert run(["case", "list", "--lake", str(moved), "--json"]) == 0
        (case,) = json.loads(capsys.readouterr().out)["cases"]
        assert run(["case", "rerun", case["case_id"], "--lake", str(moved), "--by", "test"]) == 0
    finally:
        shutil.move(tmp_path / "out of the way", folder / "lake")
