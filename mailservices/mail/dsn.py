"""Delivery reports (RFC 3464, in UTF-8 by RFC 6533): what happened, for people and for programs. Pure."""

import binascii
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.utils import format_datetime

from mailservices.mail import headers
from mailservices.mail.report_texts import ENGLISH, WORDS, Words

#: Octets of an original message that a report returns whole.
RETURNED_OCTETS = 256 * 1024

#: What a line of ours may repeat of a stranger's field.
_PRINTABLE = re.compile(rb"[ -~]{1,900}")

#: Kinds of which no other host has spoken.
_WITHOUT_WORDS = ("delivered", "expanded")


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one recipient."""

    address: str
    #: RFC 3461 §4.2, type;address; empty where absent.
    orcpt: str = ""
    #: RFC 3463; such as 5.1.1.
    status: str = ""
    #: The peer's name, where one answered, and its words.
    host: str = ""
    reply: str = ""
    last_attempt_at: datetime | None = None
    #: When trying ends.
    retry_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Original:
    """The message that is reported on."""

    sender: str
    envid: str
    arrived_at: datetime
    header: bytes
    #: None where only the header is returned (RFC 3461 §4.3).
    body: bytes | None = None
    #: RFC 2852 §5 and RFC 4865 §5.1.2; None and empty where they were not asked for.
    deliver_by: datetime | None = None
    future_release: str = ""
    #: One of LANGUAGES (mail/report_texts.py).
    language: str = ENGLISH


def build(kind: str, original: Original, fates: Sequence[Fate], hostname: str, now: datetime) -> bytes:
    """The whole report, with CRLF, ready for a null sender.

    Args:
        kind: failed, delayed, relayed, delivered or expanded.
    """
    words = WORDS[original.language]
    boundary = f"=_{secrets.token_hex(16)}"
    utf8 = not all(text.isascii() for text in (original.sender, *(fate.address for fate in fates)))
    head = [
        f"From: Mail Delivery <MAILER-DAEMON@{hostname}>",
        f"To: <{original.sender}>",
        f"Subject: {_subject(words.kinds[kind].subject)}",
        f"Date: {format_datetime(now)}",
        f"Message-ID: <{secrets.token_hex(16)}@{hostname}>",
        *_references(original.header),
        # RFC 3834 §5.1: nobody shall answer it by machine.
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/report; report-type=delivery-status; boundary="{boundary}"',
        "",
        words.preamble,
    ]
    people = _for_people(words, kind, fates)
    machines = _part(
        "message/global-delivery-status" if utf8 else "message/delivery-status",
        _encoded(_machines(kind, original, fates, hostname, utf8=utf8)),
    )
    parts = [people, machines, _returned(original)]
    if not all(map(bytes.isascii, parts)):
        # RFC 2045 §6.4: what holds 8-bit parts is 8-bit itself.
        head.insert(head.index(""), "Content-Transfer-Encoding: 8bit")
    delimiter = f"\r\n--{boundary}\r\n".encode()
    return delimiter.join([_encoded(head), *parts]) + f"\r\n--{boundary}--\r\n".encode()


def _encoded(lines: Sequence[str]) -> bytes:
    return "\r\n".join(lines).encode("utf-8", "replace")


def _part(kind: str, text: bytes) -> bytes:
    encoding = "" if text.isascii() else "Content-Transfer-Encoding: 8bit\r\n"
    return f"Content-Type: {kind}\r\n{encoding}\r\n".encode() + text


def _references(header: bytes) -> list[str]:
    """Lets mail programs show the report beside the message."""
    found = headers.first(header, b"message-id")
    if not found or not _PRINTABLE.fullmatch(found):
        return []
    return [f"In-Reply-To: {found.decode()}", f"References: {found.decode()}"]


def _subject(text: str) -> str:
    """RFC 2047 §2: what is not ASCII is encoded, also for readers that know no UTF-8."""
    return text if text.isascii() else Header(text, "utf-8", maxlinelen=900).encode()


def _for_people(words: Words, kind: str, fates: Sequence[Fate]) -> bytes:
    """ASCII where it can be; else quoted-printable, which any host takes; 8-bit only with such addresses."""
    octets = _encoded(_people(words, kind, fates))
    if octets.isascii() or not all(fate.address.isascii() for fate in fates):
        return _part("text/plain; charset=utf-8", octets)
    encoding = b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    return b"Content-Type: text/plain; charset=utf-8\r\n" + encoding + binascii.b2a_qp(octets)


def _people(words: Words, kind: str, fates: Sequence[Fate]) -> list[str]:
    text = words.kinds[kind]
    lines = [text.opening, ""]
    for fate in fates:
        said = words.said.format(host=fate.host) if fate.host else ""
        lines.append(f"  <{fate.address}>")
        if kind not in _WITHOUT_WORDS:
            lines.append(f"    {said}{_clean(fate.reply) or words.silent}")
        lines.append("")
    return [*lines, text.advice, ""]


def _machines(action: str, original: Original, fates: Sequence[Fate], hostname: str, *, utf8: bool) -> list[str]:
    lines = [f"Reporting-MTA: dns; {hostname}"]
    if original.envid:
        # RFC 3464 §2.2.1: as it was given, decoded.
        lines.append(f"Original-Envelope-Id: {_clean(original.envid)}")
    lines.append(f"Arrival-Date: {format_datetime(original.arrived_at)}")
    if original.deliver_by:
        lines.append(f"Deliver-By-Date: {format_datetime(original.deliver_by)}")
    if original.future_release:
        lines.append(f"Future-Release-Request: {original.future_release}")
    for fate in fates:
        lines.append("")
        if fate.orcpt:
            lines.append(f"Original-Recipient: {_clean(fate.orcpt)}")
        kind = "utf-8" if utf8 and not fate.address.isascii() else "rfc822"
        lines += [f"Final-Recipient: {kind}; {fate.address}", f"Action: {action}", f"Status: {fate.status}"]
        if fate.host:
            lines.append(f"Remote-MTA: dns; {_clean(fate.host)}")
            lines.append(f"Diagnostic-Code: smtp; {_clean(fate.reply)}")
        if fate.last_attempt_at:
            lines.append(f"Last-Attempt-Date: {format_datetime(fate.last_attempt_at)}")
        if action == "delayed" and fate.retry_until:
            lines.append(f"Will-Retry-Until: {format_datetime(fate.retry_until)}")
    return [*lines, ""]


def _clean(text: str) -> str:
    """A peer's words on one line, in ASCII, not endless."""
    shown = "".join(character if " " <= character <= "~" else "?" for character in text)
    return " ".join(shown.split())[:800]


def _returned(original: Original) -> bytes:
    """RFC 3461 §6.2: the header, or with RET=FULL the message."""
    if original.body is None:
        kind = "text/rfc822-headers" if original.header.isascii() else "message/global-headers"
        return _part(kind, original.header)
    kind = "message/rfc822" if original.header.isascii() else "message/global"
    return _part(kind, original.header + original.body)
