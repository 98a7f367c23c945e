import pytest

from stillhunt import verifier
from stillhunt.errors import InputError, StillhuntError
from stillhunt.ledger import Ledger, checking
from stillhunt.ledger.keys import Ed25519Seed, MlDsaSeed, make_key
from stillhunt.ledger.witness import Witness, add, parse_request, request, trust, trusted


@pytest.fixture
def ledger(tmp_path):
    made = Ledger.open(tmp_path / "ledger", create=True)
    made.append("scan", {"number": 1})
    return made


@pytest.fixture
def witness(tmp_path, ledger):
    return Witness("auditor.example/w1", [Ed25519Seed(b"2" * 32), MlDsaSeed(b"3" * 32)], ledger.keys(), tmp_path / "state")


def accept(ledger, witness):
    keys = witness.keys()
    for key in keys:
        trust(ledger, key.vkey)


def test_a_cosigned_checkpoint_is_verified_by_the_witness_key_alone(ledger, witness):
    accept(ledger, witness)
    size, keys = add(ledger, witness.cosign(request(ledger)))
    assert (size, keys) == (3, witness.keys()) == (ledger.size, trusted(ledger))
    _, signed = verifier.check_checkpoint(ledger.checkpoint(), [*ledger.keys(), *witness.keys()], all_known=True)
    assert [each.key for each in signed[:2]] == ledger.keys()
    assert {each.key for each in signed[2:]} == set(witness.keys())
    assert all(each.timestamp for each in signed[1:])
    assert verifier.check_log_proof(ledger.proof(0), ledger.entry(0).data, [*ledger.keys(), *witness.keys()])[1] == signed


def test_the_next_entry_commits_to_what_arrived(ledger, witness):
    accept(ledger, witness)
    add(ledger, witness.cosign(request(ledger)))
    assert ledger.append("scan", {"number": 2}) == 4
    said = ledger.entry(3)
    assert said.kind == "attachment"
    assert {one["file"].partition(".")[0] for one in said.document["files"]} == {"3"}
    assert not checking.check(ledger.folder).problems
    removed = next((ledger.folder / "attached").iterdir())
    removed.unlink()
    assert [problem.where for problem in checking.check(ledger.folder).problems] == [f"attached/{removed.name}"]


def test_a_witness_goes_on_from_where_it_was(ledger, witness):
    accept(ledger, witness)
    for number in range(3):
        ledger.append("scan", {"number": number})
        add(ledger, witness.cosign(request(ledger)))
    with pytest.raises(StillhuntError, match="has 8 entries, not 0"):
        witness.cosign(request(ledger, 0))
    old, proof, note = parse_request(request(ledger, 3))
    assert (old, bool(proof), note) == (3, True, ledger.checkpoint())


def test_a_witness_refuses_a_rolled_back_and_a_forked_log(tmp_path, ledger, witness):
    first = request(ledger, 0)
    ledger.append("scan", {"number": 2})
    witness.cosign(request(ledger, 0))
    with pytest.raises(StillhuntError, match="rolled back"):
        witness.cosign(first)
    forked = Ledger.open(tmp_path / "fork", create=True, signers=make_key(tmp_path / "ledger.key"), origin=ledger.origin)
    for number in range(3):
        forked.append("scan", {"number": number * 10})
    with pytest.raises(StillhuntError, match="forked"):
        witness.cosign(request(forked, 2))
    witness.cosign(request(ledger, 2))  # it still knows the right one


def test_a_witness_does_not_sign_for_strangers_or_without_its_memory(tmp_path, ledger, witness):
    stranger = Ledger.open(tmp_path / "other" / "ledger", create=True)
    with pytest.raises(StillhuntError, match="not signed by a key of the log"):
        witness.cosign(request(stranger))
    for broken in (
        b"",
        b"old 0\n",
        b"old 00\n\n" + ledger.checkpoint(),
        b"old " + b"9" * 5000 + b"\n\nx",
        b"old 0\nxx\n\n" + ledger.checkpoint(),
        b"new 0\n\n",
    ):
        with pytest.raises(StillhuntError, match="not cosigned"):
            witness.cosign(broken)
    (tmp_path / "state").write_bytes(b"[]")
    with pytest.raises(StillhuntError, match="memory"):
        witness.cosign(request(ledger))


def test_answers_that_fit_nothing_are_refused(ledger, witness, tmp_path):
    answer = witness.cosign(request(ledger))
    with pytest.raises(InputError, match="no signature by a witness that this ledger trusts"):
        add(ledger, answer)
    accept(ledger, witness)
    assert add(ledger, answer)[0] == 1  # the log has grown since it asked
    with pytest.raises(InputError, match="fits no checkpoint"):
        add(ledger, answer)  # there already
    with pytest.raises(InputError, match="cannot be read"):
        add(ledger, b"\xff\n")
    with pytest.raises(InputError, match="trusted already"):
        accept(ledger, witness)
    with pytest.raises(InputError, match="name of its own"):
        trust(ledger, ledger.keys()[0].vkey)
    assert not checking.check(ledger.folder).problems
