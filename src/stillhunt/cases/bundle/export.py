"""Making a bundle: gather, record the export in the ledger, sign, verify what was made, record it in the case."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow.compute as pc

from stillhunt.cases.answering import kept
from stillhunt.cases.bundle.choosing import COLUMNS, MOST, chosen
from stillhunt.cases.bundle.logged import interactions, log, scan_entry
from stillhunt.cases.bundle.statement import as_bytes, as_json, as_text, statement, subjects_sha256
from stillhunt.cases.case_report import reports
from stillhunt.cases.docket import Docket
from stillhunt.cases.freezing import Frozen
from stillhunt.cases.material import Material
from stillhunt.errors import InputError, StillhuntError
from stillhunt.ledger import Ledger
from stillhunt.records.cases import Answer, Case, CaseEvent
from stillhunt.verifier import PAYLOAD_TYPE, Refused, verify_bundle

KIND = "bundle"
SUFFIX = ".stillhunt-bundle.json"

_EACH = 4
"""Observations of an account and channel that are enclosed where the evidence names none of them by its value."""


@dataclass(frozen=True)
class Wanted:
    """What goes into a bundle beside the case itself.

    Attributes:
        interactions: ids of the calls to show; None chooses `most` of them.
        most: how many are chosen at most.
        withhold: groups of columns (who, call, content) that are committed to and not shown.
        whole_findings: enclose the scan's findings whole, which proves that the campaign is a part of them, and names others.
        recipient: the organization that it is for; the ledger keeps it for ever.
        tlp: who a recipient may tell.
        reports: `report.html` and `report.pdf`, as far as they are to be enclosed; None encloses both, made of the case as it stands.
    """

    interactions: Sequence[str] | None = None
    most: int = MOST
    withhold: Sequence[str] = ()
    whole_findings: bool = False
    recipient: str | None = None
    tlp: str = "amber"
    reports: Mapping[str, bytes] | None = None


def export(docket: Docket, name: str, answers: Sequence[Answer], wanted: Wanted, by: str) -> tuple[bytes, CaseEvent]:
    """Make the bundle of a case. The ledger has recorded it, and the case has an `exported` event, before anybody gets its bytes.

    Args:
        docket: open for writing.
        name: the case.
        answers: to the four questions, as far as they were asked.
        wanted: what else goes in.
        by: who exports.

    Returns:
        The bundle, and the case's event.

    Raises:
        InputError: no such case, no ledger, its calls were given up, or an interaction cannot be proved.
        StillhuntError: ledger or registry cannot be written, or what was made does not verify.
    """
    if docket.ledger is None:
        raise InputError("nothing leaves without a ledger that records it; give one with `stillhunt case --ledger DIR`")
    if not by.strip():
        raise InputError("say who does this: --by NAME, or set STILLHUNT_ANALYST")
    docket.complete(docket.case(name).case_id)
    case = docket.case(name)
    ledger, frozen = docket.ledger, docket.frozen(case.case_id)
    with docket.material(case.case_id) as material:
        artifacts = gathered(case, frozen, material, ledger, answers, wanted)
    sha256 = subjects_sha256(artifacts)
    document = {"case": case.case_id, "kind": KIND, "recipient": wanted.recipient, "sha256": sha256, "tlp": wanted.tlp}
    index = ledger.append("export", document)
    bundle = signed(ledger, artifacts, index, _entries(case, artifacts, scan_entry(ledger, case.findings_sha256)))
    try:
        verify_bundle(bundle, ledger.keys())
    except Refused as error:
        raise StillhuntError(f"{case.case_id}: the bundle would not verify, so it was not written ({error})") from error
    return bundle, docket.record(case.case_id, "exported", document | {"bytes": len(bundle), "export_leaf": index}, by)


def gathered(
    case: Case, frozen: Frozen, material: Material, ledger: Ledger, answers: Sequence[Answer], wanted: Wanted
) -> dict[str, dict[str, Any]]:
    """The artifacts of a bundle by name. Redacted events stay redacted: what they said is nowhere any more."""
    names = wanted.interactions
    if names is None:
        names = chosen(material.campaign, answers, material.calls(COLUMNS), wanted.most)
    found = json.loads(frozen.findings_bytes)
    campaign = next(one for one in found["campaigns"] if one["campaign_id"] == case.campaign_id)
    artifacts = {
        "answers.json": as_json([answer.model_dump(mode="json") for answer in answers]),
        "campaign.json": as_json(campaign),
        "case.json": as_json(case.model_dump(mode="json")),
        "configuration.json": as_json({key: value for key, value in frozen.configuration.items() if key != "software"}),
        "interactions.json": as_json(interactions(ledger, material.lake, names, wanted.withhold)),
        "observations.json": as_json(_observations(material)),
        "software.json": as_json(frozen.configuration.get("software", {"stillhunt": case.stillhunt})),
    }
    if wanted.whole_findings:
        artifacts["findings.json"] = as_text(frozen.findings_bytes)
    policy = kept(case, "policy")
    if policy is not None:
        artifacts["policy.json"] = as_json(policy)
    enclosed = wanted.reports if wanted.reports is not None else reports(case, material, answers, ledger)
    for name, content in enclosed.items():
        artifacts[name] = as_text(content) if name.endswith(".html") else as_bytes(content)
    return artifacts


def signed(ledger: Ledger, artifacts: Mapping[str, Mapping[str, Any]], index: int, entries: Sequence[int]) -> bytes:
    """The bundle's bytes: proofs against the log as it was right after the export's entry, signed with all of the log's keys."""
    keys = ledger.keys()
    body = statement(artifacts, log(ledger, [*entries, index], index + 1), index, [key.label for key in keys])
    return ledger.seal(PAYLOAD_TYPE, body)


def _entries(case: Case, artifacts: Mapping[str, Mapping[str, Any]], scan: int | None) -> list[int]:
    """The entries that the artifacts refer to."""
    batches = [one["leaf"] for one in artifacts["interactions.json"]["json"]]
    events = [one.leaf for one in case.events if one.leaf is not None]
    return [*batches, *events, *([scan] if scan is not None else [])]


def _observations(material: Material) -> list[dict[str, Any]]:
    """What was observed of the members where the campaign's evidence rests on it: all else would be most of the file."""
    weighed: dict[tuple[str, str], set[str]] = {}
    for member in material.campaign.accounts:
        for one in member.observations:
            weighed.setdefault((member.account_id, one.channel), set()).add(one.value)
    rows = material.lake.table("observations").to_arrow()
    rows = rows.filter(pc.is_in(rows["account_id"], value_set=material.sight.digest.ids.take(material.members)))
    rows = rows.sort_by([(name, "ascending") for name in ("account_id", "channel", "value")])
    named: list[dict[str, Any]] = []
    other: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows.to_pylist():
        key = (row["account_id"], row["channel"])
        if row["value"] in weighed.get(key, ()):
            named.append(row)
        elif key in weighed:
            other.setdefault(key, []).append(row)  # evidence names it in other words, as a range or a chain
    exact = {(row["account_id"], row["channel"]) for row in named}
    kept = named + [row for key, listed in other.items() if key not in exact for row in listed[:_EACH]]
    kept.sort(key=lambda row: (row["account_id"], row["channel"], row["value"]))
    return [{key: _plain(value) for key, value in row.items() if not _missing(value)} for row in kept]


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
