"""What was sealed opens under its key and in its place, and nowhere else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailservices.mail.sealing import (
    NotSealedHere,
    derive,
    issuer_context,
    privacy_context,
    route_context,
    seal,
    unseal,
    webhook_context,
)

KEY = derive("a secret key", b"sealing")


@given(st.binary(max_size=200), st.binary(max_size=20))
def test_it_opens_again_and_shows_nothing(secret: bytes, context: bytes) -> None:
    sealed = seal(KEY, secret, context)
    assert unseal(KEY, sealed, context) == secret
    assert len(sealed) == len(secret) + 29
    assert seal(KEY, secret, context) != sealed


def test_a_purpose_has_its_own_key() -> None:
    assert len({KEY, derive("a secret key", b"salts"), derive("another", b"sealing")}) == 3
    assert len(KEY) == 32


@pytest.mark.parametrize(
    ("key", "change", "context"),
    [
        (derive("another", b"sealing"), lambda sealed: sealed, b"row 1"),
        (KEY, lambda sealed: sealed, b"row 2"),
        (KEY, lambda sealed: sealed[:-1], b"row 1"),
        (KEY, lambda sealed: b"\x02" + sealed[1:], b"row 1"),
        (KEY, lambda sealed: sealed[:5], b"row 1"),
        (KEY, lambda _: b"", b"row 1"),
    ],
)
def test_it_opens_nowhere_else(key, change, context) -> None:
    with pytest.raises(NotSealedHere):
        unseal(key, change(seal(KEY, b"secret", b"row 1")), context)


def test_an_issuers_secret_has_its_own_place() -> None:
    assert issuer_context("https://a.example") != issuer_context("https://b.example")
    assert webhook_context("https://a.example") not in {
        webhook_context("https://b.example"), issuer_context("https://a.example"),
    }  # fmt: skip


def test_a_routes_secret_is_good_for_one_name_at_one_host() -> None:
    places = {route_context(host, name) for host in ("a.test", "b.test") for name in ("us", "them")}
    assert len(places) == 4


def test_a_private_key_is_good_for_its_kind_and_fingerprint() -> None:
    places = {privacy_context(kind, key) for kind in ("openpgp", "smime") for key in ("ab", "cd")}
    assert len(places) == 4
