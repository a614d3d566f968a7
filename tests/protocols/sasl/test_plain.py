"""PLAIN, LOGIN and EXTERNAL, played without a socket."""

import pytest

from mailservices.mail.errors import ProtocolError, SignInFailed
from mailservices.protocols.sasl.exchange import Claim, Proven
from mailservices.protocols.sasl.plain import external, login, plain
from tests.protocols.sasl.playing import play

BEGIN = {"PLAIN": plain, "LOGIN": login}
NAMES = ("alice@example.org", "Al@example.org")


@pytest.mark.parametrize(
    ("mechanism", "responses", "challenges", "claim"),
    [
        ("PLAIN", (b"\0alice\0secret",), [b""], Claim("alice", "secret")),
        ("PLAIN", (b"bob\0alice\0secret",), [b""], Claim("alice", "secret", "bob")),
        ("PLAIN", ("\0jörg\0pässwörd".encode(),), [b""], Claim("jörg", "pässwörd")),
        ("PLAIN", (b"\0\0",), [b""], Claim("", "")),
        ("LOGIN", (b"alice", b"secret"), [b"Username:", b"Password:"], Claim("alice", "secret")),
    ],
)
def test_exchanges(mechanism: str, responses: tuple[bytes, ...], challenges: list[bytes], claim: Claim) -> None:
    assert play(BEGIN[mechanism](), *responses) == (challenges, claim)


@pytest.mark.parametrize(
    ("mechanism", "responses"),
    [
        ("PLAIN", (b"",)),
        ("PLAIN", (b"alice\0secret",)),
        ("PLAIN", (b"\0alice\0sec\0ret",)),
        ("PLAIN", (b"\0\xff\0secret",)),
        ("LOGIN", (b"\xff",)),
        ("LOGIN", (b"a\0b",)),
        ("LOGIN", (b"alice", b"\xff")),
        ("LOGIN", (b"alice", b"sec\0ret")),
    ],
)
def test_what_makes_no_sense_is_refused(mechanism: str, responses: tuple[bytes, ...]) -> None:
    with pytest.raises(ProtocolError):
        play(BEGIN[mechanism](), *responses)


@pytest.mark.parametrize(
    ("response", "name"),
    [(b"", "alice@example.org"), (b"al@EXAMPLE.org", "al@EXAMPLE.org"), (b"alice@example.org", NAMES[0])],
)
def test_a_certificate_names_its_holder(response: bytes, name: str) -> None:
    assert play(external(NAMES), response) == ([b""], Proven(name))


def test_a_certificate_is_good_for_nobody_else() -> None:
    with pytest.raises(SignInFailed):
        play(external(NAMES), b"bob@example.org")
