"""The page that benchmarks/content.py writes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from rows import ROOT

from stillhunt.range.score import rate

PAGE = ROOT / "docs" / "benchmarks" / "content.md"
Counts: TypeAlias = Mapping[tuple[Any, ...], tuple[int, int]]
TESTS = {"text": "ours, texts alone", "structure": "ours, with structure", "mmd": "MMD of embeddings"}
MAIN = "all three"
ALONE = ("ShareGPT", "LIMA", "oasst, Chinese")
BARS = (
    ("text", 1500, 0.05, 0.9, "5 % mixes in windows of 1,500, texts alone"),
    ("structure", 1500, 0.05, 0.9, "5 % mixes in windows of 1,500, with structure and answer lengths"),
    ("text", 100, 0.1, 0.15, "10 % mixes in windows of 100, texts alone"),
    ("structure", 100, 0.1, 0.5, "10 % mixes in windows of 100, with structure and answer lengths"),
)
WHICH = " (ShareGPT, LIMA, oasst in Chinese)"
PUBLISHED = {(1500, 0.05): "59 %", (100, 0.1): "4.6 %", (1500, 0.1): "93.7 %", (1500, 0.25): "100 %"}


def page(counts: Counts, begun: dt.datetime, seeds: tuple[int, ...]) -> str:
    """docs/benchmarks/content.md."""
    lines = [
        "# The content test on mixes of real prompts",
        "",
        "Written by `python benchmarks/content.py`; not edited by hand. Windows of real prompts, a share of them from one harvest",
        "corpus, the rest what people wrote. The test itself is [`campaigns/content.py`](../../src/stillhunt/campaigns/content.py).",
        "The sets are no part of the project.",
        "",
        f"- **Date**: {begun:%Y-%m-%d %H:%M} UTC; seeds {', '.join(map(str, seeds))}",
        "- **Provider**: for every window conversations of people's prompts are drawn anew; some make the window, all others are what it",
        "  is compared with. Harvest prompts occur in windows only: no weight, word or threshold is fitted to them, so that every corpus",
        "  is left out. An alarm is p <= 0.002.",
        "- **Texts alone**: one prompt of a conversation, nothing but its text. **With structure**: whole conversations, the place in",
        "  them and the length of answers; a conversation has one vote, and so has each harvest prompt. The share is of calls.",
        "- **MMD**: the published kind of window test, built anew (all-MiniLM-L6-v2, Gaussian kernel, 1,000 reference prompts, one",
        "  prompt of a conversation, one seed); its threshold is what 0.3 % of windows drawn in the same way reach, so that its false",
        "  positive rate is right by construction. The published figures are of other prompts and another embedding.",
        "- Intervals are Clopper and Pearson's, 95 %. Windows overlap, so they are a little too narrow.",
        "",
        "| what | bar | measured | published | |",
        "|---|---|---|---|---|",
    ]
    for test, size, mix, bar, words in BARS:
        hits, total = _sum(counts, test, MAIN, size, mix)
        lines.append(f"| {words} | >= {bar:.0%} | {_share(hits, total)} | {PUBLISHED[size, mix]} | {_met(hits, total, bar)} |")
    for test, words in TESTS.items():
        hits, total = _sum(counts, test, MAIN, None, 0.0)
        met = "-" if test == "mmd" or not total else "met" if hits / total <= 0.003 else "MISSED"
        lines.append(f"| people's windows that alarm: {words} | <= 0.3 % | {_share(hits, total, digits=2)} | 0.29 % | {met} |")
    for name in (MAIN, *ALONE):
        lines += ["", f"## People's prompts from {name}{WHICH if name == MAIN else ''}", "", *_by_size(counts, name)]
    lines += ["", f"## Each harvest corpus, people's prompts from {MAIN}", "", *_by_corpus(counts)]
    lines += ["", "## What else alarms", "", *INNOCENT, *_innocent(counts), *REASONS]
    return "\n".join(lines).rstrip() + "\n"


INNOCENT = (
    "Windows of 100 against all three corpora of people together, or as named: a pool of one kind is not a random part of a",
    "population, whether it harvests or not. That is what the two other axes, and the other quantities of this one, are for.",
    "",
)
REASONS = """
## What the figures say, and what they do not

- **Nothing is fitted, but the design had these sets in view.** Which fields a message has, that messages written with care and calls
  that stand alone are looked at by themselves, and how many deviations are summed were chosen while mixes of these corpora with
  ShareGPT were looked at, alpaca above all. No weight or threshold comes from them. Expect somewhat less on corpora of another kind.
