"""What of a message is protected, and what stays outside (RFC 9788)."""

from pathlib import Path

import pytest

from appliance import ROOT
from mailservices.mail import headers, mime, privacy
from mailservices.mail.encrypted import is_encrypted
from mailservices.mail.mime import Part
from mailservices.mail.opened import readable
from mailservices.mail.openpgp import decrypt
from mailservices.mail.openpgp import mime as openpgp
from mailservices.mail.privacy import Entity
from tests.mail.openpgp.cast import public, secret

MESSAGES = sorted((ROOT / "tests" / "messages").glob("*.eml"))

HEADER = (
    b"Received: from a by b; now\r\nReturn-Path: <bob@example.org>\r\nSubject: a secret\r\n of two lines\r\n"
    b"From: Bob <bob@example.org>\r\nTo: alice@example.org\r\nDate: Thu, 26 Nov 2026 12:00:00 +0000\r\n"
    b"Message-ID: <1@example.org>\r\nDKIM-Signature: v=1; bh=hash\r\nX-Diary: dear\r\nKeywords: love\r\n"
    b"HP-Outer: Subject: forged\r\nMIME-Version: 1.0\r\nContent-Language: en\r\n"
    b'Content-Type: text/html;\r\n charset=utf-8; hp="clear"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n'
)


def names(header: bytes) -> list[bytes]:
    return [name for name, _ in headers.fields(header)]


def test_what_stays_outside_of_a_message_that_came_in() -> None:
    outer = privacy.outer_of_arrived(HEADER, hide_subject=True)
    assert names(outer) == [b"received", b"return-path", b"subject", b"from", b"to", b"date", b"message-id"]
    assert headers.first(outer, b"subject") == b"[...]"
    shown = privacy.outer_of_arrived(HEADER, hide_subject=False)
    assert headers.first(shown, b"subject") == b"a secret of two lines"


def test_what_stays_outside_of_a_message_that_leaves() -> None:
    outer = privacy.outer_of_leaving(HEADER, hide_subject=True)
    assert b"keywords" not in names(outer)
    assert {b"x-diary", b"dkim-signature"} < set(names(outer))
    assert headers.first(outer, b"subject") == b"[...]"
    shown = privacy.outer_of_leaving(HEADER, hide_subject=False)
    assert b"keywords" in names(shown)
    assert not any(privacy.is_structural(name) for name in names(shown))
    signed = privacy.outer_of_signed(HEADER)
    assert names(signed) == [name for name in names(HEADER) if not privacy.is_structural(name)]


def test_the_payload_has_all_that_its_author_wrote() -> None:
    outer = privacy.outer_of_arrived(HEADER, hide_subject=True)
    header, body = headers.split(privacy.payload(HEADER, b"<p>hello</p>\r\n", outer))
    assert body == b"<p>hello</p>\r\n"
    assert b"Subject: a secret\r\n of two lines\r\n" in header
    assert not {b"received", b"return-path"} & set(names(header))
    told = [value.strip() for name, value in headers.fields(header) if name == b"hp-outer"]
    assert told == [
        b"Subject: [...]", b"From: Bob <bob@example.org>", b"To: alice@example.org",
        b"Date: Thu, 26 Nov 2026 12:00:00 +0000", b"Message-ID: <1@example.org>",
    ]  # fmt: skip
    kind = mime.scan(header, body).type
    assert (kind.type, kind.parameter(b"hp"), kind.parameter(b"charset")) == (b"text", b"cipher", b"utf-8")
    assert kind.parameter(b"protected-headers") == b"v1"
    assert header.count(b"hp=") == 1
    assert {b"content-language", b"content-transfer-encoding"} < set(names(header))


@pytest.mark.parametrize("path", MESSAGES, ids=lambda path: path.stem)
def test_any_message_is_had_back_as_it_was(path: Path) -> None:
    header, body = headers.split(path.read_bytes())
    outer = privacy.outer_of_arrived(header, hide_subject=True)
    entity = openpgp.encrypt(privacy.payload(header, body, outer), [public("alice")])
    whole = privacy.message(outer, entity)
    assert is_encrypted(*whole)
    message = mime.scan(*whole)
    assert (message.type.subtype, len(message.children)) == (b"encrypted", 2)
    made, again = readable(whole[0], decrypt.decrypt(decrypt.sealed(*whole) or b"", secret("alice")).payload)
    lines = body.replace(b"\r\n", b"\n")
    assert again.replace(b"\r\n", b"\n") == lines
    # Whoever looks for a field, finds it, though its place may be another.
    told = [(name, headers.unfold(value)) for name, value in headers.fields(header)]
    there = [(name, headers.unfold(value)) for name, value in headers.fields(made)]
    assert [one for one in told if one not in there and not privacy.is_structural(one[0])] == []
    assert b"\n" not in whole[0].replace(b"\r\n", b"")
    before, after = mime.scan(header, body), mime.scan(made, again)
    assert [part.type.type for part in walk(before)] == [part.type.type for part in walk(after)]


def walk(part: Part) -> list[Part]:
    return [part, *(one for child in part.children for one in walk(child))]


def test_what_is_only_signed_hides_nothing() -> None:
    header, _ = headers.split(privacy.payload(HEADER, b"x"))
    assert mime.scan(header, b"x").type.parameter(b"hp") == b"clear"
    assert b"hp-outer" not in names(header)


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"\r\n",
        b"Subject: x\r\n\r\n",
        b"Subject: x",
        b"Content-Type: nonsense\r\n\r\n",
        b"Content-Type:\r\n\r\n",
    ],
)
def test_what_says_nothing_of_its_type_is_plain_text(header: bytes) -> None:
    made, body = headers.split(privacy.payload(header, b"hello"))
    kind = mime.scan(made, body).type
    assert (kind.type, kind.subtype, kind.parameter(b"hp")) == (b"text", b"plain", b"clear")
    assert body == b"hello"
    assert names(made).count(b"content-type") == 1


def test_of_two_types_the_first_counts() -> None:
    header = b"Content-Type: text/html\r\nContent-Type: image/png\r\n\r\n"
    made, body = headers.split(privacy.payload(header, b"x"))
    assert mime.scan(made, body).type.subtype == b"html"
    assert names(made).count(b"content-type") == 1


def test_the_whole_message() -> None:
    entity = Entity(b"Content-Type: multipart/encrypted\r\n", b"sealed\r\n")
    assert privacy.message(b"Subject: [...]\r\n", entity) == (
        b"Subject: [...]\r\nMIME-Version: 1.0\r\nContent-Type: multipart/encrypted\r\n\r\n", b"sealed\r\n",
    )  # fmt: skip
