import json
import sys

from stillhunt.cli import terminal


class Screen:
    """A stand-in for a terminal on standard error."""

    def __init__(self):
        self.written = ""
        self.encoding = "utf-8"

    def isatty(self):
        return True

    def write(self, text):
        self.written += text
        return len(text)

    def flush(self):
        pass


def test_progress_is_silent_in_a_pipe(capsys):
    with terminal.progress() as step:
        step("reading", "reading logs", 1, 2)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_progress_shows_on_a_terminal_and_not_on_standard_output(capsys, monkeypatch):
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    with terminal.progress() as step:
        step("reading", "reading [logs]", 1, 2)
        step("weighing", "weighing evidence", None, None)
    assert "weighing evidence" in screen.written
    assert capsys.readouterr().out == ""


def test_json_is_ascii(capsys):
    terminal.emit({"account": "\u202eéx\x1b"})
    out = capsys.readouterr().out
    assert out.isascii()
    assert "\x1b" not in out
    assert json.loads(out) == {"account": "\u202eéx\x1b"}


def test_whoever_waits_at_a_terminal_is_told_and_a_pipe_is_not(monkeypatch, capsys):
    terminal.load("json")
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    terminal.load("json")
    said = capsys.readouterr().err
    assert said.startswith("Loading")
    assert said.endswith("\x1b[2K\r"), "the line is gone before anything else is written"
