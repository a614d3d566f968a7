"""The base subject (RFC 5256 §2.1)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailservices.mail.subject import CHARACTERS, strip

PIECES = ["re", "Re:", "fw", "FWD :", "(fwd)", "[list]", "[a] ", "[fwd:", "]", "[", " ", "\t", "x", "two words"]


@pytest.mark.parametrize(
    ("subject", "base", "is_reply"),
    [
        ("", "", False),
        ("lunch", "lunch", False),
        ("Re: lunch", "lunch", True),
        ("re: FW : Fwd:lunch", "lunch", True),
        ("Re[2]: lunch", "lunch", True),
        ("[list] lunch", "lunch", False),
        ("[list] Re: [list] lunch", "lunch", True),
        ("Re: [list] [other]", "[other]", True),
        ("[list]", "[list]", False),
        ("lunch (fwd)  (FWD) ", "lunch", True),
        ("[Fwd: Re: lunch (fwd)]", "lunch", True),
        ("[fwd: [fwd: lunch]]", "lunch", True),
        ("[fwd: lunch", "[fwd: lunch", False),
        ("two\t\r\n  words", "two words", False),
        ("regarding lunch", "regarding lunch", False),
        ("Re:", "", True),
        ("(fwd)", "", True),
        ("  ", "", False),
    ],
)
def test_what_is_left(subject: str, base: str, is_reply: bool) -> None:
    assert strip(subject) == (base, is_reply)


@given(st.lists(st.sampled_from(PIECES)).map("".join))
def test_what_is_left_has_nothing_to_be_taken_off(subject: str) -> None:
    base, _ = strip(subject)
    assert strip(base) == (base, False)


def test_a_hostile_subject_is_looked_at_as_far_as_it_may_go() -> None:
    assert strip("[a]" * 10_000)[0] == ("[a]" * CHARACTERS)[:CHARACTERS][-1:]
    assert strip("[fwd:" * 5_000 + "]" * 5_000)[1] is False
