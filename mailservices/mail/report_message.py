"""The mail in which aggregate reports travel: DMARC's (RFC 7489 §7.2.1.1) and those on TLS (RFC 8460 §5.3)."""

import base64
import re
import secrets
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Final

from mailservices.mail import content, mime, transfer
from mailservices.mail.headers import Octets
from mailservices.mail.mime import Part

#: Attachments of one message that are looked at, and octets of each.
ATTACHMENTS: Final = 20
ATTACHMENT_OCTETS: Final = 10 * 2**20
#: Octets of a message that may hold them.
MESSAGE_OCTETS: Final = 16 * 2**20
_WORD: Final = re.compile(r"[^A-Za-z0-9.-]")


@dataclass(frozen=True, slots=True)
class Parcel:
    """A report of ours, packed, and what is written on it."""

    #: The domain that it is about, and ours.
    domain: str
    submitter: str
    report_id: str
    begin: datetime
    end: datetime
    #: "xml.gz" or "json.gz", and the media type of that.
    extension: str
    media_type: str
    octets: bytes

    @property
    def filename(self) -> str:
        """RFC 7489 §7.2.1.1, RFC 8460 §5.1."""
        begin, end = int(self.begin.timestamp()), int(self.end.timestamp()) - 1
        unique = _WORD.sub("", self.report_id).replace(".", "").replace("-", "")
        return f"{self.submitter}!{self.domain}!{begin}!{end}!{unique}.{self.extension}"


def build(parcel: Parcel, sender: str, recipients: Sequence[str], now: datetime, *, on_tls: bool) -> bytes:
    """The message, with CRLF.

    Args:
        on_tls: RFC 8460 §5.3 wants fields and a type of its own; such a report goes out although TLS fails (§3).
    """
    boundary = f"=_{secrets.token_hex(16)}"
    kind = "TLS" if on_tls else "DMARC"
    day = f"{parcel.begin:%Y-%m-%d}"
    text = f"What {parcel.submitter} saw of {parcel.domain} on {day} (UTC): the attached {kind} report."
    head = [
        f"From: {kind} reports <{sender}>",
        f"To: {', '.join(f'<{one}>' for one in recipients)}",
        f"Subject: Report Domain: {parcel.domain}",
        f" Submitter: {parcel.submitter}",
        f" Report-ID: <{parcel.report_id}>",
        f"Date: {format_datetime(now)}",
        f"Message-ID: <{secrets.token_hex(16)}@{parcel.submitter}>",
        # RFC 3834 §5: nobody shall answer it by machine.
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0",
    ]
    if on_tls:
        head += [
            f"TLS-Report-Domain: {parcel.domain}",
            f"TLS-Report-Submitter: {parcel.submitter}",
            # RFC 8689 §5: RFC 8460 §3 wants it sent in plain text rather than not at all.
            "TLS-Required: No",
            f'Content-Type: multipart/report; report-type="tlsrpt"; boundary="{boundary}"',
        ]
    else:
        head.append(f'Content-Type: multipart/mixed; boundary="{boundary}"')
    lines = [
        *head,
        "",
        f"--{boundary}",
        "Content-Type: text/plain; charset=us-ascii",
        "",
        *textwrap.wrap(text, 76, break_long_words=False, break_on_hyphens=False),
        "",
        f"--{boundary}",
        f"Content-Type: {parcel.media_type}",
        "Content-Transfer-Encoding: base64",
        "Content-Disposition: attachment;",
        f' filename="{parcel.filename}"',
        "",
        *textwrap.wrap(base64.b64encode(parcel.octets).decode(), 76),
        f"--{boundary}--",
        "",
    ]
    return "\r\n".join(lines).encode("utf-8")


def enclosed(header: bytes, body: Octets) -> Iterator[bytes]:
    """What may be reports in a message that came in: its parts that are files, or the message's own text."""
    message = mime.scan(header, body)
    found = 0
    for part in _leaves(message):
        if part.type.type == b"application" or part.type.subtype == b"xml" or _has_name(part):
            end = min(part.body.end, part.body.start + ATTACHMENT_OCTETS)
            yield b"".join(transfer.undone([body[part.body.start : end]], part.encoding))
            found += 1
            if found == ATTACHMENTS:
                return


def _leaves(part: Part) -> Iterator[Part]:
    if not part.is_multipart:
        yield part
    for child in part.children if part.is_multipart else ():
        yield from _leaves(child)


def _has_name(part: Part) -> bool:
    value = part.field(b"content-disposition")
    found = content.disposition(value) if value else None
    return found is not None and any(name == b"filename" for name, _ in found[1])
