"""For which processors loops are compiled.

In: what LLVM says of this machine. Out: names of targets, and whether code for the portable one runs here.
May import: nothing of stillhunt.
What is shipped is for a baseline that every server of the last ten years has; what a user's machine compiles is for that machine alone.
"""

from __future__ import annotations

import os
import platform
from functools import cache
from pathlib import Path
from typing import Any, Final

BUILD_FOLDER: Final = "COMPILED_FOR_SHIPPING"
"""Set by `compiled.building` in the processes that make what is shipped: where they put it."""

BASELINES: Final = {
    "x86_64": (
        "x86-64-v3",
        # SHA-256 is asked for by name, where a machine has it (`ledger.hashing`): the compiler does not use it by itself
        "+sha",
        ("avx", "avx2", "bmi", "bmi2", "cx16", "f16c", "fma", "lzcnt", "movbe", "popcnt", "sse3", "sse4.1", "sse4.2", "ssse3", "xsave"),
    ),
    "aarch64": ("generic", "", ("neon",)),
}
"""Machine -> the name of LLVM's processor, further instructions that code may ask for, and what a processor must have to run the code."""

_ALIKE: Final = {"amd64": "x86_64", "arm64": "aarch64"}


def machine() -> str:
    """The kind of processor, under the name that `BASELINES` has for it."""
    name = platform.machine().lower()
    return _ALIKE.get(name, name)


def building() -> Path | None:
    """The folder that loops are compiled into for shipping; None in every process of a user."""
    folder = os.environ.get(BUILD_FOLDER)
    return Path(folder) if folder else None


@cache
def portable() -> str | None:
    """The name of the shipped target if this machine can run it."""
    from llvmlite import binding  # type: ignore[import-untyped]  # noqa: PLC0415
    from numba.core import config as plain  # noqa: PLC0415

    config: Any = plain
    if machine() not in BASELINES:
        return None
    name, _, needed = BASELINES[machine()]
    if building() is None and (config.CPU_NAME or config.CPU_FEATURES):
        return None  # somebody compiles for a processor of their choice
    features = binding.get_host_cpu_features()
    return f"{machine()}-{name}-{platform.system().lower()}" if all(features.get(one) for one in needed) else None


def host() -> str:
    """This machine's own target, as numba names it."""
    from numba.core.registry import cpu_target  # noqa: PLC0415

    return repr(cpu_target.target_context.codegen().magic_tuple())
