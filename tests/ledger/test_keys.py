import subprocess
from importlib import import_module

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from stillhunt import verifier
from stillhunt.errors import StillhuntError
from stillhunt.ledger import Ledger
from stillhunt.ledger.keys import make_key, pem, read_key


def test_a_key_file_is_made_once(tmp_path):
    first = make_key(tmp_path / "k")
    assert (
        [one.public for one in make_key(tmp_path / "k")]
        == [one.public for one in first]
        == [one.public for one in read_key(tmp_path / "k")]
    )
    assert [one.kind for one in first] == [0x01, 0x06]


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b"{", b'{"stillhunt-ledger-key":1,"ed25519":{"seed":"00"},"ml-dsa-44":{"seed":"00"}}']
)
def test_what_is_no_key_file_is_refused_in_one_line(tmp_path, content):
    (tmp_path / "k").write_bytes(content)
    with pytest.raises(StillhuntError, match="not a ledger's key file"):
        read_key(tmp_path / "k")


def test_a_key_of_a_key_service_signs_through_securesystemslib(tmp_path):
    """`file2:` is the simplest of its services: a PEM file. The others differ only in their address."""
    private = Ed25519PrivateKey.generate()
    (tmp_path / "service.pem").write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signers = make_key(tmp_path / "ledger.key", kms=f"file2:{tmp_path / 'service.pem'}", public_pem=public)
    ledger = Ledger.open(tmp_path / "ledger", create=True, signers=signers)
    ledger.append("scan", {})
    assert Ledger.open(ledger.folder).append("scan", {}) == 1  # the address is in the key file
    verifier.check_checkpoint(ledger.checkpoint(), ledger.keys())
    assert ledger.keys()[0].public == private.public_key().public_bytes_raw()
    (tmp_path / "service.pem").write_bytes(Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(StillhuntError, match="did not sign"):
        Ledger.open(ledger.folder).append("scan", {})
    with pytest.raises(StillhuntError, match="public key"):
        make_key(tmp_path / "other.key", kms="file2:x")


def test_checkpoints_are_verified_by_other_implementations(tmp_path):
    """The Ed25519 line by OpenSSL alone, the ML-DSA-44 line by a second implementation of FIPS 204 from the specification's bytes."""
    dilithium = import_module("dilithium_py.ml_dsa")
    ledger = Ledger.open(tmp_path / "ledger", create=True, origin="example.com/log")
    ledger.append("scan", {})
    text, lines = ledger.checkpoint().decode().split("\n\n")
    ed25519, ml_dsa = (verifier.from_base64(line.split(" ")[2], "line") for line in lines.splitlines())
    (tmp_path / "text").write_bytes(text.encode() + b"\n")
    (tmp_path / "signature").write_bytes(ed25519[4:])
    (tmp_path / "key.pem").write_text(pem(0x01, ledger.keys()[0].public))
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "key.pem", "-rawin", "-in", "text", "-sigfile", "signature"]
    assert b"Verified Successfully" in subprocess.run(command, cwd=tmp_path, capture_output=True, check=True).stdout

    origin = b"example.com/log"
    root = verifier.from_base64(text.split("\n")[2], "root")
    name = bytes([len(origin)]) + origin
    message = b"subtree/v1\n\0" + name + ml_dsa[4:12] + name + (0).to_bytes(8, "big") + (1).to_bytes(8, "big") + root
    public = ledger.keys()[1].public
    assert dilithium.ML_DSA_44.verify(public, message, ml_dsa[12:])
    assert not dilithium.ML_DSA_44.verify(public, message + b"!", ml_dsa[12:])


def test_envelopes_are_signed_by_both_keys(tmp_path):
    ledger = Ledger.open(tmp_path / "ledger", create=True)
    envelope, keys = ledger.sign_dsse("application/x", b"body"), ledger.keys()
    assert [one["keyid"] for one in envelope["signatures"]] == [key.label for key in keys]
    for key, one in zip(keys, envelope["signatures"], strict=True):
        key.verify(verifier.from_base64(one["sig"], "sig"), b"DSSEv1 13 application/x 4 body")
