"""`stillhunt range`: worlds with known truth, to drill in and to measure on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from stillhunt.cases import scans
from stillhunt.cases.wording import count
from stillhunt.cli.arguments import WorkersOption, parse_time
from stillhunt.cli.terminal import Json, emit, progress, results
from stillhunt.errors import InputError

if TYPE_CHECKING:
    from stillhunt.range import World

app = typer.Typer(help="Worlds with known truth, to drill in and to measure on.", no_args_is_help=True)


@app.command()
def make(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A folder that does not exist yet or is empty.", show_default=False)],
    shape: Annotated[
        str, typer.Option("--shape", metavar="NAME", help="The operator's shape (letter, few-and-heavy, …) or step of effort (L0 to L5).")
    ] = "letter",
    hidden: Annotated[int, typer.Option("--hidden", min=0, help="The operator's accounts; 0 for a world where nobody hides.")] = 150,
    accounts: Annotated[int, typer.Option("--accounts", min=1, help="Accounts of people and innocent twins.")] = 10_000,
    calls: Annotated[int, typer.Option("--calls", min=1, help="About how many calls these make.")] = 400_000,
    days: Annotated[int, typer.Option("--days", min=1, help="Days that the logs span.")] = 14,
    seed: Annotated[int, typer.Option("--seed", help="The same seed makes the same bytes.")] = 1,
    machinery: Annotated[
        str, typer.Option("--machinery", help="shared: few cards and subnets; separate: all different. Left out: the shape's own.")
    ] = "",
    populations: Annotated[str, typer.Option("--populations", help="all, people, or names separated by commas.")] = "all",
    format_: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="NAME",
            help="The format that the logs are written in; fingerprints: a lake instead of logs, for a hundred million calls.",
        ),
    ] = "litellm",
    texts: Annotated[
        Path | None, typer.Option("--texts", metavar="DIR", help="A folder of texts to use instead of the built-in ones.")
    ] = None,
    until: Annotated[
        str | None,
        typer.Option("--until", metavar="TIME", help="With --format fingerprints: write what happens before TIME; `range extend` goes on."),
    ] = None,
    workers: WorkersOption = None,
    json: Json = False,
) -> None:
    """Make a world: simulated logs of people, innocent twins and one operator, with the truth beside them."""
    from stillhunt import range as drill

    if machinery not in {"", "shared", "separate"}:
        raise InputError(f"--machinery {machinery}: choose shared or separate")
    known = {**drill.PRESETS, **drill.LADDER}
    if shape not in known:
        raise InputError(f"--shape {shape}: no such shape; choose one of {', '.join(known)}")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out}: exists and is not an empty folder; choose another place")
    if until is not None and format_ != drill.FINGERPRINTS:
        raise InputError("--until: only worlds that are made with --format fingerprints are written up to a moment")
    chosen: str | tuple[str, ...] = populations if populations in {"all", "people"} else tuple(populations.split(","))
    operator = replace(known[shape], accounts=hidden)
    if machinery:
        operator = replace(operator, machinery=machinery, addresses=None, cards=None)
    spec = drill.WorldSpec(
        seed=seed,
        days=days,
        accounts=accounts,
        calls=calls,
        populations=chosen,
        operators=(operator,) if hidden else (),
        texts=texts,
        format=format_,
    )
    with progress() as step:

        def tell(done: int, total: int) -> None:
            step("making", f"making a world, {count(done, 'call')}", done, total)

        if format_ == drill.FINGERPRINTS:
            from stillhunt.range import scale

            world = scale.make(spec, out, tell, until=parse_time(until, "--until") if until else None, workers=workers)
        else:
            world = drill.make(spec, out, tell)
    _show(world, "lake" if format_ == drill.FINGERPRINTS else "provider", json=json)


@app.command()
def extend(
    world: Annotated[
        Path, typer.Argument(metavar="WORLD", help="A world that was made with --format fingerprints and --until.", show_default=False)
    ],
    until: Annotated[str | None, typer.Option("--until", metavar="TIME", help="Go on to TIME; to the world's end if left out.")] = None,
    workers: WorkersOption = None,
    json: Json = False,
) -> None:
    """Add to a world what happens next: the calls up to a moment, as one commit to its lake."""
    from stillhunt.range import scale

    with progress() as step:
        made = scale.go_on(
            world,
            lambda done, total: step("making", f"going on, {count(done, 'call')}", done, total),
            until=parse_time(until, "--until") if until else None,
            workers=workers,
        )
    _show(made, "lake", json=json)


def _show(world: World, part: str, *, json: bool) -> None:
    """What was made, and where."""
    if json:
        emit(
            {
                "folder": str(world.folder),
                "accounts": world.accounts,
                "calls": world.calls,
                "hidden_accounts": world.hidden_accounts,
                "hidden_calls": world.hidden_calls,
                "populations": world.populations,
                "missing_texts": list(world.missing),
            }
        )
        return
    console = results()
    console.print(Text(f"{count(world.calls, 'call')} of {count(world.accounts, 'account')} in {world.folder}/{part}."))
    console.print(Text(f"Of these, {count(world.hidden_accounts, 'account')} with {count(world.hidden_calls, 'call')} are one operator's."))
    flag = "--lake " if part == "lake" else ""
    console.print(Text(f"The truth is in {world.folder}/truth. Next: stillhunt scan {flag}{world.folder}/{part}", style="dim"))


@app.command()
def score(
    findings: Annotated[Path, typer.Argument(metavar="FINDINGS", help="A findings.json that a scan wrote.", show_default=False)],
    truth: Annotated[Path, typer.Argument(metavar="TRUTH", help="The world's truth.parquet, or the world's folder.", show_default=False)],
    json: Json = False,
) -> None:
    """Score findings against a world's truth: precision, recall and who was named wrongly."""
    from stillhunt.range import score as scoring

    read = scans.read(findings)
    result = scoring.score(read.to_json(), scoring.Truth.read(_truth_file(truth)))
    if json:
        emit(result.to_json())
        return
    scoring.show(result, results())


