"""STIX 2.1 (OASIS Standard, 10 June 2021): a bundle for threat intelligence platforms.

What can be matched elsewhere becomes indicators: networks, user agents and JA4 that tell the campaign from everybody else. Accounts are the
provider's own and are context, not indicators. JA4 has no property in STIX; it gets one by an extension definition that travels along.
Likelihood goes to `confidence` by the DNI scale and credibility by the Admiralty scale (STIX 2.1, appendix A); both stay in words in notes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from ipaddress import ip_network
from typing import Any, Final

import stix2
from stix2.confidence.scales import admiralty_credibility_to_value, dni_to_value

from stillhunt.cases.share import Options, Tlp, identifier, leading, moment, operator_name, standing
from stillhunt.cases.share.seen import COLUMNS, Observable
from stillhunt.cases.share.techniques import Technique, techniques
from stillhunt.records import Campaign, Findings, Member
from stillhunt.records.cases import Answer, Case, Credibility, Likelihood

TLP_EXTENSION: Final = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
TLP_MARKINGS: Final = {
    Tlp.CLEAR: "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
    Tlp.GREEN: "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    Tlp.AMBER: "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
    Tlp.AMBER_STRICT: "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
    Tlp.RED: "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
}
"""The objects that OASIS publishes for TLP 2.0 (cti-stix-common-objects, extension-definition-specifications/tlp-2.0)."""

JA4_EXTENSION: Final = f"extension-definition--{identifier('stix', 'ja4')}"
JA4_SCHEMA: Final = json.dumps(
    {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {"extension_type": {"const": "property-extension"}, "ja4": {"type": "string"}},
        "required": ["extension_type", "ja4"],
        "additionalProperties": False,
    },
    sort_keys=True,
)
MOST: Final = 999_999_999
"""The largest count that the standard allows."""

DNI: Final = {
    Likelihood.ALMOST_NO_CHANCE: "Almost No Chance / Remote",
    Likelihood.VERY_UNLIKELY: "Very Unlikely / Highly Improbable",
    Likelihood.UNLIKELY: "Unlikely / Improbable",
    Likelihood.ROUGHLY_EVEN_CHANCE: "Roughly Even Chance / Roughly Even Odds",
    Likelihood.LIKELY: "Likely / Probable",
    Likelihood.VERY_LIKELY: "Very Likely / Highly Probable",
    Likelihood.ALMOST_CERTAIN: "Almost Certain / Nearly Certain",
}
ADMIRALTY: Final = {
    Credibility.CONFIRMED: "1 - Confirmed by other sources",
    Credibility.PROBABLY_TRUE: "2 - Probably True",
    Credibility.POSSIBLY_TRUE: "3 - Possibly True",
    Credibility.DOUBTFUL: "4 - Doubtful",
    Credibility.IMPROBABLE: "5 - Improbable",
}


class Stix:
    """A STIX 2.1 bundle."""

    name = "stix"
    suffix = ".stix.json"
    describe = "STIX 2.1 bundle: campaign, indicators, sightings; for threat intelligence platforms"
    settings: Mapping[str, str] = {}

    def render(self, case: Case, findings: Findings, campaign: Campaign, answers: Sequence[Answer], options: Options) -> bytes:
        """The bundle as ASCII JSON, objects in a fixed order."""
        made = _Making(case, campaign, answers, options)
        bundle = stix2.Bundle(
            id=f"bundle--{identifier('stix', case.case_id, 'bundle')}", objects=made.objects(findings), allow_custom=False
        )
        return (json.dumps(json.loads(bundle.serialize()), indent=1, ensure_ascii=True) + "\n").encode()


def marking(tlp: Tlp) -> stix2.MarkingDefinition:
    """The marking that OASIS publishes for a TLP 2.0 label."""
    return stix2.MarkingDefinition(
        id=TLP_MARKINGS[tlp],
        created="2022-10-01T00:00:00.000Z",
        name=f"TLP:{tlp.value.upper()}",
        extensions={TLP_EXTENSION: {"extension_type": "property-extension", "tlp_2_0": tlp.value}},
    )


def quoted(text: str) -> str:
    """`text` as a string literal of a STIX pattern."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def pattern(one: Observable) -> str | None:
    """The pattern that finds a value; None where it cannot be one (a network that is none)."""
    match one.column:
        case "client_prefix":
            address = _address_type(one.value)
            return (
                f"[network-traffic:src_ref.type = '{address}' AND network-traffic:src_ref.value ISSUBSET {quoted(one.value)}]"
                if address
                else None
            )
        case "user_agent":
            return f"[network-traffic:extensions.'http-request-ext'.request_header.'User-Agent' = {quoted(one.value)}]"
        case _:
            return f"[network-traffic:extensions.'{JA4_EXTENSION}'.ja4 = {quoted(one.value)}]"


