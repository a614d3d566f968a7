"""SASL exchanges, played without a socket."""

import base64

import pytest

from mailservices.mail.errors import ProtocolError
from mailservices.protocols import sasl
from mailservices.protocols.sasl import MECHANISMS, RESPONSE_OCTETS, Claim


def play(mechanism: str, *responses: bytes) -> tuple[list[bytes], Claim]:
    """The challenges, and what the client claims."""
    exchange = MECHANISMS[mechanism]()
    challenges = [next(exchange)]
    pending = list(responses)
    try:
        while True:
            challenges.append(exchange.send(pending.pop(0)))
    except StopIteration as done:
        return challenges, done.value


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
    assert play(mechanism, *responses) == (challenges, claim)


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
        play(mechanism, *responses)


def test_a_password_is_never_shown() -> None:
    assert "secret" not in repr(Claim("alice", "secret"))


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        (b"AGFsaWNlAHNlY3JldA==", b"\0alice\0secret"),
        (b"", b""),
        # RFC 4954 §4: "=" is a response of no octets.
        (b"=", b""),
        (base64.b64encode(b"x" * RESPONSE_OCTETS), b"x" * RESPONSE_OCTETS),
    ],
)
def test_base64_is_read(text: bytes, octets: bytes) -> None:
    assert sasl.decode(text) == octets


@pytest.mark.parametrize(
    "text", [b"!", b"A", b"AA", b"AAAA=AAA", b"AAAA AAAA", b"\xff", b"A" * (RESPONSE_OCTETS * 2)]
)
def test_what_is_no_base64_is_refused(text: bytes) -> None:
    with pytest.raises(ProtocolError):
        sasl.decode(text)


def test_challenges_are_written_in_base64() -> None:
    assert sasl.encode(b"Username:") == b"VXNlcm5hbWU6"
