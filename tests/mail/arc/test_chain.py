"""The structure of chains: what is not whole is broken (RFC 8617 §5.2)."""

import pytest

from mailservices.mail.arc import chain
from mailservices.mail.arc.chain import Broken
from mailservices.mail.dkim.canonical import Fields
from mailservices.mail.errors import ProtocolError
from mailservices.mail.findings import Result
from tests.mail.arc.cases import HEADER, sealed

ONE = sealed(HEADER, Result.NONE)
TWO = sealed(HEADER, Result.NONE, Result.PASS)


def test_sets_are_in_their_order() -> None:
    sets = chain.read(Fields(TWO))
    assert [one.number for one in sets] == [1, 2]
    assert [one.validation for one in sets] == ["none", "pass"]
    assert sets[1].fields() == (sets[1].results, sets[1].message_signature, sets[1].seal)
    assert sets[0].findings.strip() == b"a.test; spf=pass"
    chain.check(sets)
    assert chain.read(Fields(HEADER)) == ()
    chain.check(())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"i=1; a.test", b"i=2; a.test"),
        (b"i=1; a.test", b"i=3; a.test"),
        (b"i=1; a.test", b"i=51; a.test"),
        (b"i=1; a.test", b"a.test; i=1"),
        (b"ARC-Authentication-Results: i=1", b"X: i=1"),
        (b"ARC-Seal: a=", b"ARC-Seal: ; a="),
        (b"ARC-Seal: a=", b"ARC-Seal: q="),
        (b"cv=none; d=a.test; i=1", b"cv=none; d=a.test; i=01"),
        (b"cv=none; d=a.test; i=1", b"cv=none; d=a.test; i=x"),
        (b"cv=none; d=a.test; i=1", b"cv=none; d=a.test"),
    ],
)
def test_what_is_not_whole_is_broken(old: bytes, new: bytes) -> None:
    assert old in TWO
    if new.startswith(b"ARC-Seal: q="):
        old, new = b"ARC-Seal:", b"Other:"
    with pytest.raises(Broken):
        chain.read(Fields(TWO.replace(old, new)))


def test_there_are_not_more_than_fifty() -> None:
    many = b"".join(b"ARC-Seal: i=%d; cv=pass\r\n" % (number % 60) for number in range(51))
    with pytest.raises(Broken, match="too many"):
        chain.read(Fields(many + HEADER))


@pytest.mark.parametrize(
    ("old", "new"), [(b"cv=none", b"cv=pass"), (b"cv=pass", b"cv=none"), (b"cv=pass", b"cv=fail")]
)
def test_each_host_must_have_found_the_chain_before_it(old: bytes, new: bytes) -> None:
    with pytest.raises(Broken):
        chain.check(chain.read(Fields(TWO.replace(old, new))))


@pytest.mark.parametrize("names", [b"from:arc-seal", None])
def test_a_message_signature_that_cannot_be(names: bytes | None) -> None:
    changed = ONE.replace(b"\th=", b"\tq=") if names is None else ONE.replace(b"h=from", b"h=arc-seal:from")
    assert changed != ONE
    (one,) = chain.read(Fields(changed))
    with pytest.raises(ProtocolError):
        one.read_message_signature()


def test_a_seal_has_no_list_of_fields() -> None:
    (one,) = chain.read(Fields(ONE.replace(b"cv=none", b"h=from; cv=none")))
    with pytest.raises(ProtocolError):
        one.read_seal()


def test_the_highest_number_of_a_broken_chain() -> None:
    assert chain.highest(Fields(HEADER)) == (0, "")
    assert chain.highest(Fields(TWO)) == (2, "pass")
    assert chain.highest(Fields(b"ARC-Seal: i=7; cv=fail\r\nARC-Seal: ;;\r\n" + TWO)) == (7, "fail")
    assert chain.highest(Fields(b"ARC-Authentication-Results: i=9; x\r\n" + TWO)) == (9, "pass")
