"""Bytes of any layout become the same records; what is damaged costs only itself."""

import csv
import gzip
import io
import json
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from stillhunt.errors import BadRow, InputError
from stillhunt.intake import framing, opening
from stillhunt.intake.framing import blocks, line_count, records
from stillhunt.intake.opening import open_source, walk

ROWS = [{"id": str(n), "text": f'line one\nline "two" é \\ {n}', "list": [n, {"a": "]"}]} for n in range(40)]


def everything(path: Path, block_bytes: int = 1 << 20) -> list[tuple[int, object]]:
    """(number in the source, record or reason) of every record of `path`."""
    found, base = [], 0
    for block in blocks(open_source(path), block_bytes=block_bytes):
        found += [(base + n, str(record) if isinstance(record, BadRow) else record) for n, record, _ in records(block)]
        base += line_count(block)
    return found


def good(path: Path, block_bytes: int = 1 << 20) -> list[object]:
    return [record for _, record in everything(path, block_bytes)]


def until_the_fault(path: Path, complaint: str, block_bytes: int = 1 << 20) -> list[object]:
    """The records that are read before reading stops with `complaint`."""
    found: list[object] = []

    def read() -> None:
        for block in blocks(open_source(path), block_bytes=block_bytes):
            found.extend(record for _, record, _ in records(block))

    with pytest.raises(InputError, match=complaint):
        read()
    return found


def lines(rows=ROWS) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


LAYOUTS = {
    "lines": lines(),
    "lines with byte order mark": b"\xef\xbb\xbf" + lines(),
    "lines with carriage returns": lines().replace(b"\n", b"\r\n"),
    "no newline at the end": lines()[:-1],
    "blank lines": lines().replace(b"\n", b"\n\n"),
    "array": json.dumps(ROWS).encode(),
    "array with byte order mark": b"\xef\xbb\xbf" + json.dumps(ROWS).encode(),
    "indented array": json.dumps(ROWS, indent=2).encode(),
    "an array in each line": b"".join(json.dumps(ROWS[n : n + 7]).encode() + b"\n" for n in range(0, 40, 7)),
    "nested arrays": json.dumps([ROWS[:20], [ROWS[20:30], ROWS[30:]]]).encode(),
    "indented objects": b"\n".join(json.dumps(row, indent=1).encode() for row in ROWS),
    "UTF-16, little-endian": b"\xff\xfe" + lines().decode().encode("utf-16-le"),
    "UTF-16, big-endian, an array": b"\xfe\xff" + json.dumps(ROWS, ensure_ascii=False).encode("utf-16-be"),
    "UTF-16 with carriage returns": b"\xff\xfe" + lines().replace(b"\n", b"\r\n").decode().encode("utf-16-le"),
    "a list in one key": json.dumps({"data": ROWS}).encode(),
    "a list in a key with a name of its own": json.dumps({"gateway_calls": ROWS}, indent=1).encode(),
    "a page of a list": json.dumps({"object": "list", "data": ROWS, "has_more": True, "meta": {"page": 1, "totalItems": 99}}).encode(),
    "a list two deep": json.dumps({"response": {"logs": ROWS}}, indent=2).encode(),
    "pages on lines": b"".join(json.dumps({"items": ROWS[n : n + 7], "next": f"?p={n}"}).encode() + b"\n" for n in range(0, 40, 7)),
    "hits of a search": json.dumps(
        {"took": 3, "hits": {"total": {"value": 40}, "hits": [{"_id": "1", "_source": row} for row in ROWS]}}
    ).encode(),
    "gzip": gzip.compress(lines(), mtime=0),
    "gzip of several members": gzip.compress(lines(ROWS[:13]), mtime=0) + gzip.compress(lines(ROWS[13:])),
    "gzip of an array": gzip.compress(json.dumps(ROWS, indent=1).encode()),
    "zstd": zstd(lines()),
    "zstd of several frames": zstd(lines(ROWS[:13])) + zstd(lines(ROWS[13:])),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("block_bytes", [64, 700, 1 << 20])
def test_every_layout_gives_the_same_records_in_order(tmp_path, layout, block_bytes):
    path = tmp_path / "calls.log"
    path.write_bytes(LAYOUTS[layout])
    assert good(path, block_bytes) == ROWS


def test_a_single_document_is_one_record(tmp_path):
    path = tmp_path / "one.json"
    document = {"resource": ROWS, "region": "north", "release": 3}
    path.write_text(json.dumps(document, indent=2))
    assert good(path) == [document]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("block_bytes", [50, 1 << 20])
def test_csv_keeps_newlines_in_quotes_and_leaves_empty_fields_out(tmp_path, delimiter, block_bytes):
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerow(["id", "text", "none"])
    writer.writerows([row["id"], row["text"], ""] for row in ROWS)
    path = tmp_path / "calls.csv"
    path.write_bytes(b"\xef\xbb\xbf" + out.getvalue().encode())
    assert good(path, block_bytes) == [{"id": row["id"], "text": row["text"]} for row in ROWS]


def test_a_csv_row_of_another_length_or_encoding_costs_only_itself(tmp_path):
    path = tmp_path / "calls.csv"
    path.write_bytes(b"a,b\n1,2\n3\n4,\xff\n5,6\n")
    assert everything(path) == [
        (1, {"a": "1", "b": "2"}),
        (2, "not as many fields as the CSV header"),
        (3, "not UTF-8"),
        (4, {"a": "5", "b": "6"}),
    ]


@pytest.mark.parametrize("row_group", [3, 1000])
@pytest.mark.parametrize("block_bytes", [64, 1 << 20])
def test_parquet_gives_its_rows_without_nulls(tmp_path, row_group, block_bytes):
    path = tmp_path / "calls.parquet"
    rows = [{"id": str(n), "tokens": n if n % 2 else None} for n in range(50)]
    pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=row_group)
    assert everything(path, block_bytes) == [(n + 1, {k: v for k, v in row.items() if v is not None}) for n, row in enumerate(rows)]


