"""An operator at full size does what its step of effort says."""

from __future__ import annotations

import numpy as np
import pytest
from typer.testing import CliRunner

from stillhunt.cli.app import app
from stillhunt.range import scale
from stillhunt.range.calls import DAY, HOUR
from stillhunt.range.operators import operator
from stillhunt.range.scale.rows import Rows
from stillhunt.range.scale.world import bare
from stillhunt.range.world import WorldSpec

DAYS = 4


def played(step: str):
    """The operator's calls at a step: bare, their lanes, their rows."""
    spec = WorldSpec(
        seed=3, days=DAYS, accounts=400, calls=2_000, populations="people", operators=(operator(step, accounts=50, start_day=0.0),)
    )
    made = scale.cast(spec)
    first = made.facts["start"] // DAY
    calls = np.concatenate([day.copy() for _, day in bare(made, first, first + DAYS, 0, 1 << 62, 10_000)])
    hidden = made.truth["operator"].is_valid().to_numpy()
    calls = calls[hidden[made.lanes["account"][calls["lane"]]]]
    return made, calls, made.lanes[calls["lane"]], Rows(made).table(calls)


def distinct(rows, name: str) -> int:
    return len(set(rows[name].to_pylist()))


@pytest.mark.parametrize("step", ["L0", "L1"])
def test_careless_ones_keep_one_program_one_instruction_and_no_hours(step):
    made, calls, _, rows = played(step)
    assert len(calls) == pytest.approx(50 * 25.6 * DAYS, rel=0.1)
    assert distinct(rows, "client_shape") == 1
    assert np.unique(calls["voice"]).size == 1
    hours = np.bincount((calls["at"] // HOUR) % 24, minlength=24)
    assert hours.min() > 0.6 * hours.mean()
    assert (distinct(rows, "client_prefix") == 1) == (step == "L0"), "L1 rotates over rented servers"
    cards = made.accounts["payment_fingerprint"].combine_chunks().to_pylist()
    mine = [cards[number] for number in np.unique(made.lanes["account"][calls["lane"]]).tolist()]
    assert (len(set(mine)) == len(mine)) == (step == "L1"), "L0 has few cards"


def test_careful_ones_live_by_day_and_night_and_have_words_and_programs_of_their_own():
    _, calls, lanes, rows = played("L3")
    local = (calls["at"] / HOUR + lanes["zone"]) % 24
    assert ((local > 1) & (local < 5)).mean() < 0.5 * ((local > 14) & (local < 18)).mean()
    assert distinct(rows, "client_shape") > 20
    assert np.unique(calls["voice"]).size > 3
    own = calls["attempt"] == 0
    words = {int(who): np.unique(calls["voice"][own & (lanes["account"] == who)]).size for who in np.unique(lanes["account"][own])}
    assert set(words.values()) == {1}, "an account keeps its words, but for requests that it was handed"


def test_covered_ones_talk_as_much_as_they_harvest():
    _, calls, lanes, _ = played("L4")
    harvest = lanes["queue"] > 0
    assert 0.35 < harvest.mean() < 0.65
    assert (calls["turn"][~harvest] > 0).any(), "conversations, too"


def test_until_is_for_worlds_that_are_written_as_fingerprints(tmp_path):
    done = CliRunner().invoke(app, ["range", "make", str(tmp_path / "world"), "--until", "2026-03-05"])
    assert done.exit_code != 0
    assert not (tmp_path / "world").exists()
