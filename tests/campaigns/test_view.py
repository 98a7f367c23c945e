"""What a view promises: everybody who called or is known, and with --as-of nothing later than that moment."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone

import pyarrow as pa
import pytest
from drawn import at, call, calls

from stillhunt.campaigns.declared import declarations
from stillhunt.campaigns.view import open_view
from stillhunt.errors import InputError
from stillhunt.records import ACCOUNTS, ENTITLEMENTS


class Tables:
    """A lake in memory, as far as a view asks for one."""

    def __init__(self, interactions, accounts=(), entitlements=()):
        self.tables = {
            "interactions": calls(list(interactions)),
            "accounts": pa.Table.from_pylist(list(accounts), schema=ACCOUNTS),
            "entitlements": pa.Table.from_pylist(list(entitlements), schema=ENTITLEMENTS),
        }

    def table(self, name):
        return self.tables[name]


def people(engine):
    return {row["account_id"]: row for row in engine.fetch("SELECT * FROM people").to_pylist()}


def test_without_a_moment_everything_is_in_view(engine):
    sight = open_view(engine, Tables([call("b", 1), call("a", 99)], [{"account_id": "silent", "created_at": at(500)}]), None)
    assert (sight.interactions, sight.accounts) == (2, ["a", "b"])
    assert (sight.view.first, sight.view.last) == (at(1), at(99))
    assert set(people(engine)) == {"a", "b", "silent"}


def test_calls_that_had_not_ended_are_not_seen(engine):
    lake = Tables([call("a", 1, ended_at=at(2)), call("a", 1, ended_at=at(10)), call("b", 3), call("c", 5)])
    sight = open_view(engine, lake, at(5))
    assert sight.interactions == 3
    assert sight.accounts == ["a", "b", "c"]
    earlier = open_view(engine, lake, at(4.999))
    assert earlier.interactions == 2
    assert earlier.view.last == at(3)


def test_accounts_that_did_not_exist_are_not_seen(engine):
    lake = Tables(
        [call("a", 1)],
        [{"account_id": "later", "created_at": at(10)}, {"account_id": "known"}, {"account_id": "old", "created_at": at(-5)}],
    )
    open_view(engine, lake, at(5))
    assert set(people(engine)) == {"a", "known", "old"}


def test_a_closure_is_seen_only_once_it_happened(engine):
    lake = Tables(
        [call("a", 1)], [{"account_id": "a", "created_at": at(0), "closed_at": at(10), "closed_reason": "abuse", "status": "banned"}]
    )
    open_view(engine, lake, at(5))
    assert people(engine)["a"]["closed_at"] is None
    open_view(engine, lake, at(10))
    assert people(engine)["a"]["closed_at"] == at(10)
    open_view(engine, lake, None)
    assert people(engine)["a"]["closed_at"] == at(10)


def test_entitlements_that_were_granted_later_are_not_seen(engine):
    granted = [
        {"account_id": "a", "scope": "research", "granted_at": at(10)},
        {"account_id": "b", "scope": "research", "granted_at": at(1)},
        {"account_id": "c", "scope": "research"},
    ]
    lake = Tables([call(account, hour) for account in "abc" for hour in (1, 20)], [], granted)
    open_view(engine, lake, at(5))
    assert set(declarations(engine).entitlements) == {"b", "c"}
    open_view(engine, lake, None)
    assert set(declarations(engine).entitlements) == {"a", "b", "c"}


def test_an_entitlement_that_has_run_out_permits_nothing_and_did_before(engine):
    granted = [
        {"account_id": "a", "scope": "research", "expires_at": at(10)},
        {"account_id": "b", "scope": "research", "expires_at": at(99)},
    ]
    lake = Tables([call(account, hour) for account in "ab" for hour in (1, 20)], [], granted)
    open_view(engine, lake, None)
    assert set(declarations(engine).entitlements) == {"b"}
    open_view(engine, lake, at(9))
    assert set(declarations(engine).entitlements) == {"a", "b"}


def test_a_moment_in_another_zone_is_the_same_moment(engine):
    lake = Tables([call("a", 1), call("a", 6)])
    zone = timezone(timedelta(hours=9))
    assert open_view(engine, lake, at(5).astimezone(zone)).interactions == open_view(engine, lake, at(5).astimezone(UTC)).interactions == 1


def test_nothing_in_view_is_said_with_what_to_do(engine):
    with pytest.raises(InputError, match="ingest logs first"):
        open_view(engine, Tables([]), None)
    with pytest.raises(InputError, match="later --as-of"):
        open_view(engine, Tables([call("a", 10)]), at(1))


def test_an_account_that_only_calls_keeps_the_organization_of_its_calls(engine):
    lake = Tables(
        [call("a", 1, organization_id="org-1"), call("b", 1, organization_id="org-2")], [{"account_id": "b", "organization_id": "org-3"}]
    )
    open_view(engine, lake, None)
    assert {name: row["organization_id"] for name, row in people(engine).items()} == {"a": "org-1", "b": "org-3"}


def test_kinds_of_networks_come_from_the_user_alone(engine):
    lake = Tables([call("a", 1, client_prefix="192.0.2.0/24"), call("b", 1, client_prefix="198.51.100.0/24"), call("c", 1)])
    open_view(engine, lake, None, lambda prefix: "hosting" if prefix.startswith("192") else None)
    kinds = {row["account_id"]: row["network_kind"] for row in engine.fetch("SELECT account_id, network_kind FROM calls").to_pylist()}
    assert kinds == {"a": "hosting", "b": "other", "c": None}
    open_view(engine, lake, None)
    assert engine.fetch("SELECT network_kind FROM calls")["network_kind"].null_count == 3


def test_a_verified_domain_declares_and_an_unverified_one_does_not(engine):
    accounts = [
        {"account_id": "a", "email_domain": "firm.example", "verification": "Domain verified"},
        {"account_id": "b", "email_domain": "firm.example", "verification": "phone"},
        {"account_id": "c", "organization_id": "org-1", "email_domain": "firm.example", "verification": "domain"},
    ]
    open_view(engine, Tables([call(account, 1) for account in "abc"], accounts), None)
    assert declarations(engine).organizations == {"a": "firm.example", "c": "org-1"}


def test_an_entitlement_of_an_organization_holds_for_its_accounts(engine):
    granted = [{"organization_id": "org-1", "scope": "distillation", "reference": "contract 7"}]
    lake = Tables([call("a", 1, organization_id="org-1"), call("b", 1, organization_id="org-2"), call("c", 1)], [], granted)
    open_view(engine, lake, None)
    assert declarations(engine).entitlements == {"a": ("distillation", "contract 7")}


def test_an_organization_that_says_nothing_declares_nothing(engine):
    rows = [call("a", 1), call("b", 2)]
    accounts = [{"account_id": name, "organization_id": organization} for name, organization in (("a", "default"), ("b", "acme"))]
    open_view(engine, Tables(rows, accounts), None)
    assert declarations(engine).organizations == {"a": "default", "b": "acme"}
    assert declarations(engine, frozenset({"default"})).organizations == {"b": "acme"}
