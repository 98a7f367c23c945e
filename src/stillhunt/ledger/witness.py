"""Witnesses: others who vouch that they have only ever seen this log grow (c2sp.org/tlog-cosignature, c2sp.org/tlog-witness).

Without one, a provider could keep two logs and show each court the one that suits. Both sides are here: the log's, which asks and keeps
the answers, and the witness's, for an auditor who has nothing better installed. What passes between them are files, so that any transport
will do; the request is the body of tlog-witness' `add-checkpoint`, the answer its response.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path

from stillhunt.errors import InputError, StillhuntError
from stillhunt.ledger.attachments import COSIGNATURE, name_of, parse_name
from stillhunt.ledger.checkpoints import base64_of, cosign, witness_keys
from stillhunt.ledger.keys import Signing
from stillhunt.ledger.log import Ledger
from stillhunt.ledger.store import sync_folder, write_through
from stillhunt.records.canonical import canonical
from stillhunt.verifier import Checkpoint, Key, Refused, check_checkpoint, check_consistency, from_base64, parse_note

_LONGEST_PROOF = 63


def trusted(ledger: Ledger) -> list[Key]:
    """The keys of the witnesses that the ledger names, in the order in which they came."""
    return [Key.parse(entry.document["vkey"]) for entry in ledger.entries() if entry.kind == "witness"]


def trust(ledger: Ledger, vkey: str) -> Key:
    """Accept cosignatures of this key from now on; that is an entry of its own.

    Raises:
        InputError: it is no key of a witness, or has the log's own name, or is trusted already.
    """
    try:
        key = Key.parse(vkey.strip())
    except Refused as error:
        raise InputError(f"{vkey.strip()[:60]}: {error}") from error
    if key.kind == 0x01 or key.name == ledger.origin:
        raise InputError(f"{key.label}: a witness has a cosignature key (type 0x04 or 0x06) under a name of its own")
    if key in trusted(ledger):
        raise InputError(f"{key.label}: this witness is trusted already")
    ledger.append("witness", {"vkey": key.vkey})
    return key


def request(ledger: Ledger, old: int | None = None) -> bytes:
    """What to send to a witness, to have the newest checkpoint cosigned.

    Args:
        ledger: the log.
        old: the size that the witness cosigned last (it says so when it is asked with another); by default the newest that
            has any cosignature, or 0.

    Raises:
        InputError: there are not so many entries.
    """
    size = ledger.size
    if old is None:
        old = max((parsed.size for parsed in map(parse_name, ledger.kept()) if parsed and parsed.what == COSIGNATURE), default=0)
    proof = "".join(f"{base64_of(each)}\n" for each in ledger.consistency(old, size))
    return f"old {old}\n{proof}\n".encode() + ledger.checkpoint(size)


def add(ledger: Ledger, answer: bytes) -> tuple[int, list[Key]]:
    """Keep a witness's answer: signature lines, or a whole checkpoint with them. Lines of strangers are passed over.

    Returns:
        The size of the checkpoint that is cosigned, and by which keys.

    Raises:
        InputError: no line is a new cosignature, by a trusted witness, of a checkpoint of this ledger.
    """
    keys = {(key.name, key.key_id): key for key in trusted(ledger)}
    lines = answer.rpartition(b"\n\n")[2]
    try:
        signatures = parse_note(b"-\n\n" + lines).signatures
    except Refused as error:
        raise InputError(f"the witness's answer cannot be read: {error}") from error
    known = {
        line + b"\n": keys[name, key_id]
        for line, (name, key_id, _) in zip(lines.split(b"\n"), signatures, strict=False)
        if (name, key_id) in keys
    }
    if not known:
        raise InputError(
            "the answer holds no signature by a witness that this ledger trusts; `stillhunt ledger witness trust` says who is one"
        )
    reason = ""
    for size in range(ledger.size, -1, -1):  # the log may have grown since it asked
        try:
            check_checkpoint(ledger.checkpoint(size) + b"".join(known), [*ledger.keys(), *keys.values()])
        except Refused as error:
            reason = reason or str(error)
            continue
        for line in known:
            ledger.keep(name_of(size, line, COSIGNATURE), line)
        return size, list(known.values())
    raise InputError(f"the answer fits no checkpoint of this ledger; with the newest: {reason}")


class Witness:
    """Somebody who cosigns checkpoints, and never two that contradict each other.

    Args:
        name: the name that the witness signs under, like `auditor.example/w1`.
        signers: its private keys.
        logs: public keys of the logs that it knows.
        state: a file, made if it is missing, where it remembers the newest checkpoint of each log. Who loses it, loses what
            a witness is for.
    """

    def __init__(self, name: str, signers: Sequence[Signing], logs: Sequence[Key], state: Path) -> None:
        self._name = name
        self._signers = signers
        self._logs = logs
        self._state = state

    def keys(self) -> list[Key]:
        """The witness's public keys."""
        return witness_keys(self._signers, self._name)

    def cosign(self, asked: bytes) -> bytes:
        """The signature lines in answer to a request, after its checkpoint was remembered.

        Raises:
            StillhuntError: the request is malformed, the log is not known or did not sign, or the checkpoint does not
                continue the newest one that was cosigned before.
        """
        try:
            old, proof, note = parse_request(asked)
            checkpoint, _ = check_checkpoint(note, self._logs)
            lock = os.open(self._state.with_name(f"{self._state.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX)
                self._advance(checkpoint, old, proof)
            finally:
                os.close(lock)
        except Refused as error:
            raise StillhuntError(f"not cosigned: {error}") from error
        except OSError as error:
            raise StillhuntError(f"{self._state}: cannot be read or written ({error.strerror}); nothing was cosigned") from error
        return cosign(self._signers, self._name, checkpoint, int(time.time()))

    def _advance(self, checkpoint: Checkpoint, old: int, proof: Sequence[bytes]) -> None:
        remembered = self._remembered()
        known = remembered.get(checkpoint.origin)
        size = known.size if known else 0
        if old > checkpoint.size:
            raise Refused(f"the request asks about {checkpoint.size} entries after {old}: rolled back")
        if size != old:
            said = "rolled back, or behind" if checkpoint.size < size else "ask again from there"
            raise Refused(f"the newest checkpoint that was cosigned for {checkpoint.origin} has {size} entries, not {old}: {said}")
        if known is not None:
            try:
                check_consistency(size, checkpoint.size, known.root, checkpoint.root, proof)
            except Refused as error:
                raise Refused(f"the log was forked, or its proof is wrong: {error}") from error
        elif proof:
            raise Refused("a first request brings no consistency proof")
        remembered[checkpoint.origin] = checkpoint
        document = {origin: {"size": one.size, "root": base64_of(one.root)} for origin, one in remembered.items()}
        draft = self._state.with_name(f"{self._state.name}.new")
        write_through(draft, canonical(document) + b"\n")
        draft.replace(self._state)
        sync_folder(self._state.parent)

    def _remembered(self) -> dict[str, Checkpoint]:
        if not self._state.exists():
            return {}
        try:
            read = json.loads(self._state.read_bytes())
            return {origin: Checkpoint(origin, int(one["size"]), from_base64(one["root"], "root", 32)) for origin, one in read.items()}
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, Refused) as error:
            raise StillhuntError(f"{self._state}: not a witness's memory, or damaged; restore it, or nothing can be cosigned") from error


def parse_request(asked: bytes) -> tuple[int, list[bytes], bytes]:
    """Take an `add-checkpoint` body apart: old size, consistency proof, checkpoint.

    Raises:
        Refused: it is none.
    """
    head, separator, note = asked.partition(b"\n\n")
    try:
        first, *lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise Refused("request: not ASCII before the checkpoint") from None
    number = first.removeprefix("old ")
    if not separator or not first.startswith("old ") or len(number) > 19 or not number.isdecimal() or str(int(number)) != number:
        raise Refused("request: a line like `old 12`, a proof, an empty line and a checkpoint were expected")
    if len(lines) > _LONGEST_PROOF:
        raise Refused("request: more hashes than any log needs")
    return int(number), [from_base64(line, "request: hash", 32) for line in lines], note
