import base64
import copy
import hashlib
import json
import random
import shutil
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from dilithium_py.ml_dsa import ML_DSA_44 as FOREIGN
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey

from evidence_made import ED, KEYS, ML, ORIGIN, STRANGER, WATCHER, Made, base64_of, consistency_of, event, made, note_of, path_of, root_of
from evidence_made import signed as signed_by
from stillhunt import records, verifier
from stillhunt.verifier import (
    PAYLOAD_TYPE,
    ROW_COLUMNS,
    ROW_GROUPS,
    Checkpoint,
    Key,
    Refused,
    Verdict,
    canonical,
    check_checkpoint,
    check_consistency,
    check_inclusion,
    check_log_proof,
    cosigned_message,
    leaf_hash,
    main,
    pae,
    parse_canonical,
    parse_checkpoint,
    parse_log_proof,
    parse_note,
    read_keys,
    root_from_inclusion,
    row_leaf,
    told,
    verify_bundle,
)

# ---- Merkle trees: the reference tree of Certificate Transparency (RFC 6962 implementations publish these)

REFERENCE = [
    bytes.fromhex(leaf) for leaf in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    4: "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    5: "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    6: "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    7: "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}
A, B, C = (
    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
)
D, E, F = (
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
)


@pytest.mark.parametrize(
    ("index", "size", "path"), [(0, 1, []), (0, 8, [A, B, C]), (5, 8, [D, E, ROOTS[4]]), (2, 3, [ROOTS[2]]), (1, 5, [ROOTS[1], B, D])]
)
def test_published_inclusion_proofs_are_accepted_and_no_others(index, size, path):
    leaf, proof, root = leaf_hash(REFERENCE[index]), [bytes.fromhex(each) for each in path], bytes.fromhex(ROOTS[size])
    assert root_from_inclusion(index, size, leaf, proof) == root
    wrong = [(index, size, leaf, [*proof, root]), (index, size, leaf_hash(b"other"), proof), (index + size, size, leaf, proof)]
    wrong += [(index, size, leaf, proof[:-1])] if proof else []
    for each in wrong:
        with pytest.raises(Refused):
            check_inclusion(*each, root)


@pytest.mark.parametrize(("old", "new", "path"), [(1, 1, []), (1, 8, [A, B, C]), (6, 8, [F, E, ROOTS[4]]), (2, 5, [B, D])])
def test_published_consistency_proofs_are_accepted_and_no_others(old, new, path):
    proof, roots = [bytes.fromhex(each) for each in path], (bytes.fromhex(ROOTS[old]), bytes.fromhex(ROOTS[new]))
    check_consistency(old, new, *roots, proof)
    for wrong in ([*proof, roots[0]], *([proof[:-1], proof[::-1], []] if len(proof) > 1 else [])):
        with pytest.raises(Refused):
            check_consistency(old, new, *roots, wrong)
    with pytest.raises(Refused):
        check_consistency(old, new, hashlib.sha256(b"x").digest(), roots[1], proof)


def test_every_proof_of_trees_up_to_seventeen_leaves_holds_for_its_own_place_only():
    leaves = [leaf_hash(bytes([number])) for number in range(17)]
    for size in range(1, 18):
        root = root_of(leaves[:size])
        for index in range(size):
            proof = path_of(index, leaves[:size])
            check_inclusion(index, size, leaves[index], proof, root)
            with pytest.raises(Refused):
                check_inclusion((index + 1) % size if size > 1 else 1, size, leaves[index], proof, root)
        for old in range(size + 1):
            check_consistency(old, size, root_of(leaves[:old]), root, consistency_of(old, leaves[:size]) if old else [])


# ---- notes and keys

PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
QUOTE = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def test_the_published_signed_note_verifies():
    key, note = Key.parse(PETER), parse_note(QUOTE.encode())
    (name, key_id, signature), *others = note.signatures
    assert (name, key_id, others, key.vkey) == (key.name, key.key_id, [], PETER)
    key.verify(signature, note.text.encode())
    with pytest.raises(Refused, match="wrong"):
        key.verify(signature, note.text.encode() + b"!")


@pytest.mark.parametrize(
    "vkey", ["", "x", "PeterNeumann+c74f20a4+" + PETER.split("+")[2], "Peter Neumann" + PETER[12:], PETER[:-1], PETER + "="]
)
def test_what_is_no_key_is_refused(vkey):
    with pytest.raises(Refused):
        Key.parse(vkey)


