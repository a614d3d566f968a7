"""Signing, and what of a message is signed."""

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from mailservices.mail import headers
from mailservices.mail.privacy import PrivacyError
from mailservices.mail.smime import entities, signed
from tests.mail_certificates import MailAuthority, rsa_key

AUTHORITY = MailAuthority()
SIGNER = AUTHORITY.issue("a@example.org", key=rsa_key())
PAYLOAD = b"Content-Type: text/plain\r\n\r\nHello.\r\n"


def made(payload: bytes = PAYLOAD) -> bytes:
    entity = signed.sign(payload, SIGNER.der, SIGNER.chain_der, SIGNER.pkcs8)
    return b"MIME-Version: 1.0\r\n" + entity.fields + b"\r\n" + entity.body


def find(message: bytes) -> signed.Signed | None:
    return signed.find(*headers.split(message))


@pytest.mark.parametrize("payload", [PAYLOAD, PAYLOAD + b"\r\n\r\n", b"\r\n", b"\r\nno line end"])
def test_openssl_verifies_what_we_sign(payload: bytes, tmp_path: Path) -> None:
    root = tmp_path / "root.pem"
    root.write_bytes(AUTHORITY.root.public_bytes(Encoding.PEM))
    command = ("openssl", "cms", "-verify", "-purpose", "smimesign", "-CAfile", str(root))
    done = subprocess.run(command, input=made(payload), capture_output=True, check=True)
    assert done.stdout == payload
    tampered = made(payload).replace(payload, payload + b"x\r\n")
    assert subprocess.run(command, input=tampered, capture_output=True, check=False).returncode != 0


def test_the_content_is_found_as_it_was_signed() -> None:
    found = find(made())
    assert found is not None
    assert found.content == PAYLOAD
    assert found.signature[0] == 0x30


def test_an_opaque_message_is_found() -> None:
    entity = entities.pkcs7(b"\x30\x00", b"signed-data")
    assert find(entity.fields + b"\r\n" + entity.body) == signed.Signed(b"\x30\x00", None)
    silent = entity.fields.replace(b"smime-type=signed-data;", b"")
    assert find(silent + b"\r\n" + entity.body) == signed.Signed(b"\x30\x00", None)


@pytest.mark.parametrize(
    "message",
    [
        PAYLOAD,
        made().replace(b"multipart/signed;", b"multipart/mixed;"),
        made().replace(b"application/pkcs7-signature; name", b"application/pgp-signature; name"),
        made().replace(b"\r\nContent-Type: application/pkcs7-signature", b"\r\nContent-Type: text/plain"),
        b"Content-Type: multipart/signed; boundary=a\r\n\r\n--a\r\n\r\n--a--\r\n",
        b"Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n\r\nMAA=\r\n",
    ],
    ids=["plain", "mixed", "OpenPGP", "no signature", "one part", "encrypted"],
)
def test_what_is_not_signed_as_a_whole_is_not_taken_for_it(message: bytes) -> None:
    assert find(message) is None


def test_only_its_own_key_signs() -> None:
    other = AUTHORITY.issue("b@example.org")
    with pytest.raises(PrivacyError, match="not the one of the certificate"):
        signed.sign(PAYLOAD, SIGNER.der, b"", other.pkcs8)
