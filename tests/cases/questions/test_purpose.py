"""What the calls were for is told from how they fall, and what cannot be told is said."""

import json
from collections import Counter
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from cases.questions.altered import altered, in_order, with_column
from stillhunt.cases.questions import parts as falls
from stillhunt.cases.questions import purpose
from stillhunt.cases.questions.parts import Parts
from stillhunt.cases.questions.prices import read_prices
from stillhunt.cases.questions.repeats import Apart
from stillhunt.records import INTERACTIONS
from stillhunt.records.cases import LIKELIHOOD_RANGES, QUESTIONS, Answer, Confidence

QUESTIONS_ASKED, RUNS = 40, 6


@pytest.fixture(scope="module")
def calls(material):
    return material.calls(INTERACTIONS.names)


@pytest.fixture(scope="module")
def found(material):
    return purpose.answer(material)


def likelihood(answer, name):
    return next(LIKELIHOOD_RANGES[one.likelihood][0] for one in answer.hypotheses if one.name == name)


def benchmark(calls, length):
    """Forty questions in six runs, a day apart and spread over the accounts, beside what is there."""
    rows = calls.slice(0, QUESTIONS_ASKED).to_pylist()
    accounts = sorted(set(calls["account_id"].to_pylist()))
    more = [
        row
        | {
            "interaction_id": f"run-{run}-{at}",
            "account_id": accounts[(at + run) % len(accounts)],
            "started_at": row["started_at"] + timedelta(days=run + 1),
            "prompt_hash": -1 - at,
            "response_hash": -1 - at,
            "output_tokens": length + at % 7,
            "http_status": 200,
        }
        for run in range(RUNS)
        for at, row in enumerate(rows)
    ]
    return in_order(pa.concat_tables([calls, pa.Table.from_pylist(more, calls.schema)]))


def test_a_harvest_is_likeliest_to_be_for_training_and_the_answer_is_the_same_every_time(material, found):
    assert max(found.hypotheses, key=lambda one: likelihood(found, one.name)).name == "training"
    assert found.question in QUESTIONS
    assert purpose.answer(material) == found
    assert Answer.model_validate(json.loads(found.model_dump_json())) == found


def test_what_was_taken_is_counted_exactly(calls, found):
    rows = [row for row in calls.to_pylist() if row["http_status"] is None or row["http_status"] < 400]
    prompts = Counter(row["prompt_hash"] for row in rows if row["prompt_hash"] is not None)
    estimates = {name: one.value for name, one in found.estimates.items()}
    assert estimates["calls"] == calls.num_rows
    assert estimates["answered"] == len(rows)
    assert estimates["distinct_requests"] == len(prompts)
    assert estimates["never_repeated"] == pytest.approx(sum(times == 1 for times in prompts.values()) / sum(prompts.values()))
    assert estimates["output_tokens"] == sum(row["output_tokens"] or 0 for row in calls.to_pylist())
    assert sum(row["calls"] for row in found.tables["parts"]) == len(rows)


def test_a_benchmark_beside_the_harvest_is_told_apart(material, calls, found):
    both = purpose.answer(altered(material, table=benchmark(calls, 12)))
    row = next(row for row in both.tables["parts"] if "two runs" in row["part"])
    assert (row["calls"], row["distinct_requests"]) == (QUESTIONS_ASKED * RUNS, QUESTIONS_ASKED)
    assert likelihood(both, "both") > likelihood(found, "both")
    assert likelihood(both, "both") > likelihood(both, "evaluation")
    assert any(
        "come again in runs" in point.text and point.bits > 1 for one in both.hypotheses if one.name == "both" for point in one.supports
    )
    assert {one["runs"] for one in both.tables["repeated"]} == {RUNS}


def test_a_set_that_comes_again_with_long_answers_is_not_called_a_benchmark(material, calls, found):
    resampled = purpose.answer(altered(material, table=benchmark(calls, 4_000)))
    assert likelihood(resampled, "both") <= likelihood(found, "training")
    assert max(resampled.hypotheses, key=lambda one: likelihood(resampled, one.name)).name != "both"


