"""Command lines to commands (RFC 5321 §4.1.1), and what is refused."""

import pytest

from mailservices.mail.address import Address
from mailservices.mail.errors import ProtocolError
from mailservices.protocols.smtp import commands
from mailservices.protocols.smtp.commands import (
    Auth,
    BadAddress,
    BadChunk,
    Bdat,
    Command,
    Data,
    Ehlo,
    Expn,
    Helo,
    Help,
    LastBdat,
    Lhlo,
    Mail,
    Noop,
    Quit,
    Rcpt,
    Rset,
    StartTls,
    UnknownCommand,
    Vrfy,
    parse,
)

BOB = Address("bob", "example.org")


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (b"HELO client.test", Helo("client.test")),
        (b"ehlo [192.0.2.1]", Ehlo("[192.0.2.1]")),
        (b"EHLO  client.test ", Ehlo("client.test")),
        (b"EHLO under_score", Ehlo("under_score")),
        (b"LHLO filter.test", Lhlo("filter.test")),
        (b"MAIL FROM:<bob@example.org>", Mail(BOB, "")),
        (b"mail from:<bob@example.org>", Mail(BOB, "")),
        (b"MAIL FROM: <bob@example.org> ", Mail(BOB, "")),
        (b"MAIL FROM:<>", Mail(None, "")),
        (b"MAIL FROM:<> SIZE=1 BODY=8BITMIME", Mail(None, "SIZE=1 BODY=8BITMIME")),
        (b'MAIL FROM:<"a> b"@example.org> SIZE=1', Mail(Address("a> b", "example.org"), "SIZE=1")),
        (b'MAIL FROM:<"a\\"> b"@example.org>', Mail(Address('a"> b', "example.org"), "")),
        ("MAIL FROM:<jörg@bücher.example> SMTPUTF8".encode(),
         Mail(Address("jörg", "xn--bcher-kva.example"), "SMTPUTF8")),
        (b"RCPT TO:<bob@example.org>", Rcpt(BOB, "")),
        (b"RCPT TO:<@one,@two:bob@example.org> NOTIFY=NEVER", Rcpt(BOB, "NOTIFY=NEVER")),
        (b"RCPT TO:<Postmaster>", Rcpt(Address("Postmaster", ""), "")),
        (b"DATA", Data()),
        (b"data ", Data()),
        (b"BDAT 0", Bdat(0)),
        (b"bdat 12345  last", LastBdat(12345)),
        (b"EXPN <list@example.org>", Expn("<list@example.org>")),
        (b"RSET", Rset()),
        (b"NOOP", Noop()),
        (b"NOOP whatever", Noop()),
        (b"QUIT", Quit()),
        (b"HELP", Help()),
        (b"HELP MAIL", Help()),
        (b"VRFY bob", Vrfy("bob")),
        (b"STARTTLS", StartTls()),
        (b"AUTH PLAIN", Auth("PLAIN", None)),
        (b"AUTH plain AGEAYg==", Auth("PLAIN", b"AGEAYg==")),
        (b"AUTH LOGIN =", Auth("LOGIN", b"=")),
    ],
)  # fmt: skip
def test_commands_are_read(line: bytes, command: Command) -> None:
    assert parse(line) == command


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b"", UnknownCommand),
        (b" NOOP", UnknownCommand),
        (b"NONSENSE", UnknownCommand),
        (b"NOOP\t", UnknownCommand),
        (b"MAILFROM:<bob@example.org>", UnknownCommand),
        (b"\xff\xfe", ProtocolError),
        (b"HELO", ProtocolError),
        (b"EHLO two words", ProtocolError),
        (b"EHLO a\rb", ProtocolError),
        (b"EHLO " + b"x" * 256, ProtocolError),
        (b"MAIL", ProtocolError),
        (b"MAIL FROM:bob@example.org", ProtocolError),
        (b"MAIL FROM <bob@example.org>", ProtocolError),
        (b"MAIL FROM:<bob@example.org>SIZE=1", ProtocolError),
        (b"MAIL FROM:  <bob@example.org>", ProtocolError),
        (b"MAIL FROM:<bob@example.org", ProtocolError),
        (b"MAIL TO:<bob@example.org>", ProtocolError),
        (b"RCPT FROM:<bob@example.org>", ProtocolError),
        (b"MAIL FROM:<nonsense>", BadAddress),
        (b"MAIL FROM:<bob@exa mple.org>", BadAddress),
        (b"MAIL FROM:<bob\r@example.org>", BadAddress),
        (b"RCPT TO:<>", BadAddress),
        (b"RCPT TO:<bob>", BadAddress),
        (b"RCPT TO:< bob@example.org>", BadAddress),
        (b"DATA now", ProtocolError),
        (b"RSET now", ProtocolError),
        (b"QUIT now", ProtocolError),
        (b"STARTTLS now", ProtocolError),
        (b"AUTH", ProtocolError),
        (b"AUTH PLAIN a b", ProtocolError),
    ],
)
def test_what_is_no_command_is_refused(line: bytes, error: type[ProtocolError]) -> None:
    with pytest.raises(ProtocolError) as caught:
        parse(line)
    assert type(caught.value) is error


def test_every_command_has_a_row() -> None:
    assert set(Command.__args__) == {  # type: ignore[attr-defined]
        Helo, Ehlo, Lhlo, Mail, Rcpt, Data, Bdat, LastBdat, Rset, Noop, Quit, Help, Vrfy, Expn, StartTls, Auth,
    }  # fmt: skip
    # BDAT is read as one of two commands.
    assert len(commands.COMMANDS) == len(Command.__args__) - 1  # type: ignore[attr-defined]


def test_a_password_is_never_shown() -> None:
    assert "AGEAYg" not in repr(parse(b"AUTH PLAIN AGEAYg=="))


@pytest.mark.parametrize("size", [b"", b"x", b"-1", b"1 FIRST", b"1LAST", b"9" * 21])
def test_a_chunk_without_a_size_is_no_chunk(size: bytes) -> None:
    with pytest.raises(BadChunk):
        parse(b"BDAT " + size)
