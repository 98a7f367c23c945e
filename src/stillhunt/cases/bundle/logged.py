"""What a bundle takes from the ledger: interactions with their proofs, entries with theirs, and checkpoints that others had seen."""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.errors import InputError
from stillhunt.lake import Lake
from stillhunt.ledger import Ledger
from stillhunt.ledger.attachments import COSIGNATURE, TIMESTAMP, parse_name
from stillhunt.ledger.batches import Batches
from stillhunt.ledger.proving import assemble
from stillhunt.records import INTERACTIONS
from stillhunt.verifier import ROW_GROUPS, group_commitment, parse_log_proof

_CHECKPOINTS = 16
"""Earlier checkpoints in a bundle at most."""


def interactions(ledger: Ledger, lake: Lake, wanted: Sequence[str], withhold: Collection[str] = ()) -> list[dict[str, Any]]:
    """Interactions with the proof that each is in a batch of the ledger.

    Reads the lake's interactions once from end to end, however few are wanted.

    Args:
        ledger: holds their batches.
        lake: holds their rows; a case's frozen one is enough.
        wanted: ids.
        withhold: groups of columns (who, call, content) of which only the commitment is given.

    Raises:
        InputError: an id is not in the lake, not in the ledger, or is there otherwise than it was recorded.
    """
    strange = sorted(set(withhold) - ROW_GROUPS.keys())
    if strange:
        raise InputError(f"--withhold {strange[0][:40]}: there are the groups {', '.join(ROW_GROUPS)}")
    rows = _rows(lake, wanted)
    batches = Batches(ledger.folder)
    known = batches.known()
    found = []
    for name in dict.fromkeys(wanted):
        if name not in rows:
            raise InputError(f"{name[:80]}: the case holds no such interaction; give ids of its accounts' calls")
        places = batches.find(name)
        if not places:
            raise InputError(f"{name[:80]}: is not in the ledger, so it cannot be proved; leave it out (`stillhunt ledger check` says why)")
        proofs = (assemble(ledger, batches, known[place.number], place, row) for place in places for row in rows[name])
        proof = next((one for one in proofs if one is not None), None)
        if proof is None:
            raise InputError(f"{name[:80]}: is not as it was recorded; `stillhunt ledger check` says what was changed")
        found.append(_shown(proof, withhold))
    return found


def _rows(lake: Lake, wanted: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    rows: dict[str, list[dict[str, Any]]] = {}
    names = pa.array(sorted(set(wanted)), pa.string())
    for batch in lake.table("interactions").batches(list(INTERACTIONS.names)):
        here = pc.is_in(batch.column("interaction_id"), value_set=names)
        if pc.any(here).as_py():
            for row in batch.filter(here).to_pylist():
                rows.setdefault(row["interaction_id"], []).append(row)
    return rows


def _shown(proof: Mapping[str, Any], withhold: Collection[str]) -> dict[str, Any]:
    shown = {group: proof["row"][group] for group in ROW_GROUPS if group not in withhold}
    hidden = {
        group: group_commitment(group, bytes.fromhex(proof["row"][group]["salt"]), proof["row"][group]["values"]).hex()
        for group in withhold
    }
    return {
        "interaction_id": proof["interaction_id"] if "call" in shown else None,
        "shown": shown,
        "withheld": hidden,
        "leaf": proof["leaf"],
        "position": proof["position"],
        "rows": proof["rows"],
        "proof": proof["row_proof"],
    }


def scan_entry(ledger: Ledger, findings_sha256: str) -> int | None:
    """The newest entry of a scan with these findings."""
    for index in range(ledger.size - 1, -1, -1):
        entry = ledger.entry(index)
        if entry.kind == "scan" and entry.document.get("findings_sha256") == findings_sha256:
            return index
    return None


def log(ledger: Ledger, indexes: Iterable[int], size: int) -> dict[str, Any]:
    """The part of a bundle that is about the ledger of `size` entries: its checkpoints, and these entries with their proofs."""
    wanted = sorted(set(indexes))
    entries = [
        {
            "index": index,
            "data": _base64(ledger.entry(index).data),
            "proof": [_base64(each) for each in parse_log_proof(ledger.proof(index, size)).hashes],
        }
        for index in wanted
    ]
    sizes = [*_seen_by_others(ledger, wanted, size), size]
    checkpoints = [
        {
            "note": ledger.checkpoint(each).decode(),
            "proof": [_base64(one) for one in ledger.consistency(each, size)],
            "timestamps": [_base64(path.read_bytes()) for path in ledger.attachments(each, TIMESTAMP)],
        }
        for each in sizes
    ]
    return {"checkpoints": checkpoints, "entries": entries}


def _seen_by_others(ledger: Ledger, wanted: Sequence[int], size: int) -> list[int]:
    """Sizes of earlier checkpoints that witnesses or authorities signed: for each entry and kind the first, which dates it best."""
    named = [name for name in map(parse_name, ledger.kept()) if name is not None and 0 < name.size < size]
    first: set[int] = set()
    for what in (COSIGNATURE, TIMESTAMP):
        sizes = sorted({name.size for name in named if name.what == what})
        first |= {found for index in wanted if (found := next((each for each in sizes if each > index), None)) is not None}
    return sorted(first)[:_CHECKPOINTS]


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
