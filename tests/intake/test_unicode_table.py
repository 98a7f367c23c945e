"""The committed table is what the Unicode Character Database says, and stays what fingerprints were computed with."""

import unicodedata

import pytest

from stillhunt.intake import unicode_table
from stillhunt.intake.unicode_table import FILE, IGNORED, PLANES_END, SEPARATOR, UNSPACED, WORD, build, table


def read_from(path, monkeypatch):
    monkeypatch.setattr(unicode_table, "FILE", str(path))
    return table.__wrapped__()


@pytest.fixture(scope="module")
def made():
    return build()


def version(text):
    return tuple(int(part) for part in text.split("."))


@pytest.mark.skipif(version(unicodedata.unidata_version) > version(table().unicode_version), reason="knows characters that came later")
def test_the_committed_table_folds_every_known_character_as_the_database_says(tmp_path, monkeypatch, made):
    (tmp_path / FILE).write_bytes(made)
    built = read_from(tmp_path / FILE, monkeypatch)
    assert built.unicode_version == unicodedata.unidata_version
    known = [point for point in range(PLANES_END) if unicodedata.category(chr(point)) != "Cn"]
    assert len(known) > 100_000
    assert [hex(point) for point in known if table().fold(point) != built.fold(point)] == []


@pytest.mark.parametrize("spoil", [lambda raw: b"other" + raw[5:], lambda raw: raw[:16] + b"\x01\0\0\0" + raw[20:]])
def test_a_damaged_table_is_refused_before_a_fingerprint_is_computed(tmp_path, monkeypatch, spoil, made):
    (tmp_path / FILE).write_bytes(spoil(made))
    with pytest.raises(RuntimeError, match="reinstall"):
        read_from(tmp_path / FILE, monkeypatch)


def test_tokens_are_what_a_reader_would_call_words():
    assert table().tokens("Ｃafe\u0301s, ١٢ 雪国") == [("cafes", WORD), ("12", WORD), ("雪", UNSPACED), ("国", UNSPACED)]


def test_beyond_the_table_ideographs_are_tokens_and_tags_are_nothing():
    assert table().fold(0x31350) == [(UNSPACED, 0x31350)]
    assert table().fold(0xE0041) == [(IGNORED, 0)]
    assert table().fold(0x10FFFD) == [(SEPARATOR, 0)]
