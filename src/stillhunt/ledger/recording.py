"""What happens to a lake becomes entries: every append a batch, changes of other tables, compaction and retention, and scans.

A change is noted in `pending/` before the lake commits it, and settled afterwards; whoever is killed in between leaves the note, and
whoever opens the recording next looks whether the change is in the lake: if so its entry is made, if not the note is dropped. So lake and
ledger agree however a writer dies. The note of a living writer is locked by it and left alone.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.errors import StillhuntError
from stillhunt.lake import Lake
from stillhunt.lake.identity import Digests
from stillhunt.lake.recorder import Change, File, file_name
from stillhunt.ledger.batches import MANIFESTS, PENDING, Batches, Tree
from stillhunt.ledger.log import Ledger, ledger_at, timestamp
from stillhunt.ledger.manifests import Manifest, standing
from stillhunt.ledger.store import sync_folder, write_through
from stillhunt.records import TABLES, Findings
from stillhunt.records.canonical import canonical

RECORDED = tuple(name for name in TABLES if name != "observations")
"""The tables whose files entries name."""

ADOPTED_ROWS = 2_000_000
"""Rows beyond which what is adopted becomes another batch: a batch's hashes are in memory while it is made."""

_DRAFT_SECONDS = 3_600.0
_LONG = 4_096
"""Bytes of a setting beyond which an entry has its hash: entries are kept for ever, and are in every proof."""


@dataclass
class _Note:
    """A change that is pending: where its note lies, what it says, and the lock on it."""

    path: Path
    said: dict[str, Any]
    lock: int
    tree: Tree | None = None

    def close(self) -> None:
        """Let others see to it."""
        os.close(self.lock)


