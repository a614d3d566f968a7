"""CRAM-MD5 and APOP, with the examples of their RFCs."""

import hmac

import pytest

from mailservices.mail.errors import ProtocolError, SignInFailed
from mailservices.protocols.sasl.cram import apop, cram_md5
from mailservices.protocols.sasl.exchange import Proven, SecretsOf
from tests.protocols.sasl.playing import play

NONCE, HOST = "1896.697170952", "postoffice.reston.mci.net"


def test_the_example_of_rfc_2195() -> None:
    """RFC 2195 §3."""
    response = b"tim b913a602c7eda7a495b4e6e7334d3890"
    asked = []

    def answers(question: object) -> list[bytes]:
        asked.append(question)
        return [b"another", b"tanstaaftanstaaf"]

    challenges, outcome = play(cram_md5(HOST, NONCE), response, answers=answers)
    assert challenges == [b"<1896.697170952@postoffice.reston.mci.net>"]
    assert outcome == Proven("tim", fitting=1)
    assert asked == [SecretsOf("tim")]


def test_a_challenge_is_new_each_time() -> None:
    assert next(cram_md5(HOST)) != next(cram_md5(HOST))


@pytest.mark.parametrize("known", [[], [b"wrong"]])
def test_a_wrong_secret_is_refused(known: list[bytes]) -> None:
    with pytest.raises(SignInFailed):
        play(cram_md5(HOST, NONCE), b"tim b913a602c7eda7a495b4e6e7334d3890", answers=known)


@pytest.mark.parametrize("response", [b"", b"tim", b"\xff x"])
def test_what_makes_no_sense_is_refused(response: bytes) -> None:
    with pytest.raises(ProtocolError):
        play(cram_md5(HOST), response, answers=[])


def test_a_name_may_hold_spaces() -> None:
    digest = hmac.new(b"s", f"<{NONCE}@{HOST}>".encode(), "md5").hexdigest().upper().encode()
    assert play(cram_md5(HOST, NONCE), b"tim o tim " + digest, answers=[b"s"])[1] == Proven("tim o tim")


def test_the_example_of_rfc_1939() -> None:
    """RFC 1939 §7: nothing is asked of the client."""
    begun = apop("<1896.697170952@dbc.mtview.ca.us>", "mrose", "c4c9334bac560ecc979e58001b3e22fb")
    assert play(begun, answers=[b"another", b"tanstaaf"]) == ([], Proven("mrose", fitting=1))


@pytest.mark.parametrize("known", [[], [b"wrong"]])
def test_a_wrong_digest_is_refused(known: list[bytes]) -> None:
    with pytest.raises(SignInFailed):
        play(apop("<1@x>", "mrose", "c4c9334bac560ecc979e58001b3e22fb"), answers=known)
