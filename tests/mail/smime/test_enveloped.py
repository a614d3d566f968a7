"""Encrypting and decrypting, by ourselves and by OpenSSL; what was tampered with is refused."""

import base64
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import cms
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from mailservices.mail.privacy import PrivacyError
from mailservices.mail.smime import enveloped
from tests.mail_certificates import Issued, MailAuthority, rsa_key

AUTHORITY = MailAuthority()
RSA = AUTHORITY.issue("rsa@example.org", key=rsa_key())
EC = AUTHORITY.issue("ec@example.org")
P384 = AUTHORITY.issue("p384@example.org", key=ec.generate_private_key(ec.SECP384R1()))
P521 = AUTHORITY.issue("p521@example.org", key=ec.generate_private_key(ec.SECP521R1()))
GCM = bytes.fromhex("300d300b060960864801650304012e")
MODERN = AUTHORITY.issue("modern@example.org", extra=GCM)
STRANGER = AUTHORITY.issue("stranger@example.org", key=rsa_key(3072))
MODERN_RSA = AUTHORITY.issue("modern-rsa@example.org", key=rsa_key(), extra=GCM)
PAYLOAD = (
    b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGr\xc3\xbc\xc3\x9fe\r\n"
)
OAEP = "oaep"
SAID = (
    "-keyopt", "rsa_padding_mode:oaep", "-keyopt", "rsa_oaep_md:sha256", "-keyopt", "rsa_mgf1_md:sha512",
)  # fmt: skip
GROUPS = ([RSA], [EC], [P384, P521], [RSA, EC, P384], [MODERN, MODERN_RSA], [MODERN, RSA])


def ours(recipients: Sequence[Issued], payload: bytes = PAYLOAD) -> bytes:
    return base64.b64decode(enveloped.encrypt(payload, [one.der for one in recipients]).body)


def theirs(folder: Path, recipients: Sequence[Issued], *options: str) -> bytes:
    files = []
    for number, one in enumerate(recipients):
        path = folder / f"{number}.pem"
        path.write_text(one.pem)
        files.append(str(path))
    # What is said of a recipient stands behind it, and then they are named one by one.
    ends = ["-recip", *files, *SAID] if OAEP in options else files
    command = ["openssl", "cms", "-encrypt", "-binary", "-outform", "DER", *filter(OAEP.__ne__, options), *ends]
    return subprocess.run(command, input=PAYLOAD, capture_output=True, check=True).stdout


@pytest.mark.parametrize("recipients", GROUPS, ids=lambda group: " ".join(str(one.key.key_size) for one in group))
def test_whom_it_is_for_reads_it_with_openssl_and_with_us(recipients: Sequence[Issued], tmp_path: Path) -> None:
    made = enveloped.encrypt(PAYLOAD, [one.der for one in recipients])
    path = tmp_path / "own.pem"
    for one in recipients:
        path.write_text(one.pem)
        command = ("openssl", "cms", "-decrypt", "-recip", str(path))
        message = b"MIME-Version: 1.0\r\n" + made.fields + b"\r\n" + made.body
        assert subprocess.run(command, input=message, capture_output=True, check=True).stdout == PAYLOAD
        assert enveloped.decrypt(base64.b64decode(made.body), one.der, one.pkcs8) == PAYLOAD


def test_the_strongest_that_all_read_is_taken() -> None:
    assert b"smime-type=authEnveloped-data" in enveloped.encrypt(b"", [MODERN.der, MODERN_RSA.der]).fields
    assert b"smime-type=enveloped-data" in enveloped.encrypt(b"", [MODERN.der, RSA.der]).fields
    content = cms.ContentInfo.load(ours([RSA]))["content"]
    assert content["version"].native == "v0"
    algorithm = content["encrypted_content_info"]["content_encryption_algorithm"]["algorithm"].native
    assert algorithm == "aes256_cbc"
    assert cms.ContentInfo.load(ours([RSA, EC]))["content"]["version"].native == "v2"


