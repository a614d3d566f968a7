"""PGP/MIME: what is made of a payload, and what is recognised as encrypted."""

import pytest

from mailservices.mail import headers, mime
from mailservices.mail.encrypted import is_encrypted
from mailservices.mail.findings import Result
from mailservices.mail.openpgp import decrypt
from mailservices.mail.openpgp import mime as openpgp
from mailservices.mail.privacy import Entity, PrivacyError
from tests.mail.openpgp.cast import CASES, public, secret

PAYLOAD = b"Subject: inside\r\nContent-Type: text/plain\r\n\r\nhello\r\n"
ARMOUR = b"-----BEGIN PGP MESSAGE-----\r\n\r\nabcd\r\n-----END PGP MESSAGE-----\r\n"


def shape(entity: Entity) -> list[bytes]:
    message = mime.scan(entity.fields + b"\r\n", entity.body)
    return [part.type.type + b"/" + part.type.subtype for part in (message, *message.children)]


@pytest.mark.parametrize("name", ["alice", "bob", "nist"])
def test_what_is_encrypted_is_opened(name: str) -> None:
    entity = openpgp.encrypt(PAYLOAD, [public(name), public("bob")])
    assert shape(entity) == [b"multipart/encrypted", b"application/pgp-encrypted", b"application/octet-stream"]
    header = entity.fields + b"\r\n"
    assert is_encrypted(header, entity.body)
    assert all(len(line) <= 78 for line in (header + entity.body).split(b"\r\n"))
    assert b"\n" not in (header + entity.body).replace(b"\r\n", b"")
    armoured = decrypt.sealed(header, entity.body)
    assert armoured is not None
    assert decrypt.decrypt(armoured, secret(name)).payload == PAYLOAD


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


def test_nothing_is_encrypted_to_nobody() -> None:
    with pytest.raises(PrivacyError, match="no key"):
        openpgp.encrypt(PAYLOAD, [])
    with pytest.raises(PrivacyError, match="could not be encrypted"):
        openpgp.encrypt(PAYLOAD, [public("signer")])
    with pytest.raises(PrivacyError, match="could not be signed"):
        openpgp.sign(PAYLOAD, public("signer"))


def test_what_is_signed_says_how() -> None:
    entity = openpgp.sign(PAYLOAD, secret("alice"))
    assert shape(entity) == [b"multipart/signed", b"text/plain", b"application/pgp-signature"]
    assert b'micalg="pgp-sha512"' in entity.fields


MULTIPART = b'Content-Type: multipart/encrypted; boundary="b"\r\n\r\n'
VERSION = b"--b\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n\r\n"
READABLE = {
    "a letter": (b"\r\n", b"hello\r\n"),
    "a letter that quotes": (b"\r\n", b"> " + ARMOUR),
    "text before": (b"\r\n", b"hello\r\n" + ARMOUR),
    "text after": (b"\r\n", ARMOUR + b"hello\r\n"),
    "only the type": (MULTIPART, b"hello\r\n"),
    "one part": (MULTIPART, VERSION + b"--b--\r\n"),
    "no armour": (MULTIPART, VERSION + b"--b\r\nContent-Type: application/octet-stream\r\n\r\nhello\r\n--b--\r\n"),
    "another part": (MULTIPART, VERSION + b"--b\r\nContent-Type: text/plain\r\n\r\n" + ARMOUR + b"--b--\r\n"),
    "text behind the armour": (
        MULTIPART, VERSION + b"--b\r\nContent-Type: application/octet-stream\r\n\r\n" + ARMOUR + b"x\r\n--b--\r\n",
    ),
    "said to be S/MIME": (b"Content-Type: application/pkcs7-mime\r\n\r\n", b"hello\r\n"),
    "signed by S/MIME": (
        b"Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n",
        b"MIAGCSqGSIb3DQEHAqCAMIACAQExADALBgkqhkiG9w0BBwE=\r\n",
    ),
    "an attachment": (b"Content-Type: application/octet-stream\r\n\r\n", ARMOUR),
}  # fmt: skip
ENCRYPTED = {
    "armour": (b"\r\n", ARMOUR),
    "armour with space around": (b"Content-Type: text/plain\r\n\r\n", b"\r\n " + ARMOUR + b"\r\n\r\n"),
    "PGP/MIME": (
        MULTIPART, VERSION + b"--b\r\nContent-Type: application/octet-stream\r\n\r\n" + ARMOUR + b"--b--\r\n",
    ),
    "S/MIME": (
        b"Content-Type: application/x-pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n",
        b"MIAGCSqGSIb3DQEHA6CAMIACAQAxggF0MIIBcAIBADA=\r\n",
    ),
    "S/MIME with GCM": (
        b"Content-Type: application/pkcs7-mime\r\n\r\n",
        bytes.fromhex("3080060b2a864886f70d0109100117a080"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", READABLE)
def test_what_can_be_read_is_not_taken_for_encrypted(name: str) -> None:
    assert not is_encrypted(*READABLE[name])
    assert decrypt.sealed(*READABLE[name]) is None


@pytest.mark.parametrize("name", ENCRYPTED)
def test_what_is_encrypted_is_recognised(name: str) -> None:
    assert is_encrypted(*ENCRYPTED[name])


def test_what_is_very_large_is_not_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decrypt, "SEALED_OCTETS", 10)
    with pytest.raises(PrivacyError, match="more than 10 octets"):
        decrypt.sealed(*ENCRYPTED["armour"])
