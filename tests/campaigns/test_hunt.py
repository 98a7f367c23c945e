"""What a scan promises, from a provider's logs to findings, on two worlds of the range."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from stillhunt.campaigns import Settings, hunt
from stillhunt.errors import InputError
from stillhunt.lake import Lake
from stillhunt.records import Findings


def named(findings):
    return {member.account_id for campaign in findings.campaigns for member in campaign.accounts}


def test_hidden_accounts_are_named_and_nobody_else(letter):
    assert len(letter.findings.campaigns) == 1
    assert named(letter.findings) <= letter.hidden
    assert len(named(letter.findings)) >= 0.9 * len(letter.hidden)


def test_where_nobody_hides_nobody_is_named(nobody):
    assert nobody.hidden == set()
    assert nobody.findings.campaigns == []


def test_a_campaign_is_high_on_all_three_axes_and_says_why(letter):
    (campaign,) = letter.findings.campaigns
    for axis in (campaign.coordination, campaign.concealment):
        assert axis.log10_evidence > 3
        assert axis.log10_evidence == pytest.approx(sum(axis.parts.values()), abs=0.01)
    assert campaign.harvest.log10_evidence > 0
    assert campaign.explanations
    assert all(member.observations for member in campaign.accounts)
    assert all(0.5 < member.membership <= 1 for member in campaign.accounts)
    doubt = [1 - member.membership for member in campaign.accounts]
    assert sum(doubt) / len(doubt) <= letter.findings.false_discovery_rate


def test_what_the_requests_have_in_common_beside_words_is_told(letter):
    (campaign,) = letter.findings.campaigns
    assert campaign.content is not None
    assert campaign.content.p == pytest.approx(1 / 200)
    assert campaign.content.accounts == len(campaign.accounts)
    assert campaign.content.calls <= 20 * campaign.content.accounts
    assert any(campaign.content.habits[0] in sentence for sentence in campaign.explanations)


def logged(drill):
    return pa.concat_tables([pq.read_table(path) for path in sorted(drill.provider.glob("interactions-*"))])


def test_what_a_campaign_took_is_what_its_accounts_called(letter):
    (campaign,) = letter.findings.campaigns
    rows = logged(letter).select(["account_id", "output_tokens"]).to_pylist()
    own = [row for row in rows if row["account_id"] in named(letter.findings)]
    assert campaign.calls == len(own) == sum(campaign.calls_by_day.values()) == sum(member.calls for member in campaign.accounts)
    assert campaign.output_tokens == sum(row["output_tokens"] or 0 for row in own)


def test_every_account_is_in_at_most_one_campaign(letter):
    accounts = [member.account_id for campaign in letter.findings.campaigns for member in campaign.accounts]
    assert len(accounts) == len(set(accounts))


def test_every_pool_says_why_it_is_no_campaign(letter, nobody):
    for findings in (letter.findings, nobody.findings):
        assert all(len(pool.why_not_a_campaign) > 10 for pool in findings.pools)
        assert all(pool.accounts == sorted(pool.accounts) for pool in findings.pools)


def test_findings_are_what_the_contract_says(letter, nobody):
    for findings in (letter.findings, nobody.findings):
        assert Findings.model_validate(json.loads(json.dumps(findings.to_json()))) == findings
        assert findings.to_json()["scanned"]["from"] < findings.to_json()["scanned"]["to"]
        assert findings.scanned.accounts >= 1500 - 200
        assert {one.channel for one in findings.visibility} >= {"payment", "template", "handoff"}


def test_a_scan_that_is_repeated_as_of_a_later_moment_finds_the_same_to_the_last_digit(letter):
    with Lake.open(letter.lake) as lake:
        again = hunt(lake, as_of=datetime(2100, 1, 1, tzinfo=UTC))
    assert {**again.to_json(), "as_of": None} == letter.findings.to_json()


def test_findings_hold_no_address_card_mail_or_text_of_anybody(letter):
    written = json.dumps(letter.findings.to_json(), ensure_ascii=False)
    accounts = pq.read_table(letter.provider / "accounts.parquet")
    for column in ("email", "payment_fingerprint", "signup_ip", "phone"):
        values = {value for value in accounts[column].to_pylist() if value}
        assert values, f"the world has no {column}"
        assert not [value for value in values if value in written], column
    own = logged(letter)
    own = own.filter(pc.is_in(own["account_id"], value_set=pa.array(sorted(letter.hidden))))
    assert not [address for address in set(own["client_ip"].to_pylist()) if address and f'"{address}"' in written]
    for messages in own["messages"].to_pylist()[:300]:
        for message in json.loads(messages):
            for part in message["parts"]:
                text = str(part.get("content") or "")
                assert len(text) < 40 or text not in written


def test_nothing_later_than_the_moment_changes_what_was_found(letter):
    first = min(time for time in letter.truth["first_call"].to_pylist() if time is not None)
    with Lake.open(letter.lake) as lake:
        early = hunt(lake, as_of=first + timedelta(days=6))
    assert early.scanned.to <= early.as_of
    assert early.scanned.interactions < letter.findings.scanned.interactions
    assert named(early) <= letter.hidden
    for campaign in early.campaigns:
        assert max(campaign.calls_by_day) <= early.as_of[:10]


def test_a_moment_before_the_first_call_is_refused_in_words(letter):
    first = min(time for time in letter.truth["first_call"].to_pylist() if time is not None)
    with Lake.open(letter.lake) as lake, pytest.raises(InputError, match="later --as-of"):
        hunt(lake, as_of=first - timedelta(days=1))


def test_small_groups_are_listed_as_pools_when_more_accounts_are_asked_for(letter):
    with Lake.open(letter.lake) as lake:
        strict = hunt(lake, settings=Settings(least_accounts=1000))
    assert strict.campaigns == []
    pooled = {account for pool in strict.pools for account in pool.accounts}
    assert len(pooled & letter.hidden) >= 0.9 * len(letter.hidden)


def test_progress_goes_forward_and_names_its_stages(letter):
    shares = [share for _, share in letter.told]
    assert shares == sorted(shares)
    assert all(0 <= share <= 1 for share in shares)
    assert len({stage for stage, _ in letter.told}) >= 3


def test_entitled_and_declared_pools_are_listed_with_that_as_the_reason(letter):
    population = {row["account_id"]: row["population"] for row in letter.truth.to_pylist()}
    reasons = {}
    for pool in letter.findings.pools:
        reasons.setdefault(pool.why_not_a_campaign.split("(")[0].strip(), set()).update(population[account] for account in pool.accounts)
    assert "distillation" in reasons["entitlement on record: distillation"]
    assert "reseller" in reasons["entitlement on record: resale"]
    assert reasons["declared one organization"]


def test_a_scan_leaves_its_observations_in_the_lake(letter):
    with Lake.open(letter.lake) as lake:
        observed = lake.table("observations").to_arrow(columns=["account_id", "channel"])
    assert set(observed["account_id"].to_pylist()) >= letter.hidden
    assert {channel.partition(".")[0] for channel in observed["channel"].to_pylist()} >= {"payment", "rhythm", "template"}
