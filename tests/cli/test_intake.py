import json


def test_reading_again_changes_nothing(stillhunt, calls, tmp_path):
    lake = tmp_path / "lake"
    first = stillhunt("ingest", calls, "--lake", lake, "--json").document
    second = stillhunt("ingest", calls, "--lake", lake, "--json").document
    assert (first["accepted"], first["duplicates"]) == (400, 0)
    assert (second["accepted"], second["duplicates"]) == (0, 400)
    assert stillhunt("lake", "info", "--lake", lake, "--json").document["rows"]["interactions"] == 400


def test_what_was_read_is_said(stillhunt, calls, tmp_path):
    lake = tmp_path / "lake"
    assert "Read 400 new calls from 1 source (canonical)." in stillhunt("ingest", calls, "--lake", lake).out
    assert "400 calls were there already" in stillhunt("ingest", calls, "--lake", lake).out


def test_text_is_kept_only_when_asked(stillhunt, calls, tmp_path):
    without, with_text = tmp_path / "without", tmp_path / "with"
    stillhunt("ingest", calls, "--lake", without)
    stillhunt("ingest", calls, "--lake", with_text, "--keep-text")
    assert stillhunt("lake", "info", "--lake", without, "--json").document["keeps_text"] is False
    assert stillhunt("lake", "info", "--lake", with_text, "--json").document["rows"]["texts"] == 400
    assert "No text is kept" in stillhunt("lake", "info", "--lake", without).out


def test_a_source_that_is_no_log_is_named(stillhunt, calls, tmp_path):
    other = tmp_path / "notes.txt"
    other.write_text("dear diary\n" * 5)
    result = stillhunt("ingest", calls, other, "--lake", tmp_path / "lake")
    assert result.status == 2
    assert "notes.txt" in result.err
    assert "Read 400 new calls" in result.out


def test_a_wrong_format_is_refused_with_those_that_there_are(stillhunt, calls, tmp_path):
    result = stillhunt("ingest", calls, "--lake", tmp_path / "lake", "--format", "nope")
    assert result.status == 2
    assert "canonical" in result.err


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_two_halves_of_a_log_become_one_that_can_be_scanned(stillhunt, tmp_path):
    times = [f"2026-05-04T00:00:{n:02d}Z" for n in range(4)]
    gateway = write(
        tmp_path / "gateway.jsonl",
        [{"interaction_id": f"r{n}", "started_at": times[n], "account_id": f"acct-{n}", "client_ip": "192.0.2.1"} for n in range(3)],
    )
    words = json.dumps([{"role": "user", "parts": [{"type": "text", "content": "hello"}]}])
    content = write(
        tmp_path / "content.jsonl",
        [
            {"interaction_id": f"r{n}", "started_at": times[n], "account_id": "app", "messages": words, "output_tokens": 5}
            for n in range(1, 4)
        ],
    )
    joined = tmp_path / "joined.parquet"
    result = stillhunt("join", gateway, content, "-o", joined, "--json")
    assert result.status == 0
    assert (result.document["matched"], result.document["only_gateway"]) == (2, 1)
    assert stillhunt("ingest", joined, "--lake", tmp_path / "lake", "--json").document["accepted"] == result.document["rows"]
    assert "2 calls in both logs" in stillhunt("join", gateway, content, "-o", joined).out


def test_a_join_of_what_is_no_log_is_one_line(stillhunt, calls, tmp_path):
    result = stillhunt("join", calls, tmp_path / "missing.jsonl", "-o", tmp_path / "joined.parquet")
    assert result.status == 2
    assert result.err.count("\n") == 1
    assert not (tmp_path / "joined.parquet").exists()
