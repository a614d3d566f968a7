"""What all mechanisms share: base64, texts, and that no secret is shown."""

import base64

import pytest

from mailservices.mail.errors import ProtocolError
from mailservices.protocols.sasl.exchange import RESPONSE_OCTETS, BearerOf, Claim, decode, encode


def test_a_secret_is_never_shown() -> None:
    assert "secret" not in repr(Claim("alice", "secret"))
    assert "secret" not in repr(BearerOf("secret"))


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
    assert decode(text) == octets


@pytest.mark.parametrize(
    "text", [b"!", b"A", b"AA", b"AAAA=AAA", b"AAAA AAAA", b"\xff", b"A" * (RESPONSE_OCTETS * 2)]
)
def test_what_is_no_base64_is_refused(text: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode(text)


def test_challenges_are_written_in_base64() -> None:
    assert encode(b"Username:") == b"VXNlcm5hbWU6"
