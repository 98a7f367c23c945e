"""The environment variables that Stillhunt obeys. There are few: what a command does is said on the command line."""

from __future__ import annotations

import os
from typing import Final

SETTINGS: Final[dict[str, str]] = {
    "STILLHUNT_DEBUG": "Set to 1 to see the traceback of a defect. It may show data: read it before you pass it on.",
    "STILLHUNT_NETWORKS": "A file of address ranges and their kinds ('203.0.113.0/24 hosting', one a line), for the subnet channel.",
    "STILLHUNT_KEY_FILE": "A file holding the pseudonym key, instead of the one beside a local lake (needed where a lake has no folder).",
    "STILLHUNT_LEDGER_KEY_FILE": "The file holding the ledger's signing key, instead of `ledger.key` beside the ledger's folder.",
    "STILLHUNT_SPARK_MASTER": "The Spark master for --engine spark ('spark://host:7077', 'yarn'). Without it Spark runs on this machine.",
    "STILLHUNT_CACHE": "The folder for compiled loops that were not shipped (default: in the user's cache folder). Can be deleted.",
    "STILLHUNT_CONFIG": "The configuration file, instead of stillhunt/config.toml in the user's configuration folder.",
    "STILLHUNT_ANALYST": "Who works on cases: the name that is recorded where a command has no --by.",
}
"""Name -> what it does. A test compares this list with the source and with the documentation."""


def debugging() -> bool:
    """Whether tracebacks are wanted."""
    return bool(os.environ.get("STILLHUNT_DEBUG"))


def analyst() -> str | None:
    """The name of who works on cases, where the environment says it."""
    return os.environ.get("STILLHUNT_ANALYST") or None
