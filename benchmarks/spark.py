"""What a scan and an ingest cost on Spark, in processor time and in bytes that move: the figures that docs/scale.md counts with.

`python benchmarks/spark.py --lake DIR --logs FILE` prints a table. Processor time is that of every process that takes part (Java, its
Python workers, this one) and is compared with the same work without Spark. It says what the work costs, however busy the machine is.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stillhunt.channels.digest.chunks import COLUMNS, STRINGS
from stillhunt.channels.digest.on_engine import HANDED, handed, state_on
from stillhunt.channels.digest.packing import PACKED, folded
from stillhunt.channels.digest.state import State
from stillhunt.intake.pipeline import ingest
from stillhunt.intake.spark import fingerprinted
from stillhunt.lake import Lake
from stillhunt.lake.engines.spark import Spark, open_engine
from stillhunt.lake.engines.spark.session import shared
from stillhunt.lake.table import LakeTable

MEMORY = "3g"


class Part(LakeTable):
    """The first few files of a table."""

    def __init__(self, whole: LakeTable, files: int) -> None:
        super().__init__(whole.name, whole.schema, whole._table, whole.snapshot_id, "the lake")
        self._part = set(whole.in_order()[:files])

    @property
    def _tasks(self) -> list[Any]:  # type: ignore[override]
        return [task for task in self._table.scan(snapshot_id=self.snapshot_id).plan_files() if task.file.file_path in self._part]


def processor_seconds() -> float:
    """What all processes of this session have used, the dead ones that somebody waited for among them."""
    ticks = 0
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == os.getsid(0):
            ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def spent(work: Callable[[], object]) -> float:
    """Processor seconds of `work`."""
    before = processor_seconds()
    work()
    return processor_seconds() - before


def moved(engine: Spark) -> int:
    """Bytes that all queries so far have sent from where rows were read to where they were gathered."""
    context: Any = engine.session.sparkContext
    nothing = context._gateway.new_array(context._jvm.double, 0)
    stages = context._jsc.sc().statusStore().stageList(None, False, False, nothing, None)
    return sum(int(stages.apply(at).shuffleWriteBytes()) for at in range(stages.size()))


def scans(lake: Path, files: int) -> list[tuple[str, str]]:
    """Figures of a scan."""
    found: list[tuple[str, str]] = []
    with Lake.open(lake) as opened, shared(master="local[2]", memory=MEMORY), open_engine() as engine:
        table = Part(opened.table("interactions"), files)
        warm = Part(table, 1)
        calls = table.count()
        engine.attach("interactions", warm)
        state_on(engine)
        engine.attach("interactions", table)
        before = moved(engine)
        by_account = f"SELECT {', '.join(COLUMNS)} FROM interactions"
        rows: list[Any] = []
        cost = spent(lambda: rows.append(engine.grouped(by_account, ["account_id"], ["started_at", "account_id"], folded, PACKED)))
        between = moved(engine)
        by_request = "SELECT account_id, started_at, http_status, prompt_hash, system_hash FROM interactions WHERE prompt_hash IS NOT NULL"
        cost_handoffs = spent(lambda: engine.grouped(by_request, ["prompt_hash"], ["started_at", "account_id"], handed, HANDED))
        after = moved(engine)
        accounts = engine.fetch("SELECT COUNT(DISTINCT account_id) AS n FROM interactions")["n"][0].as_py()
        State().fold(warm.tables_of(warm.in_order()[:1], COLUMNS, STRINGS))
        here = spent(lambda: State().fold(table.tables_of(table.in_order()[:files], COLUMNS, STRINGS)))
        size = sum(Path(path).stat().st_size for path in table.files() or ())
        found += [
            ("calls, accounts", f"{calls:,}, {accounts:,}"),
            ("bytes of a call in the lake", f"{size / calls:.0f}"),
            ("bytes of a call that move to where its account is gathered", f"{(between - before) / calls:.0f}"),
            ("bytes of a call that move to where its request is gathered", f"{(after - between) / calls:.0f}"),
            ("bytes of an account that come back", f"{rows[0].nbytes / accounts:,.0f}"),
            ("processor seconds for a million calls: by account", f"{cost / calls * 1e6:.1f}"),
            ("... by request", f"{cost_handoffs / calls * 1e6:.1f}"),
            ("... the same without Spark", f"{here / calls * 1e6:.1f}"),
        ]
    return found


def logs(path: Path) -> list[tuple[str, str]]:
    """Figures of an ingest."""
    size = path.stat().st_size / 1e9
    with tempfile.TemporaryDirectory() as folder, shared(master="local[2]", memory=MEMORY) as session:
        few = Path(folder) / "few.jsonl"
        with path.open("rb") as whole:
            few.write_bytes(b"".join(whole.readline() for _ in range(2_000)))

        def inside(log: Path, name: str) -> int:
            with fingerprinted(session.read.text(str(log)), bytes(32)) as read:
                read.interactions.write.parquet((Path(folder) / name).as_uri())
                return int(read.interactions.count())

        inside(few, "warm")
        calls: list[int] = []
        cost = spent(lambda: calls.append(inside(path, "all")))
        written = sum(file.stat().st_size for file in (Path(folder) / "all").glob("*.parquet"))
        with Lake.open(Path(folder) / "lake", create=True) as lake:
            ingest([few], lake, workers=1)
            here = spent(lambda: ingest([path], lake, workers=1))
    return [
        ("bytes of a call in the log", f"{size * 1e9 / calls[0]:,.0f} ({calls[0]:,} calls)"),
        ("bytes of a call as Spark writes it", f"{written / calls[0]:.0f}"),
        ("processor seconds for a gigabyte of logs", f"{cost / size:.0f}"),
        ("... the same without Spark, into a lake", f"{here / size:.0f}"),
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--lake", type=Path, help="a lake of fingerprints")
    parser.add_argument("--files", type=int, default=10_000, help="how many of its files, from the first on")
    parser.add_argument("--logs", type=Path, help="a log of JSON lines")
    given = parser.parse_args()
    rows = (scans(given.lake, given.files) if given.lake else []) + (logs(given.logs) if given.logs else [])
    print("| | |\n|---|---:|")
    for what, figure in rows:
        print(f"| {what} | {figure} |")


if __name__ == "__main__":
    main()
