"""Every engine answers the conformance cases, and keeps the seam's promises about names, types and lake tables."""

from __future__ import annotations

import pyarrow as pa
import pytest

from lake.conformance import CASES, TABLES, Case
from lake.invented import interactions, ordered
from stillhunt import records
from stillhunt.errors import StillhuntError
from stillhunt.lake import Lake
from stillhunt.lake.engine import Engine
from stillhunt.lake.engines import ENGINES, open_engine


@pytest.fixture(scope="module", params=sorted(ENGINES))
def engine(request):
    with open_engine(request.param) as opened:
        for name, table in TABLES.items():
            opened.attach(name, table)
        yield opened


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_gives_the_expected_rows(engine: Engine, case: Case):
    found = engine.fetch(case.sql(engine.dialect))
    assert [tuple(row.values()) for row in found.to_pylist()] == case.rows
    if case.types is not None:
        assert found.schema.types == case.types


def test_collected_values_are_sorted_lists_when_materialised(engine: Engine):
    dialect = engine.dialect
    engine.materialise("collected", f"SELECT account, {dialect.collect('tokens')} AS tokens FROM calls GROUP BY account")
    rows = engine.fetch(
        f"SELECT account, token FROM ({dialect.explode('collected', 'tokens', 'token', ['account'])}) ORDER BY account, token"
    )
    assert [row["token"] for row in rows.to_pylist() if row["account"] == "x"] == [10, 20, 40]


def test_materialise_counts_rows_and_may_replace_what_it_reads(engine: Engine):
    assert engine.materialise("grown", "SELECT account, tokens FROM calls") == 6
    assert engine.materialise("grown", "SELECT * FROM grown WHERE tokens > 7") == 3
    assert engine.fetch("SELECT COUNT(*) AS n FROM grown").to_pylist() == [{"n": 3}]


def test_attaching_again_replaces(engine: Engine):
    engine.attach("again", pa.table({"n": [1]}))
    engine.attach("again", pa.table({"n": [2], "m": ["x"]}))
    assert engine.fetch("SELECT * FROM again").to_pylist() == [{"n": 2, "m": "x"}]


def test_only_plain_columns_are_fetched(engine: Engine):
    with pytest.raises(TypeError, match="column sketch"):
        engine.fetch("SELECT sketch FROM calls")


def test_whole_numbers_beyond_64_bits_are_an_error_not_a_wrong_number(engine: Engine):
    with pytest.raises(Exception, match=r"64 bits|verflow"):
        engine.fetch("SELECT SUM(number) AS s FROM calls WHERE id IN ('a', 'e')")


def test_dictionary_columns_become_texts(engine: Engine):
    engine.attach("coded", pa.table({"word": pa.array(["b", "a", "b"]).dictionary_encode()}))
    assert engine.fetch("SELECT word, COUNT(*) AS n FROM coded GROUP BY word ORDER BY word").to_pylist() == [
        {"word": "a", "n": 1},
        {"word": "b", "n": 2},
    ]


def test_names_that_are_no_names_are_refused(engine: Engine):
    with pytest.raises(ValueError, match="cannot name a relation"):
        engine.attach('x"; DROP TABLE calls', pa.table({"n": [1]}))


def test_variables_of_ours_are_not_relations(engine: Engine):
    secret_table = pa.table({"n": [1]})
    with pytest.raises(Exception, match="secret_table"):
        engine.fetch("SELECT * FROM secret_table")
    assert secret_table.num_rows == 1


def test_a_lake_table_reads_like_its_arrow_table(engine: Engine, tmp_path):
    with Lake.open(tmp_path / "lake", create=True) as lake:
        lake.append_interactions(interactions(range(500)))
        lake.append_interactions(interactions(range(500, 700)))
        engine.attach("interactions", lake.table("interactions"))
        assert engine.materialise("kept", "SELECT * FROM interactions") == 700
        columns = [name for name in records.INTERACTIONS.names if name not in {"sketch", "http_status"}]
        found = engine.fetch(f"SELECT {', '.join(columns)} FROM interactions WHERE input_tokens < 650 ORDER BY interaction_id")
        wanted = ordered(interactions(range(650))).select(columns)
        integers = [field.with_type(pa.int64()) if field.type == pa.int32() else field for field in wanted.schema]
        assert found.equals(wanted.cast(pa.schema(integers)))


def test_an_empty_lake_table_has_its_columns(engine: Engine, tmp_path):
    with Lake.open(tmp_path / "lake", create=True) as lake:
        engine.attach("nobody", lake.table("accounts"))
        assert engine.fetch("SELECT account_id, created_at FROM nobody").schema.types == [pa.string(), records.TIMESTAMP]


def test_an_attached_snapshot_does_not_see_what_comes_later(engine: Engine, tmp_path):
    with Lake.open(tmp_path / "lake", create=True) as lake:
        lake.append_interactions(interactions(range(10)))
        engine.attach("pinned", lake.at(lake.snapshot()).table("interactions"))
        lake.append_interactions(interactions(range(10, 20)))
        assert engine.fetch("SELECT COUNT(*) AS n FROM pinned").to_pylist() == [{"n": 10}]


def test_an_unknown_engine_is_an_error_that_names_the_known_ones():
    with pytest.raises(StillhuntError, match="duckdb"):
        open_engine("abacus")


def test_duckdb_has_no_way_to_fetch_extensions():
    with open_engine("duckdb") as engine:
        settings = engine.fetch("SELECT name, value FROM duckdb_settings() WHERE name LIKE 'auto%_known_extensions' ORDER BY name")
    assert [row["value"] for row in settings.to_pylist()] == ["false", "false"]


def test_duckdb_leaves_nothing_behind(tmp_path):
    engine = open_engine("duckdb", folder=tmp_path)
    engine.attach("calls", TABLES["calls"])
    assert list(tmp_path.iterdir())
    engine.close()
    assert not list(tmp_path.iterdir())
