"""Autocrypt headers (Autocrypt Level 1): a sender's OpenPGP certificate with her messages; read and written.

What is read here is no proof: the caller learns it only where the domain in From is borne out (DMARC, DKIM), and
not from junk. Level 1 §2 "Parsing", §3.1 "Updating Autocrypt Peer State".
"""

import binascii
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pysequoia.packet import Packet, PacketPile, Tag

from mailservices.mail import address, addresses, dates, headers
from mailservices.mail.errors import ProtocolError
from mailservices.mail.openpgp import keys
from mailservices.mail.openpgp.library import errors
from mailservices.mail.privacy import Described, PrivacyError

#: Octets of one field. Level 1 §2 has ten kibibytes; keys have grown since.
FIELD_OCTETS: Final = 32 * 1024
#: Fields that are looked at: of two good ones, none is believed.
FIELDS: Final = 4
LINE_LETTERS: Final = 72

_SPACE: Final = re.compile(rb"[ \t\r\n]+")
_KEYS: Final = (Tag.PublicKey, Tag.PublicSubkey)
_KNOWN: Final = ("addr", "keydata", "prefer-encrypt")


@dataclass(frozen=True, slots=True)
class Told:
    """What a sender tells of her key."""

    #: In normal form.
    address: str
    prefers_encryption: bool
    public: bytes
    described: Described
    #: When it was told: the message's date, but not one that is still to come.
    moment: datetime


def read(header: bytes, now: datetime) -> Told | None:
    """What the one good Autocrypt field says; None where there is none, or the message is none to learn from."""
    moment = dates.parse_field(headers.first(header, b"date") or b"")
    who = author(header)
    if moment is None or not who or _is_passed_over(header):
        return None
    found = [told for told in _fields(header, who, min(moment, now), now) if told]
    return found[0] if len(found) == 1 else None


def author(header: bytes) -> str:
    """The address in From, where there is just one, in normal form."""
    fields = [headers.unfold(value) for name, value in headers.fields(header) if name == b"from"]
    listed = addresses.parse(fields[0]) if len(fields) == 1 else []
    if len(listed) != 1 or not listed[0].mailbox or not listed[0].host:
        return ""
    return _normal(b"%b@%b" % (listed[0].mailbox, listed[0].host))


def _normal(written: bytes) -> str:
    try:
        parsed = address.parse(written.decode())
    except (ProtocolError, UnicodeDecodeError):
        return ""
    return f"{parsed.key}@{parsed.domain}"


def _is_passed_over(header: bytes) -> bool:
    """Reports are no peer's (Level 1 §3.1), and lists write in the name of others."""
    return any(
        name.startswith(b"list-") or (name == b"content-type" and b"multipart/report" in value.lower())
        for name, value in headers.fields(header)
    )


def _fields(header: bytes, author: str, moment: datetime, now: datetime) -> Iterator[Told | None]:
    values = [value for name, value in headers.fields(header) if name == b"autocrypt"]
    for value in values[:FIELDS]:
        yield _told(value, author, moment, now) if len(value) <= FIELD_OCTETS else None


def _told(value: bytes, author: str, moment: datetime, now: datetime) -> Told | None:
    said: dict[str, bytes] = {}
    for attribute in headers.unfold(value).split(b";"):
        name, equals, text = attribute.partition(b"=")
        key = name.strip().lower().decode("latin-1")
        if not key and not equals:
            continue
        if key not in _KNOWN and not key.startswith("_"):
            # Level 1 §2: what is critical and not understood makes the field invalid.
            return None
        said[key] = text.strip()
    if _normal(said.get("addr", b"")) != author:
        return None
    try:
        public = binascii.a2b_base64(_SPACE.sub(b"", said.get("keydata", b"")), strict_mode=True)
        read = keys.read(public)
        described = keys.describe(read.public)
    except (PrivacyError, ValueError):
        return None
    if read.secret is not None or described.broken(now):
        return None
    return Told(author, said.get("prefer-encrypt", b"") == b"mutual", read.public, described, moment)


def field(mailbox: str, public: bytes, *, mutual: bool) -> bytes:
    """The field that tells a certificate, with its line end (Level 1 §2.1).

    Raises:
        PrivacyError: it is no certificate.
    """
    data = binascii.b2a_base64(minimal(public, mailbox), newline=False)
    lines = [b" " + data[start : start + LINE_LETTERS] for start in range(0, len(data), LINE_LETTERS)]
    prefers = " prefer-encrypt=mutual;" if mutual else ""
    return b"\r\n".join([f"Autocrypt: addr={mailbox};{prefers} keydata=".encode(), *lines, b""])


def minimal(public: bytes, mailbox: str) -> bytes:
    """Of a certificate what a correspondent needs: one User ID, its keys, what they have signed themselves.

    Raises:
        PrivacyError: it is no certificate.
    """
    with errors("this is no OpenPGP certificate"):
        packets = list(PacketPile.from_bytes(keys.read(public).public))
        own, named = packets[0].fingerprint, _user_id(packets, mailbox)
        kept, wanted = [], True
        for packet in packets:
            if packet.tag != Tag.Signature:
                wanted = packet.tag in _KEYS or packet is named
            if wanted and (packet.tag != Tag.Signature or packet.issuer_fingerprint == own):
                kept.append(bytes(packet))
    return b"".join(kept)


def _user_id(packets: Sequence[Packet], mailbox: str) -> Packet | None:
    """That of the address; of a key that does not name it, the first."""
    found = [one for one in packets if one.tag == Tag.UserID]
    named = [one for one in found if (one.user_id_email or "").lower() == mailbox.lower()]
    return next(iter(named + found), None)
