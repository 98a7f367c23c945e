"""Indicator packs: made from a case, signed, recorded before they leave; read, checked and kept by whoever receives them.

A pack is `records.packs.Pack` in canonical JSON inside a DSSE envelope of type `PAYLOAD_TYPE`, signed with all keys of the sender's
ledger. A recipient who has the public keys can verify it and make none; the pack names its signers, so that no signature can be taken
away. Whatever is wrong with a pack, there is one error, `PackError`.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import ValidationError

from stillhunt.cases.docket import Docket
from stillhunt.cases.share import Tlp
from stillhunt.cases.share.identifying import identified, identifiers_of, read_exchange_key
from stillhunt.cases.share.packing import behaviour, gather
from stillhunt.cases.share.preparing import prepared
from stillhunt.cases.share.release import release
from stillhunt.errors import InputError
from stillhunt.lake import Lake, packs
from stillhunt.ledger.log import Ledger
from stillhunt.records.canonical import canonical
from stillhunt.records.cases import CaseEvent
from stillhunt.records.packs import KeptPack, Pack
from stillhunt.verifier import Key, Refused, open_envelope, parse_canonical

PAYLOAD_TYPE = "application/vnd.stillhunt.pack+json"
LIMIT = 8 << 20
KIND = "pack"


class PackError(InputError):
    """A pack is not accepted. `str()` says what is wrong with it."""


@dataclass(frozen=True)
class Outgoing:
    """What the person who sends a pack decides.

    Attributes:
        recipient: the organization that it is for.
        tlp: who the recipient may tell.
        days: how long it is to be looked for.
        revokes: ids of earlier packs that are not to be looked for any more.
        exchange_key: file with the key that both sides hold; None sends no identifiers.
        identifiers: export of accounts that identifiers are taken from; goes with the key.
    """

    recipient: str
    tlp: Tlp = Tlp.AMBER
    days: int = 90
    revokes: Sequence[str] = ()
    exchange_key: Path | None = None
    identifiers: Path | None = None


def send(docket: Docket, name: str, path: Path, wanted: Outgoing, by: str, *, now: datetime | None = None) -> tuple[Pack, CaseEvent]:
    """Make a pack of a case, record that it leaves, and write it.

    Raises:
        InputError: no such case, one that is not shared, too little that is the campaign's own, no ledger, or wrong options.
    """
    if (wanted.exchange_key is None) != (wanted.identifiers is None):
        raise InputError("identifiers are sent under an exchange key only: give both --exchange-key and --identifiers, or neither")
    if docket.ledger is None:
        raise InputError("nothing leaves without a ledger that records it; give one with `stillhunt case --ledger DIR`")
    case = prepared(docket, name).case
    if docket.frozen(case.case_id).released:
        raise InputError(f"{case.case_id}: its calls were given up, and a pack is made from them")
    at = (now or datetime.now(UTC)).replace(microsecond=0)
    with docket.material(case.case_id) as material:
        gathered = gather(material, docket.frozen(case.case_id).settings.ignored_organizations)
        campaign, helps = material.campaign, behaviour(material)
    names = [member.account_id for member in campaign.accounts]
    keyed = None
    if wanted.exchange_key is not None and wanted.identifiers is not None:
        keyed = identifiers_of(wanted.identifiers, names, read_exchange_key(wanted.exchange_key), secrets.token_bytes(16))
    try:
        pack = Pack(
            pack_id=secrets.token_hex(16),
            sequence=1 + _sent(docket.ledger),
            revokes=sorted(wanted.revokes),
            issuer=docket.ledger.origin,
            signers=sorted(key.label for key in docket.ledger.keys()),  # noqa: SIM118  # no dictionary
            recipient=wanted.recipient.strip(),
            tlp=wanted.tlp.value,
            issued_at=_moment(at),
            expires_at=_moment(at + timedelta(days=wanted.days)),
            campaign=secrets.token_hex(16),
            accounts=_rounded(len(names)),
            first_day=campaign.first_seen[:10],
            last_day=campaign.last_seen[:10],
            least=gathered.least,
            matched=gathered.matched,
            templates=gathered.templates,
            identifiers=keyed,
            behaviour=helps,
        )
    except ValidationError as error:
        raise InputError(f"the pack cannot be made: {_first(error)}") from error
    content = sign(pack, docket.ledger)
    event = release(docket, case.case_id, content, path, kind=KIND, tlp=wanted.tlp, recipient=wanted.recipient, by=by)
    return pack, event


def sign(pack: Pack, ledger: Ledger) -> bytes:
    """The file that leaves: the pack in an envelope that the ledger's keys sign."""
    return ledger.seal(PAYLOAD_TYPE, canonical(pack.model_dump(mode="json")))


