"""The figures of the coverage benchmark, and its page, from its results alone."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

from rows import Row, verdict
from run import facts
from stages import Journal, by_detector

from stillhunt.campaigns.judging import Settings
from stillhunt.range.score import Rate, rate

WORLDS = {"nobody": 200, "somebody": 60}
"""So many worlds of each kind make a full measurement."""

PROMISE = Settings().false_discovery_rate
Record = dict[str, Any]


def share(counted: Rate) -> str:
    """A rate with its interval."""
    if counted.value is None:
        return "nothing to count"
    return f"{counted.hits:,} of {counted.total:,} = {counted.value:.3%} (95 % interval {counted.low:.3%} to {counted.high:.3%})"


def kinds(journal: Journal, name: str) -> list[Record]:
    """The records of one kind of worlds, by seed."""
    return sorted((record for record in journal.records.values() if record["name"] == name), key=lambda record: record["seed"])


def noisy(records: list[Record]) -> int:
    """Worlds in which a campaign was named."""
    return sum(bool(record["campaigns"]) for record in records)


def named(records: list[Record]) -> tuple[int, int]:
    """Accounts named, and how many of them wrongly."""
    campaigns = [campaign for record in records for campaign in record["campaigns"]]
    return sum(sum(campaign["who"].values()) for campaign in campaigns), sum(campaign["wrong"] for campaign in campaigns)


def false_campaigns(records: list[Record]) -> tuple[int, int]:
    """Campaigns named, and how many of them are mostly nobody's."""
    campaigns = [campaign for record in records for campaign in record["campaigns"]]
    return len(campaigns), sum(2 * campaign["wrong"] > sum(campaign["who"].values()) for campaign in campaigns)


def _met(counted: Rate, worlds: int, planned: int) -> bool | None:
    """Whether a promise is met; None while fewer worlds than planned are measured and nothing speaks against it."""
    within = (counted.value or 0.0) <= PROMISE
    return within if worlds >= planned or not within else None


def rows(journal: Journal) -> list[Row]:
    """The two promises with what was counted."""
    made = []
    quiet, busy = kinds(journal, "nobody"), kinds(journal, "somebody")
    if quiet:
        counted = rate(noisy(quiet), len(quiet))
        made.append(
            Row(
                "random worlds in which nobody hides: worlds in which a campaign is named",
                f"<= {PROMISE:.1%}, {WORLDS['nobody']} worlds",
                share(counted),
                _met(counted, len(quiet), WORLDS["nobody"]),
                f"{len(quiet)} worlds drawn at random, each scanned part way and whole",
                tuple(record["seed"] for record in quiet),
            )
        )
    if busy:
        total, wrong = named(busy)
        counted = rate(wrong, total)
        made.append(
            Row(
                "random worlds with an operator: accounts named that are nobody's",
                f"<= {PROMISE:.1%}, {WORLDS['somebody']} worlds",
                share(counted),
                _met(counted, len(busy), WORLDS["somebody"]),
                f"{len(busy)} worlds drawn at random, any shape and step of effort, 10 to 300 hidden accounts",
                tuple(record["seed"] for record in busy),
            )
        )
    return made


