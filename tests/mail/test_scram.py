"""What is kept of a password for SCRAM: it comes back, and only to its place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scramp import ScramMechanism

from mailservices.mail import sealing
from mailservices.mail.scram import (
    ITERATIONS,
    SIZES,
    Keys,
    account_context,
    app_password_context,
    derive,
    nobodys,
    seal,
    unseal,
)
from mailservices.mail.sealing import NotSealedHere

KEY = sealing.derive("a secret key", b"sealing")
SALT = b"0123456789abcdef"


def test_another_implementation_derives_the_same() -> None:
    for name, keys in derive("pencil", 4096, SALT).items():
        made = ScramMechanism(f"SCRAM-{name}").make_auth_info("pencil", 4096, SALT)
        assert (keys.salt, keys.stored_key, keys.server_key, keys.iterations) == made


def test_the_salt_is_new_each_time() -> None:
    assert derive("pencil")["SHA-1"].salt != derive("pencil")["SHA-1"].salt
    assert derive("pencil")["SHA-256"].iterations == ITERATIONS


@pytest.mark.parametrize("password", ["\0", "bell\a", "\U0001f600"])
def test_a_password_that_saslprep_forbids_has_none(password: str) -> None:
    """RFC 4013 §2.3: only PLAIN can carry it."""
    assert derive(password, 4096) == {}
    assert seal(KEY, {}, b"") is None


@given(st.text(min_size=1, max_size=20), st.emails())
def test_they_come_back_in_their_place(password: str, address: str) -> None:
    keys = derive(password, 4096)
    sealed = seal(KEY, keys, account_context(address))
    if sealed is not None:
        assert unseal(KEY, sealed, account_context(address)) == keys
        with pytest.raises(NotSealedHere):
            unseal(KEY, sealed, app_password_context(address.encode()))


def test_what_has_another_form_is_not_read() -> None:
    with pytest.raises(NotSealedHere):
        unseal(KEY, sealing.seal(KEY, b"short", b""), b"")


@pytest.mark.parametrize("hash_name", SIZES)
def test_nobodys_salt_is_stable_and_keyed(hash_name: str) -> None:
    one, again = nobodys(KEY, "bob@example.org", hash_name), nobodys(KEY, "bob@example.org", hash_name)
    assert (one.salt, one.iterations) == (again.salt, again.iterations)
    assert one.salt not in (
        nobodys(KEY, "eve@example.org", hash_name).salt,
        nobodys(b"x", "bob@example.org", hash_name).salt,
    )
    assert one.stored_key != again.stored_key
    real = derive("pencil")[hash_name]
    assert [len(part) for part in (one.salt, one.stored_key, one.server_key)] == [
        len(part) for part in (real.salt, real.stored_key, real.server_key)
    ]


def test_keys_are_never_shown() -> None:
    assert repr(Keys(SALT, 4096, b"stored", b"server")) == "Keys()"