class Recording:
    """Keeps the record of one lake in one ledger; a `lake.recorder.Recorder`.

    Opening it settles what others left. `lake.recorded_by(Recording(ledger, lake))` starts recording.

    Raises:
        StillhuntError: the ledger or the lake cannot be used.
    """

    def __init__(self, ledger: Ledger, lake: Lake) -> None:
        self.ledger = ledger
        self.batches = Batches(ledger.folder)
        self._lake = lake
        self._pending = self.batches.folder / PENDING
        self._manifests = self.batches.folder / MANIFESTS
        self._last: tuple[tuple[str, ...], Tree] | None = None
        self.settle()
        if not any(self._manifests.iterdir()):
            self._begin()

    # ---- lake.recorder.Recorder

    def prepare(self, change: Change) -> _Note:
        """Note a change that is about to be made; for appended interactions work out their tree."""
        tree = None
        if change.rows is not None:
            names = tuple(file.name for file in change.added)
            if self._last is None or self._last[0] != names:  # else somebody else was faster, and the same files are committed again
                self._last = names, self.batches.tree(secrets.token_hex(8), change.rows)
            tree = self._last[1]
        kind = "batch" if tree is not None else "tables" if change.kind in {"append", "replace"} else "maintenance"
        document = {"table": change.table, "change": change.kind, **change.about}
        if tree is not None and change.rows is not None:
            document = self._of_rows(tree, change.rows)
        return self._note(kind, document, Manifest(change.added, change.removed), tree)

    def finish(self, prepared: object, *, done: bool | None) -> None:
        """Make the entry of a change that was made; drop the note of one that was not; leave what nobody knows."""
        assert isinstance(prepared, _Note)
        try:
            if done:
                self._enter(prepared)
            elif done is False:
                self._drop(prepared)
        finally:
            prepared.close()

    # ---- scans

    def scan(self, findings: Findings, encoded: bytes, settings: Mapping[str, Any]) -> int:
        """Make the entry of a scan. Returns its index.

        Args:
            findings: what it found.
            encoded: the same as it is kept.
            settings: what it was told, as JSON. Ranges of networks may be many: only their hash is recorded.
        """
        return self.ledger.append("scan", scan_document(findings, encoded, settings))

    # ---- what others left, what was there before

    def settle(self) -> int:
        """See to notes whose writers have died. Returns how many there were."""
        settled = 0
        for path in sorted(self._pending.iterdir()):
            note = _taken(path)
            if note is None:
                continue
            try:
                self._settle(note)
            finally:
                note.close()
            settled += 1
        return settled

    def adopt(self) -> int:
        """Make entries for files that no entry names with their hashes: rows from before the ledger, or written without it.

        Such an entry proves that the rows have been there since, not that they came as they are. Files into which compaction has put older
        rows are adopted as a whole. Returns how many interactions are in the entries made.
        """
        said = standing(self.ledger, self._manifests)
        whole = said.added.keys() - said.mixed
        adopted = 0
        for table in RECORDED:
            paths = {file_name(table, path): path for path in self._lake.table(table).data_paths()}
            new = [self._file(table, name, path) for name, path in sorted(paths.items()) if name not in whole]
            for files in _groups(new):
                manifest = Manifest(tuple(files))
                if table != "interactions":
                    self.finish(self._note("tables", {"table": table, "change": "adopted"}, manifest), done=True)
                    continue
                tree, about = self._tree_of(secrets.token_hex(8), {paths[file.name] for file in files})
                self.finish(self._note("batch", {**about, "adopted": True}, manifest, tree), done=True)
                adopted += sum(file.rows for file in files)
        return adopted

    # ---- inside

    def _begin(self) -> None:
        """Name the files that are older than the ledger, without reading them: there may be many."""
        found = [
            File(file_name(table, path), _size(path), 0, "") for table in RECORDED for path in sorted(self._lake.table(table).data_paths())
        ]
        if found:
            self.finish(self._note("maintenance", {"change": "begun"}, Manifest(tuple(found))), done=True)

    def _file(self, table: str, name: str, path: str) -> File:
        rows = 0
        with Path(path.removeprefix("file://")).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256")
        for batch in self._lake.table(table).batches_of({path}):
            rows += batch.num_rows
        return File(name, _size(path), rows, digest.hexdigest())

    def _of_rows(self, tree: Tree, rows: pa.Table) -> dict[str, Any]:
        return self._about(tree, *_span(rows["started_at"]), _counted(rows["source"]))

    def _about(self, tree: Tree, first: datetime, last: datetime, formats: dict[str, int]) -> dict[str, Any]:
        return {
            "id": tree.batch,
            "rows": int(tree.ids.size),
            "root": tree.root.hex(),
            "first": timestamp(first),
            "last": timestamp(last),
            "formats": formats,
            "ids": hashlib.sha256(tree.ids.tobytes()).hexdigest(),
            "salts": self.batches.secret_commitment(tree.batch),
        }

    def _tree_of(self, batch: str, paths: set[str]) -> tuple[Tree, dict[str, Any]]:
        """The tree over the rows of some of the lake's files, read twice: ids first, because they say where rows stand."""
        table = self._lake.table("interactions")
        parts: list[Digests] = []
        spans: list[tuple[datetime, datetime]] = []
        formats: Counter[str] = Counter()
        for piece in _tables(table.batches_of(paths)):
            parts.append(self.batches.digest(piece["interaction_id"]))
            spans.append(_span(piece["started_at"]))
            formats.update(_counted(piece["source"]))
        if not parts:
            raise StillhuntError(f"{self._lake.where}: rows that are to be recorded are no longer there; see `stillhunt ledger check`")
        digests = Digests(np.concatenate([part.high for part in parts]), np.concatenate([part.low for part in parts]))
        tree = self.batches.tree_of(batch, digests, _tables(table.batches_of(paths)))
        return tree, self._about(tree, min(first for first, _ in spans), max(last for _, last in spans), dict(formats))

    def _note(self, kind: str, document: dict[str, Any], manifest: Manifest, tree: Tree | None = None) -> _Note:
        name = tree.batch if tree is not None else secrets.token_hex(8)
        write_through(self._manifests / f"{name}.json", manifest.encode())
        sync_folder(self._manifests)
        said = {"kind": kind, "document": {**document, "id": name, "files": manifest.summary()}, "from": self.ledger.size}
        path, draft = self._pending / f"{name}.json", self._pending / f".{name}.new"
        lock = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        os.write(lock, json.dumps(said).encode())
        os.fsync(lock)
        draft.rename(path)
        sync_folder(self._pending)
        return _Note(path, said, lock, tree)

    def _enter(self, note: _Note, index: int | None = None) -> None:
        with self.batches.turn():
            if note.tree is not None:
                self.batches.lay(note.tree)
            index = self.ledger.append(note.said["kind"], note.said["document"]) if index is None else index
            if note.tree is not None:
                self.batches.name(note.tree, index)
        note.path.unlink()

    def _drop(self, note: _Note) -> None:
        note.path.unlink()
        with suppress(FileNotFoundError):
            (self._manifests / note.path.name).unlink()

    def _settle(self, note: _Note) -> None:
        document = note.said["document"]
        index = next((e.index for e in self.ledger.entries(note.said["from"]) if e.document.get("id") == document["id"]), None)
        manifest = Manifest.parse((self._manifests / note.path.name).read_bytes())
        if index is None and not self._made(document, manifest):
            self._drop(note)
            return
        if note.said["kind"] == "batch" and document["id"] not in {one.batch for one in self.batches.known()}:
            paths = {file_name("interactions", path): path for path in self._lake.table("interactions").data_paths()}
            note.tree, _ = self._tree_of(document["id"], {paths[file.name] for file in manifest.added if file.name in paths})
            if note.tree.root.hex() != document["root"]:
                raise StillhuntError(
                    f"{note.path}: the rows of an append that was interrupted are not those that were noted; see `stillhunt ledger check`"
                )
        self._enter(note, index)

    def _made(self, document: Mapping[str, Any], manifest: Manifest) -> bool:
        """Whether the change is in the lake."""
        if document.get("change") in {"begun", "adopted"} or document.get("adopted"):
            return True
        table = str(document.get("table", "interactions"))
        here = {file_name(table, path) for path in self._lake.table(table).data_paths()}
        if manifest.added:
            return any(file.name in here for file in manifest.added)
        return not any(name in here for name, _ in manifest.removed)