def test_a_checkpoint_is_signed_in_both_ways_and_a_second_implementation_agrees():
    checkpoint = Checkpoint(ORIGIN, 7, bytes(range(32)))
    note = note_of(checkpoint, ED, ML, WATCHER)
    found, signed = check_checkpoint(note, [*KEYS, WATCHER.key], all_known=True)
    assert found == checkpoint
    assert [each.key for each in signed] == [ED.key, ML.key, WATCHER.key]
    assert FOREIGN.verify(ML.key.public, cosigned_message(ORIGIN, signed[1].timestamp, checkpoint), parse_note(note).signatures[1][2][8:])
    assert len(check_checkpoint(note, [ED.key])[1]) == 1
    for keys, demands in (([STRANGER.key], {}), ([WATCHER.key], {}), (KEYS, {"all_known": True})):
        with pytest.raises(Refused):
            check_checkpoint(note, keys, **demands)


def test_a_checkpoint_that_differs_anywhere_is_refused():
    note = note_of(Checkpoint(ORIGIN, 7, bytes(range(32))), ED)
    for at in range(len(note)):
        with pytest.raises(Refused):
            check_checkpoint(note[:at] + bytes([note[at] ^ 1]) + note[at + 1 :], [ED.key])


@pytest.mark.parametrize(
    "text", ["o\n01\n{}\n", "o\n+1\n{}\n", "o\n1\n{}\nmore\n", "o\n1\n{}", "\n1\n{}\n", "o\n1\n{}=\n", "o\n١\n{}\n", "o\n1\n"]
)
def test_a_checkpoint_has_one_spelling(text):
    with pytest.raises(Refused):
        parse_checkpoint(text.format(base64_of(bytes(32))))


def test_a_log_proof_shows_one_entry():
    entries = [b"a", b"b", b"c"]
    leaves = [leaf_hash(each) for each in entries]
    note = note_of(Checkpoint(ORIGIN, 3, root_of(leaves)), ED, ML)
    proof = "\n".join(["c2sp.org/tlog-proof@v1", "extra eA==", "index 1", *map(base64_of, path_of(1, leaves)), "", ""]).encode() + note
    assert parse_log_proof(proof).extra == b"x"
    assert check_log_proof(proof, b"b", KEYS)[2] == 1
    for wrong in (proof.replace(b"index 1", b"index 2"), proof.replace(b"index 1", b"index 01"), proof.replace(b"@v1", b"@v2"), proof[:40]):
        with pytest.raises(Refused):
            check_log_proof(wrong, b"b", KEYS)
    with pytest.raises(Refused):
        check_log_proof(proof, b"c", KEYS)


# ---- rows


def test_the_groups_of_a_row_cover_the_lakes_columns_each_once():
    assert sorted(ROW_COLUMNS) == sorted(records.INTERACTIONS.names)
    types = {
        str(field.type): kind
        for group in verifier._COLUMNS.values()
        for name, kind in group.items()
        for field in records.INTERACTIONS
        if field.name == name
    }
    assert types["list<item: int32>"] == "numbers"
    assert types["timestamp[us, tz=UTC]"] == "time"
    assert {types[name] for name in ("int64", "int32")} == {"integer"}
    assert (types["string"], types["bool"]) == ("text", "true/false")


def test_a_withheld_group_leaves_the_leaf_and_a_changed_value_does_not():
    rows = json.loads(made().artifacts["interactions.json"] and canonical(made().artifacts["interactions.json"]["json"]))
    hidden = json.loads(canonical(made(groups=("who", "content")).artifacts["interactions.json"]["json"]))
    whole = row_leaf(rows[0]["shown"], {})
    assert row_leaf(hidden[0]["shown"], hidden[0]["withheld"]) == whole
    changed = copy.deepcopy(rows[0]["shown"])
    changed["call"]["values"]["output_tokens"] += 1
    assert row_leaf(changed, {}) != whole
    for wrong in ({"output_tokens": None}, {"output_tokens": True}, {"output_tokens": 2**63}, {"account_id": "x"}, {"surface": "\ud800"}):
        with pytest.raises(Refused):
            row_leaf({**changed, "call": {"salt": "07" * 16, "values": wrong}}, {})
    with pytest.raises(Refused):
        row_leaf({group: changed[group] for group in ("who", "call")}, {})
    assert list(ROW_GROUPS) == ["who", "call", "content"]


# ---- bundles


@pytest.fixture(scope="module")
def bundle():
    return made().bundle()


