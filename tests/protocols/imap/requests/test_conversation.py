"""Commands about the session: every one as it is read, and what is refused (RFC 9051 §6.1, §6.2)."""

import pytest

from mailservices.protocols.imap.commands import BadCommand, parse
from mailservices.protocols.imap.requests.conversation import (
    Authenticate,
    Capability,
    Enable,
    Id,
    Idle,
    Login,
    Logout,
    Noop,
    Request,
    StartTls,
)
from tests.protocols.feeding import Feed
from tests.protocols.imap.feeding import parts_of


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (b"CAPABILITY", Capability()),
        (b"noop ", Noop()),
        (b"LOGOUT", Logout()),
        (b"ID NIL", Id(())),
        (b"ID ()", Id(())),
        (b'ID ("name" "x" "version" NIL)', Id((b"name", b"x", b"version", None))),
        (b"STARTTLS", StartTls()),
        (b"LOGIN alice secret", Login("alice", "secret")),
        (b'LOGIN "alice" "se\\"cr\\\\et"', Login("alice", 'se"cr\\et')),
        (b"LOGIN {5}\r\nalice {8}\r\np\xc3\xa4ss wd", Login("alice", "päss wd")),
        (b"AUTHENTICATE plain", Authenticate("PLAIN", None)),
        (b"AUTHENTICATE PLAIN AGEAYg==", Authenticate("PLAIN", b"AGEAYg==")),
        (b"AUTHENTICATE PLAIN =", Authenticate("PLAIN", b"=")),
        (b"ENABLE condstore UTF8=ACCEPT", Enable((b"CONDSTORE", b"UTF8=ACCEPT"))),
        (b"IDLE", Idle()),
    ],
)  # fmt: skip
def test_commands_are_read(feed: Feed, line: bytes, command: Request) -> None:
    assert parse(parts_of(b"a1 " + line, feed)).command == command


@pytest.mark.parametrize(
    "line",
    [
        b"a1 UID NOOP", b"a1 NOOP now", b"a1 ID", b"a1 ID x", b'a1 ID ("a"', b'a1 ID ("a""b")', b"a1 LOGIN",
        b"a1 LOGIN alice", b"a1 LOGIN alice  secret", b"a1 LOGIN alice secret x", b'a1 LOGIN "alice secret',
        b"a1 LOGIN {1}\r\n\xff x", b'a1 LOGIN "a\0b" x', b"a1 LOGIN {3}\r\na\0b x", b'a1 LOGIN "a\\x" x',
        b"a1 AUTHENTICATE", b"a1 AUTHENTICATE PLAIN a b", b"a1 ENABLE", b"a1 ENABLE ", b"a1 NOOP {4}\r\ntext",
    ],
)  # fmt: skip
def test_what_is_no_command_is_refused(line: bytes) -> None:
    with pytest.raises(BadCommand):
        parse(parts_of(line))