def read(data: bytes, keys: Sequence[Key]) -> Pack:
    """The pack in a file, once all its signatures were found right.

    Args:
        data: the file.
        keys: the sender's public keys, had from the sender by another way than the pack.

    Raises:
        PackError: anything is wrong: signatures, form, or what it says of itself.
    """
    try:
        body, signers = open_envelope(data, keys, PAYLOAD_TYPE, LIMIT)
        pack = Pack.model_validate(parse_canonical(body, "pack"))
    except Refused as error:
        raise PackError(f"this pack is not accepted: {error}") from error
    except ValidationError as error:
        raise PackError(f"this pack is not accepted: {_first(error)}") from error
    except Exception as error:  # whatever a stranger's file does to us, it is one error
        raise PackError(f"this pack is not accepted: it cannot be read ({type(error).__name__})") from error
    if pack.signers != [key.label for key in signers]:
        raise PackError("this pack is not accepted: a signature was taken away or added")
    if {key.name for key in signers} != {pack.issuer}:
        raise PackError("this pack is not accepted: it is signed by another than it says it is from")
    return pack


def take(
    lake: Lake,
    ledger: Ledger | None,
    data: bytes,
    keys: Sequence[Key],
    *,
    exchange_key: Path | None = None,
    identifiers: Path | None = None,
    now: datetime | None = None,
) -> KeptPack:
    """Import a pack: verify it, record it in the ledger, keep it beside the lake. The same pack again changes nothing but what identifies.

    Args:
        lake: a local lake, open.
        ledger: where the import is recorded.
        data: the pack's file.
        keys: the sender's public keys.
        exchange_key: file with the key that both sides hold, to look for identifiers.
        identifiers: export of this provider's accounts to look for them in.
        now: the wall clock.

    Raises:
        PackError: the pack is not accepted, has expired, or is revoked.
        InputError: the lake has no folder, there is no ledger, or something that was given is wrong.
    """
    if lake.folder is None or ledger is None:
        raise InputError(f"{lake.where}: packs are kept in a local lake that has a ledger; give the lake's folder")
    if (exchange_key is None) != (identifiers is None):
        raise InputError("identifiers are looked for under an exchange key only: give both --exchange-key and --identifiers, or neither")
    pack = read(data, keys)
    at = (now or datetime.now(UTC)).replace(microsecond=0)
    if datetime.fromisoformat(pack.expires_at) <= at:
        raise PackError(f"this pack is not accepted: it has expired on {pack.expires_at[:10]}; ask {pack.issuer} for a new one")
    before = packs.decode(packs.kept(lake.folder))
    if any(one.pack.issuer == pack.issuer and pack.pack_id in one.pack.revokes for one in before):
        raise PackError(f"this pack is not accepted: {pack.issuer} has revoked it")
    sha256 = hashlib.sha256(data).hexdigest()
    held = next((one for one in before if one.pack.pack_id == pack.pack_id), None)
    if held is not None and held.pack != pack:
        raise PackError("this pack is not accepted: another one with its id is here already")
    matches = held.identified if held is not None else {}
    if exchange_key is not None and identifiers is not None:
        if pack.identifiers is None:
            raise InputError("this pack has no identifiers; leave out --exchange-key and --identifiers")
        matches = identified(identifiers, pack.identifiers, read_exchange_key(exchange_key))
    if held is None:
        document = {
            "expires_at": pack.expires_at,
            "issuer": pack.issuer,
            "kind": KIND,
            "pack": pack.pack_id,
            "sha256": sha256,
            "tlp": pack.tlp,
        }
        ledger.append("import", document)
    kept = KeptPack(
        pack=pack,
        imported_at=held.imported_at if held is not None else _moment(at),
        envelope_sha256=held.envelope_sha256 if held is not None else sha256,
        identified=matches,
    )
    packs.keep(kept, lake.folder)
    return kept


def _sent(ledger: Ledger) -> int:
    return sum(1 for entry in ledger.entries() if entry.kind == "export" and entry.document.get("kind") == KIND)


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _rounded(number: int) -> int:
    """To one digit: how large it is, and not which campaign."""
    return max(1, round(number, 1 - len(str(number))))


def _first(error: ValidationError) -> str:
    first = error.errors(include_input=False, include_url=False)[0]
    return f"{'.'.join(str(step) for step in first['loc']) or 'the whole'}: {first['msg'].lower()}"[:300]
