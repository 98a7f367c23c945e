import os
import signal
import subprocess
import sys
import time

import pytest

from stillhunt.cases import scans
from stillhunt.cli import outcome
from stillhunt.errors import InputError

STILLHUNT = [sys.executable, "-c", "import sys; from stillhunt.cli import main; sys.exit(main())"]


def one_line(text):
    return text.count("\n") == 1 and text.startswith("stillhunt: ")


@pytest.mark.parametrize(
    "arguments",
    [
        ["scan", "--nope"],
        ["nope"],
        ["scan"],
        ["scan", "/nowhere/calls.jsonl"],
        ["scan", "--lake", "/nowhere/lake"],
        ["scan", "--lake", "x", "--as-of", "yesterday"],
        ["scan", "x", "--keep-text"],
        ["scan", "--lake", "x", "--false-discovery-rate", "2"],
        ["scan", "--lake", "x", "--workers", "many"],
        ["ingest"],
        ["ingest", "x"],
        ["ingest", "/nowhere/calls.jsonl", "--lake", "/nowhere/lake"],
        ["campaigns"],
        ["campaigns", "/nowhere/findings.json"],
        ["campaigns", "a", "--lake", "b"],
        ["account", "a"],
        ["formats", "nope"],
        ["lake", "info", "--lake", "/nowhere"],
        ["lake", "retain", "--lake", "x"],
        ["lake", "retain", "--lake", "x", "--before", "soon"],
        ["range", "make", "/dev/null"],
        ["range", "make", "x", "--shape", "nope"],
        ["range", "make", "x", "--machinery", "nope"],
        ["range", "score", "/nowhere/findings.json", "/nowhere/truth"],
    ],
)
def test_bad_usage_or_input_is_one_line_and_status_2(stillhunt, arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = stillhunt(*arguments)
    assert result.status == 2
    assert one_line(result.err), result.err
    assert result.out == ""


def test_a_problem_with_json_leaves_standard_output_empty(stillhunt):
    result = stillhunt("campaigns", "/nowhere/findings.json", "--json")
    assert (result.status, result.out) == (2, "")


def test_a_defect_shows_no_traceback_and_says_how_to_get_one(stillhunt, monkeypatch, findings_file):
    monkeypatch.setattr(scans, "read", lambda _path: 1 / 0)
    result = stillhunt("campaigns", findings_file)
    assert result.status == 2
    assert one_line(result.err)
    assert "defect of Stillhunt" in result.err
    assert "STILLHUNT_DEBUG=1" in result.err
    assert "division" not in result.err  # an exception's text may quote data


def test_debugging_shows_the_traceback(stillhunt, monkeypatch, findings_file):
    monkeypatch.setattr(scans, "read", lambda _path: 1 / 0)
    monkeypatch.setenv("STILLHUNT_DEBUG", "1")
    # `stillhunt` unsets the variable for everybody else, so that it is set again after the fixture
    assert "ZeroDivisionError: division by zero" in stillhunt("campaigns", findings_file).err


def test_an_error_cannot_drive_the_terminal(stillhunt, monkeypatch, findings_file):
    def fail(_path):
        raise InputError("\x1b[2Jfile\nname")

    monkeypatch.setattr(scans, "read", fail)
    result = stillhunt("campaigns", findings_file)
    assert one_line(result.err)
    assert "\x1b" not in result.err


def test_an_interruption_is_polite(stillhunt, monkeypatch, findings_file):
    def interrupt(_path):
        raise KeyboardInterrupt

    monkeypatch.setattr(scans, "read", interrupt)
    result = stillhunt("campaigns", findings_file)
    assert result.status == 130
    assert one_line(result.err)


def test_called_without_a_command_it_shows_what_there_is(stillhunt):
    result = stillhunt()
    assert result.status == 2
    assert "scan" in result.err
    assert "Traceback" not in result.err


def test_help_and_version_end_well(stillhunt):
    assert stillhunt("--help").status == 0
    assert stillhunt("--version").out.startswith("stillhunt ")
    assert "LOGS" in stillhunt("scan", "--help").out


def test_complaints_do_not_end_a_run(capsys):
    outcome.complain(["first", "second"])
    assert capsys.readouterr().err == "stillhunt: first\nstillhunt: second\n"


@pytest.mark.parametrize(
    "arguments",
    [["campaigns", "FINDINGS", "--json"], ["campaigns", "FINDINGS"], ["formats"], ["channels"], ["--help"], ["formats", "--json"]],
    ids=" ".join,
)
def test_a_reader_that_goes_away_is_no_error(findings_file, arguments):
    command = [*STILLHUNT, *(str(findings_file) if word == "FINDINGS" else word for word in arguments)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    assert process.wait() == 0


def test_another_broken_pipe_is_not_taken_for_a_reader_that_went_away(monkeypatch, capsys):
    def broken(*_arguments, **_options):
        raise BrokenPipeError

    reader, writer = os.pipe()
    monkeypatch.setattr(outcome.configuration, "read", broken)
    with os.fdopen(writer, "w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        assert outcome.run(["formats"]) == 2
    os.close(reader)
    assert "BrokenPipeError" in capsys.readouterr().err


def test_ctrl_c_ends_with_130_and_no_traceback(tmp_path):
    pipe = tmp_path / "findings.json"
    os.mkfifo(pipe)  # reading it waits for a writer that never comes
    # Whoever runs tests in the background, or in several processes, may have them ignore the signal, which children inherit.
    command = [*STILLHUNT, "campaigns", str(pipe)]
    heard = f"import signal, os; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv({command[0]!r}, {command!r})"
    process = subprocess.Popen([sys.executable, "-c", heard], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    writer = os.open(pipe, os.O_WRONLY)  # returns once the command has opened the other end
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    os.close(writer)
    assert process.returncode == 130
    assert "Traceback" not in err


def test_a_terminal_without_box_drawing_still_gets_the_result(findings_file):
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "COLUMNS": "100"}
    run = subprocess.run([*STILLHUNT, "campaigns", str(findings_file)], capture_output=True, check=False, env=environment)
    assert run.returncode == 0
    assert b"150 accounts" in run.stdout


def test_a_shell_that_asks_what_could_come_next_is_answered(monkeypatch):
    words = {"_STILLHUNT_COMPLETE": "complete_bash", "COMP_WORDS": "stillhunt scan --false", "COMP_CWORD": "2"}
    done = subprocess.run([sys.executable, "-m", "stillhunt"], env=os.environ | words, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["--false-discovery-rate"]
