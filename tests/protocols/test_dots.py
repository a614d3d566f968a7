"""Dots at the beginning of lines: doubled on the way out, and as the reader of the other side takes them back."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailservices.protocols.dots import END, Stuffer
from mailservices.protocols.smtp.reader import EndOfText, Reader, Text


def stuffed(*pieces: bytes) -> bytes:
    stuffer = Stuffer()
    return b"".join(stuffer.stuff(piece) for piece in pieces) + stuffer.end()


@pytest.mark.parametrize(
    ("pieces", "wire"),
    [
        ((), b".\r\n"),
        ((b"",), b".\r\n"),
        ((b"a\r\n",), b"a\r\n.\r\n"),
        ((b"a",), b"a\r\n.\r\n"),
        ((b".\r\n",), b"..\r\n.\r\n"),
        ((b"a\r\n.b\r\n..\r\n",), b"a\r\n..b\r\n...\r\n.\r\n"),
        ((b"a\r\n", b".b\r\n"), b"a\r\n..b\r\n.\r\n"),
        ((b"a\r", b"\n", b"", b".", b".b\r\n"), b"a\r\n...b\r\n.\r\n"),
        ((b"a.", b".b\r\n"), b"a..b\r\n.\r\n"),
        # A client that reads lines would take LF and a dot for the end.
        ((b"a\n.b\n", b".c"), b"a\n..b\n..c\r\n.\r\n"),
        ((b"a\r",), b"a\r\r\n.\r\n"),
        ((b"a\n",), b"a\n\r\n.\r\n"),
    ],
)
def test_dots_are_doubled(pieces: tuple[bytes, ...], wire: bytes) -> None:
    assert stuffed(*pieces) == wire


LINES = st.lists(st.sampled_from([b"", b".", b"..", b".a", b"a.", b"a"]), max_size=8)


@given(LINES, st.lists(st.integers(0, 40), max_size=4))
def test_the_other_side_takes_them_back(lines: list[bytes], cuts: list[int]) -> None:
    """However the text is cut, and whatever its lines are."""
    text = b"".join(line + b"\r\n" for line in lines)
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    wire = stuffed(*(text[start:end] for start, end in itertools.pairwise(places)))
    assert wire.endswith(END)
    assert wire.count(b"\r\n.\r\n") == (1 if text else 0)
    reader = Reader()
    reader.receive(wire)
    reader.expect_text()
    read = b""
    while isinstance(event := reader.next_event(), Text):
        read += event.octets
    assert read == text
    assert event == EndOfText()
