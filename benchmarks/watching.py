"""What a command takes while it runs: memory and CPU time, over all processes of its session."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Self

EVERY_SECONDS = 0.05
MOST_OF_THE_TIME = 0.01
"""Memory is looked at so seldom that looking takes no more of the time than this: the kernel walks all pages of a process for it, and keeps
the process from getting new ones meanwhile."""
_TICKS = os.sysconf("SC_CLK_TCK")


class Watch:
    """Watches the processes of one session. Use as a context around waiting for the command.

    Memory is the proportional set size (PSS) of every process, from smaps_rollup: a page that several share is counted once.
    CPU time is what each process had used when it was last seen, twenty times a second. Memory is looked at as often as `MOST_OF_THE_TIME`
    allows.

    Attributes:
        peak_bytes: the largest sum of memory; 0 unless `memory` was asked for.
        processes: the most that were there at once.
    """

    def __init__(self, session: int, *, memory: bool) -> None:
        self.peak_bytes = 0
        self.processes = 0
        self._session = session
        self._memory = memory
        self._used: dict[int, int] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    @property
    def cpu_seconds(self) -> float:
        """CPU time of all processes, in user and system mode."""
        return sum(self._used.values()) / _TICKS

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        rest = 0.0
        while not self._over.wait(EVERY_SECONDS):
            seen = list(self._seen())
            self._used.update(seen)
            self.processes = max(self.processes, len(seen))
            if self._memory and time.monotonic() >= rest:
                begin = time.monotonic()
                self.peak_bytes = max(self.peak_bytes, sum(_pss(process) for process, _ in seen))
                end = time.monotonic()
                rest = end + (end - begin) / MOST_OF_THE_TIME

    def _seen(self) -> list[tuple[int, int]]:
        """(process, ticks used) for every process of the session."""
        found = []
        for place in Path("/proc").iterdir():
            if place.name.isdigit():
                try:
                    stat = (place / "stat").read_text()
                except OSError:
                    continue
                # The name in brackets may hold spaces and brackets: what follows the last one is plain.
                after = stat.rpartition(")")[2].split()
                if int(after[3]) == self._session:
                    found.append((int(place.name), int(after[11]) + int(after[12])))
        return found


def _pss(process: int) -> int:
    """Bytes; 0 for a process that is gone."""
    try:
        for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0