def _truth_file(given: Path) -> Path:
    for candidate in (given, given / "truth" / "truth.parquet", given / "truth.parquet"):
        if candidate.is_file():
            return candidate
    raise InputError(f"{given}: no truth there; give a world's folder or its truth/truth.parquet")


@app.command()
def ladder(
    wanted: Annotated[str, typer.Option("--steps", metavar="NAMES", help="ladder, shapes, all, or names separated by commas.")] = "ladder",
    seeds: Annotated[str, typer.Option("--seeds", metavar="N,N", help="Seeds of the worlds.")] = "21,22,23,24,25",
    accounts: Annotated[int, typer.Option("--accounts", min=1, help="Accounts of people and innocent twins.")] = 20_000,
    calls: Annotated[int, typer.Option("--calls", min=1, help="About how many calls these make in 17 days.")] = 500_000,
    hidden: Annotated[int, typer.Option("--hidden", min=8, help="The operator's accounts; at most so many for shapes.")] = 250,
    texts: Annotated[
        Path | None, typer.Option("--texts", metavar="DIR", help="A folder of texts to use instead of the built-in ones.")
    ] = None,
    format_: Annotated[str, typer.Option("--format", metavar="NAME", help="The format that the logs are written in.")] = "litellm",
    without: Annotated[
        str | None,
        typer.Option("--without", metavar="FAMILIES", help="Take away each of these families of columns in turn: all, or payment,text,…"),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option("--resume", metavar="DIR", help="Keep results and worlds here, and do not repeat those that are here already."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="DIR", help="Where the page goes (default: docs/benchmarks in a checkout, else here)."),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="One small world: shows that it runs and says little. Page only with --output.")
    ] = False,
    workers: WorkersOption = None,
    json: Json = False,
) -> None:
    """Measure how much of an operator's effort detection survives, step by step, and write a page with pictures."""
    from stillhunt.range.ladder import command

    request = command.Request(
        steps=wanted,
        seeds=seeds,
        accounts=accounts,
        calls=calls,
        hidden=hidden,
        texts=texts,
        format=format_,
        without=without,
        resume=resume,
        output=output,
        quick=quick,
        workers=workers,
    )
    console = results()
    with progress() as step:
        outcome = command.climb(request, lambda said, done, total: step("ladder", said, done, total))
    if json:
        emit(outcome.to_json())
        return
    console.print(command.table(outcome))
    for path in outcome.pages:
        console.print(Text(f"Page: {path}", style="dim"))
