"""What the template channel promises."""

from __future__ import annotations

from handmade import at, call, look

from stillhunt.channels.template import CHANNEL

ASPECT = "template.gram"


def requests(account, sketches, **columns):
    return [call(account, hour, sketch=sketch, **columns) for hour, sketch in enumerate(sketches)]


def test_grams_that_recur_in_an_eighth_of_the_requests_are_observed():
    calls = requests("a", [[1, 2], [1, 3], [1, 4], [1, 5]])
    (row,) = look(CHANNEL, calls).of(ASPECT)
    assert (row["value"], row["occurrences"], row["share"]) == ("1", 4, 1.0)
    assert (row["first_at"], row["last_at"]) == (at(0), at(3))


def test_the_share_is_twelve_per_cent_exactly():
    often = requests("often", [[9]] * 3 + [[100 + n] for n in range(22)])  # 3 of 25
    seldom = requests("seldom", [[9]] * 3 + [[100 + n] for n in range(23)])  # 3 of 26
    assert look(CHANNEL, often + seldom).sets(ASPECT) == {"often": {"9"}}


def test_a_gram_of_one_request_never_recurs_however_few_there_are():
    assert look(CHANNEL, requests("one", [[1, 2]])).rows == []
    assert look(CHANNEL, requests("two", [[1, 2], [3, 4]])).rows == []


def test_calls_that_replay_one_conversation_are_one_request():
    sketches = [[1], [1, 2], [1, 2, 3]]
    replay = [call("a", turn, sketch=sketches[turn], message_count=1 + 2 * turn, conversation_id="c1") for turn in range(3)]
    assert look(CHANNEL, replay).rows == []
    again = [*replay, *requests("a", [[1, 8]], conversation_id="c2", message_count=1), call("a", 9, sketch=[7])]
    (row,) = look(CHANNEL, again).of(ASPECT)
    assert (row["value"], row["occurrences"]) == ("1", 2)
    assert row["share"] == 2 / 3


def test_a_gram_that_stands_twice_in_one_request_counts_once():
    assert look(CHANNEL, requests("a", [[5, 5], [6], [7]])).rows == []


def test_calls_without_content_do_not_count_and_empty_ones_do():
    unseen = requests("a", [[1], [1], None, None])
    assert [row["share"] for row in look(CHANNEL, unseen).of(ASPECT)] == [1.0]
    empty = requests("a", [[1], [1], [], []])
    assert [row["share"] for row in look(CHANNEL, empty).of(ASPECT)] == [0.5]


def test_every_account_is_looked_at_once():
    calls = [one for number in range(40) for one in requests(f"account{number}", [[number, 1], [number, 1]])]
    seen = look(CHANNEL, calls).sets(ASPECT)
    assert seen == {f"account{number}": {str(number), "1"} for number in range(40)}


def test_the_largest_gram_is_kept_as_it_is():
    assert look(CHANNEL, requests("a", [[2**31 - 1], [2**31 - 1]])).values(ASPECT) == {"a": str(2**31 - 1)}


def carried(account, times, of):
    return requests(account, [[9]] * times + [[1000 + n] for n in range(of - times)])


def test_a_gram_of_twelve_requests_needs_only_a_fiftieth_of_them():
    calls = carried("twelve", 12, 400) + carried("eleven", 11, 400) + carried("seldom", 12, 601)
    assert look(CHANNEL, calls).sets(ASPECT) == {"twelve": {"9"}}


def test_a_gram_of_fewer_requests_needs_an_eighth_of_them_as_ever():
    assert look(CHANNEL, carried("few", 5, 20) + carried("less", 2, 20)).sets(ASPECT) == {"few": {"9"}}


def test_requests_and_not_calls_make_a_gram_frequent():
    talks = [call("a", hour, sketch=[9], conversation_id=f"c{hour % 11}", message_count=1 if hour < 11 else 3) for hour in range(22)]
    assert look(CHANNEL, talks + requests("a", [[1000 + n] for n in range(389)])).rows == []


def test_how_often_a_gram_came_and_from_when_to_when_is_kept():
    (row,) = look(CHANNEL, carried("a", 12, 400)).of(ASPECT)
    assert (row["occurrences"], row["first_at"], row["last_at"]) == (12, at(0), at(11))
    assert row["share"] == 0.03


def test_the_pace_of_an_instruction_is_said_in_calls_a_day():
    assert "16.0 times a day" in CHANNEL.describe("template.pace", "4.0")
