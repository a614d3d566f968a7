"""Words of structured fields; an octet that fits nowhere is a word of its own, and nothing is an error."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailservices.mail.lexical import COMMENT_DEPTH, WORDS, Kind, words

ATOM, QUOTED, LITERAL, SPECIAL, COMMENT = Kind.ATOM, Kind.QUOTED, Kind.LITERAL, Kind.SPECIAL, Kind.COMMENT


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (b"", []),
        (b"  \r\n\t ", []),
        (b"one two.three", [(ATOM, b"one"), (ATOM, b"two.three")]),
        (b"one ", [(ATOM, b"one")]),
        (b'"a b"', [(QUOTED, b"a b")]),
        (b'"a \\"b\\" \\\\"', [(QUOTED, b'a "b" \\')]),
        (b'"open', [(QUOTED, b"open")]),
        (b'"open\\', [(QUOTED, b"open"), (ATOM, b"\\")]),
        (b"[192.0.2.1]x", [(LITERAL, b"[192.0.2.1]"), (ATOM, b"x")]),
        (b"[open", [(LITERAL, b"[open")]),
        (b"<a@b,c:d;>", [(SPECIAL, b"<"), (ATOM, b"a"), (SPECIAL, b"@"), (ATOM, b"b"), (SPECIAL, b","),
                          (ATOM, b"c"), (SPECIAL, b":"), (ATOM, b"d"), (SPECIAL, b";"), (SPECIAL, b">")]),
        (b"a(b (c) \\) d)e", [(ATOM, b"a"), (COMMENT, b"b (c) ) d"), (ATOM, b"e")]),
        (b"(open", [(COMMENT, b"open")]),
        (b"(open\\", [(COMMENT, b"open\\")]),
        (b")x]", [(ATOM, b")"), (ATOM, b"x"), (ATOM, b"]")]),
        (b"gr\xfc\xdfe\x00\x01", [(ATOM, b"gr\xfc\xdfe"), (ATOM, b"\x00"), (ATOM, b"\x01")]),
    ],
)  # fmt: skip
def test_words(value: bytes, found: list[tuple[Kind, bytes]]) -> None:
    assert list(words(value)) == found


def test_comments_are_nested_only_so_deep() -> None:
    deep = b"(" * (COMMENT_DEPTH + 1) + b"x"
    found = list(words(deep))
    assert found == [(COMMENT, b"(" * (COMMENT_DEPTH - 1)), (ATOM, b"x")]


def test_words_without_end_are_cut() -> None:
    assert sum(1 for _ in words(b"a " * (WORDS + 5))) == WORDS


@given(st.binary(max_size=60))
def test_nothing_but_space_and_quotes_is_lost(value: bytes) -> None:
    """Every letter of the value is in one of its words."""
    letters = bytes(octet for octet in value if chr(octet).isalnum() and octet < 128)
    found = b"".join(text for _, text in words(value))
    assert bytes(octet for octet in found if chr(octet).isalnum() and octet < 128) == letters
