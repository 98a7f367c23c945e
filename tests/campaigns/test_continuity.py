"""Which campaign of a scan is which known one: by most accounts in common, each at most once."""

from stillhunt.campaigns.continuity import in_common, pair


def some(*numbers: int) -> set[str]:
    return {f"a{n}" for n in range(*numbers)}


def test_most_accounts_in_common_goes_first():
    paired = pair([some(0, 10), some(10, 40)], {("old", 1): some(5, 40)}, {})
    assert paired.home == {1: "old"}
    assert paired.split == {0: "old"}


def test_generations_of_one_campaign_are_not_merged_but_continued():
    paired = pair([some(0, 30)], {("old", 1): some(0, 15), ("old", 2): some(15, 30)}, {})
    assert paired.home == {0: "old"}
    assert sorted(paired.generations[0]) == [1, 2]
    assert paired.merged == {}


def test_generations_that_a_scan_lists_apart_keep_one_name():
    paired = pair([some(0, 15), some(15, 30)], {("old", 1): some(0, 15), ("old", 2): some(15, 30)}, {})
    assert paired.home == {0: "old", 1: "old"}
    assert (paired.generations[0], paired.generations[1]) == ([1], [2])
    assert paired.split == {}


def test_a_merger_is_told_once():
    known = {("large", 1): some(0, 20), ("small", 1): some(20, 30)}
    assert pair([some(0, 30)], known, {}).merged == {"small": "large"}
    grown = {("large", 1): some(0, 30), ("small", 1): some(20, 30)}
    assert pair([some(0, 30)], grown, {"small": "large"}).merged == {}


def test_too_few_accounts_in_common_say_nothing():
    assert in_common(some(0, 100), some(98, 200)) == 0  # two of a hundred
    assert in_common(some(0, 10), some(8, 200)) == 2
    assert in_common(some(0, 3), some(2, 5)) == 0  # one
    assert pair([some(0, 100)], {("old", 1): some(98, 200)}, {}).home == {}


def test_equal_claims_go_to_what_is_most_alike_and_then_to_what_was_known_first():
    paired = pair([some(0, 10)], {("wide", 1): some(0, 50), ("same", 1): some(0, 10)}, {})
    assert paired.home == {0: "same"}
    paired = pair([some(0, 10)], {("first", 1): some(0, 10), ("second", 1): some(0, 10)}, {})
    assert paired.home == {0: "first"}
