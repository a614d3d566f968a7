"""The self-signature of a new key, made modest: it says what every OpenPGP program can do, and no more.

The library says of each key that it makes that its owner reads encrypted data of version 2 (RFC 9580 §5.13.2), and
whoever writes to her, ourselves included, then uses that; GnuPG 2.2 and Thunderbird cannot read it. It has no way
to say less. So the User ID is bound to the key by a signature with other features: its octets are made here
(RFC 9580 §5.2.3, §5.2.4), signed by `cryptography`, and read back by the library, which verifies it.
"""

from collections.abc import Sequence
from hashlib import sha512
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pysequoia import Tsk
from pysequoia.packet import Packet, PacketPile, SignatureType, Tag

from mailservices.mail.privacy import PrivacyError

#: RFC 9580 §5.2.1, §9.1, §9.5: certification of a User ID, by EdDSA in its older form, over SHA-512.
_CERTIFICATION: Final = 0x13
_EDDSA: Final = 22
_SHA512: Final = 10
#: §5.2.3.7: which kinds there are of what a signature says.
_CREATED, _ISSUER, _CIPHERS, _HASHES, _PRIMARY, _FLAGS, _FEATURES, _FINGERPRINT = 2, 16, 11, 21, 25, 27, 30, 33
#: §5.2.3.29: certify. §5.2.3.32: encrypted data of version 1, protected against changes.
_CERTIFY: Final = b"\x01"
_VERSION_1: Final = b"\x01"
#: §9.3, §9.5: AES-256, AES-128; SHA-512, SHA-256.
_AES: Final = b"\x09\x07"
_SHA: Final = b"\x0a\x08"
#: Octets of the public part of such a key (§5.5.2, §5.5.5.5): version, time, algorithm, curve, point.
_PUBLIC_OCTETS: Final = 51


def modest(tsk: Tsk) -> Tsk:
    """The same key, bound to its User ID by a signature of few words.

    Raises:
        PrivacyError: it is not of the kind that is made here.
    """
    packets = list(PacketPile.from_bytes(bytes(tsk)))
    primary, user_id = packets[0], next((one for one in packets if one.tag == Tag.UserID), None)
    if user_id is None or not primary.fingerprint or primary.body[5:6] != bytes([_EDDSA]):
        raise PrivacyError("the key is not of the kind that is made here")
    created = next(one.signature_created for one in packets if one.signature_created)
    bound = _signature(primary, user_id.body, int(created.timestamp()))
    kept = [
        one for one in packets if one.tag != Tag.Signature or one.signature_type == SignatureType.SubkeyBinding
    ]
    return Tsk.from_packets(_with(kept, user_id, PacketPile.from_bytes(bound)))


def _with(packets: Sequence[Packet], user_id: Packet, bound: PacketPile) -> list[Packet]:
    found: list[Packet] = []
    for one in packets:
        found.append(one)
        if one is user_id:
            found += list(bound)
    return found


def _signature(primary: Packet, user_id: bytes, created: int) -> bytes:
    """A signature packet (§5.2.3) of the primary key over itself and the User ID (§5.2.4)."""
    public, private = primary.body[:_PUBLIC_OCTETS], _private(primary.body[_PUBLIC_OCTETS:])
    fingerprint = bytes.fromhex(primary.fingerprint or "")
    said = b"".join([
        _said(_CREATED, created.to_bytes(4, "big")), _said(_FLAGS, _CERTIFY), _said(_FEATURES, _VERSION_1),
        _said(_CIPHERS, _AES), _said(_HASHES, _SHA), _said(_PRIMARY, b"\x01"),
        _said(_FINGERPRINT, b"\x04" + fingerprint),
    ])  # fmt: skip
    hashed = bytes([4, _CERTIFICATION, _EDDSA, _SHA512]) + len(said).to_bytes(2, "big") + said
    over = b"\x99" + len(public).to_bytes(2, "big") + public
    over += b"\xb4" + len(user_id).to_bytes(4, "big") + user_id
    over += hashed + b"\x04\xff" + len(hashed).to_bytes(4, "big")
    digest = sha512(over).digest()
    made = private.sign(digest)
    issuer = _said(_ISSUER, fingerprint[-8:])
    body = b"".join([
        hashed, len(issuer).to_bytes(2, "big"), issuer, digest[:2], _number(made[:32]), _number(made[32:]),
    ])  # fmt: skip
    return b"\xc2" + _length(len(body)) + body


def _said(kind: int, octets: bytes) -> bytes:
    """§5.2.3.7: a subpacket; all of ours are short."""
    return bytes([len(octets) + 1, kind]) + octets


def _length(octets: int) -> bytes:
    """§4.2.1: of one octet, or of two."""
    return bytes([octets]) if octets < 192 else bytes([192 + (octets - 192 >> 8), octets - 192 & 0xFF])


def _number(octets: bytes) -> bytes:
    """§3.2: a multiprecision integer."""
    number = int.from_bytes(octets, "big")
    return number.bit_length().to_bytes(2, "big") + number.to_bytes((number.bit_length() + 7) // 8, "big")


def _private(secret: bytes) -> Ed25519PrivateKey:
    """§5.5.3: what stands behind the public part of a secret key: in the clear, a number, a checksum."""
    if secret[:1] != b"\0":
        raise PrivacyError("the key is not of the kind that is made here")
    bits = int.from_bytes(secret[1:3], "big")
    return Ed25519PrivateKey.from_private_bytes(secret[3 : 3 + (bits + 7) // 8].rjust(32, b"\0"))
