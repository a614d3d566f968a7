"""Delivery reports against tests/reports: word by word, and as the standard library's parser reads them."""

import email
import email.policy
import re
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage, Message

import pytest

from appliance import ROOT
from mailservices.mail import dsn, headers, structure
from mailservices.mail.dsn import Fate, Original
from tests.wildcards import matches

REPORTS = ROOT / "tests" / "reports"
NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
HEADER = b"From: alice@us.test\r\nSubject: Hello\r\nMessage-ID: <1@us.test>\r\n\r\n"
ORIGINAL = Original(
    "alice@us.test",
    "QQ314159",
    datetime(2026, 7, 1, 8, 0, tzinfo=UTC),
    HEADER,
)
ENDS = datetime(2026, 7, 6, 8, 0, tzinfo=UTC)
REFUSED = Fate(
    "bob@far.test", "rfc822;Bob@far.test", "5.1.1", "mx.far.test", "550 5.1.1 Nobody of that name",
    datetime(2026, 7, 1, 11, 59, tzinfo=UTC), ENDS,
)  # fmt: skip
SILENT = Fate("charlie@gone.test", status="5.4.4", retry_until=ENDS)

#: Name of the file -> what is reported.
CASES: dict[str, tuple[str, Original, list[Fate]]] = {
    "failed": ("failed", ORIGINAL, [REFUSED]),
    "failed-many": ("failed", replace(ORIGINAL, envid=""), [REFUSED, SILENT]),
    "failed-whole-message": ("failed", replace(ORIGINAL, body=b"Hello Bob\r\n"), [REFUSED]),
    "failed-8bit": ("failed", replace(ORIGINAL, body="Grüße\r\n".encode()), [REFUSED]),
    "delayed": ("delayed", ORIGINAL, [replace(REFUSED, status="4.4.2", reply="450 4.4.2\r\n Not   now\x07")]),
    "relayed": ("relayed", ORIGINAL, [replace(REFUSED, status="2.0.0", reply="250 2.0.0 Taken")]),
    "delivered": ("delivered", ORIGINAL, [Fate("bob@us.test", "rfc822;Bob@us.test", "2.0.0")]),
    # RFC 2852 §5 and RFC 4865 §5.1.2.
    "expanded": (
        "expanded",
        replace(ORIGINAL, deliver_by=NOW, future_release="for;3600"),
        [Fate("list@us.test", status="2.0.0")],
    ),
    # RFC 6533: addresses beyond ASCII.
    "failed-utf8": (
        "failed",
        replace(ORIGINAL, sender="jörg@us.test", header=b"Subject: Gr\xc3\xbc\xc3\x9fe\r\n\r\n"),
        [replace(REFUSED, address="müller@far.test", orcpt=""), SILENT],
    ),
    "failed-utf8-whole-message": (
        "failed",
        replace(ORIGINAL, header="Subject: Grüße\r\n\r\n".encode(), body="Grüße\r\n".encode()),
        [replace(REFUSED, orcpt="")],
    ),
    # RFC 3461 §6.3: what the sender is told is for people, so in their language.
    **{
        f"{kind}-{language}": (kind, replace(ORIGINAL, language=language), [REFUSED, SILENT])
        for language in ("fr", "de", "es")
        for kind in ("failed", "delayed", "relayed")
    },
    "failed-de-utf8": ("failed", replace(ORIGINAL, language="de"), [replace(REFUSED, address="müller@far.test")]),
    "failed-no-message-id": ("failed", replace(ORIGINAL, header=b"Subject: x\r\n\r\n"), [SILENT]),
}


def built(name: str) -> bytes:
    kind, original, fates = CASES[name]
    return dsn.build(kind, original, fates, "mail.us.test", NOW)


