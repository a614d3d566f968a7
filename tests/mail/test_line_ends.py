"""Bare line ends are noticed and mended, wherever the text is cut."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailservices.mail.line_ends import LineEnds, Mender

PIECES = st.lists(st.text(alphabet="\r\na\0", max_size=5).map(str.encode), max_size=8)


@given(PIECES)
def test_they_are_noticed_wherever_the_text_is_cut(pieces: list[bytes]) -> None:
    ends = LineEnds()
    for piece in pieces:
        ends.feed(piece)
    text = b"".join(pieces)
    bare = re.search(rb"\r(?!\n)|(?<!\r)\n", text) is not None
    assert (ends.bare, ends.nul, ends.clean) == (bare, b"\0" in text, not bare and b"\0" not in text)


@given(PIECES)
def test_they_are_mended_wherever_the_text_is_cut(pieces: list[bytes]) -> None:
    mender, ends = Mender(), LineEnds()
    mended = b"".join([*map(mender.mend, pieces), mender.end()])
    ends.feed(mended)
    assert not ends.bare
    assert mended.split(b"\r\n") == re.split(rb"\r\n|\r|\n", b"".join(pieces))


@pytest.mark.parametrize("text", [b"", b"a\r\nb\r\n", b"\r\n\r\n"])
def test_what_is_clean_stays_as_it_is(text: bytes) -> None:
    mender = Mender()
    assert mender.mend(text) + mender.end() == text
