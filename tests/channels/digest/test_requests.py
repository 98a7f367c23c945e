"""What is known of requests that several accounts send: handoffs, requests in common, and the sample that they are."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
import pytest
from folded import DAY0, digested, drawn_calls, table_of_calls

from stillhunt.channels.digest import state as states


def calls(*rows):
    """Rows of (account, seconds, request, status)."""
    account, seconds, prompt, status = zip(*rows, strict=True)
    moments = [DAY0 + round(second * 1e6) for second in seconds]
    return table_of_calls({"account_id": account, "started_at": moments, "prompt_hash": prompt, "http_status": status})


def handed(digest):
    found = digest.handoffs
    return Counter({digest.accounts[who]: times for who, times in zip(found.accounts.tolist(), found.occurrences.tolist(), strict=True)})


@pytest.mark.parametrize("cut", range(4))
def test_a_handoff_is_seen_across_the_border_of_two_pieces(cut):
    table = calls(("giver", 0, 1, 429), ("other", 10, 2, 200), ("taker", 50, 1, 200))
    digest = digested(table.slice(0, cut), table.slice(cut))
    assert handed(digest) == {"giver": 1, "taker": 1}
    assert digest.handoffs.first.tolist() == [DAY0, DAY0]
    assert digest.handoffs.last.tolist() == [DAY0 + 50_000_000] * 2


def test_a_refusal_is_forgotten_after_a_minute_however_many_pieces_lie_between():
    pieces = [calls(("other", second, 9, 200)) for second in range(1, 59, 5)]
    assert handed(digested(calls(("giver", 0, 1, 429)), *pieces, calls(("taker", 59, 1, 200)))) == {"giver": 1, "taker": 1}
    assert handed(digested(calls(("giver", 0, 1, 429)), *pieces, calls(("taker", 61, 1, 200)))) == {}


def sent(table):
    """request -> account -> calls."""
    found = defaultdict(Counter)
    for row in table.to_pylist():
        if row["prompt_hash"] is not None:
            found[row["prompt_hash"], row["system_hash"] or 0][row["account_id"]] += 1
    return found


@pytest.mark.parametrize("seed", range(3))
def test_requests_in_common_are_exact_while_all_are_kept(seed):
    table = drawn_calls(seed, size=900)
    digest, true = digested(table), sent(table)
    shared = digest.shared
    assert shared.rate == 1.0
    common = sorted(sorted(accounts.items()) for accounts in true.values() if len(accounts) >= 2)
    found = defaultdict(list)
    for who, key, times in zip(shared.accounts.tolist(), shared.keys.tolist(), shared.calls.tolist(), strict=True):
        found[key].append((digest.accounts[who], times))
    assert sorted(map(sorted, found.values())) == common
    totals = sum(true.values(), Counter())
    assert shared.sampled.tolist() == [totals[account] for account in digest.accounts]
    assert digest.distinct(np.arange(len(digest.accounts))) == (len(true), sum(map(len, true.values())))
    assert digest.distinct(np.array([0]))[0] == sum(digest.accounts[0] in accounts for accounts in true.values())


def thinned(monkeypatch, most, *tables):
    monkeypatch.setattr(states, "MOST_PAIRS", most)
    digest = digested(*tables)
    shared = digest.shared
    monkeypatch.undo()
    return digest, shared


def rows_of(shared):
    return set(zip(shared.accounts.tolist(), shared.keys.tolist(), shared.calls.tolist(), strict=True))


def test_thinning_keeps_whole_requests_with_exact_counts(monkeypatch):
    table = drawn_calls(5, size=3000, accounts=40)
    digest, part = thinned(monkeypatch, 900, table)
    _, everything = thinned(monkeypatch, 10**9, table)
    assert part.rate in {0.5, 0.25, 0.125}
    assert 0 < part.accounts.size < everything.accounts.size
    kept = set(part.keys.tolist())
    assert rows_of(part) == {row for row in rows_of(everything) if row[1] in kept}, "no request is kept for some accounts only"
    assert digest._pairs.key.size <= 900
    assert len(kept) == pytest.approx(part.rate * len(set(everything.keys.tolist())), rel=0.25)
    assert (part.sampled <= everything.sampled).all()


def test_thinning_is_the_same_whenever_it_happens(monkeypatch):
    table = drawn_calls(6, size=3000, accounts=40)
    _, whole = thinned(monkeypatch, 900, table)
    pieces = [table.slice(begin, 37) for begin in range(0, 3000, 37)]
    monkeypatch.setattr(states, "_BUFFERED", 100)
    _, cut = thinned(monkeypatch, 900, *pieces)
    assert (cut.rate, rows_of(cut), cut.sampled.tolist()) == (whole.rate, rows_of(whole), whole.sampled.tolist())


def test_the_share_that_is_in_common_is_right_on_average_after_thinning(monkeypatch):
    differences = []
    for seed in range(25):
        rng = np.random.default_rng(seed)
        own = rng.integers(0, 2**62, (2, 600))
        own[1, :180] = own[0, :180]  # 30 % in common
        tables = [
            calls(*((account, at, int(request), 200) for at, request in enumerate(row))) for account, row in zip("ab", own, strict=True)
        ]
        _, shared = thinned(monkeypatch, 450, *tables)
        assert shared.rate == 0.25
        differences += [shared.calls[shared.accounts == who].sum() / shared.sampled[who] - 0.3 for who in (0, 1)]
    # 150 sampled calls each; the two sides of a pair say nearly the same
    assert np.mean(differences) == pytest.approx(0.0, abs=4 * np.sqrt(0.3 * 0.7 / (150 * 25)))


def test_every_call_of_chosen_accounts_is_told_with_its_time_and_whether_it_came_in_a_batch():
    table = drawn_calls(1)
    digest = digested(table.slice(0, 150), table.slice(150))
    chosen = np.array([4, 1])
    who, when, batch = digest.times_of(chosen)
    expected = sorted(
        (digest.accounts.index(row["account_id"]), round(row["started_at"].timestamp() * 1e6), row["surface"] == "batch")
        for row in table.to_pylist()
        if digest.accounts.index(row["account_id"]) in chosen
    )
    assert sorted(zip(who.tolist(), when.tolist(), batch.tolist(), strict=True)) == expected


def test_the_latest_calls_of_groups_are_those_with_the_latest_times_batches_left_out():
    table = drawn_calls(2)
    digest = digested(table.slice(0, 150), table.slice(150))
    groups = [np.array([0, 3]), np.array([3, 5, 6]), np.array([2])]
    for most in (5, 10_000):
        for group, (who, when) in zip(groups, digest.latest(groups, most), strict=True):
            every, moments, batch = digest.times_of(group)
            expected = np.sort(moments[~batch])[-most:]
            assert np.sort(when).tolist() == expected.tolist()
            assert set(who.tolist()) <= set(every.tolist())
