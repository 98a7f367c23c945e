"""The page: Markdown with two pictures, written from results and nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from stillhunt.errors import InputError
from stillhunt.range.ladder import pictures
from stillhunt.range.ladder.measuring import MEANS
from stillhunt.range.ladder.results import FILE, Result
from stillhunt.range.ladder.steps import Bar, Step
from stillhunt.range.ladder.sums import Sum, summed
from stillhunt.range.ladder.worlds import FAMILIES
from stillhunt.range.score import Rate

PAGE = "ladder.md"
RECALL = "ladder-recall.svg"
CALLS = "ladder-calls.svg"

ASKED_SEEDS = 5
ASKED_HIDDEN = 250
ASKED_ACCOUNTS = 20_000
"""What the bars are meant for; a page from less says so."""

_INTRODUCTION = f"""# The ladder

Written by `stillhunt range ladder` from [{FILE}]({FILE}); not edited by hand. Worlds are simulated: the figures say how the
product does on worlds of the range, not how it does against anybody in particular. All steps of one seed stand in one world:
the unrelated accounts and every one of their calls are the same, only the operator differs.
"""
_READING = f"""A bar is met if the counted share meets it; intervals are exact 95 % intervals of that count (Clopper and Pearson 1934).
Recall and false discoveries are those of one scan at the end. For the calls when first named, the past is scanned as it was
when hidden accounts had made {", ".join(f"{mean:,}" for mean in MEANS[:-1])} and {MEANS[-1]:,} calls
on average (where a step has a bar, only from a quarter of it to four times it), until all that the last scan names
(or 95 % of the hidden accounts) are named; the rest then counts as named by the last scan. Where that names nobody, or a step
has a bar that asks for no number of calls, the past is not scanned. What counts is how many calls an account had made at the
first scan that named it, ordinary ones and failures included; an account that no scan names counts as infinitely many.
“All scans” adds up the false discoveries of the last scan and of those of the past.
"""
_FAMILY_WORDS = {
    "payment": "no card tokens",
    "accounts": "no accounts table at all",
    "addresses": "no addresses, neither of calls nor of sign-ups",
    "client": "no user agent, headers, TLS fingerprint or request parameters",
    "text": "nothing that is computed from prompts and answers",
    "status": "no outcome of calls, so that nothing is seen handed over",
}
_PRICES: dict[str, tuple[str, Callable[[float], str]]] = {
    "accounts": ("accounts", lambda value: f"{value:,.0f}"),
    "cards": ("cards", lambda value: f"{value:,.0f}"),
    "networks": ("networks (/24, /48)", lambda value: f"{value:,.0f}"),
    "client_shapes": ("client shapes", lambda value: f"{value:,.0f}"),
    "lead_days": ("first sign-up before the work, days", lambda value: f"{value:,.0f}"),
    "median_age_days": ("median age of accounts then, days", lambda value: f"{value:,.0f}"),
    "harvest_calls": ("harvest calls", lambda value: f"{value:,.0f}"),
    "extra_calls_per_harvest_call": ("repeated and cover calls per harvest call", lambda value: f"{value:.2f}"),
    "customer_calls": ("customers' calls through them", lambda value: f"{value:,.0f}"),
}


def write(results: Sequence[Result], known: Mapping[str, Step], output: Path) -> Path:
    """Write page and pictures into the folder `output`; returns the page's path.

    Raises:
        InputError: the folder cannot be written.
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
        for name, text in documents(results, known).items():
            (output / name).write_text(text, "utf-8")
    except OSError as error:
        raise InputError(f"{output}: the page cannot be written here ({error.strerror}); name another folder with --output") from error
    return output / PAGE


