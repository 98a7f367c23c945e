"""``python -m stillhunt.compiled build``: compile all loops and put them where the package looks for them first."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from stillhunt.compiled import building


def main(arguments: Sequence[str]) -> int:
    """Build, or (for `build`, in a process of its own) run the workout in a folder."""
    match list(arguments):
        case ["build"]:
            try:
                print(f"{building.build()} loops in {building.SHIPPED}")  # noqa: T201
            except RuntimeError as error:
                sys.stderr.write(f"stillhunt: {error}\n")
                return 2
        case ["workout", folder]:
            building.workout(Path(folder))
        case _:
            sys.stderr.write("usage: python -m stillhunt.compiled build\n")
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
