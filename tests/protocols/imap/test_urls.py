"""URLs of messages (RFC 5092), as far as CATENATE needs them."""

import pytest

from mailservices.mail.errors import ProtocolError
from mailservices.protocols.imap.fetch import Kind, Section
from mailservices.protocols.imap.urls import OCTETS, MessageUrl, parse

WHOLE = Section(b"BODY[]", marks_seen=False)


def of_part(label: bytes, *part: int, kind: Kind = Kind.WHOLE, partial: tuple[int, int] | None = None) -> Section:
    return Section(label, part, kind, (), partial, marks_seen=False)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        (b"/INBOX/;UID=20", MessageUrl("INBOX", 0, 20, WHOLE)),
        (b"/inbox;uidvalidity=785799047/;uid=113330/;section=1.5.9",
         MessageUrl("INBOX", 785799047, 113330, of_part(b"BODY[1.5.9]", 1, 5, 9))),
        (b";UID=7", MessageUrl("", 0, 7, WHOLE)),
        (b"/;UID=7", MessageUrl("", 0, 7, WHOLE)),
        (b"a/b%3Bc%20d/;UID=7/;SECTION=2.MIME",
         MessageUrl("a/b;c d", 0, 7, of_part(b"BODY[2.MIME]", 2, kind=Kind.MIME))),
        (b"/%C3%BC/;UID=7/;SECTION=HEADER.FIELDS%20(TO)",
         MessageUrl("\u00fc", 0, 7, Section(b"BODY[HEADER.FIELDS (TO)]", (), Kind.FIELDS, (b"TO",), None, False))),
        (b"/a/;UID=7/;SECTION=TEXT/;PARTIAL=3.4",
         MessageUrl("a", 0, 7, of_part(b"BODY[TEXT]", kind=Kind.TEXT, partial=(3, 4)))),
        (b"/a/;UID=7/;PARTIAL=0", MessageUrl("a", 0, 7, of_part(b"BODY[]", partial=(0, 2**63 - 1)))),
    ],
)  # fmt: skip
def test_urls(text: bytes, url: MessageUrl) -> None:
    assert parse(text) == url


@pytest.mark.parametrize(
    "text",
    [
        b"", b"/INBOX", b"/INBOX/;UID=0", b"/INBOX/;UID=x", b"/INBOX/;UID=4294967296", b"/INBOX/;UID=1/;SECTION=x",
        b"/INBOX/;UID=1/;SECTION=1]x", b"/INBOX/;UID=1/;PARTIAL=1.0", b"/INBOX/;UID=1;URLAUTH=anonymous",
        b"/%FF/;UID=1", b"/a;UIDVALIDITY=0/;UID=1", b"/" + b"a" * OCTETS + b"/;UID=1",
    ],
)  # fmt: skip
def test_what_is_no_url_is_refused(text: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse(text)