def test_a_bundle_says_what_is_proved_and_what_is_not(bundle):
    verdict = verify_bundle(bundle, KEYS)
    proved, claimed, hidden = (" ".join(each) for each in (verdict.proved, verdict.claimed, verdict.not_shown))
    assert "byte for byte" in proved
    assert "3 of the case's 3 events are in the log" in proved
    assert "2 interactions are in the batch of entry 0" in proved
    assert "for a court" in proved
    assert "one operator: very likely (confidence moderate)" in claimed
    assert "Nobody but the provider vouches for the log" in hidden
    assert "policy.json: not enclosed" in hidden
    assert (verdict.facts["interactions"], verdict.facts["accounts_shown"], verdict.facts["events_redacted"]) == (2, 2, 0)


def test_what_is_kept_back_is_said():
    verdict = verify_bundle(made(whole_findings=False, redacted=True, groups=("who",)).bundle(), KEYS)
    assert any("1 redacted events" in each for each in verdict.not_shown)
    assert any("'who' of 2 interactions" in each for each in verdict.not_shown)
    assert any("What else the scan found" in each for each in verdict.not_shown)
    assert any("That the campaign is a part of those findings" in each for each in verdict.claimed)
    assert verdict.facts["accounts_shown"] == 0


def test_a_campaign_that_the_scans_entry_committed_to_is_proved_without_the_other_findings():
    parts = made(whole_findings=False)
    scan = json.loads(parts.entries[1])
    scan["document"]["campaigns"] = {"c-1": hashlib.sha256(canonical(parts.artifacts["campaign.json"]["json"])).hexdigest()}
    parts.entries[1] = canonical(scan)
    assert any("campaign c-1 is byte for byte" in each for each in verify_bundle(parts.bundle(), KEYS).proved)
    parts.artifacts["campaign.json"]["json"]["calls"] = 4
    with pytest.raises(Refused, match="recorded of this campaign"):
        verify_bundle(parts.bundle(), KEYS)


def test_a_witness_dates_what_it_saw():
    parts = made()
    parts.witnesses = (WATCHER,)
    data = parts.bundle()
    assert any("Nobody but the provider" in each for each in verify_bundle(data, KEYS).not_shown)
    verdict = verify_bundle(data, [*KEYS, WATCHER.key])
    assert not any("Nobody but the provider" in each for each in verdict.not_shown)
    when = datetime.fromtimestamp(1_790_000_000, UTC).isoformat()
    assert any(f"seen to be there by the witness {WATCHER.key.label} by {when}" in each for each in verdict.proved)


def _body(data: bytes) -> bytes:
    return base64.b64decode(json.loads(data)["payload"])


def test_securesystemslib_verifies_the_envelope(bundle):
    document = json.loads(bundle)
    public = Ed25519PublicKey.from_public_bytes(ED.key.public)
    key = SSlibKey.from_crypto(public, keyid=ED.key.label)
    assert list(Envelope.from_dict(document).verify([key], 1)) == [ED.key.label]
    changed = json.loads(bundle)
    changed["payload"] = base64_of(_body(bundle) + b" ")
    with pytest.raises(Exception, match="Accepted signatures do not match threshold"):
        Envelope.from_dict(changed).verify([key], 1)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the program openssl")
def test_openssl_alone_verifies_the_envelope(bundle, tmp_path):
    pem = Ed25519PublicKey.from_public_bytes(ED.key.public).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signature = next(each["sig"] for each in json.loads(bundle)["signatures"] if each["keyid"] == ED.key.label)
    for name, content in (("key.pem", pem), ("sig", base64.b64decode(signature)), ("signed", pae(PAYLOAD_TYPE, _body(bundle)))):
        (tmp_path / name).write_bytes(content)
    command = ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", "key.pem", "-sigfile", "sig", "-in", "signed"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 0
    (tmp_path / "signed").write_bytes(pae(PAYLOAD_TYPE, _body(bundle) + b" "))
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode != 0


def test_a_second_implementation_of_ml_dsa_verifies_the_envelope(bundle):
    signature = next(each["sig"] for each in json.loads(bundle)["signatures"] if each["keyid"] == ML.key.label)
    assert FOREIGN.verify(ML.key.public, pae(PAYLOAD_TYPE, _body(bundle)), base64.b64decode(signature))
    assert not FOREIGN.verify(ML.key.public, pae(PAYLOAD_TYPE, _body(bundle) + b" "), base64.b64decode(signature))


