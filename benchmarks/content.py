"""Is a share of harvest prompts among people's found? The content test and a published window test on the same kind of windows.

Windows of 100, 300 and 1,500 real prompts, a share of them from one harvest corpus, the rest what people wrote. For every window
the conversations of a corpus of people's prompts are drawn anew: some make the window, all others are the provider's traffic that it
is compared with. Nothing is fitted to any corpus, and harvest prompts occur in windows only. Two ways to draw people's part:

* texts alone: one prompt of a conversation, so that prompts are independent of one another, as the published test has them;
* with structure: whole conversations, which is how accounts come; the conversation is the unit that is exchanged, and the place in it and
  the length of the answer count.

(Single calls of many conversations would be neither: calls of one conversation are alike, and a test that takes them for independent alarms
at ordinary people: in windows of 1,500 from one half of the chats against the other half at 85 %.)
An alarm is p <= 0.002 of `campaigns.content.compare`, and for the MMD test a statistic above what 0.3 % of windows of people's
prompts reach.

Run `python benchmarks/content.py` (most of an hour on one core; `--quick` shows that it runs). Writes docs/benchmarks/content.md. Needs
../shared/data; the comparison needs the packages that minilm.py names on PYTHONPATH, and is left out with a message where they are not.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import corpora
import minilm
import numpy as np
import numpy.typing as npt
from content_page import MAIN, PAGE, page
from corpora import Corpus
from mmd import Mmd
from rows import SEEDS, SHARED_TEXTS, numbers, say, scratch_folder

from stillhunt.campaigns import content

SIZES, MIXES = (100, 300, 1500), (0.05, 0.1, 0.25, 0.5, 1.0)
RATE = 0.003
DRAWS, ALARM = 499, 0.002
"""An alarm is that none of 499 choices is as extreme, p = 1/500. One that is ends the test."""

TRIALS = {100: (4, 6, 1, 1, 1), 300: (3, 3, 1, 1, 1), 1500: (5, 2, 1, 1, 1)}  # windows of each harvest corpus and seed, by `MIXES`
FEWER = {100: (2, 4, 1, 1, 1), 300: (1, 2, 1, 1, 1), 1500: (2, 1, 1, 1, 1)}  # ... where people come from one corpus
BENIGN = {100: 400, 300: 300, 1500: 200}  # windows of people's prompts alone, of each seed
NULL = 2000  # windows that the MMD's threshold is read off
REFERENCE, EMBEDDED = 1000, 160  # prompts of the MMD's reference, and those embedded of each other corpus
Ints = npt.NDArray[np.int64]
NOTHING: Ints = np.zeros(0, np.int64)


@dataclass
class Tally:
    """Alarms and windows by what was tried: (test, provider, harvest or innocent corpus, size, share)."""

    hits: dict[str, list[int]] = field(default_factory=dict)

    def add(self, key: tuple[Any, ...], alarm: bool) -> None:
        """One window."""
        counted = self.hits.setdefault(json.dumps(key), [0, 0])
        counted[0] += bool(alarm)
        counted[1] += 1


class People:
    """A corpus of people's prompts as a provider's traffic, for the content test.

    Args:
        corpora_: what the provider serves.
        structure: whole conversations, their places and answers; else one prompt of each and nothing but its text.
    """

    def __init__(self, corpora_: list[Corpus], rng: np.random.Generator, *, structure: bool) -> None:
        self._structure, self._rng = structure, rng
        parts = []
        for place, corpus in enumerate(corpora_):
            rows = np.arange(len(corpus)) if structure else one_each(corpus, rng)
            parts.append(self.calls(corpus, rows, 10_000_000 * place))
        self.calls_ = parts[0]
        for part in parts[1:]:
            self.calls_ += part
        self._sizes = np.diff(self.calls_.bounds)

    def calls(self, corpus: Corpus, rows: Ints, first: int) -> content.Calls:
        """Calls of a corpus; units are conversations."""
        unit = first + corpus.conversation[rows]
        if not self._structure:
            return content.read(corpus.shape[rows], unit)
        return content.read(corpus.shape[rows], unit, messages=corpus.messages[rows], answer=corpus.answers[rows])

    def room(self) -> int:
        """The largest window that leaves more outside than inside."""
        return int(self._sizes.sum()) // 2

    def alarm(self, size: int, other: Corpus | None, prompts: Ints, seed: int) -> bool:
        """Whether a window alarms that has so many calls of people, and these of another corpus."""
        order = self._rng.permutation(len(self._sizes))
        inside = int(np.searchsorted(np.cumsum(self._sizes[order]), size)) + 1 if size else 0
        window = self.calls_.take(order[:inside])
        if other is not None:
            window = window + self.calls(other, prompts, 1_000_000_000)
        return content.compare(window, self.calls_.take(order[inside:]), seed=seed, draws=DRAWS, enough=1).p <= ALARM


def one_each(corpus: Corpus, rng: np.random.Generator) -> Ints:
    """One row of each conversation."""
    order = rng.permutation(len(corpus))
    _, first = np.unique(corpus.conversation[order], return_index=True)
    return order[first]


class Theirs:
    """The MMD test on one prompt of each conversation. Reference, window and the windows of its threshold are drawn alike."""

    def __init__(self, model: minilm.MiniLM, people: list[Corpus], rng: np.random.Generator) -> None:
        self._model, self._rng = model, rng
        self._people = np.concatenate([embedded(model, corpus, one_each(corpus, np.random.default_rng(0))) for corpus in people])
        self._others: dict[str, npt.NDArray[np.float32]] = {}
        self._mmd = Mmd(self._people[rng.choice(len(self._people), REFERENCE, replace=False)])
        self._thresholds: dict[int, float] = {}

    def statistic(self, size: int, other: Corpus | None, prompts: Ints) -> float:
        """MMD^2 of a window with so many prompts of people and some of the first `EMBEDDED` of another corpus."""
        order = self._rng.permutation(len(self._people))
        window = self._people[order[:size]]
        if other is not None:
            if other.name not in self._others:
                self._others[other.name] = embedded(self._model, other, np.arange(min(EMBEDDED, len(other))))
            window = np.concatenate([window, self._others[other.name][prompts]])
        return self._mmd.statistic(window, self._people[order[size : size + REFERENCE]])

    def alarm(self, size: int, other: Corpus | None, prompts: Ints) -> bool:
        """Whether that window alarms."""
        whole = size + len(prompts)
        if whole not in self._thresholds:
            null = [self.statistic(whole, None, NOTHING) for _ in range(NULL)]
            self._thresholds[whole] = float(np.quantile(null, 1 - RATE, method="higher"))
        return self.statistic(size, other, prompts) > self._thresholds[whole]


def embedded(model: minilm.MiniLM, corpus: Corpus, rows: Ints) -> npt.NDArray[np.float32]:
    """Embeddings of some prompts of a corpus, cut to what the model reads of them."""
    return model.embed([corpus.prompts[row][:1500] for row in rows.tolist()])


def published(
    tally: Tally,
    people: list[Corpus],
    others: dict[str, Corpus],
    harvest: dict[str, Corpus],
    seed: int,
    model: minilm.MiniLM,
    *,
    quick: bool,
) -> None:
    """The MMD test: benign windows, mixes with as many prompts as are embedded, and windows of other innocents."""
    rng = np.random.default_rng([seed, 3])
    say("MMD: embedding, which takes a while the first time")
    theirs = Theirs(model, people, rng)
    for size in SIZES:
        say(f"MMD: windows of {size}")
        for _ in range(20 if quick else 2 * BENIGN[size]):
            tally.add(("mmd", MAIN, "", size, 0.0), theirs.alarm(size, None, NOTHING))
        for name, corpus in harvest.items():
            for mix in MIXES:
                prompts = round(size * mix)
                for _ in range((2 if quick else 20) if prompts <= min(EMBEDDED, len(corpus)) else 0):
                    taken = rng.choice(min(EMBEDDED, len(corpus)), prompts, replace=False)
                    tally.add(("mmd", MAIN, name, size, mix), theirs.alarm(size - prompts, corpus, taken))
    for name, corpus in others.items():
        for _ in range(2 if quick else 8):
            taken = rng.choice(min(EMBEDDED, len(corpus)), 100, replace=False)
            tally.add(("mmd", "innocent", name, 100, 0.0), theirs.alarm(0, corpus, taken))


def provider(tally: Tally, who: str, people: list[Corpus], harvest: dict[str, Corpus], seed: int, *, quick: bool) -> None:
    """Corpora of people's prompts as a provider's traffic: benign windows and mixes."""
    rng = np.random.default_rng([seed, sum(map(len, people))])
    planned = TRIALS if who == MAIN else FEWER
    for test, structure in (("text", False), ("structure", True)):
        traffic = People(people, rng, structure=structure)
        for size in (size for size in SIZES if size <= traffic.room() and not (quick and size == 1500)):
            say(f"{who}, {test}, seed {seed}: windows of {size}")
            for number in range(10 if quick else BENIGN[size]):
                tally.add((test, who, "", size, 0.0), traffic.alarm(size, None, NOTHING, number))
            for name, corpus in harvest.items():
                for mix, trials in zip(MIXES, planned[size], strict=True):
                    prompts = round(size * mix)
                    for number in range((1 if quick else trials) if prompts <= len(corpus) else 0):
                        taken = rng.choice(len(corpus), prompts, replace=False)
                        tally.add((test, who, name, size, mix), traffic.alarm(size - prompts, corpus, taken, number))


def innocents(tally: Tally, people: dict[str, Corpus], others: dict[str, Corpus], folder: Path, seed: int, *, quick: bool) -> None:
    """Windows of 100 of what is innocent and no random part of the population, against all people's corpora together."""
    say(f"other innocents, seed {seed}")
    rng = np.random.default_rng([seed, 7])
    chats = people[corpora.SHAREGPT]
    applications = corpora.templates(folder, 100)
    for test, structure in (("text", False), ("structure", True)):
        everybody = People(list(people.values()), rng, structure=structure)
        for number, place in enumerate(rng.permutation(len(applications))[: 3 if quick else 40].tolist()):
            corpus = applications[place]
            alarm = everybody.alarm(0, corpus, rng.choice(len(corpus), 100, replace=False), number)
            tally.add((test, "innocent", "templated applications, one by one", 100, 0.0), alarm)
        for name, corpus in others.items():
            for number in range(2 if quick else 8):
                alarm = everybody.alarm(0, corpus, rng.choice(len(corpus), 100, replace=False), number)
                tally.add((test, "innocent", name, 100, 0.0), alarm)
        for name, corpus in people.items():
            traffic = People([other for other in people.values() if other is not corpus], rng, structure=structure)
            for number in range(2 if quick else 8):
                alarm = traffic.alarm(0, corpus, rng.permutation(one_each(corpus, rng))[:100], number)
                tally.add((test, "innocent", f"{name} against the other corpora of people", 100, 0.0), alarm)
        chinese = people["oasst, Chinese"]
        half = np.array_split(rng.permutation(len(chinese)), 2)
        known = People([chats, chinese.take(half[0])], rng, structure=structure)
        for number in range(2 if quick else 40):
            alarm = known.alarm(0, chinese, rng.choice(half[1], 100, replace=False), number)
            tally.add((test, "innocent", f"{chinese.name} where others write Chinese, too", 100, 0.0), alarm)


