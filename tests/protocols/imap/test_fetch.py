"""FETCH items (RFC 9051 §6.4.5), and what the answer calls them."""

import pytest

from mailservices.mail.errors import ProtocolError
from mailservices.protocols.imap.fetch import ITEMS, PART_LEVELS, Item, Kind, Section, Simple, parse
from tests.protocols.imap.feeding import scanner_of

FLAGS, UID, SIZE, BODY = Simple.FLAGS, Simple.UID, Simple.SIZE, Simple.BODY
ALL = (FLAGS, Simple.INTERNALDATE, SIZE, Simple.ENVELOPE)


@pytest.mark.parametrize(
    ("text", "items"),
    [
        (b"FLAGS", (FLAGS,)),
        (b"flags", (FLAGS,)),
        (b"(FLAGS UID RFC822.SIZE)", (FLAGS, UID, SIZE)),
        (b"(FLAGS FLAGS)", (FLAGS,)),
        (b"(BODY BODYSTRUCTURE)", (BODY, Simple.BODYSTRUCTURE)),
        (b"ALL", ALL),
        (b"FAST", ALL[:3]),
        (b"full", (*ALL, BODY)),
        (b"RFC822", (Section(b"RFC822"),)),
        (b"RFC822.TEXT", (Section(b"RFC822.TEXT", kind=Kind.TEXT),)),
        # RFC 3501 §6.4.5: like BODY.PEEK[HEADER].
        (b"RFC822.HEADER", (Section(b"RFC822.HEADER", kind=Kind.HEADER, marks_seen=False),)),
    ],
)
def test_items(text: bytes, items: tuple[Item, ...]) -> None:
    scanner = scanner_of(text)
    assert parse(scanner) == items
    scanner.end()


@pytest.mark.parametrize(
    ("text", "section"),
    [
        (b"BODY[]", Section(b"BODY[]")),
        (b"body.peek[]", Section(b"BODY[]", marks_seen=False)),
        (b"BODY[TEXT]", Section(b"BODY[TEXT]", kind=Kind.TEXT)),
        (b"BODY[header]", Section(b"BODY[HEADER]", kind=Kind.HEADER)),
        (b"BODY[1]", Section(b"BODY[1]", (1,))),
        (b"BODY[1.23.4]", Section(b"BODY[1.23.4]", (1, 23, 4))),
        (b"BODY[1.mime]", Section(b"BODY[1.MIME]", (1,), Kind.MIME)),
        (b"BODY[2.HEADER]", Section(b"BODY[2.HEADER]", (2,), Kind.HEADER)),
        (b"BODY[2.TEXT]", Section(b"BODY[2.TEXT]", (2,), Kind.TEXT)),
        (
            b"BODY[HEADER.FIELDS (From to)]",
            Section(b"BODY[HEADER.FIELDS (From to)]", kind=Kind.FIELDS, fields=(b"From", b"to")),
        ),
        (
            b'BODY[3.HEADER.FIELDS.NOT ("X y" {3}\r\na"b z)]',
            Section(b'BODY[3.HEADER.FIELDS.NOT ("X y" "a\\"b" z)]', (3,), Kind.FIELDS_NOT, (b"X y", b'a"b', b"z")),
        ),
        # A name that no header has must not break the answer.
        (
            b"BODY[HEADER.FIELDS ({4}\r\na\r\nb)]",
            Section(b"BODY[HEADER.FIELDS ({4}\r\na\r\nb)]", kind=Kind.FIELDS, fields=(b"a\r\nb",)),
        ),
        # RFC 3516 §4
        (b"BINARY[]", Section(b"BINARY[]", kind=Kind.BINARY)),
        (
            b"binary.peek[1.2]<3.4>",
            Section(b"BINARY[1.2]<3>", (1, 2), Kind.BINARY, partial=(3, 4), marks_seen=False),
        ),
        (b"BINARY.SIZE[1]", Section(b"BINARY.SIZE[1]", (1,), Kind.BINARY_SIZE, marks_seen=False)),
        # RFC 9051 §7.5.2: only the first octet of the partial is told.
        (b"BODY[]<0.100>", Section(b"BODY[]<0>", partial=(0, 100))),
        (
            b"BODY.PEEK[1.TEXT]<9223372036854775807.1>",
            Section(
                b"BODY[1.TEXT]<9223372036854775807>", (1,), Kind.TEXT, partial=(2**63 - 1, 1), marks_seen=False
            ),
        ),
    ],
)
def test_sections(text: bytes, section: Section) -> None:
    for written in (text, b"(" + text + b")"):
        scanner = scanner_of(written)
        assert parse(scanner) == (section,)
        scanner.end()


@pytest.mark.parametrize(
    "text",
    [
        b"", b"()", b"(", b"(FLAGS", b"(FLAGS )", b"( FLAGS)", b"(FLAGS,UID)", b"(ALL)", b"(FLAGS FAST)",
        b"NONSENSE", b"BODY.PEEK", b"BODY[", b"BODY[0]", b"BODY[1", b"BODY[1.]",
        b"BODY[1.0]", b"BODY[.1]", b"BODY[1.x]", b"BODY[MIME]", b"BODY[x]", b"BINARY", b"BINARY[HEADER]",
        b"BINARY[1.MIME]", b"BINARY[1", b"BODY[TEXTS]", b"BODY[TEXT.1]",
        b"BODY[HEADER.FIELDS]", b"BODY[HEADER.FIELDS ()]", b"BODY[HEADER.FIELDS From]",
        b"BODY[HEADER.FIELDS (From]", b"BODY[HEADER (From)]",
        b"BODY[" + b".".join([b"1"] * (PART_LEVELS + 1)) + b"]", b"(" + b" ".join([b"UID"] * (ITEMS + 1)) + b")",
    ],
)  # fmt: skip
def test_what_is_no_item_is_refused(text: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse(scanner_of(text))


@pytest.mark.parametrize(
    "text",
    [
        b"BODYSTRUCTURE[]",
        b"BINARY.SIZE[1]<0.1>",
        *(b"BODY[]" + partial for partial in (b"<0>", b"<0.0>", b"<.1>", b"<1.x>", b"<-1.2>")),
    ],
)
def test_what_belongs_to_no_item_is_left_over(text: bytes) -> None:
    scanner = scanner_of(text)
    parse(scanner)
    with pytest.raises(ProtocolError):
        scanner.end()


@pytest.mark.parametrize(
    ("text", "whole"),
    [(b"BODY[]", True), (b"BODY.PEEK[]", True), (b"RFC822", True), (b"BODY[]<0.9>", False), (b"BODY[1]", False),
     (b"BODY[TEXT]", False), (b"BODY[HEADER]", False)],
)  # fmt: skip
def test_which_section_is_the_whole_message(*, text: bytes, whole: bool) -> None:
    [section] = parse(scanner_of(text))
    assert isinstance(section, Section)
    assert section.is_whole_message is whole


def test_previews() -> None:
    """RFC 8970 §6: LAZY belongs to the item, and may stand alone."""
    scanner = scanner_of(b"(PREVIEW preview (lazy) UID)")
    assert parse(scanner) == (Simple.PREVIEW, Simple.PREVIEW_LAZY, Simple.UID)
