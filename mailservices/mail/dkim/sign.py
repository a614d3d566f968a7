"""Signing what leaves (RFC 6376 §5): one DKIM-Signature for each key, over the header and the whole body.

Always relaxed/relaxed: what hosts on the way do to space does not break the signature. The fields that a reader
judges a message by are signed once more than they occur (§8.15), so that nobody can add a second From or Subject.
"""

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)

from mailservices.mail.dkim.canonical import BodyHashes, Covered, Fields, Form
from mailservices.mail.dkim.signature import NAMES, Algorithm

#: RFC 6376 §5.4.1, in the order of h=. Trace fields and Return-Path change on the way and are not signed.
ONCE_MORE: Final = (
    "from", "to", "cc", "subject", "date", "message-id", "reply-to", "in-reply-to", "references", "mime-version",
    "content-type", "content-transfer-encoding",
)  # fmt: skip
#: Signed where they are; a mailing list may add them.
AS_THEY_ARE: Final = (
    "sender", "content-id", "content-description", "content-disposition", "resent-date", "resent-from",
    "resent-to", "resent-cc", "resent-message-id", "list-id", "list-help", "list-unsubscribe",
    "list-unsubscribe-post", "list-subscribe", "list-post", "list-owner", "list-archive", "auto-submitted",
)  # fmt: skip
_LISTED: Final = tuple(
    (name, name.encode(), more) for listed, more in ((ONCE_MORE, 1), (AS_THEY_ARE, 0)) for name in listed
)
#: RFC 8301 §3.2: at least 2048 for signers.
RSA_BITS: Final = 2048
#: RFC 5322 §2.1.1.
_LINE: Final = 78
_FOLD: Final = "\r\n\t"
#: Ways to fill h= that are remembered: most mail of a client has the same fields.
_KNOWN: Final = 256

PrivateKey: TypeAlias = RSAPrivateKey | Ed25519PrivateKey
Tags: TypeAlias = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Key:
    """A private key, and the name that its public half is published under."""

    selector: str
    private: PrivateKey

    @property
    def algorithm(self) -> Algorithm:
        return Algorithm.ED25519 if isinstance(self.private, Ed25519PrivateKey) else Algorithm.RSA

    def sign(self, digest: bytes) -> bytes:
        """RFC 6376 §3.3.2; RFC 8463 §3: Ed25519 signs the digest too."""
        if isinstance(self.private, Ed25519PrivateKey):
            return self.private.sign(digest)
        return self.private.sign(digest, PKCS1v15(), Prehashed(SHA256()))


def new_private(algorithm: Algorithm) -> PrivateKey:
    """A new key; for RSA it takes a tenth of a second and more."""
    if algorithm is Algorithm.ED25519:
        return Ed25519PrivateKey.generate()
    return generate_private_key(public_exponent=65537, key_size=RSA_BITS)


def dump(private: PrivateKey) -> bytes:
    """PKCS #8 in DER, to be sealed and kept."""
    return private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def load(octets: bytes) -> PrivateKey:
    """What `dump` made.

    Raises:
        ValueError: it is no such key.
    """
    private = load_der_private_key(octets, None)
    if not isinstance(private, RSAPrivateKey | Ed25519PrivateKey):
        raise ValueError("neither RSA nor Ed25519")  # noqa: TRY004 - the caller's key is wrong, not its type
    return private


def record(private: PrivateKey) -> str:
    """The TXT record for its public half (RFC 6376 §3.6.1, RFC 8463 §4)."""
    public = private.public_key()
    if isinstance(private, Ed25519PrivateKey):
        octets, kind = public.public_bytes(Encoding.Raw, PublicFormat.Raw), "ed25519"
    else:
        octets, kind = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo), "rsa"
    return f"v=DKIM1; k={kind}; p={base64.b64encode(octets).decode()}"


class Signer:
    """Signs one message: made with its header, fed its body, then asked for the fields to prepend."""

    def __init__(self, header: bytes, keys: Iterable[Key], domain: str, now: int) -> None:
        self._header, self._keys, self._domain, self._now = header, tuple(keys), domain, now
        self._hashes = BodyHashes()
        self._hashes.want(Form.RELAXED)

    def feed(self, piece: bytes) -> None:
        self._hashes.feed(piece)

    def finish(self) -> bytes:
        """An RSA key takes a millisecond: to be called where that holds up nobody."""
        return sign(self._header, self._hashes.digest(Form.RELAXED), self._keys, self._domain, self._now)


def sign(header: bytes, body_hash: bytes, keys: Iterable[Key], domain: str, now: int) -> bytes:
    """The fields to prepend, one for each key.

    Args:
        header: with everything that the message will have when it leaves.
        body_hash: SHA-256 of the body in its relaxed form.
        domain: d=, the domain of From.
        now: seconds since 1970, for t=.
    """
    fields = Fields(header)
    names = signed_names(fields)
    covered = Covered(fields.chosen(names), Form.RELAXED)
    made = []
    for key in keys:
        tags = (
            ("v", "1"), ("a", str(key.algorithm)), ("c", "relaxed/relaxed"), ("d", domain), ("s", key.selector),
            ("t", str(now)), ("h", ":".join(names)), ("bh", base64.b64encode(body_hash).decode()), ("b", ""),
        )  # fmt: skip
        made.append(signed_field("DKIM-Signature", tags, covered, key))
    return b"".join(made)


def signed_names(fields: Fields) -> list[str]:
    """What h= names: each field as often as it occurs, some of them once more."""
    names: list[str] = []
    for name, octets, more in _LISTED:
        names += [name] * (len(fields.named(octets)) + more)
    # From comes first and is never cut off; no mail has so many fields.
    return names[:NAMES]


def signed_field(name: str, tags: Tags, covered: Covered, key: Key) -> bytes:
    """A field of these tags, whose empty b= is filled with the signature over the fields and itself."""
    value = base64.b64encode(key.sign(covered.digest(_folded(name, tags)))).decode()
    return _folded(name, [(tag, value if tag == "b" else text) for tag, text in tags])


def _folded(name: str, tags: Tags) -> bytes:
    """Folded where the relaxed form has a space anyway, after colons of h=, and within b=, which is not signed."""
    lines, line = [], f"{name}:"
    for number, (tag, value) in enumerate(tags, 1):
        text = f"{tag}={value}" + ";" * (number < len(tags))
        if len(line) + 1 + len(text) > _LINE:
            lines.append(line)
            line = ""
        pieces = _pieces(tag, text)
        for piece in pieces[:-1]:
            lines.append(f"{line} {piece}" if line else piece)
            line = ""
        line = f"{line} {pieces[-1]}" if line else pieces[-1]
    return (_FOLD.join([*lines, line]) + "\r\n").encode()


def _pieces(tag: str, text: str) -> Sequence[str]:
    """A tag that is longer than a line, cut; always at the same places, whatever stands before it."""
    room = _LINE - len("\t")
    if len(text) <= room or tag not in ("h", "b"):
        return [text]
    if tag == "b":
        return [text[start : start + room] for start in range(0, len(text), room)]
    return _cut_names(text, room)


@lru_cache(_KNOWN)
def _cut_names(text: str, room: int) -> Sequence[str]:
    """The names of h=, cut after colons."""
    pieces, piece = [], ""
    for name in text.split(":"):
        longer = f"{piece}:{name}" if piece else name
        if len(longer) >= room and piece:
            pieces.append(f"{piece}:")
            longer = name
        piece = longer
    return [*pieces, piece]
