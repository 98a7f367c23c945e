"""Voices: what somebody's calls say, as fingerprints. Texts are drawn once, fingerprinted by intake's own functions, and forgotten.

In: `Draft`s (a template, and some calls that use it). Out: `Voices`, tables of numbers from which `filling` makes any number of calls.

* A template's grams are the grams of its true words, so that they recur in every call that carries it and can be shown as phrases.
* What fills the slots is as long, as many-grammed and as shaped as in the draft's calls; its grams are fresh, or common.
* *Common* grams are phrases that people have in common without having anything else in common. Among 23,035 different messages of people
  in conversation, 31 % of the sampled grams occur in a second one; the r-th most frequent gram is in 0.018 r^-0.6 of the messages. So
  `COMMON` of the fresh grams are drawn from 2^17 phrases with that exponent, the rest occur once. (Measured on public conversations,
  of which nothing but these two numbers is kept.)

May import: intake's fingerprints, range's texts.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stillhunt.intake import sketch
from stillhunt.intake.phrases import personal, show
from stillhunt.intake.shape import shapes
from stillhunt.intake.topic import topics
from stillhunt.intake.unicode_table import table as fold_table
from stillhunt.records import TURN

Array = npt.NDArray[Any]

MOST_GRAMS = 48
TOP = 31
"""Grams are integers below 2**TOP."""

LAYERS = 8
"""Layer k holds grams in [2**(TOP-1-k), 2**(TOP-k)), the last one all that are smaller: what k halvings of the threshold leave."""

COMMON = 0.36
PHRASES = 1 << 17
EXPONENT = 0.6

VOICE = np.dtype(
    [
        ("sample", "i4"),
        ("samples", "i4"),
        ("gram", "i4"),
        ("grams", "i4"),
        ("system_hash", "i8"),
        ("system_chars", "i4"),
        ("tools_hash", "i8"),
        ("tools_chars", "i4"),
        ("tool_count", "i4"),
        ("topic", "u8"),
        ("keep", "u8"),  # bits of the topic that are the same in every call
        ("fixed", "u1"),  # nothing to fill in: the request is the same for everybody
    ]
)
SAMPLE = np.dtype(
    [
        ("chars", "i4"),  # of the user's last message
        ("slots", "i4"),  # sampled grams that are not the template's
        ("answer", "i4"),  # characters
        ("grows", "i4"),  # characters that an agent's step adds to its transcript
        ("shape", "i8"),
        ("topic", "u1"),
    ]
)


@dataclass
class Draft:
    """One voice in words. `around` are the parts of the user's message that stay, `calls` some messages with the answer's length."""

    system: str | None = None
    around: Sequence[str] = ()
    calls: Sequence[tuple[str, int]] = ()
    tools: str | None = None
    tool_count: int = 0
    grows: int = 0
    fixed: bool = False
    known: bool = False  # whether ten accounts may send it, so that its words are kept


@dataclass
class Voices:
    """All voices of a world: `voices[v]` points into `samples` and `grams`; `common` are phrases by layer, most frequent first."""

    voices: Array
    samples: Array
    grams: Array  # of templates; negative where other templates have the gram, too
    common: Array
    layers: Array  # LAYERS + 1 offsets into `common`
    talks: Array  # turns of some conversations, coding sessions and agent sessions: (3, n)
    phrases: pa.Table = field(default_factory=lambda: pa.table({"gram": pa.array([], pa.int64()), "words": pa.array([], pa.string())}))


class Book:
    """Collects drafts and numbers them; `voices` fingerprints all of them at once."""

    def __init__(self) -> None:
        self._drafts: list[Draft] = []

    def add(self, draft: Draft) -> int:
        """The number of the voice."""
        self._drafts.append(draft)
        return len(self._drafts) - 1

    def __len__(self) -> int:
        return len(self._drafts)

    def voices(self, rng: random.Random, talks: Array) -> Voices:
        """Fingerprint all drafts, then drop them."""
        drafts, self._drafts = self._drafts, []
        voices = np.zeros(len(drafts), VOICE)
        template = _Sketched([d.system for d in drafts], [_said(d.around) for d in drafts])
        around = _Sketched([None] * len(drafts), [_said(d.around) for d in drafts])
        counts = np.array([len(d.calls) for d in drafts], np.int64)
        owner = np.repeat(np.arange(len(drafts)), counts)
        samples, topic = _samples(drafts, np.maximum(around.totals, 0)[owner])
        voices["samples"], voices["sample"] = counts, np.concatenate([[0], np.cumsum(counts)[:-1]])
        voices["gram"], voices["grams"] = template.offsets[:-1], np.diff(template.offsets)
        for name, texts in (("system", [d.system for d in drafts]), ("tools", [d.tools for d in drafts])):
            exact = sketch.exact(pa.array(texts, pa.large_string()))
            voices[f"{name}_hash"], voices[f"{name}_chars"] = exact.hashes, exact.chars
        voices["tool_count"] = [d.tool_count for d in drafts]
        voices["fixed"] = [d.fixed for d in drafts]
        voices["topic"], voices["keep"] = _steady_bits(topic, samples["topic"] == 1, voices["sample"], counts)
        words = _words(drafts, template)
        common, layers, common_words = _common(drafts, rng)
        words.update(common_words)
        phrases = pa.table({"gram": pa.array(list(words), pa.int64()), "words": pa.array(list(words.values()), pa.string())})
        known, where, often = np.unique(template.grams, return_inverse=True, return_counts=True)
        grams = np.where(often[where] > 1, -template.grams, template.grams) if known.size else template.grams
        return Voices(voices, samples, grams.astype(np.int32), common, layers, talks, phrases)


def _said(parts: Iterable[str]) -> str:
    """Parts as messages of their own: no gram reaches over what stands between them."""
    return "".join(f"{TURN}u{part}" for part in parts)


class _Sketched:
    """Sketches of many texts: at most `MOST_GRAMS` grams each, and about how many there were before thinning."""

    def __init__(self, system: Sequence[str | None], said: Sequence[str]) -> None:
        self.columns = pa.array(system, pa.large_string()), pa.array(said, pa.large_string())
        offsets, hashes = sketch.sketches(*self.columns)
        rows = len(said)
        counts = np.diff(offsets)
        grams = sketch.grams(hashes)
        # long texts are thinned: how many there were is known from their length, at 26 characters each
        chars = np.array([len(text or "") for text in system]) + np.array([len(text) for text in said])
        self.totals = np.where(counts >= 24, np.maximum(counts, chars // 26), counts)
        self.offsets = offsets.astype(np.int32)
        self.grams = grams.astype(np.int32)
        assert rows == counts.size


def _samples(drafts: list[Draft], around: Array) -> tuple[Array, Array]:
    calls = [call for d in drafts for call in d.calls]
    said = pa.array([f"{TURN}u{text}" for text, _ in calls], pa.large_string())
    sketched = _Sketched([None] * len(calls), [f"{TURN}u{text}" for text, _ in calls])
    topic = topics(said, last_turn=True)
    samples = np.zeros(len(calls), SAMPLE)
    samples["chars"] = sketch.exact(said).chars - 2
    samples["slots"] = np.maximum(sketched.totals - around, 0)
    samples["answer"] = [answer for _, answer in calls]
    samples["grows"] = [d.grows for d in drafts for _ in d.calls]
    samples["shape"] = shapes(said).fill_null(0).to_numpy()
    samples["topic"] = topic.is_valid().to_numpy(zero_copy_only=False)
    return samples, topic.fill_null(0).to_numpy().view(np.uint64)


def _steady_bits(topic: Array, has: Array, first: Array, counts: Array) -> tuple[Array, Array]:
    """For each voice the bits of the topic in which its calls agree. Two or three agree in many by luck: then nothing is steady."""
    base, keep = np.zeros(counts.size, np.uint64), np.zeros(counts.size, np.uint64)
    for voice in np.flatnonzero((counts >= 4) | (counts == 1)):
        own = slice(first[voice], first[voice] + min(int(counts[voice]), 64))
        if not has[own].all():
            continue
        both = np.bitwise_and.reduce(topic[own]), np.bitwise_or.reduce(topic[own])
        base[voice], keep[voice] = both[0], both[0] | ~both[1]
        if counts[voice] < 8 and int(keep[voice]).bit_count() < 16:  # of six, two bits agree by luck
            keep[voice] = 0
    return base, keep


def _words(drafts: list[Draft], template: _Sketched) -> dict[int, str]:
    """The words behind the grams of templates that many send."""
    found: dict[int, str] = {}
    for row, draft in enumerate(drafts):
        if draft.known:
            found |= _shown(*template.columns, row)
    return found


def _shown(system: pa.Array[Any], said: pa.Array[Any], row: int) -> dict[int, str]:
    tokens = fold_table().tokens
    cut = sketch.origins(system, said, row)
    grams = sketch.grams(np.array([*cut], np.int64)).tolist()
    return {
        gram: show(tokens(text)) for gram, text in zip(grams, cut.values(), strict=True) if "@" not in text and not personal(tokens(text))
    }


def _common(drafts: list[Draft], rng: random.Random) -> tuple[Array, Array, dict[int, str]]:
    """Phrases that anybody says: those that recur in the drafts of people, then others of the same words."""
    said = [text for d in drafts if not d.around and d.system is None and len(d.calls) > 100 for text, _ in d.calls]
    columns = pa.nulls(len(said), pa.large_string()), pa.array([f"{TURN}u{text}" for text in said], pa.large_string())
    offsets, hashes = sketch.sketches(*columns)
    grams = sketch.grams(hashes)
    seen = Counter(grams.tolist())
    often = [gram for gram, count in seen.most_common(PHRASES // 8) if count >= 3]
    words: dict[int, str] = {}
    wanted = set(often)
    row_of = dict(zip(grams.tolist(), np.repeat(np.arange(len(said)), np.diff(offsets)).tolist(), strict=True))
    for row in sorted({row_of[gram] for gram in often}):
        words |= {gram: text for gram, text in _shown(*columns, row).items() if gram in wanted}
    ranked = [gram for gram in often if gram in words]
    vocabulary = [word for word, _ in Counter(w for text in said for w in text.lower().split() if w.isalpha()).most_common(6000)]
    numbers = np.random.default_rng(rng.getrandbits(64))
    while len(ranked) < PHRASES and vocabulary:
        # frequent words oftener; one sequence of four words in four is sampled
        chosen = (len(vocabulary) * numbers.random((4 * (PHRASES - len(ranked)) + 4096, 4)) ** 2).astype(np.int64)
        invented = [" ".join([vocabulary[i] for i in four]) for four in chosen.tolist()]
        cuts, cut = sketch.sketches(
            pa.nulls(len(invented), pa.large_string()), pa.array([f"{TURN}u{t}" for t in invented], pa.large_string())
        )
        for row, gram in zip(
            np.flatnonzero(np.diff(cuts) == 1).tolist(), sketch.grams(cut[cuts[:-1][np.diff(cuts) == 1]]).tolist(), strict=True
        ):
            if gram not in words and len(ranked) < PHRASES:
                words[gram] = invented[row]
                ranked.append(gram)
    values = np.array(ranked, np.int64)
    layer = np.clip(TOP - 1 - np.floor(np.log2(np.maximum(values, 1))), 0, LAYERS - 1).astype(np.int64)
    order = np.argsort(layer, kind="stable")
    return values[order].astype(np.int32), np.searchsorted(layer[order], np.arange(LAYERS + 1)).astype(np.int64), words
