"""Which messages are answered by machine, and how (RFC 3834)."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailservices.mail.address import Address, parse
from mailservices.mail.vacation import (
    KEPT_OCTETS,
    RECIPIENTS,
    REFERENCES,
    SUBJECT_LETTERS,
    Answer,
    addressed,
    build,
    kept,
    may_be_answered,
)

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
ALICE = Address("alice", "example.org")
BOB = Address("bob", "example.net")


@pytest.mark.parametrize(
    "sender",
    [
        "", "owner-list@x.test", "list-owner@x.test", "list-request@x.test", "list-bounces@x.test",
        "MAILER-DAEMON@x.test", "a-errors@x.test", "bounce@x.test", "bounces+alice=example.org@x.test",
        "bounce-1@x.test", "majordomo@x.test", "listserv@x.test", "Mailman@x.test", "noreply@x.test",
        "no-reply@x.test", "do-not-reply@x.test", "donotreply@x.test", "No.Reply+1@x.test", "prvs=1=bob@x.test",
    ],
)  # fmt: skip
def test_nobody_and_programs_are_not_answered(sender: str) -> None:
    assert not may_be_answered(b"To: alice@example.org\r\n\r\n", sender)


@pytest.mark.parametrize("sender", ["bob@x.test", "owner@x.test", "request@x.test", "norman@x.test", "b@x.test"])
def test_people_are_answered(sender: str) -> None:
    assert may_be_answered(b"To: alice@example.org\r\n\r\n", sender)


@pytest.mark.parametrize(
    ("field", "answered"),
    [
        ("Auto-Submitted: auto-generated", False),
        ("Auto-Submitted: auto-replied; owner-email=x@y.test", False),
        ("auto-submitted:\r\n AUTO-NOTIFIED (whatever)", False),
        ("Auto-Submitted: no", True),
        ("Auto-Submitted: No (a person); x=y", True),
        ("Precedence: BULK", False),
        ("Precedence: list", False),
        ("Precedence: junk", False),
        ("Precedence: first-class", True),
        ("List-Id: <a.example.org>", False),
        ("List-Unsubscribe: <mailto:a@b.test>", False),
        ("X-Auto-Response-Suppress: DR, OOF", False),
        ("X-Auto-Response-Suppress: All", False),
        ("X-Auto-Response-Suppress: DR", True),
        ("Content-Type: multipart/report; report-type=delivery-status", False),
        ("Content-Type: text/plain", True),
        ("X-Loop: alice@example.org", False),
        ("Feedback-ID: 1:2:3", False),
        ("Subject: Precedence: bulk", True),
    ],
)
def test_lists_and_programs_say_what_they_are(field: str, answered: bool) -> None:
    header = f"To: alice@example.org\r\n{field}\r\nFrom: bob@x.test\r\n\r\n".encode()
    assert may_be_answered(header, "bob@x.test") is answered


def test_only_what_an_answer_is_made_of_is_kept() -> None:
    header = b"Received: x\r\nTo: a@b.test\r\nSUBJECT: one\r\n two\r\nX-Y: z\r\nMessage-ID: <1@x>\r\n\r\n"
    assert kept(header) == b"To: a@b.test\r\nSUBJECT: one\r\n two\r\nMessage-ID: <1@x>\r\n"
    assert len(kept(b"To: " + b"a@b.test, " * 10_000 + b"\r\n\r\n")) == KEPT_OCTETS


def test_whom_a_message_is_to() -> None:
    header = (
        b'To: "Alice" <Alice@Example.ORG>, nonsense, x@\xff\r\nCc: Group: bob@example.net;\r\nFrom: c@d.test\r\n'
        b"Resent-To: eve@example.com\r\n\r\n"
    )
    assert [str(one) for one in addressed(header)] == ["Alice@example.org", "bob@example.net", "eve@example.com"]
    many = ", ".join(f"a{n}@b.test" for n in range(RECIPIENTS + 5))
    assert len(addressed(f"To: {many}\r\n\r\n".encode())) == RECIPIENTS


def test_an_answer() -> None:
    header = (
        b"To: alice@example.org\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nMessage-ID: <3@x.test>\r\n"
        b"References: <1@x.test> nonsense\r\n <2@x.test>\r\n\r\n"
    )
    octets = build(Answer(ALICE, "Alice Ä", BOB, "", "I am away.\r\nGrüße"), header, "<9@us.test>", NOW)
    assert octets.isascii()
    assert b"\n" not in octets.replace(b"\r\n", b"")
    message = message_from_bytes(octets, policy=default)
    assert message["From"] == "Alice Ä <alice@example.org>"
    assert message["To"] == "bob@example.net"
    assert message["Subject"] == "Auto: Grüße"
    assert message["Auto-Submitted"] == "auto-replied"
    assert (message["In-Reply-To"], message["Message-ID"]) == ("<3@x.test>", "<9@us.test>")
    assert message["References"] == "<1@x.test> <2@x.test> <3@x.test>"
    assert message["Date"].datetime == NOW
    assert message.get_content().replace("\r\n", "\n") == "I am away.\nGrüße\n"
    # It is not answered itself.
    assert not may_be_answered(octets, "alice@example.org")


def test_an_answer_with_a_subject_of_ones_own() -> None:
    answer = Answer(ALICE, "", BOB, "Away\r\nBcc: all@x.test", "x")
    message = message_from_bytes(build(answer, b"\r\n", "<9@us.test>", NOW), policy=default)
    assert (message["Subject"], message["Bcc"]) == ("Away Bcc: all@x.test", None)
    assert message["In-Reply-To"] is message["References"] is None


def test_what_a_stranger_wrote_does_no_harm() -> None:
    many = b" ".join(b"<%d@x.test>" % n for n in range(REFERENCES * 2))
    header = (
        b"Subject: " + b"x" * 900 + b"\r\nMessage-ID: <3@x.test> <4@x.test>\r\nIn-Reply-To: " + many + b"\r\n\r\n"
    )
    message = message_from_bytes(build(Answer(ALICE, "", BOB, "", "x"), header, "<9@u>", NOW), policy=default)
    assert len(message["Subject"]) == SUBJECT_LETTERS
    assert message["References"].split()[-2:] == [f"<{REFERENCES * 2 - 1}@x.test>", "<3@x.test>"]
    assert len(message["References"].split()) == REFERENCES + 1
    bare = message_from_bytes(
        build(Answer(ALICE, "", BOB, "", "x"), b"Message-ID: \xff\r\n\r\n", "<9@u>", NOW), policy=default
    )
    assert bare["Subject"] == "Auto: your message"


def test_addresses_beyond_ascii_are_answered_in_utf8() -> None:
    octets = build(Answer(ALICE, "", Address("jürgen", "example.net"), "", "x"), b"\r\n", "<9@u>", NOW)
    assert "To: jürgen@example.net\r\n".encode() in octets


@pytest.mark.parametrize("local", ['"a b"', '"a\\"@b"', '"a..b"', "x" * 64, "ü" * 20])
def test_every_address_can_be_answered(local: str) -> None:
    to = parse(f"{local}@example.net")
    octets = build(Answer(ALICE, "", to, "", "x"), b"\r\n", "<9@u>", NOW)
    assert b"example.net" in octets


@given(st.binary(max_size=300))
def test_any_header_is_answered_or_not(header: bytes) -> None:
    may_be_answered(header, "bob@x.test")
    addressed(header)
    for name in (b"", b"Subject: ", b"Message-ID: <", b"References: "):
        build(Answer(ALICE, "", BOB, "", "x"), name + header + b"\r\n\r\n", "<9@u>", NOW)
