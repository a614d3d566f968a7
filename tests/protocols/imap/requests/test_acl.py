"""Commands about rights, as they are read, and what is refused (RFC 4314 §7)."""

import pytest

from mailservices.protocols.imap.commands import BadCommand, parse
from mailservices.protocols.imap.requests.acl import DeleteAcl, GetAcl, ListRights, MyRights, Request, SetAcl
from tests.protocols.feeding import Feed
from tests.protocols.imap.feeding import parts_of


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (b"GETACL inbox", GetAcl("INBOX")),
        (b"MYRIGHTS a/b", MyRights("a/b")),
        (b'SETACL a bob@x.test "rl"', SetAcl("a", "bob@x.test", "", "lr")),
        (b"SETACL a anyone +sl", SetAcl("a", "anyone", "+", "ls")),
        (b"SETACL a anyone -d", SetAcl("a", "anyone", "-", "te")),
        (b'SETACL a anyone ""', SetAcl("a", "anyone", "", "")),
        (b"DELETEACL a bob@x.test", DeleteAcl("a", "bob@x.test")),
        (b"LISTRIGHTS a bob@x.test", ListRights("a", "bob@x.test")),
    ],
)
def test_commands_are_read(feed: Feed, line: bytes, command: Request) -> None:
    assert parse(parts_of(b"a1 " + line, feed)).command == command


@pytest.mark.parametrize(
    "line",
    [
        b"GETACL", b"MYRIGHTS", b"SETACL a bob", b"SETACL a bob z", b"SETACL a bob ++l", b"SETACL a",
        b"DELETEACL a", b'DELETEACL a ""', b"LISTRIGHTS a", b"DELETEACL a b c",
    ],
)  # fmt: skip
def test_what_is_no_command_is_refused(line: bytes) -> None:
    with pytest.raises(BadCommand):
        parse(parts_of(b"a1 " + line))
