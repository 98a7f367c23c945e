"""Freezing what a case rests on, so that anybody can repeat the scan years later: calls, findings, configuration, observations.

A frozen folder holds::

    frozen.json          what is here: snapshot, files with their SHA-256, span of the calls, software
    findings.json        the findings, byte for byte
    configuration.json   what the scan was told (`cases.configuration`)
    lake/                the calls, accounts, entitlements and phrases of the snapshot; observations and texts of the named accounts

Files of a local lake are never changed once written, so they are frozen by hard links: a case costs no second copy, and compaction,
retention or the deletion of the lake do not take its calls away. Where links fail, files are copied.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from stillhunt import __version__, campaigns
from stillhunt.campaigns import Settings
from stillhunt.campaigns.view import open_view
from stillhunt.cases import scans
from stillhunt.cases.configuration import configuration, settings_of
from stillhunt.cases.frozen_lake import Files, FrozenFile, FrozenLake
from stillhunt.channels import channels, observe, table_of
from stillhunt.errors import InputError
from stillhunt.lake import Lake
from stillhunt.lake.faults import spoken
from stillhunt.lake.opening import DIGEST_FOLDER
from stillhunt.lake.reading import NotRead
from stillhunt.lake.table import LakeTable
from stillhunt.records import Findings

LAYOUT = 1
MANIFEST, FINDINGS, CONFIGURATION, CALLS = "frozen.json", "findings.json", "configuration.json", "lake"

WHOLE = ("interactions", "accounts", "entitlements", "phrases")
"""Tables that a scan reads: they are frozen whole, because accounts are weighed against everybody."""


def freeze(
    lake: Lake, findings_bytes: bytes, settings: Settings, folder: Path, *, recorded: bool = True, told: Mapping[str, Any] | None = None
) -> Frozen:
    """Freeze the snapshot that some findings were made from, with everything that repeating the scan needs.

    Args:
        lake: open lake that has the snapshot still.
        findings_bytes: the findings as they were written.
        settings: what the scan was told.
        folder: where to; made with mode 0700, whole or not at all.
        recorded: whether `settings` are known to be the scan's own.
        told: the configuration as it was written down with the scan, in place of one made of `settings` and what is installed now.

    Raises:
        InputError: not findings, or `folder` is there already.
        SnapshotGoneError: the snapshot has expired.
        StillhuntError: files cannot be read or written.
    """
    findings = scans.decode(findings_bytes, "these findings")
    if folder.exists():
        raise InputError(f"{folder}: is there already; a case is frozen once")
    pinned = lake.at(findings.lake_snapshot)
    named = pa.array(sorted({member.account_id for campaign in findings.campaigns for member in campaign.accounts}), pa.string())
    draft = folder.with_name(f".{folder.name}.new")
    with _made(draft), spoken(str(folder)):
        files = {name: _whole(pinned.table(name), draft / CALLS, name) for name in WHOLE}
        calls = FrozenLake(draft / CALLS, files, findings.lake_snapshot)
        files["observations"] = _observations(pinned, calls, findings, settings, named, draft / CALLS)
        files["texts"] = _texts(pinned.table("texts"), calls.table("interactions"), named, draft / CALLS)
        scans.write_private(draft / FINDINGS, findings_bytes)
        written = dict(told) if told is not None else configuration(settings, recorded=recorded)
        scans.write_private(draft / CONFIGURATION, _json(written))
        _list(draft, findings, files)
        draft.rename(folder)
    return Frozen(folder)


class Frozen:
    """What a case rests on, as it was frozen in `folder`.

    Raises:
        InputError: nothing is frozen there, or it was frozen by a newer release.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.about = _document(folder / MANIFEST)
        layout = self.about.get("layout")
        if isinstance(layout, int) and layout > LAYOUT:
            raise InputError(f"{folder}: frozen with layout {layout}, this release knows {LAYOUT}; install a newer release")
        if not _sound(self.about):
            raise InputError(f"{folder / MANIFEST}: not what was frozen; restore the case's files")

    @cached_property
    def findings_bytes(self) -> bytes:
        """The findings, byte for byte."""
        return _read(self.folder / FINDINGS)

    @cached_property
    def findings(self) -> Findings:
        """The findings."""
        return scans.decode(self.findings_bytes, str(self.folder / FINDINGS))

    @cached_property
    def configuration(self) -> dict[str, Any]:
        """What the scan was told and by what software it was made; see `cases.configuration`."""
        return _document(self.folder / CONFIGURATION)

    @cached_property
    def settings(self) -> Settings:
        """What the scan was told."""
        return settings_of(self.configuration)

    @property
    def released(self) -> bool:
        """Whether the calls were given up."""
        return not (self.folder / CALLS).is_dir()

    @contextmanager
    def lake(self) -> Iterator[Lake]:
        """The frozen calls as an open lake, for reading.

        Raises:
            InputError: the calls were given up.
        """
        if self.released:
            raise InputError(f"{self.folder}: the calls of this case were given up (`stillhunt case release`); only its findings are left")
        scanned = self.findings.scanned
        not_read = NotRead(scanned.refused, scanned.reasons)
        with FrozenLake(self.folder / CALLS, self._files, self.about["snapshot"], not_read) as opened:
            yield opened

    def changed(self) -> list[str]:
        """Files that are missing or not what was frozen, by their names below the folder."""
        wanted = {FINDINGS: self.about["findings_sha256"], CONFIGURATION: self.about["configuration_sha256"]}
        if not self.released:
            wanted |= {f"{CALLS}/{one.file}": one.sha256 for files in self._files.values() for one in files}
        with ThreadPoolExecutor(max_workers=4) as pool:
            found = pool.map(lambda name: _sha256_or_none(self.folder / name), wanted)
        return sorted(name for (name, sha256), is_now in zip(wanted.items(), found, strict=True) if sha256 != is_now)

    def rerun(self, progress: Callable[[str, float], None] | None = None) -> bytes:
        """Scan the frozen calls with the frozen settings. Returns the findings as a scan writes them.

        Every call is folded anew, in this process whatever engine the scan used: digests that were kept are removed first.

        Raises:
            InputError: the calls were given up.
        """
        until = datetime.fromisoformat(self.findings.as_of) if self.findings.as_of is not None else None
        with self.lake() as opened:
            shutil.rmtree(self.folder / CALLS / DIGEST_FOLDER, ignore_errors=True)
            found = campaigns.hunt(opened, as_of=until, settings=replace(self.settings, engine=None), progress=progress)
        return scans.encode(found)

    def held(self) -> tuple[int, int]:
        """Files of the frozen calls, and their bytes: what `release` would remove."""
        sizes = [file.stat().st_size for file in (self.folder / CALLS).rglob("*") if file.is_file()]
        return len(sizes), sum(sizes)

    def release(self) -> int:
        """Give up the calls, accounts, texts and observations; findings and configuration stay. Returns how many files were removed."""
        if self.released:
            return 0
        removed = sum(1 for file in (self.folder / CALLS).rglob("*") if file.is_file())
        with spoken(str(self.folder)):
            shutil.rmtree(self.folder / CALLS)
        return removed

    def again(self, folder: Path) -> Frozen:
        """The same, frozen a second time in `folder` for another case: each can be given up by itself.

        Raises:
            InputError: `folder` is there already.
            StillhuntError: files cannot be written.
        """
        if folder.exists():
            raise InputError(f"{folder}: is there already; a case is frozen once")
        draft = folder.with_name(f".{folder.name}.new")
        with _made(draft), spoken(str(folder)):
            names = [MANIFEST, FINDINGS, CONFIGURATION]
            if self.released:
                (draft / CALLS).rmdir()
            else:
                names += [f"{CALLS}/{one.file}" for files in self._files.values() for one in files]
            for name in names:
                _link(self.folder / name, draft / name)
            draft.rename(folder)
        return Frozen(folder)

    @cached_property
    def _files(self) -> Files:
        return {name: [FrozenFile(**one) for one in files] for name, files in self.about["tables"].items()}


