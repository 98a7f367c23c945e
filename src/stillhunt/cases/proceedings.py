"""What may be done in a case, and when: open, investigate, close, merge, split, exhibit, redact, repeat, give up.

Every one of these is an event with a name; those that change where a case stands have a reason, too. Nothing is ever undone: a closed case
is opened again by another event.
"""

from __future__ import annotations

import hashlib
import secrets
import shutil
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from stillhunt import __version__
from stillhunt.campaigns import Settings
from stillhunt.campaigns.known import Known
from stillhunt.cases import scans
from stillhunt.cases.case_events import STANDING, bodies
from stillhunt.cases.configuration import other_software, settings_of
from stillhunt.cases.docket import PREFIX, Docket
from stillhunt.cases.freezing import MANIFEST, Frozen, freeze
from stillhunt.errors import InputError, StillhuntError
from stillhunt.lake import Lake
from stillhunt.lake.faults import spoken
from stillhunt.records import Campaign, Findings
from stillhunt.records.cases import Case, CaseEvent, Credibility, Reliability, Result, Status

EXHIBITS = "exhibits"

_ANY_TIME = {"note", "exhibit", "exported", "released", "rerun", "redacted", "reopened"}
_OF_MERGED = {"exported", "released", "rerun", "redacted"}


def campaign_in(findings: Findings, known: Iterable[Known], wanted: str) -> tuple[Campaign, str]:
    """The campaign that a person means, and its name.

    Args:
        findings: where it is looked for.
        known: campaigns that a watch knows by name.
        wanted: a campaign's id or how it begins, or the name that a watch gave it.

    Returns:
        The campaign, and the watch's name for it where it has one, else its id.

    Raises:
        InputError: none is meant, or more than one.
    """
    named = list(known)
    meant = [one for one in findings.campaigns if one.campaign_id.startswith(wanted)] if wanted else []
    exact = [one for one in meant if one.campaign_id == wanted]
    if not meant:
        meant = [campaign for campaign in findings.campaigns if (of := _name(campaign, named)) is not None and of == wanted]
    if len(exact or meant) != 1:
        there = ", ".join(one.campaign_id for one in findings.campaigns[:5]) or "none"
        problem = f"{len(meant)} campaigns begin like this" if meant else "the scan names no such campaign"
        raise InputError(f"{wanted[:80]}: {problem} (it names {there}); give its id, or the name that a watch gave it")
    (campaign,) = exact or meant
    return campaign, _name(campaign, named) or campaign.campaign_id


def _name(campaign: Campaign, known: Iterable[Known]) -> str | None:
    accounts = {member.account_id for member in campaign.accounts}
    shared = {one.name: sum(name in accounts for name, of in one.members.items() if of.listed) for one in known}
    best = max(shared, key=lambda name: (shared[name], name), default=None)
    return best if best is not None and shared[best] else None


def open_case(docket: Docket, lake: Lake, findings: bytes, wanted: str, by: str, *, title: str | None = None) -> Case:
    """Open a case on a campaign and freeze what it rests on.

    Args:
        docket: open for writing.
        lake: open lake that still has the snapshot of the findings.
        findings: as the scan wrote them, byte for byte.
        wanted: which campaign; see `campaign_in`.
        by: who opens it.
        title: in words; made of the campaign if not said.

    Raises:
        InputError: no such campaign, or nobody's name.
        SnapshotGoneError: the snapshot has expired; scan again.
    """
    _named(by)
    read = scans.decode(findings, "these findings")
    campaign, name = campaign_in(read, docket.registry.known(), wanted)
    told = scans.told_of(findings, lake.folder) if lake.folder is not None else None
    settings = settings_of(told) if told is not None else Settings(false_discovery_rate=read.false_discovery_rate)
    case_id = PREFIX + secrets.token_hex(5)
    frozen = freeze(lake, findings, settings, docket.place(case_id), recorded=told is not None, told=told)
    return _opened(docket, case_id, frozen, campaign, name, [member.account_id for member in campaign.accounts], title, by)


def _opened(
    docket: Docket,
    case_id: str,
    frozen: Frozen,
    campaign: Campaign,
    name: str,
    accounts: list[str],
    title: str | None,
    by: str,
    split_from: str | None = None,
) -> Case:
    body = {
        "campaign_id": campaign.campaign_id,
        "campaign": name,
        "title": title or f"Campaign {name}: {len(accounts):,} accounts",
        "accounts": accounts,
        "lake_snapshot": frozen.about["snapshot"],
        "findings_sha256": frozen.about["findings_sha256"],
        "frozen_sha256": hashlib.sha256((frozen.folder / MANIFEST).read_bytes()).hexdigest(),
        "stillhunt": __version__,
        "split_from": split_from,
    }
    try:
        docket.record(case_id, "opened", body, by)
    except StillhuntError:
        if not any(case.case_id == case_id for case in docket.cases()):
            shutil.rmtree(frozen.folder, ignore_errors=True)  # no case: nothing may be held for it
        raise
    return docket.case(case_id)