def documents(results: Sequence[Result], known: Mapping[str, Step]) -> dict[str, str]:
    """File name -> text: the page, and the pictures where there is something to draw."""
    order = {name: at for at, name in enumerate(known)}
    ordered = sorted((one for one in results if one.step in known), key=lambda one: order[one.step])
    sums = summed(ordered)
    whole = [one for one in sums if one.without is None]
    climb = [one for one in whole if known[one.step].group == "ladder"]
    shapes = [one for one in whole if known[one.step].group == "shape"]
    lacking = [one for one in sums if one.without is not None]
    files: dict[str, str] = {}
    parts = [_INTRODUCTION, _facts(ordered, climb)]
    if climb:
        files |= {RECALL: pictures.recall(climb, {name: step.bar for name, step in known.items()}), CALLS: pictures.calls(climb)}
        parts += ["## Rising effort\n", f"![Account recall by step]({RECALL})\n", _PICTURE, _ladder_table(climb, known), _READING]
        parts += [f"![Hidden accounts named against calls per account]({CALLS})\n", _amiss(climb)]
    if shapes:
        parts += ["## Other shapes\n", _shape_table(shapes, ordered, known), _amiss(shapes)]
    if lacking:
        parts += ["## Missing columns\n", _family_table(lacking, climb)]
    priced = [one for one in ordered if one.price and one.without is None]
    if priced:
        parts += ["## What it costs the operator\n", _price_table(priced)]
    if ordered:
        parts += ["## Time\n", _time_table(ordered)]
    return files | {PAGE: "\n".join(part for part in parts if part).rstrip() + "\n"}


_PICTURE = "Points are counted shares, lines their intervals, upright marks the bars; red is a bar that is missed, grey has none.\n"


def verdict(one: Sum, bar: Bar | None) -> str:
    """Whether the bar is met, and if not, in what. Bars are for logs that have all columns."""
    if bar is None or one.without is not None:
        return "no bar"
    missed = one.missed(bar)
    return f"MISSED: {', '.join(missed)}" if missed else "met"


def share(counted: Rate) -> str:
    """A counted share in words, with its interval."""
    if counted.value is None:
        return "nobody named"
    interval = f"{100 * counted.low:.2f} to {100 * counted.high:.2f} %"
    return f"{100 * counted.value:.2f} % ({counted.hits:,} of {counted.total:,}; {interval})"


def first_named(one: Sum) -> str:
    """Median and 90th percentile of calls when first named; the last scan alone says nothing about that."""
    if not one.replays:
        return "not scanned"
    return ", ".join("not named" if made is None else f"{made:,}" for made in (one.quantile(0.5), one.quantile(0.9)))


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _facts(results: Sequence[Result], climb: Sequence[Sum]) -> str:
    def each(values: Iterable[str]) -> str:
        return "; ".join(dict.fromkeys(values))

    facts = {
        "Date": each(sorted({one.conditions["date"] for one in results})),
        "Machine": each(one.conditions["machine"] for one in results),
        "Versions": each(one.conditions["versions"] for one in results),
        "Seeds": ", ".join(map(str, sorted({one.seed for one in results}))),
        "Worlds": each(
            f"{one.accounts:,} unrelated accounts of people and innocent twins with about {one.calls:,} calls; "
            f"{one.hidden:,} hidden accounts on the ladder; logs as {one.format}"
            for one in results
        ),
        "Texts": each(one.texts for one in results),
    }
    short = []
    if climb and min(len(one.seeds) for one in climb) < ASKED_SEEDS:
        short.append(f"fewer than {ASKED_SEEDS} seeds")
    if any(one.hidden < ASKED_HIDDEN or one.accounts < ASKED_ACCOUNTS for one in results):
        short.append("smaller worlds")
    if any(one.texts != "real texts" for one in results):
        short.append("no real texts")
    if short:
        facts["Caution"] = f"{', '.join(short)}: less than the bars are meant for, so that a verdict says little"
    return "\n".join(f"- **{name}**: {words}" for name, words in facts.items()) + "\n"


def _bar(bar: Bar | None) -> str:
    if bar is None:
        return "none"
    least = f"recall ≥ {100 * bar.recall:g} %, false ≤ {100 * bar.false:g} %"
    return least if bar.calls is None else f"{least}, ≤ {bar.calls} calls"


def _ladder_table(sums: Sequence[Sum], known: Mapping[str, Step]) -> str:
    heads = (
        "step",
        "what the operator does",
        "bar",
        "account recall",
        "false discovery rate",
        "the same, all scans",
        "calls when first named (median, 90th percentile)",
        "",
    )
    rows = [
        (
            one.step,
            known[one.step].what,
            _bar(known[one.step].bar),
            share(one.recall),
            share(one.false),
            share(one.false_ever),
            first_named(one),
            verdict(one, known[one.step].bar),
        )
        for one in sums
    ]
    return _table(heads, rows)


