"""Messages of seven bits: what they say stays the same."""

import base64
from email import message_from_bytes
from email.policy import default

import pytest

from mailservices.mail import headers, seven_bit

TEXT = b"Content-Type: text/plain; charset=utf-8\r\n"
EIGHT = TEXT + b"Content-Transfer-Encoding: 8bit\r\n"
CASES = {
    "plain": TEXT + b"\r\nhello\r\n",
    "marked though plain": EIGHT + b"\r\nhello\r\n",
    "eight bits": EIGHT + "\r\nGrüße, \r\nFrom Alice\r\n".encode(),
    "eight bits that are not marked": TEXT + "\r\nGrüße".encode(),
    "long": TEXT + b"\r\n" + b"x" * 3000 + b"\r\n\r\ny\r\n",
    "a bare CR": EIGHT + "\r\nü\rx\r\n".encode(),
    "bare LF": TEXT + "\r\nGrüße\nAlice\n".encode(),
    "empty": EIGHT + b"\r\n",
    "encoded": TEXT + b"Content-Transfer-Encoding: base64\r\n\r\nR3LDvMOfZQ==\r\n",
    "octets": b"Content-Type: image/png\r\nContent-Transfer-Encoding: binary\r\n\r\n\x00\xff" + b"\x01" * 100,
    "nested": (
        b'Content-Transfer-Encoding: 8bit\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\nbefore\r\n--b\r\n'
        + EIGHT + "\r\nGrüße\r\n".encode()
        + b'--b\r\nContent-Type: multipart/alternative; boundary="c"\r\n\r\n--c\r\n' + TEXT
        + b"\r\nx\r\n--c--\r\n--b--\r\nafter\r\n"
    ),
}  # fmt: skip


def said(octets: bytes) -> list[bytes]:
    """What all parts say, line ends apart."""
    parts = message_from_bytes(octets, policy=default).walk()
    return [
        (part.get_payload(decode=True) or b"").replace(b"\r\n", b"\n").rstrip(b"\n")
        for part in parts
        if not part.is_multipart()
    ]


@pytest.mark.parametrize("name", CASES)
def test_nothing_else_is_said(name: str) -> None:
    octets = CASES[name]
    made = b"".join(seven_bit.encoded(*headers.split(octets)))
    assert said(made) == said(octets)
    assert made.isascii()
    assert b"\0" not in made
    assert all(len(line) <= 998 for line in made.split(b"\r\n"))
    assert not any(line.endswith(b" ") or line.startswith(b"From ") for line in made.split(b"\r\n"))
    assert b"".join(seven_bit.encoded(*headers.split(made))) == made


def test_a_message_with_a_header_of_eight_bits() -> None:
    inner = "Subject: Grüße\r\n\r\nGrüße\r\n".encode()
    whole = b"Content-Type: message/global\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + inner
    made = b"".join(seven_bit.encoded(*headers.split(whole)))
    assert made.startswith(b"Content-Type: message/global\r\nContent-Transfer-Encoding: base64\r\n\r\n")
    assert base64.b64decode(headers.split(made)[1]) == inner
    older = whole.replace(b"global", b"rfc822")
    made = b"".join(seven_bit.encoded(*headers.split(older)))
    assert b"Content-Transfer-Encoding: 8bit\r\n\r\n" in made
    assert made.endswith("Subject: Grüße\r\n\r\nGr=C3=BC=C3=9Fe\r\n".encode())


def test_what_was_signed_stays() -> None:
    signed = (
        b'Content-Type: multipart/signed; boundary="b"\r\n\r\n--b\r\n' + EIGHT + "\r\nGrüße\r\n--b--\r\n".encode()
    )
    assert b"".join(seven_bit.encoded(*headers.split(signed))) == signed


@pytest.mark.parametrize("length", [998, 999, 2000])
def test_only_lines_that_are_too_long_are_encoded(length: int) -> None:
    header, body = b"Content-Type: text/plain\r\n\r\n", b"short\r\n" * 300 + b"x" * length + b"\r\nshort\r\n"
    made = b"".join(seven_bit.encoded(header, body))
    assert (made == header + body) is (length == 998)
    assert max(len(line) for line in made.split(b"\r\n")) <= 998