def record(lake: Lake, named: Path | None = None) -> Recording | None:
    """Record from now on what happens to `lake`, in the ledger of its folder or in the one in the folder `named`.

    Returns:
        The recording; None where the lake has no folder and none is named: nothing is recorded then.

    Raises:
        StillhuntError: the ledger cannot be opened or made.
    """
    ledger = ledger_at(lake, named)
    if ledger is None:
        return None
    recording = Recording(ledger, lake)
    lake.recorded_by(recording)
    return recording


def scan_document(findings: Findings, encoded: bytes, settings: Mapping[str, Any]) -> dict[str, Any]:
    """What the entry of a scan says: which snapshot was read with which settings, and the hash of what came of it.

    Each campaign has a hash of its own, of its canonical JSON, so that one can be shown to be of this scan without the others.
    """
    return {
        "snapshot": findings.lake_snapshot,
        "findings_sha256": hashlib.sha256(encoded).hexdigest(),
        "settings": _short(settings),
        "stillhunt": findings.stillhunt,
        "interactions": findings.scanned.interactions,
        "accounts": findings.scanned.accounts,
        "campaigns": {one["campaign_id"]: hashlib.sha256(canonical(one)).hexdigest() for one in findings.to_json()["campaigns"]},
        "as_of": findings.as_of,
    }


def _short(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with anything long replaced by its hash."""
    found: dict[str, Any] = {}
    for name, value in settings.items():
        one = _short(value) if isinstance(value, Mapping) and len(canonical(value)) > _LONG and name == "settings" else value
        data = canonical(one)
        found[name] = one if len(data) <= _LONG else {"sha256": hashlib.sha256(data).hexdigest()}
    return found


def _taken(path: Path) -> _Note | None:
    """The note at `path`, locked; None where its writer lives, or another process has seen to it."""
    try:
        if path.name.startswith("."):  # a note that is being written, or whose writer died before anything was changed
            if path.stat().st_mtime < time.time() - _DRAFT_SECONDS:
                path.unlink()
            return None
        lock = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if path.exists():
            return _Note(path, json.loads(os.pread(lock, os.fstat(lock).st_size, 0)), lock)
    except BlockingIOError:
        pass
    os.close(lock)
    return None


def _tables(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    return (pa.Table.from_batches([batch]) for batch in batches)


def _counted(column: pa.ChunkedArray[Any]) -> dict[str, int]:
    counts: Any = pc.value_counts(column)
    return {
        str(value): int(count) for value, count in zip(counts.field("values").to_pylist(), counts.field("counts").to_pylist(), strict=True)
    }


def _span(times: pa.ChunkedArray[Any]) -> tuple[datetime, datetime]:
    bounds: Any = pc.min_max(times)
    return bounds["min"].as_py(), bounds["max"].as_py()


def _groups(files: list[File]) -> Iterator[list[File]]:
    group: list[File] = []
    for file in files:
        if group and sum(one.rows for one in group) + file.rows > ADOPTED_ROWS:
            yield group
            group = []
        group.append(file)
    if group:
        yield group


def _size(path: str) -> int:
    local = Path(path.removeprefix("file://"))
    return local.stat().st_size if local.exists() else 0