def test_every_report_is_a_case() -> None:
    assert {path.stem for path in REPORTS.glob("*.eml")} == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_a_report_says_word_by_word(name: str) -> None:
    written, wanted = built(name), (REPORTS / f"{name}.eml").read_bytes()
    variables: dict[str, str] = {}
    for line, pattern in zip(written.decode().split("\r\n"), wanted.decode().split("\r\n"), strict=True):
        assert matches(pattern, line, variables), (pattern, line)


def fields_of(part: Message) -> list[Message]:
    """The groups of fields of a delivery status (RFC 3464 §2.1)."""
    groups: list[Message] = part.get_payload()  # type: ignore[assignment]
    if part.get_content_type() == "message/global-delivery-status":
        # The parser takes it for a message: what comes after the first group is its body.
        texts = re.split(r"\r?\n\r?\n", str(groups[0].get_payload()).strip())
        groups += [email.message_from_string(text) for text in texts]
    return [group for group in groups if group.keys()]


@pytest.mark.parametrize("name", CASES)
def test_others_read_a_report(name: str) -> None:
    kind, original, fates = CASES[name]
    octets = built(name)
    parsed = email.message_from_bytes(octets, _class=EmailMessage, policy=email.policy.SMTPUTF8)
    _people, machines, returned = parsed.get_payload()  # type: ignore[misc]
    assert not any(part.defects for part in parsed.walk())
    assert parsed.get_content_type() == "multipart/report"
    assert parsed["To"] == original.sender
    assert parsed["Auto-Submitted"] == "auto-replied"
    assert parsed["MIME-Version"] == "1.0"
    assert parsed["Date"].datetime == NOW
    assert machines.get_content_type().endswith("delivery-status")
    per_message, *per_recipient = fields_of(machines)
    assert per_message["Reporting-MTA"] == "dns; mail.us.test"
    assert per_message["Original-Envelope-Id"] == (original.envid or None)
    assert [one["Action"] for one in per_recipient] == [kind] * len(fates)
    assert [one["Status"] for one in per_recipient] == [fate.status for fate in fates]
    assert [one["Original-Recipient"] for one in per_recipient] == [fate.orcpt or None for fate in fates]
    assert returned.get_content_type() == returned_type(original)


def returned_type(original: Original) -> str:
    if original.body is None:
        return "text/rfc822-headers" if original.header.isascii() else "message/global-headers"
    return "message/rfc822" if original.header.isascii() else "message/global"


@pytest.mark.parametrize("name", CASES)
def test_a_report_keeps_the_rules_of_mail(name: str) -> None:
    """RFC 5322 §2.1.1 lines, RFC 2045 §6.4 encodings: 8-bit octets only where every level says so."""
    octets = built(name)
    assert b"\r" not in octets.replace(b"\r\n", b"")
    assert b"\n" not in octets.replace(b"\r\n", b"")
    assert max(map(len, octets.split(b"\r\n"))) <= 998
    header, body = headers.split(octets)
    assert body.isascii() == (b"Content-Transfer-Encoding: 8bit" not in header)
    assert structure.read(header, body).bodystructure.count(b'"8BIT"') == body.count(b"Encoding: 8bit")


@pytest.mark.parametrize("message_id", [b"<a\rBcc: evil@x.test>", b"<\xff@x.test>", b"<" + b"x" * 1000 + b">"])
def test_a_message_id_that_would_break_the_report_is_left_out(message_id: bytes) -> None:
    original = replace(ORIGINAL, header=b"Message-ID: " + message_id + b"\r\n\r\n")
    header, _ = headers.split(dsn.build("failed", original, [SILENT], "mail.us.test", NOW))
    assert b"In-Reply-To" not in header
    assert b"evil" not in header


def test_a_peers_words_stay_on_one_line_and_are_not_endless() -> None:
    fate = replace(REFUSED, reply="550 x\r\nAction: delivered\r\n" + "y" * 5000)
    octets = dsn.build("failed", ORIGINAL, [fate], "mail.us.test", NOW)
    assert octets.count(b"\r\nAction: ") == 1
    assert max(map(len, octets.split(b"\r\n"))) < 998
