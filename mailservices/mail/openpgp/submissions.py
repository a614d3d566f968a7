"""Keys that come to a directory by mail, and what is written to their owners.

From draft-koch-openpgp-webkey-service §4: a program sends a key, encrypted to the key of the directory's address.
Its owner is written a nonce that only who has the key can read, and sends it back. So nobody publishes a key for
an address of others.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Final

import pysequoia

from mailservices.mail import headers, mime
from mailservices.mail.address import Address
from mailservices.mail.openpgp import keys
from mailservices.mail.openpgp.library import errors
from mailservices.mail.openpgp.mime import encrypt, octets, sign
from mailservices.mail.privacy import Entity

#: Octets of a message that is looked at, and of what is in it.
MESSAGE_OCTETS: Final = 2**20
#: §4.3: of 160 bits; the draft's are 32 characters long.
NONCE_OCTETS: Final = 20
DRAFT: Final = 3

_CONFIRM: Final = """\
Content-Type: text/plain; charset=utf-8\r
\r
Somebody, perhaps your mail program, asked to publish an OpenPGP key for\r
{address}:\r
\r
    {fingerprint}\r
\r
Most programs that know OpenPGP confirm that by themselves. If you did not ask\r
for it, do nothing: the key is not published.\r
"""
_DONE: Final = """\
Content-Type: text/plain; charset=utf-8\r
\r
Your OpenPGP key for {address} is published:\r
\r
    {fingerprint}\r
\r
Whoever knows your address finds it.\r
"""


@dataclass(frozen=True, slots=True)
class Submitted:
    """A certificate that is to be published."""

    public: bytes


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What came back for a nonce."""

    address: str
    nonce: str


def read(opened: bytes) -> Submitted | Confirmed | None:
    """What somebody wants who has sent this, encrypted to the directory's key; None: nothing of the kind.

    Raises:
        PrivacyError: what is in it is no key.
    """
    # It comes with the line ends of whoever wrote it.
    opened = opened[:MESSAGE_OCTETS].replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    inner_header, inner = headers.split(opened)
    found = mime.scan(inner_header, inner)
    for one in (found, *found.children):
        match one.type.type, one.type.subtype:
            case b"application", b"pgp-keys":
                pair = keys.read(octets(one, inner, MESSAGE_OCTETS))
                return Submitted(pair.public)
            case b"application", b"vnd.gnupg.wks":
                return _confirmed(octets(one, inner, MESSAGE_OCTETS))
    return None


def _confirmed(text: bytes) -> Confirmed | None:
    """§4.4: lines of names and values."""
    told = headers.index(text)
    values = {
        name: headers.unfold(found[0]).decode("utf-8", "replace").strip() for name, found in told.items() if found
    }
    if values.get(b"type") != "confirmation-response":
        return None
    return Confirmed(values.get(b"address", ""), values.get(b"nonce", ""))


def nonce() -> str:
    return secrets.token_hex(NONCE_OCTETS)


@dataclass(frozen=True, slots=True)
class Letter:
    """What a letter to an owner is about."""

    directory: Address
    address: str
    fingerprint: str
    #: Of the letter, with its angle brackets.
    message_id: str
    at: datetime


def confirmation(letter: Letter, nonce: str, public: bytes, secret: bytes) -> bytes:
    """§4.3: signed by the directory; the nonce is encrypted to the key that is to be published.

    Raises:
        PrivacyError: nothing can be encrypted to the key.
    """
    told = (
        f"type: confirmation-request\nsender: {letter.directory}\naddress: {letter.address}\n"
        f"fingerprint: {letter.fingerprint.upper()}\nnonce: {nonce}\n"
    )
    with errors("nothing can be encrypted to the key"):
        closed = pysequoia.encrypt(told.encode(), [pysequoia.Cert.from_bytes(public)])
    boundary = f"=-{secrets.token_hex(12)}"
    text = _CONFIRM.format(address=letter.address, fingerprint=letter.fingerprint.upper())
    armoured = bytes(closed).decode().replace("\r\n", "\n").replace("\n", "\r\n")
    payload = (
        f'Content-Type: multipart/mixed; boundary="{boundary}"\r\n\r\n--{boundary}\r\n{text}\r\n--{boundary}\r\n'
        f"Content-Type: application/vnd.gnupg.wks\r\n\r\n{armoured}\r\n--{boundary}--\r\n"
    )
    return _message(letter, "Confirm your key publication", "confirm", sign(payload.encode(), secret))


def done(letter: Letter, public: bytes) -> bytes:
    """§4.5: the owner learns that the key is published.

    Raises:
        PrivacyError
    """
    text = _DONE.format(address=letter.address, fingerprint=letter.fingerprint.upper())
    return _message(letter, "Your key has been published", "done", encrypt(text.encode(), [public]))


def _message(letter: Letter, subject: str, phase: str, entity: Entity) -> bytes:
    header = (
        f"From: {letter.directory}\r\nTo: {letter.address}\r\nSubject: {subject}\r\n"
        f"Date: {format_datetime(letter.at)}\r\nMessage-ID: {letter.message_id}\r\n"
        "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
        f"Wks-Draft-Version: {DRAFT}\r\nWKS-Phase: {phase}\r\n"
    )
    return b"".join([header.encode(), entity.fields, b"\r\n", entity.body])
