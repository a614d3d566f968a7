"""What strangers are shown of a certificate: what they need, and nothing else."""

import pysequoia
import pytest
from pysequoia.packet import PacketPile, Tag

from mailservices.mail.openpgp import keys, publishing
from mailservices.mail.privacy import PrivacyError


def made(*names: str) -> bytes:
    tsk = pysequoia.Tsk.generate(user_ids=list(names))
    return bytes(tsk.extract_certificate())


def test_only_the_names_of_the_address_are_shown() -> None:
    public = made("Alice <alice@example.org>", "alice@elsewhere.test", "Alice", "ALICE@Example.org", "<a b@x>")
    shown = publishing.only(public, "alice@example.org")
    names = {str(one) for one in pysequoia.Cert.from_bytes(shown).user_ids}
    assert names == {"Alice <alice@example.org>", "ALICE@Example.org"}
    described = keys.describe(shown)
    assert (described.fingerprint, described.encrypts) == (keys.describe(public).fingerprint, True)


def test_what_others_signed_is_not_shown() -> None:
    public = made("alice@example.org")
    packets = list(PacketPile.from_bytes(public))
    other = next(one for one in PacketPile.from_bytes(made("bob@far.test")) if one.tag == Tag.Signature)
    assert publishing.only(b"".join(bytes(one) for one in [*packets, other]), "alice@example.org") == public


def test_a_signature_without_a_fingerprint_is_known_by_its_key_id() -> None:
    class Signature:
        issuer_fingerprint = None

        def __init__(self, issuer_key_id: str | None) -> None:
            self.issuer_key_id = issuer_key_id

    assert publishing._is_own(Signature("cdef"), "89abcdef")  # type: ignore[arg-type]
    assert not publishing._is_own(Signature("abcd"), "89abcdef")  # type: ignore[arg-type]
    assert not publishing._is_own(Signature(None), "89abcdef")  # type: ignore[arg-type]


def test_without_a_name_of_the_address_nothing_is_shown() -> None:
    assert publishing.only(made("alice@example.org"), "bob@example.org") == b""
    with pytest.raises(PrivacyError):
        publishing.only(b"\xff", "bob@example.org")


def test_a_key_for_its_owners_programs() -> None:
    secret = keys.generate("", "alice@example.org").secret
    assert secret
    assert keys.read(publishing.private(secret).encode()).secret == secret