def holding(cases: Path, before: datetime) -> list[str]:
    """Names of the frozen folders under `cases` that hold calls from before a moment, or that cannot say whether they do."""
    return [manifest.parent.name for manifest in sorted(cases.glob(f"*/{MANIFEST}")) if _holds(manifest.parent, before)]


def _holds(folder: Path, before: datetime) -> bool:
    try:
        frozen = Frozen(folder)
    except InputError:
        return True
    first = frozen.about["calls"]["from"]
    return not frozen.released and first is not None and datetime.fromisoformat(first) < before


# ---- what is frozen


def _whole(table: LakeTable, place: Path, name: str) -> list[FrozenFile]:
    """All files of a table in order: linked where they lie on this machine, written anew where not."""
    local = table.local_files()
    made = []
    for number, path in enumerate(table.in_order()):
        target = place / f"{name}-{number:05d}.parquet"
        source = local[path]
        if source is not None:
            _link(Path(source), target)
        else:
            _write(target, table.schema, table.batches_of({path}))
        made.append(target)
    with ThreadPoolExecutor(max_workers=4) as pool:
        return list(pool.map(_described, made))


def _observations(pinned: Lake, calls: Lake, findings: Findings, settings: Settings, named: pa.Array[Any], place: Path) -> list[FrozenFile]:
    """What channels observed of the named accounts: as the scan left it in the lake, or observed again where a later scan replaced it."""
    kept = pinned.table("observations")
    if not len(named):
        return []
    if kept.count():
        rows = kept.to_arrow()
        rows = rows.filter(pc.is_in(rows["account_id"], value_set=named))
    else:
        until = datetime.fromisoformat(findings.as_of) if findings.as_of is not None else None
        digest = open_view(calls, until, settings.network_kind).digest
        shown = pc.index_in(named, value_set=digest.ids).drop_null().to_numpy().astype(np.int64)
        rows = table_of(observe(digest, channels())[0], digest, np.sort(shown))
    target = place / "observations-00000.parquet"
    _write(target, kept.schema, rows.select(kept.schema.names).cast(kept.schema).to_batches())
    return [_described(target)]


