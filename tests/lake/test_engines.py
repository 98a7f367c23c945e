"""Every engine answers the conformance cases, and keeps the seam's promises about names, types and lake tables."""

from __future__ import annotations

import sys

import pyarrow as pa
import pytest

from lake.conformance import CASES, TABLES, Case, at
from lake.invented import interactions, ordered
from stillhunt import records
from stillhunt.errors import StillhuntError
from stillhunt.lake import Lake
from stillhunt.lake.engine import Engine
from stillhunt.lake.engines import ENGINES, open_engine


@pytest.fixture(scope="module", params=sorted(ENGINES))
def engine(request):
    if request.param == "spark":
        request.getfixturevalue("spark")
    with open_engine(request.param) as opened:
        for name, table in TABLES.items():
            opened.attach(name, table)
        yield opened


def pickled_by_value(function):
    """Spark's workers do not know the modules of tests: what is given to them goes as it is."""
    from pyspark import cloudpickle

    module = sys.modules[__name__]
    cloudpickle.register_pickle_by_value(module)
    try:
        return cloudpickle.loads(cloudpickle.dumps(function))
    finally:
        cloudpickle.unregister_pickle_by_value(module)


EMPTY = pa.schema([("account", pa.string()), ("tokens", pa.int64())])


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


GROUPED = pa.schema([("account", pa.string()), ("places", pa.list_(pa.int64())), ("first", records.TIMESTAMP), ("blob", pa.binary())])


def numbered(batches):
    """One row for each run of one account: its tokens in the order in which they came."""
    rows = [row for batch in batches for row in batch.to_pylist()]
    found: dict[str | None, list[dict[str, object]]] = {}
    for row in rows:
        found.setdefault(row["account"], []).append(row)
    yield pa.RecordBatch.from_pylist(
        [
            {"account": account, "places": [row["tokens"] for row in own], "first": own[0]["started"], "blob": b"\0\xff"}
            for account, own in found.items()
        ],
        schema=GROUPED,
    )


def test_grouped_rows_meet_in_one_call_in_the_order_that_was_asked_for(engine: Engine):
    function = pickled_by_value(numbered)
    found = engine.grouped("SELECT account, started, tokens FROM calls", ["account"], ["account", "started", "tokens"], function, GROUPED)
    assert found.schema == GROUPED
    by_account = {row["account"]: row for row in found.to_pylist()}
    assert len(by_account) == found.num_rows
    assert {account: row["places"] for account, row in by_account.items()} == {"x": [10, 20, 40], "y": [7, None], None: [5]}
    assert by_account["x"]["first"] == at(2026, 3, 1, 23, 59, 59, 999999)
    assert by_account["y"]["blob"] == b"\0\xff"


def test_grouped_puts_nulls_first_and_streams_many_rows_through_one_key(engine: Engine):
    many = 150_000
    engine.attach("many", pa.table({"key": ["k"] * many, "place": pa.array([None, *range(many - 1, 0, -1)], pa.int64())}))
    schema = pa.schema([("rows", pa.int64()), ("ordered", pa.bool_()), ("nulls_first", pa.bool_()), ("batches", pa.int64())])

    def ordered_ones(batches):
        import itertools

        import pyarrow as pa

        places, count = [], 0
        for batch in batches:
            places += batch.column("place").to_pylist()
            count += 1
        if places:
            row = {
                "rows": len(places),
                "ordered": all(one < two for one, two in itertools.pairwise(places[1:])),
                "nulls_first": places[0] is None,
                "batches": count,
            }
            yield pa.RecordBatch.from_pylist([row], schema=schema)

    found = engine.grouped("SELECT key, place FROM many", ["key"], ["place"], ordered_ones, schema).to_pylist()
    assert [(row["rows"], row["ordered"], row["nulls_first"]) for row in found] == [(many, True, True)]
    assert found[0]["batches"] > 1


def test_grouped_of_no_rows_gives_what_the_function_gives_for_none(engine: Engine):
    found = engine.grouped(
        "SELECT account, tokens FROM empty", ["account"], ["account"], pickled_by_value(lambda batches: (b for b in batches)), EMPTY
    )
    assert found.num_rows == 0
    assert found.schema == EMPTY


def test_a_failing_step_says_what_failed(engine: Engine):
    def failing(batches):
        for _ in batches:
            raise ValueError("this step cannot go on")
        yield

    with pytest.raises((StillhuntError, ValueError), match="this step cannot go on"):
        engine.grouped("SELECT account FROM calls", ["account"], [], failing, EMPTY)


def test_rows_are_grouped_by_columns_that_are_names(engine: Engine):
    with pytest.raises(ValueError, match="at least one column"):
        engine.grouped("SELECT account FROM calls", [], [], iter, EMPTY)
    with pytest.raises(ValueError, match="cannot name"):
        engine.grouped("SELECT account FROM calls", ["account; DROP"], [], iter, EMPTY)


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
