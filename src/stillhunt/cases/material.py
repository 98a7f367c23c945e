"""What the four questions are asked of: one campaign, with its calls, its accounts and the population around them.

In: an open lake at (or with) the findings' snapshot, usually `Frozen.lake()`. Everything is read from it, never from a live lake, so that
the same case always gives the same answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.campaigns import Settings
from stillhunt.campaigns.view import Sight, open_view
from stillhunt.channels.digest.chunks import until
from stillhunt.errors import InputError
from stillhunt.lake import Lake
from stillhunt.pools.population import Index
from stillhunt.records import INTERACTIONS, Campaign, Findings


@dataclass(frozen=True)
class Material:
    """One campaign and what is known around it.

    Attributes:
        findings: of the scan that named it.
        campaign: it; of a case that was split, only the case's accounts.
        lake: open, for reading, at the scan's snapshot.
        sight: the digest of everybody that the scan saw, and the entitlements that ran.
        members: places of the campaign's accounts in `sight.digest.accounts`, ascending.
    """

    findings: Findings
    campaign: Campaign
    lake: Lake
    sight: Sight
    members: Index

    @property
    def names(self) -> list[str]:
        """The members' account ids, in the order of `members`."""
        return [self.sight.digest.accounts[place] for place in self.members]

    @property
    def as_of(self) -> datetime | None:
        """See nothing later than this; None sees everything."""
        return datetime.fromisoformat(self.findings.as_of) if self.findings.as_of is not None else None

    def calls(self, columns: Sequence[str]) -> pa.Table:
        """All calls of the members that the scan saw, sorted by started_at and interaction_id.

        Args:
            columns: the columns of `records.INTERACTIONS` to give, in this order.
        """
        order = ("started_at", "interaction_id")
        kept = list(dict.fromkeys([*columns, *order, *(("ended_at",) if self.as_of is not None else ())]))
        names = pa.array(self.names, pa.string())
        own: list[pa.RecordBatch] = []
        for batch in self.lake.table("interactions").batches(list(dict.fromkeys([*kept, "account_id"]))):
            of_members = pc.is_in(batch.column("account_id"), value_set=names)
            if pc.any(of_members).as_py():
                own.append(batch.select(kept).filter(of_members))  # a large campaign has tens of millions: only what is asked for
        found = pa.Table.from_batches(own, pa.schema([INTERACTIONS.field(name) for name in kept]))
        del own
        if self.as_of is not None:
            found = until(self.as_of)(found)
        sorted_by = pc.sort_indices(found.select(order), sort_keys=[(name, "ascending") for name in order])
        return found.select(list(columns)).take(sorted_by)

    def accounts(self) -> pa.Table:
        """The members' account records as they stood (columns of `records.ACCOUNTS`), in the order of `members`; null where not known."""
        return self.population_accounts().take(self.members)

    def population_accounts(self) -> pa.Table:
        """The records of everybody who called, as they stood, in the order of `sight.digest.accounts`."""
        return self.sight.digest.people


def material_of(
    lake: Lake, findings: Findings, campaign_id: str, *, accounts: Sequence[str] | None = None, settings: Settings | None = None
) -> Material:
    """The material of one campaign.

    Args:
        lake: open; the findings' snapshot is read.
        findings: of the scan that named it.
        campaign_id: which campaign.
        accounts: the case's accounts, where they are not just the campaign's: those that these findings name in any campaign.
        settings: what the scan was told; kinds of networks are in it.

    Raises:
        InputError: no such campaign, or none of `accounts` is named.
        SnapshotGoneError: the lake does not have the snapshot any more.
    """
    campaign = next((one for one in findings.campaigns if one.campaign_id == campaign_id), None)
    if campaign is None:
        raise InputError(f"{campaign_id[:80]}: these findings name no such campaign; `stillhunt campaigns` lists them")
    if accounts is not None:
        campaign = narrowed(campaign, findings, accounts)
    pinned = lake.at(findings.lake_snapshot)
    as_of = datetime.fromisoformat(findings.as_of) if findings.as_of is not None else None
    sight = open_view(pinned, as_of, settings.network_kind if settings is not None else None)
    names = pa.array([member.account_id for member in campaign.accounts], pa.string())
    places: Any = pc.index_in(names, value_set=sight.digest.ids).drop_null().to_numpy()
    return Material(findings, campaign, pinned, sight, np.sort(places.astype(np.int64)))


def narrowed(campaign: Campaign, findings: Findings, accounts: Sequence[str]) -> Campaign:
    """`campaign` with exactly those of `accounts` that any campaign of `findings` names; its other fields stay the scan's.

    Raises:
        InputError: none is named.
    """
    wanted = set(accounts)
    own = [member for one in (campaign, *findings.campaigns) for member in one.accounts if member.account_id in wanted]
    members = list({member.account_id: member for member in own}.values())
    if not members:
        raise InputError("none of the case's accounts is named in its findings; look at the case that it was split from or merged with")
    return campaign.model_copy(update={"accounts": members})
