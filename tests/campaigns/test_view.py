"""What a view promises: everybody who called, and with --as-of nothing later than that moment."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone

import numpy as np
import pyarrow as pa
import pytest
from drawn import at, call, calls

from stillhunt.campaigns import declared
from stillhunt.campaigns.view import open_view
from stillhunt.errors import InputError
from stillhunt.lake import Lake
from stillhunt.lake.table import LakeTable
from stillhunt.records import ACCOUNTS, ENTITLEMENTS


class Held(LakeTable):
    """A table of a lake in memory, in as many files as it is given tables."""

    def __init__(self, *parts: pa.Table) -> None:
        self._parts = parts

    def count(self):
        return sum(part.num_rows for part in self._parts)

    def to_arrow(self, columns=None):
        return pa.concat_tables(self._parts)

    def in_order(self):
        return [str(number) for number in range(len(self._parts))]

    def tables_of(self, paths, columns, dictionaries=(), least=0):
        for path in paths:
            yield self._parts[int(path)].select(columns)


class Tables:
    """A lake in memory, as far as a view asks for one."""

    folder = None

    def __init__(self, interactions, accounts=(), entitlements=()):
        rows = list(interactions)
        self.tables = {
            "interactions": Held(calls(rows[:2]), calls(rows[2:])),
            "accounts": Held(pa.Table.from_pylist(list(accounts), schema=ACCOUNTS)),
            "entitlements": Held(pa.Table.from_pylist(list(entitlements), schema=ENTITLEMENTS)),
        }

    def table(self, name):
        return self.tables[name]


def people(sight):
    return {row["account_id"]: row for row in sight.digest.people.to_pylist()}


def declares(sight, ignored=frozenset()):
    return declared.declarations(sight.digest.people, sight.granted, ignored)


def entitlements(sight):
    """account -> what it is entitled to."""
    found = declares(sight)
    return {name: found.entitlements[kind] for name, kind in zip(sight.digest.accounts, found.entitled.tolist(), strict=True) if kind >= 0}


def organizations(sight, ignored=frozenset()):
    """account -> what it declares to belong to."""
    found = declares(sight, ignored)
    return {
        name: found.organizations[owner].as_py()
        for name, owner in zip(sight.digest.accounts, found.owners.tolist(), strict=True)
        if owner >= 0
    }


def test_without_a_moment_every_call_is_in_view():
    sight = open_view(Tables([call("b", 1), call("c", 2), call("a", 99)]), None)
    assert (sight.digest.interactions, sight.digest.accounts) == (3, ["a", "b", "c"])
    assert (sight.first, sight.last) == (at(1), at(99))


def test_who_has_never_called_is_not_in_view():
    sight = open_view(Tables([call("b", 1)], [{"account_id": "silent", "created_at": at(0)}, {"account_id": "b", "plan": "free"}]), None)
    assert sight.digest.accounts == ["b"]
    assert people(sight)["b"]["plan"] == "free"


def test_calls_that_had_not_ended_are_not_seen():
    lake = Tables([call("a", 1, ended_at=at(2)), call("a", 1, ended_at=at(10)), call("b", 3), call("c", 5)])
    sight = open_view(lake, at(5))
    assert sight.digest.interactions == 3
    assert sight.digest.accounts == ["a", "b", "c"]
    earlier = open_view(lake, at(4.999))
    assert earlier.digest.interactions == 2
    assert earlier.last == at(3)


def test_a_record_of_an_account_that_did_not_exist_yet_is_not_seen():
    lake = Tables(
        [call(name, 1) for name in ("known", "later", "old")],
        [
            {"account_id": "later", "created_at": at(10), "plan": "paid"},
            {"account_id": "known", "plan": "paid"},
            {"account_id": "old", "created_at": at(-5), "plan": "paid"},
        ],
    )
    seen = people(open_view(lake, at(5)))
    assert {name: row["plan"] for name, row in seen.items()} == {"known": "paid", "later": None, "old": "paid"}
    assert people(open_view(lake, None))["later"]["plan"] == "paid"


def test_a_closure_is_seen_only_once_it_happened():
    lake = Tables(
        [call("a", 1)], [{"account_id": "a", "created_at": at(0), "closed_at": at(10), "closed_reason": "abuse", "status": "banned"}]
    )
    early = people(open_view(lake, at(5)))["a"]
    assert (early["closed_at"], early["closed_reason"], early["status"]) == (None, None, None)
    assert people(open_view(lake, at(10)))["a"]["closed_at"] == at(10)
    assert people(open_view(lake, None))["a"]["status"] == "banned"


def test_entitlements_that_were_granted_later_are_not_seen():
    granted = [
        {"account_id": "a", "scope": "research", "granted_at": at(10)},
        {"account_id": "b", "scope": "research", "granted_at": at(1)},
        {"account_id": "c", "scope": "research"},
    ]
    lake = Tables([call(account, hour) for hour in (1, 20) for account in "abc"], [], granted)
    assert set(entitlements(open_view(lake, at(5)))) == {"b", "c"}
    assert set(entitlements(open_view(lake, None))) == {"a", "b", "c"}


def test_an_entitlement_that_has_run_out_permits_nothing_and_did_before():
    granted = [
        {"account_id": "a", "scope": "research", "expires_at": at(10)},
        {"account_id": "b", "scope": "research", "expires_at": at(99)},
    ]
    lake = Tables([call(account, hour) for hour in (1, 20) for account in "ab"], [], granted)
    assert set(entitlements(open_view(lake, None))) == {"b"}
    assert set(entitlements(open_view(lake, at(9)))) == {"a", "b"}


def test_a_moment_in_another_zone_is_the_same_moment():
    lake = Tables([call("a", 1), call("a", 6)])
    zone = timezone(timedelta(hours=9))
    for moment in (at(5).astimezone(zone), at(5).astimezone(UTC)):
        assert open_view(lake, moment).digest.interactions == 1


def test_nothing_in_view_is_said_with_what_to_do():
    with pytest.raises(InputError, match="ingest logs first"):
        open_view(Tables([]), None)
    with pytest.raises(InputError, match="later --as-of"):
        open_view(Tables([call("a", 10)]), at(1))


def test_an_account_that_only_calls_keeps_the_organization_of_its_calls():
    lake = Tables(
        [call("a", 1, organization_id="org-1"), call("b", 1, organization_id="org-2")], [{"account_id": "b", "organization_id": "org-3"}]
    )
    assert {name: row["organization_id"] for name, row in people(open_view(lake, None)).items()} == {"a": "org-1", "b": "org-3"}


def test_kinds_of_networks_come_from_the_user_alone():
    lake = Tables([call("a", 1, client_prefix="192.0.2.0/24"), call("b", 1, client_prefix="198.51.100.0/24"), call("c", 1)])
    told = open_view(lake, None, lambda prefix: "hosting" if prefix.startswith("192") else None).digest
    kinds = told.networks.dominant(told.network_kinds)[0].to_pylist()
    assert dict(zip(told.accounts, kinds, strict=True)) == {"a": "hosting", "b": "other", "c": None}
    assert "interactions.network_kind" in told.filled
    silent = open_view(lake, None).digest
    assert silent.networks.dominant(silent.network_kinds)[0].to_pylist() == [None] * 3
    assert "interactions.network_kind" not in silent.filled


def test_a_verified_domain_declares_and_an_unverified_one_does_not():
    accounts = [
        {"account_id": "a", "email_domain": "firm.example", "verification": "Domain verified"},
        {"account_id": "b", "email_domain": "firm.example", "verification": "phone"},
        {"account_id": "c", "organization_id": "org-1", "email_domain": "firm.example", "verification": "domain"},
    ]
    sight = open_view(Tables([call(account, 1) for account in "abc"], accounts), None)
    assert organizations(sight) == {"a": "firm.example", "c": "org-1"}


def test_an_entitlement_of_an_organization_holds_for_its_accounts():
    granted = [{"organization_id": "org-1", "scope": "distillation", "reference": "contract 7"}]
    lake = Tables([call("a", 1, organization_id="org-1"), call("b", 1, organization_id="org-2"), call("c", 1)], [], granted)
    assert entitlements(open_view(lake, None)) == {"a": ("distillation", "contract 7")}


def test_an_account_s_own_entitlement_comes_before_that_of_its_organization():
    granted = [
        {"organization_id": "org-1", "scope": "evaluation", "reference": "contract 7"},
        {"account_id": "a", "scope": "research"},
    ]
    lake = Tables([call(account, 1, organization_id="org-1") for account in "ab"], [], granted)
    assert entitlements(open_view(lake, None)) == {"a": ("research", ""), "b": ("evaluation", "contract 7")}


def test_an_organization_that_says_nothing_declares_nothing():
    rows = [call("a", 1), call("b", 2)]
    accounts = [{"account_id": name, "organization_id": organization} for name, organization in (("a", "default"), ("b", "acme"))]
    sight = open_view(Tables(rows, accounts), None)
    assert organizations(sight) == {"a": "default", "b": "acme"}
    assert organizations(sight, frozenset({"default"})) == {"b": "acme"}


def test_what_most_of_a_group_declares_is_said_in_words_and_what_few_do_is_not():
    accounts = [{"account_id": f"a{number}", "organization_id": "acme" if number < 8 else None} for number in range(10)]
    lake = Tables([call(f"a{number}", 1) for number in range(10)], accounts, [{"account_id": "a9", "scope": "resale", "reference": "r1"}])
    found = declares(open_view(lake, None))
    assert found.of(np.arange(10)) == "declared one organization (acme)"
    assert found.of(np.arange(1, 10)) is None, "seven of nine are fewer than four in five"
    assert found.of(np.array([9])) == "entitlement on record: resale (r1)"
    assert found.largest() == ("acme", 8)


def test_an_engine_sees_what_the_files_show(engine, tmp_path):
    rows = [call("a", 1, ended_at=at(2)), call("a", 2, ended_at=at(10)), call("b", 3, ended_at=at(3)), call("c", 50)]
    with Lake.open(tmp_path / "lake", create=True) as lake:
        lake.append_interactions(calls(rows))
        lake.upsert_accounts(pa.Table.from_pylist([{"account_id": "b", "plan": "free"}], schema=ACCOUNTS))
        for moment, expected in ((None, ["a", "b", "c"]), (at(5), ["a", "b"])):
            here, there = open_view(lake, moment), open_view(lake, moment, engine=engine)
            assert there.digest.accounts == here.digest.accounts == expected
            assert (there.first, there.last) == (here.first, here.last)
            assert there.digest.interactions == here.digest.interactions
            assert people(there) == people(here)
