"""Which kind of network an address prefix is of, from ranges that the user names (setting STILLHUNT_NETWORKS)."""

from __future__ import annotations

import os
from ipaddress import ip_network
from pathlib import Path

from stillhunt.campaigns.ranges import Ranges
from stillhunt.errors import InputError

VARIABLE = "STILLHUNT_NETWORKS"


def network_kinds() -> Ranges | None:
    """The lookup that STILLHUNT_NETWORKS asks for, or None where it is not set.

    Raises:
        InputError: the file cannot be read, or a line of it is not a range and a kind.
    """
    named = os.environ.get(VARIABLE)
    return read_ranges(Path(named)) if named else None


def read_ranges(path: Path) -> Ranges:
    """Ranges from lines of ``203.0.113.0/24 hosting`` (``#`` begins a comment); the narrowest that holds a prefix counts.

    Raises:
        InputError: the file cannot be read, or a line of it is not a range and a kind.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{VARIABLE}: {path} cannot be read ({type(error).__name__}); name a text file of ranges and kinds") from error
    kinds: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        words = line.split("#", 1)[0].split()
        if not words:
            continue
        try:
            kinds[str(ip_network(words[0], strict=False))] = words[1]
        except (ValueError, IndexError):
            raise InputError(f"{VARIABLE}: {path}, line {number}: write a range and its kind, as in '203.0.113.0/24 hosting'") from None
    return Ranges(kinds)
