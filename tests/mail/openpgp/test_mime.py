"""PGP/MIME: what is made of a payload, and what is recognised as encrypted."""

import pytest

from mailservices.mail import mime
from mailservices.mail.encrypted import is_encrypted
from mailservices.mail.openpgp import decrypt
from mailservices.mail.openpgp import mime as openpgp
from mailservices.mail.privacy import Entity, PrivacyError
from tests.mail.openpgp.cast import public, secret

PAYLOAD = b"Subject: inside\r\nContent-Type: text/plain\r\n\r\nhello\r\n"


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
