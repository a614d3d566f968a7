"""POP3 lines to commands (RFC 1939 §5 and §7, RFC 2449, RFC 2595, RFC 5034)."""

import pytest

from mailservices.mail.errors import ProtocolError
from mailservices.protocols.pop3.commands import (
    COMMANDS,
    Apop,
    Auth,
    Capa,
    Command,
    Dele,
    Lang,
    List,
    Noop,
    Pass,
    Quit,
    Retr,
    Rset,
    Stat,
    Stls,
    Top,
    Uidl,
    User,
    Utf8,
    parse,
)

DIGEST = "c4c9334bac560ecc979e58001b3e22fb"


@pytest.mark.parametrize(
    ("line", "name", "command"),
    [
        (b"CAPA", "CAPA", Capa()),
        (b"stls", "STLS", Stls()),
        (b"USER alice@example.org", "USER", User("alice@example.org")),
        (b"USER  alice ", "USER", User("alice")),
        # RFC 1939 §7: a password may hold spaces, also at its ends.
        (b"PASS  two words ", "PASS", Pass(" two words ")),
        (b"PASS", "PASS", Pass("")),
        ("PASS pässwörd".encode(), "PASS", Pass("pässwörd")),
        (b"APOP mrose c4c9334bac560ecc979e58001b3e22fb", "APOP", Apop("mrose", DIGEST)),
        (b"APOP m rose  c4c9334bac560ecc979e58001b3e22fb", "APOP", Apop("m rose", DIGEST)),
        (b"AUTH", "AUTH", Auth("", None)),
        (b"AUTH plain", "AUTH", Auth("PLAIN", None)),
        (b"AUTH PLAIN AGEAYg==", "AUTH", Auth("PLAIN", b"AGEAYg==")),
        (b"STAT ", "STAT", Stat()),
        (b"LIST", "LIST", List(None)),
        (b"LIST 1", "LIST", List(1)),
        (b"UIDL", "UIDL", Uidl(None)),
        (b"UIDL 0002", "UIDL", Uidl(2)),
        (b"RETR 1", "RETR", Retr(1)),
        (b"TOP 1 0", "TOP", Top(1, 0)),
        (b"DELE 4294967295", "DELE", Dele(4294967295)),
        (b"RSET", "RSET", Rset()),
        (b"NOOP", "NOOP", Noop()),
        (b"quit", "QUIT", Quit()),
        (b"LANG", "LANG", Lang(None)),
        (b"LANG *", "LANG", Lang("*")),
        (b"LANG sr-Latn-CS", "LANG", Lang("sr-latn-cs")),
        (b"UTF8", "UTF8", Utf8()),
    ],
)
def test_commands_are_read(line: bytes, name: str, command: Command) -> None:
    assert parse(line) == (name, command)


@pytest.mark.parametrize(
    "line",
    [
        b"APOP alice x", b"APOP", b"APOP c4c9334bac560ecc979e58001b3e22fb", b"LANG e.n", b"LANG en de", b"UTF8 x",
        b"APOP  C4C9334BAC560ECC979E58001B3E22FB", b"LAST", b"", b" STAT",
        b"STAT 1", b"CAPA x", b"STLS x", b"RSET x", b"NOOP x", b"QUIT x", b"USER",
        b"USER  ", b"USER a\0b", b"RETR", b"RETR x", b"RETR -1", b"RETR 1 2", b"RETR 12345678901",
        "RETR \u0661".encode(), b"DELE", b"TOP", b"TOP 1", b"TOP 1 x", b"TOP x 1", b"TOP 1 2 3", b"LIST x",
        b"UIDL x", b"\xff\xfe",
    ],
)  # fmt: skip
def test_what_is_no_command_is_refused(line: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse(line)


def test_every_command_has_a_row() -> None:
    assert len(COMMANDS) == len(Command.__args__)  # type: ignore[attr-defined]


def test_passwords_are_never_shown() -> None:
    assert "secret" not in repr(parse(b"PASS secret"))
    assert "c2VjcmV0" not in repr(parse(b"AUTH PLAIN c2VjcmV0"))
