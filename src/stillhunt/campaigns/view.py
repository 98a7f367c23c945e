"""What a scan sees: the relations ``calls``, ``people`` and ``granted``, as they stood at a moment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa

from stillhunt.channels import View
from stillhunt.errors import InputError
from stillhunt.lake import Lake
from stillhunt.lake.engine import Engine
from stillhunt.records import TIMESTAMP

NETWORKS = pa.schema([("prefix", pa.string()), ("kind", pa.string())])


@dataclass(frozen=True)
class Sight:
    """The span that is in view and how much there is in it."""

    view: View
    interactions: int
    accounts: list[str]


def open_view(engine: Engine, lake: Lake, as_of: datetime | None, kind_of: Callable[[str], str | None] | None = None) -> Sight:
    """Build the relations that channels read.

    A call is in view if it had ended (or, where the end is not logged, begun) by `as_of`; an account if it existed; a
    closure if it had happened.

    Args:
        engine: where the relations are made.
        lake: pinned to the snapshot to read.
        as_of: see nothing later; None sees everything.
        kind_of: tells the kind of network ("hosting", "vpn" ...) of a prefix, where the user named ranges.

    Raises:
        InputError: there is no call in view.
    """
    engine.attach("interactions", lake.table("interactions"))
    engine.attach("accounts", lake.table("accounts"))
    engine.attach("entitlements", lake.table("entitlements"))
    limit = "TRUE"
    if as_of is not None:
        engine.attach("moment", pa.table({"as_of": pa.array([as_of.astimezone(UTC)], TIMESTAMP)}))
        limit = "COALESCE(i.ended_at, i.started_at) <= (SELECT as_of FROM moment)"
    prefixes = engine.fetch("SELECT DISTINCT client_prefix AS prefix FROM interactions WHERE client_prefix IS NOT NULL")[
        "prefix"
    ].to_pylist()
    kinds = [(prefix, kind_of(str(prefix)) or "other") for prefix in prefixes] if kind_of else []
    engine.attach("networks", pa.table({"prefix": [p for p, _ in kinds], "kind": [k for _, k in kinds]}, schema=NETWORKS))
    total = engine.materialise(
        "calls", f"SELECT i.*, n.kind AS network_kind FROM interactions i LEFT JOIN networks n ON i.client_prefix = n.prefix WHERE {limit}"
    )
    if not total:
        when = f" before {as_of.isoformat()}" if as_of else ""
        raise InputError(f"the lake holds no interactions{when}: nothing to scan; ingest logs first, or choose a later --as-of")
    known = "a.created_at IS NULL OR a.created_at <= (SELECT as_of FROM moment)" if as_of else "TRUE"
    closed = "CASE WHEN a.closed_at <= (SELECT as_of FROM moment) THEN a.closed_at END" if as_of else "a.closed_at"
    columns = (
        "created_at, email, email_domain, email_shape, phone, payment_fingerprint, signup_ip, signup_prefix, "
        "signup_user_agent, signup_ja4, country, plan, verification, referral"
    )
    engine.materialise(
        "people",
        f"""
        WITH callers AS (SELECT account_id, MIN(organization_id) AS organization_id FROM calls GROUP BY account_id),
        known AS (SELECT a.*, {closed} AS shut_at FROM accounts a WHERE {known})
        SELECT COALESCE(c.account_id, a.account_id) AS account_id, COALESCE(a.organization_id, c.organization_id) AS organization_id,
               {", ".join("a." + column.strip() for column in columns.split(","))}, a.shut_at AS closed_at,
               CASE WHEN a.closed_at IS NOT NULL AND a.shut_at IS NULL THEN NULL ELSE a.status END AS status
        FROM callers c FULL OUTER JOIN known a ON c.account_id = a.account_id""",
    )
    # an entitlement holds for what happened while it ran: the moment is the end of the calls in view
    now = "(SELECT MAX(started_at) FROM calls)"
    begun, running = f"granted_at IS NULL OR granted_at <= {now}", f"expires_at IS NULL OR expires_at > {now}"
    engine.materialise("granted", f"SELECT * FROM entitlements WHERE ({begun}) AND ({running})")
    span = engine.fetch("SELECT MIN(started_at) AS first, MAX(started_at) AS last FROM calls").to_pylist()[0]
    accounts = sorted(str(account) for account in engine.fetch("SELECT DISTINCT account_id FROM calls")["account_id"].to_pylist())
    return Sight(View(span["first"], span["last"]), total, accounts)
