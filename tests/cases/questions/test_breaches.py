"""Every breach that is counted can be counted again by another way, and what cannot be seen is never called kept."""

from collections import Counter, defaultdict
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest

from cases.questions.altered import altered, entitlements, in_order, with_column
from stillhunt.cases.questions import breaches
from stillhunt.cases.questions.clauses import parse_policy, template
from stillhunt.records import INTERACTIONS
from stillhunt.records.cases import Likelihood


@pytest.fixture(scope="module")
def calls(material):
    return material.calls(INTERACTIONS.names)


@pytest.fixture(scope="module")
def rows(calls):
    return calls.to_pylist()


@pytest.fixture(scope="module")
def people(material):
    return material.accounts()


def policy(when, **parameters):
    lines = "\n".join(f"{name} = {str(value).replace(chr(39), chr(34))}" for name, value in parameters.items())
    text = f'name = "N"\nversion = "1"\n[[clause]]\nid = "A"\ntitle = "T"\ntext = "X"\nkind = "terms"\nwhen = "{when}"\n{lines}\n'
    return parse_policy(text, Path("policy.toml"))


def judged(material, when, shown=10, **parameters):
    """The clause's row, the ids of its instances, and the whole answer."""
    answer = breaches.answer(material, policy(when, **parameters), training=0.9, shown=shown)
    return answer.tables["clauses"][0], [row["interaction_id"] for row in answer.tables["instances"]], answer


