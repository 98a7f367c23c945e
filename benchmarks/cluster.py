"""What a billion calls a day take: nodes, hours and cost, from assumptions that stand in one place.

`python benchmarks/cluster.py` prints the tables of docs/scale.md; `--set NAME=VALUE` changes an assumption. What was measured says so, the
rest is for the reader to replace.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, fields, replace
from typing import Annotated, get_type_hints

HOUR, DAY = 3_600.0, 86_400.0


@dataclass(frozen=True)
class Assumptions:
    """Everything that the tables are computed from."""

    calls: Annotated[float, "calls a day"] = 1e9
    accounts: Annotated[float, "accounts that call within the days in view"] = 10e6
    days: Annotated[float, "days in view"] = 45
    log: Annotated[float, "bytes of a call in the raw log, text included (measured on a world with real texts)"] = 7_500
    lake: Annotated[float, "bytes of a call in the lake (the bar)"] = 150
    reading: Annotated[float, "processor seconds to read and fingerprint a gigabyte of logs on Spark (measured)"] = 28
    here: Annotated[float, "... without Spark (measured)"] = 6
    by_account: Annotated[float, "bytes of a call that move to where its account is gathered (measured)"] = 155
    by_request: Annotated[float, "bytes of a call that move to where its request is gathered (measured)"] = 44
    digest: Annotated[float, "bytes of an account's digest (measured, less the times of its calls)"] = 4_700
    time: Annotated[float, "bytes of a call whose account and time a scan holds"] = 12
    folding: Annotated[float, "processor seconds to fold a million calls on Spark, both passes (measured)"] = 20.1
    folding_here: Annotated[float, "... without Spark (measured)"] = 7.1
    cores: Annotated[float, "cores of a node"] = 16
    busy: Annotated[float, "share of the time in which cores do this work and do not wait"] = 0.5
    network: Annotated[float, "bytes a second into or out of a node"] = 1.25e9
    core_hour: Annotated[float, "price of a core for an hour"] = 0.05
    store_month: Annotated[float, "price of a gigabyte in an object store for a month"] = 0.023


@dataclass(frozen=True)
class Step:
    """One piece of work. `core_hours` are of cores that work; waiting comes on top."""

    what: str
    core_hours: float
    moved: float  # bytes between nodes
    hours: float  # of wall time that it may take


def held(given: Assumptions) -> float:
    """Bytes that a scan holds where it runs: digests of accounts, and when each call was whose."""
    return given.accounts * given.digest + given.calls * given.days * given.time


def steps(given: Assumptions) -> list[Step]:
    """What has to be done, and in which time."""
    a = given
    seen = a.calls * a.days
    return [
        Step("read and fingerprint a day of logs on Spark", a.calls * a.log / 1e9 * a.reading / HOUR, 0.0, 24.0),
        Step("the same with `stillhunt ingest` at the gateways", a.calls * a.log / 1e9 * a.here / HOUR, 0.0, 24.0),
        Step(
            f"scan all {a.days:.0f} days on Spark, once a day",
            seen / 1e6 * a.folding / HOUR,
            seen * (a.by_account + a.by_request) + held(a),
            6.0,
        ),
        Step(f"the first scan of all {a.days:.0f} days on one machine", seen / 1e6 * a.folding_here / HOUR, 0.0, 24.0),
        Step("fold one more day on one machine, as scans go on", a.calls / 1e6 * a.folding_here / HOUR, 0.0, 24.0),
    ]


def nodes(step: Step, given: Assumptions) -> float:
    """How many nodes do a step in its hours: what cores need, or what the network needs if that is more."""
    computing = step.core_hours / (step.hours * given.cores * given.busy)
    moving = step.moved / (step.hours * HOUR * given.network * given.busy)
    return max(computing, moving)


def tables(given: Assumptions) -> str:
    """The page's tables."""
    hints = get_type_hints(Assumptions, include_extras=True)
    rows = ["| assumption | `--set` | value |", "|---|---|---:|"]
    rows += [f"| {hints[f.name].__metadata__[0]} | `{f.name}` | {getattr(given, f.name):,.10g} |" for f in fields(given)]
    rows += ["", "| step | core hours | between nodes | within | nodes | cost |", "|---|---:|---:|---:|---:|---:|"]
    for step in steps(given):
        cost = step.core_hours / given.busy * given.core_hour
        moved = f"{step.moved / 1e12:,.2f} TB" if step.moved else "nothing"
        rows.append(f"| {step.what} | {step.core_hours:,.1f} | {moved} | {step.hours:.0f} h | {nodes(step, given):,.2f} | {cost:,.2f} |")
    kept = given.calls * given.days * given.lake
    rows += [
        "",
        "| kept | size | cost a month |",
        "|---|---:|---:|",
        f"| the lake, {given.days:.0f} days | {kept / 1e12:,.2f} TB | {kept / 1e9 * given.store_month:,.0f} |",
        f"| what a scan holds where it runs: digests | {given.accounts * given.digest / 1e9:,.0f} GB | |",
        f"| ... and whose each call was, and when | {(held(given) - given.accounts * given.digest) / 1e9:,.0f} GB | |",
    ]
    return "\n".join(rows)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="change an assumption")
    given = Assumptions()
    known = {f.name for f in fields(Assumptions)}
    for change in parser.parse_args().set:
        name, _, value = change.partition("=")
        if name not in known:
            parser.error(f"--set {change}: no assumption {name!r}; choose from {', '.join(sorted(known))}")
        try:
            given = replace(given, **{name: float(value)})
        except ValueError:
            parser.error(f"--set {change}: a number was expected after '='")
    print(tables(given))


if __name__ == "__main__":
    main()
