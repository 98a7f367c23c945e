"""Commands are imported when they are chosen: `--help` and what reads no data answer at once."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import typer

from stillhunt.cli.app import app
from stillhunt.cli.lazy import LazyGroup, _Commands

HEAVY = {
    "altair",
    "cryptography",
    "duckdb",
    "llvmlite",
    "numba",
    "numpy",
    "orjson",
    "pandas",
    "pyarrow",
    "pydantic",
    "pyiceberg",
    "rich",
    "scipy",
}
WATCHED = """
import contextlib, io, json, sys
from stillhunt.cli import main
with contextlib.redirect_stdout(io.StringIO()) as said:
    status = main(sys.argv[1:])
print(json.dumps({"status": status, "said": said.getvalue(), "modules": sorted(sys.modules)}))
"""


def imported(*arguments: str) -> tuple[set[str], set[str]]:
    """Packages, and modules of ours, that a process has imported when the command ended well."""
    done = subprocess.run([sys.executable, "-c", WATCHED, *arguments], capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    assert told["status"] == 0
    assert told["said"]
    modules = set(told["modules"])
    return {name.partition(".")[0] for name in modules}, {name for name in modules if name.startswith("stillhunt.")}


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["--version"]], ids=" ".join)
def test_help_and_version_import_nothing_but_the_command_line(arguments):
    packages, ours = imported(*arguments)
    assert not packages & HEAVY
    assert {name.split(".")[1] for name in ours} == {"cli", "errors"}
    assert "stillhunt.cli.scan" not in ours


@pytest.mark.parametrize("arguments", [["formats"], ["formats", "kong"], ["channels"]], ids=" ".join)
def test_lists_import_neither_compiler_nor_lake_nor_statistics(arguments):
    packages, ours = imported(*arguments)
    assert not packages & {"numba", "llvmlite", "scipy", "pyiceberg", "pandas", "duckdb", "sqlalchemy", "altair"}
    assert not {name for name in ours if name.startswith(("stillhunt.lake.", "stillhunt.campaigns.hunting", "stillhunt.cases."))}


def groups(command, path=("stillhunt",)):
    if isinstance(command, LazyGroup):
        yield path, command
    for name, child in (getattr(command, "commands", None) or {}).items():
        yield from groups(child, (*path, name))


def test_every_list_says_what_the_commands_say():
    found = dict(groups(typer.main.get_command(app)))
    assert {("stillhunt",), ("stillhunt", "case")} <= found.keys()
    for path, group in found.items():
        assert isinstance(group.commands, _Commands)
        for name, place in group.places.items():
            said = " ".join((group.commands[name].help or "").split("\n\n")[0].split())
            assert said.startswith(place.help.removesuffix(".")), f"{' '.join(path)} {name}: the table in cli says something else"


def test_help_of_a_group_lists_its_own_commands_and_those_elsewhere():
    lines = subprocess.run(
        [sys.executable, "-c", "import sys; from stillhunt.cli import main; sys.exit(main())", "case", "--help"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    listed = [line.split()[0] for line in lines.partition("Commands:")[2].splitlines() if line.strip()]
    assert {"open", "list", "show", "answer", "policy", "report", "pack"} <= set(listed)


@pytest.mark.parametrize(("typed", "meant"), [(["fromats"], "formats"), (["case", "anser"], "answer"), (["lake", "compat"], "compact")])
def test_a_slip_is_met_with_what_was_meant(typed, meant):
    done = subprocess.run(
        [sys.executable, "-c", "import sys; from stillhunt.cli import main; sys.exit(main())", *typed],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert f"Did you mean '{meant}'" in done.stderr


def test_a_list_of_cases_needs_neither_the_hunt_nor_the_lake():
    code = "import json, sys, stillhunt.cli.case, stillhunt.cases.docket; print(json.dumps(sorted(sys.modules)))"
    modules = set(json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout))
    assert not modules & {"numba", "scipy", "pyiceberg", "pandas", "stillhunt.campaigns.hunting", "stillhunt.lake.lake"}
