from collections import defaultdict

import pytest

from cases.share.shared_case import campaign
from stillhunt.cases.share.seen import MIN_ACCOUNTS, Observable, lives, observables, observables_of_findings


def test_every_value_is_counted_inside_and_outside_as_the_calls_have_it(material):
    members = set(material.names)
    columns = ["account_id", "client_prefix", "user_agent", "tls_ja4", "started_at"]
    rows = [row for batch in material.lake.table("interactions").batches(columns) for row in batch.to_pylist()]
    inside, outside, calls, days = defaultdict(set), defaultdict(set), defaultdict(list), defaultdict(set)
    for row in rows:
        for column in columns[1:4]:
            key = (column, row[column])
            (inside if row["account_id"] in members else outside)[key].add(row["account_id"])
            if row["account_id"] in members:
                calls[key].append(row["started_at"])
                days[key].add(row["started_at"].date())
    found = observables(material)
    assert {(one.column, one.value) for one in found} == {key for key in inside if key[1]}
    for one in found:
        key = (one.column, one.value)
        assert (one.accounts, one.outside) == (len(inside[key]), len(outside[key]))
        assert (one.calls, one.first, one.last) == (len(calls[key]), min(calls[key]), max(calls[key]))
        assert one.days == len(days[key])


def test_a_members_life_is_its_record(material):
    found = lives(material)
    assert set(found) <= set(material.names)
    assert any(one.created_at for one in found.values())


@pytest.mark.parametrize(
    ("accounts", "outside", "distinctive"),
    [(9, 1, True), (8, 1, False), (MIN_ACCOUNTS - 1, 0, False), (MIN_ACCOUNTS, 0, True), (50, None, False)],
)
def test_a_value_tells_apart_if_nine_of_ten_accounts_with_it_are_the_campaigns(accounts, outside, distinctive):
    assert Observable("tls_ja4", "x", accounts, outside).distinctive is distinctive


def test_precision_is_never_certain():
    assert Observable("tls_ja4", "x", 9, 0).precision == 10 / 11
    assert Observable("tls_ja4", "x", 9).precision is None


def test_findings_alone_know_networks_but_nobody_elses():
    members = [
        member.model_copy(update={"observations": [member.observations[3].model_copy(update={"channel": "subnet.calls"})]})
        for member in campaign().accounts[:4]
    ]
    (one,) = observables_of_findings(campaign().model_copy(update={"accounts": members}))
    assert (one.value, one.accounts, one.outside, one.distinctive) == ("198.51.100.0/24", 4, None, False)
