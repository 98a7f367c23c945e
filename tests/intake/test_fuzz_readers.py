"""Whatever lies in a file, the readers answer with rows, quarantine, or one clear line. Never with anything else."""

import gzip
import json
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from intake.memory_lake import MemoryLake
from stillhunt.errors import InputError
from stillhunt.intake.pipeline import ingest
from stillhunt.intake.registry import registry

SAMPLES = Path(__file__).parent / "samples"
SUFFIXES = st.sampled_from([".jsonl", ".json", ".csv", ".parquet", ".gz", ".zst", ".log", ""])
FORMATS = st.sampled_from([None, "canonical", "litellm", "litellm-spend", "otel-genai", "kong", "envoy-ai", "langfuse"])


def call(n: int) -> dict:
    return {"interaction_id": f"call-{n}", "started_at": 1_767_225_600_000_000 + n, "account_id": f"account-{n % 3}", "response": "é" * n}


CALLS = [call(n) for n in range(12)]
LINES = b"".join(json.dumps(row).encode() + b"\n" for row in CALLS)
VALID: list[bytes] = [
    LINES,
    json.dumps(CALLS, indent=1).encode(),
    b"interaction_id,started_at,account_id,response\n" + b"".join(b'c%d,17672256000000%02d,a,"two\nlines"\n' % (n, n) for n in range(12)),
    gzip.compress(LINES),
    zstandard.ZstdCompressor().compress(LINES),
    *(path.read_bytes() for path in sorted(SAMPLES.glob("*.json"))),
    *(b"".join(json.dumps(row).encode() + b"\n" for row in json.loads(path.read_bytes())) for path in sorted(SAMPLES.glob("*.json"))),
]
_sink = pa.BufferOutputStream()
pq.write_table(pa.Table.from_pylist(CALLS), _sink)
VALID.append(_sink.getvalue().to_pybytes())


def survives(content: bytes, suffix: str, format_: str | None) -> None:
    """Ingest `content` and check that every record is accounted for."""
    if format_ is not None and format_ not in registry().formats:
        format_ = None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"calls{suffix}"
        path.write_bytes(content)
        lake = MemoryLake()
        try:
            report = ingest([path], lake, format=format_, workers=1, quarantine=Path(folder) / "bad.jsonl")
        except InputError as error:
            complaint, report = str(error), None
        if report is None:
            assert complaint
            assert "\n" not in complaint
            assert not lake.interactions
            return
        source = report.sources[0]
        bad = [json.loads(line) for line in (Path(folder) / "bad.jsonl").read_text().splitlines()]
        assert report.accepted == len(lake.interactions)
        assert source.interactions == report.accepted + report.duplicates
        assert len(bad) <= report.quarantined.total() <= source.records
        assert all(row["reason"] and ("row" in row or "row_base64" in row) for row in bad)
        if source.format in ("canonical", "litellm", "litellm-spend", "kong", "envoy-ai"):
            rows = report.accepted + report.duplicates + source.ignored + report.quarantined.total()
            if source.format == "canonical":
                rows += report.accounts + report.entitlements
            assert rows == source.records


BEGINNINGS = [b"{", b"[{", b"\x1f\x8b\x08\0", b"\x28\xb5\x2f\xfd", b"PAR1", b"\xef\xbb\xbf", b"a,b\n", b'[[{"a":']
COLUMNS = [*CALLS[0], "messages", "http_status", "scope"]
FUZZ = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@FUZZ
@given(st.binary(max_size=300), SUFFIXES, FORMATS)
def test_any_bytes_at_all(content, suffix, format_):
    survives(content, suffix, format_)


@FUZZ
@given(
    st.sampled_from([b"{", b"[{", b"\x1f\x8b\x08\0", b"\x28\xb5\x2f\xfd", b"PAR1", b"\xef\xbb\xbf", b"a,b\n", b'[[{"a":']),
    st.binary(max_size=200),
    FORMATS,
)
def test_any_bytes_after_a_beginning_that_looks_like_something(beginning, content, format_):
    survives(beginning + content, "", format_)


@FUZZ
@given(st.sampled_from(VALID), st.data(), FORMATS)
def test_a_sound_file_with_damage_anywhere(content, data, format_):
    mutated = bytearray(content)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(mutated)))
        match data.draw(st.sampled_from(["flip", "cut", "insert", "remove", "repeat"])):
            case "flip" if at < len(mutated):
                mutated[at] ^= data.draw(st.integers(1, 255))
            case "cut":
                del mutated[at:]
            case "insert":
                mutated[at:at] = data.draw(st.sampled_from([b'"', b"\n", b"\\", b"\0", b"}", b"[", b",", b"\xff", b"null", b'{"a":1}\n']))
            case "remove":
                del mutated[at : at + data.draw(st.integers(1, 50))]
            case _:
                mutated[at:at] = mutated[at : at + 60]
    survives(bytes(mutated), "", format_)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@FUZZ
@given(st.lists(st.dictionaries(st.sampled_from(COLUMNS), JSON, max_size=6), max_size=5), FORMATS)
def test_canonical_columns_with_any_values(rows, format_):
    survives(LINES + b"".join(json.dumps(row).encode() + b"\n" for row in rows), ".jsonl", format_)
