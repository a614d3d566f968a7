"""XML of strangers: elements and text; no entities, and never too much."""

import pytest

from mailservices.mail.elements import DEPTH, ELEMENTS, TEXT, parse
from mailservices.mail.errors import ProtocolError


def test_elements_are_found_by_their_names() -> None:
    top = parse(b'<a xmlns="urn:x" xmlns:n="urn:y"><b> one </b><n:b>two&amp;</n:b><c at="1"><d>\xff</d></c></a>')
    assert (top.name, [one.text for one in top.all("b")]) == ("a", [" one ", "two&"])
    assert (top.value("b"), top.value("c", "d"), top.value("c", "nothing", "x")) == ("one", "\ufffd", "")


BOMB = b'<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;">]><a>&c;</a>'
OUTSIDE = b'<!DOCTYPE a SYSTEM "http://192.0.2.1/a.dtd"><a/>'
FILE = b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'


@pytest.mark.parametrize("octets", [BOMB, OUTSIDE, FILE])
def test_no_document_type_is_read(octets: bytes) -> None:
    with pytest.raises(ProtocolError, match="document type"):
        parse(octets)


@pytest.mark.parametrize("octets", [b"", b"no", b"<a>", b"<a></b>", b"<a>&b;</a>", b"<a>\0</a>", b"<a/><b/>"])
def test_what_is_no_xml_is_refused(octets: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse(octets)


@pytest.mark.parametrize(
    "octets", [b"<a>" * (DEPTH + 1) + b"</a>" * (DEPTH + 1), b"<a>" + b"<b/>" * ELEMENTS + b"</a>"]
)
def test_what_has_no_end_is_refused(octets: bytes) -> None:
    with pytest.raises(ProtocolError, match="too many"):
        parse(octets)


def test_a_text_is_cut() -> None:
    assert len(parse(b"<a>" + b"x" * (TEXT + 5) + b"</a>").text) == TEXT
