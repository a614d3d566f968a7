"""What is encrypted already, and what only says so."""

import pytest

from mailservices.mail.encrypted import is_encrypted
from mailservices.mail.openpgp import decrypt

ARMOUR = b"-----BEGIN PGP MESSAGE-----\r\n\r\nabcd\r\n-----END PGP MESSAGE-----\r\n"
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
