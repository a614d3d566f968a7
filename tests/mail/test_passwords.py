"""Password hashes: Django's format, and nothing but the password matches."""

import re

import pytest
from argon2 import PasswordHasher
from django.contrib.auth.hashers import check_password

from mailservices.mail import passwords

MADE = passwords.make("correct horse")


def test_django_reads_what_is_made_here() -> None:
    assert MADE.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
    assert check_password("correct horse", MADE)


@pytest.mark.parametrize(
    ("encoded", "password", "matches"),
    [
        (MADE, "correct horse", True),
        (MADE, "Correct horse", False),
        (MADE, "", False),
        (MADE, "correct horse\0", False),
        (MADE, "x" * (passwords.OCTETS + 1), False),
        (MADE, "\ud800", False),
        ("", "correct horse", False),
        ("argon2$", "", False),
        ("argon2$nonsense", "nonsense", False),
        ("!unusable", "", False),
        ("pbkdf2_sha256$1$x$y", "correct horse", False),
    ],
)
def test_only_the_password_matches(encoded: str, password: str, matches: bool) -> None:
    assert passwords.verify(encoded, password) is matches


def test_passwords_of_any_letters() -> None:
    assert passwords.verify(passwords.make("pässwörd 🐎"), "pässwörd 🐎")


@pytest.mark.parametrize(
    ("typed", "alike"),
    [
        ("pa\u0308sswo\u0308rd", "p\u00e4ssw\u00f6rd"),
        ("soft\u00adhyphen\u00a0here", "softhyphen here"),
        ("\u2168", "IX"),
        # Nothing would be left of it; a picture; letters of both directions: as they are.
        ("\u00ad", "\u00ad"),
        ("\U0001f40e", "\U0001f40e"),
        ("a\u0627", "a\u0627"),
        ("bell\a", "bell\a"),
    ],
)
def test_a_password_is_the_same_on_every_keyboard(typed: str, alike: str) -> None:
    """RFC 4013 §2 and §3."""
    assert passwords.prepared(typed) == alike
    assert passwords.verify(passwords.make(typed), alike)
    assert passwords.verify(passwords.make(alike), typed)


def test_a_hash_that_is_older_is_still_matched() -> None:
    old = "argon2" + PasswordHasher(2, 8, 1).hash("pa\u0308ss")
    assert passwords.verify(old, "pa\u0308ss")
    assert not passwords.verify(old, "p\u00e4ss")


def test_nobody_has_a_password_that_is_like_any_other() -> None:
    # Other tests may have signed in by then: it is made here too.
    passwords.nobody.cache_clear()
    assert passwords.nobody() is passwords.nobody()
    assert passwords.nobody().rpartition("p=1$")[0] == MADE.rpartition("p=1$")[0]
    assert not passwords.verify(passwords.nobody(), "")


def test_an_invented_password_is_random_and_readable() -> None:
    assert re.fullmatch(r"[a-z0-9]{5}(-[a-z0-9]{5}){3}", passwords.invent())
    assert passwords.invent() != passwords.invent()


def test_an_app_password_is_found_however_it_is_typed() -> None:
    found = {passwords.app_digest(b"key", typed) for typed in ("abcde-fghij", "abcdefghij", "ABCDE FGHIJ")}
    assert len(found) == 1
    assert passwords.app_digest(b"another", "abcde-fghij") not in found
    assert passwords.app_context(b"1") != passwords.app_context(b"2")


def test_a_hash_from_elsewhere_is_adopted() -> None:
    made = passwords.make("secret")
    assert passwords.adopt(made) == passwords.adopt(made.removeprefix("argon2")) == made
    assert passwords.verify(passwords.adopt(made.removeprefix("argon2")), "secret")
    dear = made.replace(f"m={passwords.MEMORY_KIB}", "m=4194304")
    for wrong in ("", "$6$salt$hash", "argon2$nonsense", dear, made.replace("t=2", "t=99")):
        with pytest.raises(ValueError, match="hash"):
            passwords.adopt(wrong)
