"""Parameters of MAIL and RCPT (RFC 5321 §4.1.1.11, RFC 1870, 6152, 6531, 3461)."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailservices.mail import codes
from mailservices.mail.address import Address
from mailservices.mail.codes import Reply
from mailservices.mail.envelope import DeliverBy, Envelope, Hold, Recipient
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

EVERYTHING = {
    "SIZE", "8BITMIME", "BINARYMIME", "SMTPUTF8", "DSN", "REQUIRETLS", "MT-PRIORITY", "DELIVERBY", "FUTURERELEASE",
}  # fmt: skip
NEW_YEAR = datetime(2027, 1, 1, 0, 0, tzinfo=UTC)
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
        ("BODY=BinaryMime", Envelope(None, eightbit=True, binary=True)),
        ("SMTPUTF8", Envelope(None, smtputf8=True)),
        ("REQUIRETLS", Envelope(None, require_tls=True)),
        ("MT-PRIORITY=-9", Envelope(None, priority=-9)),
        ("MT-PRIORITY=4", Envelope(None, priority=4)),
        ("BY=120;R", Envelope(None, by=DeliverBy(120, returned=True, traced=False))),
        ("BY=+5;rt", Envelope(None, by=DeliverBy(5, returned=True, traced=True))),
        ("BY=-120;NT", Envelope(None, by=DeliverBy(-120, returned=False, traced=True))),
        ("HOLDFOR=86400", Envelope(None, hold=Hold(seconds=86400))),
        ("HOLDUNTIL=2027-01-01T00:00:00Z", Envelope(None, hold=Hold(until=NEW_YEAR))),
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
        ("BODY=BINARY", EVERYTHING, SYNTAX),
        ("BODY=BINARYMIME", {"8BITMIME"}, UNKNOWN),
        ("REQUIRETLS=yes", EVERYTHING, SYNTAX),
        ("REQUIRETLS", {"SIZE"}, UNKNOWN),
        ("MT-PRIORITY", EVERYTHING, SYNTAX),
        ("MT-PRIORITY=10", EVERYTHING, SYNTAX),
        ("MT-PRIORITY=+1", EVERYTHING, SYNTAX),
        ("BY=0;R", EVERYTHING, SYNTAX),
        ("BY=-1;RT", EVERYTHING, SYNTAX),
        ("BY=1", EVERYTHING, SYNTAX),
        ("BY=1;X", EVERYTHING, SYNTAX),
        ("BY=1234567890;N", EVERYTHING, SYNTAX),
        ("BY", EVERYTHING, SYNTAX),
        ("HOLDFOR=0", EVERYTHING, SYNTAX),
        ("HOLDFOR", EVERYTHING, SYNTAX),
        ("HOLDUNTIL", EVERYTHING, SYNTAX),
        ("HOLDUNTIL=2027-01-01", EVERYTHING, SYNTAX),
        ("HOLDUNTIL=2027-02-30T00:00:00Z", EVERYTHING, SYNTAX),
        ("HOLDUNTIL=2027-01-01T00:00:00+01:00", EVERYTHING, SYNTAX),
        ("HOLDFOR=1 HOLDUNTIL=2027-01-01T00:00:00Z", EVERYTHING, SYNTAX),
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
