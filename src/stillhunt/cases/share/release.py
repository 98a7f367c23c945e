"""How a file leaves: first an `export` entry of the ledger, then an `exported` event of the case, then the file.

So a file that was never recorded does not exist; a record without a file is what an interruption leaves, and harms nobody.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from stillhunt.cases.docket import Docket
from stillhunt.cases.scans import write_private
from stillhunt.cases.share import Tlp
from stillhunt.errors import InputError
from stillhunt.records.cases import CaseEvent


def release(docket: Docket, case_id: str, content: bytes, path: Path, *, kind: str, tlp: Tlp, recipient: str | None, by: str) -> CaseEvent:
    """Record an export and write it, readable by its owner only.

    Args:
        docket: open for writing.
        case_id: the case, in full.
        content: what leaves.
        path: the file to write.
        kind: the format's name.
        tlp: who a recipient may tell.
        recipient: the organization that it is for. The ledger keeps it for ever, so it is not a person.
        by: who exports.

    Raises:
        InputError: TLP:RED for nobody in particular, a folder that is not there, no ledger, or nobody's name.
        StillhuntError: ledger, registry or file cannot be written.
    """
    recipient = (recipient or "").strip() or None
    if tlp is Tlp.RED and recipient is None:
        raise InputError("--tlp red: is for one recipient's eyes only; say whose with --recipient NAME")
    if docket.ledger is None:
        raise InputError(f"{case_id}: nothing leaves without a ledger that records it; give one with `stillhunt case --ledger DIR`")
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise InputError(f"{path}: is no file in a folder that exists; choose another place")
    if not by.strip():
        raise InputError("say who does this: --by NAME, or set STILLHUNT_ANALYST")
    sha256 = hashlib.sha256(content).hexdigest()
    document = {"case": case_id, "kind": kind, "recipient": recipient, "sha256": sha256, "tlp": tlp.value}
    index = docket.ledger.append("export", document)
    event = docket.record(case_id, "exported", document | {"bytes": len(content), "export_leaf": index}, by)
    write_private(path, content)
    return event
