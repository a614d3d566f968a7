"""Responses as octets (RFC 9051 §7). Small functions that print, and decide nothing."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import orjson

from mailservices.mail import uidset
from mailservices.mail.flags import printed as printed_flags
from mailservices.mail.strings import nstring, quoted
from mailservices.mail.threads import Node
from mailservices.protocols.imap import names
from mailservices.protocols.imap.contexts import Change, Context
from mailservices.protocols.imap.view import Exists, Expunged, NewFlags, NewModseq, Told


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


def mailbox(name: str, *, utf8: bool = False) -> bytes:
    """A folder's name; with `utf8` the client takes it so (RFC 6855 §3, RFC 9051 §9 quoted)."""
    if utf8 and not name.isascii():
        return b'"' + name.replace("\\", "\\\\").replace('"', '\\"').encode() + b'"'
    return quoted(names.encode(name, utf8=utf8))


def list_line(
    kind: bytes, attributes: Sequence[str], name: str, extended: bytes = b"", *, utf8: bool = False
) -> bytes:
    """LIST and LSUB look alike; `extended` stands behind the name (RFC 5258 §6 mbox-list-extended)."""
    more = b" (" + extended + b")" if extended else b""
    return (
        b"* "
        + kind
        + b" ("
        + " ".join(attributes).encode()
        + b') "/" '
        + mailbox(name, utf8=utf8)
        + more
        + b"\r\n"
    )


def oldname(name: str, *, utf8: bool) -> bytes:
    """RFC 9051 §6.3.9.7."""
    return b'"OLDNAME" (' + mailbox(name, utf8=utf8) + b")"


def childinfo(options: Iterable[str]) -> bytes:
    """RFC 5258 §3.5: what names below fulfil."""
    return b'"CHILDINFO" (' + b" ".join(quoted(option.encode()) for option in options) + b")"


def status(name: str, values: Iterable[tuple[str, int | str]], *, utf8: bool = False) -> bytes:
    items = " ".join(f"{item} {value}" for item, value in values)
    return b"* STATUS " + mailbox(name, utf8=utf8) + b" (" + items.encode() + b")\r\n"


def quota(root: bytes, resources: Iterable[tuple[str, int, int]]) -> bytes:
    """RFC 9208 §4.2.1: of each resource that is limited, what is used and what may be."""
    told = " ".join(f"{name} {used} {limit}" for name, used, limit in resources)
    return b"* QUOTA " + quoted(root) + b" (" + told.encode() + b")\r\n"


def metadata(name: str, values: Iterable[tuple[str, bytes | None]], *, utf8: bool = False) -> bytes:
    """RFC 5464 §4.4.1; a value may hold any octets."""
    told = [
        entry.encode() + b" " + (b"~{%d}\r\n" % len(value) + value if value and b"\0" in value else nstring(value))
        for entry, value in values
    ]
    return b"* METADATA " + mailbox(name, utf8=utf8) + b" (" + b" ".join(told) + b")\r\n"


def metadata_changed(name: str, entries: Iterable[str], *, utf8: bool = False) -> bytes:
    """RFC 5464 §4.4.2: without the values."""
    return b"* METADATA " + mailbox(name, utf8=utf8) + b" " + " ".join(entries).encode() + b"\r\n"


def my_rights(name: str, rights: str, *, utf8: bool = False) -> bytes:
    """RFC 4314 §3.8."""
    return b"* MYRIGHTS " + mailbox(name, utf8=utf8) + b" " + rights.encode() + b"\r\n"


def search(numbers: Sequence[int], modseq: int = 0, *, kind: bytes = b"SEARCH") -> bytes:
    """SEARCH, or SORT (RFC 5256 §4).

    RFC 7162 §3.1.5: with the highest modification sequence of what was found, where that was asked about.
    """
    # Thousands of numbers are usual: JSON prints them faster than anything else here.
    found = b" " + orjson.dumps(list(numbers))[1:-1].replace(b",", b" ") if numbers else b""
    told = b" (MODSEQ %d)" % modseq if modseq else b""
    return b"* " + kind + found + told + b"\r\n"


