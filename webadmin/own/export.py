"""All mail of an account as one file, made while it is sent: a tar of a Maildir, or an mbox.

One piece of a body is in memory at a time, and a line for each message. What is removed meanwhile is still there:
its content is kept for a while. The length of a tar is known beforehand, so that a browser shows how far it is.
"""

import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final
from uuid import UUID

from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header

from mailservices.mail.flags import ANSWERED, DELETED, DRAFT, FLAGGED, SEEN
from webadmin import engine
from webadmin.audit.record import Actor, record
from webadmin.directory.models import Account
from webadmin.mailstore.models import Content, Mailbox, Message
from webadmin.scope import Right, own_or, verb

MAILDIR, MBOX = "maildir", "mbox"
#: Messages whose headers are asked for at once.
AT_ONCE: Final = 100
#: Of a tar.
BLOCK: Final = tarfile.BLOCKSIZE
#: Letters of Maildir for flags, in order of the alphabet.
_LETTERS: Final = ((DRAFT, "D"), (FLAGGED, "F"), (ANSWERED, "R"), (SEEN, "S"), (DELETED, "T"))
#: mboxrd: one more ">" is put before each line that would begin a message, and whoever reads takes one off.
_FROM: Final = re.compile(rb"^(?=>*From )", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Line:
    """One message in one folder."""

    folder: str
    uid: int
    flags: int
    at: datetime
    size: int
    content_id: UUID


@dataclass(frozen=True, slots=True)
class Export:
    """A file: its name and type, its length where that is known, its octets once they are asked for."""

    name: str
    media_type: str
    length: int | None
    octets: Iterator[bytes]


@verb(Right.OWN)
def export(actor: Actor, account: Account, kind: str) -> Export:
    """All mail of the account, as MAILDIR or as MBOX."""
    own_or(actor, account, Right.OPERATE)
    lines = _lines(account)
    record(actor, "export mail", account.address, after={"as": kind, "messages": len(lines)})
    if kind == MBOX:
        return Export(f"{account.address}.mbox", "application/mbox", None, _mbox(account, lines))
    length = sum(len(_tar_header(one)) + _padded(one.size) for one in lines) + 2 * BLOCK
    return Export(f"{account.address}.tar", "application/x-tar", length, _tar(account, lines))


def sent(who: Actor, account: Account, kind: str) -> HttpResponseBase:
    """The same as it is sent: with its name, and its length where that is known."""
    made = export(who, account, kind)
    answer = StreamingHttpResponse(made.octets, content_type=made.media_type)
    answer["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=made.name)
    if made.length is not None:
        answer["Content-Length"] = str(made.length)
    return answer


def _lines(account: Account) -> list[Line]:
    names = dict(Mailbox.objects.filter(account=account).values_list("mailbox_id", "name"))
    rows = Message.objects.filter(account_id=account.pk).order_by("mailbox_id", "uid")
    wanted = ("mailbox_id", "uid", "flags", "internaldate", "size", "content_id")
    return [Line(names[box], *more) for box, *more in rows.values_list(*wanted).iterator() if box in names]


def _messages(account: Account, lines: list[Line]) -> Iterator[tuple[Line, Iterator[bytes]]]:
    """Each with its octets, which are taken before the next one is asked for."""
    with engine.Bodies() as bodies:
        for start in range(0, len(lines), AT_ONCE):
            some = lines[start : start + AT_ONCE]
            rows = Content.objects.filter(account_id=account.pk, content_id__in=[one.content_id for one in some])
            found = {one.content_id: one for one in rows}
            for one in some:
                yield one, _octets(bodies, found[one.content_id])


def _octets(bodies: engine.Bodies, content: Content) -> Iterator[bytes]:
    yield bytes(content.prefix) + bytes(content.header)
    yield from bodies.read(content.blob_id, content.body_size)


# Maildir


def _tar(account: Account, lines: list[Line]) -> Iterator[bytes]:
    for one, octets in _messages(account, lines):
        yield _tar_header(one)
        yield from octets
        yield bytes(_padded(one.size) - one.size)
    yield bytes(2 * BLOCK)


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def _tar_header(one: Line) -> bytes:
    info = tarfile.TarInfo(f"{_folder(one.folder)}/cur/{one.uid:010}.facteur:2,{_flags(one.flags)}")
    info.size, info.mtime, info.mode = one.size, int(one.at.timestamp()), 0o600
    return info.tobuf(tarfile.PAX_FORMAT)


@lru_cache
def _folder(name: str) -> str:
    """As Maildir++ has it: INBOX is the Maildir, all others lie below it, their levels joined by dots."""
    if name == "INBOX":
        return "Maildir"
    return "Maildir/." + name.replace(".", "_").replace("/", ".").replace("\n", "_")


def _flags(bits: int) -> str:
    return "".join(letter for bit, letter in _LETTERS if bits & bit)


# mbox


def _mbox(account: Account, lines: list[Line]) -> Iterator[bytes]:
    for one, octets in _messages(account, lines):
        yield f"From MAILER-DAEMON {one.at.astimezone(UTC):%a %b %d %H:%M:%S %Y}\n".encode()
        # What Thunderbird, mutt and others know of flags and folders.
        status = "RO" if one.flags & SEEN else "O"
        yield f"X-Folder: {one.folder.encode('unicode_escape').decode()}\nStatus: {status}\n".encode()
        yield from _quoted(octets)
        yield b"\n\n"


def _quoted(octets: Iterator[bytes]) -> Iterator[bytes]:
    """With bare LF, and no line that begins like a message's first."""
    rest = b""
    for piece in octets:
        whole, newline, rest = (rest + piece).rpartition(b"\n")
        yield _FROM.sub(b">", (whole + newline).replace(b"\r\n", b"\n"))
    yield _FROM.sub(b">", rest)
