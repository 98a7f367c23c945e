import json
import re
from datetime import UTC, datetime

import pytest
import stix2
from hypothesis import given, settings
from hypothesis import strategies as st
from stix2patterns.v21.pattern import Pattern

from cases.share.shared_case import OBSERVABLES, answers, campaign, case, findings, options
from stillhunt.cases.share import Tlp
from stillhunt.cases.share.seen import Observable
from stillhunt.cases.share.stix import DNI, JA4_EXTENSION, SHARE, TLP_EXTENSION, pattern, quoted
from stillhunt.records.cases import Likelihood


def bundle(**changes):
    content = SHARE.render(case(), findings(), campaign(), changes.pop("answers", answers()), options(**changes))
    return stix2.parse(content.decode(), allow_custom=False, version="2.1")


def of(found, kind: str) -> list:
    return [one for one in found.objects if one.type == kind]


def test_the_standards_own_library_reads_it_strictly():
    kinds = {one.type for one in bundle().objects}
    assert {"campaign", "intrusion-set", "infrastructure", "indicator", "sighting", "observed-data", "attack-pattern"} <= kinds
    assert {"marking-definition", "extension-definition", "identity", "note", "relationship", "user-account"} <= kinds


def test_no_reference_leads_nowhere_and_no_id_is_there_twice():
    objects = json.loads(bundle().serialize())["objects"]
    ids = [one["id"] for one in objects]
    assert len(set(ids)) == len(ids)
    for one in objects:
        references = [value for name, value in one.items() if name.endswith("_ref")]
        references += [value for name, values in one.items() if name.endswith("_refs") for value in values]
        assert set(references) <= set(ids), one["type"]


def test_only_what_tells_the_campaign_apart_is_an_indicator_and_says_what_it_rests_on():
    found = bundle()
    patterns = " ".join(one.pattern for one in of(found, "indicator"))
    assert "198.51.100.0/24" in patterns
    assert "t13d1516h2" in patterns
    assert "203.0.113.0/24" not in patterns
    assert "openai-python" not in patterns
    network = next(one for one in of(found, "indicator") if "198.51.100.0" in one.pattern)
    assert network.description == "38 accounts of the campaign called with it, and 1 others."
    assert network.confidence == round(100 * 39 / 41)
    sighting = next(one for one in of(found, "sighting") if one.sighting_of_ref == network.id)
    assert (sighting.count, sighting.first_seen, sighting.last_seen) == (12_000, OBSERVABLES[0].first, OBSERVABLES[0].last)


def test_likelihood_is_on_the_standards_scale_and_in_words():
    found = bundle()
    assert of(found, "campaign")[0].confidence == 85
    note = of(found, "note")[0]
    assert note.confidence == 70
    assert "Likelihood: very likely. Analytic confidence: moderate. Source reliability: B. Information credibility: 2." in note.content


@pytest.mark.parametrize("word", list(Likelihood))
def test_every_word_of_likelihood_is_on_the_scale(word):
    assert stix2.confidence.scales.dni_to_value(DNI[word]) in range(1, 100)


def test_a_case_without_answers_claims_no_confidence():
    found = bundle(answers=[])
    assert "confidence" not in of(found, "campaign")[0]
    assert not of(found, "note")


@pytest.mark.parametrize("tlp", list(Tlp))
def test_everything_is_marked_with_the_published_tlp_2_0_object(tlp):
    found = bundle(tlp=tlp)
    mark = of(found, "marking-definition")[0]
    assert mark.extensions[TLP_EXTENSION]["tlp_2_0"] == tlp.value
    assert mark.created == datetime(2022, 10, 1, tzinfo=UTC)
    assert mark.name == f"TLP:{tlp.value.upper()}"
    for one in found.objects:
        assert one.type in {"marking-definition", "identity"} or list(one.object_marking_refs) == [mark.id]


def test_techniques_refer_to_the_catalogue_that_they_are_from():
    found = {one.external_references[0]["external_id"]: one for one in of(bundle(), "attack-pattern")}
    assert set(found) == {"AML.T0021", "AML.T0040"}
    assert found["AML.T0040"].external_references[0]["source_name"] == "mitre-atlas"
    assert found["AML.T0040"].description == "49,454 calls were answered"


def test_the_operator_has_no_name():
    (operator,) = of(bundle(), "intrusion-set")
    assert operator.name == "Unknown operator of case-00c0ffee00"


def test_a_closed_account_is_disabled_since():
    accounts = {one.user_id: one for one in of(bundle(), "user-account")}
    first = accounts[campaign().accounts[0].account_id]
    assert first.is_disabled
    assert first.account_created == datetime(2026, 5, 3, tzinfo=UTC)
    assert "is_disabled" not in accounts[campaign().accounts[1].account_id]


def test_ja4_has_an_extension_that_travels_along():
    found = bundle()
    assert [one.id for one in of(found, "extension-definition")] == [JA4_EXTENSION]
    assert any(JA4_EXTENSION in one.pattern for one in of(found, "indicator"))


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_no_user_agent_breaks_out_of_its_pattern(text):
    written = pattern(Observable("user_agent", text, 3))
    ((path, operator, literal),) = Pattern(written).inspect().comparisons["network-traffic"]
    assert path == ["extensions", "http-request-ext", "request_header", "User-Agent"]
    assert operator == "="
    assert literal == quoted(text)
    assert re.sub(r"\\(.)", r"\1", literal[1:-1], flags=re.DOTALL) == text


def test_what_is_no_network_gives_no_indicator():
    assert pattern(Observable("client_prefix", "198.51.100.0/24' OR '", 3)) is None
