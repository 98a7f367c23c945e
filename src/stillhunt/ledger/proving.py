"""One interaction, with everything that proves when it was recorded and as what, and nothing of any other."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from stillhunt import records
from stillhunt.errors import InputError, StillhuntError
from stillhunt.lake import Lake
from stillhunt.lake.recorder import file_name
from stillhunt.ledger.batches import MANIFESTS, Batches, Known, Place
from stillhunt.ledger.log import Ledger
from stillhunt.ledger.manifests import Manifest
from stillhunt.ledger.rows import shown
from stillhunt.verifier import row_leaf

_DAY_DIGITS = len("2026-05-01")


def prove_interaction(
    ledger: Ledger, lake: Lake, interaction_id: str, batches: Batches | None = None, *, brief: bool = False
) -> dict[str, Any]:
    """The proof of one interaction, as JSON.

    Args:
        ledger: the lake's.
        lake: holds the row itself.
        interaction_id: which.
        batches: the ledger's, where many are proved.
        brief: leave out the checkpoint's ML-DSA signatures.

    Returns:
        interaction_id; row: group -> {salt, values}, for `verifier.row_leaf`; position, rows: in the batch's tree and of it; row_proof: the
        audit path in base64; leaf: index of the batch's entry; leaf_data: the entry in base64; log_proof: its .tlog-proof.

    Raises:
        InputError: the ledger does not know the interaction, or the lake no longer has it.
        StillhuntError: the lake has it otherwise than it was recorded.
    """
    batches = batches or Batches(ledger.folder)
    places = batches.find(interaction_id)
    if not places:
        raise InputError(f"{lake.where}: interaction {interaction_id!r} is not in the ledger; see `stillhunt ledger check` for older rows")
    known = batches.known()
    found = False
    for place in places:
        batch = known[place.number]
        for row in rows_of(ledger, lake, batches, batch, interaction_id):
            found = True
            proof = assemble(ledger, batches, batch, place, row, brief=brief)
            if proof is not None:
                return proof
    if found:
        raise StillhuntError(f"{lake.where}: interaction {interaction_id!r} is not as it was recorded; see `stillhunt ledger check`")
    raise InputError(f"{lake.where}: the lake no longer has interaction {interaction_id!r}; after retention only others' copies prove it")


def assemble(
    ledger: Ledger, batches: Batches, batch: Known, place: Place, row: Mapping[str, Any], *, brief: bool = False
) -> dict[str, Any] | None:
    """The proof of a row that was found in the lake already; None where it is not the one at `place`."""
    groups = shown(row, place.position, batches.secret(batch.batch))
    if row_leaf(groups, {}) != batches.leaves(place.number)[place.position].tobytes():
        return None
    return {
        "interaction_id": row["interaction_id"],
        "row": groups,
        "position": place.position,
        "rows": batch.rows,
        "row_proof": [base64.b64encode(one).decode("ascii") for one in batches.proof(place)],
        "leaf": batch.entry,
        "leaf_data": base64.b64encode(ledger.entry(batch.entry).data).decode("ascii"),
        "log_proof": ledger.proof(batch.entry, brief=brief).decode("utf-8"),
    }


def rows_of(ledger: Ledger, lake: Lake, batches: Batches, batch: Known, interaction_id: str) -> Iterable[dict[str, Any]]:
    """The lake's rows of this id in the files that the batch came in or, where these were compacted, in those of its days."""
    document = ledger.entry(batch.entry).document
    table = lake.table("interactions")
    paths = {file_name("interactions", path): path for path in table.data_paths()}
    manifest = Manifest((), ())
    listed = batches.folder / MANIFESTS / f"{batch.batch}.json"
    if listed.exists():
        try:
            manifest = Manifest.parse(listed.read_bytes())
        except (ValueError, json.JSONDecodeError):
            manifest = Manifest((), ())
    names = {file.name for file in manifest.added}
    if not names or not names <= paths.keys():
        first, last = (str(document[edge])[:_DAY_DIGITS] for edge in ("first", "last"))
        names = {name for name in paths if first <= _day(name) <= last}
    for name in sorted(names):
        for piece in table.batches_of({paths[name]}):
            here = pc.equal(piece.column(0), pa.scalar(interaction_id))
            if pc.any(here).as_py():
                yield from pa.Table.from_batches([piece]).filter(here).select(records.INTERACTIONS.names).to_pylist()


def _day(name: str) -> str:
    """The day of a file of interactions, from its partition."""
    return name.partition("=")[2].partition("/")[0]