def test_numbers_are_those_of_the_lines_whatever_the_blocks(tmp_path):
    path = tmp_path / "calls.jsonl"
    path.write_bytes(lines(ROWS[:3]) + b"\n\nbroken\n" + lines(ROWS[3:]))
    for block_bytes in (10, 200, 1 << 20):
        numbers = [number for number, _ in everything(path, block_bytes)]
        assert numbers == [1, 2, 3, 6, *range(7, 44)]
        assert (6, "not JSON") in everything(path, block_bytes)


def test_bad_lines_say_what_they_are_and_nothing_else(tmp_path):
    path = tmp_path / "calls.jsonl"
    path.write_bytes(b'{"a":1}\n{"a":secret}\n"secret"\n{"a":"\xff"}\n[{"b":2},"secret"]\n' + b"[" * 3000 + b"\n")
    assert everything(path) == [
        (1, {"a": 1}),
        (2, "not JSON"),
        (3, "not a JSON object"),
        (4, "not UTF-8"),
        (5, {"b": 2}),
        (5, "not a JSON object"),
        (6, "not JSON"),
    ]


def test_half_a_surrogate_pair_or_nan_does_not_cost_the_call(tmp_path):
    path = tmp_path / "calls.jsonl"
    path.write_bytes(b'{"text":"cut \\ud83d","ok":"\\ud83d\\ude00"}\n{"cost":NaN}\n')
    first, second = good(path)
    assert first == {"text": "cut �", "ok": "😀"}
    assert second["cost"] != second["cost"]


