"""`stillhunt pools`: accounts that act as one, in any table of accounts, channels, values and times."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from stillhunt.cases.wording import count, visible
from stillhunt.cli.terminal import Json, emit, results
from stillhunt.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

    from stillhunt.pools.gathering import Gathered, Kind

MOST_SHOWN = 20
NEEDED = ("account", "channel", "value")


def pools(
    table: Annotated[
        Path,
        typer.Argument(metavar="TABLE", help="Parquet or JSON lines with the columns account, channel, value and (optional) time."),
    ],
    tie: Annotated[
        list[str] | None,
        typer.Option("--tie", metavar="CHANNEL", help="What two accounts do with each other: one in common links them. May be repeated."),
    ] = None,
    measure: Annotated[
        list[str] | None,
        typer.Option("--measure", metavar="CHANNEL", help="A number: how an account behaves. May be repeated."),
    ] = None,
    within: Annotated[
        float | None,
        typer.Option("--within", min=0.0, metavar="SECONDS", help="Values count as shared only this close in time (default: at any time)."),
    ] = None,
    rate: Annotated[
        float, typer.Option("--false-discovery-rate", min=1e-9, max=0.5, metavar="R", help="Share of the links that may be chance.")
    ] = 0.01,
    json: Json = False,
) -> None:
    """Find accounts that act as one in any table of accounts, channels, values and times. A pool is coordination, not guilt."""
    from stillhunt.pools.gathering import gather

    observations = read_observations(table)
    there = {str(channel) for channel in observations["channel"].unique().to_pylist()}
    kinds: dict[str, Kind] = {}
    for option, named, kind in (("--tie", tie, "tie"), ("--measure", measure, "measure")):
        for channel in named or []:
            if channel not in there:
                raise InputError(f"{option} {channel}: {table} has no such channel; it has {', '.join(sorted(there)[:10]) or 'none'}")
            if channel in kinds:
                raise InputError(f"{option} {channel}: a channel is either a tie or a measure")
            kinds[channel] = "tie" if kind == "tie" else "measure"
    try:
        found = gather(observations, kinds, within, rate)
    except ValueError as error:
        raise InputError(f"{table}: {error}; leave out --measure for it, or correct the table") from error
    if json:
        emit(document(found))
    else:
        _show(found)


def read_observations(path: Path) -> pa.Table:
    """The table's columns as account_id, channel, value and first_at.

    Raises:
        InputError: it cannot be read, a column is missing, or a row is not what it should be.
    """
    import pyarrow as pa

    if not path.is_file():
        raise InputError(f"{path}: no such file; name a Parquet or JSON lines table with the columns {', '.join(NEEDED)} and time")
    table = _parquet(path) if _is_parquet(path) else _lines(path)
    missing = [name for name in NEEDED if name not in table.column_names]
    if missing:
        raise InputError(f"{path}: no column {missing[0]}; a table has the columns {', '.join(NEEDED)} and, if known, time")
    columns: dict[str, Any] = {}
    for name, called in zip(NEEDED, ("account_id", "channel", "value"), strict=True):
        try:
            columns[called] = table[name].cast(pa.string())
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            raise InputError(f"{path}: column {name} holds {table[name].type}; text or numbers were expected") from None
        if columns[called].null_count:
            raise InputError(f"{path}: column {name} has empty cells; leave such rows out")
    columns["first_at"] = _times(table["time"], path) if "time" in table.column_names else pa.nulls(table.num_rows, pa.timestamp("us"))
    return pa.table(columns)


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"PAR1"


def _parquet(path: Path) -> pa.Table:
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

    try:
        with ParquetFile(path) as file:
            return file.read(columns=[name for name in file.schema_arrow.names if name in {*NEEDED, "time"}])
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path}: begins like Parquet and cannot be read as such ({type(error).__name__}); write it again") from error


def _lines(path: Path) -> pa.Table:
    import orjson
    import pyarrow as pa

    columns: dict[str, list[Any]] = {name: [] for name in (*NEEDED, "time")}
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = orjson.loads(line)
            except orjson.JSONDecodeError:
                raise InputError(f"{path}, line {number}: not JSON; write one object a line, or give Parquet") from None
            if not isinstance(row, dict):
                raise InputError(f"{path}, line {number}: an object with the columns {', '.join(NEEDED)} and time was expected")
            for name in NEEDED:
                value = row.get(name)
                if isinstance(value, bool) or not isinstance(value, (str, int, float)):
                    raise InputError(f"{path}, line {number}: {name}: text or a number was expected")
                columns[name].append(value if isinstance(value, str) else repr(value))
            columns["time"].append(row.get("time"))
    try:
        return pa.table(columns)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        raise InputError(f"{path}: time: write it the same way in all lines, as 2026-05-01T12:00:00Z or as seconds since 1970") from None


def _times(column: pa.ChunkedArray[Any], path: Path) -> pa.ChunkedArray[Any]:
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        if pa.types.is_null(column.type) or pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
            return column.cast(pa.timestamp("us"), safe=False)
        if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
            return pc.multiply(column.cast(pa.float64()), 1e6).cast(pa.int64(), safe=False).cast(pa.timestamp("us"))
        return column.cast(pa.string()).cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us"))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise InputError(f"{path}: column time holds what is no time; write 2026-05-01T12:00:00Z or seconds since 1970") from None


def explanation(member: dict[str, Any]) -> str:
    """Why an account is in its pool, in one clause."""
    others, expected = count(member["others"], "account"), f"{member['expected']:.2g} expected by chance"
    if member["because"] == "links":
        return f"has {count(member['shares'], 'value')} in common with {others}; {expected}"
    if member["because"] == "burst":
        return f"began with {others} that do alike; {expected}"
    return f"has nothing but what {others} have alone; {expected}"


def document(found: Gathered) -> dict[str, Any]:
    """Pools with their accounts, the links under them, and what was not looked at."""
    grouped: dict[str, dict[str, Any]] = {}
    for member in found.members.to_pylist():
        pool = grouped.setdefault(member["pool"], {"pool_id": member["pool"], "because": member["because"], "accounts": []})
        pool["accounts"].append(
            {
                "account_id": member["account"],
                "membership": round(member["membership"], 4),
                "others": member["others"],
                "expected": member["expected"],
                "explanation": explanation(member),
            }
        )
    return {
        "accounts": found.accounts.num_rows,
        "pools": list(grouped.values()),
        "links": found.links.to_pylist(),
        "notes": found.notes,
    }


def _show(found: Gathered) -> None:
    console = results()
    told = document(found)
    inside = sum(len(pool["accounts"]) for pool in told["pools"])
    headline = f"{count(len(told['pools']), 'pool')} of {inside:,} of {count(told['accounts'], 'account')}"
    console.print(Text(f"{headline}; {count(len(told['links']), 'link')}", style="bold"))
    if told["pools"]:
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column("pool", no_wrap=True)
        table.add_column("accounts", justify="right")
        table.add_column("because")
        table.add_column("for example")
        for pool in told["pools"][:MOST_SHOWN]:
            surest = max(pool["accounts"], key=lambda account: (account["membership"], account["others"]))
            said = f"{visible(surest['account_id'], 40)} {surest['explanation']}"
            table.add_row(pool["pool_id"], f"{len(pool['accounts']):,}", pool["because"], Text(said))
        console.print(table)
    if len(told["pools"]) > MOST_SHOWN:
        console.print(Text(f"and {len(told['pools']) - MOST_SHOWN:,} more: --json lists all", style="dim"))
    for note in told["notes"]:
        console.print(Text(visible(note, 400), style="dim"))
    console.print(Text("A pool is coordination, not guilt: a household, a shop and a firm act as one, too.", style="dim"))
