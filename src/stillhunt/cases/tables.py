"""Findings as flat tables, for spreadsheets, notebooks and warehouses.

In: `records.Findings`. Out: Arrow tables, and files of them. May import: records, errors, cases.wording, cases.scans.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from stillhunt.cases.scans import write_private
from stillhunt.errors import InputError
from stillhunt.records import Findings

Rows = Iterable[tuple[Any, ...]]
_TEXT: pa.DataType = pa.string()
_NUMBER: pa.DataType = pa.int64()
_SHARE: pa.DataType = pa.float64()


def _texts(*names: str) -> list[tuple[str, pa.DataType]]:
    return [(name, _TEXT) for name in names]


_SCHEMAS: Final[dict[str, pa.Schema]] = {
    "accounts": pa.schema(
        [
            *_texts("account_id", "group", "group_id"),
            ("membership", _SHARE),
            ("calls", _NUMBER),
            *_texts("first_seen", "last_seen", "why_not_a_campaign"),
        ]
    ),
    "observations": pa.schema([*_texts("campaign_id", "account_id", "channel", "value"), ("bits", _SHARE)]),
    "groups": pa.schema(
        [
            *_texts("group", "group_id"),
            *((name, _NUMBER) for name in ("accounts", "calls", "output_tokens")),
            *_texts("first_seen", "last_seen"),
            *((f"log10_{name}", _SHARE) for name in ("coordination", "concealment", "harvest")),
            *_texts("why_not_a_campaign"),
        ]
    ),
}
TABLES: Final = tuple(_SCHEMAS)
"""accounts: one row for each account of a campaign or pool. observations: one for each observation of a named account.
groups: one for each campaign or pool."""


def table(findings: Findings, name: str) -> pa.Table:
    """One of `TABLES` as Arrow; columns as in `findings.json`, null where a kind of group has none."""
    rows = list(_ROWS[name](findings))
    schema = _SCHEMAS[name]
    columns = zip(*rows, strict=True) if rows else [()] * len(schema)
    return pa.Table.from_arrays([pa.array(values, column.type) for values, column in zip(columns, schema, strict=True)], schema=schema)


def write_table(found: pa.Table, file: Path) -> None:
    """Write a table to `file`, readable by its owner alone, as its suffix says.

    CSV: UTF-8 with a header, as RFC 4180 has it. A text that a spreadsheet would take for a formula gets an apostrophe in front.

    Raises:
        InputError: the suffix is neither .csv nor .parquet, or the file cannot be written.
    """
    suffix = file.suffix.lower()
    if suffix == ".parquet":
        sink = pa.BufferOutputStream()
        pq.write_table(found, sink, compression="zstd")
        write_private(file, sink.getvalue().to_pybytes())
    elif suffix == ".csv":
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(found.column_names)
        for row in zip(*(column.to_pylist() for column in found.columns), strict=True):
            writer.writerow([_cell(value) for value in row])
        write_private(file, text.getvalue().encode("utf-8", "replace"))
    else:
        raise InputError(f"{file}: the suffix says how to write it, and this one does not; name it .csv or .parquet")


def _cell(value: Any) -> Any:
    # Whoever opens an account may choose its id, and whoever opens the file may use a spreadsheet.
    return f"'{value}" if isinstance(value, str) and value[:1] in {"=", "+", "-", "@", "\t", "\r"} else value


def _accounts(findings: Findings) -> Rows:
    for campaign in findings.campaigns:
        for one in campaign.accounts:
            yield one.account_id, "campaign", campaign.campaign_id, one.membership, one.calls, one.first_seen, one.last_seen, None
    for pool in findings.pools:
        for account in pool.accounts:
            yield account, "pool", pool.pool_id, None, None, None, None, pool.why_not_a_campaign


def _observations(findings: Findings) -> Rows:
    for campaign in findings.campaigns:
        for one in campaign.accounts:
            for seen in one.observations:
                yield campaign.campaign_id, one.account_id, seen.channel, seen.value, seen.bits


def _groups(findings: Findings) -> Rows:
    for one in findings.campaigns:
        axes = (one.coordination.log10_evidence, one.concealment.log10_evidence, one.harvest.log10_evidence)
        yield (
            *("campaign", one.campaign_id, len(one.accounts), one.calls, one.output_tokens, one.first_seen, one.last_seen),
            *axes,
            None,
        )
    for pool in findings.pools:
        weights = [None if axis is None else axis.log10_evidence for axis in (pool.coordination, pool.concealment, pool.harvest)]
        yield ("pool", pool.pool_id, len(pool.accounts), None, None, None, None, *weights, pool.why_not_a_campaign)


_ROWS: Final[dict[str, Callable[[Findings], Rows]]] = {"accounts": _accounts, "observations": _observations, "groups": _groups}
