"""What a message says, whatever encodings its sender chose (RFC 2045 §6, RFC 2047)."""

import pytest

from mailservices.mail import text
from mailservices.mail.mime import scan


@pytest.mark.parametrize(
    ("octets", "charset", "shown"),
    [
        (b"gr\xc3\xbc\xc3\x9fe", None, "grüße"),
        (b"gr\xfc\xdfe", b"ISO-8859-1", "grüße"),
        (b"gr\xc3\xbc\xc3\x9fe", b"us-ascii", "grüße"),
        (b"\xff", b"utf-8", "\ufffd"),
        (b"plain", b"no-such-charset", "plain"),
        (b"plain", b"", "plain"),
        (b"plain", b"\xff\xfe", "plain"),
        (b"plain", b"a\0b", "plain"),
        # Codecs of Python that are no charsets of mail.
        (b"caf\\xe9", b"unicode_escape", "caf\\xe9"),
        (b"\\u00e9\\d", b"raw-unicode-escape", "\\u00e9\\d"),
        (b"xn--a", b"idna", "xn--a"),
        (b"a-b", b"punycode", "a-b"),
        (b"plain", b"rot13", "plain"),
        (b"plain", b"hex", "plain"),
        (b"plain", b"undefined", "plain"),
        (b"\xfe\xff\x00a", b"utf-16", "a"),
    ],
)
def test_octets_become_text(octets: bytes, charset: bytes | None, shown: str) -> None:
    assert text.decode(octets, charset) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (b" plain\r", "plain"),
        (b" two\r\n lines\r", "two lines"),
        (b"gr\xc3\xbc\xc3\x9fe", "grüße"),
        (b"=?utf-8?q?gr=C3=BC=C3=9Fe?=", "grüße"),
        (b"=?UTF-8?B?Z3LDvMOfZQ==?=", "grüße"),
        (b"=?utf-8?B?Z3LDvMOfZQ?=", "grüße"),
        (b"=?iso-8859-1?Q?a_b=5Fc?= tail", "a b_c tail"),
        (b"head =?utf-8*de?q?x?= tail", "head x tail"),
        # RFC 2047 §6.2: space between encoded words is not shown.
        (b"=?utf-8?q?one?= =?utf-8?q?two?=\r\n =?utf-8?q?three?= four", "onetwothree four"),
        # What is no encoded word stands as it is.
        (b"=?utf-8?x?y?=", "=?utf-8?x?y?="),
        (b"=?utf-8?q?open", "=?utf-8?q?open"),
        (b"1 =? 2", "1 =? 2"),
        (b"=?utf-8?b?A?=", ""),
        (b"=?utf-8?b?!!?=", ""),
    ],
)
def test_fields_become_text(value: bytes, shown: str) -> None:
    assert text.decode_field(value) == shown


def test_every_field_of_a_header_is_told() -> None:
    header = b"Subject: =?utf-8?q?x=C3=A9?=\r\nTO: a\r\n b\r\nnonsense\r\n\r\n"
    assert list(text.header_texts(header)) == [("subject", "xé"), ("to", "a b")]


def body_of(header: bytes, body: bytes) -> list[str]:
    return list(text.body_texts(scan(header, body), body))


@pytest.mark.parametrize(
    ("header", "body", "texts"),
    [
        (b"\r\n", b"plain", ["plain"]),
        (b"Content-Transfer-Encoding: BASE64\r\n\r\n", b"cGxh\r\naW4=\r\n", ["plain"]),
        (b"Content-Transfer-Encoding: quoted-printable\r\n\r\n", b"pl=61in=\r\n", ["plain"]),
        (b"Content-Transfer-Encoding: x-unknown\r\n\r\n", b"plain", ["plain"]),
        (b"Content-Type: text/plain; charset=iso-8859-1\r\n\r\n", b"gr\xfc\xdfe", ["grüße"]),
        (b"Content-Type: image/png\r\n\r\n", b"PNG", []),
        # A multipart that has no parts is read as it stands.
        (b"Content-Type: multipart/mixed\r\n\r\n", b"plain", ["plain"]),
        (
            b"Content-Type: multipart/mixed; boundary=b\r\n\r\n",
            b"--b\r\n\r\none\r\n--b\r\nContent-Type: application/pdf\r\n\r\nPDF\r\n--b\r\n\r\ntwo\r\n--b--\r\n",
            ["one", "two"],
        ),
        (
            b"Content-Type: message/rfc822\r\n\r\n",
            b"Subject: =?utf-8?q?x=C3=A9?=\r\n\r\ninside",
            ["inside"],
        ),
    ],
)
def test_bodies_become_text(header: bytes, body: bytes, texts: list[str]) -> None:
    assert body_of(header, body) == texts


def test_only_so_much_of_a_part_is_looked_at() -> None:
    [shown] = body_of(b"\r\n", b"x" * (text.PART_OCTETS + 5))
    assert len(shown) == text.PART_OCTETS


@pytest.mark.parametrize(
    ("markup", "shown"),
    [
        ("wo<b>r</b>d<br>two", "word two"),
        ("\u0130\u0130<STYLE>no</style>yes", "\u0130\u0130 yes"),
        ("a</style>b", "a b"),
        ("a<!-- <b> -->b<!-- no", "ab"),
        ("a<3b", "a "),
        ("<title>no", " "),
        ("x &lt;y&gt; &eacute;", "x <y> \u00e9"),
    ],
)
def test_html_is_read_without_its_tags(markup: str, shown: str) -> None:
    assert text.without_tags(markup) == shown


@pytest.mark.parametrize(
    ("header", "body", "fields"),
    [
        (b"Subject: own\r\n\r\n", b"plain", []),
        (
            b"Content-Type: message/rfc822\r\n\r\n",
            b"Subject: =?utf-8?q?x=C3=A9?=\r\n\r\ninside",
            [("subject", "xé")],
        ),
        (
            b"Content-Type: multipart/mixed; boundary=b\r\n\r\n",
            b"--b\r\n\r\none\r\n--b\r\nContent-Disposition: attachment; filename=a.pdf\r\n\r\nPDF\r\n--b--\r\n",
            [("content-disposition", "attachment; filename=a.pdf")],
        ),
        # RFC 2231: what a file is called is not to be read in the field.
        (b"Content-Type: a/b; name*=utf-8'de'Gr%C3%BC%C3%9Fe\r\n\r\n", b"", [("filename", "Grüße")]),
        (
            b"Content-Disposition: attachment; filename*0*=iso-8859-1''%E9; filename*1=.txt\r\n\r\n",
            b"",
            [("filename", "é.txt")],
        ),
        (b"Content-Disposition: attachment; filename*=nonsense\r\n\r\n", b"", [("filename", "")]),
    ],
)
def test_fields_of_parts_and_names_of_files_are_read(
    header: bytes, body: bytes, fields: list[tuple[str, str]]
) -> None:
    assert list(text.part_fields(scan(header, body), body)) == fields
