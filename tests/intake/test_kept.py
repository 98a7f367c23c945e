"""What a first pass keeps is found again, in memory, in a file, and by another process's reader."""

import pytest

from stillhunt.intake.kept import Kept, key_of


def filled(memory_bytes, keys=300, each=5):
    kept = Kept(memory_bytes)
    for turn in range(each):
        for number in range(keys):
            kept.add(key_of(f"t{number}"), f"{number}/{turn}".encode() * 20)
    return kept


def expected(number, each=5):
    return [f"{number}/{turn}".encode() * 20 for turn in range(each)]


@pytest.mark.parametrize("memory_bytes", [0, 1000, 20_000, 1 << 30])
def test_values_come_back_in_order_wherever_they_are_held(memory_bytes):
    kept = filled(memory_bytes)
    assert all(kept.get(key_of(f"t{number}")) == expected(number) for number in (0, 17, 299))
    assert kept.get(key_of("nobody")) == []
    kept.add(key_of("t17"), b"late")
    assert kept.get(key_of("t17")) == [*expected(17), b"late"]
    kept.close()
    assert kept.get(key_of("t17")) == []


def test_another_reader_finds_what_was_written(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "a folder"))
    (tmp_path / "a folder").mkdir()
    kept = filled(1000)
    other = Kept.opened(kept.path())
    assert other.get(key_of("t299")) == expected(299)
    other.close()
    kept.close()
    assert list((tmp_path / "a folder").iterdir()) == []


def test_what_workers_gather_is_one():
    whole = Kept()
    for _ in range(2):
        whole.extend(filled(1 << 30).packed())
    assert whole.get(key_of("t3")) == expected(3) * 2


def test_memory_does_not_grow_with_what_is_kept():
    kept = filled(50_000, keys=20_000)
    assert len(kept.packed().values) < 50_000 + 4096 * 200
    assert kept.get(key_of("t19999")) == expected(19_999)
    kept.close()


def test_a_key_may_be_any_text():
    assert key_of("\ud800") != key_of("")
    assert all(0 <= key_of(str(number)) < 2**63 for number in range(100))
