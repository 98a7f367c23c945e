import json

from cases.worked_example import HOSTILE, worked_example
from cli.conftest import write_calls
from stillhunt.cases.wording import BY_CHANCE, LOG10_OF_BIT, by_chance, visible


def test_campaigns_are_listed(stillhunt, findings_file):
    out = stillhunt("campaigns", findings_file).out
    assert "Campaign c-7f3a91" in out
    assert "Campaign c-0b22e4" in out


def test_campaigns_as_json_are_those_of_the_contract(stillhunt, findings_file):
    document = stillhunt("campaigns", findings_file, "--json").document
    assert document["campaigns"] == worked_example().to_json()["campaigns"]


def test_why_this_account_is_a_waterfall_of_its_observations(stillhunt, findings_file):
    member = worked_example().campaigns[0].accounts[0]
    out = stillhunt("account", member.account_id, findings_file).out
    weights = [by_chance(observation.bits * LOG10_OF_BIT) for observation in member.observations]
    assert all(value in out for value in weights)
    lines = out.splitlines()
    assert next(line for line in lines if line.startswith("template.gram"))
    total = sum(observation.bits for observation in member.observations)
    assert by_chance(total * LOG10_OF_BIT) in next(line for line in lines if line.startswith("together"))
    assert BY_CHANCE[:40] in out


def test_an_account_as_json_says_which_campaign(stillhunt, findings_file):
    member = worked_example().campaigns[1].accounts[-1]
    document = stillhunt("account", member.account_id, findings_file, "--json").document
    assert [named["campaign_id"] for named in document["campaigns"]] == ["c-0b22e4"]
    assert document["campaigns"][0]["observations"] == [o.model_dump() for o in member.observations]
    assert document["pools"] == []


def test_an_account_of_a_cleared_pool_is_told_why(stillhunt, findings_file):
    pool = worked_example().pools[0]
    result = stillhunt("account", pool.accounts[0], findings_file)
    assert result.status == 0
    assert "not a campaign" in result.out
    assert pool.why_not_a_campaign in " ".join(result.out.split())


def test_an_unnamed_account_is_not_called_harmless(stillhunt, findings_file):
    lake = findings_file.parent / "lake"
    assert stillhunt("scan", write_calls(findings_file.parent / "calls.jsonl"), "--lake", lake, "--no-ledger").status == 0
    result = stillhunt("account", "acct-3", "--lake", lake)
    assert result.status == 0
    assert "does not say that it is harmless" in " ".join(result.out.split())
    assert stillhunt("account", "acct-3", "--lake", lake, "--json").document == {"account_id": "acct-3", "campaigns": [], "pools": []}
    typo = stillhunt("account", "acct-333", "--lake", lake)
    assert (typo.status, typo.out) == (2, "")
    assert "not in the lake" in typo.err


def test_a_mistyped_account_is_an_error_that_suggests_the_one_that_was_meant(stillhunt, findings_file):
    member = worked_example().campaigns[0].accounts[5].account_id
    result = stillhunt("account", member[:-1] + ("0" if member[-1] != "0" else "1"), findings_file)
    assert (result.status, result.out) == (2, "")
    assert f"did you mean {member}?" in result.err
    assert result.err.count("\n") == 1
    other = stillhunt("account", "nothing-like-it", findings_file, "--json")
    assert (other.status, other.out) == (2, "")
    assert "did you mean" not in other.err


def test_all_members_of_a_campaign_or_pool_are_listed(stillhunt, findings_file):
    campaign, pool = worked_example().campaigns[0], max(worked_example().pools, key=lambda one: len(one.accounts))
    out = stillhunt("members", campaign.campaign_id, findings_file).out
    assert all(visible(member.account_id, 200)[:20] in out for member in campaign.accounts)
    assert stillhunt("members", pool.pool_id, findings_file).out.split()[-len(pool.accounts) :] == pool.accounts
    assert stillhunt("members", pool.pool_id, findings_file, "--json").document["accounts"] == pool.accounts
    assert len(stillhunt("members", campaign.campaign_id, findings_file, "--json").document["accounts"]) == len(campaign.accounts)
    typo = stillhunt("members", pool.pool_id[:-1], findings_file)
    assert (typo.status, typo.out) == (2, "")
    assert f"did you mean {pool.pool_id}?" in typo.err


def test_hostile_ids_do_not_reach_the_terminal(stillhunt, findings_file):
    for account in HOSTILE:
        out = stillhunt("account", account, findings_file).out
        assert out.replace("\n", "").replace("\u00a0", "").isprintable()
        assert stillhunt("account", account, findings_file, "--json").out.isascii()
    assert "[bold red]not markup[/]" in stillhunt("account", "[bold red]not markup[/]", findings_file).out


def test_what_is_printed_as_json_is_one_document(stillhunt, findings_file):
    for command in (["campaigns", findings_file], ["members", "c-7f3a91", findings_file], ["formats"], ["channels"]):
        json.loads(stillhunt(*command, "--json").out)
