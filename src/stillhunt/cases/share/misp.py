"""A MISP event: one object of the proposed template ``llm-distillation-campaign``, tagged by the taxonomies in use.

The template is in `misp_objects/`, as the MISP project's repository of objects would take it; an instance without it imports the
object all the same and shows it by its attributes. Only what matches elsewhere and tells the campaign apart is marked for
detection (`to_ids`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Final

from stillhunt.cases.share import Options, Tlp, identifier, leading, moment, standing
from stillhunt.cases.share.techniques import techniques
from stillhunt.records import Campaign, Findings
from stillhunt.records.cases import Answer, Case, Status

TEMPLATE: Final = "llm-distillation-campaign"
CATEGORIES: Final = {"ip-src": "Network activity", "user-agent": "Network activity"}
OBSERVED: Final = {"client_prefix": "client-network", "user_agent": "user-agent", "tls_ja4": "ja4-fingerprint"}
DISTRIBUTION: Final = {Tlp.CLEAR: "3", Tlp.GREEN: "2", Tlp.AMBER: "0", Tlp.AMBER_STRICT: "0", Tlp.RED: "0"}
"""All communities, connected communities, the recipient's organization only: MISP must not pass on what TLP forbids."""

ANALYSIS: Final = {Status.PENDING: "0", Status.INVESTIGATING: "1", Status.CLOSED: "2"}


class Misp:
    """A MISP event."""

    name = "misp"
    suffix = ".misp.json"
    describe = "MISP event with a proposed object for distillation campaigns"
    settings: Mapping[str, str] = {}

    def render(self, case: Case, findings: Findings, campaign: Campaign, answers: Sequence[Answer], options: Options) -> bytes:
        """The event as ASCII JSON, as MISP's API and its import take it."""
        at = standing(case)
        event: dict[str, Any] = {
            "uuid": str(identifier("misp", case.case_id, "event")),
            "info": f"Distillation campaign {campaign.campaign_id}: {len(campaign.accounts)} accounts",
            "date": f"{moment(campaign.first_seen):%Y-%m-%d}",
            "timestamp": str(int(at.timestamp())),
            "threat_level_id": "4",  # undefined: how grave it is, the recipient judges
            "analysis": ANALYSIS[case.status],
            "distribution": DISTRIBUTION[options.tlp],
            "published": False,
            "Tag": [{"name": name} for name in tags(answers, options)],
            "Object": [self._object(case, findings, campaign, answers, options)],
        }
        if options.sender:
            event["Orgc"] = {"name": options.sender, "uuid": str(identifier("misp", "sender", options.sender))}
        return (json.dumps({"Event": event}, indent=1, ensure_ascii=True) + "\n").encode()

    def _object(self, case: Case, findings: Findings, campaign: Campaign, answers: Sequence[Answer], options: Options) -> dict[str, Any]:
        template, stamp = definition(), str(int(standing(case).timestamp()))
        attributes = []
        for relation, value, detects in _values(case, findings, campaign, answers, options):
            kind = template["attributes"][relation]
            attributes.append(
                {
                    "uuid": str(identifier("misp", case.case_id, relation, value)),
                    "object_relation": relation,
                    "type": kind["misp-attribute"],
                    "category": CATEGORIES.get(kind["misp-attribute"], "Other"),
                    "value": value,
                    "to_ids": detects,
                    "disable_correlation": kind.get("disable_correlation", False),
                    "distribution": "5",  # as the event
                    "timestamp": stamp,
                }
            )
        return {
            "uuid": str(identifier("misp", case.case_id, "object")),
            "name": TEMPLATE,
            "description": template["description"],
            "meta-category": template["meta-category"],
            "template_uuid": template["uuid"],
            "template_version": str(template["version"]),
            "distribution": "5",
            "timestamp": stamp,
            "first_seen": campaign.first_seen,
            "last_seen": campaign.last_seen,
            "Attribute": attributes,
        }


@cache
def definition() -> dict[str, Any]:
    """The proposed template of the object."""
    text = files("stillhunt.cases.share").joinpath("misp_objects", TEMPLATE, "definition.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def tags(answers: Sequence[Answer], options: Options) -> list[str]:
    """Machine tags of MISP's taxonomies: tlp, and of who controlled the accounts admiralty-scale and estimative-language."""
    found = [f"tlp:{options.tlp.value}"]
    top = leading(answers, "controlled")
    if top is not None:
        found += [
            f'admiralty-scale:source-reliability="{top.source_reliability.value.lower()}"',
            f'admiralty-scale:information-credibility="{top.information_credibility.value}"',
            f'estimative-language:likelihood-probability="{top.likelihood.value.replace(" ", "-")}"',
            f'estimative-language:confidence-in-analytic-judgment="{top.confidence.value}"',
        ]
    return found


def _values(
    case: Case, findings: Findings, campaign: Campaign, answers: Sequence[Answer], options: Options
) -> Iterator[tuple[str, str, bool]]:
    """Relation, value, and whether a sensor may match it."""
    yield from (
        ("campaign-id", campaign.campaign_id, False),
        ("case-id", case.case_id, False),
        ("first-seen", campaign.first_seen, False),
        ("last-seen", campaign.last_seen, False),
        ("accounts", str(len(campaign.accounts)), False),
        ("calls", str(campaign.calls), False),
        ("output-tokens", str(campaign.output_tokens), False),
        ("coordination", str(campaign.coordination.log10_evidence), False),
        ("concealment", str(campaign.concealment.log10_evidence), False),
        ("harvest", str(campaign.harvest.log10_evidence), False),
        ("false-discovery-rate", str(findings.false_discovery_rate), False),
    )
    for one in techniques(answers):
        yield "atlas-technique", one.identifier, False
    for text in dict.fromkeys(campaign.explanations):
        yield "explanation", text, False
    purpose = leading(answers, "purpose")
    if purpose is not None:
        yield "purpose", f"{purpose.name} ({purpose.likelihood.value})", False
    for text in dict.fromkeys(campaign.instructions if options.instructions else []):
        yield "instruction", text, False
    for seen in options.observables:
        if seen.distinctive:
            yield OBSERVED[seen.column], seen.value, True
    for account in dict.fromkeys(member.account_id for member in campaign.accounts if options.accounts):
        yield "account-id", account, False


SHARE = Misp()
