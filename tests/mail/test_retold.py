"""Reports told again say the same of the same, and nothing else."""

from pathlib import Path

import pytest

from appliance import ROOT
from mailservices.mail import headers, returned
from mailservices.mail.retold import report

CASES = sorted((ROOT / "tests" / "returned").glob("*.eml"))
REPORTS = sorted((ROOT / "tests" / "reports").glob("*.eml"))


@pytest.mark.parametrize("path", [*CASES, *REPORTS], ids=lambda path: path.stem)
def test_it_says_the_same(path: Path) -> None:
    header, body = headers.split(path.read_bytes())
    made = report(header, body)
    said = returned.read(header, body)
    if b"multipart/report" not in header or said is None or not said.told:
        assert made is None
        return
    assert made is not None
    assert returned.read(*made) == said
    assert len(made[0] + made[1]) < len(header + body) + 500
    subject = headers.first(header, b"subject")
    assert subject is None or subject not in made[0] + made[1]


DSN = b'Content-Type: multipart/report; boundary="b"\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n'


@pytest.mark.parametrize(
    "octets",
    [
        b"Subject: x\r\n\r\nhello\r\n",
        DSN + b"Reporting-MTA: dns; a\r\n\r\n--b--\r\n",
        b'Content-Type: multipart/report; boundary="b"\r\n\r\n--b\r\n\r\nhello\r\n--b--\r\n',
    ],
)
def test_what_says_nothing_is_not_told(octets: bytes) -> None:
    assert report(*headers.split(octets)) is None


@pytest.mark.parametrize(
    "group",
    [
        b"Final-Recipient: rfc822; a@x.test\r\nAction: failed\r\n",
        b"Original-Recipient: rfc822; b@x.test\r\nFinal-Recipient: rfc822; a@x.test\r\nAction: failed\r\n",
        b"Final-Recipient: rfc822;\r\nAction: delayed\r\nDiagnostic-Code: smtp; 451 a; b\r\n",
    ],
)  # fmt: skip
def test_each_recipient_is_told_as_it_was(group: bytes) -> None:
    octets = DSN + b"Reporting-MTA: dns; a\r\nOriginal-Envelope-ID: 7\r\n\r\n" + group + b"\r\n--b--\r\n"
    header, body = headers.split(octets)
    made = report(header, body)
    assert made is not None
    assert returned.read(*made) == returned.read(header, body)
