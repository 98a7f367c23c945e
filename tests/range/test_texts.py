from __future__ import annotations

import itertools
import random
import re
from collections import Counter, defaultdict

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillhunt.errors import InputError
from stillhunt.range.bank.grammar import Corpus, Grammar, draw
from stillhunt.range.bank.source import BankTexts
from stillhunt.range.bank.work import walk
from stillhunt.range.shared_templates import parse
from stillhunt.range.shared_texts import SharedTexts, first_turn, open_texts
from stillhunt.range.texts import HARVEST_KINDS, PURPOSES, Application


def words(text: str) -> list[str]:
    return re.findall(r"[\w']+", text.lower())


def grams(text: str) -> set[tuple[str, ...]]:
    found = words(text)
    return {tuple(found[at : at + 4]) for at in range(len(found) - 3)}


HARMONISED = ("source", "subset", "row", "system", "prompt", "completion", "teacher", "meta")


def harmonised(path, rows: list[tuple[str, str, str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    full = [{**dict.fromkeys(HARMONISED, ""), "row": n, "subset": s, "prompt": p, "completion": c} for n, (s, p, c) in enumerate(rows)]
    pq.write_table(pa.Table.from_pylist(full), path)


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A folder of the same layout as the real sets, with texts drawn from the bank."""
    root = tmp_path_factory.mktemp("sets")
    bank, rng = BankTexts(), random.Random(11)
    turns = []
    for number in range(120):
        chat = bank.coding(rng) if number % 2 else bank.conversation(rng)
        for turn, (asked, answered) in enumerate(chat):
            answer = f"{answered}\n```\nx\n```" if number % 2 else answered
            turns += [
                {"conv": f"c{number}", "turn": 2 * turn, "role": "user", "text": asked, "chars": len(asked)},
                {"conv": f"c{number}", "turn": 2 * turn + 1, "role": "assistant", "text": answer, "chars": len(answer)},
            ]
    (root / "benign_chats").mkdir()
    pq.write_table(pa.Table.from_pylist(turns), root / "benign_chats/turns.parquet")
    harmonised(root / "benign_eval/letters.parquet", [("spell", f"Spell the word number {n}.", "abc") for n in range(40)])
    two_turns = [("bench", orjson.dumps([f"Opening number {n}", "and then?"]).decode(), "") for n in range(30)]
    harmonised(root / "benign_eval/turns_bench.parquet", two_turns)
    harmonised(root / "benign_eval/letters_prefixes.parquet", [("spell", "Spell the word cat: c a t", "")])
    filled = [("news", f"Label this news item please: {bank.prose(rng, 200)} Which label fits?", "sport") for _ in range(40)]
    harmonised(root / "benign_app_templates/filled.parquet", filled)
    harmonised(root / "benign_prompt_library/library.parquet", [("TEXT", f"{bank.prose(rng, 300)} {n}", "") for n in range(20)])
    harmonised(root / "benign_support/queries.parquet", [("card", f"Where is card {n}?", "") for n in range(50)])
    harmonised(root / "harvest_sums/math_set.parquet", [("m", f"What is {n} plus {n * 7}?", "Twelve.") for n in range(60)])
    templates = [
        ("app", "A rule for {{ language }} follows. " + "Mind the details of this text. " * 6 + "Text: {{text}} ||| {{answer}}"),
        ("app", "{% if x %}never{% endif %} {{text}} and more words here"),
        ("harvest_reasoning", "Reason at length. " * 15 + "Problem: {problem}\nHint: {hint}\nAnd now begin."),
    ]
    (root / "templates").mkdir()
    pq.write_table(
        pa.Table.from_pylist([{"role": role, "text": text, "name": f"t{n}"} for n, (role, text) in enumerate(templates)]),
        root / "templates/t.parquet",
    )
    (root / "paraphrases").mkdir()
    lines = [{"set": "Q", "kind": "harvest", "text": f"Wording {n} of it."} for n in range(5)]
    (root / "paraphrases/p.jsonl").write_bytes(b"\n".join(map(orjson.dumps, lines)))
    return root


@pytest.fixture(scope="session", params=["bank", "shared"])
def texts(request, folder):
    return BankTexts() if request.param == "bank" else SharedTexts(folder)


def test_the_same_generator_state_gives_the_same_text(texts):
    for method in ("conversation", "question", "coding", "probe"):
        assert getattr(texts, method)(random.Random(4)) == getattr(texts, method)(random.Random(4)), method


def test_people_do_not_type_the_same_words(texts):
    rng = random.Random(1)
    typed = Counter(texts.question(rng).prompt for _ in range(6_000))
    typed.update(asked for _ in range(1_500) for asked, _ in (texts.conversation(rng) if rng.random() < 0.6 else texts.coding(rng)))
    repeated = sum(count for count in typed.values() if count > 1)
    assert repeated <= 0.002 * typed.total()


def test_no_phrase_that_a_person_repeats_is_common_to_many_people():
    """The bank's promise to every channel that looks for shared instructions; measured as in the module's docstring."""
    bank, users, own = BankTexts(), defaultdict(set), {}
    people = 150
    for person in range(people):
        rng, calls = random.Random(person), []
        while len(calls) < 30:
            calls += [bank.question(rng).prompt] if rng.random() < 0.5 else [asked for asked, _ in bank.conversation(rng)]
        counts = Counter(gram for call in calls for gram in grams(call))
        own[person] = {gram for gram, count in counts.items() if count >= 0.12 * len(calls)}, len(counts)
        for gram in counts:
            users[gram].add(person)
    shares = [sum(len(users[gram]) > max(1, 0.01 * people) for gram in recurring) / total for recurring, total in own.values()]
    assert sum(shares) / people < 0.001
    assert max(shares) < 0.05


def test_conversations_are_mostly_short_and_some_are_long(texts):
    rng = random.Random(2)
    turns = sorted(len(texts.conversation(rng)) for _ in range(600))
    assert turns[0] == 1
    assert turns[300] <= 4
    assert turns[-1] >= 8


def test_people_write_in_several_languages():
    rng, bank = random.Random(3), BankTexts()
    prompts = [bank.question(rng).prompt for _ in range(1_500)]
    scripts = {
        "latin": "[a-z]{3}",
        "han": "[\u4e00-\u9fff]",
        "kana": "[\u3041-\u30ff]",
        "devanagari": "[\u0900-\u097f]",
        "arabic": "[\u0600-\u06ff]",
    }
    counts = {name: sum(bool(re.search(pattern, prompt)) for prompt in prompts) for name, pattern in scripts.items()}
    assert counts["latin"] > 0.8 * len(prompts)
    assert all(count >= 5 for count in counts.values()), counts


@pytest.mark.parametrize("kind", HARVEST_KINDS)
def test_a_work_queue_never_repeats_and_starts_over_alike(texts, kind):
    job = texts.harvest(random.Random(kind), kind)
    prompts = [exchange.prompt for exchange in itertools.islice(job.items(), 4_000)]
    assert len(set(prompts)) == 4_000
    assert [exchange.prompt for exchange in itertools.islice(job.items(), 50)] == prompts[:50]


def test_harvested_answers_are_long_and_evaluations_are_short(texts):
    rng = random.Random(5)
    taken = [len(exchange.response) for exchange in itertools.islice(texts.harvest(rng, "reasoning").items(), 200)]
    items = [len(item.response) for _ in range(5) for item in texts.evaluation(rng).items]
    assert sorted(taken)[100] > 1_500
    assert sorted(items)[len(items) // 2] < 120


def test_an_instruction_stands_in_every_call_of_a_job(texts):
    seen = set()
    for number in range(30):
        job = texts.harvest(random.Random(number))
        seen.add(job.in_system)
        marks = [part for part in job.instruction.split(Application.SLOT) if part.strip()]
        for exchange in itertools.islice(job.items(), 5):
            assert all(mark.strip() in (exchange.system or exchange.prompt) for mark in marks)
    assert seen == {True, False}


def test_two_operators_do_not_share_their_queue(texts):
    first, second = (set(itertools.islice((task.payload for task in texts.harvest(random.Random(n), "code").tasks()), 300)) for n in (1, 2))
    assert len(first & second) < 30 or isinstance(texts, SharedTexts)


def test_mild_paraphrases_keep_phrases_and_free_ones_do_not():
    bank = BankTexts()
    for name, least, most in (("mild", 3, 99), ("free", 0, 1)):
        wordings = bank.paraphrases(name)
        assert len(set(wordings)) == len(wordings) >= 16
        shared = [len(grams(one) & grams(other)) for one, other in itertools.combinations(wordings[:18], 2)]
        assert least <= sorted(shared)[len(shared) // 2] <= most


def test_a_paraphrased_job_says_the_same_task_in_another_wording(texts):
    job = texts.harvest(random.Random(1), "reasoning", "mild")
    task = next(job.tasks())
    one, other = job.render(task, 0), job.render(task, 1)
    assert one != other
    assert task.payload in one.prompt
    assert task.payload in other.prompt
    assert job.render(task, len(job.wordings)) == one


@pytest.mark.parametrize(("kind", "paraphrase"), [("nothing", None), ("math", "nothing")])
def test_unknown_names_are_refused(texts, kind, paraphrase):
    with pytest.raises(ValueError, match="nothing"):
        texts.harvest(random.Random(1), kind, paraphrase)


@pytest.mark.parametrize("purpose", PURPOSES)
def test_an_application_keeps_its_template_and_gets_fresh_input(texts, purpose):
    rng = random.Random(purpose)
    made = texts.application(rng, purpose)
    calls = [made.render(rng) for _ in range(100)]
    assert made.purpose == purpose
    assert {call.system for call in calls} == {made.system}
    head, slot, tail = made.template.partition(Application.SLOT)
    assert slot
    assert all(call.prompt.startswith(head) and call.prompt.endswith(tail) for call in calls)
    assert len({call.prompt for call in calls}) >= 99


def test_applications_of_ones_own_differ_and_published_ones_are_the_same_for_all(texts):
    rng = random.Random(6)
    made = [texts.application(rng) for _ in range(300)]
    assert len({(one.system, one.template) for one in made if one.system or one.template != Application.SLOT}) > 290
    again = texts.applications()
    assert [(one.name, one.system, one.template) for one in texts.applications()] == [(one.name, one.system, one.template) for one in again]


def test_an_evaluation_is_the_same_for_everybody(texts):
    found = {}
    for number in range(60):
        evaluation = texts.evaluation(random.Random(number))
        assert found.setdefault(evaluation.name, evaluation.items) == evaluation.items
        assert all(item.prompt.startswith(evaluation.prefix) for item in evaluation.items)
        assert len(evaluation.items) >= 20


def test_an_agent_session_repeats_its_transcript_and_grows(texts):
    framework = texts.framework(random.Random(1))
    steps = framework.session(random.Random(2))
    assert len(framework.system) > 1_000
    assert all(tool["type"] == "function" for tool in orjson.loads(framework.tools))
    for before, after in itertools.pairwise(steps):
        assert after.messages[: len(before.messages)] == before.messages
        assert after.messages[len(before.messages)] == {"role": "assistant", "content": before.response}
        assert after.messages[-1]["role"] == "tool"
    tasks = {framework.session(random.Random(n))[0].messages[0]["content"] for n in range(50)}
    assert len(tasks) == 50


def test_students_paste_one_text_and_ask_their_own_question(texts):
    given = texts.assignment(random.Random(8))
    asked = [given.ask(random.Random(n)).prompt for n in range(60)]
    assert all(given.text in prompt for prompt in asked)
    assert len(set(asked)) == 60


def test_popular_prompts_are_worth_pasting(texts):
    prompts = texts.popular_prompts()
    assert len(set(prompts)) == len(prompts) >= 10
    assert min(map(len, prompts)) > 100


# ------------------------------------------------------------------------------------------------------ folders of sets


def test_what_is_missing_is_said_and_the_bank_stands_in(tmp_path, folder):
    assert SharedTexts(folder).missing == []
    empty = SharedTexts(tmp_path)
    assert {"benign_eval", "templates", "paraphrases", "harvest_*"} <= set(empty.missing)
    rng = random.Random(1)
    assert empty.question(rng).prompt
    assert empty.evaluation(rng).items
    assert next(empty.harvest(rng, "agent").items()).prompt
    assert empty.paraphrases("free") == BankTexts().paraphrases("free")


def test_an_unreadable_table_is_named_and_loses_nothing_else(tmp_path):
    harmonised(tmp_path / "benign_eval/good.parquet", [("s", f"Item {n}", "x") for n in range(25)])
    (tmp_path / "benign_eval/bad.parquet").write_text("not a table")
    (tmp_path / "paraphrases").mkdir()
    (tmp_path / "paraphrases/p.jsonl").write_text("{broken")
    texts = SharedTexts(tmp_path)
    assert texts.evaluation(random.Random(1)).name == "good/s"
    assert texts.paraphrases("free")
    assert {"benign_eval/bad.parquet", "paraphrases/p.jsonl"} <= set(texts.missing)


def test_an_unreadable_set_of_people_is_named_too(tmp_path):
    (tmp_path / "benign_people").mkdir()
    (tmp_path / "benign_people/bad.parquet").write_text("not a table")
    texts = SharedTexts(tmp_path)
    assert "benign_people/bad.parquet" in texts.missing
    assert texts.conversation(random.Random(1))


def test_no_folder_means_the_bank_and_a_wrong_folder_is_an_error(tmp_path):
    assert isinstance(open_texts(None), BankTexts)
    with pytest.raises(InputError, match="no folder"):
        open_texts(tmp_path / "absent")


def test_sets_of_the_folder_are_used(folder):
    texts = SharedTexts(folder)
    names = {texts.evaluation(random.Random(n)).name for n in range(30)}
    assert names == {"letters/spell", "turns_bench/bench"}
    items = {item.prompt for n in range(30) for item in texts.evaluation(random.Random(n)).items}
    assert "Opening number 3" in items
    assert "Spell the word cat: c a t\n\nSpell the word number 5." in items
    assert texts.paraphrases("free") == [f"Wording {n} of it." for n in range(5)]
    assert any(one.name == "filled/news" and one.template.startswith("Label this news item please: ") for one in texts.applications())
    assert "plus" in next(texts.harvest(random.Random(1), "math").tasks()).payload


def test_two_draws_of_one_real_chat_share_few_phrases(folder):
    texts = SharedTexts(folder)
    rows = pq.read_table(folder / "benign_chats/turns.parquet").to_pylist()
    real = {row["text"]: grams(row["text"]) for row in rows if row["role"] == "user"}
    everything = set().union(*real.values())
    rng = random.Random(3)
    drawn = [grams(asked) for _ in range(150) for asked, *_ in texts.voices._chats.draw(rng)]
    assert sum(len(found & everything) for found in drawn) < 0.05 * sum(map(len, drawn))


@pytest.mark.parametrize(
    ("prompt", "text"),
    [
        ("plain", "plain"),
        ('["one", "two"]', "one"),
        ('[[{"role": "user", "content": "hey"}], []]', "hey"),
        ('[{"role": "user", "content": "hey"}]', "hey"),
        ("[not json", "[not json"),
        ("[]", "[]"),
        ("[1, 2]", "[1, 2]"),
    ],
)
def test_prompts_that_are_lists_of_turns_are_parsed(prompt, text):
    assert first_turn(prompt) == text


# ------------------------------------------------------------------------------------------------------------ mechanics


def test_a_template_is_split_into_settings_and_work():
    made = parse("n", "app", "f", 'In {language}: read {{text}} then {{ question | upper }}. {"json": 1} ||| {{answer}}', random.Random(1))
    assert made is not None
    assert "{language}" not in made.head
    assert made.tail == '. {"json": 1}'
    payload = made.payload(random.Random(1), lambda _: "W")
    assert payload == "W then W"


@pytest.mark.parametrize("text", ["{% for x in y %} long enough to count {{x}}", "{{a}} {{b}}", "short", "x" * 10_000])
def test_templates_that_cannot_be_filled_are_left_out(text):
    assert parse("n", "app", "f", text, random.Random(1)) is None


def test_a_walk_visits_every_filling_once():
    vocabulary = {"a": ["x", "y", "z"], "b": [str(n) for n in range(7)]}
    seen = list(walk("{a}-{b}-{a2}", vocabulary, random.Random(1)))
    assert len(seen) == len(set(seen)) == 3 * 7 * 3
    halves = Counter(entry[0] for entry in seen[:30])
    assert max(halves.values()) - min(halves.values()) <= 6


def test_patterns_offer_exactly_their_alternatives():
    node = Grammar({"w": ("a", "[b|c]")}).compile("[x|y ]{w}⟦⟧")
    assert {draw(node, random.Random(n)) for n in range(200)} == {f"{head}{tail}[]" for head in ("x", "y ") for tail in "abc"}


@pytest.mark.parametrize(("pattern", "error"), [("[a|b", ValueError), ("a]", ValueError), ("{nobody}", KeyError)])
def test_a_broken_pattern_is_refused(pattern, error):
    with pytest.raises(error):
        Grammar({}).compile(pattern)


def test_a_corpus_is_cut_at_sentence_ends_and_gives_what_is_asked():
    sentences = [f"This is the sentence number {n}." for n in range(400)]
    corpus, rng = Corpus(sentences), random.Random(1)
    for chars in (1, 50, 500, 5_000, 30_000):
        piece = corpus.cut(rng, chars)
        assert len(piece) >= 0.9 * chars - 40
        assert all(re.fullmatch(r"This is the sentence number \d+\.", part) for part in re.split(r"(?<=\.)\s+", piece))
    with pytest.raises(ValueError, match="sentence"):
        Corpus([])
