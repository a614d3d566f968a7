"""OpenPGP signatures of messages, verified: multipart/signed (RFC 3156 §5), and text that is signed in itself.

Which keys are asked is the caller's to say: who wrote a message is not decided by the signature.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import pysequoia
from pysequoia import Cert, Sig
from pysequoia.packet import HashAlgorithm, PacketPile, SignatureType

from mailservices.mail import mime as parts
from mailservices.mail.findings import Result
from mailservices.mail.headers import Octets
from mailservices.mail.mime import Part
from mailservices.mail.openpgp import keys, mime
from mailservices.mail.openpgp.library import errors
from mailservices.mail.privacy import PrivacyError, Verdict

#: Octets of a signature, and signatures of one text that are looked at.
SIGNATURE_OCTETS: Final = 64 * 1024
SIGNATURES: Final = 5
#: Octets of what is signed: more is not verified.
SIGNED_OCTETS: Final = 50 * 2**20

NOT_SIGNED: Final = Verdict(Result.NONE)

_WEAK: Final = (HashAlgorithm.MD5, HashAlgorithm.SHA1, HashAlgorithm.RipeMD)
_OF_TEXTS: Final = (SignatureType.Binary, SignatureType.Text)
_CLEAR: Final = re.compile(rb"\s*-----BEGIN PGP SIGNED MESSAGE-----\r?\n")
_CLEAR_SIGNATURE: Final = re.compile(
    rb"\n(-----BEGIN PGP SIGNATURE-----\r?\n.*?\n-----END PGP SIGNATURE-----)(\s*)(.*)\Z", re.DOTALL
)
_LINE_END: Final = re.compile(rb"(?<!\r)\n")


@dataclass(frozen=True, slots=True)
class Signed:
    """What is signed, and by which signatures."""

    #: None where the armour holds it (clear text).
    text: bytes | None
    signatures: tuple[Sig, ...]
    armour: bytes = b""

    @property
    def issuers(self) -> tuple[str, ...]:
        """Fingerprints or key ids of the keys that made them, as the signatures say."""
        found = (one.issuer_fingerprint or one.issuer_key_id for one in self.signatures)
        return tuple(one.lower() for one in found if one)


def signed(header: bytes, body: Octets) -> Signed | None:
    """What is signed of a message; None where nothing is.

    Raises:
        PrivacyError: it looks signed, but cannot be read.
    """
    message = parts.scan(header, body)
    if (message.type.type, message.type.subtype) == (b"multipart", b"signed"):
        if (message.type.parameter(b"protocol") or b"").lower() != b"application/pgp-signature":
            return None
        return _detached(message, body)
    if message.type.type == b"text" and _CLEAR.match(mime.octets(message, body, 200)):
        return _clear(mime.octets(message, body))
    return None


def verify(found: Signed | None, certificates: Sequence[bytes], now: datetime) -> Verdict:
    """What the signatures are worth, as far as these keys can tell; one that holds suffices.

    NEUTRAL: none of these keys made it. POLICY: made by one that is not to be used, or with a weak digest.
    """
    if found is None:
        return NOT_SIGNED
    with errors("the signature cannot be verified"):
        verdicts = [_verdict(found, signature, certificates, now) for signature in found.signatures]
    order = (Result.PASS, Result.FAIL, Result.POLICY, Result.NEUTRAL)
    return min(verdicts, key=lambda one: order.index(one.result))


def _detached(message: Part, body: Octets) -> Signed:
    """RFC 3156 §5: the first part with its header, as it stands, with the line ends that mail has."""
    if len(message.children) != 2:
        raise PrivacyError("what is signed has two parts")
    first, second = message.children
    start = first.header.start if first.header else first.body.start
    if first.body.end - start > SIGNED_OCTETS:
        raise PrivacyError(f"more than {SIGNED_OCTETS} octets are signed")
    text = _LINE_END.sub(b"\r\n", bytes(body[start : first.body.end]))
    return Signed(text, tuple(_signatures(mime.octets(second, body, SIGNATURE_OCTETS))))


def _clear(octets: bytes) -> Signed:
    """RFC 9580 §7: what stands before or after the armour is not signed, so there must be none."""
    end = _CLEAR_SIGNATURE.search(octets)
    if end is None:
        raise PrivacyError("the signature has no end")
    if end[3]:
        raise PrivacyError("not all of the text is signed")
    return Signed(None, tuple(_signatures(end[1])), octets.lstrip())


def _signatures(octets: bytes) -> Iterator[Sig]:
    with errors("the signature cannot be read"):
        found = [one for one in PacketPile.from_bytes(octets) if one.signature_type in _OF_TEXTS]
        if not found:
            raise PrivacyError("the signature is none")
        for packet in found[:SIGNATURES]:
            yield Sig.from_bytes(bytes(packet))


def _verdict(found: Signed, signature: Sig, certificates: Sequence[bytes], now: datetime) -> Verdict:
    issuer = (signature.issuer_fingerprint or signature.issuer_key_id or "").lower()
    unknown = Verdict(Result.NEUTRAL, "the key is not known", issuer, (), signature.created)
    if signature.hash_algorithm in _WEAK:
        return Verdict(Result.POLICY, "it is made with SHA-1 or older", issuer, (), signature.created)
    for certificate in certificates:
        if not issuer or not _made_by(certificate, issuer):
            continue
        described = keys.describe(certificate)
        if described.refusal or described.revoked:
            why = described.refusal or "the key was revoked"
            return Verdict(Result.POLICY, why, described.fingerprint, described.addresses, signature.created)
        if _is_after(signature.created, described.expires_at):
            result, why = Result.POLICY, "the key had expired when it signed"
        elif _is_after(now, signature.expiration):
            result, why = Result.POLICY, "the signature has expired"
        elif _holds(found, signature, certificate):
            result, why = Result.PASS, ""
        else:
            result, why = Result.FAIL, "the text or the signature was changed"
        return Verdict(result, why, described.fingerprint, described.addresses, signature.created)
    return unknown


def _is_after(moment: datetime | None, end: datetime | None) -> bool:
    return moment is not None and end is not None and moment > end


def _made_by(certificate: bytes, issuer: str) -> bool:
    """Whether one of its keys has this fingerprint or key id."""
    return any(
        packet.fingerprint and issuer in (packet.fingerprint.lower(), (packet.key_id or "").lower())
        for packet in PacketPile.from_bytes(certificate)
    )


def _holds(found: Signed, signature: Sig, certificate: bytes) -> bool:
    try:
        with errors("the signature does not hold"):
            cert = Cert.from_bytes(certificate)
            if found.text is None:
                done = pysequoia.verify(found.armour, lambda _: [cert])
            else:
                done = pysequoia.verify(found.text, lambda _: [cert], signature=signature)
    except PrivacyError:
        return False
    return bool(done.valid_sigs)
