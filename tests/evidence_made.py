"""A small evidence bundle made by hand, without ledger and lake: keys, log, case and two interactions are a few lines each."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from stillhunt.cases.bundle.statement import as_bytes, as_json, as_text, statement, subjects_sha256
from stillhunt.verifier import (
    COSIGNATURE,
    ED25519,
    ML_DSA_44,
    PAYLOAD_TYPE,
    Checkpoint,
    Key,
    canonical,
    cosignature_message,
    cosigned_message,
    event_commitment,
    group_commitment,
    leaf_hash,
    node_hash,
    pae,
    row_leaf,
)

ORIGIN = "log.example.com/one"
WITNESS = "witness.example.org/w"
NOW = 1_790_000_000
SALT = "07" * 16


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


@dataclass
class Signer:
    """A private key under a name."""

    name: str
    kind: int
    seed: bytes

    @property
    def private(self) -> Any:
        return (MLDSA44PrivateKey.from_seed_bytes if self.kind == ML_DSA_44 else Ed25519PrivateKey.from_private_bytes)(self.seed)

    @property
    def key(self) -> Key:
        return Key(self.name, self.kind, self.private.public_key().public_bytes_raw())

    def line(self, checkpoint: Checkpoint) -> str:
        """A line of signature under the checkpoint."""
        text, stamp = text_of(checkpoint), NOW.to_bytes(8, "big")
        if self.kind == ED25519:
            data = self.private.sign(text.encode())
        elif self.kind == COSIGNATURE:
            data = stamp + self.private.sign(cosignature_message(NOW, text))
        else:
            data = stamp + self.private.sign(cosigned_message(self.name, NOW, checkpoint))
        return f"— {self.name} {base64_of(self.key.key_id + data)}\n"


ED = Signer(ORIGIN, ED25519, b"\x01" * 32)
ML = Signer(ORIGIN, ML_DSA_44, b"\x02" * 32)
STRANGER = Signer(ORIGIN, ED25519, b"\x03" * 32)
WATCHER = Signer(WITNESS, COSIGNATURE, b"\x04" * 32)
KEYS = [ED.key, ML.key]


def text_of(checkpoint: Checkpoint) -> str:
    return f"{checkpoint.origin}\n{checkpoint.size}\n{base64_of(checkpoint.root)}\n"


def note_of(checkpoint: Checkpoint, *signers: Signer) -> bytes:
    return (text_of(checkpoint) + "\n" + "".join(signer.line(checkpoint) for signer in signers)).encode()


# RFC 6962, section 2.1, as it is written there: slow, and another way than the verifier's


def _half(count: int) -> int:
    k = 1
    while k * 2 < count:
        k *= 2
    return k


def root_of(leaves: list[bytes]) -> bytes:
    """MTH over leaf hashes."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    k = _half(len(leaves))
    return node_hash(root_of(leaves[:k]), root_of(leaves[k:]))


def path_of(index: int, leaves: list[bytes]) -> list[bytes]:
    """PATH(m, D[n])."""
    if len(leaves) == 1:
        return []
    k = _half(len(leaves))
    if index < k:
        return [*path_of(index, leaves[:k]), root_of(leaves[k:])]
    return [*path_of(index - k, leaves[k:]), root_of(leaves[:k])]


def consistency_of(old: int, leaves: list[bytes], *, whole: bool = True) -> list[bytes]:
    """PROOF(m, D[n])."""
    if old == len(leaves):
        return [] if whole else [root_of(leaves)]
    k = _half(len(leaves))
    if old <= k:
        return [*consistency_of(old, leaves[:k], whole=whole), root_of(leaves[k:])]
    return [*consistency_of(old - k, leaves[k:], whole=False), root_of(leaves[:k])]


@dataclass
class Made:
    """The parts of a bundle, to be changed before it is put together."""

    artifacts: dict[str, Any] = field(default_factory=dict)
    entries: list[bytes] = field(default_factory=list)
    witnesses: tuple[Signer, ...] = ()
    signers: tuple[Signer, ...] = (ED, ML)

    def bundle(self) -> bytes:
        """The bundle's bytes, with the export recorded as the log's last entry."""
        document = {"case": "case-1", "kind": "bundle", "recipient": "a court", "sha256": subjects_sha256(self.artifacts), "tlp": "amber"}
        entries = [*self.entries, entry("export", document)]
        leaves = [leaf_hash(data) for data in entries]
        now, before = Checkpoint(ORIGIN, len(leaves), root_of(leaves)), Checkpoint(ORIGIN, len(leaves) - 1, root_of(leaves[:-1]))
        earlier = [(before, consistency_of(before.size, leaves), (ED, ML, *self.witnesses))] if self.witnesses else []
        log = {
            "checkpoints": [
                {"note": note_of(each, *by).decode(), "proof": [base64_of(one) for one in proof], "timestamps": []}
                for each, proof, by in [*earlier, (now, [], (ED, ML))]
            ],
            "entries": [
                {"index": index, "data": base64_of(data), "proof": [base64_of(one) for one in path_of(index, leaves)]}
                for index, data in enumerate(entries)
            ],
        }
        return signed(statement(self.artifacts, log, len(entries) - 1, [signer.key.label for signer in self.signers]), *self.signers)


