"""The k-anonymous dictionary: no words come out that fewer than k accounts have sent."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillhunt import records
from stillhunt.intake import sketch
from stillhunt.intake.fingerprint import Fingerprinter
from stillhunt.intake.phrases import PENDING, PhraseBook, personal, show
from stillhunt.intake.unicode_table import UNSPACED, WORD, table

KEY = bytes(range(32))
INSTRUCTION = "Think step by step, then write the final answer between two tags and explain every single decision in plain words."


def calls(*pairs, system=None):
    rows = [
        {"interaction_id": str(i), "account_id": account, "transcript": f"\x1eu{text}", "system": system}
        for i, (account, text) in enumerate(pairs)
    ]
    return pa.Table.from_pylist(rows, schema=records.INTAKE_INTERACTIONS)


def sampled(text):
    hashes = sketch.sketches(pa.nulls(1, pa.large_string()), pa.array([f"\x1eu{text}"], pa.large_string()))[1]
    return sketch.grams(hashes).tolist()


def learnt(fingerprinter, *pairs, **options):
    fingerprinter.interactions(calls(*pairs, **options), "canonical")
    return dict(zip(*fingerprinter.phrases().to_pydict().values(), strict=True))


def words_of(*texts):
    return learnt(Fingerprinter(KEY, k_anonymity=2), *((f"{i}-{a}", text) for a in (1, 2) for i, text in enumerate(texts)))


def test_words_come_out_with_the_tenth_account_and_not_before():
    fingerprinter = Fingerprinter(KEY)
    assert learnt(fingerprinter, *((f"acct-{i}", INSTRUCTION) for i in range(9))) == {}
    found = learnt(fingerprinter, ("acct-9", INSTRUCTION))
    assert set(found) == set(sampled(INSTRUCTION))
    folded = INSTRUCTION.lower().replace(",", "").replace(".", "")
    assert all(words in folded and len(words.split()) == 4 for words in found.values())


def test_one_account_is_one_however_often_it_calls():
    fingerprinter = Fingerprinter(KEY)
    assert learnt(fingerprinter, *(("acct-0", INSTRUCTION) for _ in range(500))) == {}
    assert learnt(fingerprinter, *((f"acct-{i % 9}", INSTRUCTION) for i in range(500))) == {}


def test_words_come_out_once():
    fingerprinter = Fingerprinter(KEY, k_anonymity=3)
    assert learnt(fingerprinter, *((f"acct-{i}", INSTRUCTION) for i in range(3)))
    assert learnt(fingerprinter, *((f"acct-{i}", INSTRUCTION) for i in range(9))) == {}


def test_the_system_text_is_in_the_dictionary_too():
    found = learnt(
        Fingerprinter(KEY, k_anonymity=2), ("a", ""), ("b", ""), system="You are one careful grader of long mathematical proofs."
    )
    assert found
    assert all(w in "you are one careful grader of long mathematical proofs" for w in found.values())


WORDS = st.lists(st.sampled_from(["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta"]), min_size=4, max_size=9).map(
    " ".join
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 7).map(str), st.one_of(WORDS, st.text(max_size=30))), max_size=60),
    st.integers(2, 5),
    st.sampled_from([256, 4096, 1_000_000]),
)
def test_no_phrase_that_fewer_than_k_accounts_sent(pairs, k, memory):
    fingerprinter = Fingerprinter(KEY, k_anonymity=k)
    fingerprinter._book = PhraseBook(k, memory=memory)  # small tables forget, and what is forgotten must never count twice
    found = learnt(fingerprinter, *pairs)
    senders: dict[int, set[str]] = {}
    for account, text in pairs:
        for gram in sampled(text):
            senders.setdefault(gram, set()).add(account)
    assert all(len(senders[gram]) >= k for gram in found)
    if memory == 1_000_000:
        assert {g for g, who in senders.items() if len(who) >= k} == set(found)


def test_words_are_those_that_all_accounts_sent_not_how_the_last_one_wrote_them():
    hidden = "\u200b".join(INSTRUCTION.upper()).replace("STEP", "STÉP")
    found = learnt(Fingerprinter(KEY, k_anonymity=2), ("a", INSTRUCTION), ("b", hidden))
    assert found
    assert all(w.isascii() and w == w.lower() for w in found.values())


def test_unspaced_scripts_are_shown_without_spaces_and_numbers_as_signs():
    assert show([("请", UNSPACED), ("先", UNSPACED), ("gpt", WORD), ("4", WORD), ("写", UNSPACED)]) == "请先 gpt # 写"
    assert any("推理" in w or "答案" in w for w in words_of("请先逐步推理然后再给出最终答案不要省略任何中间步骤并说明理由").values())
    assert show(table().tokens("한국어 텍스트")) == "한국어 텍스트"


def test_personal_looking_phrases_are_not_kept():
    harmless = "and please answer with a short list of three careful reasons that a child could follow without any help"
    private = [
        "write to jane.doe@example.com at once",
        "my number is 555 0100 234 so call",
        "the key is a1b2c3d4e5f6a7b8c9d0e1f2a3 and it stays",
        "customer 123456789 asked again",
    ]
    shown = " ".join(words_of(*(f"{p} {filler} {harmless}" for p in private for filler in ("", "now", "soon", "later"))).values())
    assert "careful reasons" in shown
    for secret in ("jane", "doe", "0100", "234", "a1b2", "123456789"):
        assert secret not in shown


@pytest.mark.parametrize("text", ["1234567", "call 555 010 99", "x" * 25 + "1"])
def test_long_numbers_and_keys_are_personal(text):
    assert personal(table().tokens(text))


@pytest.mark.parametrize("text", ["in 3 steps of 12 lines", "antidisestablishmentarianisms"])
def test_short_numbers_and_long_words_are_not(text):
    assert not personal(table().tokens(text))


def test_words_that_do_not_hash_to_their_gram_are_not_kept():
    book = PhraseBook(2)
    tokens = table().tokens("one two three four")
    assert not book.keep(sketch.gram_of(tokens) + 1, tokens, "one two three four")
    assert book.take().num_rows == 0


def test_grams_that_share_their_number_are_not_counted_together():
    book = PhraseBook(2)
    tokens = table().tokens("one two three four")
    whole = sketch.gram_of(tokens)
    assert learn(book, 1, [whole]) == []
    assert learn(book, 2, [whole ^ 1]) == []
    assert learn(book, 3, [whole]) == [whole]
    assert book.keep(whole, tokens, "one two three four")
    assert book.take().to_pydict() == {"gram": [whole >> 31], "words": ["one two three four"]}


def learn(book, account, grams):
    values = np.array(grams, np.int64)
    return book.learn(np.array([account], np.uint64), np.array([0, len(grams)], np.int64), values)[1].tolist()


def test_memory_stays_below_the_bound_and_a_flood_does_not_push_out_what_recurs():
    book = PhraseBook(10, memory=64_000)
    assert PhraseBook(10)._grams.nbytes <= 48_000_000
    assert book._grams.nbytes <= 64_000
    rng = np.random.default_rng(5)
    recurring = rng.integers(0, 2**62, 20).tolist()
    ripe = []
    for account in range(10):
        ripe += learn(book, account, recurring)
        ripe += learn(book, 1000 + account, rng.integers(0, 2**62, 300))
    assert sorted(ripe) == sorted(recurring)


def test_a_full_waiting_room_delays_phrases_and_loses_none():
    book = PhraseBook(2)
    book._kept = {-i: "x" for i in range(PENDING - 1)}
    assert learn(book, 1, [5, 6, 7]) == []
    assert learn(book, 2, [5, 6, 7]) == [5]
    book.take()
    assert learn(book, 2, [5, 6, 7]) == [6, 7]


@pytest.mark.parametrize("k", [-1, 0, 1, 101])
def test_k_that_protects_nobody_is_refused(k):
    with pytest.raises(ValueError, match="between 2 and 100"):
        PhraseBook(k)
