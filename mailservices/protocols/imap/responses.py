"""Responses as octets (RFC 9051 §7). Small functions that print, and decide nothing."""

from collections.abc import Iterable, Sequence

from mailservices.mail.flags import printed as printed_flags
from mailservices.mail.strings import quoted
from mailservices.protocols.imap import names
from mailservices.protocols.imap.view import Exists, Expunged, Told


def tagged(tag: bytes, status: str, text: str, code: str | bytes = "") -> bytes:
    """`tag OK [CODE] text`."""
    return tag + b" " + _rest(status, text, code)


def untagged(status: str, text: str, code: str | bytes = "") -> bytes:
    return b"* " + _rest(status, text, code)


def _rest(status: str, text: str, code: str | bytes) -> bytes:
    shown = code if isinstance(code, bytes) else code.encode()
    return status.encode() + (b" [" + shown + b"] " if shown else b" ") + text.encode() + b"\r\n"


def continuation(text: bytes = b"Ready") -> bytes:
    return b"+ " + text + b"\r\n"


def capability(words: Iterable[str]) -> bytes:
    return f"* CAPABILITY {' '.join(words)}\r\n".encode()


def mailbox(name: str) -> bytes:
    return quoted(names.encode(name))


def list_line(kind: bytes, attributes: Sequence[str], name: str) -> bytes:
    """LIST and LSUB look alike."""
    return b"* " + kind + b" (" + " ".join(attributes).encode() + b') "/" ' + mailbox(name) + b"\r\n"


def status(name: str, values: Iterable[tuple[str, int]]) -> bytes:
    items = " ".join(f"{item} {value}" for item, value in values)
    return b"* STATUS " + mailbox(name) + b" (" + items.encode() + b")\r\n"


def search(numbers: Iterable[int]) -> bytes:
    return b"* SEARCH" + b"".join(b" %d" % number for number in numbers) + b"\r\n"


def told(events: Iterable[Told], *, with_uid: bool) -> bytes:
    """What the view says may be told. A FETCH that a UID command brought tells the UID (RFC 9051 §6.4.9)."""
    lines = []
    for event in events:
        match event:
            case Exists(count):
                lines.append(b"* %d EXISTS\r\n" % count)
            case Expunged(number):
                lines.append(b"* %d EXPUNGE\r\n" % number)
            case flags:
                shown = b"UID %d FLAGS (" % flags.uid if with_uid else b"FLAGS ("
                printed = printed_flags(flags.bits, flags.keywords)
                lines.append(b"* %d FETCH (%s%s))\r\n" % (flags.number, shown, printed))
    return b"".join(lines)
