"""The log: an append-only list of entries that cannot be changed unnoticed."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from stillhunt import __version__
from stillhunt.errors import InputError, StillhuntError
from stillhunt.ledger import merkle, store
from stillhunt.ledger.checkpoints import envelope, log_proof, sign_checkpoint, without_ml_dsa
from stillhunt.ledger.keys import Signing, key_path, make_key, read_key
from stillhunt.ledger.store import Store, sync_folder, write_through
from stillhunt.records.canonical import canonical
from stillhunt.verifier import Checkpoint, Key, Refused, check_checkpoint, leaf_hash

if TYPE_CHECKING:
    from stillhunt.lake import Lake

FOLDER = "ledger"
VERSION = 1
KINDS = (
    "batch",
    "tables",
    "maintenance",
    "scan",
    "decision",
    "dye_plan",
    "disposition",
    "case",
    "export",
    "import",
    "witness",
    "attachment",
)
"""What entries are about. The last two are the ledger's own: a witness that is trusted from now on, and files that arrived."""


@dataclass(frozen=True)
class Entry:
    """One leaf.

    Attributes:
        index: its number, from 0.
        kind: one of `KINDS`.
        at: when it was appended, ISO 8601 in UTC, by this machine's clock.
        document: what it says.
        data: the bytes that were hashed, canonical JSON.
    """

    index: int
    kind: str
    at: str
    document: Mapping[str, Any]
    data: bytes

    @classmethod
    def parse(cls, index: int, data: bytes) -> Entry:
        """The entry in `data`.

        Raises:
            ValueError: it is none, or is not written canonically.
        """
        try:
            said = json.loads(data)
            strange = not isinstance(said, dict) or set(said) != {"at", "document", "kind", "stillhunt"} or canonical(said) != data
        except (ValueError, RecursionError):
            strange = True
        if strange or said["kind"] not in KINDS or not isinstance(said["at"], str) or not isinstance(said["document"], dict):
            raise ValueError(index)
        return cls(index, said["kind"], said["at"], said["document"], data)