def investigate(docket: Docket, name: str, status: Status, reason: str, by: str) -> Case:
    """Say that a case is pending or being investigated.

    Raises:
        InputError: it is closed, or closing is what is meant.
    """
    if status is Status.CLOSED:
        raise InputError("a case is closed with a result: `stillhunt case close CASE --result RESULT --reason WHY`")
    case = going_on(docket, name, "status")
    docket.record(case.case_id, "status", {"status": status.value, "reason": reason}, by)
    return docket.case(case.case_id)


def close(docket: Docket, name: str, result: Result, reason: str, by: str) -> Case:
    """Close a case. One that is pending was investigated by whoever closes it, and that is recorded first.

    Raises:
        InputError: no reason, nobody's name, or closed already.
    """
    case = going_on(docket, name, "closed")
    _reasoned(reason)
    if case.status is Status.PENDING:
        docket.record(case.case_id, "status", {"status": Status.INVESTIGATING.value, "reason": "looked into to be closed"}, by)
    docket.record(case.case_id, "closed", {"result": result.value, "reason": reason.strip()}, by)
    return docket.case(case.case_id)


def reopen(docket: Docket, name: str, reason: str, by: str) -> Case:
    """Investigate a closed case again.

    Raises:
        InputError: it is not closed, or no reason is given.
    """
    case = going_on(docket, name, "reopened")
    _reasoned(reason)
    if case.status is not Status.CLOSED:
        raise InputError(f"{case.case_id}: is not closed, so it cannot be reopened")
    docket.record(case.case_id, "reopened", {"reason": reason.strip()}, by)
    return docket.case(case.case_id)


def note(docket: Docket, name: str, text: str, by: str) -> CaseEvent:
    """Write something down."""
    if not text.strip():
        raise InputError("the note is empty; say what is to be written down")
    return docket.record(going_on(docket, name, "note").case_id, "note", {"text": text.strip()}, by)


def exhibit(
    docket: Docket,
    name: str,
    file: Path,
    by: str,
    *,
    title: str,
    reliability: Reliability,
    credibility: Credibility,
    names: str | None = None,
) -> CaseEvent:
    """Take a file into the case: the only way in which names of companies or people enter it, with the name of who brought them.

    Args:
        docket: open for writing.
        name: the case.
        file: is copied, mode 0600.
        by: who brings it.
        title: what it is.
        reliability: of its source.
        credibility: of what it says.
        names: companies or people that it names.

    Raises:
        InputError: the file cannot be read.
    """
    case = going_on(docket, name, "exhibit")
    _named(by)
    try:
        content = file.read_bytes()
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror or error}); name the exhibit's file") from error
    exhibit_id = f"exhibit-{secrets.token_hex(4)}"
    kept = docket.place(case.case_id) / EXHIBITS
    with spoken(str(kept)):
        kept.mkdir(mode=0o700, parents=True, exist_ok=True)
    scans.write_private(kept / exhibit_id, content)
    body = {
        "exhibit_id": exhibit_id,
        "title": title,
        "file": file.name,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "source_reliability": reliability.value,
        "information_credibility": credibility.value,
        "names": names,
    }
    return docket.record(case.case_id, "exhibit", body, by)


def merge(docket: Docket, name: str, into: str, reason: str, by: str) -> Case:
    """Make a case part of another one, which gets its accounts. Returns the other one.

    Raises:
        InputError: it is the same case, one of them is closed, or no reason is given.
    """
    case, other = going_on(docket, name, "merged"), going_on(docket, into, "merged")
    _reasoned(reason)
    if case.case_id == other.case_id:
        raise InputError(f"{case.case_id}: a case cannot become part of itself")
    docket.record(other.case_id, "merged", {"from": case.case_id, "accounts": case.accounts, "reason": reason.strip()}, by)
    docket.record(case.case_id, "merged", {"into": other.case_id, "reason": reason.strip()}, by)
    return docket.case(other.case_id)


def split(docket: Docket, name: str, accounts: Collection[str], reason: str, by: str, *, title: str | None = None) -> Case:
    """Move accounts to a new case, which gets its own copy of what is frozen. Returns the new one.

    Raises:
        InputError: the case does not have these accounts, none would stay, or no reason is given.
    """
    case = going_on(docket, name, "split")
    _reasoned(reason)
    _named(by)
    strangers = sorted(set(accounts) - set(case.accounts))
    if strangers:
        raise InputError(f"{strangers[0][:80]}: is no account of {case.case_id}; `stillhunt case show {case.case_id} --json` lists them")
    if not accounts or len(set(accounts)) == len(case.accounts):
        raise InputError(f"{case.case_id}: split off some of its accounts, not {'none' if not accounts else 'all'}")
    moved = [name for name in case.accounts if name in set(accounts)]
    frozen = docket.frozen(case.case_id)
    campaign = next(one for one in frozen.findings.campaigns if one.campaign_id == case.campaign_id)
    case_id = PREFIX + secrets.token_hex(5)
    other = _opened(docket, case_id, frozen.again(docket.place(case_id)), campaign, case.campaign, moved, title, by, case.case_id)
    docket.record(case.case_id, "split", {"to": case_id, "accounts": moved, "reason": reason.strip()}, by)
    return other


