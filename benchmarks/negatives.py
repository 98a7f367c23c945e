"""Innocent twins: each kind alone among people, and all at once. Nobody hides, so nobody may be named.

For every seed people are made and read in once; each twin is then played beside them, as large as it is in a world of
20,000 accounts. Even seeds have real texts where the folder of texts is there, odd ones the built-in bank. Counted is also
which of them are listed as pools, and with which reason. Run it again with the same --results and it goes on where it stopped.
"""

from __future__ import annotations

import argparse
import datetime as dt
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

from rows import ROOT, SHARED_TEXTS, Row, numbers, say, scratch_folder, verdict, write_rows
from run import facts
from stages import Journal, by_detector, code, empty_stage, in_words, listed, scan, take_in, told, wing

from stillhunt.range import people
from stillhunt.range.populations import Population, load
from stillhunt.range.score import rate
from stillhunt.range.stage import Stage
from stillhunt.range.world import TWINS_SHARE

SEEDS = tuple(range(1001, 1011))
DAYS = 14
PEOPLE, CALLS = 2_200, 42_000
AS_IN = 20_000
"""A twin is as large as in a world of so many accounts, and no larger than `LARGEST`."""

LARGEST, MOST_CALLS = 300, 24_000
ALL_PEOPLE, ALL_CALLS = 3_000, 90_000
TOGETHER = "all at once"
PAGE = ROOT / "docs" / "benchmarks" / "negatives.md"

DECLARED, GRANTED, PUBLIC, EVENT = "declared one organization", "entitlement on record", "public list", "same few days"
PRODUCT, DOMAIN, PLAIN = "product|platform", "e-mail addresses at", "not a training set"
LIKE_A_HARVEST = ("bootcamp", "browser_extension", "localisation", "one_click_bots", "tutorial")
RIGHT: dict[str, str] = {
    **dict.fromkeys(LIKE_A_HARVEST, PRODUCT),
    **dict.fromkeys(("backfill", "classroom", "coursework", "gateway", "router", "saas_tenants", "university"), DECLARED),
    "audit": f"{DECLARED}|{GRANTED}: fleet",
    "distillation": f"{GRANTED}: distillation",
    "reseller": f"{GRANTED}: resale",
    "contest": f"{PUBLIC}|{PRODUCT}|{PLAIN}",
    **dict.fromkeys(("evaluations", "health_checks", "release_day"), f"{PUBLIC}|{PLAIN}"),
    "hackathon": f"{EVENT}|referral code",
    "hackathon_unlabelled": EVENT,
    "tutorial": f"{EVENT}|{PRODUCT}",
    "bootcamp": f"referral code|{PRODUCT}",
    **dict.fromkeys(("mobile_app", "saas_undeclared", "speaker_fleet"), DOMAIN),
    "annotators": f"{DOMAIN}|requests repeat",
    "juggler": PLAIN,
}
"""Words of the reason that is right for a population that is listed, as a pattern; for others a product, or that they do not harvest."""


def size(twin: Population) -> tuple[int, int]:
    """Accounts and calls of a twin alone."""
    accounts = min(twin.size(AS_IN), LARGEST)
    return accounts, max(accounts, min(round(twin.pace * accounts * DAYS), MOST_CALLS))


def alone(base: Stage, twin: Population) -> Stage:
    """A wing of `base` with one twin on it."""
    stage = wing(base)
    twin.cast(stage, *size(twin))
    return stage


def together(base: Stage) -> Stage:
    """A wing with every twin on it, sized for a world of some 6,000 accounts, quietened until people have most of the calls."""
    stage = wing(base)
    known = load()
    sizes = {name: twin.size(2 * ALL_PEOPLE) for name, twin in known.items()}
    wanted = sum(known[name].pace * count * DAYS for name, count in sizes.items())
    ease = min(1.0, TWINS_SHARE * ALL_CALLS / (1 - TWINS_SHARE) / wanted)
    for name, twin in known.items():
        twin.cast(stage, sizes[name], max(sizes[name], round(twin.pace * sizes[name] * DAYS * ease)))
    return stage


def _cast(base: Callable[[], Stage], name: str) -> Stage:
    return together(base()) if name == TOGETHER else alone(base(), load()[name])


