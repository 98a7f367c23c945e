"""Sketches and exact hashes: the same numbers on every machine, and no way to hide an instruction behind its spelling."""

from __future__ import annotations

import random
import subprocess
import sys
import unicodedata as ucd

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillhunt.intake import sketch, thinning, unicode_table

BITS = (1 << 64) - 1


# A slow reference that shares nothing with the kernels: it reads Unicode from the running Python and uses plain integers.


def ref_atoms(char):
    def dropped(c):
        return ucd.category(c) in ("Cf", "Mn", "Me") or c in "\u0640\u115f\u1160\u3164\uffa0"

    def visible(text):
        return "".join(c for c in ucd.normalize("NFKD", text) if not dropped(c))

    for c in visible(visible(char).casefold()):
        if ucd.category(c) == "Nd":
            yield "word", str(ucd.decimal(c))
        elif ucd.category(c)[0] in "LN" or ucd.category(c) == "Mc":
            names = ("CJK UNIFIED", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN", "IDEOGRAPHIC")
            yield ("own", c) if ucd.name(c, "").startswith(names) else ("word", c)
        else:
            yield "gap", c


def ref_tokens(text):
    tokens = []
    word = ""
    for char in [*text, " "]:
        for kind, c in ref_atoms(char):
            if kind == "word":
                word += c
                continue
            if word:
                tokens.append((word, 2))
                word = ""
            if kind == "own":
                tokens.append((c, 1))
    return tokens


def ref_mum(a, b):
    return (a * b & BITS) ^ (a * b >> 64)


def ref_gram(tokens):
    total = 0
    for token, _ in tokens:
        raw = token.encode()
        h = 0x9E3779B97F4A7C15
        for i in range(0, len(raw), 8):
            h = ref_mum(h ^ int.from_bytes(raw[i : i + 8].ljust(8, b"\0"), "little"), 0xBF58476D1CE4E5B9)
        total = (total * 0x94D049BB133111EB + h) & BITS
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        total = (total ^ (total >> 33)) * factor & BITS
    return total ^ (total >> 33)


def ref_grams(message):
    tokens = ref_tokens(message)
    grams = []
    for end in range(1, len(tokens) + 1):
        start, weight = end, 0
        while start > 0 and weight < 8:
            start -= 1
            weight += tokens[start][1]
        if weight >= 8:
            grams.append(ref_gram(tokens[start:end]))
    return grams


def ref_kept(grams, most):
    threshold = 1 << 62
    while sum(g < threshold for g in grams) > most:
        threshold >>= 1
    return {g for g in grams if g < threshold}


def ref_sketch(messages, system=None):
    edges, between = set(), set()
    for number, message in enumerate([system or "", *messages]):
        grams = ref_grams(message)
        edge = 32 if number in (0, 1, len(messages)) else 0
        for place, gram in enumerate(grams):
            (edges if min(place, len(grams) - 1 - place) < edge else between).add(gram)
    kept = ref_kept(edges, 32) | ref_kept(between, 16)
    return sorted({g >> 31: g for g in sorted(kept, reverse=True)}.values())


def ref_hash(raw):
    if not raw:
        return 0

    def finish(h):
        for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
            h = (h ^ (h >> 33)) * factor & BITS
        return h ^ (h >> 33)

    lanes = [0x9E3779B97F4A7C15, 0x94D049BB133111EB]
    padded = raw + bytes(-len(raw) % 16)
    for i in range(0, len(padded), 8):
        h = lanes[i // 8 % 2]
        lanes[i // 8 % 2] = ref_mum(h ^ int.from_bytes(padded[i : i + 8], "little"), 0xBF58476D1CE4E5B9) ^ (h >> 1)
    h = finish(lanes[0] ^ finish(lanes[1]) ^ len(raw))
    return h - (1 << 64) if h >> 63 else h


def column(*texts):
    return pa.array(texts, pa.large_string())


def user(*messages):
    return "".join("\x1eu" + m for m in messages)


def sketch_of(*messages, system=None):
    offsets, hashes = sketch.sketches(column(system), column(user(*messages)))
    assert offsets.tolist() == [0, len(hashes)]
    return hashes.tolist()


NUMBERED = " ".join(f"word{i} of a very long text" for i in range(3000))
CORPUS = {
    "english": "Please rewrite the following answer as a numbered list, step by step, and explain why every step is needed.",
    "german": "Bitte prüfe die Übersetzung gründlich, ändere nur Fehler und erkläre größere Eingriffe in ein paar Sätzen.",
    "chinese": "请先逐步推理,再给出最终答案。不要省略任何中间步骤,并用编号列表说明理由。",
    "japanese": "次の文章を丁寧な日本語に書き直し、変更した理由をカタカナ語なしで説明してください。",
    "thai": "โปรดอธิบายเหตุผลทีละขั้นตอนก่อนให้คำตอบสุดท้าย",
    "arabic": "يرجى شرح خطوات الحل بالتفصيل قبل إعطاء الجواب النهائي في سطر واحد",
    "hindi": "कृपया अंतिम उत्तर देने से पहले हर चरण को विस्तार से समझाइए और कारण भी लिखिए",
    "russian": "Пожалуйста, объясните каждый шаг решения подробно и только затем дайте окончательный ответ.",
    "korean": "최종 답변을 하기 전에 각 단계를 자세히 설명하고 그 이유도 함께 적어 주세요",
    "emoji": "Rate 🙂 this 👩‍🔬 answer ⭐⭐⭐ from one 1️⃣ to five 5️⃣ and say ❤️ why please",
    "mixed": "请用 Python 3.11 写一个 function,把 ㎏ 换成 ½ lb,株式会社 ㍿ ﬁnal ＡＢＣ ｶﾞｷﾞ x² ١٢٣",
    "empty": "",
    "short": "only three words",
    "huge": NUMBERED,
    "plane two": "𠀀𠀁𠀂𠀃𠀄𠀅𠀆𠀇𠀈𠀉𠀊𠀋𠀌𠀍𠀎𠀏 𐐀𐐁𐐂 deseret 𝐛𝐨𝐥𝐝 𝐰𝐨𝐫𝐝𝐬 here",
}


@pytest.mark.parametrize("name", CORPUS)
def test_kernel_agrees_with_a_slow_reference(name):
    assert sketch_of(CORPUS[name]) == ref_sketch([CORPUS[name]])


GOLDEN = {  # grams, the smallest one's hash, and the exact hash: whoever changes one of these changes every lake in the field
    "english": (5, 213647735083635408, -3157034983408593124),
    "german": (4, 927200947642042387, 3926533073445474663),
    "chinese": (11, 688197711893886, 3122929796000092835),
    "japanese": (13, 325083877703222048, 4782605502276907723),
    "thai": (8, 346242232196485644, 2214249357205507821),
    "arabic": (3, 2686060516738241007, -7597175253374742463),
    "hindi": (6, 183946099289938175, 8020768772032903117),
    "russian": (3, 1428809276305194084, -323344335705896087),
    "korean": (3, 4050927313410030198, 5149534596971435166),
    "emoji": (3, 2994618221989653692, -974281028038575233),
    "mixed": (3, 1284913027321288445, -616887625286102169),
    "empty": (0, None, 0),
    "short": (0, None, -4174966104088579857),
    "huge": (26, 591771411540670, -2935494970389773837),
    "plane two": (2, 1787930317329074188, -9110769998862655616),
}


@pytest.mark.parametrize("name", CORPUS)
def test_golden_numbers_never_change(name):
    grams = sketch_of(CORPUS[name])
    smallest = grams[0] if grams else None
    assert (len(grams), smallest, sketch.exact(column(CORPUS[name])).hashes[0]) == GOLDEN[name]


@pytest.mark.parametrize("name", CORPUS)
def test_exact_hash_and_sizes_agree_with_a_slow_reference(name):
    text = user(CORPUS[name]) + "\x1ea" + CORPUS[name]
    exact = sketch.exact(column(text))
    assert exact.hashes.tolist() == [ref_hash(text.encode())]
    assert (exact.chars[0], exact.messages[0], exact.user_turns[0]) == (len(text), 2, 1)


ALPHABET = "abc XY.,09_-'äßÉİıſ \u0301\u200b\u00ad\u2060\ufe0f你好、ガｶﾞข้าﬁ½㍿ﷺ한글각\u1100\u1161\u11a8हिन्दी🙂𝐀𠀀\U000e0041\u3164ـش\n\t"


@settings(max_examples=400, deadline=None)
@given(st.lists(st.text(st.sampled_from(ALPHABET), max_size=60), max_size=4), st.none() | st.text(st.sampled_from(ALPHABET), max_size=40))
def test_kernel_agrees_with_the_reference_on_hostile_texts(messages, system):
    assert sketch_of(*messages, system=system) == ref_sketch(messages, system)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.none() | st.text(max_size=40), max_size=12), st.integers(0, 12), st.integers(0, 12))
def test_slices_nulls_and_padding_bytes_do_not_matter(texts, start, length):
    whole = pa.array([None if t is None else user(t) for t in texts], pa.large_string())
    part = whole.slice(min(start, len(texts)), length)
    fresh = pa.array(part.to_pylist(), pa.large_string())
    nothing = pa.nulls(len(part), pa.large_string())
    for found, expected in zip(sketch.sketches(nothing, part), sketch.sketches(nothing, fresh), strict=True):
        assert found.tolist() == expected.tolist()
    assert [a.tolist() for a in sketch.exact(part)] == [a.tolist() for a in sketch.exact(fresh)]


def test_only_the_system_text_and_users_are_sketched():
    instruction = CORPUS["english"]
    assert sketch_of(instruction) == sketch_of(system=instruction)
    for role in "ato":
        offsets, grams = sketch.sketches(column(None), column(f"\x1e{role}{instruction}"))
        assert offsets.tolist() == [0, 0]
        assert not grams.size


def test_grams_do_not_cross_messages():
    assert sketch_of("one two three", "four five six") == []
    assert set(sketch_of("alpha beta gamma delta epsilon", "zeta eta theta iota kappa")) == set(
        sketch_of("alpha beta gamma delta epsilon") + sketch_of("zeta eta theta iota kappa")
    )


DISGUISES = {
    "punctuation and space": lambda t: t.replace(" ", " ,;  \n—"),
    "upper case": str.upper,
    "decomposed": lambda t: ucd.normalize("NFD", t),
    "composed": lambda t: ucd.normalize("NFC", t),
    "full width": lambda t: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in t),
    "zero width characters": "\u200b".join,
    "soft hyphens": "\u00ad".join,
    "stacked accents": lambda t: "".join(c + "\u0336\u0301" if c.isalnum() else c for c in t),
    "tags": lambda t: "".join(c + "\U000e0061" for c in t),
    "variation selectors": "\ufe0f".join,
}


