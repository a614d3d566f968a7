"""What OpenPGP and S/MIME share: which part of a message is protected, and which stays outside (RFC 9788).

A message is split in two: the outer header, for those who carry and list it, and the payload, which is signed or
encrypted: the message's own type and body under a copy of its header fields. `mail/openpgp` and `mail/smime` make
an Entity of a payload, `message` puts the outer header before it.

From RFC 9788: §2.1 the parameter hp of the payload's Content-Type, §2.2 the fields HP-Outer, §3.2.1 what a
cautious writer hides. Older readers look for protected-headers="v1" instead; they are told too.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from mailservices.mail import content, headers
from mailservices.mail.findings import Result
from mailservices.mail.headers import Octets

#: RFC 9788 §3.2.1: what stands outside for a subject that is inside.
HIDDEN_SUBJECT: Final = b"[...]"
#: RFC 9788 §3.2.1: what says something of the text, and nobody needs on the way.
_TALKATIVE: Final = frozenset({b"comments", b"keywords"})

#: What those who carried the message wrote: it stays outside and is no part of what the author wrote.
TRACE: Final = frozenset({
    b"return-path", b"delivered-to", b"received", b"authentication-results", b"received-spf", b"x-junk-reason",
})  # fmt: skip
#: Of a message that came in readable, what IMAP lists, sorts and threads by, and filters for lists need. The
#: signatures of those who carried it go inside: bh= of DKIM and ARC tells whether a guess at the text is right.
LISTED: Final = TRACE | {
    b"date", b"from", b"sender", b"reply-to", b"to", b"cc", b"bcc", b"message-id", b"in-reply-to", b"references",
    b"resent-date", b"resent-from", b"resent-sender", b"resent-to", b"resent-cc", b"resent-message-id",
    b"list-id", b"list-unsubscribe", b"list-unsubscribe-post", b"auto-submitted", b"precedence",
}  # fmt: skip

#: An hp parameter that came from outside says nothing of our payload.
_HP: Final = re.compile(
    rb";[ \t\r\n]*(?:hp|protected-headers)[ \t]*=[ \t]*(?:\"[^\"\r\n]*\"|[^\s;\"]*)", re.IGNORECASE
)
_BARE: Final = re.compile(rb"(?<!\r)\n")
_NOTHING: Final = content.MediaType(b"", b"")
_PLAIN: Final = b"Content-Type: text/plain; charset=us-ascii"


class PrivacyError(Exception):
    """A key, a signature or an encrypted message is not what it should be; the words are for people."""


@dataclass(frozen=True, slots=True)
class Described:
    """What a public key or certificate says of itself."""

    #: Lower-case hexadecimal.
    fingerprint: str
    #: Such as "RSA 3072", or "Ed25519 + X25519" where one key signs and another one is encrypted to.
    algorithm: str
    #: As they stand in it, such as "alice@example.org".
    addresses: tuple[str, ...]
    not_before: datetime
    #: When it, or the last key in it that can be encrypted to, ends; None: never.
    expires_at: datetime | None
    revoked: bool
    signs: bool
    encrypts: bool
    #: Whom it is for and who vouches for it: of a certificate its names, of an OpenPGP key its first User ID.
    subject: str = ""
    issuer: str = ""
    #: Why it is not to be used, in words, such as "RSA of 1024 bits is too weak"; empty: it may be.
    refusal: str = ""

    def broken(self, now: datetime) -> str:
        """Why nothing can be encrypted to it now; empty: it can."""
        if self.refusal:
            return self.refusal
        if self.revoked:
            return "the key was revoked"
        if self.expires_at is not None and self.expires_at <= now:
            return f"the key expired on {self.expires_at:%Y-%m-%d}"
        if self.not_before > now:
            return f"the key is not valid before {self.not_before:%Y-%m-%d}"
        return "" if self.encrypts else "nothing can be encrypted to the key"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a signature, in the words of RFC 8601 §2.7; NONE where there was none."""

    result: Result
    #: A few words for a reader of the header.
    reason: str = ""
    #: Of the key that signed, or, where it is not known, whatever the signature calls it; lower-case hexadecimal.
    fingerprint: str = ""
    #: Whom the key is for.
    addresses: tuple[str, ...] = ()
    signed_at: datetime | None = None


