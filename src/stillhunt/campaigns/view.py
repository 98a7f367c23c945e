"""What a scan sees: the digest of the calls in view and the entitlements that run, as they stood at a moment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from stillhunt.channels.digest import Digest
from stillhunt.channels.digest.chunks import COLUMNS, STRINGS
from stillhunt.channels.digest.keeping import state_of
from stillhunt.channels.digest.on_engine import state_on
from stillhunt.channels.digest.taking import KindOf, digest_of, digest_of_state
from stillhunt.errors import InputError
from stillhunt.lake import Lake
from stillhunt.lake.engine import Engine
from stillhunt.lake.table import LakeTable

_ZERO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Sight:
    """What is in view: the digest, the entitlements (`records.ENTITLEMENTS`) that run at its end, and the calls as the lake has them."""

    digest: Digest
    granted: pa.Table
    calls: LakeTable

    @property
    def first(self) -> datetime:
        """The first call."""
        return _ZERO + timedelta(microseconds=self.digest.span.first)

    @property
    def last(self) -> datetime:
        """The last call."""
        return _ZERO + timedelta(microseconds=self.digest.span.last)


def open_view(
    lake: Lake,
    as_of: datetime | None,
    kind_of: KindOf | None = None,
    progress: Callable[[float], None] | None = None,
    engine: Engine | None = None,
) -> Sight:
    """Read what a scan sees.

    Args:
        lake: pinned to the snapshot to read.
        as_of: see nothing later (see `channels.digest.taking.digest_of`); None sees everything, of which a digest may be kept beside the
            lake already.
        kind_of: tells the kind of network ("hosting", "vpn" ...) of a prefix, where the user named ranges.
        progress: called with how far it is, 0 to 1.
        engine: where calls are folded; None folds the lake's files in this process.

    Raises:
        InputError: there is no call in view.
    """
    accounts = lake.table("accounts").to_arrow()
    calls = lake.table("interactions")
    nothing = "the lake holds no interactions{}: nothing to scan; ingest logs first, or choose a later --as-of"
    if not calls.count():
        raise InputError(nothing.format(""))
    if engine is not None:
        engine.attach("interactions", calls)
        digest = digest_of_state(state_on(engine, as_of), accounts, as_of=as_of, kind_of=kind_of)
    elif as_of is None:
        digest = digest_of_state(state_of(lake, progress), accounts, kind_of=kind_of)
    else:
        digest = digest_of(calls.tables_of(calls.in_order(), COLUMNS, STRINGS), accounts, as_of=as_of, kind_of=kind_of)
    if not digest.interactions:
        raise InputError(nothing.format(f" before {as_of.isoformat()}" if as_of else ""))
    return Sight(digest, _running(lake.table("entitlements").to_arrow(), digest.span.last), calls)


def sources(calls: LakeTable) -> set[str]:
    """Names of the formats that calls came through."""
    found: set[str] = set()
    for piece in calls.tables_of(calls.in_order(), ["source"], ["source"]):
        for chunk in piece["source"].chunks:
            names = chunk.dictionary if isinstance(chunk, pa.DictionaryArray) else chunk.unique()
            found.update(name for name in names.to_pylist() if name)
    return found


def _running(entitlements: pa.Table, now: int) -> pa.Table:
    """An entitlement holds for what happened while it ran: the moment is the end of the calls in view."""
    moment = _ZERO + timedelta(microseconds=now)
    kept = [
        (row["granted_at"] is None or row["granted_at"] <= moment) and (row["expires_at"] is None or row["expires_at"] > moment)
        for row in entitlements.to_pylist()
    ]
    return entitlements.filter(pa.array(kept, pa.bool_()))
