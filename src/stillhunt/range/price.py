"""What an operator's effort costs it: the price of not being found is the defence.

Counted from what it really does: the operator is put on an empty stage and plays there, from the same seed as in a world,
so that the figures are those of its calls and not of its parameters.
"""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import TypedDict

from stillhunt.range.calls import DAY
from stillhunt.range.operators import OperatorSpec, cast
from stillhunt.range.world import WorldSpec, merged, set_stage


class Price(TypedDict):
    """What an operator had and did."""

    accounts: int
    cards: int  # distinct payment tokens
    networks: int  # distinct /24 (IPv4) and /48 (IPv6) that it signed up or called from
    client_shapes: int  # distinct user agent, headers and JA4 together
    lead_days: float  # from the first sign-up to the first call of the work
    median_age_days: float  # of its accounts at the first call of the work
    harvest_calls: int
    repeated_calls: int  # harvest calls sent again after a failure
    cover_calls: int
    customer_calls: int  # of a reseller's customers, through the accounts that harvest
    extra_calls_per_harvest_call: float  # repeated and cover calls


def network(address: str) -> str:
    """The /24 of an IPv4 address, the /48 of an IPv6 one, as text."""
    return ":".join(address.split(":")[:3]) if ":" in address else address.rpartition(".")[0]


def price(spec: OperatorSpec, days: int = 14, seed: int = 1, texts: Path | None = None) -> Price:
    """What `spec` costs in a window of `days` days. Takes seconds for a hundred thousand calls.

    Raises:
        InputError: the specification says something that means nothing.
    """
    stage = set_stage(WorldSpec(seed=seed, days=days, accounts=1, calls=1, populations="people", texts=texts))
    tally = cast(stage, spec)
    networks: set[str] = set()
    shapes: set[tuple[str, tuple[tuple[str, str], ...], str | None]] = set()
    hidden = [account for account in stage.accounts if account.operator == spec.name]
    opened = None
    for call in merged(stage.lanes):
        if call.account.operator != spec.name or call.at >= stage.end:
            continue
        if opened is None and tally.harvest:
            opened = call.at
        shapes.add((call.user_agent, call.headers, call.ja4))
        if call.ip is not None:
            networks.add(network(call.ip))
    networks |= {network(account.signup_ip) for account in hidden if account.signup_ip is not None}
    ages = [(opened - account.created_at) / DAY for account in hidden if account.created_at <= opened] if opened is not None else []
    return Price(
        accounts=len(hidden),
        cards=len({account.payment_fingerprint for account in hidden if account.payment_fingerprint is not None}),
        networks=len(networks),
        client_shapes=len(shapes),
        lead_days=round(max(ages, default=0.0), 1),
        median_age_days=round(median(ages), 1) if ages else 0.0,
        harvest_calls=tally.harvest,
        repeated_calls=tally.repeated,
        cover_calls=tally.cover,
        customer_calls=tally.customers,
        extra_calls_per_harvest_call=round((tally.repeated + tally.cover) / max(1, tally.harvest), 3),
    )
