import json
from pathlib import Path

import jsonschema
import pymisp
import pytest

from cases.share.shared_case import answers, campaign, case, findings, options
from stillhunt.cases.share import Tlp
from stillhunt.cases.share import misp as module
from stillhunt.cases.share.misp import SHARE, TEMPLATE, definition

TEMPLATES = Path(module.__file__).parent / "misp_objects"


def event(**changes) -> pymisp.MISPEvent:
    found = pymisp.MISPEvent()
    found.from_json(SHARE.render(case(), findings(), campaign(), changes.pop("answers", answers()), options(**changes)).decode())
    return found


def values(found: pymisp.MISPEvent, relation: str) -> list[str]:
    return [str(one.value) for one in found.objects[0].get_attributes_by_relation(relation)]


def test_the_template_is_valid_for_the_schema_of_misp_objects():
    schema = json.loads((Path(pymisp.__file__).parent / "data" / "misp-objects" / "schema_objects.json").read_text())
    jsonschema.Draft7Validator(schema).validate(definition())
    assert (TEMPLATES / definition()["name"] / "definition.json").is_file()


def test_an_event_fits_the_template_attribute_by_attribute():
    (shared,) = event(instructions=True).objects
    strict = pymisp.MISPObject(TEMPLATE, strict=True, misp_objects_path_custom=TEMPLATES)
    for one in shared.attributes:
        made = strict.add_attribute(one.object_relation, value=one.value)
        assert made is not None, one.object_relation
        assert made.type == one.type
    assert json.loads(strict.to_json(strict=True))["template_uuid"] == shared.template_uuid


def test_an_event_has_the_types_and_categories_that_misp_knows():
    known = pymisp.MISPAttribute().describe_types["category_type_mappings"]
    for one in event().objects[0].attributes:
        assert one.type in known[one.category], one.object_relation


def test_only_what_tells_the_campaign_apart_is_for_detection():
    found = event()
    detected = {one.value for one in found.objects[0].attributes if one.to_ids}
    assert detected == {
        "198.51.100.0/24",
        "2001:db8:7::/48",
        "harvester/1.0 (it's a *trap*?)",
        "t13d1516h2_8daaf6152771_02713d6af862",
    }
    assert values(found, "account-id") == [member.account_id for member in campaign().accounts]


def test_judgements_are_machine_tags_each_in_its_own_taxonomy():
    assert {one.name for one in event().tags} == {
        "tlp:amber",
        'admiralty-scale:source-reliability="b"',
        'admiralty-scale:information-credibility="2"',
        'estimative-language:likelihood-probability="very-likely"',
        'estimative-language:confidence-in-analytic-judgment="moderate"',
    }
    assert [one.name for one in event(answers=[], tlp=Tlp.AMBER_STRICT).tags] == ["tlp:amber+strict"]


@pytest.mark.parametrize(("tlp", "distribution"), [(Tlp.CLEAR, 3), (Tlp.GREEN, 2), (Tlp.AMBER, 0), (Tlp.AMBER_STRICT, 0), (Tlp.RED, 0)])
def test_misp_does_not_pass_on_what_the_label_forbids(tlp, distribution):
    assert int(event(tlp=tlp).distribution) == distribution
