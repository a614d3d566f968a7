"""OpenPGP certificates and secret keys: read, described, made, renewed, revoked.

A certificate is kept in binary form. Whatever is weak is described with the reason why it is refused.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

import pysequoia
from pysequoia import Cert, Tsk
from pysequoia.packet import HashAlgorithm, Packet, PacketPile, PublicKeyAlgorithm, SignatureType, Tag

from mailservices.mail import address
from mailservices.mail.errors import ProtocolError
from mailservices.mail.openpgp import modest
from mailservices.mail.openpgp.library import errors
from mailservices.mail.privacy import Described, PrivacyError

#: Octets of a certificate, armoured or not: with many certifications of others it grows.
CERTIFICATE_OCTETS: Final = 512 * 1024
#: Packets of a certificate that are looked at, and User IDs with addresses that are kept of it.
PACKETS: Final = 2000
#: Certificates of one address that are looked at.
CERTIFICATES: Final = 10
ADDRESSES: Final = 50
#: RFC 9580 §12.4, and NIST SP 800-131A: fewer bits are not to be used.
RSA_BITS: Final = 2048
SUBJECT_CHARACTERS: Final = 200

_RSA: Final = (PublicKeyAlgorithm.RSAEncryptSign, PublicKeyAlgorithm.RSAEncrypt, PublicKeyAlgorithm.RSASign)
_OLD: Final = (PublicKeyAlgorithm.DSA, PublicKeyAlgorithm.ElGamalEncrypt, PublicKeyAlgorithm.ElGamalEncryptSign)
_WEAK_HASHES: Final = (HashAlgorithm.MD5, HashAlgorithm.SHA1, HashAlgorithm.RipeMD)
_KEYS: Final = (Tag.PublicKey, Tag.PublicSubkey, Tag.SecretKey, Tag.SecretSubkey)
_SECRETS: Final = (Tag.SecretKey, Tag.SecretSubkey)
_SELF: Final = (SignatureType.DirectKey, SignatureType.PositiveCertification)
#: RFC 9580 §9.2: object identifiers of curves, as they stand in keys.
_CURVES: Final = {
    bytes.fromhex("2a8648ce3d030107"): "P-256",
    bytes.fromhex("2b81040022"): "P-384",
    bytes.fromhex("2b81040023"): "P-521",
    bytes.fromhex("2b2403030208010107"): "brainpoolP256r1",
    bytes.fromhex("2b240303020801010b"): "brainpoolP384r1",
    bytes.fromhex("2b240303020801010d"): "brainpoolP512r1",
    bytes.fromhex("2b06010401da470f01"): "Ed25519",
    bytes.fromhex("2b060104019755010501"): "X25519",
}


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A certificate in binary form, and its secret key where that was with it."""

    public: bytes
    secret: bytes | None


def read(octets: bytes) -> KeyPair:
    """One certificate or secret key, armoured or binary, as people bring them.

    Raises:
        PrivacyError: it is none, it is more than one, or its secret key has a passphrase.
    """
    if len(octets) > CERTIFICATE_OCTETS:
        raise PrivacyError(f"the file has more than {CERTIFICATE_OCTETS} octets")
    with errors("this is no OpenPGP key"):
        public = bytes(Cert.from_bytes(octets))
        if not any(one.tag in _SECRETS for one in PacketPile.from_bytes(octets)):
            return KeyPair(public, None)
        tsk = Tsk.from_bytes(octets)
        secret = bytes(tsk)
    with errors("the secret key cannot be used; it may have a passphrase: remove it first"):
        tsk.certifier()
    return KeyPair(public, secret)


def generate(name: str, mailbox: str, expires_at: datetime | None = None) -> KeyPair:
    """A new key that every OpenPGP program reads: Ed25519 and X25519 in version 4 (RFC 9580 §10.1 and before).

    Raises:
        PrivacyError
    """
    user_id = f"{name} <{mailbox}>" if name else f"<{mailbox}>"
    with errors("no key could be made"):
        tsk = modest.modest(Tsk.generate(user_id, profile=pysequoia.Profile.RFC4880))
        made = KeyPair(bytes(tsk.extract_certificate()), bytes(tsk))
    return renewed(made.secret or b"", expires_at) if expires_at else made


