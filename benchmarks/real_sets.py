"""Labelled real sets as tables of (account, channel, value, time), read from beside the checkout; nothing of them is part of it.

No label enters a table: labels are kept apart and only score.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow.parquet import read_table

from stillhunt.pools.gathering import Kind

Numbers = np.ndarray[tuple[int, ...], np.dtype[Any]]


@dataclass(frozen=True)
class Airdrop:
    """Accounts of an airdrop with their transfers: who was judged to be one of many of one person.

    Attributes:
        observations: account_id, channel, value, first_at.
        kinds: what the channels are.
        accounts: account ids, in order; `judged`, `reviewed` have one entry for each.
        judged: judged to be a Sybil.
        reviewed: judged so in a report that people reviewed.
        ends: for each transfer the two ends, as ids; ends that are no accounts are counterparties.
    """

    observations: pa.Table
    kinds: dict[str, Kind]
    accounts: Numbers
    judged: Numbers
    reviewed: Numbers
    ends: Numbers


def airdrop(folder: Path) -> Airdrop:
    """Transfers (by chain) and counterparties in common as ties, volume as a measure, beginnings as times."""
    people, edges = read_table(folder / "hop_accounts.parquet"), read_table(folder / "hop_edges.parquet")
    accounts = people["account"].to_numpy().astype(np.int64)
    known = set(accounts.tolist())
    source, target = edges["src"].to_pylist(), edges["dst"].to_pylist()
    rows: dict[tuple[int, str, str], None] = {}
    for one, two, chain in zip(source, target, edges["chain"].to_pylist(), strict=True):
        if one == two:
            continue
        inside = [end for end in (one, two) if end in known]
        value = f"{min(one, two)} and {max(one, two)}" if len(inside) == 2 else f"with {one if two in known else two}"
        rows.update({(end, f"transfer.{chain}", value): None for end in inside})
    began = people["first_ts"].to_pylist()
    volume = people["volume_usd"].to_pylist()
    who = [str(account) for account, _, _ in rows] + [str(account) for account in accounts]
    table = pa.table(
        {
            "account_id": who,
            "channel": [channel for _, channel, _ in rows] + ["volume"] * len(accounts),
            "value": [value for _, _, value in rows] + [repr(amount) for amount in volume],
            "first_at": pa.array([None] * len(rows) + [moment * 1_000_000 for moment in began], pa.timestamp("us")),
        }
    )
    kinds: dict[str, Kind] = {channel: "tie" for _, channel, _ in rows}
    kinds["volume"] = "measure"
    return Airdrop(
        table,
        kinds,
        accounts,
        people["is_sybil"].to_numpy(zero_copy_only=False),
        np.array([report is not None for report in people["report"].to_pylist()]),
        np.array([source, target], dtype=np.int64),
    )


@dataclass(frozen=True)
class Reviews:
    """Who reviewed what: `spammer` has any review that the site filtered. One entry a row, or a user for `spammer`."""

    observations: pa.Table
    user: Numbers  # from 0
    product: Numbers  # from 0
    users: int
    products: int
    spammer: Numbers


def reviews(folder: Path) -> Reviews:
    """Users and products under random numbers: those of the set follow the labels, and no ranking may profit from that."""
    rows = read_table(folder / "yelpchi_edges.parquet")
    _, user = np.unique(rows["user"].to_numpy(), return_inverse=True)
    _, product = np.unique(rows["product"].to_numpy(), return_inverse=True)
    user = np.random.default_rng(0).permutation(int(user.max()) + 1)[user]
    spammer = np.zeros(int(user.max()) + 1, dtype=bool)
    spammer[user[rows["is_spam"].to_numpy(zero_copy_only=False)]] = True
    order = np.random.default_rng(1).permutation(user.size)
    user, product = user[order], product[order]
    table = pa.table(
        {
            "account_id": [f"{number:06d}" for number in user],
            "channel": ["product"] * user.size,
            "value": [str(number) for number in product],
            "first_at": pa.nulls(user.size, pa.timestamp("us")),
        }
    )
    return Reviews(table, user, product, spammer.size, int(product.max()) + 1, spammer)


@dataclass(frozen=True)
class Shares:
    """Posts that share an object, and what the reference implementation found among them (`pairs`)."""

    object: Numbers
    account: Numbers
    post: Numbers
    moment: Numbers  # seconds
    observations: pa.Table
    pairs: pa.Table


def shares(folder: Path) -> Shares:
    """Rows as they are; the objects are numbered from 0."""
    rows = read_table(folder / "russian_coord_tweets.parquet")
    _, thing = np.unique(rows["object_id"].to_numpy(), return_inverse=True)
    moment = rows["timestamp_share"].to_numpy().astype(np.int64)
    account = rows["account_id"].to_numpy().astype(np.int64)
    table = pa.table(
        {
            "account_id": [str(number) for number in account],
            "channel": ["share"] * account.size,
            "value": [str(number) for number in thing],
            "first_at": pa.array(moment * 1_000_000, pa.timestamp("us")),
        }
    )
    pairs = read_table(folder / "ref_cooRtweet_russian_pairs.parquet")
    return Shares(thing.astype(np.int64), account, rows["content_id"].to_numpy().astype(np.int64), moment, table, pairs)
