"""The four questions from the command line: answered from what a case has frozen, recorded in it, and shown to people."""

import pytest

from cases.frozen_world import frozen_world
from stillhunt.records.cases import QUESTIONS, Answer

BY = ("--by", "M. Analyst")


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    """A lake of its own with one open case; and the case's id."""
    from stillhunt.cases.docket import Docket
    from stillhunt.cases.proceedings import open_case
    from stillhunt.lake import Lake

    world = frozen_world(tmp_path_factory.mktemp("answered"))
    with Lake.open(world.lake) as lake, Docket.open(world.lake, create=True) as cases:
        case = open_case(cases, lake, world.findings_bytes, world.findings.campaigns[0].campaign_id, BY[1])
    return world.lake, case.case_id


@pytest.fixture
def files(tmp_path, stillhunt):
    """A policy and a price list, as a provider writes them from the templates."""
    policy, prices = tmp_path / "policy.toml", tmp_path / "prices.toml"
    policy.write_text(stillhunt("case", "policy").out)
    prices.write_text('currency = "USD"\n[default]\ninput = 1\noutput = 5\n')
    return "--policy", policy, "--prices", prices


def test_all_four_are_answered_recorded_and_the_same_again(stillhunt, opened, files):
    lake, case = opened
    done = stillhunt("case", "answer", case, "--lake", lake, *files, *BY, "--json")
    assert done.status == 0, done.err
    answers = done.document["answers"]
    assert [one["question"] for one in answers] == list(QUESTIONS)
    assert done.document["not_asked"] == {}
    shown = stillhunt("case", "show", case, "--lake", lake, "--json").document
    events = {one["number"]: one for one in shown["events"]}
    for one in answers:
        event = events[one.pop("event")]
        assert (event["kind"], event["actor"], event["body"]) == ("answer", BY[1], one)
        Answer.model_validate(one)
    again = stillhunt("case", "answer", case, "--lake", lake, *files, *BY, "--json").document["answers"]
    assert [{**one, "event": 0} for one in again] == [{**one, "event": 0} for one in answers]


def test_people_see_hypotheses_side_by_side_with_what_speaks_for_and_against(stillhunt, opened):
    lake, case = opened
    done = stillhunt("case", "answer", case, "--lake", lake, "--question", "purpose", *BY)
    assert done.status == 0, done.err
    for words in (
        "Training, evaluation, or both?",
        "likelihood",
        "confidence",
        "serving users",
        "would change it",
        "Not priced",
        "asked once, standing alone",
    ):
        assert words in done.out


def test_without_a_policy_the_last_question_is_not_asked_and_that_is_said(stillhunt, opened):
    lake, case = opened
    done = stillhunt("case", "answer", case, "--lake", lake, *BY, "--json")
    assert [one["question"] for one in done.document["answers"]] == list(QUESTIONS[:3])
    assert "--policy" in done.document["not_asked"]["breaches"]
    alone = stillhunt("case", "answer", case, "--lake", lake, "--question", "breaches", *BY)
    assert alone.status == 2
    assert "--policy" in alone.err


def test_an_answer_names_the_files_that_it_rests_on(stillhunt, opened, files):
    lake, case = opened
    answers = stillhunt("case", "answer", case, "--lake", lake, *files, *BY, "--json").document["answers"]
    notes = {one["question"]: " ".join(one["notes"]) for one in answers}
    assert "policy that was given has SHA-256" in notes["breaches"]
    assert "price list that was given has SHA-256" in notes["purpose"]


def test_no_clause_is_told_as_broken_on_the_screen_that_was_not(stillhunt, opened, files):
    lake, case = opened
    question = ("case", "answer", case, "--lake", lake, *files[:2], "--question", "breaches", *BY)
    (answer,) = stillhunt(*question, "--json").document["answers"]
    status = {row["clause"]: row["status"] for row in answer["tables"]["clauses"]}
    said = stillhunt(*question).out
    told = {one["name"]: f"{one['name']} ({one['likelihood']}): {one['statement']}" for one in answer["hypotheses"]}
    words = " ".join(said.split())
    assert all(" ".join(line.split()) in words for line in told.values())
    assert words.count("this clause was broken.") == sum(one == "broken" for one in status.values())
    assert "not broken" in status.values()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--question", "why"), "no such question"),
        (("--policy", "nowhere.toml"), "nowhere.toml: cannot be read"),
        (("--prices", "nowhere.toml"), "nowhere.toml: cannot be read"),
    ],
)
def test_what_cannot_be_used_is_one_line_and_records_nothing(stillhunt, opened, arguments, said):
    lake, case = opened
    before = stillhunt("case", "show", case, "--lake", lake, "--json").document["events"]
    done = stillhunt("case", "answer", case, "--lake", lake, *arguments, *BY)
    assert done.status == 2
    assert said in done.err
    assert len(done.err.strip().splitlines()) == 1
    assert stillhunt("case", "show", case, "--lake", lake, "--json").document["events"] == before


def test_the_template_is_a_policy_and_speaks_json(stillhunt):
    assert stillhunt("case", "policy", "--json").document["policy"] == stillhunt("case", "policy").out


def test_a_closed_case_takes_no_answers_until_it_is_reopened(stillhunt, opened, files):
    lake, case = opened
    assert stillhunt("case", "close", case, "--lake", lake, "--result", "confirmed", "--reason", "done", *BY).status == 0
    before = stillhunt("case", "show", case, "--lake", lake, "--json").document["events"]
    done = stillhunt("case", "answer", case, "--lake", lake, *files, *BY)
    assert (done.status, done.out) == (2, "")
    assert f"{case}: is closed; reopen it first (`stillhunt case reopen {case} --lake DIR --reason WHY`)" in done.err
    assert stillhunt("case", "show", case, "--lake", lake, "--json").document["events"] == before
    assert stillhunt("case", "reopen", case, "--lake", lake, "--reason", "more to ask", *BY).status == 0
    assert stillhunt("case", "answer", case, "--lake", lake, "--question", "purpose", *BY).status == 0
