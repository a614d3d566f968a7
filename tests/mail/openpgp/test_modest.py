"""Keys that are made here say what every program can do, and no more."""

import pysequoia
import pytest
from pysequoia import Profile, Tsk
from pysequoia.packet import PacketPile, Tag

from mailservices.mail.openpgp import keys
from mailservices.mail.openpgp.modest import _length, _number, modest
from mailservices.mail.privacy import PrivacyError
from tests.mail.openpgp.cast import KEYS, public, secret


def version(certificate: bytes) -> int:
    """Of the encrypted data that is made for it."""
    sealed = pysequoia.encrypt(b"x", [pysequoia.Cert.from_bytes(certificate)])
    [data] = [one for one in PacketPile.from_bytes(sealed) if one.tag == Tag.SEIP]
    return data.body[0]


@pytest.mark.parametrize("name", ["", "Alice", "Jörg Ærø, of a very long name indeed" * 4])
def test_what_is_encrypted_to_it_is_of_version_1(name: str) -> None:
    usual = Tsk.generate(f"{name} <alice@example.org>", profile=Profile.RFC4880)
    made = modest(usual)
    certificate = bytes(made.extract_certificate())
    assert version(bytes(usual.extract_certificate())) == 2
    assert version(certificate) == version(public("alice")) == 1
    described = keys.describe(certificate)
    assert described.addresses == ("alice@example.org",)
    assert (described.refusal, described.signs, described.encrypts) == ("", True, True)
    assert described.fingerprint == keys.describe(bytes(usual.extract_certificate())).fingerprint
    # The library has verified the signature: it certifies, and is renewed.
    assert made.certifier() is not None


def test_a_key_of_another_kind_is_refused() -> None:
    rsa = Tsk.from_bytes(secret("bob"))
    nameless = Tsk.generate(profile=Profile.RFC4880)
    locked = Tsk.from_bytes((KEYS / "locked.secret.asc").read_bytes())
    for one in (rsa, nameless, locked):
        with pytest.raises(PrivacyError, match="not of the kind"):
            modest(one)


def test_numbers_and_lengths() -> None:
    assert _number(b"\x00\x01\xff") == b"\x00\x09\x01\xff"
    assert (_length(191), _length(192), _length(8383)) == (b"\xbf", b"\xc0\x00", b"\xdf\xff")
