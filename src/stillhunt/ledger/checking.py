"""Is the ledger what was signed? Every byte of every file is accounted for, or named as a problem.

Entries, their index and the stored hashes must be exactly what follows from the entries; the roots must be those of the signed
checkpoints, of all sizes; everything signed is verified by `stillhunt.verifier`; files that nothing explains are named. What this cannot
see is a ledger that was cut back as a whole, or written anew by whoever holds the key: that needs a checkpoint that somebody else kept.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from stillhunt.errors import InputError, StillhuntError
from stillhunt.ledger import merkle, store
from stillhunt.ledger.attachments import COSIGNATURE, parse_name
from stillhunt.ledger.comparing import differences
from stillhunt.ledger.log import Entry, Ledger, read_header
from stillhunt.ledger.problem import Problem
from stillhunt.verifier import Checkpoint, Key, Refused, check_checkpoint, leaf_hash, parse_note

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from stillhunt.lake import Lake

BATCHES = "batches"
"""The folder that `stillhunt.ledger.auditing` accounts for."""

_TAIL = "stands behind the last signed entry: a crash left it, which the next entry removes, or somebody added it"


@dataclass(frozen=True)
class Checked:
    """What a check looked at and found.

    Attributes:
        origin: the log's name, "" where even that is damaged.
        size: its signed entries.
        problems: everything that is not as it was committed; none if all is well.
    """

    origin: str
    size: int
    problems: list[Problem]


def check(
    folder: Path,
    *,
    keys: Sequence[Key] = (),
    against: Mapping[str, bytes] | None = None,
    certificates: Sequence[Certificate] = (),
    lake: Lake | None = None,
) -> Checked:
    """Check the ledger in `folder`.

    Args:
        folder: where it is.
        keys: the log's public keys as somebody else kept them; without, the ledger's own word is taken for them.
        against: checkpoints that somebody else kept, by where they come from: the ledger must continue each.
        certificates: of time stamp authorities; without, only the hashes in time stamps are checked.
        lake: the lake whose rows and files the entries commit to, to be checked as well.

    Raises:
        InputError: there is nothing at all.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no ledger here")
    run = _Run(folder)
    run.inventory()
    if run.header(keys):
        run.checkpoints()
        run.entries()
        run.hashes()
        run.roots()
        run.attachments(certificates)
        for where, note in (against or {}).items():
            run.against(where, note)
        if lake is not None:
            run.problems.extend(_of_batches(folder, lake))
    return Checked(run.origin, run.size, run.problems)


