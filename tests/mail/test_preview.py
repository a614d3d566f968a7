"""The first words of a message (RFC 8970 §3)."""

import pytest

from mailservices.mail import headers, mime, preview
from mailservices.mail.preview import CHARACTERS


def of(text: str) -> str:
    octets = text.replace("\n", "\r\n").encode()
    header, body = headers.split(octets)
    return preview.of(mime.scan(header, body), body)


HTML = "Content-Type: text/html; charset=utf-8\n\n"
MIXED = "Content-Type: multipart/mixed; boundary=b\n\n--b\n{}\n--b\n{}\n--b--\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\n", ""),
        ("\n  two\t\nlines \n", "two lines"),
        ("Content-Transfer-Encoding: quoted-printable\n\nGr=C3=BC=C3=9Fe", "Grüße"),
        ("\nBob wrote:\n> old\n>> older\nnew\n", "new"),
        # Nothing but what is quoted is better than nothing.
        ("\n> old\n", "> old"),
        ("\na\u200bb\ufeff\n", "ab"),
        (f"\n{'x' * 500}", "x" * CHARACTERS),
        ("Content-Type: image/png\n\nabc", ""),
        (HTML + "<p>One&amp;<b>two</b><!-- no --> <br>three", "One&two three"),
        (HTML + "<HEAD><title>no</title></HEAD><style>p {}</STYLE>yes<script>no", "yes"),
        (HTML + "a <!-- no end", "a"),
        (HTML + "a <b no end", "a"),
        (HTML + "1 < 2", "1"),
        (MIXED.format("Content-Type: image/png\n\nabc", "\nwords"), "words"),
        (MIXED.format(HTML + "rich", "\nplain"), "plain"),
        (MIXED.format(HTML + "rich", "\n "), "rich"),
        (MIXED.format(HTML + "rich", HTML + "richer"), "rich"),
        (MIXED.format("Content-Disposition: attachment\n\nno", HTML + "rich"), "rich"),
    ],
)
def test_what_is_shown(text: str, shown: str) -> None:
    assert of(text) == shown