@pytest.mark.parametrize("compress", [gzip.compress, zstd])
@pytest.mark.parametrize("shape", ["lines", "array"])
def test_what_is_complete_before_a_cut_is_read_and_then_the_cut_is_reported(tmp_path, compress, shape):
    rows = [{"id": n, "text": str(hash((n, "x"))) * 20} for n in range(3000)]
    data = compress(lines(rows) if shape == "lines" else json.dumps(rows).encode())
    path = tmp_path / "calls.log"
    path.write_bytes(data[: len(data) * 2 // 3])
    found = until_the_fault(path, "cut off")
    assert 0 < len(found) < len(rows)
    assert found == rows[: len(found)]


def test_garbage_after_a_gzip_member_is_reported_after_its_records(tmp_path):
    path = tmp_path / "calls.gz"
    path.write_bytes(gzip.compress(lines(), mtime=0) + b"garbage")
    assert until_the_fault(path, "damaged") == ROWS


def test_an_array_that_is_not_closed_gives_its_elements_and_is_reported(tmp_path):
    path = tmp_path / "calls.json"
    path.write_bytes(json.dumps(ROWS, indent=1).encode()[:-200])
    found = until_the_fault(path, "ends inside a JSON array", 500)
    assert found == ROWS[: len(found)]
    assert len(found) > 30


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_a_line_beyond_all_measure_costs_only_itself(tmp_path, monkeypatch, compress):
    monkeypatch.setattr(framing, "MAX_RECORD_BYTES", 5000)
    path = tmp_path / "calls.jsonl"
    path.write_bytes(compress(lines(ROWS[:5]) + b'{"a":"' + random.Random(1).randbytes(200_000).hex().encode() + b'"}\n' + lines(ROWS[5:])))
    found = good(path, block_bytes=1000)
    assert [record for record in found if isinstance(record, dict)] == ROWS
    assert sum(isinstance(record, str) and record.startswith("record longer than") for record in found) == 1


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "empty"),
        (b" \n\t\n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"Dear diary, today nothing happened.\nNor did it yesterday.\n", "not a log"),
        (bytes(range(256)) * 10, "not a log"),
        (gzip.compress('{"a": 1}\n'.encode("utf-16"), mtime=0), "UTF-16"),
        (b"PAR1 and then nothing", "damaged"),
        (gzip.compress(b"x" * 1000, mtime=0)[:12], "cut off"),
        (b"\x1f\x8bnot gzip at all", "damaged"),
        (b"\x28\xb5\x2f\xfdnot zstd at all", "damaged"),
        (gzip.compress(b"", mtime=0), "empty"),
    ],
)
def test_what_is_no_log_is_said_in_one_line(tmp_path, content, complaint):
    path = tmp_path / "thing"
    path.write_bytes(content)
    with pytest.raises(InputError, match=complaint) as error:
        open_source(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_path_and_a_folder_in_a_files_place_are_said_in_one_line(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        open_source(tmp_path / "missing.jsonl")
    with pytest.raises(InputError, match="not a regular file"):
        open_source(tmp_path)


def test_folders_are_walked_in_order_without_hidden_files_and_quarantine(tmp_path):
    for name in ("b/2.jsonl", "a/1.jsonl", "a/.hidden", ".git/x", "calls.quarantine.jsonl", "bad-rows.jsonl"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{}")
    (tmp_path / "again.jsonl").symlink_to(tmp_path / "a/1.jsonl")
    found = [path.relative_to(tmp_path).as_posix() for path, _ in walk([tmp_path], skip=tmp_path / "bad-rows.jsonl")]
    assert found == ["again.jsonl", "b/2.jsonl"]


def test_a_file_given_twice_is_read_once(tmp_path):
    path = tmp_path / "calls.jsonl"
    path.write_text("{}")
    assert list(walk([path, tmp_path, path])) == [(path, True)]


# ---- how logs begin and what lies around them


@pytest.mark.parametrize(
    "before",
    ['{"data": [', '{"meta": {"page": [1, {"a": "]"}]}, "data": [', '{"took": 3, "hits": {"total": 9, "hits": [', '{\n "odd": [\n'],
)
@pytest.mark.parametrize("after", ["]}", '], "next": null, "total": 3}\n', "]}, {}\n"])
def test_a_long_list_in_an_object_is_read_piece_by_piece(tmp_path, monkeypatch, before, after):
    monkeypatch.setattr(opening, "HEAD_BYTES", 2_000)
    path = tmp_path / "page.json"
    path.write_text(before + ",\n".join(json.dumps(row, indent=1) for row in ROWS) + after)
    opened = open_source(path)
    assert opened.wrapped
    found = list(blocks(opened, block_bytes=400))
    assert len(found) >= 2
    assert max(len(block.data) for block in found) < 3_000
    assert [record for block in found for _, record, _ in records(block)] == ROWS


def test_a_second_long_list_behind_the_first_is_not_lost_without_a_word(tmp_path, monkeypatch):
    monkeypatch.setattr(opening, "HEAD_BYTES", 2_000)
    path = tmp_path / "pages.json"
    path.write_text((json.dumps({"data": ROWS * 30}, indent=1) + "\n") * 2)
    assert until_the_fault(path, "one page a line") == ROWS * 30


def test_pages_on_long_lines_are_lines_and_none_is_lost(tmp_path, monkeypatch):
    monkeypatch.setattr(opening, "HEAD_BYTES", 2_000)
    path = tmp_path / "pages.jsonl"
    path.write_text((json.dumps({"data": ROWS * 3}) + "\n") * 4)
    assert good(path) == ROWS * 12


def test_a_long_list_on_one_line_is_read_piece_by_piece(tmp_path, monkeypatch):
    monkeypatch.setattr(opening, "HEAD_BYTES", 2_000)
    path = tmp_path / "page.json"
    path.write_text(json.dumps({"object": "list", "data": ROWS * 9, "has_more": False}))
    assert open_source(path).wrapped
    assert good(path, 3_000) == ROWS * 9


@pytest.mark.parametrize("header", ["id,id,text", "id,,text", "1,2,3"])
def test_a_table_with_an_odd_header_does_not_take_its_first_row_for_one(tmp_path, header):
    path = tmp_path / "calls.csv"
    path.write_text(f"{header}\n2026-01-01,5,alpha\n2026-01-02,6,beta\n")
    try:
        columns = open_source(path).columns
    except InputError:
        return
    assert columns == tuple(header.split(","))


def test_telemetry_s_lists_are_not_taken_apart(tmp_path, monkeypatch):
    monkeypatch.setattr(opening, "HEAD_BYTES", 2_000)
    path = tmp_path / "spans.json"
    document = {"resourceSpans": [{"resource": {}, "scopeSpans": [{"spans": ROWS}]}, {"resource": {}, "scopeSpans": [{"spans": ROWS}]}]}
    path.write_text(json.dumps(document, indent=1))
    assert good(path) == [document]


NOISE = {
    "lines of a logger": "[INFO] starting\n[2026-01-01 00:00:00] ready\n" * 40,
    "a banner": "Gateway 1.2, started\n*** ready ***\n",
    "comments": "# exported by hand\n# twice\n",
    "blank lines": "\n \n\r\n",
    "a byte order mark and blank lines": "\ufeff\n\n",
}


@pytest.mark.parametrize("noise", NOISE)
def test_noise_before_the_first_json_line_costs_nothing_but_itself(tmp_path, noise):
    path = tmp_path / "calls.log"
    path.write_text(NOISE[noise] + lines().decode())
    assert [record for record in good(path) if isinstance(record, dict)] == ROWS


@pytest.mark.parametrize("noise", [*NOISE, "a word on the delimiter"])
def test_noise_before_a_table_s_header_is_passed_over(tmp_path, noise):
    said = {
        **NOISE,
        "lines of a logger": "[INFO] exported\n",
        "a banner": "Usage report, July, all\nAll accounts\n",
        "a word on the delimiter": "sep=,\r\n",
    }
    path = tmp_path / "calls.csv"
    path.write_text(said[noise] + "id,text\r\n1,a\r\n2,b\r\n", newline="")
    assert good(path) == [{"id": "1", "text": "a"}, {"id": "2", "text": "b"}]


def test_a_long_field_of_a_table_does_not_hide_the_table(tmp_path):
    path = tmp_path / "calls.csv"
    path.write_text(f"id,text\n1,{'x' * 131_073}\n2,b\n")
    csv.field_size_limit(131_072)
    assert [row["id"] for row in good(path)] == ["1", "2"]


@pytest.mark.parametrize("first", ['{"id": "0", "cost": NaN}', '{"id": "0", "text": "\\ud83d"}', '{"id": "0", "x": Infinity}'])
def test_what_strict_json_forbids_does_not_hide_the_log(tmp_path, first):
    path = tmp_path / "calls.jsonl"
    path.write_text((first + "\n") * 3 + json.dumps({"id": "1"}) + "\n")
    assert [record["id"] for record in open_source(path).sample.records] == ["0", "0", "0", "1"]
    assert [record["id"] for record in good(path)] == ["0", "0", "0", "1"]