@dataclass
class _Run:
    """One check as it goes on. Each step adds what it finds to `problems` and leaves to the next what it has read."""

    folder: Path
    problems: list[Problem] = field(default_factory=list)
    origin: str = ""
    keys: list[Key] = field(default_factory=list)
    size: int = 0
    signed: dict[int, Checkpoint] = field(default_factory=dict)
    notes: dict[int, bytes] = field(default_factory=dict)
    leaves: list[bytes] = field(default_factory=list)
    parsed: list[Entry] = field(default_factory=list)
    kept: list[bytes] = field(default_factory=list)

    def found(self, where: str, what: str) -> None:
        self.problems.append(Problem(what, where))

    def read(self, name: str) -> bytes:
        try:
            return (self.folder / name).read_bytes()
        except OSError as error:
            self.found(name, f"cannot be read ({error.strerror})")
            return b""

    def inventory(self) -> None:
        expected = {*store.FILES, *store.FOLDERS, BATCHES}
        present = {path.name: path for path in self.folder.iterdir()}
        for name in sorted(expected - present.keys() - {BATCHES}):
            self.found(name, "is missing")
        for name, path in sorted(present.items()):
            right = path.is_dir() if name in {*store.FOLDERS, BATCHES} else path.is_file()
            if name == store.DRAFT:
                self.found(name, "a file that was about to appear; a crash left it, which the next entry removes, or somebody added it")
            elif name not in expected or path.is_symlink() or not right:
                self.found(name, "does not belong into a ledger")
        if store.LOCK in present and self.read(store.LOCK):
            self.found(store.LOCK, "must be empty")

    def header(self, keys: Sequence[Key]) -> bool:
        try:
            self.origin, own = read_header(self.read(store.HEADER), self.folder)
        except StillhuntError as error:
            self.found(store.HEADER, str(error))
            return False
        if keys and set(own) != set(keys):
            labels = ", ".join(key.label for key in own)
            self.found(store.HEADER, f"the ledger is signed by other keys ({labels}) than those that were given")
        self.keys = own
        return True

    def checkpoints(self) -> None:
        names = self._names(store.CHECKPOINTS)
        for name in names:
            where = f"{store.CHECKPOINTS}/{name}"
            if not name.isascii() or not name.isdecimal() or str(int(name)) != name or len(name) > 19:
                self.found(where, "does not belong into a ledger")
                continue
            note = self.read(where)
            self.notes[int(name)] = note
            try:
                checkpoint, signatures = check_checkpoint(note, self.keys, all_known=True)
            except Refused as error:
                self.found(where, str(error))
                continue
            if [each.key for each in signatures] != self.keys or checkpoint.size != int(name) or checkpoint.origin != self.origin:
                self.found(where, "is not what the log signed for this size")
            else:
                self.signed[checkpoint.size] = checkpoint
        self.size = max(self.notes, default=0)
        for size in sorted(set(range(self.size + 1)) - self.notes.keys())[:100]:
            self.found(f"{store.CHECKPOINTS}/{size}", "is missing")

    def entries(self) -> None:
        data = self.read(store.ENTRIES)
        lines = data.split(b"\n")
        if lines.pop():
            self.found(store.ENTRIES, f"an unfinished line {_TAIL}")
        ends = b""
        end = 0
        for index, line in enumerate(lines):
            end += len(line) + 1
            ends += struct.pack("<Q", end)
            self.leaves.append(leaf_hash(line))
            try:
                self.parsed.append(Entry.parse(index, line))
            except ValueError:
                self.found(f"entry {index}", "is not written as entries are")
        if self.read(store.INDEX) != ends:
            self.found(store.INDEX, "does not say where the entries end")

    def hashes(self) -> None:
        data = self.read(store.HASHES)
        self.kept = [data[at : at + merkle.HASH_BYTES] for at in range(0, len(data), merkle.HASH_BYTES)]
        expected = merkle.all_stored(self.leaves)
        if self.kept != expected:
            wrong = next((at for at, pair in enumerate(zip(self.kept, expected, strict=False)) if pair[0] != pair[1]), None)
            which = f"hash {wrong} is not what" if wrong is not None else "are not as many as"
            self.found(store.HASHES, f"{which} follows from the entries")

    def roots(self) -> None:
        """Compare the entries with what was signed; where they differ, say which, if there is something right to compare with."""
        tree = merkle.all_stored(self.leaves)
        newest = self.signed.get(self.size)
        fits = newest is not None and len(self.leaves) >= self.size and merkle.root(tree.__getitem__, self.size) == newest.root
        if fits and len(self.leaves) > self.size:
            self.found(f"entry {self.size}", _TAIL)
        if not fits and newest is not None and len(self.kept) >= merkle.stored(self.size):
            right = [self.kept[merkle.place(0, at)] for at in range(self.size)]
            if merkle.root(merkle.all_stored(right).__getitem__, self.size) == newest.root:
                for index, what in differences(right, self.leaves):
                    self.found(f"entry {index}", what)
        for size, checkpoint in sorted(self.signed.items()):
            if size > len(self.leaves):
                self.found(
                    f"{store.CHECKPOINTS}/{size}", f"was signed for {size} entries, and there are {len(self.leaves)}: entries were removed"
                )
                break
            if merkle.root(tree.__getitem__, size) != checkpoint.root:
                self.found(f"{store.CHECKPOINTS}/{size}", "was signed for other entries than those that are here")
                break  # every later one differs too

    def attachments(self, certificates: Sequence[Certificate]) -> None:
        named, witnesses = self._own_entries()
        present: set[str] = set()
        for folder in (store.ATTACHED, store.ARRIVED):
            for name in self._names(folder):
                where, content = f"{folder}/{name}", self.read(f"{folder}/{name}")
                present.add(name)
                digest = hashlib.sha256(content).hexdigest()
                what = parse_name(name)
                if what is None or (folder == store.ATTACHED and name not in named):
                    self.found(where, "does not belong into a ledger")
                elif not digest.startswith(what.digest) or digest != named.get(name, digest):
                    self.found(where, "was changed after it arrived")
                elif what.what == COSIGNATURE:
                    self._cosignature(where, what.size, content, witnesses)
                else:
                    self._timestamp(where, what.size, content, certificates)
        for name in sorted(named.keys() - present):
            self.found(f"{store.ATTACHED}/{name}", "is missing")

    def against(self, where: str, note: bytes) -> None:
        try:
            theirs, _ = check_checkpoint(note, self.keys)
        except Refused as error:
            self.found(where, f"not a checkpoint that this ledger's keys signed ({error})")
            return
        if theirs.size > self.size:
            self.found(where, f"the ledger was rolled back: this checkpoint is of {theirs.size} entries, and it has {self.size}")
        elif theirs.size > len(self.leaves) or theirs.root != merkle.root(merkle.all_stored(self.leaves).__getitem__, theirs.size):
            self.found(where, f"the ledger was forked: its first {theirs.size} entries are not those of this checkpoint")

    def _own_entries(self) -> tuple[dict[str, str], list[Key]]:
        """What the ledger's own entries say: attached file -> SHA-256, and the witnesses' keys."""
        named: dict[str, str] = {}
        witnesses: list[Key] = []
        for entry in self.parsed:
            try:
                if entry.kind == "attachment":
                    named |= {str(one["file"]): str(one["sha256"]) for one in entry.document["files"]}
                elif entry.kind == "witness":
                    witnesses.append(Key.parse(entry.document["vkey"]))
            except (KeyError, TypeError, AttributeError, Refused):
                self.found(f"entry {entry.index}", f"does not say what a {entry.kind} entry says")
        return named, witnesses

    def _names(self, folder: str) -> list[str]:
        try:
            return sorted(path.name for path in (self.folder / folder).iterdir())
        except OSError as error:
            self.found(folder, f"cannot be read ({error.strerror})")
            return []

    def _cosignature(self, where: str, size: int, line: bytes, witnesses: Sequence[Key]) -> None:
        try:
            one = len(parse_note(b"-\n\n" + line).signatures) == 1
            checkpoint, signatures = check_checkpoint(self.notes.get(size, b"") + line, [*self.keys, *witnesses], all_known=True)
            if not one or signatures[-1].key not in witnesses or checkpoint.size != size:
                self.found(where, "is not one witness's cosignature")
        except Refused as error:
            self.found(where, str(error))

    def _timestamp(self, where: str, size: int, content: bytes, certificates: Sequence[Certificate]) -> None:
        from stillhunt.ledger import timestamps  # noqa: PLC0415 - most ledgers have none

        try:
            response = timestamps.parse(content)
            note = self.notes.get(size, b"")
            if response.tst_info.message_imprint.message != hashlib.sha256(note).digest():
                self.found(where, "is for something else than this checkpoint")
            elif certificates:
                timestamps.verify(response, note, certificates)
        except InputError as error:
            self.found(where, str(error))


def _of_batches(folder: Path, lake: Lake) -> list[Problem]:
    from stillhunt.ledger import auditing  # noqa: PLC0415 - it needs what a check of the log alone does not

    try:
        return auditing.check(Ledger.open(folder), lake)
    except StillhuntError as error:
        return [Problem(f"the lake cannot be compared with the ledger: {error}", str(lake.where))]
