import xml.etree.ElementTree as ET
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from cases.worked_example import HOSTILE, campaign
from stillhunt.cases import case_pictures
from stillhunt.cases.case_pictures import MOST_MEMBERS, MOST_ROWS, heat_map, likelihoods, link_graph
from stillhunt.cases.case_timeline import MOST_SPANS, Timeline, timeline
from stillhunt.cases.hubs import MAX_HUBS, hubs
from stillhunt.cases.wording import visible
from stillhunt.records import Member, SharedObservation
from stillhunt.records.cases import Confidence, Credibility, Hypothesis, Likelihood, Reliability

SVG = "{http://www.w3.org/2000/svg}"
MONDAY = 1_772_409_600_000_000  # 2026-03-02


def titles(svg):
    return [element.text for element in ET.fromstring(svg).iter(f"{SVG}title")]


def texts(svg):
    return [element.text for element in ET.fromstring(svg).iter(f"{SVG}text")]


def line(calls, names=None, hours=1):
    table = np.array(calls, np.int64)
    return Timeline(names or [f"acct-{n}" for n in range(len(table))], table, MONDAY, hours)


def shared(name, **bits):
    return Member(account_id=name, membership=1, observations=[SharedObservation(channel=of, value="x", bits=b) for of, b in bits.items()])


# ---- when accounts called


def test_every_call_of_the_case_is_in_the_timeline_once(material):
    found = timeline(material)
    calls = material.calls(["account_id", "started_at"])
    assert found.calls.sum() == calls.num_rows
    per_account = dict(zip(found.names, found.calls.sum(axis=1).tolist(), strict=True))
    counted = calls.group_by("account_id").aggregate([("started_at", "count")]).to_pydict()
    assert per_account == dict(zip(counted["account_id"], counted["started_at_count"], strict=True))


