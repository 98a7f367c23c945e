"""Who matches a pack, and who does not: strangers with a phrase in common, users of a product, requests that have nothing in common."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from stillhunt.campaigns import Settings, hunt
from stillhunt.campaigns.declared import Declared
from stillhunt.campaigns.recognised import COMMON, FEW, recognise
from stillhunt.cases import scans
from stillhunt.channels.digest.taking import in_memory
from stillhunt.channels.template import CHANNEL
from stillhunt.lake import Lake, packs
from stillhunt.records import ACCOUNTS
from stillhunt.records.packs import KeptPack, Pack, Template

NOW = datetime(2030, 1, 5, tzinfo=UTC)
BEGIN = int(datetime(2030, 1, 1, tzinfo=UTC).timestamp() * 1e6)
TEMPLATE = list(range(100, 110))
STRANGERS = 600


def kept(templates=((TEMPLATE, 1.0),), least=5, **changes):
    fields = {
        "pack_id": "a" * 32,
        "sequence": 1,
        "issuer": "example.org/log",
        "signers": ["example.org/log+00000000"],
        "recipient": "Example Org",
        "tlp": "amber",
        "issued_at": "2030-01-01T00:00:00Z",
        "expires_at": "2030-03-01T00:00:00Z",
        "campaign": "c" * 32,
        "accounts": 60,
        "first_day": "2029-12-01",
        "last_day": "2029-12-24",
        "least": least,
        "matched": 1.0,
        "templates": [Template(grams=list(grams), share=share) for grams, share in templates],
    }
    identified = changes.pop("identified", {})
    return KeptPack(pack=Pack(**fields | changes), imported_at="2030-01-01T00:00:00Z", envelope_sha256="0" * 64, identified=identified)


def digest_with(**groups):
    """Strangers, each with a phrase of their own, and groups of accounts: name -> (how many, the grams of each of their requests)."""
    rows = []
    drawn = np.random.default_rng(1)
    everybody = [(f"stranger{number:04}", [[10_000 + 10 * number]] * 6) for number in range(STRANGERS)]
    for name, (many, requests) in groups.items():
        everybody += [(f"{name}{number:02}", requests) for number in range(many)]
    for account, requests in everybody:
        for number, grams in enumerate(requests):
            own = int(drawn.integers(1_000_000, 2**31))
            rows.append((account, BEGIN + number * 3_600_000_000, sorted({*grams, own}), own))
    columns = zip(*rows, strict=True)
    names = ("account_id", "started_at", "sketch", "prompt_hash")
    kinds = (pa.string(), pa.timestamp("us", tz="UTC"), pa.list_(pa.int32()), pa.int64())
    calls = pa.table([pa.array(list(column), kind) for column, kind in zip(columns, kinds, strict=True)], names=list(names))
    return in_memory(calls, ACCOUNTS.empty_table())


def seen(digest, *texts, named=None, owners=None, entitled=None):
    nothing = np.full(len(digest.accounts), -1, np.int64)
    declared = Declared(
        nothing if owners is None else owners, pa.array(["an organization"]), nothing if entitled is None else entitled, (("research", ""),)
    )
    return recognise(digest, next(iter(CHANNEL.observe(digest))), declared, named or {}, texts, NOW)


def accounts(found):
    return {account.account_id for account in found.accounts}


def test_accounts_with_the_template_match_and_nobody_else():
    digest = digest_with(theirs=(3, [TEMPLATE] * 6), phrase=(3, [TEMPLATE[:4]] * 6))
    (found,) = seen(digest, kept())
    assert accounts(found) == {"theirs00", "theirs01", "theirs02"}
    assert {account.grams for account in found.accounts} == {len(TEMPLATE)}
    assert all(account.bits >= 8 and account.requests == 1.0 and account.campaign_id is None for account in found.accounts)


def test_bits_are_the_logarithm_of_how_much_oftener_the_campaign_shows_it_than_strangers_do():
    digest = digest_with(theirs=(2, [TEMPLATE] * 6), half=(1, [TEMPLATE[:5]] * 6))
    (found,) = seen(digest, kept(least=6))
    strangers = STRANGERS + 3
    assert accounts(found) == {"theirs00", "theirs01"}
    assert found.accounts[0].bits == pytest.approx(
        np.log2(0.99 / (2 / (strangers + 1))), abs=0.01
    )  # `half` shows half: a stranger that does


def test_half_of_the_words_are_not_enough_where_the_campaign_shows_more():
    (found,) = seen(digest_with(framework=(3, [TEMPLATE[:7]] * 6)), kept(least=8))
    assert found.accounts == []


def test_grams_from_requests_that_have_nothing_in_common_do_not_add_up():
    apart = [[gram] for gram in TEMPLATE[:6]] * 3
    (found,) = seen(digest_with(reseller=(2, apart), theirs=(2, [TEMPLATE] * 6)), kept())
    assert accounts(found) == {"theirs00", "theirs01"}


def test_of_what_many_show_it_is_told_that_so_many_do_and_not_who():
    many = max(FEW, int(COMMON * STRANGERS)) + 1
    digest = digest_with(users=(many, [TEMPLATE] * 6))
    (found,) = seen(digest, kept())
    assert found.accounts == []
    assert str(many) in found.reason


def test_a_campaign_that_the_own_scan_names_is_told_however_large():
    digest = digest_with(theirs=(40, [TEMPLATE] * 6))
    (found,) = seen(digest, kept(), named={f"theirs{number:02}": "c-1" for number in range(40)})
    assert len(found.accounts) == 40
    assert {account.campaign_id for account in found.accounts} == {"c-1"}
    assert found.reason is None


def test_who_declares_to_be_one_or_is_entitled_conceals_nothing_and_is_counted_only():
    digest = digest_with(team=(30, [TEMPLATE] * 6), granted=(1, [TEMPLATE] * 6), theirs=(2, [TEMPLATE] * 6), single=(1, [TEMPLATE] * 6))
    owners = np.array([0 if account.startswith("team") else 1 if account.startswith("single") else -1 for account in digest.accounts])
    entitled = np.array([0 if account.startswith("granted") else -1 for account in digest.accounts])
    (found,) = seen(digest, kept(), owners=owners, entitled=entitled)
    assert accounts(found) == {"theirs00", "theirs01", "single00"}  # whoever alone declares an organization has said nothing
    assert "31 accounts" in found.reason


def test_words_that_are_common_here_are_not_looked_for():
    digest = digest_with(users=(40, [TEMPLATE[:3]] * 6), theirs=(2, [TEMPLATE[:7]] * 6))
    (found,) = seen(digest, kept(least=5))
    assert found.grams == len(TEMPLATE) - 3
    assert found.accounts == []  # of the seven grams three are everybody's, and four are too few


def test_several_templates_weigh_more_than_one():
    templates = ((TEMPLATE[:5], 0.5), (TEMPLATE[5:], 0.5))
    digest = digest_with(both=(1, [TEMPLATE] * 6), one=(1, [TEMPLATE[:5]] * 6))
    (found,) = seen(digest, kept(templates, least=5))
    bits = {account.account_id: account.bits for account in found.accounts}
    assert bits["both00"] > bits.get("one00", 0.0) + 5


def test_a_pack_is_not_looked_for_once_it_expired_or_is_revoked():
    digest = digest_with(theirs=(3, [TEMPLATE] * 6))
    (expired,) = seen(digest, kept(expires_at="2030-01-04T00:00:00Z"))
    assert (expired.accounts, expired.grams) == ([], 0)
    assert "expired" in expired.reason
    later = kept(pack_id="b" * 32, sequence=2, revokes=["a" * 32])
    assert [one.pack_id for one in seen(digest, kept(), later)] == ["b" * 32]
    other = kept(pack_id="b" * 32, revokes=["a" * 32], issuer="example.net/log", signers=["example.net/log+00000000"])
    assert [one.pack_id for one in seen(digest, other, kept())] == ["a" * 32, "b" * 32]  # nobody revokes another's pack


def test_an_account_that_identifiers_match_is_told_without_bits():
    (found,) = seen(digest_with(theirs=(1, [TEMPLATE] * 6)), kept(identified={"stranger0007": ["email"]}))
    told = {account.account_id: (account.identifiers, account.bits > 0) for account in found.accounts}
    assert told == {"stranger0007": (["email"], False), "theirs00": ([], True)}


def test_findings_without_packs_have_the_bytes_that_they_always_had(letter):
    assert b"recognised" not in scans.encode(letter.findings)


def test_packs_change_nothing_in_findings_but_what_was_recognised(letter):
    with Lake.open(letter.lake) as lake:
        found = hunt(lake, settings=Settings(packs=(packs.encode(kept()),)))
    assert [one.grams for one in found.recognised] == [len(TEMPLATE)]
    assert found.model_copy(update={"recognised": []}) == letter.findings
    assert json.loads(scans.encode(found))["recognised"][0]["accounts"] == []