def measure(folder: Path, scratch: Path, seeds: tuple[int, ...], cache: Path, *, quick: bool) -> Tally:
    """Everything, seed by seed; seeds measured in `scratch` before are read there."""
    model = minilm.MiniLM(cache) if minilm.available() else None
    if model is None:
        say("the comparison with MMD is left out: put the packages that benchmarks/minilm.py names on PYTHONPATH")
    people = {corpora.SHAREGPT: corpora.chats(folder)}
    people |= {name: corpora.harmonised(folder, name, table) for name, table in corpora.PEOPLE.items()}
    harvest = {name: corpora.harmonised(folder, name, table) for name, (table, _) in corpora.HARVEST.items()}
    others = {name: corpora.harmonised(folder, name, table) for name, table in corpora.INNOCENT.items()}
    total = Tally()

    def kept(name: str, measured: Callable[[Tally], None]) -> None:
        """Add what was measured before, or now."""
        file = scratch / f"content-{name}{'-quick' if quick else ''}.json"
        if not file.exists():
            tally = Tally()
            measured(tally)
            file.write_text(json.dumps(asdict(tally)))
        for key, (hits, tried) in json.loads(file.read_text())["hits"].items():
            counted = total.hits.setdefault(key, [0, 0])
            counted[0] += hits
            counted[1] += tried

    def ours(seed: int, tally: Tally) -> None:
        for who, theirs in {MAIN: list(people.values()), **{name: [corpus] for name, corpus in people.items()}}.items():
            provider(tally, who, theirs, harvest, seed, quick=quick)
        innocents(tally, people, others, folder, seed, quick=quick)

    def more(tally: Tally) -> None:
        """People's windows alone, many, because a rate of a few in a thousand is to be seen."""
        say("more windows of people's prompts")
        rng = np.random.default_rng([seeds[0], 5])
        for test, structure in (("text", False), ("structure", True)):
            traffic = People(list(people.values()), rng, structure=structure)
            for size in SIZES:
                for number in range(10 if quick else 3 * BENIGN[size]):
                    tally.add((test, MAIN, "", size, 0.0), traffic.alarm(size, None, NOTHING, number))

    for seed in seeds:
        kept(str(seed), partial(ours, seed))
    kept("people", more)
    if model is not None:
        kept("mmd", lambda tally: published(tally, list(people.values()), others, harvest, seeds[0], model, quick=quick))
    return total


def main() -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description="The content test on mixes of real prompts.")
    parser.add_argument("--quick", action="store_true", help="few windows: shows that it runs, says little about the bars; writes no page")
    parser.add_argument("--seeds", type=numbers, default=SEEDS, help="seeds, separated by commas")
    parser.add_argument("--scratch", type=Path, help="a folder for what was measured (default: bench-work in the checkout)")
    parser.add_argument("--cache", type=Path, help="a folder for embeddings (default: in the scratch folder)")
    given = parser.parse_args()
    if not SHARED_TEXTS.is_dir():
        say("skipped: no folder ../shared/data beside the checkout")
        return
    scratch = scratch_folder(given.scratch)
    begun = dt.datetime.now(dt.UTC)
    tally = measure(SHARED_TEXTS, scratch, given.seeds, given.cache or scratch / "embeddings", quick=given.quick)
    written = page({tuple(json.loads(key)): (hits, total) for key, (hits, total) in tally.hits.items()}, begun, given.seeds)
    if given.quick:
        print(written)
    else:
        PAGE.write_text(written)
        say(f"written: {PAGE.name}")


if __name__ == "__main__":
    main()
