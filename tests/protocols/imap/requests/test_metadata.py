"""Annotations: commands as they are read, and what is refused (RFC 5464 §5)."""

import pytest

from mailservices.protocols.imap.commands import BadCommand, parse
from mailservices.protocols.imap.requests.folders import List
from mailservices.protocols.imap.requests.metadata import ANY_DEPTH, ENTRIES, GetMetadata, Request, SetMetadata
from tests.protocols.feeding import Feed
from tests.protocols.imap.feeding import parts_of

MANY = b" ".join(b"/private/%d" % number for number in range(ENTRIES + 1))
LISTED = List(
    "", ("%",), frozenset(), frozenset({"METADATA"}), (), extended=True, metadata=("/private/a", "/shared/b")
)


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (b'GETMETADATA "" /shared/Comment', GetMetadata("", ("/shared/comment",))),
        (b"GETMETADATA inbox (/shared/a /private/b/c /shared/a)",
         GetMetadata("INBOX", ("/shared/a", "/private/b/c"))),
        (b"GETMETADATA inbox /shared/a /shared/b", GetMetadata("INBOX", ("/shared/a", "/shared/b"))),
        (b"GETMETADATA (maxsize 1024 depth infinity) a /private/b",
         GetMetadata("a", ("/private/b",), 1024, ANY_DEPTH)),
        (b"GETMETADATA a (DEPTH 1) (/private/b)", GetMetadata("a", ("/private/b",), None, 1)),
        (b'SETMETADATA INBOX (/private/a "x y" /shared/b NIL /private/c {3}\r\n1\r\n /private/d ~{1}\r\n\0)',
         SetMetadata("INBOX", (("/private/a", b"x y"), ("/shared/b", None), ("/private/c", b"1\r\n"),
                               ("/private/d", b"\0")))),
        (b'LIST "" % RETURN (METADATA ("/private/a" /shared/B /private/A))', LISTED),
    ],
)  # fmt: skip
def test_commands_are_read(feed: Feed, line: bytes, command: Request | List) -> None:
    assert parse(parts_of(b"a1 " + line, feed)).command == command


@pytest.mark.parametrize(
    "line",
    [
        b"GETMETADATA a", b"GETMETADATA a ()", b"GETMETADATA a /comment", b"GETMETADATA a /private",
        b"GETMETADATA a /private/", b"GETMETADATA a /private//b", b"GETMETADATA a /private/a*",
        b'GETMETADATA a "/private/a%"', b'GETMETADATA a "/private/\xc3\xbc"',
        b"GETMETADATA a (DEPTH 2) /private/a",
        b"GETMETADATA a (NONSENSE 2) /private/a", b"GETMETADATA (MAXSIZE x) a /private/a",
        b"GETMETADATA a /private/" + b"a" * 500, b"GETMETADATA a (" + MANY + b")",
        b"SETMETADATA a", b"SETMETADATA a ()", b"SETMETADATA a (/private/a)", b"SETMETADATA a (/private/a x)",
        b"SETMETADATA a (/private/a {1}\r\n\0)", b'LIST "" % RETURN (METADATA ())', b'LIST "" % RETURN (METADATA)',
        b'LIST "" % RETURN (METADATA (' + MANY + b"))",
    ],
)  # fmt: skip
def test_what_is_no_command_is_refused(line: bytes) -> None:
    with pytest.raises(BadCommand):
        parse(parts_of(b"a1 " + line))
