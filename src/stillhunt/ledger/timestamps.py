"""Time stamps (RFC 3161): an authority that the provider does not run says that a checkpoint existed at a time.

What is stamped are the bytes of the log's own signed checkpoint, without cosignatures. The request has no nonce, because it may travel as
a file; the stamp is bound to the checkpoint by its hash.
"""

from __future__ import annotations

import hashlib
import urllib.request
from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import urlsplit

from cryptography.x509 import Certificate, load_pem_x509_certificates
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from stillhunt.errors import InputError, StillhuntError
from stillhunt.ledger.attachments import TIMESTAMP, name_of
from stillhunt.ledger.log import Ledger

_SECONDS = 30
_LIMIT = 1 << 20
_GRANTED = 0


def request(ledger: Ledger) -> bytes:
    """A time stamp request (DER) for the newest checkpoint; `openssl ts -reply` and every authority read it."""
    note = ledger.signed_checkpoint(ledger.size)
    builder = TimestampRequestBuilder().data(note).hash_algorithm(HashAlgorithm.SHA256)
    return builder.nonce(nonce=False).cert_request(cert_request=True).build().as_bytes()


def ask(authority: str, query: bytes) -> bytes:
    """Send a request to the authority at an HTTP address, and return its response (DER).

    Raises:
        StillhuntError: it is no such address, or does not answer.
    """
    if urlsplit(authority).scheme not in {"http", "https"}:
        raise InputError(f"--authority {authority}: an address that begins with https:// or http:// was expected")
    asked = urllib.request.Request(authority, query, {"Content-Type": "application/timestamp-query"})  # noqa: S310  # checked above
    try:
        with urllib.request.urlopen(asked, timeout=_SECONDS) as answer:  # noqa: S310
            return bytes(answer.read(_LIMIT))
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise StillhuntError(f"--authority {authority}: no time stamp ({reason}); try again, or send the request as a file") from error


def add(ledger: Ledger, response: bytes, certificates: Sequence[Certificate] = ()) -> tuple[int, datetime]:
    """Keep an authority's response.

    Args:
        ledger: the log.
        response: TimeStampResp as DER.
        certificates: the authority's root and, if the response does not bring them, others of its chain. Without any, nothing
            but the hash is checked.

    Returns:
        The size of the checkpoint that it stamps, and the time.

    Raises:
        InputError: it is not a granted time stamp of a checkpoint of this ledger, or not by that authority.
    """
    parsed = parse(response)
    wanted = parsed.tst_info.message_imprint.message
    for size in range(ledger.size, -1, -1):
        note = ledger.signed_checkpoint(size)
        if hashlib.sha256(note).digest() == wanted:
            if certificates:
                verify(parsed, note, certificates)
            ledger.keep(name_of(size, response, TIMESTAMP), response)
            return size, time_of(parsed)
    raise InputError("the time stamp is for something else than a checkpoint of this ledger")


def parse(response: bytes) -> TimeStampResponse:
    """A response that grants a time stamp.

    Raises:
        InputError: it is none.
    """
    try:
        parsed = decode_timestamp_response(response)
        granted = parsed.status == _GRANTED and bool(parsed.tst_info.message_imprint.message)
    except ValueError as error:
        raise InputError("not a time stamp response (RFC 3161, DER)") from error
    if not granted:
        raise InputError(f"the authority refused the time stamp ({', '.join(parsed.status_string) or 'without a reason'})")
    return parsed


def time_of(response: TimeStampResponse) -> datetime:
    """The time that the stamp states, in UTC."""
    return response.tst_info.gen_time.astimezone(UTC)


def verify(response: TimeStampResponse, note: bytes, certificates: Sequence[Certificate]) -> None:
    """The stamp is for exactly `note`, and was signed by an authority under one of `certificates`, valid at that time.

    Raises:
        InputError: it is not.
    """
    builder = VerifierBuilder()
    for certificate in certificates:
        own = certificate.issuer == certificate.subject
        builder = builder.add_root_certificate(certificate) if own else builder.add_intermediate_certificate(certificate)
    try:
        builder.build().verify_message(response, note)
    except (VerificationError, ValueError) as error:
        raise InputError(f"the time stamp is not by the authority whose certificate was given ({error})") from error


def read_certificates(data: bytes, where: str) -> list[Certificate]:
    """The certificates in a PEM file.

    Raises:
        InputError: there are none.
    """
    try:
        return load_pem_x509_certificates(data)
    except ValueError as error:
        raise InputError(f"{where}: no certificates in PEM form") from error
