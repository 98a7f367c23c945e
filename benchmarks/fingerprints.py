"""How fast text becomes fingerprints, beside rensa 0.5 on the same texts, one thread, in one run.

Ours starts from the Arrow column that intake holds and ends with fingerprints; rensa starts from Python strings, as its
documentation shows, and ends with MinHash digests (128 permutations). Every honest way of calling rensa is timed and the
fastest is what we compare with: digests of word sets (which see no order) and of word 4-grams (which do, like ours).
`rho` samples token positions and leaves most of a long text out; it is listed, and compared with all the same.

Times are the process's CPU time, all threads together, so that neighbours on the machine count for neither side.

Run `python benchmarks/fingerprints.py`. Needs rensa (development group). Text: generated prose, and the multi-turn chats of
../shared/data beside the checkout when that folder is present.
"""

from __future__ import annotations

import os

os.environ["RAYON_NUM_THREADS"] = "1"  # before rensa is loaded: one thread against one thread

import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import rensa

from stillhunt.intake import sketch
from stillhunt.intake.fingerprint import Fingerprinter

PERMUTATIONS = 128
CHATS = Path(__file__).resolve().parents[2] / "shared" / "data" / "benign_sharegpt" / "turns.parquet"
BAR = 2.5


def prose(megabytes: float, seed: int = 1) -> list[str]:
    """Generated prose: sentences over 20,000 invented words with Zipf's frequencies, 30 to 900 words a text."""
    rng = random.Random(seed)
    syllables = [a + b for a in "bdfgklmnprstvw" for b in ("a", "e", "i", "o", "u", "an", "er", "on", "ist")]
    words = ["".join(rng.choices(syllables, k=rng.choice((1, 1, 2, 2, 2, 3, 4)))) for _ in range(20_000)]
    weights = [1 / (rank + 3) for rank in range(len(words))]
    texts, size = [], 0
    while size < megabytes * 1e6:
        drawn = rng.choices(words, weights, k=rng.randint(30, 900))
        for i in range(0, len(drawn), 13):
            drawn[i] = drawn[i].capitalize()
            drawn[i - 1] += rng.choice((".", ".", ",", "?\n"))
        texts.append(" ".join(drawn))
        size += len(texts[-1])
    return texts


def chats() -> list[str]:
    """What people wrote to a chat model and got back, where the folder is present; else nothing."""
    if not CHATS.exists():
        return []
    return [t for t in pq.read_table(CHATS, columns=["text"])["text"].to_pylist() if t]


def _four_grams(text: str) -> list[str]:
    words = text.split()
    return [" ".join(words[i : i + 4]) for i in range(len(words) - 3)]


def _one_by_one(texts: list[str]) -> None:
    for text in texts:
        minhash = rensa.RMinHash(num_perm=PERMUTATIONS, seed=42)
        minhash.update(text.split())
        minhash.digest()


def ways(texts: list[str]) -> dict[str, Callable[[], Any]]:
    """What is timed: our two, then rensa's."""
    transcript = pa.array(["\x1eu" + t for t in texts], pa.large_string())
    nothing = pa.nulls(len(texts), pa.large_string())
    columns: dict[str, pa.Array[Any]] = dict.fromkeys(("system", "tools", "response", "reasoning"), nothing)
    columns |= {"transcript": transcript, "account_id": pa.array([f"acct-{i % 997}" for i in range(len(texts))])}
    fingerprinter = Fingerprinter(bytes(32))
    fingerprinter.text_columns(columns)  # the dictionary is warm, as it is after the first minutes of an intake
    fingerprinter.phrases()
    batch = rensa.RMinHash.digest_matrix_from_token_sets
    rho = rensa.RMinHash.digest_matrix_from_token_sets_rho
    return {
        "ours: sketch": lambda: sketch.sketches(nothing, transcript),
        "ours: all text columns": lambda: fingerprinter.text_columns(columns),
        "rensa: words, RMinHash.update": lambda: _one_by_one(texts),
        "rensa: words, digest_matrix": lambda: batch([t.split() for t in texts], PERMUTATIONS, 42),
        "rensa: words, digest_matrix_rho": lambda: rho([t.split() for t in texts], PERMUTATIONS, 42),
        "rensa: 4-grams, digest_matrix": lambda: batch([_four_grams(t) for t in texts], PERMUTATIONS, 42),
        "rensa: 4-grams, digest_matrix_rho": lambda: rho([_four_grams(t) for t in texts], PERMUTATIONS, 42),
    }


def measure(*, megabytes: float = 10.0, runs: int = 7) -> dict[str, Any]:
    """Speeds of every way on every text, as the median of `runs` runs in alternation.

    Returns:
        For each text: `megabytes`, `mb_per_s` by way, and the ratios `sketch_ratio` and `text_ratio` of ours to rensa's fastest
        way of the same run (median over runs).
    """
    found: dict[str, Any] = {}
    for name, texts in (("prose", prose(megabytes)), ("chats", chats())):
        kept, size = [], 0
        for text in texts:
            if size >= megabytes * 1e6:
                break
            kept.append(text)
            size += len(text.encode())
        if not kept:
            continue
        timed = ways(kept)
        speeds: dict[str, list[float]] = {way: [] for way in timed}
        for run in range(runs + 1):
            for way, function in timed.items():
                begun = time.process_time()
                function()
                if run:  # the first one compiles and warms up
                    speeds[way].append(size / 1e6 / (time.process_time() - begun))
        best = [max(values) for values in zip(*(v for way, v in speeds.items() if way.startswith("rensa")), strict=True)]
        found[name] = {
            "megabytes": size / 1e6,
            "mb_per_s": {way: statistics.median(values) for way, values in speeds.items()},
            "sketch_ratio": statistics.median(a / b for a, b in zip(speeds["ours: sketch"], best, strict=True)),
            "text_ratio": statistics.median(a / b for a, b in zip(speeds["ours: all text columns"], best, strict=True)),
        }
    return found


def main() -> None:
    """Print the table."""
    for name, result in measure().items():
        print(f"{name}, {result['megabytes']:.1f} MB")
        for way, speed in result["mb_per_s"].items():
            print(f"  {way:36} {speed:8.1f} MB/s")
        for ratio, what in (("sketch_ratio", "sketch"), ("text_ratio", "all text columns")):
            print(f"  {what + ' / fastest rensa':36} {result[ratio]:8.2f} x   (bar {BAR})")
    if not CHATS.exists():
        print("chats: skipped, the data folder is not beside this checkout")


if __name__ == "__main__":
    main()
