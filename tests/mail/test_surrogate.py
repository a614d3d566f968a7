"""RFC 6858: what a program that knows ASCII only is shown of a header."""

import re

import pytest

from mailservices.mail import headers, text
from mailservices.mail.surrogate import header

INVALID = "<invalid@internationalized-address.invalid>"


def shown(field: str) -> str:
    """A field beside one that is left out; the rest, with its encoded words undone."""
    made = header(f"X: ö\r\n{field}\r\n\r\n".encode())
    assert made.isascii()
    assert made.endswith(b"\r\n")
    return text.decode_field(made.removesuffix(b"\r\n").replace(b"\r\n ", b" ")).replace("\r\n", "")


def test_what_is_ascii_is_left_alone() -> None:
    whole = b"Subject: =?utf-8?b?w7Y=?=\r\n folded\r\nnonsense\r\n\r\n"
    assert header(whole) == whole


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        # §2.1
        ("From: jö@example.org", f"From: jö@example.org {INVALID}"),
        ("To: Fred <f@exämple.com>, Bob <b@example.org>", f'To: f@exämple.com {INVALID}, "Bob" <b@example.org>'),
        ("Cc: Jö <jo@example.org>, a@b.test", "Cc: Jö <jo@example.org>, <a@b.test>"),
        ('Cc: Jö <"j o"@example.org>', 'Cc: Jö <"j o"@example.org>'),
        ('To: "Jö \\"x\\"" <a@b.test>, "q \\" q" <b@b.test>', 'To: Jö "x" <a@b.test>, "q \\" q" <b@b.test>'),
        ("To: frö: a@b.test, ü@b.test;, c@d.test", f"To: frö: <a@b.test>, ü@b.test {INVALID};, <c@d.test>"),
        ("Return-Path: <ö@b.test>", f"Return-Path: ö@b.test {INVALID}"),
        # §2.2
        ("Content-Disposition: attachment; filename=FÖÖ", "Content-Disposition: attachment"),
        ('Content-Type: text/plain; name="ö;x"; charset="utf-8"', 'Content-Type: text/plain; charset="utf-8"'),
        ("Content-Type: töxt/plain; charset=utf-8", ""),
        # §2.3
        ("Subject: Grüße", "Subject: Grüße"),
        ("Subject: Grüße =?iso-8859-1?q?=FC?=", "Subject: Grüße ü"),
        # §2.4
        ("Message-ID: <ö@example.org>", ""),
        ("Date: Mon, 3 Aug 2026 23:30:00 +0000", "Date: Mon, 3 Aug 2026 23:30:00 +0000"),
    ],
)  # fmt: skip
def test_a_field_says_what_it_can(field: str, expected: str) -> None:
    assert shown(field) == expected


def test_octets_that_are_no_utf_8_are_shown_as_such() -> None:
    assert text.decode_field(header(b"Subject: \xff\xfe\r\n\r\n").strip()) == "Subject: \ufffd\ufffd"


def test_encoded_words_are_short_and_hold_whole_characters() -> None:
    made = header(("Subject: " + "ö" * 50 + "x" * 30 + "\U0001f600" * 20 + "\r\n\r\n").encode())
    words = re.findall(rb"=\?[^ ]+\?=", made)
    assert len(words) > 3
    assert all(len(word) <= 75 for word in words)
    assert "".join(text.decode_field(word) for word in words) == "ö" * 50 + "x" * 30 + "\U0001f600" * 20


def test_a_header_that_ends_early_gets_its_end() -> None:
    made = header("Subject: ö\r\nX-Last: 1".encode())
    assert headers.first(made, b"x-last") == b"1"
    assert made.endswith(b"\r\n\r\n")