def redact(docket: Docket, name: str, number: int, reason: str, by: str) -> CaseEvent:
    """Take away what an event says, and the file of an exhibit, for good. That there was an event stays, and can be proved.

    Raises:
        InputError: no such event, it is redacted already, or says who redacted what.
    """
    case = going_on(docket, name, "redacted")
    _reasoned(reason)
    one = next((one for one in case.events if one.number == number), None)
    if one is None:
        raise InputError(f"{case.case_id}: has no event {number}; `stillhunt case show {case.case_id}` lists them")
    if one.kind not in STANDING:
        raise InputError(f"{case.case_id}: event {number} says what was redacted, by whom and why; that stays")
    if one.body is None:
        raise InputError(f"{case.case_id}: event {number} is redacted already")
    docket.complete(case.case_id)  # the leaf first: it is what stays
    left = {key: one.body[key] for key in STANDING[one.kind] if key in one.body}
    done = docket.record(case.case_id, "redacted", {"event": number, "kind": one.kind, "reason": reason.strip(), "left": left}, by)
    docket.erase(case.case_id, number)
    if one.kind == "exhibit":
        with spoken(str(docket.place(case.case_id))):
            (docket.place(case.case_id) / EXHIBITS / one.body["exhibit_id"]).unlink(missing_ok=True)
    return done


def release(docket: Docket, name: str, reason: str, by: str) -> int:
    """Give up a case's frozen calls. Returns how many files were removed.

    Raises:
        InputError: they were given up already, or no reason is given.
    """
    case = going_on(docket, name, "released")
    _reasoned(reason)
    _named(by)
    frozen = docket.frozen(case.case_id)
    if frozen.released:
        raise InputError(f"{case.case_id}: its calls were given up already")
    docket.record(case.case_id, "released", {"reason": reason.strip()}, by)
    return frozen.release()


def rerun(docket: Docket, name: str, by: str, progress: Callable[[str, float], None] | None = None) -> tuple[Case, list[str]]:
    """Repeat the scan that a case rests on. Returns the case, and what is not the same, one clause each; nothing where every byte is.

    Raises:
        InputError: the calls were given up.
    """
    case = going_on(docket, name, "rerun")
    _named(by)
    frozen = docket.frozen(case.case_id)
    manifest = hashlib.sha256((frozen.folder / MANIFEST).read_bytes()).hexdigest()
    changed = [f"the file {name} is not the one that was frozen" for name in frozen.changed()]
    if manifest != bodies(case.events)[1]["frozen_sha256"]:
        changed.insert(0, f"the list of frozen files, {MANIFEST}, is not the one that the case was opened with")
    found = frozen.rerun(progress)
    differences = changed + unlike(frozen.findings_bytes, found)
    if found != frozen.findings_bytes:
        differences += [f"software: {one}" for one in other_software(frozen.configuration)]
        if not frozen.configuration.get("recorded", True):
            differences.append("nobody wrote down what the first scan was told: the usual settings were assumed")
    docket.record(
        case.case_id,
        "rerun",
        {"identical": not differences, "findings_sha256": hashlib.sha256(found).hexdigest(), "differences": differences[:100]},
        by,
    )
    return docket.case(case.case_id), differences


def unlike(before: bytes, after: bytes) -> list[str]:
    """Where two findings differ, field by field; nothing if they are the same bytes."""
    if before == after:
        return []
    old, new = (scans.decode(one, "these findings").to_json() for one in (before, after))
    told = [f"{field} differs" for field in old if field not in {"campaigns", "pools"} and old[field] != new.get(field)]
    for kind, key in (("campaigns", "campaign_id"), ("pools", "pool_id")):
        was, now = ({one[key]: one for one in document[kind]} for document in (old, new))
        told += [f"{name} is found no more" for name in was if name not in now]
        told += [f"{name} is found only now" for name in now if name not in was]
        for name in was:
            if name in now and was[name] != now[name]:
                told.append(f"{name}: {', '.join(field for field in was[name] if was[name][field] != now[name].get(field))} differs")
    return told or ["the same findings are spelled otherwise"]


def going_on(docket: Docket, name: str, kind: str) -> Case:
    """The case, if an event of this kind may be added to it as it stands.

    Raises:
        InputError: no such case, it is part of another one now, or it is closed; the message says how to go on.
    """
    case = docket.case(name)
    if case.merged_into is not None and kind not in _OF_MERGED:
        raise InputError(f"{case.case_id}: is part of {case.merged_into} now; go on there")
    if case.status is Status.CLOSED and kind not in _ANY_TIME:
        raise InputError(f"{case.case_id}: is closed; reopen it first (`stillhunt case reopen {case.case_id} --lake DIR --reason WHY`)")
    return case


def _reasoned(reason: str) -> None:
    if not reason.strip():
        raise InputError("say why: --reason TEXT")


def _named(by: str) -> None:
    if not by.strip():
        raise InputError("say who does this: --by NAME, or set STILLHUNT_ANALYST")
