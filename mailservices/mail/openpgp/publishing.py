"""What of a certificate is shown to strangers who ask for the key of one address; a key for its owner's programs.

Its other user IDs tell of other addresses of its owner; what others have signed of it tells whom she knows, and
may be of any length. Neither is needed to encrypt to her.
"""

from collections.abc import Iterator

import pysequoia
from pysequoia.packet import Packet, PacketPile, Tag

from mailservices.mail import address
from mailservices.mail.errors import ProtocolError
from mailservices.mail.openpgp.library import errors

_USERS = (Tag.UserID, Tag.UserAttribute)


def only(public: bytes, wanted: str) -> bytes:
    """The certificate with no user ID but those of this address, in normal form; empty where there is none.

    Raises:
        PrivacyError: it is no certificate.
    """
    with errors("this is no OpenPGP certificate"):
        packets = list(PacketPile.from_bytes(public))
        kept = list(_kept(packets, wanted))
        if not any(packet.tag == Tag.UserID for packet in kept):
            return b""
        return b"".join(bytes(packet) for packet in kept)


def private(secret: bytes) -> str:
    """A secret key as its owner takes it into a program of hers.

    Raises:
        PrivacyError
    """
    with errors("this is no OpenPGP key"):
        return str(pysequoia.armor(secret, pysequoia.ArmorKind.SecretKey))


def _kept(packets: list[Packet], wanted: str) -> Iterator[Packet]:
    """RFC 9580 §10.1: signatures stand behind what they are of; the primary key comes first."""
    primary = packets[0].fingerprint or ""
    passing = True
    for packet in packets:
        if packet.tag in _USERS:
            passing = packet.tag == Tag.UserID and _normal(packet.user_id or "") == wanted
        elif packet.tag != Tag.Signature:
            passing = True
        if passing and (packet.tag != Tag.Signature or _is_own(packet, primary)):
            yield packet


def _is_own(signature: Packet, primary: str) -> bool:
    if signature.issuer_fingerprint:
        return bool(signature.issuer_fingerprint == primary)
    return bool(signature.issuer_key_id) and primary.endswith(signature.issuer_key_id or "")


def _normal(user_id: str) -> str:
    written = user_id.rpartition("<")[2].rstrip("> ") if "<" in user_id else user_id.strip()
    try:
        parsed = address.parse(written)
    except ProtocolError:
        return ""
    return f"{parsed.key}@{parsed.domain}"
