"""Where a watch's events go: a line on standard output, and a command of the user's, each from where the last run stopped."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from stillhunt.campaigns.known import Event
from stillhunt.cases.telling import document, sentence
from stillhunt.errors import InputError, StillhuntError

FILE = "watch.told"
NOT_USED = -1
COMMAND_SECONDS = 60

_WIDTH = 20


class Outlet:
    """Tells events, and remembers which are told.

    How far telling has got is written right behind each line, without anything in between that takes time: only a kill within those
    microseconds tells an event twice. A command is run again if the watch is killed while it runs. Both get the event's number.

    Args:
        folder: where it is remembered how far telling has got.
        as_json: one JSON object a line instead of a sentence.
        command: run for each event, with the JSON object on its standard input; None for none.
        registry: identity of the registry whose events are told; those of another one than last time have not been told.

    Raises:
        InputError: `command` cannot be split into words, or the folder not be written.
    """

    def __init__(self, folder: Path, *, registry: str, as_json: bool, command: str | None = None) -> None:
        self._as_json = as_json
        self._command = _words(command)
        try:
            self._file = os.open(folder / FILE, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise InputError(f"{folder / FILE}: cannot be written ({error.strerror}); check the folder's permissions") from error
        mark = registry.encode()
        if os.pread(self._file, len(mark), 2 * (_WIDTH + 1)) != mark:
            self._write(0, 0)
            self._write(1, min(0, self._read(1, NOT_USED)))
            os.pwrite(self._file, mark, 2 * (_WIDTH + 1))
        self._told = self._read(0, 0)
        self._commanded = self._read(1, NOT_USED)

    @property
    def told(self) -> int:
        """The number from which on events are needed."""
        return self._told if self._command is None or self._commanded == NOT_USED else min(self._told, self._commanded)

    def tell(self, events: Sequence[tuple[int, Event]]) -> None:
        """Tell what is not told yet, of all events behind `told` with their numbers. A command that is new begins with the present.

        Raises:
            StillhuntError: the command failed; the event that it failed on comes again.
        """
        if self._command is None and self._commanded != NOT_USED:
            self._commanded = self._write(1, NOT_USED)
        elif self._command is not None and self._commanded == NOT_USED:
            self._commanded = self._write(1, self._told)
        for number, event in events:
            if number > self._told:
                sys.stdout.write(self._line(number, event) + "\n")
                sys.stdout.flush()
                self._told = self._write(0, number)
        for number, event in events:
            if self._command is not None and number > self._commanded:
                self._run(self._command, json.dumps(document(number, event)))
                self._commanded = self._write(1, number)

    def close(self) -> None:
        """Put on disk how far telling has got."""
        with suppress(OSError):
            os.fsync(self._file)
            os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _line(self, number: int, event: Event) -> str:
        return json.dumps(document(number, event)) if self._as_json else sentence(event)

    def _run(self, command: list[str], line: str) -> None:
        try:
            done = subprocess.run(  # noqa: S603  # the user's own command, without a shell
                command, input=line + "\n", text=True, stdout=subprocess.DEVNULL, timeout=COMMAND_SECONDS, check=False
            )
            how = f"ended with status {done.returncode}" if done.returncode else ""
        except (OSError, subprocess.TimeoutExpired) as error:
            how = (
                f"took longer than {COMMAND_SECONDS} s"
                if isinstance(error, subprocess.TimeoutExpired)
                else f"cannot be run ({error.strerror})"
            )
        if how:
            raise StillhuntError(f"--on-event {command[0]}: {how}; the event is kept and given to it again")

    def _read(self, place: int, otherwise: int) -> int:
        found = os.pread(self._file, _WIDTH, place * (_WIDTH + 1)).strip()
        with suppress(ValueError):
            return int(found)
        return otherwise

    def _write(self, place: int, number: int) -> int:
        os.pwrite(self._file, f"{number:>{_WIDTH}}\n".encode(), place * (_WIDTH + 1))
        return number


def _words(command: str | None) -> list[str] | None:
    if command is None:
        return None
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise InputError(f"--on-event {command}: cannot be split into words ({error}); check its quotes") from error
    if not words:
        raise InputError("--on-event: names no command; give a program and its arguments")
    return words