@pytest.mark.parametrize("name", ["english", "german", "chinese", "japanese", "arabic", "hindi", "russian", "korean", "thai"])
@pytest.mark.parametrize("disguise", DISGUISES)
def test_no_disguise_hides_an_instruction(name, disguise):
    text = CORPUS[name]
    if disguise == "upper case" and name == "german":
        text = text.replace("ß", "ss")
    assert sketch_of(DISGUISES[disguise](text)) == sketch_of(text) != []


def test_mathematical_letters_and_foreign_digits_fold():
    bold = "".join(chr(0x1D41A + ord(c) - 97) if "a" <= c <= "z" else c for c in "answer in exactly seven lines of 12 words")
    assert sketch_of(bold.replace("12", "١٢")) == sketch_of("answer in exactly seven lines of 12 words")


def test_an_instruction_is_found_wherever_it_stands():
    alone = set(sketch_of(CORPUS["english"], CORPUS["chinese"]))
    inside = set(sketch_of(f"Some earlier words. {CORPUS['english']} And later ones.", f"前面的话。{CORPUS['chinese']}后面"))
    assert alone
    assert alone <= inside


@pytest.mark.parametrize("words", [50, 500, 3000])
@pytest.mark.parametrize("name", ["english", "chinese", "russian"])
def test_no_document_however_long_hides_the_instruction_before_or_behind_it(name, words):
    alone = set(sketch_of(CORPUS[name]))
    document = " ".join(f"word{i} of a long text" for i in range(words // 5))
    assert alone
    assert alone <= set(sketch_of(f"{CORPUS[name]} {document}"))
    assert alone <= set(sketch_of(f"{document} {CORPUS[name]}"))
    assert alone <= set(sketch_of(document, system=CORPUS[name]))
    assert alone <= set(sketch_of(CORPUS[name], system=document))


def test_a_conversation_keeps_its_first_and_its_last_instruction_whole():
    said = [" ".join(f"turn{turn} has word{i} here" for i in range(60)) for turn in range(40)]
    first, last = set(sketch_of(CORPUS["english"])), set(sketch_of(CORPUS["german"]))
    whole = sketch_of(CORPUS["english"], *said, CORPUS["german"])
    assert first | last <= set(whole)
    assert len(whole) <= 48


def test_an_instruction_amid_long_documents_keeps_a_part_that_others_keep_too():
    instruction = " ".join(f"now do step{i} with great care and patience" for i in range(80))
    texts = [" ".join(f"{side}{i} of some text" for i in range(40)) for side in "abcdefgh"]
    kept = [set(sketch_of(f"{before} {instruction} {behind}")) for before, behind in zip(texts[::2], texts[1::2], strict=True)]
    assert set.intersection(*kept)


def test_order_counts():
    words = [f"token{i}" for i in range(400)]
    shuffled = words[:]
    random.Random(7).shuffle(shuffled)
    assert not set(sketch_of(" ".join(words))) & set(sketch_of(" ".join(shuffled)))
    assert (
        len({sketch.gram_of([(w, 1) for w in order]) for order in (["a", "b", "c", "d"], ["b", "a", "c", "d"], ["a", "b", "d", "c"])}) == 3
    )


def test_anagrams_and_boundaries_are_different_tokens():
    grams = [["listen", "to", "me", "now"], ["silent", "to", "me", "now"], ["listent", "o", "me", "now"], ["liste", "nto", "me", "now"]]
    assert len({sketch.gram_of([(w, 1) for w in g]) for g in grams}) == 4


def test_one_gram_in_four_is_kept_and_kept_hashes_are_uniform():
    texts = [" ".join(f"w{i * 1000 + j}" for j in range(63)) for i in range(2700)]
    offsets, grams = sketch.sketches(pa.nulls(2700, pa.large_string()), column(*map(user, texts)))
    expected = 2700 * 60  # each of 2700 texts has 63 - 3 grams, none of them twice, all at its edges
    assert abs(len(grams) / expected - 0.25) < 5 * (0.25 * 0.75 / expected) ** 0.5
    distinct = np.unique(grams)
    counts = np.histogram(distinct, bins=64, range=(0, 2**62))[0]
    chi_square = ((counts - counts.mean()) ** 2 / counts.mean()).sum()
    assert chi_square < 63 + 5 * (2 * 63) ** 0.5
    low_bits = np.bincount(distinct & 63, minlength=64)
    assert ((low_bits - low_bits.mean()) ** 2 / low_bits.mean()).sum() < 63 + 5 * (2 * 63) ** 0.5
    assert offsets[-1] == len(grams)


def test_one_changed_letter_changes_half_of_the_bits():
    rng = random.Random(3)
    flips = []
    for _ in range(400):
        words = ["".join(rng.choices("abcdefghij", k=6)) for _ in range(4)]
        place = rng.randrange(4)
        changed = [*words]
        changed[place] = "z" + changed[place][1:]
        flips.append((sketch.gram_of([(w, 1) for w in words]) ^ sketch.gram_of([(w, 1) for w in changed])).bit_count())
    assert 31 < sum(flips) / len(flips) < 33


def test_of_a_long_text_a_nested_part_is_kept_between_its_edges():
    grams = sketch_of(CORPUS["huge"])
    edges = {g for part in (NUMBERED[:400], NUMBERED[-400:]) for g in sketch_of(part)}
    between = set(grams) - edges
    assert 4 <= len(between) <= 16
    everything = {g for i in range(0, 3000, 5) for g in sketch_of(" ".join(f"word{j} of a very long text" for j in range(i, i + 7)))}
    assert {g for g in everything if g <= max(between)} == {g for g in grams if g <= max(between)}


def test_repetition_does_not_fill_a_sketch():
    assert sketch_of(" ".join(["again and again and so on"] * 5000)) == sketch_of(" ".join(["again and again and so on"] * 3))


def test_values_are_distinct_ascending_and_positive():
    for text in CORPUS.values():
        grams = sketch_of(text, text)
        assert grams == sorted(set(grams))
        assert all(0 <= g < 2**62 for g in grams)


def test_numbers_are_the_upper_31_bits_and_distinct_though_hashes_that_share_them_are_many():
    _, hashes = sketch.sketches(column(*[None] * 400), column(*(user(" ".join(f"{i}x{j}" for j in range(500))) for i in range(400))))
    numbers = sketch.grams(hashes)
    assert numbers.dtype == np.int32
    assert numbers.tolist() == [h >> 31 for h in hashes.tolist()]
    assert numbers.min() >= 0
    state = thinning.new_state(8)
    thinning.begin(state)
    state[0][:4], state[1][:4] = [(9 << 31) + 5, 3, (9 << 31) + 2, 9 << 31], range(4)
    assert thinning.settle(state, 4, 2, 4, 3) == 0
    kept = np.empty(thinning.MAX_GRAMS, np.uint64)
    assert (kept[: thinning.kept_of(state, kept)] >> np.uint64(31)).tolist() == [0, 9]


def test_origins_name_the_text_of_every_gram():
    system, messages = CORPUS["mixed"], [CORPUS["german"], CORPUS["chinese"], "㍿ﷺ " + CORPUS["korean"]]
    found = sketch.origins(column("other", system), column(None, user(*messages)), 1)
    assert set(found) >= set(sketch_of(*messages, system=system))
    tokens = unicode_table.table().tokens
    exact = [sketch.gram_of(tokens(text)) == gram for gram, text in found.items()]
    assert sum(exact) > 0.8 * len(exact)  # a code point that stands for several tokens cannot be cut


def test_the_plain_definition_agrees_with_the_reference():
    for text in CORPUS.values():
        tokens = ref_tokens(text)[:6]
        assert sketch.gram_of([(t, 0) for t, _ in tokens]) == ref_gram(tokens)
        assert [t for t, _ in unicode_table.table().tokens(text)] == [t for t, _ in ref_tokens(text)]


def test_a_damaged_text_cannot_crash_the_kernels():
    words = b"abc def ghi jkl mno pqr stu vwx yza bcd efg hij klm nop"
    raw = b"\x1eu\xf0\x9f\x98 \xff\xfe " + words + b" \xc3"  # cut within a code point, and bytes that are never UTF-8
    offsets = pa.py_buffer(np.array([0, len(raw)], np.int64).tobytes())
    broken = pa.LargeStringArray.from_buffers(1, offsets, pa.py_buffer(raw))
    grams = sketch.sketches(pa.nulls(1, pa.large_string()), broken)[1].tolist()
    assert set(sketch_of(words.decode())) <= set(grams)
    assert sketch.exact(broken).messages.tolist() == [1]


def test_the_table_covers_unicode_and_is_small():
    table = unicode_table.table()
    assert table.entries.size == unicode_table.PLANES_END
    assert table.unicode_version == "15.1.0"
    assert table.fold(0x30001) == [(unicode_table.UNSPACED, 0x30001)]
    assert table.fold(0xE0100) == [(unicode_table.IGNORED, 0)]
    assert table.fold(0x10FFFD) == [(unicode_table.SEPARATOR, 0)]


def test_importing_does_not_compile():
    code = "import stillhunt.intake.sketch as s; print(len(s._sketches.signatures), len(s._texts.signatures))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split() == ["0", "0"]
