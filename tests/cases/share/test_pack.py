"""Packs: what leaves, who can make one, what a recipient accepts, and that the campaign is recognised by it."""

from __future__ import annotations

import hashlib
import json
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillhunt.campaigns import hunt
from stillhunt.campaigns.recognised import Shown
from stillhunt.cases.share.pack import PAYLOAD_TYPE, Outgoing, PackError, read, send, sign, take
from stillhunt.cases.share.packing import chosen
from stillhunt.errors import InputError
from stillhunt.lake import Lake, packs
from stillhunt.ledger.log import Ledger, ledger_at
from stillhunt.records.canonical import canonical
from stillhunt.verifier import from_base64

NOW = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
def sent(docket, tmp_path):
    """A pack of the docket's case, and the bytes that left."""
    pack, event = send(docket, docket.cases()[0].case_id, tmp_path / "out.pack", Outgoing("Example Org"), "A. Nalyst", now=NOW)
    return pack, event, (tmp_path / "out.pack").read_bytes()


@pytest.fixture
def recipient(tmp_path):
    with Lake.open(tmp_path / "recipient", create=True) as lake:
        yield lake


def taken(lake, data, keys, **options):
    return take(lake, ledger_at(lake), data, keys, **{"now": NOW + timedelta(days=1)} | options)


def test_a_pack_is_recorded_before_it_is_a_private_file(docket, sent, tmp_path):
    _, event, data = sent
    (entry,) = [one for one in docket.ledger.entries() if one.kind == "export"]
    assert entry.document["sha256"] == hashlib.sha256(data).hexdigest()
    assert (entry.document["kind"], entry.document["recipient"], event.kind) == ("pack", "Example Org", "exported")
    assert stat.S_IMODE((tmp_path / "out.pack").stat().st_mode) == 0o600


def test_neither_accounts_nor_words_nor_networks_are_in_it(docket, sent, material):
    pack, _, data = sent
    body = from_base64(json.loads(data)["payload"], "payload").decode()
    calls = material.calls(["account_id", "client_prefix", "user_agent", "key_id", "conversation_id", "interaction_id"]).to_pydict()
    for values in calls.values():
        assert not any(value in body for value in set(values) if value)
    words = {word for row in material.lake.table("phrases").to_arrow()["words"].to_pylist() for word in row.split() if len(word) > 12}
    assert words
    assert not any(word in body for word in words)
    assert pack.identifiers is None
    assert material.campaign.campaign_id not in body
    assert docket.cases()[0].case_id not in body


def test_the_campaign_is_recognised_by_it_and_nobody_else(docket, sent, recipient, world):
    kept = taken(recipient, sent[2], docket.ledger.keys())
    assert kept.pack == sent[0]
    with Lake.open(world.lake) as lake:
        found = hunt(lake, settings=replace(world.settings, packs=packs.kept(recipient.folder)))
    (one,) = found.recognised
    members = {member.account_id for member in world.findings.campaigns[0].accounts}
    matching = {account.account_id for account in one.accounts}
    assert matching <= members
    assert len(matching) >= 0.9 * len(members)


def test_an_import_is_recorded_once_and_kept_for_its_owner_only(docket, sent, recipient):
    keys = docket.ledger.keys()
    assert taken(recipient, sent[2], keys) == taken(recipient, sent[2], keys, now=NOW + timedelta(days=2))
    imports = [entry for entry in ledger_at(recipient).entries() if entry.kind == "import"]
    assert [entry.document["sha256"] for entry in imports] == [hashlib.sha256(sent[2]).hexdigest()]
    (path,) = (recipient.folder / "packs").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_recipient_cannot_make_one_that_others_accept(docket, sent, recipient):
    keys = docket.ledger.keys()
    own = ledger_at(recipient)
    forged = sign(sent[0].model_copy(update={"accounts": 9}), own)
    with pytest.raises(PackError):
        read(forged, keys)
    with pytest.raises(PackError, match="not accepted"):
        read(forged, own.keys())  # signed by itself, in another's name
    body = json.loads(sent[2]) | {"payload": json.loads(forged)["payload"]}
    with pytest.raises(PackError):
        read(canonical(body), keys)


def test_a_ledger_that_takes_anothers_name_is_another(docket, sent, tmp_path):
    twin = Ledger.open(tmp_path / "twin", create=True, origin=docket.ledger.origin)
    pack = sent[0].model_copy(update={"signers": sorted(key.label for key in twin.keys())})  # noqa: SIM118
    with pytest.raises(PackError, match="a key that was not given"):
        read(sign(pack, twin), docket.ledger.keys())


def test_no_signature_can_be_taken_away(docket, sent):
    envelope = json.loads(sent[2])
    assert len(envelope["signatures"]) == 2
    for left in envelope["signatures"]:
        with pytest.raises(PackError):
            read(canonical(envelope | {"signatures": [left]}), docket.ledger.keys())


def test_every_mutation_is_refused_with_the_one_error(docket, sent):
    data, keys = sent[2], docket.ledger.keys()
    assert read(data, keys) == sent[0]

    @settings(max_examples=300, deadline=None, database=None)
    @given(st.data())
    def mutated(draw):
        at = draw.draw(st.integers(0, len(data) - 1))
        much = draw.draw(st.integers(0, 40))
        other = data[:at] + draw.draw(st.binary(max_size=40)) + data[at + much :]
        if other != data:
            with pytest.raises(PackError):
                read(other, keys)

    mutated()


