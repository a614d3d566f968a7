"""OAUTHBEARER and XOAUTH2, with the examples of RFC 7628 §4."""

import json

import pytest

from mailservices.mail.errors import ProtocolError, SignInFailed
from mailservices.protocols.sasl.bearer import oauthbearer, xoauth2
from mailservices.protocols.sasl.exchange import BearerOf, Proven
from tests.protocols.sasl.playing import play

TOKEN = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="
GOOD = f"n,a=user@example.com,\x01host=server.example.com\x01port=143\x01auth=Bearer {TOKEN}\x01\x01".encode()
OLD = f"user=user@example.com\x01auth=Bearer {TOKEN}\x01\x01".encode()


@pytest.mark.parametrize(("begin", "message"), [(oauthbearer, GOOD), (xoauth2, OLD)])
def test_a_good_token(begin, message: bytes) -> None:
    asked = []

    def answers(question: object) -> str:
        asked.append(question)
        return "user@example.com"

    assert play(begin(), message, answers=answers) == ([b""], Proven("user@example.com", "user@example.com"))
    assert asked == [BearerOf(TOKEN)]


def test_the_name_may_be_left_out() -> None:
    message = f"n,,\x01auth=bearer {TOKEN}\x01\x01".encode()
    assert play(oauthbearer(), message, answers="a@example.com")[1] == Proven("a@example.com")


@pytest.mark.parametrize(
    ("begin", "message", "status", "end"),
    [(oauthbearer, GOOD, "invalid_token", b"\x01"), (xoauth2, OLD, "401", b"")],
)
def test_a_bad_token_is_told_in_json(begin, message: bytes, status: str, end: bytes) -> None:
    """RFC 7628 §3.2.3: the client answers, and only then has it failed."""
    exchange = begin()
    assert next(exchange) == b""
    assert isinstance(exchange.send(message), BearerOf)
    assert json.loads(exchange.send(None))["status"] == status
    with pytest.raises(SignInFailed):
        exchange.send(end)


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"n,,",
        b"n,,\x01auth=Bearer x\x01",
        b"n,,\x01auth=Basic x\x01\x01",
        b"n,,\x01host=a\x01\x01",
        b"n,,\x01auth\x01\x01",
        b"n,,\x01=x\x01\x01",
        b"x,,\x01auth=Bearer x\x01\x01",
        b"n,,rest\x01auth=Bearer x\x01\x01",
        b"p=tls-unique,,\x01auth=Bearer x\x01\x01",
        b"n,,\x01auth=Bearer \xff\x01\x01",
    ],
)
def test_what_makes_no_sense_is_refused(message: bytes) -> None:
    with pytest.raises(ProtocolError):
        play(oauthbearer(), message, answers="nobody")