class Entity(NamedTuple):
    """A MIME entity without the header fields of its message: its Content fields, and its body."""

    #: Each with its line end; no empty line.
    fields: bytes
    body: bytes


def is_structural(name: bytes) -> bool:
    """RFC 9788 §1.1.1: fields that say how the body is to be read; the name in lower case."""
    return name.startswith(b"content-") or name == b"mime-version"


def outer_of_arrived(header: bytes, *, hide_subject: bool) -> bytes:
    """The fields that stay outside of a message that came in readable and is encrypted for its owner."""
    return _chosen(header, LISTED | {b"subject"}, hide_subject=hide_subject)


def outer_of_leaving(header: bytes, *, hide_subject: bool) -> bytes:
    """The fields that stay outside of a message that its author has encrypted (RFC 9788 §3.2.1 hcp_baseline)."""
    names = {name for name, _ in headers.fields(header) if not is_structural(name)}
    return _chosen(header, names - _TALKATIVE if hide_subject else names, hide_subject=hide_subject)


def outer_of_signed(header: bytes) -> bytes:
    """All fields but those that say how the body is read: what is only signed hides nothing."""
    return headers.without(_lines(header), lambda name, _: is_structural(name))


def _chosen(header: bytes, names: set[bytes] | frozenset[bytes], *, hide_subject: bool) -> bytes:
    kept = []
    for name, field in headers.whole_fields(_lines(header)):
        if name == b"subject" and hide_subject:
            kept.append(b"Subject: " + HIDDEN_SUBJECT + b"\r\n")
        elif name in names:
            kept.append(field)
    return b"".join(kept)


def payload(header: bytes, body: Octets, outer: bytes | None = None) -> bytes:
    """What is signed or encrypted: the message's own type and body, under a copy of its fields (RFC 9788 §5.2).

    Args:
        outer: the fields that will stand outside of what is encrypted; None where it is only signed.
    """
    said: list[bytes] = []
    types: list[bytes] = []
    structural: list[bytes] = []
    for name, field in headers.whole_fields(_lines(header)):
        if name == b"content-type":
            types.append(field)
        elif is_structural(name):
            structural.append(field)
        elif name not in TRACE and name != b"hp-outer":
            said.append(field)
    if outer is not None:
        said += [b"HP-Outer: " + field for name, field in headers.whole_fields(outer) if name not in TRACE]
    fields = b"".join([*said, *structural, _marked(types, b"clear" if outer is None else b"cipher")])
    return fields + b"\r\n" + body[:]


def _lines(header: bytes) -> bytes:
    """The fields, each with its line end, without the empty line; bare LF, which APPEND may bring, mended."""
    header = _BARE.sub(b"\r\n", header.rstrip(b"\r\n"))
    return header + b"\r\n" if header else b""


def _marked(types: list[bytes], how: bytes) -> bytes:
    """The Content-Type fields, of which the first says that fields are protected, and how (RFC 9788 §2.1)."""
    # RFC 2045 §5.2: what says nothing, or nothing that can be read, is plain text.
    readable = bool(types) and content.parse(types[0].partition(b":")[2], _NOTHING) is not _NOTHING
    first = _HP.sub(b"", types[0]).rstrip(b"; \t\r\n") if readable else _PLAIN
    return first + b';\r\n hp="' + how + b'"; protected-headers="v1"\r\n'


def message(outer: bytes, entity: Entity) -> tuple[bytes, bytes]:
    """Header and body of the whole message."""
    return outer + b"MIME-Version: 1.0\r\n" + entity.fields + b"\r\n", entity.body