def test_a_call_is_in_the_column_of_its_hour(material):
    found = timeline(material)
    row = material.calls(["account_id", "started_at"]).slice(40, 1).to_pylist()[0]
    column = int((row["started_at"] - found.moment(0)).total_seconds() // (3_600 * found.hours))
    assert found.calls[found.names.index(row["account_id"]), column] >= 1
    first = (found.calls > 0).argmax(axis=1)
    assert (np.diff(first) >= 0).all(), "accounts stand in the order of their first call"


def test_what_the_scan_did_not_see_is_not_drawn(material):
    middle = material.calls(["started_at"])["started_at"][7_000].as_py()
    before = replace(material, findings=material.findings.model_copy(update={"as_of": middle.isoformat()}))
    assert timeline(before).calls.sum() == before.calls(["started_at"]).num_rows < material.calls(["started_at"]).num_rows


@pytest.mark.parametrize(("days", "hours"), [(9, 1), (19, 2), (45, 6), (200, 24), (3_000, 336)])
def test_a_longer_time_has_longer_columns_that_begin_at_midnight(material, days, hours):
    digest = SimpleNamespace(first=np.array([MONDAY]), last=np.array([MONDAY + days * 86_400_000_000]), accounts=["nobody"])
    other = replace(material, sight=SimpleNamespace(digest=digest), members=np.array([0]))
    found = timeline(other)
    assert (found.hours, found.moment(0).hour) == (hours, 0)
    assert found.calls.shape[1] <= MOST_SPANS


def test_a_row_says_whose_it_is_and_how_many_calls():
    svg = heat_map(line([[3, 0, 0, 2], [0, 1, 0, 0]]))
    assert "acct-0: 5 calls, 2026-03-02 00:00 to 2026-03-02 03:00 UTC" in titles(svg)
    assert "acct-1: 1 call, 2026-03-02 01:00 to 2026-03-02 01:00 UTC" in titles(svg)


def test_cells_are_drawn_where_there_are_calls_and_nowhere_else():
    svg = ET.fromstring(heat_map(line([[1, 1, 0, 1]])))
    row = next(group for group in svg.iter(f"{SVG}g") if (group[0].text or "").startswith("acct-0"))
    (cells,) = [path.get("d", "") for path in row.iter(f"{SVG}path")]
    width = (800 - 170 - 6) / 4
    assert [float(run.split("h")[1].split("v")[0]) for run in cells.split("M")[1:]] == pytest.approx([2 * width, width])


def test_more_calls_are_darker():
    svg = ET.fromstring(heat_map(line([[1] * 50 + [40]])))
    row = next(group for group in svg.iter(f"{SVG}g") if (group[0].text or "").startswith("acct-0"))
    drawn = {path.get("d", "").count("M"): float(path.get("fill-opacity", "1")) for path in row.iter(f"{SVG}path")}
    assert case_pictures.shades(np.array([1] * 50 + [40])) == [1]
    wide = ET.fromstring(heat_map(line([[1] * 10 + [5] * 8 + [40] * 4])))
    row = next(group for group in wide.iter(f"{SVG}g") if (group[0].text or "").startswith("acct-0"))
    opacity = [float(path.get("fill-opacity", "1")) for path in row.iter(f"{SVG}path")]
    assert opacity == sorted(opacity)
    assert len(opacity) == 3
    assert drawn == {1: 1.0}


def test_of_many_accounts_so_many_are_drawn_evenly_and_the_picture_stays_small():
    names = [f"acct-{n:05d}" for n in range(25_000)]
    svg = heat_map(line(np.random.default_rng(1).poisson(3, (25_000, 240)), names))
    rows = [title for title in titles(svg) if title and title.startswith("acct-")]
    assert len(rows) == MOST_ROWS
    assert rows[0].startswith("acct-00000")
    assert rows[-1].startswith("acct-24999")
    assert len(svg) < 1_500_000


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_name_is_a_row_and_no_markup(name):
    plain, hostile = (ET.fromstring(heat_map(line([[1, 2]], [one]))) for one in ("a", name))
    assert [element.tag for element in hostile.iter()] == [element.tag for element in plain.iter()]
    assert any((title or "").startswith(visible(name, 64)) for title in titles(heat_map(line([[1, 2]], [name]))))


# ---- what ties accounts


def test_hubs_are_what_two_share_the_weightiest_first():
    three = campaign("c", 1, 1).model_copy(
        update={"accounts": [shared("a", payment=9.0, rhythm=1.0), shared("b", payment=8.0, rhythm=2.0), shared("c", subnet=30.0)]}
    )
    assert [(hub.channel, hub.accounts, hub.bits) for hub in hubs(three)] == [("payment", 2, 8.5), ("rhythm", 2, 1.5)]


def test_each_account_and_each_shared_observation_is_in_the_graph():
    accounts = [*(shared(f"left-{n}", payment=9.0) for n in range(4)), *(shared(f"right-{n}", subnet=8.0) for n in range(5))]
    svg = link_graph(campaign("c", 1, 1).model_copy(update={"accounts": accounts}))
    said = titles(svg)
    assert [f"left-{n}: 1 tie drawn" in said for n in range(4)] == [True] * 4
    assert "payment: x: 4 accounts, median 9.0 bits" in said
    assert "subnet: x: 5 accounts, median 8.0 bits" in said
    assert svg.count("stroke-width") >= 9


def test_no_account_hides_another():
    places = case_pictures._apart(np.full((MOST_MEMBERS, 2), 100.0))
    assert len(set(places)) == MOST_MEMBERS


def test_where_nothing_is_shared_there_is_no_graph():
    assert link_graph(campaign("c", 1, 1).model_copy(update={"accounts": [shared("a", payment=1.0), shared("b", subnet=1.0)]})) == ""


def test_a_large_graph_is_sampled_and_the_same_each_time():
    channels = [f"channel{n:02d}" for n in range(40)]
    accounts = [shared(f"acct-{n:04d}", **{channels[(n * 7 + k) % 40]: 5.0 + k for k in range(5)}) for n in range(3_000)]
    large = campaign("c", 1, 1).model_copy(update={"accounts": accounts})
    svg = link_graph(large)
    assert svg == link_graph(large)
    assert sum((title or "").startswith("acct-") for title in titles(svg)) == MOST_MEMBERS
    assert sum((title or "").startswith("channel") for title in titles(svg)) == MAX_HUBS
    assert len(svg) < 700_000


@pytest.mark.parametrize("name", ["<b>", "\u202eevil", "]]>&\x00"])
def test_a_hostile_observation_is_a_label_and_no_markup(name):
    said = [SharedObservation(channel="payment", value=name, bits=3, description=name)]
    accounts = [Member(account_id=f"a{n}", membership=1, observations=said) for n in range(2)]
    svg = link_graph(campaign("c", 1, 1).model_copy(update={"accounts": accounts}))
    assert visible(name, 36) in texts(svg)
    assert "\u202e" not in svg


# ---- how likely


def hypothesis(name, likelihood):
    return Hypothesis(
        name=name,
        statement="s",
        likelihood=likelihood,
        confidence=Confidence.LOW,
        source_reliability=Reliability.B,
        information_credibility=Credibility.CONFIRMED,
    )


def test_each_hypothesis_has_its_bar_also_where_two_have_one_name():
    said = titles(likelihoods([hypothesis("one", Likelihood.LIKELY), hypothesis("one", Likelihood.UNLIKELY)]))
    assert said == ["one (1): likely", "one (2): unlikely"]
