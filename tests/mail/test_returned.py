"""What is read of the reports of others: cases are pairs of files, X.eml and what it tells in X.told."""

import re
from pathlib import Path

import pytest

from appliance import ROOT
from mailservices.mail import headers, returned
from mailservices.mail.returned import Returned, What

CASES = sorted((ROOT / "tests" / "returned").glob("*.eml"))


def shown(found: Returned | None) -> str:
    if found is None:
        return "nothing\n"
    lines = [f"envid={found.envid} message-id={found.message_id} reporter={found.reporter}"]
    lines += [f"{one.what} {one.status} {' '.join(one.addresses)}: {one.text}".rstrip() for one in found.told]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_report_tells(path: Path) -> None:
    found = returned.read(*headers.split(path.read_bytes()))
    assert shown(found) == path.with_suffix(".told").read_text()


def test_who_has_a_return_path_keeps_to_the_form() -> None:
    octets = (ROOT / "tests" / "returned" / "06-qmail.eml").read_bytes()
    assert returned.read(*headers.split(octets), return_path="bob@far.test") is None


def test_our_own_reports_can_be_read() -> None:
    paths = sorted((ROOT / "tests" / "reports").glob("*.eml"))
    assert paths
    for path in paths:
        found = returned.read(*headers.split(path.read_bytes()))
        assert found is not None
        kind = re.match(r"[a-z]+", path.stem)
        assert kind
        assert {one.what for one in found.told} == {What(kind[0])}, path


@pytest.mark.parametrize(
    ("header", "return_path", "expected"),
    [
        (b"Subject: Hello\r\n\r\n", "bob@far.test", False),
        (b"\r\n", "bob@far.test", False),
        (b"Subject: Hello\r\n\r\n", "", True),
        (b"Content-Type: Multipart/Report; report-type=x\r\n\r\n", "bob@far.test", True),
        (b"Content-Type: application/gzip\r\n\r\n", "bob@far.test", True),
        (b"Subject: [Preview] Report Domain: us.test\r\n\r\n", "bob@far.test", True),
    ],
)
def test_what_may_be_a_report_is_looked_at(header: bytes, return_path: str, expected: bool) -> None:
    assert returned.suspected(header, return_path) is expected


def test_a_report_on_thousands_is_read_up_to_a_limit() -> None:
    one = b"Final-Recipient: rfc822; a@far.test\r\nAction: failed\r\n\r\n"
    header = b"Content-Type: multipart/report; boundary=b\r\n\r\n"
    body = b"--b\r\nContent-Type: message/delivery-status\r\n\r\n" + one * 1500 + b"--b--\r\n"
    found = returned.read(header, body)
    assert found is not None
    assert len(found.told) == returned.RECIPIENTS
