"""What the sample of an account's requests promises: all of it for small accounts, an unbiased part of it for large ones."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from folded import DAY0, digested, table_of_calls

from stillhunt.channels.digest.kernels import LEAST_UNITS, MOST_HELD, UNIT_GRAMS, UNIT_SHARE


def requests(prompts, account="a", **columns):
    size = len(prompts)
    moments = [DAY0 + 1_000_000 * number for number in range(size)]
    return table_of_calls({"account_id": [account] * size, "started_at": moments, "prompt_hash": prompts, **columns})


def units_of(digest, *members):
    return digest.units_of(np.array(members or range(len(digest.accounts))))


def test_of_a_small_account_every_request_is_there_with_all_its_calls():
    prompts = np.random.default_rng(1).integers(0, LEAST_UNITS, 200).tolist()
    units = units_of(digested(requests(prompts, output_tokens=[10 * prompt for prompt in prompts])))
    assert set(units.weight.tolist()) == {1.0}
    assert sorted(zip(units.output, units.calls, strict=True)) == sorted(
        (10.0 * prompt, times) for prompt, times in Counter(prompts).items()
    )
    assert units.seconds.min() == DAY0 // 1_000_000


def test_refused_calls_are_no_requests():
    units = units_of(digested(requests([1, 1, 2], http_status=[429, 200, 500])))
    assert units.calls.tolist() == [1]


def test_a_conversation_is_one_unit_that_its_first_call_tells_of():
    columns = {"conversation_id": ["c", "c", "c", None], "message_count": [1, 3, 5, 4], "output_tokens": [70, 80, 90, 5]}
    units = units_of(digested(requests([1, 2, 3, 4], sketch=[[1, 2], [3], [4], [5]], **columns)))
    by_calls = np.argsort(units.calls)
    assert units.calls[by_calls].tolist() == [1, 3]
    assert units.conversation[by_calls].tolist() == [False, True]
    assert units.single[by_calls].tolist() == [False, True]
    assert units.output[by_calls].tolist() == [5.0, 70.0]
    assert units.messages[by_calls].tolist() == [4, 1]
    assert units.grams[by_calls[1], :3].tolist() == [1, 2, -1]


def test_requests_without_words_are_units_of_their_own_without_a_prompt():
    units = units_of(digested(requests([None, None, 7])))
    assert units.calls.tolist() == [1, 1, 1]
    assert sorted((units.prompt == 0).tolist()) == [False, True, True]


def test_the_smallest_grams_of_a_unit_are_kept():
    sketch = list(range(100, 100 + UNIT_GRAMS + 9))
    units = units_of(digested(requests([1], sketch=[sketch])))
    assert units.grams[0].tolist() == sketch[:UNIT_GRAMS]


def test_where_tokens_are_not_counted_the_length_of_the_answer_stands_for_them():
    units = units_of(digested(requests([1, 2, 3], output_tokens=[9, None, None], response_chars=[400, 400, None])))
    assert sorted(units.output.tolist()) == [-1.0, 9.0, 100.0]


def large(seed, distinct, size):
    rng = np.random.default_rng(seed)
    known = rng.integers(0, 2**62, distinct)
    drawn = np.concatenate([known, known[rng.integers(0, distinct, size - distinct)]])  # each at least once
    return rng.permutation(drawn)


@pytest.mark.parametrize("seed", range(4))
def test_of_a_large_account_the_requests_with_the_smallest_hashes_are_kept_and_their_calls_are_exact(seed):
    prompts = large(seed, 3000, 6000)
    units = units_of(digested(requests(prompts)))
    assert LEAST_UNITS <= units.key.size <= 6000 // UNIT_SHARE
    # the same requests, each sent by an account of its own, are all there
    everything = units_of(digested(*(requests([prompt] * times, str(prompt)) for prompt, times in Counter(prompts.tolist()).items())))
    smallest = np.argsort(everything.key)[: units.key.size]
    order = np.argsort(units.key)
    assert units.key[order].tolist() == everything.key[smallest].tolist()
    assert units.calls[order].tolist() == everything.calls[smallest].tolist()
    assert len(set(units.weight.tolist())) == 1


def test_what_the_sample_says_is_right_on_average():
    distinct, kept, estimates, shares = 1200, [], [], []
    for seed in range(60):
        prompts = large(seed, distinct, 1500)
        # one request in five is long; whether it is depends on the request
        output = np.where(prompts % 5 == 0, 900, 20)
        units = units_of(digested(requests(prompts, output_tokens=output)))
        kept.append(units.key.size)
        estimates.append(units.weight.sum())
        shares.append((units.output > 500).mean() - (np.unique(prompts) % 5 == 0).mean())
    # the k smallest of 1,200 hashes tell their number with a relative error of 1 / sqrt(k), and a share of a fifth with sqrt(0.16 / k)
    assert min(kept) > 60
    assert np.mean(estimates) == pytest.approx(distinct, abs=4 * distinct / np.sqrt(sum(kept)))
    assert np.mean(shares) == pytest.approx(0.0, abs=4 * np.sqrt(0.16 / sum(kept)))


def test_requests_come_into_the_sample_early_and_late_alike():
    early, kept = 0, 0
    for seed in range(40):
        prompts = np.random.default_rng(seed).integers(0, 2**62, 1200)
        units = units_of(digested(requests(prompts)))
        early += int((units.seconds < DAY0 // 1_000_000 + 600).sum())
        kept += units.key.size
    assert early == pytest.approx(kept / 2, abs=4 * np.sqrt(kept / 4))


def test_two_accounts_sample_the_same_requests_the_same_way():
    prompts = large(3, 2000, 2000)
    units = units_of(digested(requests(prompts), requests(prompts[::-1], account="b")))
    one, other = set(units.key[units.of == 0].tolist()), set(units.key[units.of == 1].tolist())
    assert len(one & other) > 0.8 * len(one), "the smallest hashes are the same ones, but for those that the order of growth let go"


def test_units_come_in_the_order_that_was_asked_for():
    digest = digested(requests([1, 2, 3], "a"), requests([4], "b"), requests([5, 6], "c"))
    units = units_of(digest, 2, 0)
    assert units.of.tolist() == [0, 0, 1, 1, 1]


def test_slices_are_of_the_units_that_have_a_gram_or_of_all():
    columns = {
        "sketch": [[9], [9], [9], [1], [2]],
        "output_tokens": [100, 200, 300, 7, 7],
        "message_count": [1, 1, 3, 1, 1],
    }
    digest = digested(requests([1, 1, 2, 3, 4], **columns))
    of_gram, of_all = digest.slices(np.array([9])), digest.slices(np.array([-1]))
    assert (of_gram.share[0], of_all.share[0]) == (0.6, 1.0)
    assert of_gram.fresh[0] == pytest.approx(2 / 3)
    assert of_all.fresh[0] == pytest.approx(4 / 5)
    assert of_gram.single[0] == pytest.approx(2 / 3)
    assert of_gram.answered[0] == 100.0, "a request sent twice answers twice as its first call did"
    assert np.isnan(digest.slices(np.array([77])).fresh[0])


def recurring(digest, share=0.12, often=12, seldom=0.02):
    grams = digest.recurring(share, often, seldom)
    return {
        (digest.accounts[account], gram): times
        for account, gram, times in zip(grams.accounts.tolist(), grams.grams.tolist(), grams.occurrences.tolist(), strict=True)
    }


@pytest.mark.parametrize("seed", range(3))
def test_grams_of_a_small_account_are_counted_exactly(seed):
    rng = np.random.default_rng(seed)
    sketches = [sorted({int(gram) for gram in rng.integers(0, 25, 5)}) for _ in range(LEAST_UNITS)]
    times = Counter(gram for sketch in sketches for gram in sketch)
    found = recurring(digested(requests(range(LEAST_UNITS), sketch=sketches)), share=0.0)
    assert found == {("a", gram): count for gram, count in times.items() if count >= 2}


def test_a_gram_that_is_held_from_its_second_request_on_is_counted_exactly_however_many_follow():
    rng = np.random.default_rng(5)
    sketches = [sorted({3, *(int(gram) for gram in rng.integers(10, 2**31, 6))}) for _ in range(3000)]
    grams = digested(requests(rng.integers(0, 2**62, 3000), sketch=sketches)).recurring(0.12, 12, 0.02)
    assert (grams.grams.tolist(), grams.occurrences.tolist()) == ([3], [3000])
    assert grams.first.tolist() == [DAY0]
    assert grams.last.tolist() == [DAY0 + 2999 * 1_000_000]


def test_a_gram_that_is_found_late_is_counted_right_on_average():
    differences = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        has = rng.random(1500) < 0.2
        sketches = [[5, 1000 + at] if one else [2000 + at] for at, one in enumerate(has)]
        found = recurring(digested(requests(rng.integers(0, 2**62, 1500), sketch=sketches)))
        differences.append(found[("a", 5)] - has.sum())
    assert np.mean(differences) == pytest.approx(0.0, abs=5.0)
    assert np.std(differences) < 30


def test_an_instruction_that_begins_late_in_an_accounts_life_is_found():
    sketches = [[1000 + at] for at in range(1500)] + [[5, 3000 + at] for at in range(500)]
    prompts = np.random.default_rng(7).integers(0, 2**62, 2000)
    found = recurring(digested(requests(prompts, sketch=sketches)))
    assert found[("a", 5)] == pytest.approx(500, rel=0.2)


def test_no_more_grams_are_held_than_there_is_room_for():
    sketches = [list(range(at, at + 16)) for at in range(0, 160, 16)] * 2
    found = recurring(digested(requests(range(20), sketch=sketches)), share=0.0)
    assert len(found) == MOST_HELD


def test_grams_of_refused_calls_do_not_recur():
    assert recurring(digested(requests([1, 2, 3], sketch=[[5]] * 3, http_status=[429, 403, 200]))) == {}
