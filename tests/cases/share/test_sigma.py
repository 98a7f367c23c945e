import json
import re
import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cases.share.shared_case import OBSERVABLES, campaign, case, findings, options
from stillhunt.cases.share.seen import Observable
from stillhunt.cases.share.sigma import SHARE, calls_a_day, distinct_accounts, document, exactly
from stillhunt.errors import InputError

LEVELS = {"informational", "low", "medium", "high", "critical"}
STATUS = {"stable", "test", "experimental", "deprecated", "unsupported"}
REQUIRED = {
    "event_count": {"type", "rules", "group-by", "timespan", "condition"},
    "value_count": {"type", "rules", "group-by", "timespan", "condition"},
}
"""From the published JSON schemas of Sigma's rules and correlations, version 2.1: what a rule must have, and what values are allowed."""


def rules(**changes) -> list[dict]:
    content = SHARE.render(case(), findings(), changes.pop("of", campaign()), [], options(**changes)).decode()
    assert content.startswith("---\n")
    return [json.loads(part) for part in re.split(r"^---\n", content, flags=re.MULTILINE)[1:]]


def split(found):
    return [one for one in found if "detection" in one], [one for one in found if "correlation" in one]


def test_rules_have_what_the_published_schemas_ask_for():
    base, correlations = split(rules())
    assert base
    assert correlations
    for one in base + correlations:
        assert 0 < len(one["title"]) <= 256
        assert str(uuid.UUID(one["id"])) == one["id"]
        assert one["status"] in STATUS
        assert one["level"] in LEVELS
        assert re.fullmatch(r"\d{4}-(0[1-9]|1[012])-(0[1-9]|[12]\d|3[01])", one["date"])
        assert all(re.fullmatch(r"[a-z0-9_-]+\.[a-z0-9._-]+", tag) for tag in one["tags"])
    for one in base:
        assert {"title", "logsource", "detection"} <= one.keys()
        assert set(one["detection"]) == {"call", "condition"}
        assert one["detection"]["condition"] == "call"
    for one in correlations:
        said = one["correlation"]
        assert said.keys() >= REQUIRED[said["type"]]
        assert re.fullmatch(r"\d+[smhdwMqy]", said["timespan"])
        assert isinstance(said["condition"]["gte"], int)
        assert ("field" in said["condition"]) == (said["type"] == "value_count")
        assert one["falsepositives"]


def test_correlations_refer_to_rules_of_the_same_file_and_no_id_is_there_twice():
    base, correlations = split(rules())
    names = [one["name"] for one in base]
    assert len(set(names)) == len(names)
    assert {name for one in correlations for name in one["correlation"]["rules"]} == set(names)
    ids = [one["id"] for one in base + correlations]
    assert len(set(ids)) == len(ids)


def test_accounts_are_counted_by_what_the_campaign_shares_without_saying_the_values():
    found = [one for one in rules(observables=()) if "correlation" in one]
    by = {one["correlation"]["group-by"][0]: one["correlation"] for one in found}
    assert by["payment_fingerprint"]["condition"] == {"field": "account_id", "gte": 12}
    assert by["payment_fingerprint"]["timespan"] == "14d"
    assert "card:5f2c9d0e" not in json.dumps(found)


def test_a_threshold_is_at_least_twice_what_strangers_would_reach():
    member = campaign().accounts[0]

    def sharing(with_, expected):
        one = member.observations[2].model_copy(update={"shared_with": with_, "expected": expected})
        return campaign().model_copy(update={"accounts": [member.model_copy(update={"observations": [one]})]})

    assert distinct_accounts(sharing(12, 6.0), "payment.card") == 12
    assert distinct_accounts(sharing(12, 6.1), "payment.card") is None
    assert distinct_accounts(sharing(2, 0.0), "payment.card") is None


def test_a_threshold_is_what_three_of_four_values_reached():
    member = campaign().accounts[0]
    ones = [member.observations[2].model_copy(update={"value": str(n), "shared_with": n, "expected": 0.0}) for n in (20, 5, 9, 14, 30)]
    of = campaign().model_copy(update={"accounts": [member.model_copy(update={"observations": ones})]})
    assert distinct_accounts(of, "payment.card") == 9


def test_calls_a_day_is_the_median_over_values():
    made = [Observable("tls_ja4", str(n), 5, 0, calls, None, None, 10) for n, calls in enumerate((100, 5_000, 300))]
    assert calls_a_day(made) == 30


def test_values_are_only_those_that_tell_the_campaign_apart():
    base, _ = split(rules(of=campaign().model_copy(update={"accounts": []})))
    selected = {field: values for one in base for field, values in one["detection"]["call"].items()}
    assert selected["client_prefix|cidr"] == ["198.51.100.0/24", "2001:db8:7::/48"]
    assert selected["tls_ja4|cased"] == ["t13d1516h2_8daaf6152771_02713d6af862"]
    assert selected["user_agent|cased"] == ["harvester/1.0 (it's a \\*trap\\*\\?)"]


def test_where_nothing_stands_out_there_is_no_rule():
    with pytest.raises(InputError, match="no threshold"):
        rules(of=campaign().model_copy(update={"accounts": []}), observables=(OBSERVABLES[2],))


def unescaped(text: str) -> str:
    """How Sigma reads a value: a backslash takes the meaning from a star, a question mark or a backslash."""
    return re.sub(r"\\([\\*?])", r"\1", text)


@settings(max_examples=60, deadline=None)
@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
    | st.sampled_from(['"\n---\nid: x', "\x00\x85\u2028\ufeff", "a\\*?", "\U000e0041"])
)
def test_hostile_user_agents_stay_one_value_of_one_document(text):
    escaped = exactly(text)
    assert unescaped(escaped) == text
    assert not re.search(r"(?<!\\)(\\\\)*[*?]", escaped)
    written = document({"value": escaped})
    assert json.loads(written) == {"value": escaped}
    assert len(re.split(r"^---", written, flags=re.MULTILINE)) == 1
    assert all(c == "\n" or " " <= c <= "~" or ord(c) > 0xFFFF for c in written)
