"""Makes what is shipped: runs the `workout` in processes that compile for the portable processor, and keeps what they compiled.

In: a folder. Out: files of `store` in it. May import: `target` and `store`'s constants; what compiles runs in a process of its own, since
numba asks for the processor when it is first imported. What has not changed since the last time is taken over from there.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TextIO

from stillhunt.compiled import target

SHIPPED = Path(__file__).parent / "shipped"
STAMP = "made-of"
"""The file beside the loops that says of which sources they were made."""


def sources() -> str:
    """A hash of all of Stillhunt's own code, of Python and of the compiler: where it is as it was, nothing needs to be made."""
    from importlib.metadata import version  # noqa: PLC0415

    root = Path(__file__).parent.parent
    digest = hashlib.sha256(f"{sys.version} {version('numba')} {version('llvmlite')} {target.machine()}".encode())
    for path in sorted(root.rglob("*.py")):
        digest.update(f"\0{path.relative_to(root).as_posix()}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def build(folder: Path = SHIPPED, *, out: TextIO = sys.stderr) -> int:
    """Compile all loops for the portable processor into `folder`, and return how many files there are.

    Raises:
        RuntimeError: there is no portable target for this kind of processor, or a step failed; what it said is in the message.
    """
    if target.machine() not in target.BASELINES:
        raise RuntimeError(f"nothing can be shipped for {target.machine()}: loops are compiled when they are first used")
    stamp = folder / STAMP
    wanted = sources()
    if stamp.is_file() and stamp.read_text("utf-8") == wanted:
        return _count(folder)
    name, features, _ = target.BASELINES[target.machine()]
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix="shipped-", dir=folder.parent))
    began = time.monotonic()
    _say(out, f"compiling Stillhunt's loops for {name}, once for this version: a minute or two\n")
    try:
        with tempfile.TemporaryDirectory(prefix="stillhunt-build-") as work:
            environment = {key: value for key, value in os.environ.items() if not key.startswith(("STILLHUNT_", "NUMBA_"))}
            environment |= {"NUMBA_CPU_NAME": name, "NUMBA_CPU_FEATURES": features, target.BUILD_FOLDER: str(new), "HOME": work}
            command = [sys.executable, "-m", "stillhunt.compiled", "workout", work]
            done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603
        if done.returncode:
            raise RuntimeError(f"compiling failed with status {done.returncode}: {done.stdout.strip()[-4000:]}")
        (new / STAMP).write_text(wanted, "utf-8")
        new.chmod(0o755)
        shutil.rmtree(folder, ignore_errors=True)
        new.replace(folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    _say(out, f"{_count(folder)} loops, {sum(one.stat().st_size for one in folder.iterdir()) / 1e6:.1f} MB, ")
    _say(out, f"{time.monotonic() - began:.0f} seconds\n")
    return _count(folder)


def _count(folder: Path) -> int:
    return sum(1 for one in folder.iterdir() if one.suffix == ".loop")


def workout(folder: Path) -> None:
    """Run all steps of the workout; on a terminal, say which. For `build`, in a process of its own."""
    from stillhunt.compiled.workout import steps  # noqa: PLC0415

    for name, step in steps(folder):
        began = time.monotonic()
        _say(sys.stderr, f"  {name} …")
        step()
        _say(sys.stderr, f" {time.monotonic() - began:.0f} s\n")


def _say(out: TextIO, text: str) -> None:
    if out.isatty():
        out.write(text)
        out.flush()
