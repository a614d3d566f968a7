"""POP2 lines to commands (RFC 937), and arguments there and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailservices.mail.errors import ProtocolError
from mailservices.protocols.pop2.commands import (
    COMMANDS,
    Ackd,
    Acks,
    Command,
    Fold,
    Helo,
    Nack,
    Quit,
    Read,
    Retr,
    parse,
    quote,
)


@pytest.mark.parametrize(
    ("line", "name", "command"),
    [
        (b"HELO Fred Secret", "HELO", Helo("Fred", "Secret")),
        (b"helo  fred@example.org  two\\ words ", "HELO", Helo("fred@example.org", "two words")),
        (b"HELO a\\\\b c", "HELO", Helo("a\\b", "c")),
        ("HELO jö pässwörd".encode(), "HELO", Helo("jö", "pässwörd")),
        (b"FOLD Archive/2026", "FOLD", Fold("Archive/2026")),
        (b"READ", "READ", Read(None)),
        (b"READ 13", "READ", Read(13)),
        (b"RETR", "RETR", Retr()),
        (b"ACKS ", "ACKS", Acks()),
        (b"ACKD", "ACKD", Ackd()),
        (b"NACK", "NACK", Nack()),
        (b"quit", "QUIT", Quit()),
    ],
)
def test_commands_are_read(line: bytes, name: str, command: Command) -> None:
    assert parse(line) == (name, command)


@pytest.mark.parametrize(
    "line",
    [
        b"", b" READ", b"HELO", b"HELO fred", b"HELO fred my secret", b"FOLD", b"FOLD a b", b"READ x", b"READ -1",
        b"READ 1 2", b"READ 12345678901", b"RETR 1", b"ACKS 1", b"ACKD 1", b"NACK 1", b"QUIT now", b"STAT",
        b"HELO a b\\", b"FOLD \\", b"HELO a\0 b", b"\xff",
    ],
)  # fmt: skip
def test_what_is_no_command_is_refused(line: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse(line)


@given(st.text(st.characters(exclude_characters="\0\n\r", exclude_categories=["Cs"]), min_size=1))
def test_an_argument_comes_back(argument: str) -> None:
    assert parse(f"FOLD {quote(argument)}".encode()) == ("FOLD", Fold(argument))


def test_every_command_has_a_row() -> None:
    assert len(COMMANDS) == len(Command.__args__)  # type: ignore[attr-defined]


def test_passwords_are_never_shown() -> None:
    assert "Secret" not in repr(parse(b"HELO Fred Secret"))