@pytest.mark.parametrize(
    "change",
    [
        {"unknown": 1},
        {"least": 3},
        {"least": True},
        {"grams": "stillhunt-grams-1"},
        {"pack_id": "A" * 32},
        {"expires_at": "2029-01-01T00:00:00Z"},
        {"templates": [{"grams": [2, 1], "share": 0.5}]},
        {"templates": [{"grams": [2**31], "share": 0.5}]},
        {"templates": [{"grams": [1], "share": 0.5}, {"grams": [1], "share": 0.5}]},
        {"templates": []},
        {"tlp": "white"},
        {"identifiers": {"salt": "0" * 32, "values": {"name": []}}},
    ],
)
def test_what_is_signed_and_still_wrong_is_refused_with_the_same_error(docket, sent, change):
    body = canonical(sent[0].model_dump(mode="json") | change)
    envelope = docket.ledger.sign_dsse(PAYLOAD_TYPE, body)
    envelope["signatures"].sort(key=lambda one: one["keyid"])
    with pytest.raises(PackError, match="not accepted"):
        read(canonical(envelope), docket.ledger.keys())


def test_expired_and_revoked_packs_are_not_imported(docket, sent, recipient, tmp_path):
    keys, case = docket.ledger.keys(), docket.cases()[0].case_id
    with pytest.raises(PackError, match="expired"):
        taken(recipient, sent[2], keys, now=NOW + timedelta(days=90))
    wanted = Outgoing("Example Org", revokes=[sent[0].pack_id])
    later, _ = send(docket, case, tmp_path / "later.pack", wanted, "A. Nalyst", now=NOW)
    assert later.sequence == sent[0].sequence + 1
    taken(recipient, (tmp_path / "later.pack").read_bytes(), keys)
    with pytest.raises(PackError, match="revoked"):
        taken(recipient, sent[2], keys)


@pytest.fixture
def exchange(tmp_path):
    """An exchange key, and a writer of exports of accounts."""
    key = tmp_path / "exchange.key"
    key.write_text("ab" * 32 + "\n")

    def export(name, rows):
        path = tmp_path / name
        path.write_text("\n".join(json.dumps(row) for row in rows) + "\n")
        return path

    return key, export


def test_identifiers_match_where_both_hold_the_key_and_nowhere_else(docket, recipient, tmp_path, exchange):
    key, export = exchange
    members = docket.cases()[0].accounts
    ours = export(
        "ours.jsonl", [{"account_id": members[0], "email": "Robin@Example.com"}, {"account_id": "nobody", "email": "a@example.com"}]
    )
    theirs = export(
        "theirs.jsonl",
        [{"account_id": "t1", "email": " robin@example.com "}, {"account_id": "t2", "email": "a@example.com"}, {"account_id": "t3"}],
    )
    wanted = Outgoing("Example Org", exchange_key=key, identifiers=ours)
    pack, _ = send(docket, docket.cases()[0].case_id, tmp_path / "out.pack", wanted, "A. Nalyst", now=NOW)
    assert {kind: len(values) for kind, values in pack.identifiers.values.items()} == {"email": 1}
    data, keys = (tmp_path / "out.pack").read_bytes(), docket.ledger.keys()
    assert b"xample.com" not in from_base64(json.loads(data)["payload"], "payload")
    assert taken(recipient, data, keys, exchange_key=key, identifiers=theirs).identified == {"t1": ["email"]}
    other = tmp_path / "other.key"
    other.write_text("cd" * 32)
    assert taken(recipient, data, keys, exchange_key=other, identifiers=theirs).identified == {}


def test_without_a_key_no_identifier_is_sent_or_looked_for(docket, sent, recipient, tmp_path, exchange):
    key, export = exchange
    rows = export("ours.jsonl", [{"account_id": docket.cases()[0].accounts[0], "email": "robin@example.com"}])
    for options in ({"identifiers": rows}, {"exchange_key": key}):
        with pytest.raises(InputError, match="both"):
            send(docket, docket.cases()[0].case_id, tmp_path / "no.pack", Outgoing("Example Org", **options), "A. Nalyst")
        with pytest.raises(InputError, match="both"):
            taken(recipient, sent[2], docket.ledger.keys(), **options)
    assert not (tmp_path / "no.pack").exists()


def held(rows, size):
    accounts, grams = np.array(list(rows)).T
    return Shown(accounts, grams, np.arange(size))


def test_what_more_than_a_few_strangers_show_stays_out_of_a_pack():
    size, members = 1_020, np.arange(20)
    framework, own = range(100, 110), range(200, 206)
    rows = [(account, gram) for account in members for gram in (*framework, *own)]
    rows += [(account, gram) for account in range(500, 505) for gram in framework]
    gathered = chosen(held(rows, size), members, np.arange(size) >= 20)
    assert [template.grams for template in gathered.templates] == [list(own)]
    assert (gathered.least, gathered.matched) == (4, 1.0)


def test_where_nothing_is_their_own_there_is_no_pack():
    size, members = 1_020, np.arange(20)
    rows = [(account, gram) for account in (*members, *range(500, 505)) for gram in range(100, 110)]
    with pytest.raises(InputError, match="no pack can be made"):
        chosen(held(rows, size), members, np.arange(size) >= 20)


def test_what_an_account_wrote_for_itself_does_not_leave():
    size, members = 1_020, np.arange(20)
    rows = [(account, gram) for account in members for gram in range(200, 206)]
    rows += [(0, gram) for gram in range(300, 340)] + [(account, 400) for account in range(4)]
    gathered = chosen(held(rows, size), members, np.arange(size) >= 20)
    assert {gram for template in gathered.templates for gram in template.grams} == set(range(200, 206))