def test_several_answers_to_one_question_at_once_are_no_benchmark(material, calls):
    rows = calls.slice(0, 300).to_pylist()
    again = [row | {"interaction_id": f"{row['interaction_id']}-{n}", "http_status": 200} for row in rows for n in range(4)]
    table = in_order(pa.concat_tables([calls.slice(300), pa.Table.from_pylist(again, calls.schema)]))
    parts = {row["part"]: row["calls"] for row in purpose.answer(altered(material, table=table)).tables["parts"]}
    assert parts["asked 3 times or more, in one run"] == 1_200
    assert not any("two runs" in part for part in parts)


def test_conversations_make_serving_users_likelier_and_training_less_so(material, calls, found):
    talks = purpose.answer(altered(material, table=with_column(calls, "user_turns", [3] * calls.num_rows)))
    assert likelihood(talks, "serving users") > likelihood(found, "serving users")
    assert likelihood(talks, "training") < likelihood(found, "training")


def test_without_fingerprints_nothing_is_told(material, calls):
    blind = calls
    for name in (
        "prompt_hash",
        "prompt_shape",
        "prompt_topic",
        "sketch",
        "output_tokens",
        "user_turns",
        "message_count",
        "tools_hash",
        "tool_count",
    ):
        blind = with_column(blind, name, [None] * calls.num_rows)
    told = purpose.answer(altered(material, table=blind))
    assert "cannot be told" in told.summary
    assert {one.confidence for one in told.hypotheses} == {Confidence.LOW}
    capabilities = {row["capability"]: row for row in told.tables["capabilities"]}
    assert capabilities["coding"]["calls"] is None
    assert "not visible" in capabilities["coding"]["sign"]
    assert {row["calls"] for row in told.tables["purposes"]} == {None}
    assert any("output_tokens is not in the logs" in note for note in told.notes)
    assert "student" not in told.estimates


def test_confidence_is_never_high_because_the_use_of_answers_is_not_in_the_traffic(found):
    assert Confidence.HIGH not in {one.confidence for one in found.hypotheses}
    assert any("not from text" in note for note in found.notes)


def test_nothing_is_priced_without_a_list_and_exactly_what_it_names_with_one(material, calls, found, tmp_path):
    assert "list_price" not in found.estimates
    assert any("Not priced" in note for note in found.notes)
    path = tmp_path / "prices.toml"
    path.write_text('currency = "USD"\n[default]\ninput = 2\noutput = 10\n')
    rows = [row for row in calls.to_pylist() if row["input_tokens"] is not None and row["output_tokens"] is not None]
    expected = (
        sum(
            (row["input_tokens"] - (row["cached_tokens"] or 0)) * 2 + (row["cached_tokens"] or 0) * 2 + row["output_tokens"] * 10
            for row in rows
        )
        / 1e6
    )
    assert purpose.answer(material, read_prices(Path(path))).estimates["list_price"].value == pytest.approx(expected, abs=0.01)


def test_an_identifier_stands_only_where_an_observation_supports_it(material, found):
    assert {"AML.T0024.002", "AML.T0040", "LLM10:2025"} <= {row["identifier"] for row in found.tables["terms"]}
    assert "AML.T0008.005" not in {row["identifier"] for row in found.tables["terms"]}
    assert all(row["observation"] for row in found.tables["terms"])
    tame = material.campaign.model_copy(
        update={
            "harvest": material.campaign.harvest.model_copy(update={"log10_evidence": -0.3}),
            "accounts": [member.model_copy(update={"observations": []}) for member in material.campaign.accounts],
        }
    )
    assert [row["identifier"] for row in purpose.answer(altered(material, campaign=tame)).tables["terms"]] == ["AML.T0040"]


def test_end_users_behind_the_accounts_support_the_identifier_of_proxies(material, calls):
    resold = with_column(calls, "end_user_id", [f"user:{at % 900}" for at in range(calls.num_rows)])
    terms = {row["identifier"]: row["observation"] for row in purpose.answer(altered(material, table=resold)).tables["terms"]}
    assert "900 end users" in terms["AML.T0008.005"]


