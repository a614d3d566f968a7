"""The MIME tree as ranges: boundaries, depth, limits (RFC 2046 §5.1), numbers of parts (RFC 9051 §6.4.5.1)."""

import mmap

import pytest

from mailservices.mail import mime
from mailservices.mail.mime import BOUNDARY_OCTETS, DEPTH, PARTS, Part, Range, count_lines, find, scan


def mixed(boundary: str = "b", subtype: str = "mixed") -> bytes:
    return f'Content-Type: multipart/{subtype}; boundary="{boundary}"\r\n\r\n'.encode()


MESSAGE = b"Content-Type: message/rfc822\r\n\r\n"


def texts(header: bytes, body: bytes) -> list[bytes]:
    """The bodies of the parts of a multipart."""
    return [body[part.body.start : part.body.end] for part in scan(header, body).children]


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        (b"--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\n", [b"one", b"two"]),
        (b"preamble\r\n--b\r\n\r\none\r\n--b--\r\nepilogue\r\n--b\r\n\r\nno part\r\n", [b"one"]),
        # RFC 2046 §5.1.1: the line end before a delimiter belongs to it.
        (b"--b\r\n\r\none\r\n\r\n--b--", [b"one\r\n"]),
        (b"--b\r\n\r\n--b--", [b""]),
        (b"--b\r\n--b\r\n--b--", [b"", b""]),
        (b"--b\r\nX: y\r\n--b--", [b""]),
        # Space behind a delimiter is the transport's.
        (b"--b \t\r\n\r\none\r\n--b-- \r\n", [b"one"]),
        (b"--b\n\none\n--b\n\ntwo\n--b--\n", [b"one", b"two"]),
        # Not closed: the last part goes to the end.
        (b"--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n", [b"one", b"two\r\n"]),
        # These are no delimiters.
        (b"--b\r\n\r\none\r\n--bb\r\nx--b\r\n--b-\r\n--b--\r\n", [b"one\r\n--bb\r\nx--b\r\n--b-"]),
        (b"no delimiter at all", []),
        (b"--b--\r\n", []),
        (b"", []),
        (b"--b", [b""]),
    ],
)
def test_parts_lie_between_delimiters(body: bytes, parts: list[bytes]) -> None:
    assert texts(mixed(), body) == parts


@pytest.mark.parametrize(
    "header",
    [
        b"Content-Type: multipart/mixed\r\n\r\n",
        b'Content-Type: multipart/mixed; boundary=""\r\n\r\n',
        mixed("b" * (BOUNDARY_OCTETS + 1)),
        b"Content-Type: text/plain; boundary=b\r\n\r\n",
        b"\r\n",
    ],
)
def test_without_a_boundary_there_are_no_parts(header: bytes) -> None:
    assert texts(header, b"--b\r\n\r\none\r\n--" + b"b" * (BOUNDARY_OCTETS + 1) + b"--\r\n") == []


def test_the_boundary_of_the_outside_ends_the_inside() -> None:
    body = b"--b\r\n" + mixed("bb") + b"--bb\r\n\r\ninside\r\n--b\r\n\r\nbehind\r\n--b--\r\n"
    inner, behind = scan(mixed(), body).children
    assert [body[part.body.start : part.body.end] for part in inner.children] == [b"inside"]
    assert body[behind.body.start : behind.body.end] == b"behind"


@pytest.mark.parametrize(
    ("header", "kind"),
    [(mixed(), (b"text", b"plain")), (mixed(subtype="digest"), (b"message", b"rfc822"))],
)
def test_what_a_part_is_that_says_nothing(header: bytes, kind: tuple[bytes, bytes]) -> None:
    [part] = scan(header, b"--b\r\n\r\nSubject: x\r\n\r\nbody\r\n--b--\r\n").children
    assert (part.type.type, part.type.subtype) == kind


def test_a_message_in_a_message() -> None:
    body = b"Subject: inner\r\n\r\nbody"
    outer = scan(MESSAGE, body)
    inner = outer.message
    assert inner is not None
    assert (inner.header, inner.body) == (Range(0, 18), Range(18, 22))
    assert inner.field(b"subject") == b"inner"
    assert inner.field(b"absent") is None
    assert outer.header is None
    assert not outer.is_multipart


@pytest.mark.parametrize("encoding", [b"base64", b"Quoted-Printable"])
def test_an_encoded_message_cannot_be_looked_into(encoding: bytes) -> None:
    header = b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: " + encoding + b"\r\n\r\n"
    assert scan(header, b"Subject: inner\r\n\r\nbody").message is None


def test_a_report_is_no_message() -> None:
    assert scan(b"Content-Type: message/delivery-status\r\n\r\n", b"A: b\r\n").message is None


def depth_of(part: Part) -> int:
    return 1 + depth_of(part.children[0]) if part.children else 0


@pytest.mark.parametrize(
    "body", [b"".join(b"--b%d\r\n" % n + mixed(f"b{n + 1}") for n in range(100)), MESSAGE * 100]
)
def test_parts_are_nested_only_so_deep(body: bytes) -> None:
    assert depth_of(scan(mixed("b0") if body.startswith(b"--") else MESSAGE, body)) == DEPTH