- **Where texts alone lose.** General instructions (alpaca) are the nearest to what people ask: a twentieth of 1,500 is found less than
  half of the time, a tenth of 100 never. Prompts under one scaffold are found when there are five of them. In between lie lists of one
  kind of work (code, mathematics, tools). Where the conversations that a window is compared with are few (one corpus instead of all
  three), the same mixes are found less often.
- **What structure adds.** Chats come as conversations and lists do not; a list's answers are of like length. The gain is largest against
  chats and small against single questions (LIMA). A provider whose honest traffic is programs will see less of it.
- **Scripts.** What is written in Chinese is compared with what others write in Chinese. Chinese people among others do not alarm, and
  neither does anybody who writes a script that nobody else there writes: a list in such a script is not seen. Of a script that few
  write no more is looked at than there is to compare with: Chinese lists among ShareGPT, English lists among Chinese conversations.
- **What an alarm means.** Templated applications, benchmarks and people of another kind than the population's alarm within a hundred
  calls. An alarm says that part of the traffic is of one kind that the population is not. It is evidence on the harvest axis only
  together with freshness, long answers and the two other axes, and it is no use against a population that is not the provider's own.
- **Calls of one conversation are alike.** Windows of single calls from one half of the chats, taken as independent and compared with
  the other half, alarm far above the promised rate: 68 of 80 windows of 1,500 in a trial run of this benchmark. What is exchanged must
  be what comes independently: conversations here, accounts in the product.
- **MMD** here has another embedding and other prompts than the published figures, and one embedding only. It sees what prompts are
  about; ours sees how calls are made. Neither was tried on lists that are written as people write, sent in conversations.
""".splitlines()


def _sum(counts: Counts, test: str, people: str, size: int | None, mix: float, corpus: str | None = None) -> tuple[int, int]:
    those = [
        value
        for (one, who, name, many, share), value in counts.items()
        if one == test and who == people and size in (None, many) and share == mix and corpus in (None, name)
    ]
    return sum(hits for hits, _ in those), sum(total for _, total in those)


def _share(hits: int, total: int, *, digits: int = 0) -> str:
    if not total:
        return "–"
    found = rate(hits, total)
    return f"{hits / total:.{digits}%} ({hits} of {total}, {found.low:.{digits}%} to {found.high:.{digits}%})"


def _short(hits: int, total: int) -> str:
    return f"{hits / total:.0%} ({hits}/{total})" if total else "–"


def _met(hits: int, total: int, bar: float) -> str:
    return "-" if not total else "met" if hits / total >= bar else "MISSED"


def _sizes(counts: Counts, people: str) -> list[int]:
    return sorted({size for _, who, _, size, _ in counts if who == people})


def _mixes(counts: Counts, people: str) -> list[float]:
    return sorted({mix for _, who, _, _, mix in counts if who == people})


def _by_size(counts: Counts, people: str) -> Iterable[str]:
    yield f"| window | harvest | {' | '.join(TESTS.values())} |"
    yield f"|---|---|{'---|' * len(TESTS)}"
    for size in _sizes(counts, people):
        for mix in _mixes(counts, people):
            cells = [_share(*_sum(counts, test, people, size, mix), digits=1 if mix == 0 else 0) for test in TESTS]
            yield f"| {size:,} | {mix:.0%} | {' | '.join(cells)} |"


def _by_corpus(counts: Counts) -> Iterable[str]:
    columns = [(size, mix) for size in _sizes(counts, MAIN) for mix in (0.05, 0.1)]
    for test, words in TESTS.items():
        yield f"Found, {words}:"
        yield ""
        yield f"| corpus | {' | '.join(f'{mix:.0%} of {size:,}' for size, mix in columns)} |"
        yield f"|---|{'---|' * len(columns)}"
        for name in sorted({name for _, who, name, _, mix in counts if who == MAIN and mix}):
            cells = [_short(*_sum(counts, test, MAIN, size, mix, name)) for size, mix in columns]
            yield f"| {name} | {' | '.join(cells)} |"
        yield ""


def _innocent(counts: Counts) -> Iterable[str]:
    yield f"| windows of | {' | '.join(TESTS.values())} |"
    yield f"|---|{'---|' * len(TESTS)}"
    for name in dict.fromkeys(name for _, who, name, _, _ in counts if who == "innocent"):
        cells = [_short(*_sum(counts, test, "innocent", 100, 0.0, name)) for test in TESTS]
        yield f"| {name} | {' | '.join(cells)} |"
