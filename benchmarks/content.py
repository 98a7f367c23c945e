"""Is a share of harvest prompts among people's found? The content test and a published window test on the same kind of windows.

Windows of 100, 300 and 1,500 real prompts, a share of them from one harvest corpus, the rest what people wrote. A provider is the half of a
corpus of people's prompts (by conversation); windows are drawn from the other half. Nothing is fitted to any corpus: the provider's
own half is what windows are compared with, and harvest prompts occur in windows only. An alarm is p <= 0.002 of
`campaigns.content.compare`, and for the MMD test a statistic above what 0.3 % of windows reach that are drawn from the provider's half
outside the reference.

Run `python benchmarks/content.py` (an hour on one core; `--quick` shows that it runs). Writes docs/benchmarks/content.md. Needs
../shared/data; the comparison needs the packages that minilm.py names on PYTHONPATH, and is left out with a message where they are not.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import corpora
import minilm
import numpy as np
import numpy.typing as npt
from content_page import PAGE, page
from corpora import Corpus
from mmd import Mmd
from rows import SEEDS, SHARED_TEXTS, numbers, say, scratch_folder

from stillhunt.campaigns import content

SIZES, MIXES = (100, 300, 1500), (0.05, 0.1, 0.25, 0.5, 1.0)
RATE = 0.003
DRAWS, ALARM = 499, 0.002
"""An alarm is that none of 499 choices is as extreme, p = 1/500. One that is ends the test."""

TRIALS = {100: (6, 6, 1, 1, 1), 300: (3, 3, 1, 1, 1), 1500: (3, 1, 1, 1, 1)}  # windows of each harvest corpus and seed, by `MIXES`
BENIGN = {100: 400, 300: 300, 1500: 150}  # windows of people's prompts alone, of each seed
NULL = {100: 1000, 300: 1000, 1500: 400}  # windows that the MMD's threshold is read off
REFERENCE, EMBEDDED = 2000, 400
EVERY_TEMPLATE = "templated applications, all"
Ints = npt.NDArray[np.int64]


@dataclass
class Tally:
    """Alarms and windows by what was tried: (test, provider, window, harvest or innocent corpus, size, share)."""

    hits: dict[str, list[int]] = field(default_factory=dict)

    def add(self, key: tuple[Any, ...], alarm: bool) -> None:
        """One window."""
        counted = self.hits.setdefault(json.dumps(key), [0, 0])
        counted[0] += bool(alarm)
        counted[1] += 1


class Ours:
    """The content test for one provider."""

    def __init__(self, corpora_: list[tuple[Corpus, Ints]], *, structure: bool, whole: bool) -> None:
        self._structure, self._whole = structure, whole
        parts = [self.calls(corpus, rows, 10_000_000 * place) for place, (corpus, rows) in enumerate(corpora_)]
        population = parts[0]
        for part in parts[1:]:
            population += part
        self._population = population

    def calls(self, corpus: Corpus, rows: Ints, first: int) -> content.Calls:
        """Calls of a corpus; units are conversations, or single calls."""
        unit = first + (corpus.conversation[rows] if self._whole else np.arange(len(rows)))
        if not self._structure:
            return content.read(corpus.shape[rows], unit)
        return content.read(corpus.shape[rows], unit, messages=corpus.messages[rows], answer=corpus.answers[rows])

    def alarm(self, window: list[tuple[Corpus, Ints]], seed: int) -> bool:
        """Whether a window alarms."""
        parts = [self.calls(corpus, rows, 1_000_000_000 * (place + 1)) for place, (corpus, rows) in enumerate(window) if len(rows)]
        pool = parts[0]
        for part in parts[1:]:
            pool += part
        return content.compare(pool, self._population, seed=seed, draws=DRAWS, enough=1).p <= ALARM


class Theirs:
    """The MMD test for one provider."""

    def __init__(self, model: minilm.MiniLM, people: Corpus, rows: Ints, rng: np.random.Generator, sizes: tuple[int, ...]) -> None:
        self._model, self._vectors = model, {people.name: embedded(model, people, len(people))}
        rows = rng.permutation(rows)
        reference = min(REFERENCE, len(rows) // 3)
        self._mmd = Mmd(self._vectors[people.name][rows[:reference]])
        self._against = {people.name: self._mmd.against(self._vectors[people.name])}
        outside = rows[reference:]
        self.thresholds = {}
        for size in sizes:
            null = [self._statistic([(people, rng.choice(outside, size, replace=False))]) for _ in range(NULL[size])]
            self.thresholds[size] = float(np.quantile(null, 1 - RATE, method="higher"))

    def _statistic(self, window: list[tuple[Corpus, Ints]]) -> float:
        for corpus, _ in window:
            if corpus.name not in self._vectors:
                self._vectors[corpus.name] = embedded(self._model, corpus, len(corpus) if corpus.name in corpora.PEOPLE else EMBEDDED)
                self._against[corpus.name] = self._mmd.against(self._vectors[corpus.name])
        vectors = np.concatenate([self._vectors[corpus.name][rows] for corpus, rows in window])
        return self._mmd.statistic(vectors, np.concatenate([self._against[corpus.name][rows] for corpus, rows in window]))

    def alarm(self, window: list[tuple[Corpus, Ints]]) -> bool:
        """Whether a window alarms; its harvest rows are among the first `EMBEDDED` of their corpus."""
        return self._statistic(window) > self.thresholds[sum(len(rows) for _, rows in window)]


def embedded(model: minilm.MiniLM, corpus: Corpus, most: int) -> npt.NDArray[np.float32]:
    """Embeddings of a corpus's first prompts, cut to what the model reads of them."""
    return model.embed([prompt[:1500] for prompt in corpus.prompts[:most]])


