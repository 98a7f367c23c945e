import pyarrow as pa
import pyarrow.compute as pc
import pytest

from stillhunt.cases.material import material_of, narrowed
from stillhunt.errors import InputError
from stillhunt.lake import Lake


def test_calls_are_all_of_the_members_in_order_of_time(world, material):
    found = material.calls(["account_id", "interaction_id", "started_at"])
    with Lake.open(world.lake) as lake:
        everything = lake.table("interactions").to_arrow(["account_id", "interaction_id", "started_at"])
    named = pa.array([member.account_id for member in material.campaign.accounts])
    own = everything.filter(pc.is_in(everything["account_id"], value_set=named))
    assert found == own.sort_by([("started_at", "ascending"), ("interaction_id", "ascending")])
    assert found.num_rows == material.campaign.calls


def test_only_the_asked_columns_come_in_the_asked_order(material):
    assert material.calls(["sketch", "output_tokens"]).column_names == ["sketch", "output_tokens"]
    assert sum(material.calls(["output_tokens"])["output_tokens"].to_pylist()) == material.campaign.output_tokens


def test_members_are_places_in_the_digest(material):
    assert material.names == sorted(member.account_id for member in material.campaign.accounts)
    assert material.accounts()["account_id"].to_pylist() == material.names
    assert material.population_accounts().num_rows == material.findings.scanned.accounts
    assert material.accounts()["email"].null_count < len(material.names)


def test_a_scan_of_the_past_has_no_later_calls(world):
    moment = "2026-03-08T00:00:00Z"
    past = world.findings.model_copy(update={"as_of": moment})
    with world.frozen.lake() as lake:
        found = material_of(lake, past, past.campaigns[0].campaign_id)
        times = found.calls(["started_at"])["started_at"]
    assert 0 < len(times) < past.campaigns[0].calls
    assert max(times.to_pylist()).isoformat() < moment
    assert found.sight.digest.calls[found.members].sum() == len(times)


def test_a_part_of_the_accounts_is_a_campaign_of_these(world):
    campaign = world.findings.campaigns[0]
    part = [member.account_id for member in campaign.accounts[:7]]
    with world.frozen.lake() as lake:
        found = material_of(lake, world.findings, campaign.campaign_id, accounts=[*part, "nobody"])
    assert found.names == sorted(part)
    assert {member.account_id for member in found.campaign.accounts} == set(part)


def test_what_is_not_named_is_refused(world, frozen):
    with frozen.lake() as lake, pytest.raises(InputError, match="no such campaign"):
        material_of(lake, world.findings, "c-nothing")
    with pytest.raises(InputError, match="none of the case's accounts"):
        narrowed(world.findings.campaigns[0], world.findings, ["nobody"])
