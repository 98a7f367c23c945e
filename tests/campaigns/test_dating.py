"""When a campaign could first have been named: known at once where the watch was there, else by halving the past."""

from datetime import datetime, timedelta

from told import BEGIN, Told, accounts, campaign, findings, time

from stillhunt.campaigns.dating import EXACT, answered, question


def test_a_watch_that_scanned_shortly_before_knows_at_once():
    told = Told()
    told.look(10)
    told.look(10.5, campaign(accounts(range(10)), first=2))
    one = told.known[0]
    assert (one.dated, one.not_named_to, one.could_to) == ("watched", time(10), time(10.5))
    assert told.events[0].could_to == time(10.5)
    assert question(told.known) is None


def test_one_that_began_within_the_last_hour_needs_no_question():
    told = Told()
    told.look(100, campaign(accounts(range(10)), first=99.5))
    assert told.known[0].dated == "watched"


def test_a_backlog_is_halved_until_the_hour_is_known():
    told = Told()
    told.look(24 * 30, campaign(accounts(range(10)), first=24))
    nameable = BEGIN + timedelta(hours=211.3)
    asked: list[datetime] = []
    known, events = told.known, []
    while (asking := question(known)) is not None:
        one, as_of = asking
        asked.append(as_of)
        hour = (as_of - BEGIN) / timedelta(hours=1)
        found = findings(hour, campaign(accounts(range(4)))) if as_of >= nameable else findings(hour, campaign(accounts(range(9), "b")))
        after, told_now = answered(one, as_of, found, "2026-07-01T00:00:00Z")
        known, events = [after], events + told_now
    one = known[0]
    assert one.dated == "looked back"
    assert timedelta(0) <= datetime.fromisoformat(one.could_to) - nameable <= EXACT
    assert len(asked) <= 10
    assert [(event.kind, event.could_to) for event in events] == [("dated", one.could_to)]


def test_a_time_at_which_nothing_was_in_view_counts_as_not_named():
    told = Told()
    told.look(200, campaign(accounts(range(10)), first=1))
    one, as_of = question(told.known)
    after, events = answered(one, as_of, None, time(200))
    assert datetime.fromisoformat(after.not_named_to) == as_of
    assert events == []


def test_the_watchs_own_look_before_bounds_the_question():
    told = Told()
    told.look(100)
    told.look(150, campaign(accounts(range(10)), first=1))
    _, as_of = question(told.known)
    assert as_of == BEGIN + timedelta(hours=125)
