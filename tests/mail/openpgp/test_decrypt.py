"""What is opened with a key that is held here, and what is not."""

import pytest

from mailservices.mail import headers
from mailservices.mail.encrypted import is_encrypted
from mailservices.mail.findings import Result
from mailservices.mail.openpgp import decrypt, keys
from mailservices.mail.openpgp import mime as openpgp
from mailservices.mail.privacy import PrivacyError
from tests.mail.openpgp.cast import CASES, public, secret

PAYLOAD = b"Subject: inside\r\nContent-Type: text/plain\r\n\r\nhello\r\n"


def test_what_is_signed_and_encrypted_names_the_signer() -> None:
    entity = openpgp.encrypt(PAYLOAD, [public("alice")], secret("bob"))
    armoured = decrypt.sealed(entity.fields + b"\r\n", entity.body)
    assert armoured is not None
    opened = decrypt.decrypt(armoured, secret("alice"), [public("nist"), public("bob")])
    assert (opened.payload, opened.verdict.result) == (PAYLOAD, Result.PASS)
    assert opened.verdict.addresses == ("bob@example.org",)
    opened = decrypt.decrypt(armoured, secret("alice"), [public("nist")])
    assert (opened.payload, opened.verdict.result) == (PAYLOAD, Result.NONE)


@pytest.mark.parametrize("name", ["alice", "bob", "nist"])
def test_what_gnupg_encrypted_is_opened(name: str) -> None:
    header, body = headers.split((CASES / f"for-{name}.eml").read_bytes())
    assert is_encrypted(header, body)
    armoured = decrypt.sealed(header, body)
    assert armoured is not None
    assert decrypt.decrypt(armoured, secret(name), [public("bob")]).payload.endswith(f"for {name}\r\n".encode())


def test_what_was_changed_or_is_for_others_is_not_opened() -> None:
    entity = openpgp.encrypt(PAYLOAD, [public("alice")])
    armoured = decrypt.sealed(entity.fields + b"\r\n", entity.body) or b""
    for octets, key in (
        (armoured, secret("bob")),
        (armoured, secret("signer")),
        (armoured[:200] + armoured[201:], secret("alice")),
        (b"nothing", secret("alice")),
        (armoured, b"no key"),
    ):
        with pytest.raises(PrivacyError, match="it could not be opened"):
            decrypt.decrypt(octets, key)


def test_a_revoked_key_vouches_for_nothing() -> None:
    made = keys.generate("", "signer@example.org")
    entity = openpgp.encrypt(PAYLOAD, [public("alice")], made.secret)
    armoured = decrypt.sealed(entity.fields + b"\r\n", entity.body) or b""
    # Whoever has an older copy of the certificate finds that the signature holds.
    assert decrypt.decrypt(armoured, secret("alice"), [made.public]).verdict.result is Result.PASS
    opened = decrypt.decrypt(armoured, secret("alice"), [keys.revoked(made.secret or b"")])
    assert (opened.payload, opened.verdict.result) == (PAYLOAD, Result.NONE)


def test_what_is_very_large_is_not_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decrypt, "SEALED_OCTETS", 10)
    with pytest.raises(PrivacyError, match="more than 10 octets"):
        decrypt.sealed(*headers.split((CASES / "for-alice.eml").read_bytes()))