def measure(
    journal: Journal, names: list[str], seeds: tuple[int, ...], scratch: Path, keep: Path | None, log: Path | None, *, quick: bool
) -> None:
    """Measure what the journal does not have yet."""
    detector = code()
    for seed in seeds:
        real = SHARED_TEXTS if SHARED_TEXTS.is_dir() and seed % 2 == 0 else None
        for few, counts in ((True, (PEOPLE, CALLS)), (False, (ALL_PEOPLE, ALL_CALLS))):
            left = [name for name in names if (name != TOGETHER) == few and not journal.has(seed, name)]
            if not left:
                continue

            @cache
            def base(seed: int = seed, real: Path | None = real, counts: tuple[int, int] = counts) -> Stage:
                stage = empty_stage(seed, DAYS, real)
                people.cast(stage, *(count // 4 for count in counts) if quick else counts)
                return stage

            taken, truth = take_in(base, f"{counts[0]}-people", seed, scratch, keep)
            for name in left:
                begun = time.perf_counter()
                cast = partial(_cast, base, name)
                own, who = take_in(cast, name, seed, scratch, keep)
                [found] = scan(taken.beside(own), scratch)
                record: dict[str, Any] = {
                    "seed": seed,
                    "name": name,
                    "texts": "real" if real else "bank",
                    "accounts": len(who),
                    "calls": sum(part.num_rows for part in own.parts["interactions"]),
                    "code": detector,
                    "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
                    **told(found, {**truth, **who}),
                    "seconds": round(time.perf_counter() - begun, 1),
                }
                journal.add(record)
                say(f"seed {seed}, {name}: {len(record['campaigns'])} campaigns, {len(record['pools'])} pools, {record['seconds']} s")
                words = in_words(record, f"python benchmarks/negatives.py --seeds {seed} --only '{name}' --results NEW.jsonl")
                if words and log is not None:
                    with log.open("a") as file:
                        file.write(words)


def kind(why: str) -> str:
    """A reason without the figures and names that differ from pool to pool."""
    why = re.sub(r"\(org_[0-9a-f]+\)|\([^()]*\.example\)", "", why.split(":", 1)[0] if why.startswith("they share") else why)
    why = re.sub(r"\b(referral code|network|at) [\w./:-]+", r"\1 …", why)
    return re.sub(r"\d[\d,.]*( ?%)?", "…", why.split(";")[0]).strip()


def table(journal: Journal, names: list[str]) -> list[list[str]]:
    """One row a population: worlds, campaigns, in how many it is listed as a pool, how much of it, and why it is no campaign."""
    lines = []
    for name in names:
        records = [record for record in journal.records.values() if record["name"] == name]
        if not records:
            continue
        noisy = [record for record in records if record["campaigns"]]
        campaigns = f"{len(noisy)}" if not noisy else f"**{len(noisy)}** (seeds {', '.join(str(r['seed']) for r in noisy)})"
        pools = [listed(record, name) for record in records] if name != TOGETHER else [record["pools"] for record in records]
        shares = [
            found[0]["who"][name] / record["accounts"] for found, record in zip(pools, records, strict=True) if found and name != TOGETHER
        ]
        why = Counter(kind(pool["why"]) for found in pools for pool in found[: None if name == TOGETHER else 1])
        reason = f"{why.most_common(1)[0][0]} ({why.most_common(1)[0][1]} of {sum(why.values())})" if why else "not listed"
        held = f"{sum(map(bool, pools))}" + (f" ({sum(shares) / len(shares):.0%} of it)" if shares else "")
        right = RIGHT.get(name, f"{PRODUCT}|{PLAIN}")
        rightly = sum(bool(re.search(right, pool["why"])) for found in pools for pool in found[:1])
        rightly_of = "-" if name == TOGETHER or not any(pools) else f"{rightly} of {sum(map(bool, pools))}"
        accounts = f"{sum(r['accounts'] for r in records) // len(records):,}"
        lines.append([name, str(len(records)), accounts, campaigns, held, rightly_of, reason])
    return lines


def row(journal: Journal) -> Row:
    """The figure with its bar."""
    records = list(journal.records.values())
    noisy = sum(bool(record["campaigns"]) for record in records)
    counted = rate(noisy, len(records))
    seeds = tuple(sorted({record["seed"] for record in records}))
    every = {*load(), TOGETHER}
    # a seed counts in full when every population was measured on it: what is not measured yet is not met
    whole = sum(every <= {record["name"] for record in records if record["seed"] == seed} for seed in seeds)
    return Row(
        "innocent twins, each alone and all at once: worlds in which a campaign is named",
        f"0 worlds, {len(SEEDS)} seeds of each",
        f"{noisy} of {len(records)} worlds, {whole} of {len(SEEDS)} seeds in full (95 % interval {counted.low:.2%} to {counted.high:.2%})",
        False if noisy else True if whole >= len(SEEDS) else None,
        f"{len({r['name'] for r in records}) - 1} kinds of innocents, {len(seeds)} seeds, "
        f"{sum(r['texts'] == 'real' for r in records)} worlds with real texts; by population: docs/benchmarks/negatives.md",
        seeds,
    )


def page(journal: Journal, names: list[str], conditions: dict[str, str]) -> str:
    """docs/benchmarks/negatives.md."""
    known = load()
    counted = row(journal)
    stands = "not measured in full yet" if counted.met is None else verdict(counted)
    lines = [
        "# Hard negatives",
        "",
        "Written by `python benchmarks/negatives.py`; not edited by hand. Every kind of innocent that looks coordinated, alone",
        f"among {PEOPLE:,} people and all at once among {ALL_PEOPLE:,}, over {DAYS} days, in simulated worlds. Nobody hides in them:",
        "a campaign that is named is a mistake.",
        "",
        *(f"- **{name}**: {words}" for name, words in conditions.items()),
        "",
        f"{counted.what}: **{counted.figure}** (bar: {counted.bar}: {stands}).",
        "",
        "*Listed* counts the worlds in which the scan shows the population as a pool that is no campaign, and how much of it that",
        "pool holds on average; the right reasons are those that `RIGHT` in the script names. A population whose accounts have",
        "nothing in common that strangers lack is rightly not listed.",
        "",
        "| population | worlds | accounts | worlds with a campaign | listed as a pool | for the right reason | most frequent reason |",
        "|---|---|---|---|---|---|---|",
        *("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in table(journal, names)),
        "",
        *by_detector(journal.every),
        "## Who they are",
        "",
        "| population | trips | innocent cause |",
        "|---|---|---|",
        *(f"| {name} | {', '.join(known[name].trips)} | {known[name].cause} |" for name in names if name in known),
    ]
    wrong = [record for record in journal.records.values() if record["campaigns"]]
    if wrong:
        lines += ["", "## Named wrongly", ""]
        for record in wrong:
            for campaign in record["campaigns"]:
                who = ", ".join(f"{name} {count}" for name, count in campaign["who"].items())
                parts = ", ".join(f"{family} {value:.1f}" for family, value in campaign["concealment"].items())
                lines.append(
                    f"- {record['name']}, seed {record['seed']}: {who}; log10 evidence by family: {parts}; "
                    f"harvest {campaign['harvest']:.2f}"
                )
    return "\n".join(lines) + "\n"


def main() -> int:
    """Measure, and write the page when every world has been measured."""
    parser = argparse.ArgumentParser(description="Innocent twins: is anybody named?")
    parser.add_argument("--quick", action="store_true", help="one seed, few people: shows that it runs, says little")
    parser.add_argument("--seeds", type=numbers, default=SEEDS, help="seeds of the worlds, separated by commas")
    parser.add_argument("--only", help="populations, separated by commas (default: every one, and all at once)")
    parser.add_argument("--scratch", type=Path, help="a folder for worlds and lakes (default: bench-work in the checkout)")
    parser.add_argument(
        "--results", type=Path, help="the JSON lines to go on with (default: negatives.jsonl in the scratch folder, or beside --rows)"
    )
    parser.add_argument(
        "--keep", type=Path, help="leave what was read in in this folder, and take it from there next time (see stages.take_in)"
    )
    parser.add_argument("--log", type=Path, help="add every false naming, with its evidence, to this file")
    parser.add_argument("--page", type=Path, help="write the page here (default: docs/benchmarks/negatives.md when nothing is left out)")
    parser.add_argument("--rows", type=Path, help="write the figure to this file as JSON, too")
    given = parser.parse_args()
    scratch = scratch_folder(given.scratch)
    every = [*load(), TOGETHER]
    names = [name for name in every if given.only is None or name in given.only.split(",")]
    if not names:
        parser.error(f"--only {given.only}: choose from {', '.join(every)}")
    # run.py gives the seeds of worlds with somebody hidden; these worlds have their own
    seeds = SEEDS if given.rows and given.seeds != SEEDS else given.seeds
    begun = dt.datetime.now(dt.UTC)
    # a quick run's worlds are smaller: they never stand among the others
    usual = given.rows.with_suffix(".jsonl") if given.rows else scratch / ("negatives-quick.jsonl" if given.quick else "negatives.jsonl")
    journal = Journal(given.results or usual, "seed", "name")
    measure(journal, names, seeds[:1] if given.quick else seeds, scratch, given.keep, given.log, quick=given.quick)
    counted = row(journal)
    print(f"{counted.what}\n    {counted.figure}   [{counted.bar}: {verdict(counted)}]")
    if given.rows:
        write_rows(given.rows, [counted])
    target = given.page or (PAGE if not given.quick and given.only is None else None)
    if target is not None:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(page(journal, every, conditions(journal, begun)))
        say(f"written: {target}")
    return 0


def conditions(journal: Journal, begun: dt.datetime) -> dict[str, str]:
    """Machine, versions, seeds, date and what detected, in words."""
    records = list(journal.records.values())
    seeds = sorted({record["seed"] for record in records})
    real = sum(record["texts"] == "real" for record in records)
    known = facts(
        begun, ", ".join(map(str, seeds)), f"real texts in {real} worlds, the built-in bank in {len(records) - real}", quick=False
    )
    known["Seeds"] = ", ".join(map(str, seeds))
    codes = Counter(record["code"] for record in records)
    versions = ", ".join(f"{digest} ({count} worlds)" for digest, count in codes.most_common())
    known.pop("Load", None)
    known["Measured"] = f"{min(r['at'] for r in records)} to {max(r['at'] for r in records)}"
    known["Detector"] = f"digest of its modules: {versions}"
    return known


if __name__ == "__main__":
    sys.exit(main())
