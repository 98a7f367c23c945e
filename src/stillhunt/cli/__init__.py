"""The command line: one module per command group, assembled in `app`.

In: arguments and files. Out: text for people or, with --json, one JSON document on stdout and nothing else there.
May import everything, but lazily inside commands, so that --help answers at once. Decides nothing: it calls and prints.
Exit status: 0 done, 1 found something (only with --fail-on), 2 bad usage or input, 130 interrupted.
"""

from __future__ import annotations

from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status; the entry point of ``stillhunt``."""
    from stillhunt.cli.outcome import run

    return run(arguments)