def halves(corpus: Corpus, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Two halves of a corpus, no conversation in both."""
    talks = rng.permutation(np.unique(corpus.conversation))
    first = np.isin(corpus.conversation, talks[: len(talks) // 2])
    return np.flatnonzero(first), np.flatnonzero(~first)


def drawn(corpus: Corpus, rows: Ints, size: int, rng: np.random.Generator, *, whole: bool) -> Ints:
    """So many calls: single ones, or whole conversations until there are enough (the last one cut)."""
    if not whole:
        return rng.choice(rows, size, replace=False)
    talks = corpus.conversation[rows]
    place = np.argsort(rng.permutation(np.unique(talks)))
    order = np.argsort(place[np.searchsorted(np.unique(talks), talks)], kind="stable")
    return rows[order][:size]


def windows(
    people: Corpus, rows: Ints, harvest: dict[str, Corpus], size: int, rng: np.random.Generator, *, whole: bool, quick: bool
) -> Iterator[tuple[str, float, list[tuple[Corpus, Ints]]]]:
    """Windows with a share of each harvest corpus: its name, the share, and the rows. Sizes that a corpus does not fill are left out."""
    for name, corpus in harvest.items():
        for mix, trials in zip(MIXES, TRIALS[size], strict=True):
            prompts = round(size * mix)
            # Of the embedded ones where they suffice, so that both tests see the same windows.
            room = EMBEDDED if prompts <= EMBEDDED else len(corpus)
            if prompts > min(room, len(corpus)):
                continue
            for _ in range(1 if quick else trials):
                taken = rng.choice(min(room, len(corpus)), prompts, replace=False)
                yield name, mix, [(people, drawn(people, rows, size - prompts, rng, whole=whole)), (corpus, taken)]


def provider(tally: Tally, people: Corpus, harvest: dict[str, Corpus], seed: int, model: minilm.MiniLM | None, *, quick: bool) -> None:
    """One corpus of people's prompts as a provider: benign windows and mixes, all tests."""
    rng = np.random.default_rng([seed, len(people)])
    own, other = halves(people, rng)
    sizes = tuple(size for size in SIZES if 2 * size <= len(own) and not (quick and size == 1500))
    theirs = Theirs(model, people, own, rng, sizes) if model is not None else None
    variants = [("text", False, False), ("structure", True, False)] + ([("whole", True, True)] if people.name == corpora.SHAREGPT else [])
    tests = {name: Ours([(people, own)], structure=structure, whole=whole) for name, structure, whole in variants}
    for size in sizes:
        say(f"{people.name}, seed {seed}: windows of {size}")
        for number in range(10 if quick else BENIGN[size]):
            single = [(people, drawn(people, other, size, rng, whole=False))]
            for name, test in tests.items():
                window = [(people, drawn(people, other, size, rng, whole=True))] if name == "whole" else single
                tally.add((name, people.name, "", size, 0.0), test.alarm(window, number))
            if theirs is not None:
                tally.add(("mmd", people.name, "", size, 0.0), theirs.alarm(single))
        for number, (name, mix, window) in enumerate(windows(people, other, harvest, size, rng, whole=False, quick=quick)):
            for test_name in ("text", "structure"):
                tally.add((test_name, people.name, name, size, mix), tests[test_name].alarm(window, number))
            if theirs is not None and len(window[1][1]) <= EMBEDDED:
                tally.add(("mmd", people.name, name, size, mix), theirs.alarm(window))
        if "whole" in tests and size < 1500:
            for number, (name, mix, window) in enumerate(windows(people, other, harvest, size, rng, whole=True, quick=quick)):
                if mix <= 0.1:
                    tally.add(("whole", people.name, name, size, mix), tests["whole"].alarm(window, number))


def innocents(tally: Tally, people: dict[str, Corpus], folder: Path, seed: int, model: minilm.MiniLM | None, *, quick: bool) -> None:
    """Windows of 100 of what is innocent and not a random part of the population, against all people's corpora together."""
    rng = np.random.default_rng([seed, 7])
    split = {name: halves(corpus, rng) for name, corpus in people.items()}
    population = [(corpus, split[name][0]) for name, corpus in people.items()]
    tests = {"text": Ours(population, structure=False, whole=False), "structure": Ours(population, structure=True, whole=False)}
    chats = people[corpora.SHAREGPT]
    theirs = Theirs(model, chats, split[chats.name][0], rng, (100,)) if model is not None else None
    others = {name: (corpus, split[name][1]) for name, corpus in people.items() if name != chats.name}
    for name, table in corpora.INNOCENT.items():
        corpus = corpora.harmonised(folder, name, table)
        others[name] = (corpus, np.arange(len(corpus) if name == EVERY_TEMPLATE else min(EMBEDDED, len(corpus))))
    for number, corpus in enumerate(corpora.templates(folder, 100)):
        if quick and number > 2:
            break
        window = [(corpus, rng.choice(len(corpus), 100, replace=False))]
        for test_name, test in tests.items():
            tally.add((test_name, "innocent", "templated applications, one by one", 100, 0.0), test.alarm(window, number))
    for name, (corpus, rows) in others.items():
        for number in range(2 if quick else 8):
            window = [(corpus, rng.choice(rows, 100, replace=False))]
            for test_name, test in tests.items():
                tally.add((test_name, "innocent", name, 100, 0.0), test.alarm(window, number))
            if theirs is not None and name != EVERY_TEMPLATE:
                tally.add(("mmd", "innocent", name, 100, 0.0), theirs.alarm(window))
    # Calibrated on other people's prompts than the window's: no test of windows against a population can hold there.
    strange = Ours(
        [(corpus, np.arange(len(corpus))) for name, corpus in people.items() if name != chats.name], structure=False, whole=False
    )
    for number in range(2 if quick else 20):
        rows = drawn(chats, split[chats.name][1], 100, rng, whole=False)
        tally.add(("text", "innocent", f"{chats.name} against other corpora", 100, 0.0), strange.alarm([(chats, rows)], number))
    if model is not None:
        lima = people["LIMA"]
        other_reference = Theirs(model, lima, np.arange(len(lima)), rng, (100,))
        for _ in range(2 if quick else 20):
            rows = drawn(chats, split[chats.name][1], 100, rng, whole=False)
            tally.add(("mmd", "innocent", f"{chats.name} against other corpora", 100, 0.0), other_reference.alarm([(chats, rows)]))


def measure(folder: Path, scratch: Path, seeds: tuple[int, ...], cache: Path, *, quick: bool) -> Tally:
    """Everything, seed by seed; seeds measured in `scratch` before are read there."""
    model = minilm.MiniLM(cache) if minilm.available() else None
    if model is None:
        say("the comparison with MMD is left out: put the packages that benchmarks/minilm.py names on PYTHONPATH")
    people = {corpora.SHAREGPT: corpora.chats(folder)}
    people |= {name: corpora.harmonised(folder, name, table) for name, table in corpora.PEOPLE.items()}
    harvest = {name: corpora.harmonised(folder, name, table) for name, (table, _) in corpora.HARVEST.items()}
    total = Tally()
    for seed in seeds:
        kept = scratch / f"content-{seed}{'-quick' if quick else ''}.json"
        if not kept.exists():
            tally = Tally()
            for corpus in people.values():
                provider(tally, corpus, harvest, seed, model, quick=quick)
            innocents(tally, people, folder, seed, model, quick=quick)
            kept.write_text(json.dumps(asdict(tally)))
        for key, (hits, windows_) in json.loads(kept.read_text())["hits"].items():
            counted = total.hits.setdefault(key, [0, 0])
            counted[0] += hits
            counted[1] += windows_
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
