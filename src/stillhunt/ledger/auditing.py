"""Whether a lake is what its ledger says: every file, every row of every batch, and the hashes that proofs are made from.

The log is taken as it is; `stillhunt.ledger.checking` is for it. What is found, and how it is told apart:

* a *file* that no entry names, that is gone without an entry that removes it, or whose bytes are not those that were recorded;
* a *row* that its batch has otherwise (changed), that its batch has and the lake has not (removed), that no batch has (inserted), or that
  the lake has twice;
* *hashes* in `batches/` that do not make the root in the log: changed, or only reordered. Rows are then compared with the log itself.

Reordered rows of a file change its bytes and nothing else: the file is named and none of its rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stillhunt.errors import StillhuntError
from stillhunt.lake import Lake, LakeTable
from stillhunt.lake.recorder import file_hash, file_name
from stillhunt.ledger.batches import MANIFESTS, PENDING, Batches, Known, root_of
from stillhunt.ledger.hashing import HASH_BYTES
from stillhunt.ledger.log import Ledger
from stillhunt.ledger.manifests import Standing, listed
from stillhunt.ledger.problem import Problem
from stillhunt.ledger.recording import RECORDED
from stillhunt.ledger.rows import Bytes, leaf_hashes_under, salts

_NAMED = 20
"""Rows of one batch that are named; of more the number is told."""

Indexes = npt.NDArray[np.int64]


def check(ledger: Ledger, lake: Lake) -> list[Problem]:
    """Everything in `lake` that is not as `ledger` says, in words that name files, batches, positions and interaction ids.

    Raises:
        StillhuntError: lake or ledger cannot be read at all.
    """
    audit = _Audit(lake, ledger, Batches(ledger.folder))
    audit.manifests()
    paths = audit.files()
    if audit.sound:
        audit.hashes()
        audit.rows(paths)
    return audit.problems


def older_rows(ledger: Ledger, lake: Lake) -> int:
    """How many interactions lie in files that were there before the ledger and that nothing has adopted."""
    audit = _Audit(lake, ledger, Batches(ledger.folder))
    audit.manifests()
    table = lake.table("interactions")
    older = {path for path in table.data_paths() if file_name("interactions", path) in audit.said.older - audit.said.added.keys()}
    return sum(batch.num_rows for batch in table.batches_of(older)) if older else 0


@dataclass
class _Audit:
    """One check as it goes on."""

    lake: Lake
    ledger: Ledger
    batches: Batches
    problems: list[Problem] = field(default_factory=list)
    said: Standing = field(default_factory=Standing)
    known: list[Known] = field(default_factory=list)
    sound: bool = True
    """Whether the directory is what the log says, so that rows can be told apart by it."""
    damaged: dict[int, Bytes] = field(default_factory=dict)
    """Batches whose stored hashes are not the log's: what their rows hash to, filled in as rows are met."""

    def found(self, where: str, what: str) -> None:
        self.problems.append(Problem(what, where))
        self.sound = self.sound and where != "batches/directory"

    def manifests(self) -> None:
        """Lists of files against the entries; batches in the directory against the entries."""
        self.known = self.batches.known()
        by_name = {one.batch: one for one in self.known}
        for one in listed(self.ledger, self.batches.folder / MANIFESTS):
            document, index = one.entry.document, one.entry.index
            if one.manifest is None:
                self.found(
                    f"batches/manifests/{document.get('id')}.json", f"is missing, or not the list of files that entry {index} is about"
                )
            else:
                self.said.take(document, one.manifest)
            if one.entry.kind != "batch":
                continue
            here = by_name.pop(str(document.get("id")), None)
            if here is None:
                self.found("batches/directory", f"lacks the batch of entry {index}: its rows cannot be proved")
            elif (here.entry, here.rows, here.root.hex()) != (index, document.get("rows"), document.get("root")):
                self.found("batches/directory", f"says otherwise of batch {here.batch} than entry {index}")
            elif self.batches.secret_commitment(here.batch) != document.get("salts"):
                self.found("salts.key", f"is not the key that batch {here.batch} (entry {index}) was made with")
        for stranger in by_name:
            self.found("batches/directory", f"has a batch {stranger!r} that no entry is about")
        for path in sorted((self.batches.folder / PENDING).glob("*.json")):
            self.found(f"batches/pending/{path.name}", "a change that was interrupted, or is being made now; the next ingest settles it")

    def files(self) -> dict[str, str]:
        """Data files against the lists. Returns name -> path of the interactions' files."""
        calls: dict[str, str] = {}
        for table in RECORDED:
            shown = self.lake.table(table)
            paths = {file_name(table, path): path for path in shown.data_paths()}
            older = 0
            for name, path in sorted(paths.items()):
                recorded = self.said.added.get(name)
                if recorded is None and name in self.said.older:
                    older += sum(rows.num_rows for rows in self._read(name, shown, path))
                elif recorded is None:
                    self.found(name, "a file that no entry names: written without the ledger, or put there by somebody; see `ledger adopt`")
                elif _hash(shown, path) != recorded.sha256:
                    self.found(
                        name, "is not the file that was recorded: changed, or its rows reordered (rows that changed are named below)"
                    )
            if older:
                self.found(
                    table, f"{older:,} rows are older than the ledger, which says nothing of them; `stillhunt ledger adopt` records them"
                )
            gone = {name for name in self.said.added if name.startswith(f"{table}/")} - self.said.removed - paths.keys()
            for name in sorted(gone):
                self.found(name, "is no longer in the lake, and no entry says that it was removed")
            if table == "interactions":
                calls = paths
        return calls

    def hashes(self) -> None:
        """Stored hashes against the roots in the log."""
        for number, one in enumerate(self.known):
            leaves = self.batches.leaves(number)
            nodes, root = root_of(leaves)
            ids = self.batches.ids(number)
            if hashlib.sha256(ids.tobytes()).hexdigest() != self.ledger.entry(one.entry).document.get("ids"):
                self.found(
                    "batches/ids", f"the ids of batch {one.batch} were changed or reordered; rows of it may be named though they were not"
                )
            if root != one.root:
                self.damaged[number] = np.zeros((one.rows, HASH_BYTES), np.uint8)
            elif not np.array_equal(nodes, self.batches.nodes(number)):
                self.found("batches/nodes", f"hashes of batch {one.batch} were changed; its rows are not concerned")

    def rows(self, paths: dict[str, str]) -> None:
        """All interactions against the leaves of their batches."""
        place = _Places(self.batches, self.known)
        if not place.first[-1]:
            return
        table = self.lake.table("interactions")
        changed: dict[int, str] = {}
        strangers = older = 0
        for name, path in sorted(paths.items()):
            excused = name in self.said.mixed or name not in self.said.added
            for rows in self._read(name, table, path):
                for row, rival in self._matched(rows, place):
                    identity = rows["interaction_id"][row].as_py()
                    if rival >= 0:
                        changed.setdefault(rival, identity)
                    elif excused:
                        older += 1
                    else:
                        strangers += 1
                        if strangers <= _NAMED:
                            self.found(name, f"interaction {identity!r} is in no batch: it was inserted")
        if strangers > _NAMED:
            self.found("interactions", f"{strangers - _NAMED:,} more rows are in no batch: they were inserted")
        if older and not any(name in self.said.older or name not in self.said.added for name in paths):
            self.found("interactions", f"{older:,} rows, compacted since, are older than the ledger; `stillhunt ledger adopt` records them")
        for rival, identity in list(changed.items())[:_NAMED]:
            if place.seen[rival]:  # the row itself is there as well
                self.found(place.named(rival), f"interaction {identity!r} is in the lake once more with other values: it was inserted")
            else:
                self.found(place.named(rival), f"interaction {identity!r} was changed")
                place.seen[rival] = True
        if len(changed) > _NAMED:
            self.found("interactions", f"{len(changed) - _NAMED:,} more rows were changed")
            place.seen[list(changed)] = True
        self._missing(place)
        self._repaired(place)

    # ---- inside

    def _read(self, name: str, table: LakeTable, path: str) -> Iterator[pa.Table]:
        """The rows of a file, as far as they can be read."""
        try:
            for piece in table.batches_of({path}):
                yield pa.Table.from_batches([piece])
        except (StillhuntError, OSError, pa.ArrowException) as error:
            self.found(name, f"cannot be read to its end ({type(error).__name__}); its rows are missing below")

    def _matched(self, rows: pa.Table, place: _Places) -> Iterator[tuple[int, int]]:
        """Mark the places of rows that are as their batches have them. Gives the others: row, and the place that has its id, or -1."""
        wanted = (self.batches.digest(rows["interaction_id"]).high >> np.uint64(32)).astype(np.uint32)
        low, high = place.between(wanted)
        rival = np.full(wanted.size, -1, np.int64)
        matched = np.zeros(wanted.size, np.bool_)
        for step in range(int((high - low).max(initial=0))):
            asking = np.flatnonzero(low + step < high)
            spots = place.order[low[asking] + step]
            leaves = leaf_hashes_under(rows.take(asking), place.salts(spots))
            numbers = place.numbers(spots)
            same = np.zeros(asking.size, np.bool_)
            for number in np.unique(numbers).tolist():
                mine = np.flatnonzero(numbers == number)
                positions = spots[mine] - place.first[number]
                if number in self.damaged:
                    self.damaged[number][positions] = leaves[mine]
                    same[mine] = True  # as a whole against the root, below
                else:
                    same[mine] = np.all(self.batches.leaves(number)[positions] == leaves[mine], axis=1)
            met, times = np.unique(spots[same], return_counts=True)
            for spot in met[(times > 1) | place.seen[met]].tolist():
                self.found(place.named(spot), "this row is in the lake more than once")
            place.seen[met] = True
            matched[asking[same]] = True
            rival[asking] = np.where(same, rival[asking], spots)
        for row in np.flatnonzero(~matched).tolist():
            yield row, int(rival[row])

    def _missing(self, place: _Places) -> None:
        """Places without a row: retention may have removed as many as it says, of batches that begin before its limit."""
        missing = np.flatnonzero(~place.seen)
        begins = {str(e.document.get("id")): str(e.document.get("first", "")) for e in self.ledger.entries() if e.kind == "batch"}
        old = np.array([begins.get(one.batch, "")[:19] < self.said.before[:19] for one in self.known])
        excused = old[place.numbers(missing)] if missing.size else np.zeros(0, np.bool_)
        for spot in missing[~excused][:_NAMED].tolist():
            self.found(place.named(spot), "the row is no longer in the lake, and no retention removed it")
        if np.count_nonzero(~excused) > _NAMED:
            self.found("interactions", f"{np.count_nonzero(~excused) - _NAMED:,} more rows are no longer in the lake")
        surplus = int(np.count_nonzero(excused)) - self.said.retained
        if surplus > 0:
            self.found("interactions", f"{surplus:,} rows more than retention removed are no longer in the lake")

    def _repaired(self, place: _Places) -> None:
        """Batches with damaged hashes: whether the rows still make the root in the log."""
        for number, leaves in self.damaged.items():
            one = self.known[number]
            stored = self.batches.leaves(number)
            what = "reordered" if np.array_equal(_sorted(stored), _sorted(leaves)) else "changed"
            if root_of(leaves)[1] == one.root:
                self.found("batches/leaves", f"hashes of batch {one.batch} were {what}; its rows are as they were recorded")
            else:
                self.found("batches/leaves", f"hashes of batch {one.batch} were {what}, and so were some of its rows in the lake")