def test_a_message_has_only_so_many_parts() -> None:
    assert len(scan(mixed(), b"--b\r\n\r\nx\r\n" * (PARTS + 5)).children) == PARTS - 1


# 1 is a text, 2 a message that holds a multipart, 3 a message that holds a text, 4 a multipart.
NESTED = (
    b"--b\r\n\r\nfirst\r\n"
    b"--b\r\n"
    + MESSAGE
    + b"Subject: two\r\n"
    + mixed("i")
    + b"--i\r\n\r\ntwo-one\r\n--i\r\n\r\ntwo-two\r\n--i--\r\n"
    b"--b\r\n" + MESSAGE + b"Subject: three\r\n\r\nthree-one\r\n"
    b"--b\r\n" + mixed("m") + b"--m\r\n\r\nfour-one\r\n--m--\r\n"
    b"--b--\r\n"
)


@pytest.mark.parametrize(
    ("numbers", "begins"),
    [
        ([], b"--b"),
        ([1], b"first"),
        ([2], b"Subject: two"),
        ([2, 1], b"two-one"),
        ([2, 2], b"two-two"),
        ([3], b"Subject: three"),
        ([3, 1], b"three-one"),
        ([4], b"--m"),
        ([4, 1], b"four-one"),
        ([5], None),
        ([1, 1], None),
        ([2, 3], None),
        ([3, 2], None),
        ([3, 1, 1], None),
        ([4, 1, 1], None),
    ],
)
def test_parts_have_numbers(numbers: list[int], begins: bytes | None) -> None:
    part = find(scan(mixed(), NESTED), numbers)
    assert (part is None) == (begins is None)
    assert part is None or NESTED[part.body.start : part.body.end].startswith(begins or b"")


@pytest.mark.parametrize(
    ("header", "numbers", "begins"),
    [
        # RFC 9051 §6.4.5.1: a message that is no multipart has one part.
        (b"\r\n", [1], b"Subject"),
        (b"\r\n", [2], None),
        (b"\r\n", [1, 1], None),
        (MESSAGE, [1], b"Subject"),
        (MESSAGE, [1, 1], b"text"),
    ],
)
def test_the_only_part_has_a_number_too(header: bytes, numbers: list[int], begins: bytes | None) -> None:
    body = b"Subject: x\r\n\r\ntext"
    part = find(scan(header, body), numbers)
    assert (part is None) == (begins is None)
    assert part is None or body[part.body.start : part.body.end].startswith(begins or b"")


@pytest.mark.parametrize(
    ("body", "span", "lines"),
    [
        (b"", Range(0, 0), 0),
        (b"one\r\ntwo\r\nthree", Range(0, 15), 2),
        (b"one\r\ntwo\r\nthree", Range(5, 10), 1),
        (b"x\n" * 2**20, Range(1, 2**21), 2**20),
    ],
)
def test_lines_are_counted_in_memory_and_in_files(body: bytes, span: Range, lines: int) -> None:
    assert count_lines(body, span) == lines
    with mmap.mmap(-1, len(body) + 1) as mapped:
        mapped[: len(body)] = body
        assert count_lines(mapped, span) == lines


def test_only_so_many_lines_are_taken_for_delimiters() -> None:
    """Lines that only begin like one cost time, and fifty levels of parts would each look at all of them."""
    end = b"\n--b\r\n\r\none\r\n--b--\r\n"
    assert texts(mixed(), b"\n--bx" * (mime.LOOKS - 5) + end) == [b"one"]
    assert texts(mixed(), b"\n--bx" * mime.LOOKS + end) == []


def test_a_file_has_the_tree_of_the_memory() -> None:
    with mmap.mmap(-1, len(NESTED)) as mapped:
        mapped[:] = NESTED
        assert scan(mixed(), mapped) == scan(mixed(), NESTED)


def test_only_so_much_of_a_parts_header_is_read() -> None:
    filler = b"X-Filler: " + b"y" * mime.HEADER_OCTETS + b"\r\n"
    body = b"--b\r\n" + filler + b"Content-Type: text/html\r\n\r\ntext\r\n--b--\r\n"
    [part] = scan(mixed(), body).children
    assert part.type.subtype == b"plain"
    assert body[part.body.start : part.body.end] == b"text"


def test_what_is_left_unseen_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    header = b"Content-Type: multipart/mixed; boundary=x\r\n\r\n"
    body = b"--x\r\n\r\na\r\n" * 20 + b"--x--\r\n"
    assert mime.examine(header, body)[1]
    monkeypatch.setattr(mime, "PARTS", 5)
    assert not mime.examine(header, body)[1]
    deep = b"".join(b"Content-Type: message/rfc822\r\n\r\n" for _ in range(mime.DEPTH + 5))
    assert not mime.examine(b"Content-Type: message/rfc822\r\n\r\n", deep)[1]
