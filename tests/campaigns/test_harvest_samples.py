"""Quantities of a harvest where accounts have more calls than the digest samples: they come out as if every call had been counted."""

from __future__ import annotations

import numpy as np
import pytest
from drawn import call, digest, no_traits

from stillhunt.campaigns import harvest
from stillhunt.campaigns.harvest import quantities
from stillhunt.channels.digest.kernels import LEAST_UNITS

LISTED, SHARED, CHAT = 600, 400, 300
GRAM = 77


def sent(seed):
    """Calls of four accounts, two of which share two thirds of their list, the third of which also talks, and of which one is small."""
    rng = np.random.default_rng(seed)
    common = rng.integers(0, 2**62, SHARED)
    rows = []
    for account in ("a", "b", "c", "d"):
        own = rng.integers(0, 2**62, LISTED if account in "ab" else 200 if account == "c" else 15)
        if account in "ab":
            own[:SHARED] = common
        for number, prompt in enumerate(rng.permutation(own)):
            # longer lists are answered at greater length, so that who counts for how much can be told
            length = int(rng.integers(700, 900)) + (400 if account in "ab" else 0)
            plain = {"prompt_hash": int(prompt), "message_count": 1, "output_tokens": length, "sketch": [GRAM], "http_status": 200}
            rows.append(call(account, number / 60, **plain))
            if rng.random() < 0.2:
                rows.append(call(account, number / 60, **plain))
    for turn in range(CHAT):
        asked = {"prompt_hash": int(rng.integers(0, 2**62)), "message_count": 2 * (turn % 6) + 1, "output_tokens": 40, "sketch": [5]}
        rows.append(call("c", turn / 6, conversation_id=f"talk{turn // 6}-{seed}", http_status=200, **asked))
    return rows


def counted(rows, *, grams):
    """The same quantities by counting every call."""
    rows = [row for row in rows if not grams or GRAM in row["sketch"]]
    calls = len(rows)
    alone = [row for row in rows if "conversation_id" not in row]
    own = {account: {row["prompt_hash"] for row in alone if row["account_id"] == account} for account in "abcd"}
    distinct_each = sum(len(prompts) for prompts in own.values())
    together = len(set().union(*own.values()))
    return {
        "fresh": (distinct_each + calls - len(alone)) / calls * together / distinct_each,
        "single": len(alone) / calls,
        "answered": float(np.median([row["output_tokens"] for row in rows])),
    }


def estimated(rows, *, grams):
    of_calls = digest(sorted(rows, key=lambda row: row["started_at"]))
    units = of_calls.units_of(np.arange(4))
    assert np.bincount(units.of).max() > LEAST_UNITS, "the larger accounts are sampled"
    assert units.weight.max() > 5
    assert set(units.weight[units.of == 3].tolist()) == {1.0}, "and the small one is there as a whole"
    return quantities(of_calls, np.arange(4), no_traits(4, top=[-1] * 4), [str(GRAM)] if grams else [])


@pytest.mark.parametrize("grams", [True, False])
def test_what_the_sample_says_of_a_pool_is_what_counting_says(grams):
    worlds = [sent(seed) for seed in range(12)]
    found = [estimated(rows, grams=grams) for rows in worlds]
    true = [counted(rows, grams=grams) for rows in worlds]
    # some 170 sampled requests a world and 12 worlds; the standard error of a share is 0.5 / sqrt(170) in one of them at most
    for name, one, mean in (("fresh", 0.1, 0.02), ("single", 0.15, 0.04)):
        errors = [a[name] - b[name] for a, b in zip(found, true, strict=True)]
        assert max(map(abs, errors)) < one
        assert abs(float(np.mean(errors))) < mean
    ratios = [a["answered"] / b["answered"] for a, b in zip(found, true, strict=True)]
    assert float(np.mean(ratios)) == pytest.approx(1.0, abs=0.05)


def test_a_list_that_two_accounts_share_makes_a_pool_less_fresh_as_counting_says():
    rng = np.random.default_rng(3)
    errors = []
    for share in (0.0, 0.25, 0.5, 1.0):
        common = rng.integers(0, 2**62, 500)
        rows = []
        for account in "ab":
            own = rng.integers(0, 2**62, 500)
            own[: int(500 * share)] = common[: int(500 * share)]
            rows += [
                call(account, number / 60, prompt_hash=int(prompt), message_count=1, http_status=200)
                for number, prompt in enumerate(rng.permutation(own))
            ]
        of_calls = digest(sorted(rows, key=lambda row: row["started_at"]))
        fresh = quantities(of_calls, np.arange(2), no_traits(2, top=[-1, -1]))["fresh"]
        errors.append(fresh - (1 - share / 2))
    # some 40 sampled requests an account: 0.5 / sqrt(80) is the standard error of the share that is had twice
    assert max(map(abs, errors)) < 4 * 0.5 * 0.5 / np.sqrt(40)
    assert errors[0] == 0.0, "where nothing is shared nothing is taken off"
    assert errors[-1] == pytest.approx(0.0, abs=1e-9), "and where all is, half"


def test_a_large_account_counts_for_as_many_calls_as_it_made_whatever_was_sampled_of_it():
    # ninety calls alone in the large account, and ten in conversations in each of three small ones: three in four are alone
    rows = [
        call("large", number / 60, prompt_hash=1000 + number, message_count=1, http_status=200, output_tokens=5) for number in range(900)
    ]
    for account in ("x", "y", "z"):
        rows += [
            call(account, turn, prompt_hash=turn, conversation_id=account, message_count=2 * turn + 1, http_status=200, output_tokens=500)
            for turn in range(100)
        ]
    found = quantities(digest(sorted(rows, key=lambda row: row["started_at"])), np.arange(4), no_traits(4, top=[-1] * 4))
    assert found["single"] == pytest.approx(0.75, abs=0.06)
    assert found["answered"] == 5.0


def test_of_a_large_pool_a_part_drawn_at_random_says_what_the_whole_does(monkeypatch):
    rng = np.random.default_rng(4)
    rows = [
        call(f"a{who:03d}", hour, prompt_hash=int(rng.integers(2**62)), message_count=int(rng.choice([1, 1, 3])), output_tokens=int(length))
        for who, length in enumerate(rng.integers(400, 1200, 300))
        for hour in range(10)
    ]
    of_calls, everybody = digest(rows), np.arange(300)
    whole = quantities(of_calls, everybody, no_traits(300, top=[-1] * 300))
    monkeypatch.setattr(harvest, "MOST_MEMBERS", 120)
    part = quantities(of_calls, everybody, no_traits(300, top=[-1] * 300))
    assert part != whole
    assert part == quantities(of_calls, everybody, no_traits(300, top=[-1] * 300)), "the same part whenever it is asked"
    assert part["single"] == pytest.approx(whole["single"], abs=0.06)
    assert part["answered"] == pytest.approx(whole["answered"], rel=0.2)
    assert part["fresh"] == whole["fresh"] == 1.0