class _Places:
    """All rows of all batches, one number (spot) each, found by the hash of their id."""

    def __init__(self, batches: Batches, known: list[Known]) -> None:
        self._batches, self._known = batches, known
        self.first: Indexes = np.concatenate([[0], np.cumsum([one.rows for one in known])]).astype(np.int64)
        ids = np.concatenate([np.empty(0, np.uint32), *(batches.ids(number) for number in range(len(known)))])
        self.order: Indexes = np.argsort(ids, kind="stable")
        self._ids = ids[self.order]
        self.seen = np.zeros(ids.size, np.bool_)

    def between(self, wanted: npt.NDArray[np.uint32]) -> tuple[Indexes, Indexes]:
        """For each hash, the places in `order` between which its spots are."""
        return np.searchsorted(self._ids, wanted, "left"), np.searchsorted(self._ids, wanted, "right")

    def numbers(self, spots: Indexes) -> Indexes:
        """The batches of spots."""
        return np.searchsorted(self.first, spots, "right") - 1

    def salts(self, spots: Indexes) -> Bytes:
        """The salts of spots."""
        numbers = self.numbers(spots)
        made = np.empty((spots.size, 3, 16), np.uint8)
        for number in np.unique(numbers).tolist():
            mine = numbers == number
            made[mine] = salts(spots[mine] - self.first[number], self._batches.secret(self._known[number].batch))
        return made

    def named(self, spot: int) -> str:
        """A spot for people."""
        number = int(self.numbers(np.array([spot]))[0])
        return f"batch {self._known[number].batch} (entry {self._known[number].entry}), position {spot - self.first[number]}"


def _sorted(leaves: Iterable[Bytes]) -> list[bytes]:
    return sorted(leaf.tobytes() for leaf in leaves)


def _hash(table: LakeTable, path: str) -> str:
    try:
        return file_hash(table.io, path)
    except (OSError, StillhuntError):
        return ""
