"""Keys as they are kept: sealed to their name, opened to sign, published in strings."""

from datetime import date

import pytest

from mailservices.mail import sealing
from mailservices.mail.dkim import custody, keys
from mailservices.mail.dkim.signature import Algorithm
from mailservices.mail.sealing import NotSealedHere

MASTER = b"k" * 32


@pytest.mark.parametrize(("algorithm", "kind"), [(Algorithm.RSA, "rsa"), (Algorithm.ED25519, "ed25519")])
def test_a_new_key_is_opened_again(algorithm: Algorithm, kind: str) -> None:
    kept = custody.new("a.test", algorithm, MASTER, date(2026, 7, 1))
    assert kept.selector.startswith(f"{kind}-20260701-")
    key = custody.opened("a.test", kept.selector, kept.sealed, MASTER)
    assert (key.selector, key.algorithm) == (kept.selector, algorithm)
    digest = b"d" * 32
    assert keys.holds(keys.parse(kept.record.encode()).key, key.sign(digest), digest)


def test_a_seal_opens_in_its_own_place_only() -> None:
    kept = custody.new("a.test", Algorithm.ED25519, MASTER, date(2026, 7, 1))
    for domain, selector, master in (
        ("b.test", kept.selector, MASTER), ("a.test", "other", MASTER), ("a.test", kept.selector, b"x" * 32),
    ):  # fmt: skip
        with pytest.raises(NotSealedHere):
            custody.opened(domain, selector, kept.sealed, master)


def test_what_is_sealed_must_be_a_key() -> None:
    sealed = sealing.seal(MASTER, b"nonsense", b"dkim s._domainkey.a.test")
    with pytest.raises(NotSealedHere):
        custody.opened("a.test", "s", sealed, MASTER)


def test_a_record_is_cut_into_strings() -> None:
    assert custody.name("a.test", "s") == "s._domainkey.a.test"
    assert custody.strings("x" * 600) == ["x" * 255, "x" * 255, "x" * 90]
    assert custody.strings("short") == ["short"]