@pytest.mark.parametrize(
    ("recipients", "options"),
    [
        ([RSA], ["-aes128"]),
        ([RSA, EC, P384, P521], ["-aes192"]),
        ([RSA, EC], ["-aes256", "-stream"]),
        ([RSA, EC], ["-aes256", "-keyid"]),
        ([RSA, EC], ["-aes-128-gcm"]),
        ([EC, RSA], ["-aes-256-gcm", "-keyid"]),
        ([RSA], ["-aes256", OAEP]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value[0], str) else "",
)
def test_what_openssl_has_encrypted_is_read(
    recipients: Sequence[Issued], options: Sequence[str], tmp_path: Path
) -> None:
    der = theirs(tmp_path, recipients, *options)
    for one in recipients:
        assert enveloped.decrypt(der, one.der, one.pkcs8) == PAYLOAD
    with pytest.raises(PrivacyError, match="encrypted to others"):
        enveloped.decrypt(der, MODERN.der, MODERN.pkcs8)
    with pytest.raises(PrivacyError, match="encrypted to others"):
        enveloped.decrypt(der, STRANGER.der, STRANGER.pkcs8)


def changed(der: bytes, change: Callable[[Any], None]) -> bytes:
    """The message after something in it was set anew."""
    read = cms.ContentInfo.load(der)
    change(read["content"])
    return bytes(read.dump(force=True))


def damage(data: Any) -> None:
    info = data["encrypted_content_info"]
    info["encrypted_content"] = info["encrypted_content"].native[:-16]


def shorten_key(data: Any) -> None:
    algorithm = data["encrypted_content_info"]["content_encryption_algorithm"]
    algorithm["algorithm"] = "aes128_cbc"


def use_rc4(data: Any) -> None:
    data["encrypted_content_info"]["content_encryption_algorithm"]["algorithm"] = "rc4"


def be_many(data: Any) -> None:
    data["recipient_infos"] = list(data["recipient_infos"]) * (enveloped.RECIPIENTS + 1)


def be_of_a_password(data: Any) -> None:
    data["recipient_infos"] = [
        cms.RecipientInfo(
            "pwri",
            {"version": "v0", "key_encryption_algorithm": {"algorithm": "aes256_wrap"}, "encrypted_key": b""},
        )
    ]


@pytest.mark.parametrize("change", [damage, shorten_key, use_rc4, be_of_a_password])
def test_what_was_tampered_with_is_refused(change: Callable[[Any], None]) -> None:
    for one in (RSA, EC):
        with pytest.raises(PrivacyError):
            enveloped.decrypt(changed(ours([one]), change), one.der, one.pkcs8)


def test_no_more_recipients_are_looked_through_than_there_may_be() -> None:
    with pytest.raises(PrivacyError, match="encrypted to others"):
        enveloped.decrypt(changed(ours([RSA]), be_many), EC.der, EC.pkcs8)
    with pytest.raises(PrivacyError, match="encrypted to others"):
        enveloped.decrypt(changed(ours([EC]), be_many), RSA.der, RSA.pkcs8)


def test_authenticated_content_tells_of_a_change() -> None:
    for octet in (b"mac", b"content"):
        der = bytearray(ours([MODERN]))
        der[-1 if octet == b"mac" else -20] ^= 1
        with pytest.raises(PrivacyError, match="damaged"):
            enveloped.decrypt(bytes(der), MODERN.der, MODERN.pkcs8)


def test_what_is_no_message_is_refused() -> None:
    signed = cms.ContentInfo({"content_type": "data", "content": b"x"}).dump()
    for der in (b"", b"x", b"\x30\x00", signed, ours([RSA])[:-1], ours([RSA]) + b"x"):
        with pytest.raises(PrivacyError):
            enveloped.decrypt(der, RSA.der, RSA.pkcs8)


def test_only_keys_that_can_be_encrypted_to_are_taken() -> None:
    unfit = AUTHORITY.issue("a@example.org", key=ed25519.Ed25519PrivateKey.generate())
    for group in ([], [unfit.der], [RSA.der] * (enveloped.RECIPIENTS + 1), [b"x"]):
        with pytest.raises(PrivacyError):
            enveloped.encrypt(PAYLOAD, group)
    with pytest.raises(PrivacyError):
        enveloped.decrypt(ours([RSA]), RSA.der, b"x")
    with pytest.raises(PrivacyError):
        enveloped.decrypt(ours([RSA]), b"x", RSA.pkcs8)


def test_large_content_is_whole() -> None:
    payload = bytes(range(256)) * 20_000
    assert enveloped.decrypt(ours([RSA], payload), RSA.der, RSA.pkcs8) == payload
    assert enveloped.decrypt(ours([MODERN], payload), MODERN.der, MODERN.pkcs8) == payload


def test_material_of_the_sender_goes_into_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 5753 §7.2: ukm, as some smart cards send it."""
    derived = enveloped._derived
    with monkeypatch.context() as patched:
        patched.setattr(
            enveloped, "_derived", lambda shared, wrap, _, *rest: derived(shared, wrap, b"salt", *rest)
        )
        der = ours([EC])
    with pytest.raises(PrivacyError, match="damaged"):
        enveloped.decrypt(der, EC.der, EC.pkcs8)

    def salt(data: Any) -> None:
        data["recipient_infos"][0].chosen["ukm"] = b"salt"

    assert enveloped.decrypt(changed(der, salt), EC.der, EC.pkcs8) == PAYLOAD