def _texts(texts: LakeTable, calls: LakeTable, named: pa.Array[Any], place: Path) -> list[FrozenFile]:
    """Texts of the named accounts' calls, where text is kept; of nobody else's."""
    if not len(named) or not texts.count():
        return []
    own = [batch.column(0).filter(pc.is_in(batch.column(1), value_set=named)) for batch in calls.batches(["interaction_id", "account_id"])]
    wanted = pa.chunked_array(own, pa.string()).combine_chunks()
    target = place / "texts-00000.parquet"
    _write(target, texts.schema, (batch.filter(pc.is_in(batch.column("interaction_id"), value_set=wanted)) for batch in texts.batches()))
    return [_described(target)]


def _list(draft: Path, findings: Findings, files: Files) -> None:
    about = {
        "layout": LAYOUT,
        "stillhunt": __version__,
        "frozen_at": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        "snapshot": findings.lake_snapshot,
        "calls": {"from": findings.scanned.from_, "to": findings.scanned.to, "interactions": findings.scanned.interactions},
        "findings_sha256": _sha256(draft / FINDINGS),
        "configuration_sha256": _sha256(draft / CONFIGURATION),
        "tables": {name: [one._asdict() for one in listed] for name, listed in files.items()},
    }
    scans.write_private(draft / MANIFEST, _json(about))


# ---- files


@contextmanager
def _made(draft: Path) -> Iterator[None]:
    """A folder to write into, which goes away if writing fails."""
    with spoken(str(draft.parent)):
        draft.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.rmtree(draft, ignore_errors=True)
        for folder in (draft, draft / CALLS):
            folder.mkdir(mode=0o700)
    try:
        yield
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:  # another file system, or one that has no links
        shutil.copyfile(source, target)
        target.chmod(0o600)


def _write(target: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
    with pq.ParquetWriter(target, schema, compression="zstd") as file:
        for batch in batches:
            file.write_batch(batch)
    target.chmod(0o600)


def _described(path: Path) -> FrozenFile:
    return FrozenFile(path.name, pq.read_metadata(path).num_rows, path.stat().st_size, _sha256(path))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sha256_or_none(path: Path) -> str | None:
    try:
        return _sha256(path)
    except OSError:
        return None


def _json(document: Mapping[str, Any]) -> bytes:
    return (json.dumps(document, indent=1, sort_keys=True, ensure_ascii=True) + "\n").encode()


def _sound(about: Mapping[str, Any]) -> bool:
    """Whether a manifest has what is read of it; files lie in their folder and nowhere else."""
    try:
        texts = [about["snapshot"], about["findings_sha256"], about["configuration_sha256"]]
        first = about["calls"]["from"]
        files = [FrozenFile(**one) for listed in about["tables"].values() for one in listed]
        _ = datetime.fromisoformat(first) if first is not None else None
    except (KeyError, TypeError, AttributeError, ValueError):
        return False
    named = all(isinstance(one.file, str) and one.file == Path(one.file).name and one.file not in {"", ".."} for one in files)
    return named and all(isinstance(text, str) for text in texts) and all(isinstance(one.rows, int) for one in files)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}); name the folder of a case, or restore its files") from error


def _document(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(_read(path))
    except ValueError as error:
        raise InputError(f"{path}: not JSON; restore the case's files") from error
    if not isinstance(found, dict):
        raise InputError(f"{path}: not what was frozen; restore the case's files")
    return found