def signed(body: bytes, *signers: Signer) -> bytes:
    """A DSSE envelope over `body`."""
    signatures = [{"keyid": one.key.label, "sig": base64_of(one.private.sign(pae(PAYLOAD_TYPE, body)))} for one in signers]
    signatures.sort(key=lambda one: one["keyid"])
    return canonical({"payload": base64_of(body), "payloadType": PAYLOAD_TYPE, "signatures": signatures})


def entry(kind: str, document: dict[str, Any]) -> bytes:
    return canonical({"at": "2026-05-02T00:00:00.000000Z", "document": document, "kind": kind, "stillhunt": "0.1.0"})


def event(number: int, kind: str, body: dict[str, Any]) -> dict[str, Any]:
    made = {"number": number, "at": "2026-05-03T00:00:00.000000Z", "actor": "A. Nalyst", "kind": kind, "body": body, "salt": SALT}
    return {**made, "commitment": event_commitment(made, bytes.fromhex(SALT)).hex(), "leaf": None}


def row(name: str, account: str) -> dict[str, Any]:
    """The three groups of an interaction, shown."""
    values = {
        "who": {"account_id": account, "client_prefix": "192.0.2.0/24"},
        "call": {"interaction_id": name, "started_at": 1_777_000_000_000_000, "output_tokens": 4096, "truncated": False},
        "content": {"prompt_hash": -5, "sketch": [1, 2, 3]},
    }
    return {group: {"salt": SALT, "values": each} for group, each in values.items()}


def withheld(shown: dict[str, Any], *groups: str) -> dict[str, str]:
    """Take groups away from `shown`, and give their commitments."""
    taken = {group: shown.pop(group) for group in groups}
    return {group: group_commitment(group, bytes.fromhex(one["salt"]), one["values"]).hex() for group, one in taken.items()}


def made(*, whole_findings: bool = True, redacted: bool = False, groups: tuple[str, ...] = ()) -> Made:
    """Two accounts, three interactions of which two are shown, three events, a scan."""
    campaign = {"campaign_id": "c-1", "calls": 3, "accounts": [{"account_id": "acct-1"}, {"account_id": "acct-2"}]}
    findings = canonical({"campaigns": [campaign, {"campaign_id": "c-2"}]})
    digest = hashlib.sha256(findings).hexdigest()
    rows = [row(f"call-{number}", f"acct-{number}") for number in (1, 2, 3)]
    leaves = [row_leaf(each, {}) for each in rows]
    events = [event(1, "opened", {"campaign_id": "c-1"}), event(2, "note", {"text": "seen"}), event(3, "closed", {"result": "confirmed"})]
    entries = [entry("batch", {"rows": 3, "root": root_of(leaves).hex()}), entry("scan", {"findings_sha256": digest, "campaigns": 2})]
    for each in events:
        each["leaf"] = len(entries)
        document = {"case_id": "case-1", "number": each["number"], "kind": each["kind"], "commitment": each["commitment"]}
        entries.append(entry("disposition" if each["kind"] == "closed" else "case", document))
    if redacted:
        events[1] |= {"body": None, "salt": None}
    shown = []
    for position in (0, 1):
        hidden = withheld(rows[position], *groups)
        shown.append(
            {
                "interaction_id": f"call-{position + 1}" if "call" in rows[position] else None,
                "shown": rows[position],
                "withheld": hidden,
                "leaf": 0,
                "position": position,
                "rows": 3,
                "proof": [base64_of(one) for one in path_of(position, leaves)],
            }
        )
    case = {"case_id": "case-1", "accounts": ["acct-1", "acct-2"], "findings_sha256": digest, "events": events}
    hypothesis = {"name": "one operator", "likelihood": "very likely", "confidence": "moderate"}
    artifacts = {
        "answers.json": as_json([{"question": "controlled", "hypotheses": [hypothesis]}]),
        "campaign.json": as_json(campaign),
        "case.json": as_json(case),
        "interactions.json": as_json(shown),
        "report.html": as_text(b"<!doctype html><p>r\xc3\xa9port</p>"),
        "report.pdf": as_bytes(b"%PDF-1.7"),
        "software.json": as_json({"stillhunt": "0.1.0"}),
    }
    if whole_findings:
        artifacts["findings.json"] = as_text(findings)
    return Made(artifacts, entries)