def renewed(secret: bytes, expires_at: datetime) -> KeyPair:
    """The same key with another end: that of its primary key, which those under it follow.

    Raises:
        PrivacyError: also where a key under it has an end of its own, which the library cannot change.
    """
    with errors("the key cannot be renewed"):
        tsk = Tsk.from_bytes(secret)
        changed = tsk.extract_certificate().set_expiration(expires_at, tsk.certifier())
        made = _joined(bytes(changed), bytes(tsk))
        pair = KeyPair(bytes(made.extract_certificate()), bytes(made))
    ends = describe(pair.public).expires_at
    if ends is not None and ends < expires_at.replace(microsecond=0):
        raise PrivacyError(f"a key under it ends on {ends:%Y-%m-%d}: renew it where it was made")
    return pair


def _joined(public: bytes, secret: bytes) -> Tsk:
    """The secret key with the newer signatures that the certificate has.

    Older ones of the same second would leave it open which holds (RFC 9580 §5.2.3.10).
    """
    known = {bytes(one): one for one in PacketPile.from_bytes(secret)}
    secrets = {one.fingerprint: one for one in known.values() if one.tag in _SECRETS}
    packets = list(PacketPile.from_bytes(public))
    newest = max(one.signature_created for one in packets if one.signature_created and bytes(one) not in known)
    return Tsk.from_packets(
        [
            secrets.get(one.fingerprint, one)
            for one in packets
            if one.signature_type not in _SELF or bytes(one) not in known or one.signature_created != newest
        ]
    )


def revoked(secret: bytes) -> bytes:
    """The certificate with a signature that takes it back, for all who look it up.

    Raises:
        PrivacyError
    """
    with errors("the key cannot be revoked"):
        tsk = Tsk.from_bytes(secret)
        public = tsk.extract_certificate()
        return bytes(Cert.from_bytes(bytes(public) + bytes(public.revoke(tsk.certifier()))))


def merged(known: bytes, newer: bytes) -> bytes:
    """What two copies of one certificate say together: nothing that was known, such as a revocation, is forgotten.

    Raises:
        PrivacyError: they are of different keys.
    """
    with errors("the keys do not belong together"):
        return bytes(Cert.from_bytes(known).merge(Cert.from_bytes(newer)))


def armoured(public: bytes) -> str:
    """As people pass it on.

    Raises:
        PrivacyError
    """
    with errors("this is no OpenPGP key"):
        return str(Cert.from_bytes(public))


class Usable(NamedTuple):
    """A certificate that mail can be encrypted to, and what it is."""

    public: bytes
    described: Described


def usable(octets: bytes, mailbox: str, now: datetime) -> Usable:
    """Of the certificates that a directory has for an address (in normal form), the newest that can be used.

    Raises:
        PrivacyError: none can; why the last one cannot.
    """
    with errors("this is no OpenPGP certificate"):
        certificates = [bytes(one) for one in Cert.split_bytes(octets)][:CERTIFICATES]
    why, found = "there is no certificate", []
    for public in certificates:
        described = describe(public)
        named = mailbox in {one.lower() for one in described.addresses}
        broken = described.broken(now) or ("" if named else "the key is for another address")
        why = broken or why
        if not broken:
            found.append(Usable(public, described))
    if not found:
        raise PrivacyError(why)
    return max(found, key=lambda one: one.described.not_before)


def describe(public: bytes) -> Described:
    """What a certificate is.

    Raises:
        PrivacyError: it is none.
    """
    if len(public) > CERTIFICATE_OCTETS:
        raise PrivacyError(f"the certificate has more than {CERTIFICATE_OCTETS} octets")
    with errors("this is no OpenPGP certificate"):
        cert = Cert.from_bytes(public)
        packets = list(_packets(bytes(cert)))
        fingerprint, revoked = cert.fingerprint, cert.is_revoked
        keys = _keys(packets)
        refusal = _refusal(keys, packets)
    user_ids, expires_at = [], None
    if not refusal:
        try:
            with errors("the key cannot be used"):
                user_ids, expires_at = [str(one) for one in cert.user_ids], cert.expiration
        except PrivacyError as error:
            refusal = str(error)
    return Described(
        fingerprint,
        _algorithm(keys),
        tuple(_addresses(user_ids)),
        keys[0].created,
        _end(expires_at, keys),
        revoked,
        signs=any(one.signs for one in keys),
        encrypts=not refusal and _can_be_encrypted_to(cert),
        subject=user_ids[0][:SUBJECT_CHARACTERS] if user_ids else "",
        refusal=refusal,
    )


@dataclass(slots=True)
class _Key:
    """A key of a certificate, and what the signatures behind it say of it."""

    algorithm: PublicKeyAlgorithm
    name: str
    bits: int
    created: datetime
    signs: bool = False
    encrypts: bool = False
    #: None: never.
    expires_at: datetime | None = None
    bound_at: datetime | None = None


