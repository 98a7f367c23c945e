import math
import xml.etree.ElementTree as ET

from cases.worked_example import worked_example
from stillhunt.cases import pictures, wording
from stillhunt.records import Campaign, Evidence, Member, Pool

SVG = "{http://www.w3.org/2000/svg}"


def titles(svg):
    return [element.text for element in ET.fromstring(svg).iter(f"{SVG}title")]


def texts(svg):
    return [element.text for element in ET.fromstring(svg).iter(f"{SVG}text")]


def example() -> Campaign:
    return worked_example().campaigns[0]


def test_days_without_calls_are_drawn_as_such():
    days = titles(pictures.calls_by_day(example()))
    assert len(days) == 14
    assert "2026-05-12: 0 calls" in days


def test_a_campaign_of_one_day_can_be_drawn():
    one = example().model_copy(update={"calls_by_day": {"2026-05-04": 12}})
    assert titles(pictures.calls_by_day(one)) == ["2026-05-04: 12 calls"]


def test_a_campaign_without_days_can_be_drawn():
    none = example().model_copy(update={"calls_by_day": {}})
    assert titles(pictures.calls_by_day(none)) == []


def test_a_waterfall_ends_at_the_whole():
    axis = wording.axes(example())[0]
    said = titles(pictures.waterfall(axis))
    assert said[-1] == "together: +41.7 powers of ten"
    assert len(said) == len(axis.evidence.parts) + 1


def test_a_waterfall_shows_evidence_against_in_its_own_colour():
    axis = wording.axes(example())[0]
    svg = pictures.waterfall(axis)
    assert svg.count(f'fill="{pictures.PALETTE["against"]}"') == 2
    assert svg.count(f'fill="{pictures.PALETTE["for"]}"') == 6


def test_a_waterfall_of_many_parts_sums_up_the_smallest():
    parts = {f"part {n:02d}": float(20 - n) for n in range(20)}
    axis = wording.Axis("coordination", "?", Evidence(log10_evidence=sum(parts.values()), parts=parts))
    said = titles(pictures.waterfall(axis))
    assert len(said) == pictures.MOST_PARTS + 2
    rest = sum(sorted(parts.values())[: 20 - pictures.MOST_PARTS])
    assert f"11 others: {wording.log10(rest)} powers of ten" in said


def test_evidence_that_is_no_number_or_without_parts_is_still_drawn():
    for value in (math.inf, -math.inf, math.nan, 0.0):
        axis = wording.Axis("harvest", "?", Evidence(log10_evidence=value))
        assert titles(pictures.waterfall(axis)) == [f"together: {wording.log10(value)} powers of ten"]


def test_every_account_is_in_one_bar_of_the_memberships():
    members = [Member(account_id=str(n), membership=p, observations=[]) for n, p in enumerate((1.0, 0.9995, 0.99, 0.5, 0.1, 0.0))]
    counted = [title for title in titles(pictures.memberships(members)) if not title.endswith(": 0 accounts")]
    assert counted == ["above 99.9 %: 2 accounts", "95 to 99 %: 1 account", "below 50 %: 3 accounts"]


def test_blind_channels_are_named_and_have_no_share():
    svg = pictures.sight(worked_example().visibility, 10_150)
    assert "payment: not visible" in titles(svg)
    assert texts(svg).count("not visible") == 2
    assert "100 %" in texts(svg)


def test_an_unseen_population_does_not_divide_by_zero():
    assert "client: 10,150 accounts" in titles(pictures.sight(worked_example().visibility, 0))


def test_each_pool_is_a_circle_that_says_which():
    reasons = wording.reasons(worked_example())
    said = titles(pictures.pools_by_reason(reasons))
    assert len(said) == len(worked_example().pools)


def test_pools_beyond_what_can_be_told_apart_are_left_out():
    pools = [Pool(pool_id=str(n), accounts=["a"] * (n % 7 + 1), why_not_a_campaign="small") for n in range(pictures.MOST_POOLS + 50)]
    said = titles(pictures.pools_by_reason([wording.Reason("small", pools)]))
    assert len(said) == pictures.MOST_POOLS


def test_labels_have_room_in_wide_fonts():
    wide, narrow = (pictures._extent([label]) for label in ("日本語の長い名前", "short"))
    assert wide > narrow
    parts = {"a name of twenty-eight chars": 1.0}
    axis = wording.Axis("harvest", "?", Evidence(log10_evidence=1.0, parts=parts))
    root = ET.fromstring(pictures.waterfall(axis))
    assert float(root.get("width")) >= pictures._extent(list(parts)) + 140