def page(journal: Journal, begun: dt.datetime) -> str:
    """docs/benchmarks/coverage.md."""
    quiet, busy = kinds(journal, "nobody"), kinds(journal, "somebody")
    lines = [
        "# Coverage of the guarantee",
        "",
        "Written by `python benchmarks/coverage.py`; not edited by hand. Findings promise a false discovery rate of",
        f"{PROMISE:.1%}. Here it is counted on worlds drawn at random: sizes, days, tails of volumes, twins of every kind and several",
        "of one kind, missing columns, texts. All of it is simulated, by the same range that the product was developed with: what holds",
        "here need not hold on logs of another kind. Some hundred worlds can show that the promise is broken; they cannot prove a rate",
        "of one in a thousand, and the interval says how large it could still be.",
        "",
        *(f"- **{name}**: {words}" for name, words in conditions(journal, begun).items()),
        "",
        "| what | promised | counted | |",
        "|---|---|---|---|",
        *(
            f"| {row.what} | {row.bar} | {row.figure} | {'not measured in full yet' if row.met is None else verdict(row)} |"
            for row in rows(journal)
        ),
        "",
    ]
    if quiet:
        lines += ["## Worlds in which nobody hides", "", "| worlds | number | with a campaign |", "|---|---|---|"]
        for words, chosen in _groups(quiet):
            lines.append(f"| {words} | {len(chosen)} | {noisy(chosen)} |")
        sizes = sorted(record["accounts"] for record in quiet)
        calls = sorted(record["calls"] for record in quiet)
        lines += ["", f"{sizes[0]:,} to {sizes[-1]:,} accounts and {calls[0]:,} to {calls[-1]:,} calls a world.", ""]
    if busy:
        lines += _somebody(busy)
    wrong = [(record, campaign) for record in [*quiet, *busy] for campaign in record["campaigns"] if campaign["wrong"]]
    if wrong:
        lines += ["## Named wrongly", ""]
        for record, campaign in wrong:
            who = ", ".join(f"{name} {count}" for name, count in campaign["who"].items())
            parts = ", ".join(f"{family} {value:.1f}" for family, value in campaign["concealment"].items())
            lines.append(
                f"- {record['name']}, seed {record['seed']}: {who}; unexplained log10 evidence: {parts}; harvest {campaign['harvest']:.2f}"
            )
    lines += ["", *by_detector(journal.every)]
    return "\n".join(lines).rstrip() + "\n"


def _groups(records: list[Record]) -> list[tuple[str, list[Record]]]:
    made = [("all", records)]
    made += [(f"{texts} texts", [record for record in records if record["texts"] == texts]) for texts in ("bank", "real")]
    for words, low, high in (("no twins", 0, 0), ("1 to 4 twins", 1, 4), ("5 to 20 twins", 5, 20), ("every twin at once", 21, 999)):
        made.append((words, [record for record in records if low <= len(record["twins"]) <= high]))
    made.append(("all columns", [record for record in records if not record["lacks"]]))
    for family in sorted({family for record in records for family in record["lacks"]}):
        made.append((f"without {family}", [record for record in records if family in record["lacks"]]))
    return [(words, chosen) for words, chosen in made if chosen]


def _somebody(records: list[Record]) -> list[str]:
    total, wrong = false_campaigns(records)
    lines = [
        "## Worlds with an operator",
        "",
        f"Campaigns named: {total}, of which mostly nobody's: {wrong}. Recall is given for information: these operators are small, in",
        "worlds that lack columns, and an operator that nobody can find is not a broken promise.",
        "",
        "| operator | worlds | hidden accounts | of them named | others named |",
        "|---|---|---|---|---|",
    ]
    for shape in sorted({str(record["operator"]) for record in records}):
        chosen = [record for record in records if record["operator"] == shape]
        hidden = sum(record["hidden"] for record in chosen)
        everybody, false = named(chosen)
        lines.append(f"| {shape} | {len(chosen)} | {hidden:,} | {everybody - false:,} | {false} |")
    return [*lines, ""]


def conditions(journal: Journal, begun: dt.datetime) -> dict[str, str]:
    """Machine, versions, seeds, date and what detected, in words."""
    records = list(journal.records.values())
    real = sum(record["texts"] == "real" for record in records)
    spans = []
    for name in ("nobody", "somebody"):
        seeds = [record["seed"] for record in kinds(journal, name)]
        spans += [f"{seeds[0]} to {seeds[-1]} ({name}, {len(seeds)} worlds)"] if seeds else []
    known = facts(begun, "", f"real texts in {real} worlds, the built-in bank in {len(records) - real}", quick=False)
    known.pop("Load", None)
    codes = Counter(record["code"] for record in records)
    known["Seeds"] = ", ".join(spans)
    known["Measured"] = f"{min(record['at'] for record in records)} to {max(record['at'] for record in records)}"
    known["Detector"] = "digest of its modules: " + ", ".join(f"{digest} ({count} worlds)" for digest, count in codes.most_common())
    return known
