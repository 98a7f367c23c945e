"""A look at how a log would be read: a few of its records, field by field, and what is missing in them. Nothing is kept.

May import: errors, records, channels (their needs only) and its neighbours in intake.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from stillhunt.channels import channels
from stillhunt.errors import BadRow
from stillhunt.intake.envelopes import Whole
from stillhunt.intake.formats import Context, Format, Row
from stillhunt.intake.formats.values import json_text
from stillhunt.intake.framing import blocks, records
from stillhunt.intake.opening import Opened, open_source
from stillhunt.intake.registry import by_name, guess, source_of, unknown
from stillhunt.intake.rows import Batch, read_record
from stillhunt.records import CANONICAL_ACCOUNTS, CANONICAL_INTERACTIONS, TURN

MAX_RECORDS = 1_000
SHOWN = 3
_BLOCK_BYTES = 1 << 20
_HEAD_BYTES = 32 << 20  # of a large log, so much is looked at

_CREDENTIALS = re.compile(
    r"\b(?:sk|pk|rk|ghp|gho|xox[abp]|glpat|hf|AIza|AKIA|ASIA)[-_]?[A-Za-z0-9_-]{12,}"
    r"|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?"
    r"|(?i:\b(?:bearer|basic)\s+)[A-Za-z0-9+/=._~-]{8,}"
    r"|(?i:\b(?:api[-_ ]?key|password|passwd|secret|token)[\"']?\s*[:=]\s*[\"']?)[^\s\"',;]{6,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*(?:-----END [A-Z ]*PRIVATE KEY-----)?"
)


@dataclass
class Tried:
    """What a look at a log's beginning showed.

    Attributes:
        title: the format that was taken.
        records: how many records were looked at.
        calls: how many of them are calls.
        ignored: how many are of another kind.
        unknown: how many are calls of callers whom the gateway did not know.
        refused: how many could not be read, by reason.
        left_out: how many fields could not be read and were left out, by reason.
        shown: the first calls, canonical column -> value as text, credentials blanked; times in UTC.
        missing: canonical columns that no record filled.
        blind: channels that find none of what they need -> the columns that they need.
    """

    title: str
    records: int = 0
    calls: int = 0
    ignored: int = 0
    unknown: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    shown: list[dict[str, str]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    blind: dict[str, list[str]] = field(default_factory=dict)


def attempt(path: Path, name: str | None = None) -> Tried:
    """Read the beginning of a log, as the format called `name` or as the one that is guessed.

    Raises:
        InputError: it is no log, or of no format that is known.
    """
    opened = open_source(path)
    form = by_name(name) if name is not None else guess(opened.sample)[0]
    if form is None:
        raise unknown(str(path))
    tried = Tried(source_of(form))
    context = Context(base=str(path.parent), keep_text=True)
    if form.two_pass:
        for record in beginning(opened, getattr(form, "takes", None)):
            if isinstance(record, dict):
                _index(form, record, context)
    filled: set[str] = set()
    for record in beginning(opened, getattr(form, "takes", None)):
        tried.records += 1
        for table, row in _rows(form, record, context, tried):
            told = _canonical(table, row)
            filled |= told.keys()
            if table == "interactions":
                tried.calls += 1
                if len(tried.shown) < SHOWN:
                    tried.shown.append({column: _shown(column, value) for column, value in told.items()})
    names = dict.fromkeys([*CANONICAL_INTERACTIONS.names, *CANONICAL_ACCOUNTS.names])
    tried.missing = [column for column in names if column not in filled]
    tried.blind = _blind(filled)
    return tried


def beginning(opened: Opened, whole: Whole | None = None) -> Iterator[dict[str, Any] | BadRow]:
    """The first records of a source, `MAX_RECORDS` at most."""
    plain = opened.framing == "lines" and not opened.compression and not opened.parts
    source = replace(opened, size=min(opened.size, _HEAD_BYTES)) if plain else opened
    found = (record for block in blocks(source, block_bytes=_BLOCK_BYTES) for _, record, _ in records(block, whole))
    yield from islice(found, MAX_RECORDS)


def _index(form: Format, record: dict[str, Any], context: Context) -> None:
    try:
        form.index(record, context)
    except Exception:
        return  # reading it says what is wrong


def _rows(form: Format, record: dict[str, Any] | BadRow, context: Context, tried: Tried) -> list[tuple[str, Row]]:
    batch, refused = Batch(), dict[int, str]()
    found = read_record(record, 0, form, context, batch, refused)
    tried.ignored += batch.ignored
    tried.unknown += batch.unknown
    tried.left_out.update(batch.left_out)
    tried.refused.update(refused.values())
    return found


def _canonical(table: str, row: Row) -> dict[str, Any]:
    """A row under the names of the canonical tables, without what is not there."""
    names = CANONICAL_INTERACTIONS.names if table == "interactions" else CANONICAL_ACCOUNTS.names
    told = dict(row)
    if told.get("transcript") is not None:
        told["messages"] = told["transcript"]
    return {column: told[column] for column in names if told.get(column) is not None}


def _shown(column: str, value: Any) -> str:
    if column in ("started_at", "ended_at", "created_at", "closed_at") and type(value) is int:
        return datetime.fromtimestamp(value / 1e6, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    text = value if isinstance(value, str) else json_text(value)
    if column == "messages":
        names = {"u": "user", "a": "assistant", "t": "tool"}
        text = " | ".join(f"{names.get(turn[:1], 'other')}: {turn[1:]}" for turn in text.split(TURN) if turn)
    return redacted(text)


def redacted(text: str) -> str:
    """`text` with what looks like a credential blanked."""
    return _CREDENTIALS.sub("[credential]", text)


_MADE_OF = {
    **dict.fromkeys(("sketch", "prompt_hash", "prompt_chars"), ("messages",)),
    **dict.fromkeys(("email_shape", "email_domain"), ("email",)),
    "client_shape": ("client_headers", "user_agent"),
    "client_prefix": ("client_ip",),
    "signup_prefix": ("signup_ip",),
    "parameters_hash": ("request_parameters",),
}
"""Column of the lake -> the canonical columns, any of which it is made of; others are what they are called."""
_ELSEWHERE = frozenset({"network_kind"})
"""What no log brings."""


def _blind(filled: set[str]) -> dict[str, list[str]]:
    """Channels of which no aspect finds what it needs, and the columns that would open their eyes."""
    found: dict[str, list[str]] = {}
    for channel in channels():
        lacking = [
            {" or ".join(made_of) for name in names if not filled.intersection(made_of := _MADE_OF.get(name, (name,)))}
            for names in ({name for columns in aspect.needs.values() for name in columns} - _ELSEWHERE for aspect in channel.aspects)
        ]
        if lacking and all(lacking):
            found[channel.name] = sorted(set().union(*lacking))
    return found
