"""Content-Type and Content-Disposition as strangers write them (RFC 2045 §5.1, RFC 2183 §2)."""

import pytest

from mailservices.mail.content import (
    DIGESTED,
    PARAMETERS,
    PLAIN,
    MediaType,
    Parameters,
    disposition,
    encoding,
    parse,
)


def media(kind: bytes, subtype: bytes, *parameters: tuple[bytes, bytes]) -> MediaType:
    return MediaType(kind, subtype, parameters)


UTF8 = (b"charset", b"utf-8")


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (b"text/html", media(b"text", b"html")),
        (b" TEXT / Html ; Charset = utf-8", media(b"text", b"html", UTF8)),
        (b'text/html; charset="utf-8"', media(b"text", b"html", UTF8)),
        (b"text/html;charset=utf-8;", media(b"text", b"html", UTF8)),
        (b"text/html;; charset=utf-8", media(b"text", b"html", UTF8)),
        (b"text/html;\r\n\tcharset=utf-8", media(b"text", b"html", UTF8)),
        (b"text/html; charset=utf-8; format=flowed", media(b"text", b"html", UTF8, (b"format", b"flowed"))),
        (b'a/b; name="x; y=z"; charset=utf-8', media(b"a", b"b", (b"name", b"x; y=z"), UTF8)),
        (b'a/b; name="say \\"hi\\""', media(b"a", b"b", (b"name", b'say "hi"'))),
        (b'a/b; name="not closed', media(b"a", b"b", (b"name", b"not closed"))),
        (b"a/b; name=", media(b"a", b"b", (b"name", b""))),
        (b"a/b; name=gr\xfc\xdfe", media(b"a", b"b", (b"name", b"gr\xfc\xdfe"))),
        # RFC 2231 §3: pieces are put together, in whatever order they come; §4 is the reader's.
        (b'a/b; name*0="long "; name*1=er.txt', media(b"a", b"b", (b"name", b"long er.txt"))),
        (b"a/b; x*1=2; y=z; X*0=1; x*2=3", media(b"a", b"b", (b"y", b"z"), (b"x", b"123"))),
        (b"a/b; name*=utf-8''a%20b", media(b"a", b"b", (b"name*", b"utf-8''a%20b"))),
        # §4.1: what is plain beside pieces of a charset must not be taken for theirs.
        (b"a/b; name*0*=utf-8''a%20; name*1=\"5% b\"", media(b"a", b"b", (b"name*", b"utf-8''a%205%25%20b"))),
        (b"a/b; name*0=a; name*1*=%20", media(b"a", b"b", (b"name", b"a%20"))),
        # Where a piece is missing, what follows stays as it is; of two that are alike the first counts.
        (b"a/b; x*0=1; x*2=3", media(b"a", b"b", (b"x", b"1"), (b"x*2", b"3"))),
        (b"a/b; x*1=2; x*01=3", media(b"a", b"b", (b"x*1", b"2"), (b"x*01", b"3"))),
        (b"a/b; x*0=1; x*0=2; x=3", media(b"a", b"b", (b"x", b"1"), (b"x", b"1"), (b"x", b"3"))),
        # RFC 2045 §5.1: comments may stand there.
        (b"text/html; charset=utf-8 (plain text)", media(b"text", b"html", UTF8)),
        (b"text/html (plain) ; charset=utf-8", media(b"text", b"html", UTF8)),
        (b'text/html (plain); charset="utf-8"', media(b"text", b"html", UTF8)),
        (b'a/b; x="(no comment)" (one) ; charset=utf-8', media(b"a", b"b", (b"x", b"(no comment)"), UTF8)),
        # What is no parameter ends the reading.
        (b"a/b; charset=utf-8; nonsense; x=y", media(b"a", b"b", UTF8)),
        (b"a/b charset=utf-8", media(b"a", b"b")),
        # What is no type is the default.
        (b"", PLAIN),
        (b"text", PLAIN),
        (b"text/", PLAIN),
        (b"/plain", PLAIN),
        (b"; charset=utf-8", PLAIN),
        (None, PLAIN),
    ],
)
def test_types_are_read(value: bytes | None, read: MediaType) -> None:
    assert parse(value) == read


def test_the_default_is_the_callers() -> None:
    assert parse(None, DIGESTED) == DIGESTED
    assert parse(b"nonsense", DIGESTED) == DIGESTED


def test_a_parameter_is_found_by_its_name() -> None:
    read = media(b"a", b"b", (b"x", b"1"), (b"y", b"2"), (b"x", b"3"))
    assert [read.parameter(name) for name in (b"x", b"y", b"z")] == [b"1", b"2", None]


def test_parameters_without_end_are_cut() -> None:
    assert len(parse(b"a/b" + b"; x=y" * (PARAMETERS + 5)).parameters) == PARAMETERS


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (b"base64", b"base64"),
        (b" Quoted-Printable\r\n\t", b"quoted-printable"),
        # RFC 2045 §6.1, §5.1: comments may stand there.
        (b"7bit (as it is)", b"7bit"),
        (b"(one) (two) 8BIT;", b"8bit"),
        (b'"base64"', b"base64"),
        (b"", b""),
        (b";", b""),
    ],
)
def test_encodings_are_read(value: bytes, word: bytes) -> None:
    assert encoding(value) == word


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (b"inline", (b"inline", ())),
        (b'ATTACHMENT; FileName="a b.txt"; size=3', (b"attachment", ((b"filename", b"a b.txt"), (b"size", b"3")))),
        (b"", None),
        (b"; filename=x", None),
    ],
)
def test_dispositions_are_read(value: bytes, read: tuple[bytes, Parameters] | None) -> None:
    assert disposition(value) == read
