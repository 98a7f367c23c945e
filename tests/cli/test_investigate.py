import json

from cases.worked_example import HOSTILE, worked_example
from stillhunt.cases.wording import BY_CHANCE, LOG10_OF_BIT, by_chance


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
    result = stillhunt("account", "acct-nobody", findings_file)
    assert result.status == 0
    assert "not named" in result.out
    assert "do not say that it is harmless" in " ".join(result.out.split())


def test_hostile_ids_do_not_reach_the_terminal(stillhunt, findings_file):
    for account in HOSTILE:
        out = stillhunt("account", account, findings_file).out
        assert out.replace("\n", "").replace("\u00a0", "").isprintable()
        assert stillhunt("account", account, findings_file, "--json").out.isascii()
    assert "[bold red]not markup[/]" in stillhunt("account", "[bold red]not markup[/]", findings_file).out


def test_what_is_printed_as_json_is_one_document(stillhunt, findings_file):
    for command in (["campaigns", findings_file], ["account", "x", findings_file], ["formats"], ["channels"]):
        json.loads(stillhunt(*command, "--json").out)
