"""The mail in which reports travel: what stands on it, and what is found in it."""

import email
import email.policy
from datetime import UTC, datetime

import pytest

from mailservices.mail import headers, report_message
from mailservices.mail.report_message import ATTACHMENTS, Parcel

BEGIN, END = datetime(2026, 5, 4, tzinfo=UTC), datetime(2026, 5, 5, tzinfo=UTC)


def parcel(extension: str, media_type: str) -> Parcel:
    return Parcel(
        "sender.test", "us.test", "20260504.ab@us.test", BEGIN, END, extension, media_type, b"\x1f\x8b" * 99
    )


@pytest.mark.parametrize(
    ("on_tls", "extension", "media_type"),
    [(False, "xml.gz", "application/gzip"), (True, "json.gz", "application/tlsrpt+gzip")],
)
def test_a_report_is_a_mail_of_its_form(on_tls: bool, extension: str, media_type: str) -> None:
    sent = parcel(extension, media_type)
    to = ["a@sender.test", "b@else.test"]
    octets = report_message.build(sent, "postmaster@us.test", to, END, on_tls=on_tls)
    message = email.message_from_bytes(octets, policy=email.policy.default)
    assert message["Subject"] == "Report Domain: sender.test Submitter: us.test Report-ID: <20260504.ab@us.test>"
    assert message["To"] == "a@sender.test, b@else.test"
    assert message["Auto-Submitted"] == "auto-generated"
    assert not message.defects
    text, attached = message.iter_parts()  # type: ignore[attr-defined]
    assert "sender.test on 2026-05-04 (UTC)" in " ".join(text.get_content().split())
    assert attached.get_content_type() == media_type
    assert attached.get_filename() == f"us.test!sender.test!1777852800!1777939199!20260504abustest.{extension}"
    assert attached.get_content() == sent.octets
    told = (message["TLS-Report-Domain"], message["TLS-Report-Submitter"], message["TLS-Required"])
    assert told == (("sender.test", "us.test", "No") if on_tls else (None, None, None))
    assert message.get_content_type() == ("multipart/report" if on_tls else "multipart/mixed")
    assert list(report_message.enclosed(*headers.split(octets))) == [sent.octets]
    assert max(map(len, octets.split(b"\r\n"))) <= 100


@pytest.mark.parametrize(
    ("octets", "found"),
    [
        (b"Content-Type: application/zip\r\nContent-Transfer-Encoding: base64\r\n\r\nUEs=\r\n", [b"PK"]),
        (b"Content-Type: text/xml\r\n\r\n<a/>", [b"<a/>"]),
        (b"Content-Type: x/y\r\nContent-Disposition: attachment; filename=a.xml.gz\r\n\r\n<a/>", [b"<a/>"]),
        (b"Content-Type: x/y\r\nContent-Disposition: attachment\r\n\r\n<a/>", []),
        (b"Content-Type: x/y\r\nContent-Disposition: @\r\n\r\n<a/>", []),
        (b"Subject: x\r\n\r\nwords", []),
    ],
)
def test_a_report_is_found_wherever_it_is(octets: bytes, found: list[bytes]) -> None:
    assert list(report_message.enclosed(*headers.split(octets))) == found


def test_not_every_attachment_is_looked_at() -> None:
    header = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    body = b"--b\r\nContent-Type: text/xml\r\n\r\n<a/>\r\n" * (ATTACHMENTS + 5) + b"--b--\r\n"
    assert len(list(report_message.enclosed(header, body))) == ATTACHMENTS
