"""Spark comes and goes without a trace, keeps engines apart, and reads lakes as they are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from lake.invented import interactions
from stillhunt import records
from stillhunt.errors import StillhuntError
from stillhunt.lake import Lake, SnapshotGoneError
from stillhunt.lake.engines import open_engine
from stillhunt.lake.engines import spark as module
from stillhunt.lake.table import LakeTable

ALONE = """
import json, os, pathlib, sys
import pyarrow as pa
from stillhunt.lake.engines import open_engine

def started_by_us():
    found = []
    for status in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            text = status.read_text()
        except OSError:
            continue
        fields = text.rpartition(")")[2].split()
        if int(fields[1]) == os.getpid() and fields[0] != "Z":
            found.append(text.partition("(")[2].rpartition(")")[0])
    return found

def heard(process):
    inodes = {os.readlink(link)[8:-1] for link in pathlib.Path(f"/proc/{process}/fd").iterdir() if os.readlink(link).startswith("socket:")}
    lines = [line.split() for name in ("tcp", "tcp6") for line in pathlib.Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    return sorted({line[1].split(":")[0] for line in lines if line[3] == "0A" and line[9] in inodes})

young = {"spark.driver.extraJavaOptions": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"}
with open_engine("spark", master="local[1]", memory="512m", options=young) as engine:
    from pyspark import SparkContext
    engine.attach("x", pa.table({"n": [1, 2, 3]}))
    engine.materialise("y", "SELECT n FROM x WHERE n > 1")
    total = engine.fetch("SELECT SUM(n) AS s FROM y").to_pylist()[0]["s"]
    java = int(engine.session._jvm.java.lang.ProcessHandle.current().pid())
    during = {"folders": len(os.listdir(sys.argv[1])), "started": started_by_us(), "heard": heard(java)}
print(json.dumps({"total": total, "during": during, "after": {"folders": os.listdir(sys.argv[1]), "started": started_by_us()},
                  "here": os.listdir("."), "java_home": "JAVA_HOME" in os.environ}))
"""


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="looks into /proc to see what is left")
def test_a_spark_of_our_own_says_nothing_is_heard_by_nobody_else_and_leaves_nothing(tmp_path):
    (tmp_path / "here").mkdir()
    (tmp_path / "temporary").mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("SPARK", "PYSPARK", "JAVA"))}
    done = subprocess.run(
        [sys.executable, "-c", ALONE, str(tmp_path / "temporary")],
        cwd=tmp_path / "here",
        env=environment | {"TMPDIR": str(tmp_path / "temporary")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    told = json.loads(done.stdout)
    assert told["total"] == 5
    assert told["during"]["folders"] == 1
    assert told["during"]["started"] == ["java"]
    # 127.0.0.1, as the kernel writes it, alone or inside IPv6
    assert set(told["during"]["heard"]) <= {"0100007F", "0000000000000000FFFF00000100007F"}
    assert told["during"]["heard"]
    assert told["after"] == {"folders": [], "started": []}
    assert told["here"] == []
    assert told["java_home"] is False


def test_engines_on_one_spark_do_not_see_one_another_and_leave_no_database(spark):
    with open_engine("spark") as one, open_engine("spark") as other:
        one.attach("own", pa.table({"n": [1]}))
        one.materialise("made", "SELECT n + 1 AS n FROM own")
        other.attach("own", pa.table({"n": [10]}))
        assert one.fetch("SELECT n FROM own").to_pylist() == [{"n": 1}]
        with pytest.raises(Exception, match="made"):
            other.fetch("SELECT * FROM made")
        one.close()
        assert other.fetch("SELECT n FROM own").to_pylist() == [{"n": 10}]
    with open_engine("spark") as last:
        databases = [row.namespace for row in last.session.sql("SHOW DATABASES").collect()]
        assert len([name for name in databases if name.startswith("stillhunt_")]) == 1


def test_relations_that_were_replaced_are_gone_from_the_folder(spark, tmp_path):
    with open_engine("spark", folder=tmp_path) as engine:
        engine.materialise("grown", "SELECT 1 AS n")
        for _ in range(5):
            engine.materialise("grown", "SELECT n + 1 AS n FROM grown")
        tables = [path for folder in tmp_path.iterdir() for path in folder.iterdir() if path.is_dir()]
        assert len(tables) == 1
        # reads what was written, not the five queries behind it
        assert len(engine.session.table("grown")._jdf.queryExecution().optimizedPlan().toString().splitlines()) == 1
        assert engine.fetch("SELECT n FROM grown").to_pylist() == [{"n": 6}]
    assert list(tmp_path.iterdir()) == []


def test_a_large_table_is_written_once_and_reads_the_same(spark, monkeypatch):
    monkeypatch.setattr(module, "_SMALL", 100)
    rows = pa.table(
        {"n": pa.array([3, None, 2**62], pa.int64()), "list": pa.array([[1], None, []], pa.list_(pa.int32())), "none": pa.nulls(3)}
    )
    with open_engine("spark") as engine:
        engine.attach("large", rows)
        found = engine.fetch(f"SELECT n, {engine.dialect.list_length('list')} AS size, none FROM large ORDER BY COALESCE(n, 0)").to_pylist()
    assert found == [{"n": None, "size": None, "none": None}, {"n": 3, "size": 1, "none": None}, {"n": 2**62, "size": 0, "none": None}]


def test_a_lake_in_a_folder_with_an_odd_name_is_read(spark, tmp_path):
    place = tmp_path / "lake [1] {a,b} *? it's"
    with Lake.open(place, create=True) as lake, open_engine("spark") as engine:
        lake.append_interactions(interactions(range(50)))
        engine.attach("calls", lake.table("interactions"))
        assert engine.fetch("SELECT COUNT(*) AS n FROM calls").to_pylist() == [{"n": 50}]


def test_columns_that_came_later_are_null_in_files_from_before(spark, tmp_path, monkeypatch):
    before = pa.schema([field for field in records.INTERACTIONS if field.name != "prompt_shape"])
    with monkeypatch.context() as past:
        past.setitem(records.TABLES, "interactions", before)
        past.setattr(records, "INTERACTIONS", before)
        with Lake.open(tmp_path / "lake", create=True) as lake:
            lake.append_interactions(interactions(range(20)).select(before.names))
    rows = interactions(range(20, 25))
    rows = rows.set_column(rows.schema.get_field_index("prompt_shape"), "prompt_shape", pa.array(range(5), pa.int64()))
    with Lake.open(tmp_path / "lake") as lake, open_engine("spark") as engine:
        lake.append_interactions(rows)
        engine.attach("calls", lake.table("interactions"))
        found = engine.fetch("SELECT COUNT(*) AS n, COUNT(prompt_shape) AS known, SUM(prompt_shape) AS total FROM calls").to_pylist()
    assert found == [{"n": 25, "known": 5, "total": 10}]


def test_rows_that_spark_cannot_read_by_itself_are_sent_to_it(spark, tmp_path, monkeypatch):
    monkeypatch.setattr(LakeTable, "files", lambda self: None)
    monkeypatch.setattr(module, "_LOAD", 1)
    with Lake.open(tmp_path / "lake", create=True) as lake, open_engine("spark") as engine:
        lake.append_interactions(interactions(range(30)))
        lake.append_interactions(interactions(range(30, 40)))
        engine.attach("calls", lake.table("interactions"))
        found = engine.fetch("SELECT COUNT(*) AS n, SUM(input_tokens) AS total, MIN(started_at) AS first FROM calls").to_pylist()
        assert found == [{"n": 40, "total": sum(range(40)), "first": min(interactions(range(40))["started_at"].to_pylist())}]


def test_a_lake_in_a_catalog_that_spark_knows_is_read_there_under_its_name(spark, tmp_path):
    # Spark's own catalog stands in for Iceberg's: it takes the name and leaves the snapshot to those that know of snapshots
    with Lake.open(tmp_path / "lake", create=True) as lake, open_engine("spark", iceberg="spark_catalog") as engine:
        lake.append_interactions(interactions(range(10)))
        engine.session.sql("CREATE DATABASE stillhunt")
        try:
            engine.session.sql("SELECT 'call-x' AS interaction_id, CAST(7 AS INT) AS input_tokens").write.saveAsTable(
                "stillhunt.interactions"
            )
            engine.attach("calls", lake.table("interactions"))
            engine.attach("people", lake.table("accounts"))
            found = engine.fetch("SELECT interaction_id, input_tokens, account_id, started_at FROM calls")
            assert found.to_pylist() == [{"interaction_id": "call-x", "input_tokens": 7, "account_id": None, "started_at": None}]
            assert found.schema.field("started_at").type == records.TIMESTAMP
            assert engine.fetch("SELECT COUNT(*) AS n FROM people").to_pylist() == [{"n": 0}]
        finally:
            engine.session.sql("DROP DATABASE stillhunt CASCADE")


def test_a_file_of_the_lake_that_is_gone_is_said_in_words(spark, tmp_path):
    with Lake.open(tmp_path / "lake", create=True) as lake, open_engine("spark") as engine:
        lake.append_interactions(interactions(range(5)))
        table = lake.table("interactions")
        engine.attach("calls", table)
        for path in table.files() or ():
            Path(path).unlink()
        with pytest.raises(SnapshotGoneError, match="scan again"):
            engine.fetch("SELECT COUNT(account_id) AS n FROM calls")


def test_a_spark_that_cannot_be_reached_is_said_in_words():
    code = "from stillhunt.lake.engines import open_engine\nopen_engine('spark')"
    environment = os.environ | {"JAVA_HOME": "/nowhere"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"{StillhuntError.__name__}: Spark did not start: it needs Java 17 or later" in done.stderr