def threads(heads: Sequence[Node], number: Callable[[int], int]) -> bytes:
    """RFC 5256 §4: a row of only children is told without parentheses; `number` is what a UID is told as."""
    out: list[bytes] = []
    waiting: list[Node | None] = [*reversed(heads)]
    while waiting:
        node = waiting.pop()
        if node is None:
            out.append(b")")
            continue
        out.append(b"(")
        children = [node]
        while len(children) == 1:
            [node] = children
            if node.entry is not None:
                out.append(b"%s%d" % (b"" if out[-1] == b"(" else b" ", number(node.entry.uid)))
            children = list(node.children)
        if children and out[-1] != b"(":
            out.append(b" ")
        waiting += [None, *reversed(children)]
    return b"* THREAD " + b"".join(out) + b"\r\n" if out else b"* THREAD\r\n"


def esearch(tag: bytes, items: Iterable[bytes], *, by_uid: bool, place: bytes = b"") -> bytes:
    """RFC 4731 §3.1: `items` are words and their values; `place` is what `in_folder` prints."""
    head = b"* ESEARCH (TAG " + quoted(tag) + place + b")"
    return b" ".join([head, *([b"UID"] if by_uid else []), *items]) + b"\r\n"


def uid_batches(tag: bytes, ranges: Sequence[tuple[int, int]]) -> bytes:
    """RFC 9957 §3.1: of each its highest UID and its lowest."""
    told = b",".join(b"%d:%d" % one for one in ranges)
    return b"* UIDBATCHES (TAG " + quoted(tag) + (b") " + told if told else b")") + b"\r\n"


def in_folder(name: str, uidvalidity: int, *, utf8: bool) -> bytes:
    """RFC 7377 §2.1: of which folder an ESEARCH tells."""
    return b" MAILBOX " + mailbox(name, utf8=utf8) + b" UIDVALIDITY %d" % uidvalidity


def context(one: Context, word: bytes, changes: Iterable[Change], number: Callable[[int], int]) -> bytes:
    """ADDTO or REMOVEFROM (RFC 5267 §4.3); `number` is what a UID is told as."""
    pairs = b" ".join(
        b"%d %b" % (place, uidset.printed(uids if one.by_uid else list(map(number, uids))))
        for place, uids in changes
    )
    return esearch(one.tag, [b"%b (%b)" % (word, pairs)], by_uid=one.by_uid)


@dataclass(frozen=True, slots=True)
class Style:
    """How a client is told of changes.

    Attributes:
        with_uid: in FETCH, the UID, for a UID command (RFC 9051 §6.4.9) and with QRESYNC (RFC 7162 §3.2.4).
        with_modseq: in FETCH, the modification sequence (RFC 7162 §3.2).
        vanished: UIDs instead of numbers of what is expunged (RFC 7162 §3.2.10).
        uid_only: no sequence numbers at all (RFC 9586 §3.3).
    """

    with_uid: bool = False
    with_modseq: bool = False
    vanished: bool = False
    uid_only: bool = False


def vanished(ranges: Iterable[tuple[int, int]], *, earlier: bool = False) -> bytes:
    """RFC 7162 §3.2.10; `earlier`: asked for, and no number moves."""
    return b"* VANISHED " + (b"(EARLIER) " if earlier else b"") + uidset.printed_ranges(ranges) + b"\r\n"


def in_progress(tag: bytes, done: int, of: int | None) -> bytes:
    """RFC 9585 §4: so much is done of what the command of this tag has to do, which may not be known."""
    goal = b"NIL" if of is None else b"%d" % of
    return untagged("OK", "Still at it.", b"INPROGRESS (%b %d %b)" % (quoted(tag), done, goal))


def told(events: Sequence[Told], style: Style) -> bytes:
    """What the view says may be told."""
    lines = []
    if style.vanished:
        gone = sorted(event.uid for event in events if isinstance(event, Expunged))
        lines += [vanished(uidset.ranges_of(gone))] if gone else []
        events = [event for event in events if not isinstance(event, Expunged)]
    for event in events:
        match event:
            case Exists(count):
                lines.append(b"* %d EXISTS\r\n" % count)
            case Expunged(number, _):
                lines.append(b"* %d EXPUNGE\r\n" % number)
            case _:
                items = [b"UID %d" % event.uid] if style.with_uid and not style.uid_only else []
                if isinstance(event, NewFlags):
                    items.append(b"FLAGS (%b)" % printed_flags(event.bits, event.keywords))
                if style.with_modseq or isinstance(event, NewModseq):
                    items.append(b"MODSEQ (%d)" % event.modseq)
                line = b"* %d UIDFETCH (%b)\r\n" if style.uid_only else b"* %d FETCH (%b)\r\n"
                lines.append(line % (event.uid if style.uid_only else event.number, b" ".join(items)))
    return b"".join(lines)