def test_honest_nightly_evaluations_would_be_called_evaluations(world, material):
    """Without evidence on the harvest axis, calls of the range's evaluators are told from how they fall alone."""
    truth = pq.read_table(world.provider.parent / "truth" / "truth.parquet").to_pylist()
    evaluators = {row["account_id"] for row in truth if row["population"] == "evaluations"}
    every = material.lake.table("interactions").to_arrow()
    table = in_order(every.filter(pc.is_in(every["account_id"], value_set=pa.array(sorted(evaluators)))))
    no_evidence = material.campaign.harvest.model_copy(update={"log10_evidence": 0.0})
    told = purpose.answer(altered(material, table=table, campaign=material.campaign.model_copy(update={"harvest": no_evidence})))
    assert table.num_rows
    assert max(told.hypotheses, key=lambda one: likelihood(told, one.name)).name == "evaluation"


def parts(calls=(), recurring=0, p=None, shorter=None):
    of = np.repeat(np.arange(7), [dict(calls).get(part, 0) for part in range(7)])
    apart = Apart(p=p, observed=recurring, expected=1.0)
    return Parts(of=of, apart=apart, shorter=shorter, recurring=np.arange(recurring), evenness=2.0)


def test_what_does_not_come_again_is_not_told_as_coming_again():
    once = [(falls.ONCE, 900)]
    assert purpose._of_evaluation(parts(once))[0].text.startswith("No request comes again in runs: a benchmark is asked again")
    assert purpose._of_evaluation(parts(once, recurring=1))[0].text.startswith("Only 1 request comes again in runs:")
    assert purpose._of_evaluation(parts(once, recurring=4))[0].text.startswith("Only 4 requests come again in runs:")
    assert purpose._of_evaluation(parts()) == []


@pytest.mark.parametrize(
    ("p", "shorter", "said", "unsaid"),
    [
        (0.4, 1e-9, purpose._BY_CHANCE, purpose._AS_LONG),
        (1e-9, 0.4, purpose._AS_LONG, purpose._BY_CHANCE),
        (0.4, None, purpose._BY_CHANCE, purpose._AS_LONG),
    ],
)
def test_why_a_set_is_no_benchmark_names_what_holds_and_nothing_else(p, shorter, said, unsaid):
    (one,) = purpose._of_evaluation(parts([(falls.ONCE, 900), (falls.RECURRING, 80)], recurring=20, p=p, shorter=shorter))
    assert said in one.text
    assert unsaid not in one.text


def test_an_ordinary_pool_is_not_told_as_rare(material, calls):
    ordinary = material.campaign.harvest.model_copy(update={"log10_evidence": -0.3})
    answer = purpose.answer(altered(material, campaign=material.campaign.model_copy(update={"harvest": ordinary})))
    said = [point.text for one in answer.hypotheses for point in (*one.supports, *one.opposes) if point.channel == "harvest"]
    assert said
    assert all("no rarer than in the population's accounts" in text and "by chance" not in text for text in said)
    (row,) = [row for row in answer.tables["purposes"] if row["purpose"] == "synthetic data"]
    assert not row["supported"]
    assert "no rarer than other accounts'" in row["observation"]
    assert "only" not in row["observation"]


def test_what_is_missing_from_a_set_is_said_alone(material, calls):
    few = calls.slice(0, 30)
    (row,) = [row for row in purpose.answer(altered(material, table=few)).tables["purposes"] if row["purpose"] == "synthetic data"]
    assert not row["supported"]
    assert row["observation"].startswith("only ")
    assert "no rarer" not in row["observation"]
    blind = altered(material, table=with_column(calls, "prompt_hash", [None] * calls.num_rows))
    (row,) = [row for row in purpose.answer(blind).tables["purposes"] if row["purpose"] == "synthetic data"]
    assert row["observation"].startswith("not visible")


def test_tokens_that_are_not_logged_are_not_told_as_none(material, calls):
    table = with_column(calls, "output_tokens", [None] * calls.num_rows)
    answer = purpose.answer(altered(material, table=table))
    assert "output_tokens" not in answer.estimates
    assert {row["output_tokens"] for row in (*answer.tables["parts"], *answer.tables["capabilities"])} == {None}
    said = " ".join(row["observation"] for row in answer.tables["terms"])
    assert "0 output tokens" not in said
    assert "the answers to" in said
    silent = with_column(calls, "reasoning_tokens", [None] * calls.num_rows)
    rows = purpose.answer(altered(material, table=silent)).tables["students"]
    assert any("reasoning not visible" in row["taken"] for row in rows)
    assert not any("0 of reasoning" in row["taken"] or "with the reasoning" in row["reference"] for row in rows)
