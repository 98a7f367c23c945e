"""Are hidden accounts found, and nobody else? Worlds with known truth, from one operator's logs to the score.

Recall is the share of hidden accounts that are named; the false discovery rate is the share of named accounts that are
nobody's. Both are counted over all seeds together, with exact 95 % intervals (Clopper and Pearson 1934). A bar is met if
the counted share meets it; the interval says how sure that is.
"""

from __future__ import annotations

from product import WorldArguments, drill
from rows import Options, Row, main, say

from stillhunt.range.populations import load
from stillhunt.range.score import Rate, rate

NOBODY_SEEDS = tuple(range(101, 111))
RECALL = {"shared": 0.99, "separate": 0.97}
FALSE = {"shared": 0.001, "separate": 0.005}
SHARED = {
    "shared": "addresses, cards and client shared",
    "separate": "all addresses and cards different, client and template shared",
}


def letter(options: Options, seed: int, machinery: str) -> WorldArguments:
    """The reference shape."""
    hidden, accounts, calls = (60, 1_500, 40_000) if options.quick else (250, 20_000, 500_000)
    return WorldArguments(seed=seed, hidden=hidden, accounts=accounts, calls=calls, machinery=machinery)


def nobody(options: Options, seed: int) -> WorldArguments:
    """A world in which nobody hides and every twin is."""
    accounts, calls = (1_500, 40_000) if options.quick else (6_000, 200_000)
    return WorldArguments(seed=seed, hidden=0, accounts=accounts, calls=calls, populations=",".join(load()))


def measure(options: Options) -> list[Row]:
    """Recall and false discoveries for both kinds of machinery, and silence where nobody hides."""
    return [*_found(options, "shared"), *_found(options, "separate"), _silent(options)]


def _found(options: Options, machinery: str) -> list[Row]:
    hits = hidden = wrong = named = 0
    seconds: dict[str, float] = {}
    each: list[str] = []
    for seed in options.seeds:
        world = letter(options, seed, machinery)
        say(f"letter, {machinery} machinery, seed {seed}: {world.hidden} hidden of {world.accounts + world.hidden:,}")
        done = drill(options, world, seconds)
        recall, false = done.score["recall"], done.score["false_discovery"]
        hits, hidden = hits + recall["hits"], hidden + recall["total"]
        wrong, named = wrong + false["hits"], named + false["total"]
        strangers = ", ".join(f"{name} {count['hits']}" for name, count in done.score["false_positives"].items())
        each.append(
            f"seed {seed}: {recall['hits']} of {recall['total']} hidden accounts named, {false['hits']} of {false['total']} named wrongly"
            + (f" ({strangers})" if strangers else "")
            + f", {len(done.findings['campaigns'])} campaigns, {done.made['calls']:,} calls of {done.made['accounts']:,} accounts"
        )
        say(each[-1])
    found, false_found = rate(hits, hidden), rate(wrong, named)
    what = f"letter shape, {SHARED[machinery]}"
    under = f"{_worlds(options.seeds)}, {SHARED[machinery]}, {world.hidden} hidden among {world.accounts:,} others, {options.words()}"
    return [
        Row(
            f"{what}: account recall",
            f">= {RECALL[machinery]:.0%}",
            _share(found),
            found.value is not None and found.value >= RECALL[machinery],
            under,
            options.seeds,
            tuple(each),
            seconds,
        ),
        Row(
            f"{what}: false discovery rate",
            f"<= {FALSE[machinery]:.1%}",
            _share(false_found) if named else "nobody named",
            (false_found.value or 0.0) <= FALSE[machinery],
            under,
            options.seeds,
        ),
    ]


def _silent(options: Options) -> Row:
    seeds = NOBODY_SEEDS[:2] if options.quick else NOBODY_SEEDS
    noisy = named = accounts = 0
    seconds: dict[str, float] = {}
    each: list[str] = []
    for seed in seeds:
        world = nobody(options, seed)
        say(f"nobody hides, seed {seed}: {world.accounts:,} accounts")
        done = drill(options, world, seconds)
        campaigns = len(done.findings["campaigns"])
        noisy += campaigns > 0
        named, accounts = named + done.score["named"], accounts + done.score["accounts"]
        blamed = ", ".join(f"{name} {count['hits']}" for name, count in done.score["false_positives"].items())
        each.append(f"seed {seed}: {campaigns} campaigns, {done.score['named']} accounts named" + (f" ({blamed})" if blamed else ""))
        say(each[-1])
    return Row(
        "nobody hides: worlds in which a campaign is named",
        "0 worlds",
        f"{_share(rate(noisy, len(seeds)))}; {named} of {accounts:,} accounts",
        noisy == 0,
        f"{_worlds(tuple(seeds))}, {world.accounts:,} accounts, every innocent twin that the range knows, {options.words()}",
        tuple(seeds),
        tuple(each),
        seconds,
    )


def _worlds(seeds: tuple[int, ...]) -> str:
    return f"{len(seeds)} world{'s' if len(seeds) > 1 else ''} of 14 days"


def _share(counted: Rate) -> str:
    if counted.value is None:
        return "nothing to count"
    return f"{counted.value:.2%} ({counted.hits} of {counted.total}, 95 % interval {counted.low:.2%} to {counted.high:.2%})"


if __name__ == "__main__":
    main(measure, "Are hidden accounts found, and nobody else?")
