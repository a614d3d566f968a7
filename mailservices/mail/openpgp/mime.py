"""PGP/MIME (RFC 3156): encrypted and signed messages, made and recognised; PGP in the text itself, recognised.

What is made is an Entity (mail/privacy.py): its payload is what the caller wants to be protected.
"""

import re
from collections.abc import Sequence
from typing import Final

import pysequoia
from pysequoia import Cert, SignatureMode, Tsk

from mailservices.mail import transfer
from mailservices.mail.headers import Octets
from mailservices.mail.mime import Part
from mailservices.mail.openpgp.library import errors
from mailservices.mail.privacy import Entity, PrivacyError

#: Octets of a text that is looked at for PGP in the text itself.
INLINE_OCTETS: Final = 10 * 2**20

_MESSAGE: Final = re.compile(rb"\s*-----BEGIN PGP MESSAGE-----\r?\n")
_MESSAGE_END: Final = re.compile(rb"\n-----END PGP MESSAGE-----\s*\Z")
_END_OCTETS: Final = 200
_ENCRYPTED: Final = [(b"application", b"pgp-encrypted"), (b"application", b"octet-stream")]


def encrypt(payload: bytes, certificates: Sequence[bytes], secret: bytes | None = None) -> Entity:
    """RFC 3156 §4; with a secret key also signed, in one layer (§6.2).

    Whoever calls has looked at the certificates (Described.broken): the library takes those that have expired.

    Raises:
        PrivacyError: a certificate cannot be encrypted to.
    """
    if not certificates:
        raise PrivacyError("there is no key to encrypt to")
    with errors("it could not be encrypted"):
        signer = Tsk.from_bytes(secret).signer() if secret else None
        armoured = pysequoia.encrypt(payload, [Cert.from_bytes(one) for one in certificates], signer)
    boundary, lines = _boundary(armoured), _lines(armoured)
    # Of a large message, each copy counts.
    del armoured
    fields = (
        b'Content-Type: multipart/encrypted; protocol="application/pgp-encrypted";\r\n boundary="%b"\r\n'
        % boundary
    )
    head = (
        b"This is an OpenPGP/MIME encrypted message (RFC 3156).\r\n--%b\r\n"
        b"Content-Type: application/pgp-encrypted\r\nContent-Description: PGP/MIME version identification\r\n\r\n"
        b"Version: 1\r\n\r\n--%b\r\n"
        b'Content-Type: application/octet-stream; name="encrypted.asc"\r\n'
        b"Content-Description: OpenPGP encrypted message\r\n"
        b'Content-Disposition: inline; filename="encrypted.asc"\r\n\r\n'
    ) % (boundary, boundary)
    return Entity(fields, b"".join([head, lines, b"\r\n--%b--\r\n" % boundary]))


def sign(payload: bytes, secret: bytes) -> Entity:
    """RFC 3156 §5. The payload is of seven bits (mail/seven_bit.py), its lines end in CRLF.

    Raises:
        PrivacyError: the key cannot sign.
    """
    with errors("it could not be signed"):
        signature = pysequoia.sign(Tsk.from_bytes(secret).signer(), payload, mode=SignatureMode.DETACHED)
        digest = str(pysequoia.Sig.from_bytes(signature).hash_algorithm).rpartition(".")[2].lower()
    boundary = _boundary(signature)
    fields = (
        b'Content-Type: multipart/signed; micalg="pgp-%b"; protocol="application/pgp-signature";\r\n'
        b' boundary="%b"\r\n'
    ) % (digest.encode(), boundary)
    head = b"This is an OpenPGP/MIME signed message (RFC 3156).\r\n--%b\r\n" % boundary
    tail = (
        b'\r\n--%b\r\nContent-Type: application/pgp-signature; name="signature.asc"\r\n'
        b"Content-Description: OpenPGP digital signature\r\n"
        b'Content-Disposition: attachment; filename="signature.asc"\r\n\r\n%b\r\n--%b--\r\n'
    ) % (boundary, _lines(signature), boundary)
    return Entity(fields, b"".join([head, payload, tail]))


def _boundary(armoured: bytes) -> bytes:
    """One that nobody can have written into the payload: from the armour, which is random."""
    letters = bytes(octet for octet in armoured[-400:] if chr(octet).isalnum())
    return b"=_pgp_" + letters[-60:-30]


def _lines(armoured: bytes) -> bytes:
    return armoured.rstrip(b"\n").replace(b"\n", b"\r\n")


def is_encrypted(message: Part, body: Octets) -> bool:
    """Whether all of the text is encrypted already: as RFC 3156 §4 has it, or PGP in the text itself."""
    part = encrypted_part(message)
    return part is not None and _is_message(part, body)


def encrypted_part(message: Part) -> Part | None:
    """The part that holds what may be encrypted: the second one (RFC 3156 §4), or a text that is all there is."""
    if (message.type.type, message.type.subtype) == (b"multipart", b"encrypted"):
        kinds = [(one.type.type, one.type.subtype) for one in message.children]
        return message.children[1] if kinds == _ENCRYPTED else None
    return message if message.type.type == b"text" else None


def octets(part: Part, body: Octets, limit: int = INLINE_OCTETS) -> bytes:
    """What a part says, with its transfer encoding undone."""
    piece = bytes(body[part.body.start : min(part.body.end, part.body.start + limit)])
    return b"".join(transfer.undone([piece], part.encoding))


def _is_message(part: Part, body: Octets) -> bool:
    """Whether it begins and ends as an armoured message; what lies between is not looked at."""
    tail = bytes(body[max(part.body.start, part.body.end - _END_OCTETS) : part.body.end])
    end = b"".join(transfer.undone([tail], part.encoding))
    return _MESSAGE.match(octets(part, body, _END_OCTETS)) is not None and _MESSAGE_END.search(end) is not None
