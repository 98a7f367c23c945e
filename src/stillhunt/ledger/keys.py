"""What signs: two keys, because what is signed today must convince somebody in twenty years.

Ed25519 is what everything can check today, ML-DSA-44 (FIPS 204) is what a quantum computer does not forge. The key file holds both as
seeds, or, for Ed25519, the address of a key in a KMS that `securesystemslib` can reach ("gcpkms:", "hv:", "hsm:" ...). The KMS that it
knows sign ML-DSA only over TUF's own hash of a message, which is not what C2SP says, so the ML-DSA seed is always in the file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from stillhunt.errors import InputError, StillhuntError
from stillhunt.records.canonical import canonical

KEY_FILE = "ledger.key"
KEY_FILE_VARIABLE = "STILLHUNT_LEDGER_KEY_FILE"
ED25519 = 0x01
ED25519_COSIGNATURE = 0x04
ML_DSA_44 = 0x06
"""Signature types of C2SP signed notes."""

_SEED_BYTES = 32
_MARK = "stillhunt-ledger-key"


class Signing(Protocol):
    """A private key that may be somewhere else."""

    @property
    def kind(self) -> int:
        """The signature type: 0x01 (Ed25519) or 0x06 (ML-DSA-44)."""

    @property
    def public(self) -> bytes:
        """The raw public key: 32 or 1312 bytes."""

    def sign(self, message: bytes) -> bytes:
        """The raw signature of `message`: 64 or 2420 bytes.

        Raises:
            StillhuntError: the key cannot be reached.
        """


@dataclass(frozen=True)
class Ed25519Seed:
    """An Ed25519 key from its 32 bytes."""

    seed: bytes
    kind: int = ED25519

    @property
    def public(self) -> bytes:
        """The raw public key, 32 bytes."""
        return Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """64 bytes (RFC 8032)."""
        return Ed25519PrivateKey.from_private_bytes(self.seed).sign(message)


class MlDsaSeed:
    """An ML-DSA-44 key from its 32 bytes."""

    kind = ML_DSA_44

    def __init__(self, seed: bytes) -> None:
        try:
            self._key = MLDSA44PrivateKey.from_seed_bytes(seed)
        except UnsupportedAlgorithm as error:
            raise StillhuntError("the installed `cryptography` has no ML-DSA-44; install its own wheel, version 50 or newer") from error
        self.seed = seed
        self.public = self._key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """2420 bytes (FIPS 204, no context)."""
        return self._key.sign(message)


class KmsKey:
    """An Ed25519 key that stays in a KMS, reached through `securesystemslib`.

    Args:
        uri: what `securesystemslib.signer.Signer.from_priv_key_uri` takes.
        public: the raw public key, 32 bytes.
    """

    kind = ED25519

    def __init__(self, uri: str, public: bytes) -> None:
        self.uri = uri
        self.public = public
        self._signer: Any = None

    def sign(self, message: bytes) -> bytes:
        """64 bytes (RFC 8032), checked here: a KMS that was given another key since must not spoil the log.

        Raises:
            StillhuntError: the KMS cannot be reached, refuses, or has another key.
        """
        kms: Any = import_module("securesystemslib.signer")  # late, because most keys are files
        public = Ed25519PublicKey.from_public_bytes(self.public)
        try:
            if self._signer is None:
                self._signer = kms.Signer.from_priv_key_uri(self.uri, kms.SSlibKey.from_crypto(public))
            signature = bytes.fromhex(self._signer.sign(message).signature)
            public.verify(signature, message)
        except Exception as error:
            # every backend raises its own; none of them may end in a traceback
            reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
            raise StillhuntError(f"{self.uri}: the key service did not sign ({reason}); check that it has the key and allows it") from error
        return signature


Signers = Sequence[Signing]


def key_path(folder: Path) -> Path:
    """The key file of the ledger in `folder`: beside it, never in it, or where STILLHUNT_LEDGER_KEY_FILE says."""
    named = os.environ.get(KEY_FILE_VARIABLE)
    return Path(named).expanduser() if named else folder.parent / KEY_FILE


def make_key(path: Path, *, kms: str | None = None, public_pem: bytes | None = None) -> list[Signing]:
    """The keys in `path`, made first if there is no such file. Two processes that race to make it end up with the same ones.

    Args:
        path: the key file; it gets mode 0600.
        kms: address of an Ed25519 key in a KMS, to be used instead of a seed.
        public_pem: its public key.

    Raises:
        StillhuntError: the file cannot be written or is no key file; `public_pem` is missing or is no Ed25519 key.
    """
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            first = {"seed": os.urandom(_SEED_BYTES).hex()} if kms is None else {"uri": kms, "public": _raw(public_pem).hex()}
            document = {_MARK: 1, "ed25519": first, "ml-dsa-44": {"seed": os.urandom(_SEED_BYTES).hex()}}
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(canonical(document) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(draft, path)  # whole or not at all, and never over a key that somebody else just made
            except FileExistsError:
                pass
            finally:
                draft.unlink()
    except OSError as error:
        raise StillhuntError(f"{path}: the ledger's key cannot be written ({error.strerror}); check the folder's permissions") from error
    return read_key(path)


def read_key(path: Path) -> list[Signing]:
    """The keys in the file `path`: Ed25519 first, then ML-DSA-44.

    Raises:
        StillhuntError: the file is missing, unreadable or no key file.
    """
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise StillhuntError(
            f"{path}: the ledger's signing key is missing; restore it, or set {KEY_FILE_VARIABLE} to where it is"
        ) from error
    except OSError as error:
        raise StillhuntError(f"{path}: the ledger's signing key cannot be read ({error.strerror}); check its permissions") from error
    except ValueError:
        document = None
    try:
        return _signers(document)
    except (KeyError, TypeError, ValueError) as error:
        raise StillhuntError(f"{path}: this is not a ledger's key file; restore the right one") from error


def pem(kind: int, public: bytes) -> str:
    """A public key for tools that know no C2SP: SubjectPublicKeyInfo as PEM."""
    key = MLDSA44PublicKey.from_public_bytes(public) if kind == ML_DSA_44 else Ed25519PublicKey.from_public_bytes(public)
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _signers(document: Any) -> list[Signing]:
    if document[_MARK] != 1 or document.keys() != {_MARK, "ed25519", "ml-dsa-44"}:
        raise ValueError
    first, second = document["ed25519"], document["ml-dsa-44"]
    return [
        KmsKey(str(first["uri"]), _bytes(first["public"])) if "uri" in first else Ed25519Seed(_bytes(first["seed"])),
        MlDsaSeed(_bytes(second["seed"])),
    ]


def _bytes(text: Any) -> bytes:
    value = bytes.fromhex(text)
    if len(value) != _SEED_BYTES:
        raise ValueError
    return value


def _raw(public_pem: bytes | None) -> bytes:
    try:
        key = load_pem_public_key(public_pem or b"")
    except ValueError:
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise InputError("a key in a KMS needs its public key as well: an Ed25519 public key as PEM")
    return key.public_bytes_raw()
