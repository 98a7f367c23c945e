"""docs/policy.md keeps its word: its example gives what it says, and it describes every condition with its keys."""

import csv
import io
import re
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pytest

from cases.questions.altered import altered
from stillhunt.cases.questions import breaches
from stillhunt.cases.questions.clauses import CONDITIONS, parse_policy
from stillhunt.cases.questions.prices import read_prices
from stillhunt.records import ACCOUNTS, INTERACTIONS

PAGE = (Path(__file__).parents[3] / "docs" / "policy.md").read_text()


def block(name):
    return re.search(rf"```\w+ {name}\n(.*?)```", PAGE, re.DOTALL).group(1)


def rows(name, schema, names):
    """The example's rows as a table; its accounts are called as three of the campaign's are."""
    read = []
    for row in csv.DictReader(io.StringIO(block(name))):
        values = {key: value or None for key, value in row.items()}
        values["account_id"] = names[values["account_id"]]
        read.append({key: datetime.fromisoformat(value) if value and key.endswith("_at") else value for key, value in values.items()})
    return pa.Table.from_pylist([dict.fromkeys(schema.names) | row for row in read], schema)


@pytest.fixture(scope="module")
def answered(material):
    names = dict(zip(("ann", "ben", "eve"), material.names[:3], strict=True))
    campaign = material.campaign.model_copy(
        update={"accounts": [one for one in material.campaign.accounts if one.account_id in names.values()]}
    )
    pool = altered(
        material,
        table=rows("calls", INTERACTIONS, names),
        people=rows("accounts", ACCOUNTS, names),
        members=material.members[:3],
        campaign=campaign,
    )
    return breaches.answer(pool, parse_policy(block("policy"), Path("policy.toml")), training=0.5)


def test_the_worked_example_gives_what_the_page_says(answered):
    said = re.findall(r"^\| (\w-\d) \| ([\w ]+) \| ([\d–]+) \| ([\w ]*)\|$", PAGE, re.MULTILINE)
    assert len(said) == len(answered.tables["clauses"]) == 8
    for (clause, status, instances, ids), row in zip(said, answered.tables["clauses"], strict=True):
        shown = sorted(one["interaction_id"] for one in answered.tables["instances"] if one["clause"] == clause)
        assert (row["clause"], row["status"]) == (clause, status)
        assert row["instances"] == (None if instances == "–" else int(instances)), clause
        assert shown == ids.split(), clause


def test_how_much_was_seen_is_what_the_page_says(answered):
    seen = {row["clause"]: row["seen"] for row in answered.tables["clauses"]}
    assert "nine of twelve calls" in PAGE
    assert seen["G-1"] == 9 / 12


def test_every_condition_and_every_key_is_described():
    described = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", PAGE.split("## Conditions")[1], re.MULTILINE))
    assert set(described) - {"when"} == set(CONDITIONS)
    for when, keys in CONDITIONS.items():
        assert all(f"`{key}`" in described[when] for key in keys), when


def test_the_price_list_of_the_page_is_one(tmp_path):
    (tmp_path / "prices.toml").write_text(block("prices"))
    prices = read_prices(tmp_path / "prices.toml")
    assert [price.model for price in prices.listed] == ["example-large-*", None]