def test_a_signature_cannot_be_taken_away_added_or_replaced(bundle):
    body = _body(bundle)
    for signers, keys in (((ED,), KEYS), ((ED, ML, STRANGER), [*KEYS, STRANGER.key]), ((STRANGER, ML), KEYS), ((ML,), KEYS), ((), KEYS)):
        with pytest.raises(Refused):
            verify_bundle(signed_by(body, *signers), keys)
    with pytest.raises(Refused, match="not given"):
        verify_bundle(bundle, [ED.key])


# ---- bad input


def _mutated(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """One change of bytes, of JSON, or of which parts belong together."""
    at, kind = chance.randrange(len(data)), chance.randrange(9)
    match kind:
        case 0:
            return data[:at] + bytes([data[at] ^ (1 << chance.randrange(8))]) + data[at + 1 :]
        case 1:
            return data[:at]
        case 2:
            return data[:at] + bytes([chance.randrange(256)]) + data[at:]
        case 3:
            return data[:at] + data[at + chance.randrange(1, 40) :]
        case 4:
            end = at + chance.randrange(1, 200)
            return data[:at] + data[at:end] * 2 + data[end:]
        case 5:
            return data + chance.choice([b"\n", b" ", b"\x00", b"{}", data])
    document, foreign = json.loads(data), json.loads(other)
    name = chance.choice(list(document))
    if kind == 6:
        document[name] = chance.choice([foreign[name], None, [], {}, 1, 1.5, "", [[]] * 3]) if name != "payloadType" else "text/plain"
    elif kind == 7:
        one, two = chance.sample(range(2), 2)
        part = chance.choice(["keyid", "sig"])
        document["signatures"][one][part] = chance.choice([foreign, document])["signatures"][two][part]
    else:
        sig = document["signatures"][chance.randrange(2)]
        decoded = base64.b64decode(sig["sig"])
        sig["sig"] = chance.choice(
            [sig["sig"].rstrip("="), base64.b64encode(decoded[:-1]).decode(), base64.encodebytes(decoded).decode(), sig["sig"] + "="]
        )
        if chance.random() < 0.3:
            return json.dumps(json.loads(data), indent=chance.choice([None, 1])).encode()
    return canonical(document)


def test_ten_thousand_mutated_bundles_are_refused_each_with_the_documented_error(bundle):
    chance, other = random.Random(20260503), made(redacted=True).bundle()
    tried = 0
    while tried < 10_000:
        data = _mutated(bundle, other, chance)
        if data in {bundle, other}:
            continue
        tried += 1
        with pytest.raises(Refused) as refusal:
            verify_bundle(data, KEYS)
        assert "\n" not in str(refusal.value)


def _edited(document, chance: random.Random):
    """Change one thing somewhere in a JSON document, in place."""
    here = document
    while True:
        places = list(here) if isinstance(here, dict) else list(range(len(here)))
        place = chance.choice(places)
        below = here[place]
        if isinstance(below, dict | list) and below and chance.random() < 0.85:
            here = below
            continue
        match chance.randrange(5):
            case 0:
                del here[place]
            case 1:
                here[place] = chance.choice([None, True, -1, 2**70, 0.5, "", "x" * 300, [], {}, [[[]]], {"a": {}}, "\ud800", "00" * 32])
            case 2 if isinstance(here, dict):
                here[chance.choice(["x", "", "\u202e"])] = below
            case 3 if isinstance(here, list):
                here.insert(chance.randrange(len(here) + 1), copy.deepcopy(below))
            case _:
                here[place] = f"{below}0" if isinstance(below, str) else below + 1 if isinstance(below, int) else [below]
        return


def test_evidence_that_was_changed_and_signed_again_never_crashes_and_never_proves_what_was_changed(bundle):
    chance, statement, verified = random.Random(7), json.loads(_body(bundle)), 0
    subjects = statement["subject"]
    for _ in range(600):
        changed = copy.deepcopy(statement)
        _edited(changed["predicate"], chance)
        body = canonical(changed)
        try:
            verdict = verify_bundle(signed_by(body, ED, ML), KEYS)
        except Refused:
            continue
        verified += 1
        assert isinstance(verdict, Verdict)
        assert changed["subject"] == subjects, "artifacts are what the log's export entry says"
        assert changed["predicate"]["artifacts"] == statement["predicate"]["artifacts"]
    assert verified <= 60, "next to nothing may be changed: unused parts at most"


def test_artifacts_cannot_be_changed_even_with_the_key_because_the_log_recorded_them():
    parts = made()
    body = json.loads(_body(parts.bundle()))
    body["predicate"]["artifacts"]["software.json"]["json"]["stillhunt"] = "9"
    changed = canonical(body["predicate"]["artifacts"]["software.json"]["json"])
    next(one for one in body["subject"] if one["name"] == "software.json")["digest"]["sha256"] = hashlib.sha256(changed).hexdigest()
    with pytest.raises(Refused, match="export: entry"):
        verify_bundle(signed_by(canonical(body), ED, ML), KEYS)


def _with(change) -> Made:
    parts = made()
    change(parts.artifacts)
    return parts


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda a: a["case.json"]["json"]["events"].pop(1), "missing or out of order"),
        (lambda a: a["case.json"]["json"]["events"][1]["body"].update(text="other"), "commitment"),
        (
            lambda a: a["case.json"]["json"]["events"].__setitem__(1, event(2, "note", {"text": "forged"}) | {"leaf": 3}),
            "says something else",
        ),
        (lambda a: a["case.json"]["json"]["events"][1].update(leaf=0), "not of the kind"),
        (lambda a: a["campaign.json"]["json"].update(calls=4), "not what findings.json says"),
        (lambda a: a["findings.json"].update(text="{}"), "not the findings"),
        (lambda a: a["interactions.json"]["json"][0].update(position=1), "inclusion proof"),
        (lambda a: a["interactions.json"]["json"].append(a["interactions.json"]["json"][0]), "twice"),
        (lambda a: a["interactions.json"]["json"][0].update(interaction_id="call-9"), "not the interaction's id"),
        (lambda a: a["interactions.json"]["json"][0]["shown"]["who"]["values"].update(account_id="acct-9"), "inclusion proof"),
        (lambda a: a["interactions.json"]["json"][0].update(shown=[]), "groups"),
        (lambda a: a.update({"secret.json": {"json": 1}}), "nothing that is not known"),
        (lambda a: a.pop("answers.json"), "expected"),
    ],
)
def test_a_provider_who_contradicts_the_log_is_refused(change, why):
    with pytest.raises(Refused, match=why):
        verify_bundle(_with(change).bundle(), KEYS)


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"a":1,"a":1}',
        b'{"b":1,"a":1}',
        b'{"a":NaN}',
        b'{"a":1e400}',
        b'{"a":1.0e2}',
        b"1" * 5000,
        b'{"a":"\\ud800"}',
        b'{"a": 1}',
        b'"\xc3\xa9"',
        b"",
        b"\xff",
        b'{"a":1}\n',
    ],
)
def test_json_that_could_be_spelled_otherwise_or_is_none_is_refused(data):
    with pytest.raises(Refused):
        parse_canonical(data, "it")
    with pytest.raises(Refused):
        verify_bundle(data, KEYS)