def spans(rows, seconds):
    return Counter((row["account_id"], int(row["started_at"].timestamp()) // seconds) for row in rows)


def test_harvest_is_every_answered_request_that_nobody_else_of_them_asked(material, rows):
    asked = Counter(row["prompt_hash"] for row in rows if row["http_status"] < 400)
    expected = {
        row["interaction_id"] for row in rows if row["http_status"] < 400 and asked[row["prompt_hash"]] == 1 and row["user_turns"] <= 1
    }
    row, ids, answer = judged(material, "harvest", shown=10**6)
    assert (row["status"], row["instances"]) == ("broken", len(expected))
    assert set(ids) == expected
    assert answer.hypotheses[0].likelihood in {Likelihood.VERY_LIKELY, Likelihood.LIKELY}


def test_an_entitlement_permits_what_was_done_while_it_ran_and_nothing_else(material, rows, people):
    name = people["account_id"][0].as_py()
    own = [row for row in rows if row["account_id"] == name and row["http_status"] < 400]
    middle = own[len(own) // 2]["started_at"]
    before, _, _ = judged(altered(material), "harvest")
    after, ids, _ = judged(
        altered(material, entitlements=entitlements({"account_id": name, "scope": "distillation", "granted_at": middle})),
        "harvest",
        shown=10**6,
    )
    permitted = [row["interaction_id"] for row in own if row["started_at"] >= middle]
    assert before["instances"] - after["instances"] == len(permitted) > 0
    assert not set(permitted) & set(ids)
    other, _, _ = judged(altered(material, entitlements=entitlements({"account_id": name, "scope": "evaluation"})), "harvest")
    assert other["instances"] == before["instances"]


def test_an_organizations_entitlement_holds_for_its_accounts(material, people):
    mine = with_column(people, "organization_id", ["acme"] * people.num_rows)
    held = altered(material, people=mine, entitlements=entitlements({"organization_id": "acme", "scope": "distillation"}))
    assert judged(held, "harvest")[0]["status"] == "not broken"


def test_calls_above_a_limit_are_counted_by_account_and_span(material, rows):
    for per, seconds, most in (("hour", 3_600, 3), ("day", 86_400, 20)):
        expected = {key: times for key, times in spans(rows, seconds).items() if times > most}
        row, ids, answer = judged(material, "calls_per_account", most=most, per=f"'{per}'", shown=10**6)
        assert row["instances"] == len(expected) > 0
        assert row["accounts"] == len({name for name, _ in expected})
        beyond = {one["interaction_id"]: (one["account_id"], int(one["started_at"].timestamp()) // seconds) for one in rows}
        assert {beyond[one] for one in ids} == set(expected)
        said = Counter(int(one["about"].split()[0].replace(",", "")) for one in answer.tables["instances"])
        assert said == Counter(expected.values())


def test_a_limit_that_only_the_pool_exceeds_is_evaded(material, rows):
    most = 60
    by_span = defaultdict(Counter)
    for row in rows:
        by_span[int(row["started_at"].timestamp()) // 3_600][row["account_id"]] += 1
    expected = [span for span, own in by_span.items() if own.total() > most and max(own.values()) <= most]
    row, _, _ = judged(material, "pooled_calls", most=most, per="'hour'")
    assert row["instances"] == len(expected) > 0


def test_a_span_in_which_one_account_is_over_the_limit_by_itself_is_no_evasion(material, calls):
    day = calls["started_at"][0].as_py().replace(hour=0, minute=0, second=0, microsecond=0)
    table = calls.slice(0, 30)
    for name, values in (
        ("account_id", ["a"] * 20 + ["b"] * 10),
        ("started_at", [day + timedelta(seconds=at) for at in range(30)]),
    ):
        table = with_column(table, name, [material.names[0] if one == "a" else material.names[1] if one == "b" else one for one in values])
    pool = altered(material, table=table)
    assert judged(pool, "pooled_calls", most=15, per="'hour'")[0]["instances"] == 0
    assert judged(pool, "pooled_calls", most=25, per="'hour'")[0]["instances"] == 1
    assert judged(pool, "calls_per_account", most=15, per="'hour'")[0]["instances"] == 1


def test_countries_and_networks_are_those_of_the_records(material, rows, people):
    country = Counter(people["country"].to_pylist()).most_common(1)[0][0]
    from_there = {row["account_id"] for row in people.to_pylist() if row["country"] == country}
    expected = sum(row["account_id"] in from_there for row in rows)
    assert judged(material, "country", not_served=[country])[0]["instances"] == expected > 0
    assert judged(material, "country", served=[country])[0]["instances"] == len(rows) - expected
    prefix = Counter(row["client_prefix"] for row in rows).most_common(1)[0][0]
    wide = str(ip_network(prefix).supernet(new_prefix=16))
    expected = sum(
        ip_network(row["client_prefix"]).version == 4 and ip_network(row["client_prefix"]).subnet_of(ip_network(wide)) for row in rows
    )
    assert judged(material, "network", not_served=[wide])[0]["instances"] == expected > 0


def test_a_range_within_a_prefix_is_not_taken_for_the_prefix(material, rows):
    narrow = rows[0]["client_prefix"].replace("/24", "/28")
    assert judged(material, "network", not_served=[narrow])[0]["status"] == "not broken"


def test_identities_are_counted_by_account(material, people):
    records = people.to_pylist()
    domain = records[0]["email_domain"]
    assert judged(material, "email_domain", refused=[domain])[0]["instances"] == sum(row["email_domain"] == domain for row in records)
    assert (
        judged(material, "email_domain", refused=["example"])[0]["instances"]
        == sum(row["email_domain"].endswith(".example") for row in records)
        > 0
    )
    assert judged(material, "verification", accepted=["email"])[0]["instances"] == sum(
        row["verification"] not in {"email", None} for row in records
    )
    cards = Counter(row["payment_fingerprint"] for row in records if row["payment_fingerprint"])
    assert judged(material, "shared_payment", most=3)[0]["instances"] == sum(times for times in cards.values() if times > 3) > 0
    assert judged(material, "accounts_per_entity", most=3)[0]["instances"] == len(records) - 3
    assert judged(material, "accounts_per_entity", most=500)[0]["status"] == "not broken"


def test_closed_accounts_that_call_and_those_that_come_after_are_counted(material, rows, people):
    first = rows[len(rows) // 2]["started_at"]
    closed = with_column(people, "closed_at", [first] * 4 + [None] * (people.num_rows - 4))
    closed = with_column(closed, "closed_reason", ["abuse"] * 4 + [None] * (people.num_rows - 4))
    began = [first - timedelta(days=50)] * 6 + [first + timedelta(days=day) for day in range(people.num_rows - 6)]
    pool = altered(material, people=with_column(closed, "created_at", began))
    banned = set(people["account_id"].to_pylist()[:4])
    expected = sum(row["account_id"] in banned and row["started_at"] > first for row in rows)
    assert judged(pool, "call_after_closure")[0]["instances"] == expected > 0
    assert judged(pool, "call_after_closure", reasons=["wish of the customer"])[0]["instances"] == 0
    assert judged(pool, "replacement", days=10)[0]["instances"] == sum(timedelta(0) < one - first <= timedelta(days=10) for one in began)


def test_resale_is_more_end_users_than_one_account_may_have(material, calls):
    users = [f"user:{at % 7}" if at % 3 else None for at in range(calls.num_rows)]
    pool = altered(material, table=in_order(with_column(calls, "end_user_id", users)))
    own = defaultdict(set)
    for name, user in zip(calls["account_id"].to_pylist(), users, strict=True):
        own[name].add(user)
    expected = {name for name, some in own.items() if len(some - {None}) > 6}
    row, ids, _ = judged(pool, "resale", end_users=6, shown=10**6)
    assert (row["instances"], len(ids)) == (len(expected), len(expected))
    assert judged(pool, "resale", end_users=7)[0]["status"] == "not broken"
    every = entitlements(*({"account_id": name, "scope": "resale"} for name in expected))
    assert judged(altered(pool, table=pool.table, entitlements=every), "resale", end_users=6)[0]["status"] == "not broken"


def test_an_instruction_is_found_by_its_words(material, rows):
    phrases = {row["gram"] for row in material.lake.table("phrases").to_arrow().to_pylist() if "reasoning recorder" in row["words"]}
    expected = {row["interaction_id"] for row in rows if phrases.intersection(row["sketch"] or ())}
    row, ids, _ = judged(material, "instruction", words=["Reasoning Recorder"], shown=10**6)
    assert row["instances"] == len(expected) > 0
    assert set(ids) == expected


@pytest.mark.parametrize(
    ("when", "parameters", "columns"),
    [
        ("harvest", {}, ["prompt_hash"]),
        ("instruction", {"words": ["x"]}, ["sketch"]),
        ("network", {"not_served": ["192.0.2.0/24"]}, ["client_prefix"]),
        ("resale", {"end_users": 3}, ["end_user_id"]),
        ("country", {"served": ["US"]}, ["country"]),
        ("email_domain", {"refused": ["x.example"]}, ["email_domain"]),
        ("verification", {"refused": ["none"]}, ["verification"]),
        ("shared_payment", {"most": 3}, ["payment_fingerprint"]),
    ],
)
def test_without_its_column_a_clause_is_not_visible_and_not_kept(material, calls, people, when, parameters, columns):
    table, records = calls, people
    for name in columns:
        if name in calls.column_names:
            table = with_column(table, name, [None] * calls.num_rows)
        else:
            records = with_column(records, name, [None] * people.num_rows)
    row, ids, answer = judged(altered(material, table=table, people=records), when, **parameters)
    assert (row["status"], row["instances"], ids) == ("not visible", None, [])
    assert answer.hypotheses == []
    assert any("not visible, for want of" in note for note in answer.notes)


def test_a_column_that_is_partly_filled_says_so(material, people):
    some = with_column(people, "verification", [None] * (people.num_rows // 2) + ["phone"] * (people.num_rows - people.num_rows // 2))
    row, _, answer = judged(altered(material, people=some), "verification", refused=["none"])
    assert row["seen"] == 0.5
    assert answer.hypotheses[0].likelihood is not Likelihood.ALMOST_NO_CHANCE
    assert any("there may be instances that were not seen" in note for note in answer.notes)
    row, _, answer = judged(altered(material, people=some), "verification", refused=["phone"])
    assert (row["status"], row["seen"]) == ("broken", 0.5)
    assert any("there may be more instances" in note for note in answer.notes)


def test_the_instances_listed_are_of_as_many_accounts_as_fit_and_the_earliest(material, rows):
    _, ids, answer = judged(material, "harvest", shown=12)
    accounts = [row["account_id"] for row in answer.tables["instances"]]
    assert len(ids) == len(set(accounts)) == 12
    at = [row["at"] for row in answer.tables["instances"]]
    assert at == sorted(at)
    assert {row["interaction_id"] for row in rows} >= set(ids)


def test_a_clause_about_one_customer_is_no_surer_than_that_they_are_one(material):
    doubtful = material.campaign.model_copy(
        update={"accounts": [one.model_copy(update={"membership": 0.6}) for one in material.campaign.accounts]}
    )
    _, _, answer = judged(altered(material, campaign=doubtful), "accounts_per_entity", most=3)
    assert answer.hypotheses[0].likelihood is Likelihood.LIKELY
    assert answer.hypotheses[0].would_change


def test_the_third_question_is_asked_where_a_clause_needs_it(material):
    whole = parse_policy(template(), Path("policy.toml"))
    answer = breaches.answer(material, whole)
    assert {row["clause"] for row in answer.tables["clauses"]} == {clause.id for clause in whole.clauses}
    assert answer == breaches.answer(material, whole)
    assert "broken" in answer.summary


def test_of_a_clause_that_was_not_broken_nothing_is_said_that_would_be_said_of_a_broken_one(material):
    row, ids, answer = judged(material, "accounts_per_entity", most=500)
    assert (row["status"], row["instances"], row["would_refute"], ids) == ("not broken", 0, None, [])
    assert answer.summary == "N, version 1: of 1 clause 1 not broken."
    (one,) = answer.hypotheses
    assert one.statement == "T: was this clause broken? These logs show no instance."
    assert one.likelihood is Likelihood.ALMOST_NO_CHANCE
    assert (one.supports, [point.text.startswith("No instance among ") for point in one.opposes]) == ([], [True])
    assert answer.estimates == {}
    assert not any("listed" in note or "the id is" in note for note in answer.notes)


def test_instances_that_rest_on_what_is_not_likely_are_in_doubt_and_not_broken(material):
    for answer in (
        breaches.answer(material, policy("harvest"), training=0.1),
        breaches.answer(with_membership(material, 0.3), policy("accounts_per_entity", most=3)),
    ):
        (row,), (one,) = answer.tables["clauses"], answer.hypotheses
        assert row["status"] == "in doubt"
        assert row["instances"] > 0
        assert "1 in doubt. In doubt, because what they rest on is not likely: A T (" in answer.summary
        assert "Broken:" not in answer.summary
        assert one.statement.startswith("T: was this clause broken? Only if ")
        assert "the accounts are one customer's" in one.statement
        assert one.likelihood in {Likelihood.VERY_UNLIKELY, Likelihood.UNLIKELY}


def with_membership(material, membership):
    accounts = [one.model_copy(update={"membership": membership}) for one in material.campaign.accounts]
    return altered(material, campaign=material.campaign.model_copy(update={"accounts": accounts}))


def test_every_sentence_of_the_example_policy_agrees_with_its_row(material):
    answer = breaches.answer(material, parse_policy(template(), Path("policy.toml")), training=0.9)
    rows = {row["clause"]: row for row in answer.tables["clauses"]}
    assert {row["status"] for row in rows.values()} >= {"broken", "not broken"}
    for one in answer.hypotheses:
        status = rows[one.name]["status"]
        assert one.statement.endswith("this clause was broken.") == (status == "broken"), one.statement
        assert (f"{one.name} {rows[one.name]['title']} (" in answer.summary) == (status in {"broken", "in doubt"})
        assert bool(one.supports) != bool(one.opposes)
        assert bool(one.supports) == (status in {"broken", "in doubt"})