def _address_type(prefix: str) -> str | None:
    try:
        return f"ipv{ip_network(prefix, strict=False).version}-addr"
    except ValueError:
        return None


class _Making:
    """One bundle in the making; all of its objects have the same author, times and marking."""

    def __init__(self, case: Case, campaign: Campaign, answers: Sequence[Answer], options: Options) -> None:
        self.case, self.campaign, self.answers, self.options = case, campaign, answers, options
        self.author = f"identity--{identifier('stix', 'sender', options.sender or '')}"
        created = moment(case.opened_at)
        times = {"created": created, "modified": max(created, standing(case))}
        self.common: dict[str, Any] = {**times, "created_by_ref": self.author, "object_marking_refs": [TLP_MARKINGS[options.tlp]]}
        controlled = leading(answers, "controlled")
        self.sure = {} if controlled is None else {"confidence": dni_to_value(DNI[controlled.likelihood])}
        self.span = {"first_seen": moment(campaign.first_seen), "last_seen": moment(campaign.last_seen)}

    def objects(self, findings: Findings) -> list[Any]:
        """All objects, what is referred to before what refers to it."""
        campaign, operator, infrastructure = self._campaign(findings), self._operator(), self._infrastructure()
        shown = [self._technique(one) for one in techniques(self.answers)]
        found: list[Any] = [
            marking(self.options.tlp),
            self._sender(),
            self._ja4_definition(),
            campaign,
            operator,
            infrastructure,
            *shown,
        ]
        found.append(self._tie(campaign, "attributed-to", operator))
        found += [self._tie(campaign, "uses", one) for one in (infrastructure, *shown)]
        for one in self.options.observables:
            found += self._indicator(one, campaign) if one.distinctive else []
        found += self._accounts()
        return found + [self._note(answer, campaign) for answer in self.answers]

    def _id(self, kind: str, *parts: str) -> str:
        return f"{kind}--{identifier('stix', self.case.case_id, kind, *parts)}"

    def _sender(self) -> stix2.Identity:
        name = self.options.sender or "A provider of language models"
        fixed = {"created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z"}  # the same in every case of theirs
        return stix2.Identity(id=self.author, name=name, identity_class="organization", **fixed)

    def _ja4_definition(self) -> stix2.ExtensionDefinition:
        return stix2.ExtensionDefinition(
            id=JA4_EXTENSION,
            **self.common,
            name="JA4 of network traffic",
            description="Adds `ja4` (string) to the extension of network-traffic: the JA4 TLS client fingerprint of the connection.",
            schema=JA4_SCHEMA,
            version="1.0.0",
            extension_types=["property-extension"],
        )

    def _campaign(self, findings: Findings) -> stix2.Campaign:
        c = self.campaign
        lines = [
            f"{len(c.accounts)} accounts made {c.calls} calls and received {c.output_tokens} output tokens.",
            *c.explanations,
            *([f"Instruction in common, slots blank: {text}" for text in c.instructions] if self.options.instructions else []),
            f"Named at a false discovery rate of {findings.false_discovery_rate:g} over accounts.",
        ]
        return stix2.Campaign(
            id=self._id("campaign"),
            **self.common,
            **self.sure,
            **self.span,
            name=f"Distillation campaign {c.campaign_id}",
            description="\n".join(lines),
            objective="Collect a model's outputs through many accounts in order to train another model on them",
        )

    def _operator(self) -> stix2.IntrusionSet:
        return stix2.IntrusionSet(
            id=self._id("intrusion-set"),
            **self.common,
            **self.sure,
            **self.span,
            name=operator_name(self.case),
            description="Whoever runs the accounts. Traffic does not name them.",
            goals=["outputs of a language model to train on"],
        )

    def _infrastructure(self) -> stix2.Infrastructure:
        counts = {column: sum(one.column == column for one in self.options.observables) for column in COLUMNS}
        said = ", ".join(f"{count} {COLUMNS[column]}{'s' if count != 1 else ''}" for column, count in counts.items())
        return stix2.Infrastructure(
            id=self._id("infrastructure"),
            **self.common,
            **self.span,
            name=f"What {self.campaign.campaign_id} calls from",
            description=f"Seen: {said}. Those that tell the campaign from others are indicators.",
            infrastructure_types=["unknown"],
        )

    def _technique(self, one: Technique) -> stix2.AttackPattern:
        url = f"https://atlas.mitre.org/techniques/{one.identifier}"
        return stix2.AttackPattern(
            id=self._id("attack-pattern", one.identifier),
            **self.common,
            **({"description": one.observation} if one.observation else {}),
            name=one.title,
            external_references=[{"source_name": "mitre-atlas", "external_id": one.identifier, "url": url}],
        )

    def _tie(self, source: Any, kind: str, target: Any) -> stix2.Relationship:
        return stix2.Relationship(
            id=self._id("relationship", source.id, kind, target.id),
            **self.common,
            relationship_type=kind,
            source_ref=source.id,
            target_ref=target.id,
        )

    def _indicator(self, one: Observable, campaign: Any) -> list[Any]:
        text = pattern(one)
        if text is None:
            return []
        seen = {name: when for name, when in (("first_seen", one.first), ("last_seen", one.last)) if when is not None}
        indicator = stix2.Indicator(
            id=self._id("indicator", one.column, one.value),
            **self.common,
            confidence=round(100 * (one.precision or 0)),
            name=f"{COLUMNS[one.column]} of {self.campaign.campaign_id}",
            description=f"{one.accounts} accounts of the campaign called with it, and {one.outside} others.",
            indicator_types=["anomalous-activity"],
            pattern=text,
            pattern_type="stix",
            valid_from=one.first or self.span["first_seen"],
        )
        observed = self._network(one)
        sighting = stix2.Sighting(
            id=self._id("sighting", indicator.id),
            **self.common,
            **seen,
            **({"count": min(one.calls, MOST)} if one.calls is not None else {}),
            **({"observed_data_refs": [observed[-1].id]} if observed else {}),
            sighting_of_ref=indicator.id,
            where_sighted_refs=[self.author],
        )
        return [indicator, self._tie(indicator, "indicates", campaign), *observed, sighting]

    def _network(self, one: Observable) -> list[Any]:
        kind = _address_type(one.value) if one.column == "client_prefix" else None
        if kind is None:
            return []
        made = stix2.IPv4Address if kind == "ipv4-addr" else stix2.IPv6Address
        address = made(value=one.value, object_marking_refs=self.common["object_marking_refs"])
        first, last = one.first or self.span["first_seen"], one.last or self.span["last_seen"]
        return [address, self._data([address.id], first, last, one.calls or one.accounts)]

    def _accounts(self) -> list[Any]:
        """Accounts as they were seen: facts of this provider, which match nowhere else."""
        members = self.campaign.accounts if self.options.accounts else []
        accounts = list({member.account_id: self._account(member) for member in members}.values())
        if not accounts:
            return []
        data = self._data([one.id for one in accounts], self.span["first_seen"], self.span["last_seen"], self.campaign.calls)
        return [*accounts, data]

    def _account(self, member: Member) -> stix2.UserAccount:
        life = self.options.lives.get(member.account_id)
        times = {
            "account_first_login": member.first_seen and moment(member.first_seen),
            "account_last_login": member.last_seen and moment(member.last_seen),
            "account_created": life and life.created_at,
        }
        known: dict[str, Any] = {name: when for name, when in times.items() if when}
        if life is not None and life.closed_at is not None:
            known["is_disabled"] = True
        return stix2.UserAccount(user_id=member.account_id, **known, object_marking_refs=self.common["object_marking_refs"])

    def _data(self, references: list[str], first: datetime, last: datetime, times: int) -> stix2.ObservedData:
        return stix2.ObservedData(
            id=self._id("observed-data", *references[:1], str(len(references))),
            **self.common,
            first_observed=first,
            last_observed=max(first, last),
            number_observed=min(max(times, 1), MOST),
            object_refs=references,
        )

    def _note(self, answer: Answer, campaign: Any) -> stix2.Note:
        hypotheses = [
            f"{one.name}: {one.statement} Likelihood: {one.likelihood}. Analytic confidence: {one.confidence}. "
            f"Source reliability: {one.source_reliability}. Information credibility: {one.information_credibility}."
            for one in answer.hypotheses
        ]
        word = ADMIRALTY.get(answer.hypotheses[0].information_credibility) if answer.hypotheses else None
        sure = {} if word is None else {"confidence": admiralty_credibility_to_value(word)}
        return stix2.Note(
            id=self._id("note", answer.question),
            **self.common,
            **sure,
            abstract=answer.title,
            content="\n".join([answer.summary, *hypotheses]),
            object_refs=[campaign.id],
        )


SHARE = Stix()
