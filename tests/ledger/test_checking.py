import functools
import os
import shutil

import pytest

from stillhunt import verifier
from stillhunt.errors import InputError
from stillhunt.ledger import Ledger, checking, log
from stillhunt.ledger.keys import Ed25519Seed, make_key
from stillhunt.ledger.witness import Witness, add, request, trust


def whole(folder):
    """A ledger of six entries with all that may lie in one, signed by Ed25519 only so that it is small."""
    ledger = Ledger.open(folder / "ledger", create=True, signers=[Ed25519Seed(b"1" * 32)], origin="example.com/log")
    witness = Witness("auditor.example/w1", [Ed25519Seed(b"2" * 32)], ledger.keys(), folder / "state")
    trust(ledger, witness.keys()[0].vkey)
    ledger.append("scan", {"number": 1})
    add(ledger, witness.cosign(request(ledger)))
    ledger.append("scan", {"number": 2})
    ledger.append("scan", {"number": 3})
    add(ledger, witness.cosign(request(ledger)))
    return ledger


def doubly_signed(folder):
    """A ledger of one entry under the two keys that ledgers have."""
    ledger = Ledger.open(folder / "ledger", create=True, signers=make_key(folder / "key"))
    ledger.append("scan", {"number": 1})
    return ledger


@pytest.fixture
def remembering(monkeypatch):
    """Files that are the same as before are not verified again: a check is a function of bytes, and there are thousands of checks."""
    right = functools.cache(lambda note, keys, all_known: verifier.check_checkpoint(note, keys, all_known=all_known))
    monkeypatch.setattr(checking, "check_checkpoint", lambda note, keys, *, all_known=False: right(note, tuple(keys), all_known))
    monkeypatch.setattr(log, "read_header", functools.cache(log.read_header))
    monkeypatch.setattr(checking, "read_header", functools.cache(checking.read_header))


def files_of(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("make", [whole, doubly_signed])
def test_every_byte_of_every_file_counts(tmp_path, remembering, make):
    ledger = make(tmp_path)
    assert not checking.check(ledger.folder).problems
    missed, flips = [], 0
    for path in files_of(ledger.folder):
        file = os.open(path, os.O_RDWR)
        for at, byte in enumerate(path.read_bytes()):
            os.pwrite(file, bytes([byte ^ (1 << at % 8)]), at)
            flips += 1
            if not checking.check(ledger.folder).problems:
                missed.append((path.name, at))
            os.pwrite(file, bytes([byte]), at)
        os.close(file)
    assert not missed
    assert flips > 2_000
    assert not checking.check(ledger.folder).problems


def test_every_byte_that_is_lost_or_doubled_counts(tmp_path, remembering):
    ledger = whole(tmp_path)
    missed = []
    for path in files_of(ledger.folder):
        right = path.read_bytes()
        step = 1 if len(right) < 120 else 7
        for at in range(0, len(right), step):
            for changed in (right[:at] + right[at + 1 :], right[: at + 1] + right[at:]):
                path.write_bytes(changed)
                if not checking.check(ledger.folder).problems:
                    missed.append((path.name, at))
        for changed in (right + b"\0", right + b"\n", right[:-1], right * 2):
            path.write_bytes(changed)
            if changed != right and not checking.check(ledger.folder).problems:
                missed.append((path.name, "end"))
        path.write_bytes(right)
    assert not missed


def test_every_file_that_is_missing_or_too_many_is_named(tmp_path):
    ledger = whole(tmp_path)
    for path in files_of(ledger.folder):
        content = path.read_bytes()
        path.unlink()
        if path.parent.name != "arrived":  # committed to by the next entry only
            assert checking.check(ledger.folder).problems, path
        path.write_bytes(content)
        copy = path.with_name(f"{path.name}0")
        copy.write_bytes(content)
        assert any(copy.name in problem.where for problem in checking.check(ledger.folder).problems), path
        copy.unlink()
    (ledger.folder / "notes").mkdir()
    assert [problem.where for problem in checking.check(ledger.folder).problems] == ["notes"]


def lines(ledger):
    return (ledger.folder / "entries").read_bytes().splitlines(keepends=True)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda e: [*e[:2], e[2].replace(b'"number":3', b'"number":9'), *e[3:]], {("entry 2", "was changed")}),
        (lambda e: [*e[:1], *e[2:]], {("entry 1", "was removed")}),
        (lambda e: [*e[:3], e[1], *e[3:]], {("entry 3", "1 inserted before it")}),
        (lambda e: [e[0], e[3], e[2], e[1], *e[4:]], {("entry 1", "reordered"), ("entry 3", "reordered")}),
    ],
)
def test_changed_removed_inserted_and_reordered_entries_are_told_apart(tmp_path, edit, said):
    ledger = doubly_signed(tmp_path)
    for number in range(2, 7):
        ledger.append("scan", {"number": number})
    (ledger.folder / "entries").write_bytes(b"".join(edit(lines(ledger))))
    problems = [(problem.where, problem.what) for problem in checking.check(ledger.folder).problems]
    for where, what in said:
        assert any(one == where and what in text for one, text in problems), problems


def test_a_ledger_that_was_cut_back_is_found_by_a_checkpoint_that_somebody_kept(tmp_path):
    ledger = doubly_signed(tmp_path)
    early = tmp_path / "early"
    shutil.copytree(ledger.folder, early)
    ledger.append("scan", {"number": 2})
    kept = {"auditor's copy": ledger.checkpoint()}
    assert not checking.check(ledger.folder, against=kept).problems
    shutil.rmtree(ledger.folder)
    early.rename(ledger.folder)
    assert not checking.check(ledger.folder).problems  # all of it is what was once signed
    assert [problem.what.partition(":")[0] for problem in checking.check(ledger.folder, against=kept).problems] == [
        "the ledger was rolled back"
    ]
    again = Ledger.open(ledger.folder, signers=make_key(tmp_path / "key"))
    again.append("scan", {"number": "another second entry"})
    again.append("scan", {"number": 3})
    found = checking.check(ledger.folder, against=kept).problems
    assert [(problem.where, problem.what.partition(":")[0]) for problem in found] == [("auditor's copy", "the ledger was forked")]


def test_a_checkpoint_of_another_log_is_told_from_a_fork(tmp_path):
    other = Ledger.open(tmp_path / "b" / "ledger", create=True)
    ledger = Ledger.open(tmp_path / "a" / "ledger", create=True)
    problem = checking.check(ledger.folder, against={"theirs": other.checkpoint()}).problems[0]
    assert "not a checkpoint that this ledger's keys signed" in problem.what


def test_a_ledger_under_another_key_is_found_by_whoever_knows_the_right_one(tmp_path):
    ledger = doubly_signed(tmp_path)
    right = ledger.keys()
    assert not checking.check(ledger.folder, keys=right).problems
    shutil.rmtree(ledger.folder)
    forged = Ledger.open(ledger.folder, create=True, signers=make_key(tmp_path / "forger's"), origin=ledger.origin)
    forged.append("scan", {"number": 1})
    assert not checking.check(ledger.folder).problems
    assert "signed by other keys" in checking.check(ledger.folder, keys=right).problems[0].what


def test_where_nothing_is_nothing_is_checked(tmp_path):
    with pytest.raises(InputError, match="no ledger"):
        checking.check(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    assert checking.check(tmp_path / "empty").problems
