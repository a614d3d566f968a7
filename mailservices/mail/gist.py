"""What SORT and THREAD compare of a message's header, ready to be kept and compared octet by octet."""

import re
from dataclasses import dataclass
from typing import Final

from mailservices.mail import addresses, headers, subject
from mailservices.mail.addresses import Listed
from mailservices.mail.collation import casemap
from mailservices.mail.text import decode_field

#: Octets of a field that are looked at; characters of a name that is sorted by.
FIELD_OCTETS: Final = 8 * 1024
NAME_CHARACTERS: Final = 500
#: References of one message: the last of them, which are the nearest.
REFERENCES: Final = 100

#: RFC 5322 §3.6.4 msg-id, the left side quoted or not.
_ID = re.compile(rb'<((?:"(?:[^"\\]|\\.)*"|[^<>"\s@])+@[^<>\s]{1,500})>', re.DOTALL)
_QUOTING = re.compile(rb'\\(.)|"', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Gist:
    """Texts are mapped by i;unicode-casemap; ids are normal forms without their brackets.

    Attributes:
        subject, is_reply: of mail/subject.py.
        sender, to, cc: the first address's mailbox (RFC 5256 §3).
        shown_sender, shown_to: the first address as RFC 5957 §3 shows it.
    """

    subject: str
    is_reply: bool
    sender: str
    to: str
    cc: str
    shown_sender: str
    shown_to: str
    message_id: str
    references: tuple[str, ...]


def read(header: bytes) -> Gist:
    """The gist of a message with this header; never fails, whatever it holds."""
    fields = headers.index(header)

    def value(name: bytes) -> bytes:
        values = fields.get(name)
        return headers.unfold(values[0])[:FIELD_OCTETS] if values else b""

    base, is_reply = subject.strip(decode_field(value(b"subject")))
    sender, to, cc = (_first(value(name)) for name in (b"from", b"to", b"cc"))
    ids = _ids(value(b"message-id"))
    # RFC 5256 §3 THREAD: In-Reply-To only where References says nothing, and of it the first.
    references = _ids(_last(fields.get(b"references"))) or _ids(value(b"in-reply-to"))[:1]
    return Gist(
        casemap(_clean(base)), is_reply, _mailbox(sender), _mailbox(to), _mailbox(cc), _shown(sender), _shown(to),
        ids[0] if ids else "", references[-REFERENCES:],
    )  # fmt: skip


def _last(values: list[bytes] | None) -> bytes:
    """The end of a long field tells of the nearest ancestors."""
    return headers.unfold(values[0])[-FIELD_OCTETS:] if values else b""


def _ids(value: bytes) -> tuple[str, ...]:
    """RFC 5256 §3 THREAD: quoting makes no difference."""
    return tuple(
        _clean(_QUOTING.sub(rb"\1", match[1]).decode("utf-8", "replace")) for match in _ID.finditer(value)
    )


def _first(value: bytes) -> Listed | None:
    found = addresses.parse(value) if value else []
    return found[0] if found else None


def _mailbox(address: Listed | None) -> str:
    return _name(address.mailbox or b"") if address else ""


def _shown(address: Listed | None) -> str:
    """RFC 5957 §3."""
    if address is None:
        return ""
    if address.name and (name := _name(address.name)):
        return name
    mailbox = address.mailbox or b""
    return _name(mailbox + b"@" + address.host if address.host else mailbox)


def _name(octets: bytes) -> str:
    return casemap(_clean(decode_field(octets)))[:NAME_CHARACTERS]


def _clean(text: str) -> str:
    """What a database can keep: some charsets decode to halves of characters, and to NUL."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
