"""What SEARCH looks for words in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailservices.mail import headers, mime, wording
from mailservices.mail.wording import BETWEEN, Wording, spelled


def read(text: str, most: int | None = None) -> Wording:
    octets = text.replace("\n", "\r\n").encode()
    header, body = headers.split(octets)
    return wording.read(header, mime.scan(header, body), body, most)


MESSAGE = """Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= and
 more
Received: from a
Received: by b
Content-Type: multipart/mixed; boundary=b

--b
Content-Description: =?utf-8?q?=C3=84pfel?=

plain words
--b
Content-Type: text/html

r<b>ic</b>h words
--b--
"""


def test_fields_are_found_by_name() -> None:
    said = read(MESSAGE)
    assert said.field_has("SUBJECT", spelled("gr\u00fc\u00dfe AND MORE"))
    assert said.field_has("RECEIVED", spelled("by B"))
    assert not said.field_has("RECEIVED", spelled("plain"))
    assert not said.field_has("SUBJECT", spelled("from"))
    assert not said.field_has("SUBJECT", "RECEIVED")
    assert said.field_has("SUBJECT", "")
    assert not said.field_has("DATE", "")


def test_words_are_found_in_each_part_and_across_none() -> None:
    said = read(MESSAGE)
    assert said.whole
    assert said.body_has(spelled("Plain w"))
    assert said.body_has(spelled("rich"))
    assert said.has(spelled("subject: gr"))
    assert said.has(spelled("plain"))
    assert not said.has(spelled("missing"))
    assert not said.body_has(spelled("subject"))
    assert not said.has(spelled(f"words{BETWEEN}"))


def test_fields_of_parts_are_found_but_by_no_name_and_not_in_the_text() -> None:
    said = read(MESSAGE)
    assert said.has(spelled("\u00e4pfel"))
    assert said.has(spelled("content-description: \u00c4PF"))
    assert said.has(spelled("text/html"))
    assert not said.body_has(spelled("\u00e4pfel"))
    assert not said.field_has("CONTENT-DESCRIPTION", "")
    assert said.field_has("CONTENT-TYPE", spelled("boundary"))
    assert not said.field_has("CONTENT-TYPE", spelled("html"))


def test_of_many_fields_of_parts_some_are_kept() -> None:
    said = read(MESSAGE, most=10)
    assert (said.whole, said.body) == (False, "")
    assert said.header.endswith(f"{BETWEEN} CONTENT-D{BETWEEN}")


def test_of_a_long_text_a_part_is_kept() -> None:
    said = read("\n" + "x" * 50 + " end\n", most=20)
    assert (said.whole, said.body) == (False, "X" * 20)
    assert read("\n" + "x" * 10, most=20).whole


def test_a_header_alone_has_no_text() -> None:
    said = wording.read(b"Subject: x\r\n\r\n", None, b"")
    assert (said.header, said.body, said.whole) == (f"{BETWEEN}SUBJECT: X{BETWEEN}", "", True)


@given(st.text(alphabet=st.characters(codec=None, exclude_categories=())))
def test_whatever_is_said_can_be_kept(said: str) -> None:
    kept = spelled(said)
    assert kept.encode().decode() == kept
    assert not {"\0", BETWEEN} & set(kept)


@pytest.mark.parametrize("said", ["\0", "\ud800", BETWEEN])
def test_what_cannot_is_marked(said: str) -> None:
    assert spelled(said) == "\ufffd"


def test_words_are_compared_each_once() -> None:
    assert wording.words("Grüße, grüße (99%) under_score") == (spelled("grüße"), "99", "UNDER_SCORE")
    assert wording.words("?! ") == ()
    assert len(wording.words(" ".join(map(str, range(99))))) == wording.WORDS
