"""What packing promises: a state comes out of its arrays as it went in, and the parts of accounts put together are the whole."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from folded import PEOPLE, drawn_calls, told

from stillhunt.channels.digest import state as states
from stillhunt.channels.digest.packing import PACKED, arrays_of, folded, joined, state_from, unpacked
from stillhunt.channels.digest.state import State
from stillhunt.channels.digest.taking import digest_of_state


def folded_state(*tables):
    state = State()
    state.fold(tables)
    return state


def said(state):
    return told(digest_of_state(state, PEOPLE))


def by_itself(state):
    """What a digest tells but for handoffs: those between accounts of different parts are seen by nobody who has one part."""
    return {name: value for name, value in said(state).items() if name != "handoffs"}


def parts(table, number, rng=None):
    """The calls of each part of the accounts."""
    accounts = sorted(set(table["account_id"].to_pylist()))
    dealt = np.arange(len(accounts)) % number if rng is None else rng.integers(0, number, len(accounts))
    chosen = [[name for name, where in zip(accounts, dealt, strict=True) if where == part] for part in range(number)]
    return [table.filter(pc.is_in(table["account_id"], value_set=pa.array(names, pa.string()))) for names in chosen]


def through(*tables):
    """What engines do: each part folded and packed where it is, and put together here."""
    rows = [pa.Table.from_batches(list(folded(iter(table.to_batches()))), PACKED) for table in tables]
    return joined(unpacked(pa.concat_tables(rows)))


@pytest.mark.parametrize("spare", [1.0, 1.03])
def test_a_state_comes_out_of_its_arrays_as_it_went_in(spare):
    state = folded_state(drawn_calls(1))
    again = state_from(dict(arrays_of(state, spare)))
    assert said(again) == said(state)
    assert dict(arrays_of(again)).keys() == dict(arrays_of(state)).keys()


def test_a_state_that_was_packed_can_be_folded_on():
    table = drawn_calls(2)
    whole = folded_state(table.slice(0, 150), table.slice(150))
    half = folded_state(table.slice(0, 150))
    again = state_from({name: array.copy() for name, array in arrays_of(half, 1.03)})
    again.fold([table.slice(150)])
    assert said(again) == said(whole)


def test_an_empty_state_is_a_state():
    assert state_from(dict(arrays_of(State()))).accounts == 0
    assert joined([]).accounts == 0
    assert list(folded(iter([]))) == []


def test_arrays_that_are_missing_are_missed():
    arrays = dict(arrays_of(folded_state(drawn_calls(3))))
    for name in ("rows.bins", "units1.grams", "trace.0", "about", "names.networks"):
        with pytest.raises(KeyError):
            state_from({other: array for other, array in arrays.items() if other != name})


@pytest.mark.parametrize("number", [1, 2, 3, 7])
def test_parts_of_accounts_put_together_are_the_whole(number):
    table = drawn_calls(4, size=900)
    assert by_itself(through(*parts(table, number))) == by_itself(folded_state(table))


@pytest.mark.parametrize("seed", range(4))
def test_accounts_may_be_dealt_in_any_way_and_parts_come_in_any_order(seed):
    rng = np.random.default_rng(seed)
    table = drawn_calls(10 + seed, size=1500, accounts=40)
    dealt = parts(table, 5, rng)
    whole = by_itself(folded_state(table))
    assert by_itself(through(*dealt)) == whole
    assert by_itself(through(*dealt[::-1])) == whole


def test_large_samples_and_long_chains_of_blocks_are_put_together_too():
    table = drawn_calls(5, size=6000, accounts=3)
    whole = folded_state(table)
    assert max(whole.rows["units"][: whole.accounts]) > 64, "samples of many blocks are the example"
    assert by_itself(through(*parts(table, 3))) == by_itself(whole)


def test_handoffs_inside_a_part_are_left_to_those_who_see_all_calls_of_a_request():
    table = drawn_calls(6, size=900, days=0.02)
    assert folded_state(table).handoffs, "the example has handoffs"
    assert through(*parts(table, 2)).handoffs == []


def test_requests_in_common_are_seen_between_parts(monkeypatch):
    table = drawn_calls(7, size=2000, accounts=20)
    whole, parted = folded_state(table), through(*parts(table, 4))
    assert said(parted)["shared"] == said(whole)["shared"]
    assert said(parted)["distinct"] == said(whole)["distinct"]
    monkeypatch.setattr(states, "MOST_PAIRS", 300)
    thinned, parted = folded_state(table), through(*parts(table, 4))
    assert thinned.pairs.key.size <= 300
    assert said(parted)["shared"] == said(thinned)["shared"]
    assert said(parted)["distinct"] == said(thinned)["distinct"]


def test_parts_that_were_thinned_differently_are_thinned_alike(monkeypatch):
    # one part is full on its own, the others are not
    table = drawn_calls(8, size=3000, accounts=30)
    large, *others = parts(table, 2, np.random.default_rng(0))
    one = large.slice(0, 2000)
    rest = pa.concat_tables([part.slice(0, 50) for part in others])
    monkeypatch.setattr(states, "MOST_PAIRS", 400)
    whole = folded_state(pa.concat_tables([one, rest]).sort_by("started_at"))
    assert said(through(one, rest))["shared"] == said(whole)["shared"]


def test_joining_changes_nothing_in_the_parts():
    states_of = [folded_state(part) for part in parts(drawn_calls(9), 2)]
    before = [said(state) for state in states_of]
    joined(states_of)
    assert [said(state) for state in states_of] == before
