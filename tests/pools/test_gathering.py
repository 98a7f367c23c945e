"""Pools in any table: planted ones of each kind are found, innocent look-alikes are not, and labels or row order play no part."""

from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest

from stillhunt.pools.gathering import HUB, LINKS, MEMBERS, gather
from stillhunt.records import OBSERVATIONS

START = 1_900_000_000


def table(rows):
    return pa.table(
        {
            "account_id": [row[0] for row in rows],
            "channel": [row[1] for row in rows],
            "value": [str(row[2]) for row in rows],
            "first_at": pa.array([None if row[3] is None else int(row[3] * 1e6) for row in rows], pa.timestamp("us")),
        }
    )


def strangers(rng, count=900):
    return [(f"s{at:04d}", "volume", rng.lognormal(7, 1), START + rng.uniform(0, 1e7)) for at in range(count)]


def chain(names, channel="transfer"):
    return [(end, channel, f"{one}-{two}", None) for one, two in pairwise(names) for end in (one, two)]


def pools(found):
    members = found.members.to_pylist()
    return {name: {m["account"] for m in members if m["pool"] == name} for name in {m["pool"] for m in members}}


KINDS = {"volume": "measure", "transfer": "tie"}


def test_ties_between_accounts_that_are_alike_make_a_pool_with_its_reason():
    rng = np.random.default_rng(0)
    ring = [f"r{at:02d}" for at in range(12)]
    rows = strangers(rng) + [(name, "volume", 1500 * rng.uniform(0.9, 1.1), START + 5e6 + rng.uniform(0, 86400)) for name in ring]
    found = gather(table(rows + chain(ring)), KINDS)
    assert set(ring) in pools(found).values()
    mine = [member for member in found.members.to_pylist() if member["account"] in ring]
    assert {member["because"] for member in mine} == {"links"}
    assert all(member["others"] in {1, 2} and member["expected"] < 1 for member in mine)
    assert found.links.num_rows == 11


def test_ties_between_accounts_that_have_nothing_else_in_common_make_none():
    rng = np.random.default_rng(1)
    rows = strangers(rng)
    tied = [name for name, *_ in rows[:12]]
    assert pools(gather(table(rows + chain(tied)), KINDS)) == {}


def test_few_friends_and_a_hub_make_no_pool():
    friends = [f"f{at}" for at in range(6)]
    many = [(f"h{at:03d}", "transfer", "exchange", None) for at in range(HUB + 1)]
    assert gather(table(chain(friends) + many), KINDS).members.num_rows == 0
    place = [(f"h{at:03d}", "transfer", "exchange", None) for at in range(HUB)]
    assert len(pools(gather(table(chain(friends) + place), KINDS))) == 1


def test_accounts_that_begin_together_and_do_alike_are_a_burst_and_a_rush_of_strangers_is_not():
    rng = np.random.default_rng(2)
    hand = [(f"b{at:02d}", "volume", 1500 * rng.uniform(0.99, 1.01), START + 5e6 + rng.uniform(0, 3600)) for at in range(15)]
    rush = [(f"c{at:02d}", "volume", rng.lognormal(7, 1), START + 2e6 + rng.uniform(0, 3600)) for at in range(60)]
    found = pools(gather(table(strangers(rng) + hand + rush), KINDS))
    assert len(found) == 1
    [members] = found.values()
    assert sum(name.startswith("b") for name in members) >= 12
    assert sum(not name.startswith("b") for name in members) <= 1


def test_accounts_that_share_rare_things_are_linked_and_audiences_are_not():
    rng = np.random.default_rng(3)
    popular = 1 / np.arange(1, 201)
    rows = [
        (f"u{at:04d}", "post", f"p{value}", START)
        for at in range(1000)
        for value in rng.choice(200, rng.integers(1, 8), p=popular / popular.sum())
    ]
    ring = [(f"r{at:02d}", "post", f"rare{value}", START) for at in range(10) for value in range(5)]
    found = gather(table(rows + ring))
    assert [set(members) for members in pools(found).values()] == [{f"r{at:02d}" for at in range(10)}]
    assert found.links.num_rows == 45
    assert found.links["bits"][0].as_py() > 30


def test_with_a_window_only_what_is_done_together_counts():
    rng = np.random.default_rng(4)
    ring = [(f"r{at:02d}", "post", f"x{value}", START + 1000 * value + rng.uniform(0, 5)) for at in range(10) for value in range(6)]
    loose = [(f"l{at:02d}", "post", f"y{value}", START + rng.uniform(0, 1e6)) for at in range(10) for value in range(6)]
    others = [(f"u{at:03d}", "post", f"p{rng.integers(300)}", START + rng.uniform(0, 1e6)) for at in range(400)]
    found = pools(gather(table(ring + loose + others), within=10))
    assert list(found.values()) == [{f"r{at:02d}" for at in range(10)}]


def test_accounts_made_for_one_thing_are_a_crowd_and_lead_the_ranking():
    rng = np.random.default_rng(5)
    rows = [
        (f"u{at:04d}", "product", f"p{value}", None) for at in range(1500) for value in rng.choice(60, rng.integers(1, 9), replace=False)
    ]
    made = [(f"z{at:02d}", "product", "p7", None) for at in range(80)]
    found = gather(table(rows + made))
    assert len(pools(found)) == 1
    [members] = pools(found).values()
    assert {f"z{at:02d}" for at in range(80)} <= members
    bits = dict(zip(found.accounts["account"].to_pylist(), found.accounts["crowd_bits"].to_pylist(), strict=True))
    assert min(bits[f"z{at:02d}"] for at in range(80)) == max(bits.values())


def test_rows_in_another_order_give_the_same():
    rng = np.random.default_rng(6)
    ring = [f"r{at:02d}" for at in range(12)]
    rows = strangers(rng, 400) + [(name, "volume", 1500.0, START + 5e6 + at) for at, name in enumerate(ring)] + chain(ring)
    one, two = gather(table(rows), KINDS), gather(table([rows[at] for at in rng.permutation(len(rows))]), KINDS)
    assert one.members.equals(two.members)
    assert one.links.equals(two.links)


def test_observations_of_a_lake_are_such_a_table():
    moment = datetime(2030, 1, 1, tzinfo=UTC)
    when = {"first_at": moment, "last_at": moment, "occurrences": 1, "share": 1.0}
    rows = [{"account_id": f"a{at}", "channel": "handoff", "value": "request"} | when for at in range(9)]
    rows += [{"account_id": f"s{at}", "channel": "handoff", "value": f"own {at}"} | when for at in range(90)]
    found = gather(pa.Table.from_pylist(rows, schema=OBSERVATIONS), {"handoff": "tie"})
    assert [len(members) for members in pools(found).values()] == [9]


def test_an_empty_table_has_no_pools():
    found = gather(table([]))
    assert (found.links.num_rows, found.members.num_rows, found.accounts.num_rows) == (0, 0, 0)
    assert (found.links.schema, found.members.schema) == (LINKS, MEMBERS)


def test_a_measure_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match="volume"):
        gather(table([("a", "volume", "much", START)]), KINDS)
