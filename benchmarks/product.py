"""The product as its users run it: commands in processes of their own, worlds that are gone afterwards."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rows import Options

STILLHUNT = Path(sys.executable).with_name("stillhunt")


@dataclass(frozen=True)
class WorldArguments:
    """What `stillhunt range make` is told."""

    seed: int
    hidden: int
    accounts: int
    calls: int
    days: int = 14
    shape: str = "letter"
    machinery: str = "shared"
    populations: str = "all"


def stillhunt(*arguments: str | Path) -> dict[str, Any]:
    """Run one command with --json and return what it says.

    Raises:
        RuntimeError: it left with another status than 0; the message is what it said.
    """
    done = subprocess.run([STILLHUNT, *map(str, arguments), "--json"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"stillhunt {arguments[0]} left with status {done.returncode}: {done.stderr.strip()[-2000:]}")
    said: dict[str, Any] = json.loads(done.stdout)
    return said


@contextmanager
def folder(options: Options) -> Iterator[Path]:
    """A folder in the scratch space that is removed with everything in it."""
    made = Path(tempfile.mkdtemp(prefix="world-", dir=options.scratch))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def make_world(options: Options, world: WorldArguments, out: Path) -> dict[str, Any]:
    """Make a world under `out`, of real texts where they are available. Returns what `range make` says."""
    arguments: list[str | Path] = ["range", "make", out, "--format", "litellm"]
    for name, value in vars(world).items():
        arguments += [f"--{name}", str(value)]
    texts = options.texts()
    if texts:
        arguments += ["--texts", texts]
    return stillhunt(*arguments)
