"""What came as BINARYMIME has lines afterwards, and the same content."""

import email
import email.policy

from hypothesis import given
from hypothesis import strategies as st

from mailservices.mail import binary, headers
from mailservices.mail.line_ends import LineEnds

DIRT = bytes(range(256)) * 300 + b"\r\n.\r\n\n.\n"


def encoded(message: bytes) -> bytes:
    return b"".join(binary.encoded(*headers.split(message)))


def test_a_binary_message_is_encoded() -> None:
    made = encoded(b"Subject: x\r\nContent-Transfer-Encoding:\r\n binary\r\nContent-Type: image/x\r\n\r\n" + DIRT)
    found = email.message_from_bytes(made, policy=email.policy.default)
    assert found["subject"] == "x"
    assert found["content-transfer-encoding"] == "base64"
    assert found.get_content() == DIRT


def test_parts_are_encoded_where_they_are_binary() -> None:
    message = (
        b"Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: Binary\r\n\r\npreamble\r\n"
        b"--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\xc3\xa9\r\n"
        b"--b\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: binary\r\n\r\n"
        b"Subject: y\r\nContent-Type: image/x\r\nContent-Transfer-Encoding: binary\r\n\r\n" + DIRT + b"\r\n"
        b"--b--\r\nepilogue\r\n"
    )
    made = encoded(message)
    ends = LineEnds()
    ends.feed(made)
    assert ends.clean
    assert made.startswith(
        b"Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 8bit\r\n\r\npre"
    )
    assert made.endswith(b"\r\n--b--\r\nepilogue\r\n")
    text, inner = email.message_from_bytes(made, policy=email.policy.default).iter_parts()
    assert text.get_content() == "é"
    assert inner.get_content().get_content() == DIRT


def test_what_is_not_marked_stays_as_it_is() -> None:
    for message in (
        b"",
        b"Subject: x\r\n\r\na\nb\0",
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\nno parts",
    ):
        assert encoded(message) == message


@given(st.binary(max_size=300))
def test_any_octets_come_back(octets: bytes) -> None:
    made = encoded(b"Content-Type: a/b\r\nContent-Transfer-Encoding: binary\r\n\r\n" + octets)
    assert email.message_from_bytes(made).get_payload(decode=True) == octets