class Ledger:
    """An open ledger. Any number of processes and threads may append to it and read it at the same time.

    Attributes:
        folder: where it is.
        origin: the name of the log.
        lake: the lake that it belongs to, where that is known.
    """

    lake: Lake | None = None

    def __init__(self, folder: Path, signers: Sequence[Signing] | None = None) -> None:
        self.folder = folder
        self._store = Store(folder)
        self._given = signers
        self.origin, self._keys = read_header(self._store.header(), folder)

    @classmethod
    def open(cls, folder: Path, *, create: bool = False, signers: Sequence[Signing] | None = None, origin: str | None = None) -> Self:
        """Open the ledger in `folder`.

        Args:
            folder: where it is.
            create: make it if it is not there.
            signers: its private keys, Ed25519 first; by default those of its key file, which is made with the ledger, and
                read only when something is signed.
            origin: the name of a new log, like `example.com/stillhunt`; made from its key if not given.

        Raises:
            StillhuntError: there is no ledger, it cannot be made, or it is not one.
        """
        if not (folder / store.HEADER).exists():
            if not create:
                raise InputError(f"{folder}: there is no ledger here; `stillhunt ledger init` makes one")
            _create(folder, list(signers) if signers is not None else make_key(key_path(folder)), origin)
        return cls(folder, signers)

    @property
    def size(self) -> int:
        """How many entries there are."""
        return self._store.size()

    def keys(self) -> list[Key]:
        """The log's public keys: Ed25519, ML-DSA-44."""
        return list(self._keys)

    # ---- writing

    def append(self, kind: str, document: Mapping[str, Any]) -> int:
        """Add an entry and return its index. On return it is on disk, under a new signed checkpoint.

        Args:
            kind: one of `KINDS`.
            document: JSON without NaN. It is kept for ever: nothing that may have to be deleted belongs into it.

        Raises:
            ValueError: `kind` is none of `KINDS`.
            StillhuntError: the ledger is damaged or cannot be written, or its key cannot be used.
        """
        if kind not in KINDS:
            raise ValueError(kind)
        with self._store.turn():
            if arrived := sorted(path.name for path in (self.folder / store.ARRIVED).iterdir()):
                self._attach(arrived)
            return self._append(kind, document)

    def keep(self, name: str, content: bytes) -> None:
        """Keep what somebody else signed about a checkpoint; the next entry is preceded by one that commits to it.

        Not at once, because a checkpoint that a witness cosigned would then no longer be the newest.
        """
        with self._store.turn():
            self._store.place(store.ARRIVED, name, content)

    # ---- reading

    def entry(self, index: int) -> Entry:
        """The entry at `index`.

        Raises:
            StillhuntError: there is none, or it was changed.
        """
        if not 0 <= index < self.size:
            raise InputError(f"{self.folder}: there is no entry {index}; the ledger has {self.size}, counted from 0")
        data = self._store.entry(index)
        if leaf_hash(data) != self._store.hash_at(merkle.place(0, index)):
            raise StillhuntError(f"{self.folder}: entry {index} was changed; `stillhunt ledger check` says what else is wrong")
        return Entry.parse(index, data)

    def entries(self, start: int = 0) -> Iterator[Entry]:
        """All entries from `start` on, as many as there are when this is called."""
        return map(self.entry, range(start, self.size))

    def checkpoint(self, size: int | None = None) -> bytes:
        """The signed checkpoint of the first `size` entries (default: all), with the cosignatures that there are."""
        size = self.size if size is None else size
        return self.signed_checkpoint(size) + b"".join(path.read_bytes() for path in self.attachments(size, "cosignature"))

    def signed_checkpoint(self, size: int) -> bytes:
        """The checkpoint of the first `size` entries as the log signed it, and nothing else: what a time stamp is for.

        Raises:
            StillhuntError: there are not so many.
        """
        if not 0 <= size <= self.size:
            raise InputError(f"{self.folder}: there is no checkpoint of the first {size} entries; the ledger has {self.size}")
        return self._store.checkpoint(size)

    def kept(self) -> list[str]:
        """Names of all files that others made about checkpoints."""
        return sorted({path.name for folder in (store.ATTACHED, store.ARRIVED) for path in (self.folder / folder).iterdir()})

    def attachments(self, size: int, what: str) -> list[Path]:
        """Files that others made about the checkpoint of `size` entries; `what` is "cosignature" or "timestamp"."""
        folders = (self.folder / store.ATTACHED, self.folder / store.ARRIVED)
        found = {path.name: path for folder in folders for path in folder.glob(f"{size}.*.{what}")}
        return [found[name] for name in sorted(found)]

    def proof(self, index: int, size: int | None = None, *, with_entry: bool = False, brief: bool = False) -> bytes:
        """A .tlog-proof: entry `index` is in the log of the first `size` entries (default: all).

        Args:
            index: the entry.
            size: of the checkpoint that is proved against.
            with_entry: put the entry's bytes into the file's `extra` line, so that nothing else is needed to check it.
            brief: leave out the checkpoint's ML-DSA signatures, 3.3 kB each. What is left is a checkpoint as well.

        Raises:
            StillhuntError: there is no such entry.
        """
        size = self.size if size is None else size
        if not 0 <= index < size <= self.size:
            raise InputError(f"{self.folder}: there is no entry {index} among the first {size}")
        extra = self.entry(index).data if with_entry else None
        checkpoint = self.checkpoint(size)
        return log_proof(
            index, merkle.inclusion(self._store.hash_at, index, size), without_ml_dsa(checkpoint) if brief else checkpoint, extra
        )

    def prove_interaction(self, interaction_id: str, lake: Lake | None = None, *, brief: bool = True) -> dict[str, Any]:
        """The proof of one interaction as JSON; `stillhunt.ledger.proving` says what is in it.

        Args:
            interaction_id: which.
            lake: holds the row; by default the one that `ledger_at` was given, or the one that the ledger's folder lies in.
            brief: as for `proof`.

        Raises:
            StillhuntError: ledger or lake does not have it, or they differ.
        """
        from stillhunt.lake import Lake  # noqa: PLC0415 - the log itself needs no lake
        from stillhunt.ledger.proving import prove_interaction  # noqa: PLC0415

        known = lake or self.lake
        if known is not None:
            return prove_interaction(self, known, interaction_id, brief=brief)
        with Lake.open(self.folder.parent) as opened:
            return prove_interaction(self, opened, interaction_id, brief=brief)

    def consistency(self, old_size: int, size: int | None = None) -> list[bytes]:
        """The proof that the first `old_size` entries are the beginning of the first `size` (default: all).

        Raises:
            StillhuntError: there are not so many.
        """
        size = self.size if size is None else size
        if not 0 <= old_size <= size <= self.size:
            raise InputError(f"{self.folder}: there are no {old_size} entries among the first {size}")
        return merkle.consistency(self._store.hash_at, old_size, size)

    def root(self, size: int | None = None) -> bytes:
        """The root hash of the first `size` entries (default: all), from the stored hashes."""
        return merkle.root(self._store.hash_at, self.size if size is None else size)

    def sign_dsse(self, payload_type: str, body: bytes) -> dict[str, Any]:
        """A DSSE envelope over `body`, signed by all of the log's keys; their keyids are `name+hash` as in the vkeys.

        Raises:
            StillhuntError: the key file is missing or another log's, or a key service refuses.
        """
        return envelope(self._signers, self._keys, payload_type, body)

    def seal(self, payload_type: str, body: bytes) -> bytes:
        """The same envelope as the file that `verifier.open_envelope` takes: canonical JSON, signatures in the order of their keyids.

        Raises:
            StillhuntError: as for `sign_dsse`.
        """
        signed = self.sign_dsse(payload_type, body)
        return canonical({**signed, "signatures": sorted(signed["signatures"], key=lambda one: str(one["keyid"]))})

    # ---- inside

    @cached_property
    def _signers(self) -> list[Signing]:
        signers = list(self._given) if self._given is not None else read_key(key_path(self.folder))
        if [(signer.kind, signer.public) for signer in signers] != [(key.kind, key.public) for key in self._keys]:
            raise StillhuntError(f"{key_path(self.folder)}: this is not the key of the ledger {self.origin}; restore the right key file")
        return signers

    def _append(self, kind: str, document: Mapping[str, Any]) -> int:
        size = self.size
        self._sound(size)
        now = datetime.now(UTC)
        data = canonical({"at": timestamp(now), "document": document, "kind": kind, "stillhunt": __version__})
        added = merkle.grown(self._store.hash_at, size, leaf_hash(data))
        signers = self._signers  # before anything is written: without a key there is no entry
        self._store.lay(size, data, added)
        checkpoint = Checkpoint(self.origin, size + 1, self.root(size + 1))
        self._store.seal(size + 1, sign_checkpoint(signers, checkpoint, int(now.timestamp())))
        return size

    def _sound(self, size: int) -> None:
        """Refuse to sign anything on top of what was never signed."""
        try:
            checkpoint, _ = check_checkpoint(self._store.checkpoint(size), self._keys)
        except Refused as error:
            raise StillhuntError(
                f"{self.folder}: the newest checkpoint is not the log's own ({error}); run `stillhunt ledger check`"
            ) from error
        if checkpoint != (self.origin, size, self.root(size)):
            raise StillhuntError(
                f"{self.folder}: the entries are not those that the newest checkpoint was signed for; see `stillhunt ledger check`"
            )

    def _attach(self, names: Sequence[str]) -> None:
        folder = self.folder / store.ARRIVED
        files = [{"file": name, "sha256": hashlib.sha256((folder / name).read_bytes()).hexdigest()} for name in names]
        self._append("attachment", {"files": files})
        for name in names:
            (folder / name).replace(self.folder / store.ATTACHED / name)
        sync_folder(self.folder / store.ATTACHED)
        sync_folder(folder)


