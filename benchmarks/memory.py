"""How much memory ingest and scan take, over all their processes, and whether that grows with the logs.

Memory is the proportional set size (PSS) of every process of the command's session, read from smaps_rollup twenty times a
second: a page that several processes share is counted once. The peak is the largest sum. The log ten times as large is
the demo's own files ten times over, each copy with interaction, conversation and account ids of its own.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from product import STILLHUNT, WorldArguments, folder, make_world
from rows import Options, Row, main, say, timed
from watching import Watch

LIMIT = 2_000_000_000
TIMES = 10

_OWN = re.compile(rb'"(id|trace_id|session_id|litellm_call_id|user_api_key_user_id)":"..')
_TEXT = b'"messages":'


def peak(*arguments: str | Path) -> Watch:
    """Run a stillhunt command in a session of its own and watch it.

    Raises:
        RuntimeError: the command failed.
    """
    command = [STILLHUNT, *map(str, arguments), "--json"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)
    with Watch(process.pid, memory=True) as watched:
        _, said = process.communicate()
    if process.returncode:
        raise RuntimeError(f"stillhunt {arguments[0]} left with status {process.returncode}: {said.decode(errors='replace')[-2000:]}")
    return watched


def measure(options: Options) -> list[Row]:
    """Peaks of ingest and scan of the demo world, and of ingest of a log ten times as large."""
    seconds: dict[str, float] = {}
    accounts, calls, hidden = (1_000, 20_000, 40) if options.quick else (10_000, 400_000, 150)
    rows = []
    with folder(options) as place:
        with timed(seconds, "make"):
            made = make_world(options, WorldArguments(seed=1, hidden=hidden, accounts=accounts, calls=calls), place / "world")
        provider, lake = place / "world" / "provider", place / "lake"
        size = sum(file.stat().st_size for file in provider.glob("*.jsonl"))
        say(f"{made['calls']:,} calls, {size / 1e6:,.0f} MB")
        with timed(seconds, "ingest"):
            ingest = peak("ingest", provider, "--lake", lake)
        with timed(seconds, "scan"):
            scan = peak("scan", "--lake", lake, "--output", place / "findings.json")
        shutil.rmtree(lake)
        under = f"{made['calls']:,} calls of {made['accounts']:,} accounts, {size / 1e6:,.0f} MB of LiteLLM logs, {options.words()}"
        rows.append(_row("peak memory of ingest, demo world", ingest, under, seconds))
        rows.append(_row("peak memory of scan, demo world", scan, under))
        took: dict[str, float] = {}
        with timed(took, "multiply"):
            large = multiply(provider, place / "large.jsonl", size)
        with timed(took, "ingest"):
            larger = peak("ingest", large, "--lake", lake)
        under = f"one file of {large.stat().st_size / 1e6:,.0f} MB: {TIMES} copies of the demo's calls, each with ids of its own"
        rows.append(_row("peak memory of ingest, a log ten times as large", larger, under, took))
    return rows


def _row(what: str, watched: Watch, under: str, seconds: dict[str, float] | None = None) -> Row:
    say(f"{what}: {watched.peak_bytes / 1e9:.2f} GB")
    figure = f"{watched.peak_bytes / 1e9:.2f} GB over {watched.processes} processes"
    return Row(what, f"< {LIMIT / 1e9:g} GB", figure, 0 < watched.peak_bytes < LIMIT, under, (1,), (), seconds or {})


def multiply(provider: Path, out: Path, size: int) -> Path:
    """Write the world's logs `TIMES` times over into one file.

    Raises:
        RuntimeError: there is no room for it.
    """
    free = shutil.disk_usage(out.parent).free
    if free < 1.3 * TIMES * size:
        raise RuntimeError(
            f"{out.parent} has {free / 1e9:.0f} GB free and needs {1.3 * TIMES * size / 1e9:.0f}: choose another place with --scratch"
        )
    files = sorted(provider.glob("*.jsonl"))
    with out.open("wb", buffering=1 << 20) as written:
        for copy in range(TIMES):
            own = rb'"\1":"%02x' % copy
            for file in files:
                with file.open("rb", buffering=1 << 20) as lines:
                    for line in lines:
                        # Ids stand before the text; the text itself stays as it is.
                        head, mark, rest = line.partition(_TEXT)
                        written.write(_OWN.sub(own, head))
                        written.write(mark)
                        written.write(rest)
    return out


if __name__ == "__main__":
    main(measure, "How much memory ingest and scan take, over all their processes.")
