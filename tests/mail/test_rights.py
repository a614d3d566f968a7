"""Rights in folders (RFC 4314 §2.1)."""

import pytest

from mailservices.mail import rights
from mailservices.mail.errors import ProtocolError
from mailservices.mail.flags import ALL, DELETED, SEEN


@pytest.mark.parametrize(
    ("text", "meant"), [("", ""), ("rl", "lr"), ("lrswikxtea", rights.OWNER), ("cd", "kxte"), ("pp", "p")]
)
def test_rights_are_told_in_order(text: str, meant: str) -> None:
    assert rights.parse(text) == meant


@pytest.mark.parametrize("text", ["L", "z", "l r", "0"])
def test_what_is_no_right_is_refused(text: str) -> None:
    with pytest.raises(ProtocolError):
        rights.parse(text)


def test_changes() -> None:
    assert rights.changed("lr", "+", "sr") == "lrs"
    assert rights.changed("lrs", "-", "rt") == "ls"
    assert rights.changed("lrs", "", "e") == "e"


def test_flags_that_may_be_changed() -> None:
    """§4"""
    assert rights.flags(rights.OWNER) == ALL
    assert rights.flags("lr") == 0
    assert rights.flags("s") == SEEN
    assert rights.flags("t") == DELETED
    assert rights.flags("w") == ALL & ~(SEEN | DELETED)