def _packets(public: bytes) -> Iterator[Packet]:
    for n, packet in enumerate(PacketPile.from_bytes(public)):
        if n == PACKETS:
            raise PrivacyError(f"the certificate has more than {PACKETS} packets")
        yield packet


def _keys(packets: Sequence[Packet]) -> list[_Key]:
    """The primary key first. Signatures of keys and User IDs follow what they are of (RFC 9580 §10.1)."""
    found: list[_Key] = []
    for packet in packets:
        if packet.tag in _KEYS and packet.key_algorithm is not None and packet.key_created is not None:
            name, bits = _named(packet)
            found.append(_Key(packet.key_algorithm, name, bits, packet.key_created))
        elif packet.tag == Tag.Signature and packet.key_flags is not None:
            _bind(found[-1] if packet.signature_type == SignatureType.SubkeyBinding else found[0], packet)
    return found


def _bind(key: _Key, packet: Packet) -> None:
    """The latest signature says what a key is for, and for how long (RFC 9580 §5.2.3.10)."""
    made, flags = packet.signature_created, packet.key_flags
    if flags is None or (key.bound_at is not None and made is not None and made < key.bound_at):
        return
    key.bound_at = made
    key.signs = flags.signing
    key.encrypts = flags.transport_encryption or flags.storage_encryption
    valid = packet.key_validity_period
    key.expires_at = key.created + valid if valid else None


def _named(packet: Packet) -> tuple[str, int]:
    """What an algorithm is called, with its size; and of RSA its bits."""
    algorithm, body = packet.key_algorithm, packet.body
    # RFC 9580 §5.5.2: version, four octets of time, algorithm; in version 6 four octets of length besides.
    material = body[10:] if body[:1] == b"\x06" else body[6:]
    if algorithm in _RSA or algorithm in _OLD:
        bits = int.from_bytes(material[:2], "big")
        name = "RSA" if algorithm in _RSA else "DSA" if algorithm == PublicKeyAlgorithm.DSA else "ElGamal"
        return f"{name} {bits}", bits
    if algorithm in (PublicKeyAlgorithm.ECDSA, PublicKeyAlgorithm.EdDSA, PublicKeyAlgorithm.ECDH):
        return _CURVES.get(material[1 : 1 + material[0]] if material else b"", "an unknown curve"), 0
    return str(algorithm).rpartition(".")[2].replace("_", " + "), 0


def _algorithm(keys: Sequence[_Key]) -> str:
    """The primary key's, and that of the key that is encrypted to where it is another."""
    last = [one.name for one in keys if one.encrypts]
    return keys[0].name if not last or last[-1] == keys[0].name else f"{keys[0].name} + {last[-1]}"


def _refusal(keys: Sequence[_Key], packets: Sequence[Packet]) -> str:
    for key in keys:
        if key.algorithm in _OLD:
            return f"{key.name.partition(' ')[0]} is not safe any more: make a new key"
        if key.algorithm in _RSA and key.bits < RSA_BITS:
            return f"RSA of {key.bits} bits is too weak: make a key of {RSA_BITS} bits at least"
    own = [one for one in packets if one.tag == Tag.Signature and one.key_flags is not None]
    if own and all(one.hash_algorithm in _WEAK_HASHES for one in own):
        return "its own signatures are made with SHA-1 or older: have its owner sign it anew"
    return ""


def _addresses(user_ids: Sequence[str]) -> Iterator[str]:
    for user_id in user_ids[:ADDRESSES]:
        written = user_id.rpartition("<")[2].rstrip("> ") if "<" in user_id else user_id.strip()
        try:
            yield str(address.parse(written))
        except ProtocolError:
            continue


def _end(expires_at: datetime | None, keys: Sequence[_Key]) -> datetime | None:
    """The primary key's end, or that of the last key that can be encrypted to, whichever comes first."""
    last = [one.expires_at for one in keys if one.encrypts]
    known = [one for one in last if one is not None]
    ends = [max(known)] if known and len(known) == len(last) else []
    return min([*ends, *([expires_at] if expires_at is not None else [])], default=None)


def _can_be_encrypted_to(cert: Cert) -> bool:
    """Only the library knows which of the keys it takes."""
    try:
        with errors("nothing can be encrypted to the key"):
            pysequoia.encrypt(b"", [cert])
    except PrivacyError:
        return False
    return True
