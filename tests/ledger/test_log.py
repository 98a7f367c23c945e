import os
import stat
import threading

import pytest

from stillhunt import verifier
from stillhunt.errors import StillhuntError
from stillhunt.ledger import Ledger, checking, store


@pytest.fixture
def ledger(tmp_path):
    made = Ledger.open(tmp_path / "ledger", create=True)
    for number in range(5):
        made.append("scan", {"number": number})
    return made


def test_every_entry_is_proved_by_its_file_alone(ledger):
    for index in range(5):
        entry = ledger.entry(index)
        assert entry.document == {"number": index}
        checkpoint, signed, proved = verifier.check_log_proof(ledger.proof(index), entry.data, ledger.keys())
        assert (checkpoint.size, proved) == (5, index)
        assert {each.key.kind for each in signed} == {0x01, 0x06}
        assert verifier.parse_log_proof(ledger.proof(index, with_entry=True)).extra == entry.data


def test_each_checkpoint_continues_those_before(ledger):
    for old in range(6):
        was, _ = verifier.check_checkpoint(ledger.checkpoint(old), ledger.keys())
        now, _ = verifier.check_checkpoint(ledger.checkpoint(), ledger.keys())
        verifier.check_consistency(old, 5, was.root, now.root, ledger.consistency(old))


def test_opening_again_goes_on_where_it_was(ledger):
    again = Ledger.open(ledger.folder)
    assert again.append("export", {"what": "again"}) == 5
    assert [entry.kind for entry in ledger.entries(4)] == ["scan", "export"]
    assert not checking.check(ledger.folder).problems


def test_several_writers_lose_nothing(ledger):
    def write():
        mine = Ledger.open(ledger.folder)
        for _ in range(5):
            mine.append("decision", {"by": threading.get_ident()})

    threads = [threading.Thread(target=write) for _ in range(3)]
    child = os.fork()
    if child == 0:
        try:
            write()
        finally:
            os._exit(0)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert os.waitpid(child, 0)[1] == 0
    assert ledger.size == 25
    assert not checking.check(ledger.folder).problems


class PowerCutError(BaseException):
    pass


STEPS = ("_extend entries", "_extend hashes", "_extend index", "draft", "replace", "sync_folder")


@pytest.mark.parametrize("step", STEPS)
def test_a_crash_leaves_the_old_log_or_the_new_one(ledger, monkeypatch, step):
    """Dies in the middle of each thing that an append does to the disk."""
    extend, through, sync = store.Store._extend, store.write_through, store.sync_folder

    def dying_extend(self, name, end, data):
        if step == f"_extend {name}":
            extend(self, name, end, data[: len(data) // 2])
            raise PowerCutError
        extend(self, name, end, data)

    def dying_write(path, content):
        through(path, content[:100] if step == "draft" else content)
        if step in {"draft", "replace"}:
            raise PowerCutError

    def dying_sync(folder):
        if step == "sync_folder":
            raise PowerCutError
        sync(folder)

    with monkeypatch.context() as patched:
        patched.setattr(store.Store, "_extend", dying_extend)
        patched.setattr(store, "write_through", dying_write)
        patched.setattr(store, "sync_folder", dying_sync)
        with pytest.raises(PowerCutError):
            ledger.append("scan", {"number": "lost" * 20})
    again = Ledger.open(ledger.folder)
    survived = step == "sync_folder"
    assert again.size == 5 + survived
    assert bool(checking.check(ledger.folder).problems) != survived  # what was left behind is not hidden
    assert again.append("scan", {"number": "next"}) == 5 + survived
    assert not checking.check(ledger.folder).problems
    assert again.entry(again.size - 1).document == {"number": "next"}


def test_nothing_is_signed_on_top_of_what_was_never_signed(ledger):
    path = ledger.folder / "hashes"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(StillhuntError, match="not those that the newest checkpoint was signed for"):
        ledger.append("scan", {})
    (ledger.folder / "index").write_bytes((ledger.folder / "index").read_bytes()[:-16])
    with pytest.raises(StillhuntError, match="damaged"):
        ledger.append("scan", {})


def test_a_changed_entry_is_not_handed_out(ledger):
    path = ledger.folder / "entries"
    path.write_bytes(path.read_bytes().replace(b'"number":2', b'"number":7'))
    with pytest.raises(StillhuntError, match="entry 2 was changed"):
        ledger.entry(2)


def test_the_key_lies_beside_the_ledger_for_its_owner_only_and_reading_needs_none(ledger):
    key = ledger.folder.parent / "ledger.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(ledger.folder.stat().st_mode) == 0o700
    key.unlink()
    again = Ledger.open(ledger.folder)
    assert again.entry(3).document == {"number": 3}
    with pytest.raises(StillhuntError, match="key is missing"):
        again.append("scan", {})
    assert not checking.check(ledger.folder).problems  # a refused append leaves no trace


def test_another_ledgers_key_is_refused(ledger, tmp_path):
    Ledger.open(tmp_path / "other" / "ledger", create=True)
    (tmp_path / "other" / "ledger.key").replace(tmp_path / "ledger.key")
    with pytest.raises(StillhuntError, match="not the key of the ledger"):
        Ledger.open(ledger.folder).append("scan", {})


def test_strange_kinds_and_places_are_refused(ledger):
    with pytest.raises(ValueError):
        ledger.append("gossip", {})
    for wrong in (lambda: ledger.entry(5), lambda: ledger.entry(-1), lambda: ledger.proof(5), lambda: ledger.consistency(6)):
        with pytest.raises(StillhuntError, match="there"):
            wrong()
    with pytest.raises(StillhuntError, match="there is no ledger"):
        Ledger.open(ledger.folder.parent / "nowhere")