def ledger_at(lake: Lake, named: Path | None = None) -> Ledger | None:
    """The ledger of `lake`, made if it is missing: the folder `ledger` in a local lake, or `named`. None where neither is.

    Raises:
        StillhuntError: it cannot be opened or made.
    """
    if named is None and lake.folder is None:
        return None
    ledger = Ledger.open(named if named is not None else Path(str(lake.folder)) / FOLDER, create=True)
    ledger.lake = lake
    return ledger


def timestamp(when: datetime) -> str:
    """A time as entries write it."""
    return when.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def read_header(data: bytes, folder: Path) -> tuple[str, list[Key]]:
    """Origin and public keys from `ledger.json`.

    Raises:
        StillhuntError: it is damaged, or of a newer release.
    """
    try:
        header = json.loads(data)
        keys = [Key.parse(vkey) for vkey in header["keys"]]
        sound = canonical(header) + b"\n" == data and header.keys() == {"keys", "origin", "stillhunt-ledger"}
        sound = sound and {key.name for key in keys} == {header["origin"]}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, Refused):
        sound = False
    if not sound:
        raise StillhuntError(f"{folder / store.HEADER}: damaged, or not a ledger's; restore it from a backup")
    if header["stillhunt-ledger"] != VERSION:
        raise StillhuntError(f"{folder}: a newer release wrote this ledger; use that one")
    return str(header["origin"]), keys


def _create(folder: Path, signers: Sequence[Signing], origin: str | None) -> None:
    """Make an empty ledger with a signed checkpoint of nothing, whole or not at all."""
    if len({signer.kind for signer in signers}) != len(signers) or not signers:
        raise ValueError("one key of each kind")
    name = origin or f"stillhunt-ledger/{hashlib.sha256(signers[0].public).hexdigest()[:16]}"
    draft = folder.with_name(f"{folder.name}.{os.getpid()}.{time.monotonic_ns()}.new")
    try:
        keys = [Key(name, signer.kind, signer.public) for signer in signers]
        header = {"keys": [key.vkey for key in keys], "origin": name, "stillhunt-ledger": VERSION}
        draft.mkdir(mode=0o700, parents=True)
        for inner in store.FOLDERS:
            (draft / inner).mkdir(mode=0o700)
        for file in store.FILES:
            write_through(draft / file, canonical(header) + b"\n" if file == store.HEADER else b"")
        empty = sign_checkpoint(signers, Checkpoint(name, 0, merkle.EMPTY_ROOT), int(time.time()))
        write_through(draft / store.CHECKPOINTS / "0", empty)
        for inner in (*store.FOLDERS, "."):
            sync_folder(draft / inner)
        draft.rename(folder)
        sync_folder(folder.parent)
    except Refused as error:
        raise InputError(f"--origin {name}: {error}") from error
    except OSError as error:
        if not (folder / store.HEADER).exists():  # else somebody else was faster, which is as good
            raise StillhuntError(f"{folder}: the ledger cannot be made ({error.strerror}); check the folder's permissions") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
