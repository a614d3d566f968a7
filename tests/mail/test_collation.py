"""i;unicode-casemap (RFC 5051)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailservices.mail.collation import casemap


@pytest.mark.parametrize(
    ("text", "mapped"),
    [
        ("", ""),
        ("plain Text", "PLAIN TEXT"),
        ("Grüße", "GRU\u0308ßE"),
        # RFC 5051 §2: title case, not upper case.
        ("\u01c6", "D" + "z\u030c"),
        ("\ufb01", "fi"),
        ("Ω", "Ω"),
        ("ω", "Ω"),
    ],
)
def test_what_a_text_is_compared_by(text: str, mapped: str) -> None:
    assert casemap(text) == mapped


@given(st.text(st.characters(max_codepoint=0x24F)))
def test_composition_makes_no_difference(text: str) -> None:
    assert casemap(text) == "".join(map(casemap, text))
