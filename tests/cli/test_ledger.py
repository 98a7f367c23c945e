import json

import pytest

from stillhunt import verifier
from stillhunt.ledger import Ledger


@pytest.fixture
def folder(stillhunt, tmp_path):
    folder = tmp_path / "books" / "ledger"
    assert stillhunt("ledger", "init", "--ledger", folder, "--origin", "example.com/log").status == 0
    plan = tmp_path / "plan.json"
    plan.write_text("{}")
    assert stillhunt("ledger", "add", "dye_plan", plan, "--ledger", folder, "--json").document["index"] == 0
    return folder


def test_a_document_is_committed_to_without_its_name_or_content(stillhunt, folder):
    shown = stillhunt("ledger", "show", "--ledger", folder, "--json").document
    assert shown["origin"] == "example.com/log"
    assert set(shown["entries"][0]["document"]) == {"sha256", "bytes", "name_sha256"}
    assert "plan" not in json.dumps(shown).replace("dye_plan", "")
    table = stillhunt("ledger", "show", "--ledger", folder)
    assert "dye_plan" in table.out
    assert "1 entry" in table.out


def test_what_is_handed_out_convinces_the_verifier(stillhunt, folder, tmp_path):
    assert stillhunt("ledger", "prove", "0", "--ledger", folder, "-o", tmp_path / "p").status == 0
    keys = [
        verifier.Key.parse(line) for line in stillhunt("ledger", "key", "--ledger", folder).out.splitlines() if not line.startswith("#")
    ]
    proof = verifier.parse_log_proof((tmp_path / "p").read_bytes())
    checkpoint, _, index = verifier.check_log_proof((tmp_path / "p").read_bytes(), proof.extra, keys)
    assert (checkpoint.origin, checkpoint.size, index) == ("example.com/log", 1, 0)
    assert "PUBLIC KEY" in stillhunt("ledger", "key", "--ledger", folder, "--json").document["keys"][1]["pem"]


def test_a_check_says_what_it_could_not_see(stillhunt, folder, tmp_path):
    done = stillhunt("ledger", "check", "--ledger", folder)
    assert done.status == 0
    assert "all as it was signed" in done.out
    assert all(option in " ".join(done.out.split()) for option in ("--lake", "--key", "--against"))
    (tmp_path / "keys").write_text(stillhunt("ledger", "key", "--ledger", folder).out)
    stillhunt("ledger", "checkpoint", "--ledger", folder, "-o", tmp_path / "kept")
    done = stillhunt("ledger", "check", "--ledger", folder, "--key", tmp_path / "keys", "--against", tmp_path / "kept", "--json")
    assert done.document["sound"] is True


def test_a_changed_ledger_ends_in_status_2_and_says_where(stillhunt, folder):
    path = folder / "entries"
    path.write_bytes(path.read_bytes().replace(b'"bytes":2', b'"bytes":3'))
    done = stillhunt("ledger", "check", "--ledger", folder)
    assert done.status == 2
    assert "entry 0: was changed" in done.out
    assert not done.err
    problems = stillhunt("ledger", "check", "--ledger", folder, "--json").document["problems"]
    assert {"where": "entry 0", "what": "was changed"} in problems


def test_a_witness_and_a_ledger_need_only_files_between_them(stillhunt, folder, tmp_path):
    witness = ("--key", tmp_path / "w.key", "--name", "auditor.example/w1")
    (tmp_path / "w.pub").write_text(stillhunt("ledger", "witness", "key", *witness).out)
    (tmp_path / "l.pub").write_text(stillhunt("ledger", "key", "--ledger", folder).out)
    assert "auditor.example/w1" in stillhunt("ledger", "witness", "trust", tmp_path / "w.pub", "--ledger", folder).out
    assert stillhunt("ledger", "witness", "request", "--ledger", folder, "-o", tmp_path / "ask").status == 0
    watched = ("--log", tmp_path / "l.pub", "--state", tmp_path / "state")
    assert stillhunt("ledger", "cosign", tmp_path / "ask", *witness, *watched, "-o", tmp_path / "answer").status == 0
    added = stillhunt("ledger", "witness", "add", tmp_path / "answer", "--ledger", folder, "--json").document
    assert added["size"] == 3
    assert len(added["cosigned_by"]) == 2
    assert stillhunt("ledger", "checkpoint", "--ledger", folder).out.count("auditor.example/w1") == 2
    again = stillhunt("ledger", "cosign", tmp_path / "ask", *witness, *watched)
    assert again.status == 2
    assert "not cosigned" in again.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("show",), "--lake DIR or --ledger DIR"),
        (("show", "--lake", "catalog:x"), "--ledger DIR"),
        (("show", "--ledger", "nowhere"), "there is no ledger"),
        (("check", "--ledger", "nowhere"), "there is no ledger"),
        (("prove", "--ledger", "{}"), "the number of an entry"),
        (("prove", "7", "--ledger", "{}"), "no entry 7"),
        (("prove", "--interaction", "x", "--ledger", "{}"), "needs --lake"),
        (("init", "--ledger", "{}"), "there is a ledger already"),
        (("add", "gossip", "{}/entries", "--ledger", "{}"), "choose from"),
        (("add", "export", "{}/nothing", "--ledger", "{}"), "cannot be read"),
        (("check", "--key", "{}/lock", "--ledger", "{}"), "holds no key"),
        (("check", "--key", "{}/entries", "--ledger", "{}"), "key"),
        (("timestamp", "add", "--ledger", "{}"), "either"),
        (("timestamp", "add", "{}/entries", "--ledger", "{}"), "not a time stamp"),
        (("witness", "add", "{}/entries", "--ledger", "{}"), "answer"),
        (("checkpoint", "--size", "9", "--ledger", "{}"), "first 9 entries"),
    ],
)
def test_mistakes_end_in_one_line(stillhunt, folder, arguments, said):
    done = stillhunt("ledger", *(part.replace("{}", str(folder)) for part in arguments))
    assert done.status == 2
    assert said in done.err
    assert len(done.err.strip().splitlines()) == 1
    assert "defect" not in done.err
    assert Ledger.open(folder).size == 1


def test_a_time_stamp_request_is_what_openssl_reads(stillhunt, folder, tmp_path):
    assert stillhunt("ledger", "timestamp", "request", "--ledger", folder, "-o", tmp_path / "q").status == 0
    from hashlib import sha256

    assert sha256(Ledger.open(folder).checkpoint()).digest() in (tmp_path / "q").read_bytes()


def test_files_are_told_of_in_json_too(stillhunt, folder, tmp_path):
    written = stillhunt("ledger", "checkpoint", "--ledger", folder, "-o", tmp_path / "c", "--json").document
    assert written["bytes"] == (tmp_path / "c").stat().st_size
    assert stillhunt("ledger", "checkpoint", "--ledger", folder, "--json").document["checkpoint"] == (tmp_path / "c").read_text()
