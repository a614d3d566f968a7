"""Parameters of MAIL and RCPT (RFC 5321 §4.1.1.11, RFC 1870, 6152, 6531, 3461)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailservices.mail import codes
from mailservices.mail.address import Address
from mailservices.mail.codes import Reply
from mailservices.mail.envelope import Envelope, Recipient
from mailservices.protocols.smtp.parameters import (
    ENVID_OCTETS,
    ORCPT_OCTETS,
    ParameterError,
    decode_xtext,
    encode_xtext,
    read_mail,
    read_rcpt,
    split,
)

EVERYTHING = {"SIZE", "8BITMIME", "SMTPUTF8", "DSN"}
BOB = Address("bob", "example.org")
SYNTAX, UNKNOWN = codes.SYNTAX_ERROR, codes.PARAMETER_UNKNOWN


def test_words_are_told_apart() -> None:
    assert split("") == {}
    assert split(" size=1  SMTPUTF8 X-Any=aB=".removesuffix("=")) == {"SIZE": "1", "SMTPUTF8": None, "X-ANY": "aB"}


@pytest.mark.parametrize(
    "text", ["SIZE=", "=1", "SIZE==1", "SIZE=1=2", "-X", "A\tB", "A=\x7f", "Ä=1", "SIZE=1 size=1"]
)
def test_what_are_no_words_is_refused(text: str) -> None:
    with pytest.raises(ParameterError) as caught:
        split(text)
    assert caught.value.reply == SYNTAX


@pytest.mark.parametrize(
    ("text", "envelope"),
    [
        ("", Envelope(None)),
        ("SIZE=12345", Envelope(None, size=12345)),
        ("SIZE=00000000000000000000", Envelope(None)),
        ("BODY=7BIT", Envelope(None)),
        ("body=8bitmime", Envelope(None, eightbit=True)),
        ("SMTPUTF8", Envelope(None, smtputf8=True)),
        ("RET=hdrs", Envelope(None, ret="HDRS")),
        ("RET=FULL ENVID=QQ+2B314", Envelope(None, ret="FULL", envid="QQ+314")),
        ("ENVID=" + "x" * ENVID_OCTETS, Envelope(None, envid="x" * ENVID_OCTETS)),
    ],
)
def test_an_envelope_is_filled(text: str, envelope: Envelope) -> None:
    found = Envelope(None)
    read_mail(found, text, EVERYTHING)
    assert found == envelope


@pytest.mark.parametrize(
    ("text", "offered", "reply"),
    [
        ("SIZE", EVERYTHING, SYNTAX),
        ("SIZE=x", EVERYTHING, SYNTAX),
        ("SIZE=-1", EVERYTHING, SYNTAX),
        ("SIZE=\u0661", EVERYTHING, SYNTAX),
        ("SIZE=" + "1" * 21, EVERYTHING, SYNTAX),
        ("BODY", EVERYTHING, SYNTAX),
        ("BODY=BINARYMIME", EVERYTHING, SYNTAX),
        ("SMTPUTF8=yes", EVERYTHING, SYNTAX),
        ("RET", EVERYTHING, SYNTAX),
        ("RET=SOME", EVERYTHING, SYNTAX),
        ("ENVID", EVERYTHING, SYNTAX),
        ("ENVID=a+2", EVERYTHING, SYNTAX),
        ("ENVID=a+0A", EVERYTHING, SYNTAX),
        ("ENVID=" + "x" * (ENVID_OCTETS + 1), EVERYTHING, SYNTAX),
        ("AUTH=<>", EVERYTHING, UNKNOWN),
        ("X-ANY", EVERYTHING, UNKNOWN),
        ("NOTIFY=NEVER", EVERYTHING, UNKNOWN),
        ("RET=FULL", {"SIZE"}, UNKNOWN),
        ("SMTPUTF8", (), UNKNOWN),
    ],
)
def test_what_an_envelope_cannot_hold_is_refused(text: str, offered: set[str], reply: Reply) -> None:
    with pytest.raises(ParameterError) as caught:
        read_mail(Envelope(None), text, offered)
    assert caught.value.reply == reply


@pytest.mark.parametrize(
    ("text", "recipient"),
    [
        ("", Recipient(BOB)),
        ("NOTIFY=never", Recipient(BOB, ("NEVER",))),
        ("NOTIFY=SUCCESS,DELAY", Recipient(BOB, ("SUCCESS", "DELAY"))),
        ("ORCPT=rfc822;Bob+2Bx@example.org", Recipient(BOB, None, "rfc822;Bob+x@example.org")),
        (
            "ORCPT=utf-8;b\\x{F6}b@example.org NOTIFY=FAILURE",
            Recipient(BOB, ("FAILURE",), "utf-8;b\\x{F6}b@example.org"),
        ),
    ],
)
def test_a_recipient_is_filled(text: str, recipient: Recipient) -> None:
    assert read_rcpt(Recipient(BOB), text, EVERYTHING) == recipient


@pytest.mark.parametrize(
    ("text", "offered", "reply"),
    [
        ("NOTIFY", EVERYTHING, SYNTAX),
        ("NOTIFY=NEVER,SUCCESS", EVERYTHING, SYNTAX),
        ("NOTIFY=SUCCESS,SUCCESS", EVERYTHING, SYNTAX),
        ("NOTIFY=SUCCESS,", EVERYTHING, SYNTAX),
        ("NOTIFY=SOMETIMES", EVERYTHING, SYNTAX),
        ("ORCPT", EVERYTHING, SYNTAX),
        ("ORCPT=bob@example.org", EVERYTHING, SYNTAX),
        ("ORCPT=;bob@example.org", EVERYTHING, SYNTAX),
        ("ORCPT=rfc822;", EVERYTHING, SYNTAX),
        ("ORCPT=ärger;bob", EVERYTHING, SYNTAX),
        ("ORCPT=rfc822;a+", EVERYTHING, SYNTAX),
        ("ORCPT=rfc822;ä", EVERYTHING, SYNTAX),
        ("ORCPT=rfc822;" + "x" * ORCPT_OCTETS, EVERYTHING, SYNTAX),
        ("SIZE=1", EVERYTHING, UNKNOWN),
        ("NOTIFY=NEVER", {"SIZE"}, UNKNOWN),
    ],
)
def test_what_a_recipient_cannot_have_is_refused(text: str, offered: set[str], reply: Reply) -> None:
    with pytest.raises(ParameterError) as caught:
        read_rcpt(Recipient(BOB), text, offered)
    assert caught.value.reply == reply


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E)))
def test_xtext_comes_back(text: str) -> None:
    written = encode_xtext(text)
    assert "=" not in written
    assert " " not in written
    assert decode_xtext(written) == text