# ---- as a program


def test_the_file_runs_by_itself_without_stillhunt(bundle, tmp_path):
    copied = tmp_path / "verifier.py"
    shutil.copy(verifier.__file__, copied)
    (tmp_path / "x.json").write_bytes(bundle)
    (tmp_path / "key").write_text(f"# the provider's\n{ED.key.vkey}\n{ML.key.vkey}\n")
    code = "import sys, runpy; sys.modules['stillhunt'] = None; runpy.run_path('verifier.py', run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", code, "x.json", "--key", "key"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("VERIFIED")


def test_the_program_says_in_one_line_why_it_refuses(bundle, tmp_path, capsys):
    (tmp_path / "x.json").write_bytes(bundle[:-1])
    (tmp_path / "key").write_text(ED.key.vkey)
    assert main([str(tmp_path / "x.json"), "--key", str(tmp_path / "key")]) == 2
    assert main([str(tmp_path / "x.json"), "--key", str(tmp_path / "none")]) == 2
    out, err = capsys.readouterr()
    assert (out, [line[:8] for line in err.splitlines()]) == ("", ["REFUSED:", "REFUSED:"])


def test_keys_are_read_from_a_file_with_remarks_and_pem_blocks():
    pem = Ed25519PublicKey.from_public_bytes(ED.key.public).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    assert read_keys(f"# ours\n{ED.key.vkey}\n\n{pem}{ML.key.vkey}") == KEYS
    for wrong in ("", "# none", "junk"):
        with pytest.raises(Refused):
            read_keys(wrong)


def test_nothing_in_a_verdict_reaches_the_terminal_as_a_control_character():
    assert "\x1b" not in told(Verdict(proved=["\x1b[2J\u202e"], facts={}))