def _amiss(sums: Sequence[Sum]) -> str:
    """Who was named wrongly, and why hidden accounts were not named, step by step."""
    lines = []
    for one in sums:
        if one.wrong_by_population:
            blamed = ", ".join(f"{population} {count:,}" for population, count in one.wrong_by_population.items())
            lines.append(f"- {one.step}: named wrongly by the last scans: {blamed}.")
        if one.overlooked:
            reasons = "; ".join(f"{reason} ({count:,})" for reason, count in one.overlooked.items())
            lines.append(f"- {one.step}: hidden accounts that were not named: {reasons}.")
    return "\n".join(["Who was missed and who was named wrongly:", "", *lines]) + "\n" if lines else ""


def _shape_table(sums: Sequence[Sum], results: Sequence[Result], known: Mapping[str, Step]) -> str:
    hidden = {one.step: one.hidden_accounts for one in results if one.without is None}
    heads = (
        "shape",
        "what the operator does",
        "hidden accounts",
        "account recall",
        "false discovery rate",
        "calls when first named (median, 90th percentile)",
        "campaigns per operator",
        "together or apart",
    )
    rows = [
        (
            one.step,
            known[one.step].what,
            f"{hidden[one.step]:,}",
            share(one.recall),
            share(one.false),
            first_named(one),
            ", ".join(f"{count} ({times} times)" for count, times in sorted(Counter(one.campaigns).items())),
            _relation(one),
        )
        for one in sums
    ]
    return _table(heads, rows)


def _relation(one: Sum) -> str:
    said = []
    if one.apart is not None:
        said.append(f"each named and kept apart in {one.apart.hits} of {one.apart.total} worlds")
    if one.tied is not None:
        said.append(f"replacement tied to the banned pool in {one.tied.hits} of {one.tied.total} worlds")
    return "; ".join(said) or "–"


def _family_table(lacking: Sequence[Sum], climb: Sequence[Sum]) -> str:
    found = {(one.step, one.without): one for one in lacking}
    whole = {one.step: one for one in climb}
    names = list(dict.fromkeys(one.step for one in lacking))
    families = [family for family in FAMILIES if any(one.without == family for one in lacking)]

    def cell(one: Sum | None) -> str:
        if one is None:
            return "not measured"
        false = "nobody named" if one.false.value is None else f"{100 * one.false.value:.2f} %"
        return f"{100 * (one.recall.value or 0.0):.2f} %; {false}"

    rows = [("nothing", *(cell(whole.get(name)) for name in names))]
    rows += [(f"{family}: {_FAMILY_WORDS[family]}", *(cell(found.get((name, family))) for name in names)) for family in families]
    words = "Account recall and false discovery rate of the last scan, when a provider's logs lack a family of columns.\n"
    seeds = sorted({len(one.seeds) for one in lacking})
    words += f"Seeds per figure: {', '.join(map(str, seeds))}.\n"
    return f"{words}\n{_table(('lacking', *names), rows)}"


def _price_table(results: Sequence[Result]) -> str:
    groups: dict[str, list[Result]] = {}
    for one in results:
        groups.setdefault(one.step, []).append(one)
    rows = []
    for step, group in groups.items():
        mean = {name: sum(one.price.get(name, 0.0) for one in group) / len(group) for name in _PRICES}
        rows.append((step, *(words(mean[name]) for name, (_, words) in _PRICES.items())))
    words = "Counted from what the operator does, mean over seeds: the price of not being found is the defence.\n"
    return f"{words}\n{_table(('step', *(head for head, _ in _PRICES.values())), rows)}"


def _time_table(results: Sequence[Result]) -> str:
    rows = []
    for (step, lacks), group in _grouped(results).items():
        mean = {stage: sum(one.seconds.get(stage, 0.0) for one in group) / len(group) for stage in ("operator", "lake", "scan", "replays")}
        calls = sum(one.world_calls for one in group) / len(group)
        past = sum(len(one.replays) for one in group) / len(group)
        rows.append(
            (step + (f" without {lacks}" if lacks else ""), f"{calls:,.0f}", *(f"{value:,.0f}" for value in mean.values()), f"{past:.1f}")
        )
    words = "Seconds of wall time, mean over seeds, for information: they depend on the machine and its load.\n"
    heads = (
        "step",
        "calls in the world",
        "making and ingesting the operator",
        "filling the lake",
        "the last scan",
        "scans of the past",
        "how many",
    )
    return f"{words}\n{_table(heads, rows)}"


def _grouped(results: Sequence[Result]) -> dict[tuple[str, str | None], list[Result]]:
    groups: dict[tuple[str, str | None], list[Result]] = {}
    for one in results:
        groups.setdefault((one.step, one.without), []).append(one)
    return groups
