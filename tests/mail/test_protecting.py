"""What leaves protected: its structure is what mail programs expect, and whoever it is for reads it."""

from datetime import UTC, datetime, timedelta

import pytest

from appliance import ROOT
from mailservices.mail import headers, mime, protecting
from mailservices.mail.findings import Result
from mailservices.mail.mime import Part
from mailservices.mail.openpgp import decrypt, verify
from mailservices.mail.privacy import PrivacyError
from mailservices.mail.protecting import SigningKey
from mailservices.mail.smime import entities, enveloped, signed, trust, verifying
from tests.mail.openpgp import cast
from tests.mail_certificates import NOW, MailAuthority, rsa_key

GOLDEN = ROOT / "tests" / "protected"
AUTHORITY = MailAuthority()
ALICE = AUTHORITY.issue("alice@example.org", key=rsa_key())
BOB = AUTHORITY.issue("bob@example.org")
SMIME = SigningKey("smime", ALICE.der, ALICE.chain_der, ALICE.pkcs8)
OPENPGP = SigningKey("openpgp", cast.public("alice"), b"", cast.secret("alice"))
HEADER = (
    b"From: alice@example.org\r\nTo: bob@example.org\r\nSubject: Secret plans\r\n"
    b"Date: Sun, 1 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@example.org>\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
)
BODY = "Grüße!\r\n".encode()


def tree(part: Part, depth: int = 0) -> str:
    """Type, what its parameters say but the boundary, encoding and disposition, part by part."""
    said = [f"{name.decode()}={value.decode()}" for name, value in part.type.parameters if name != b"boundary"]
    lines = [" ".join([f"{part.type.type.decode()}/{part.type.subtype.decode()}", *said])]
    values = (part.field(b"content-transfer-encoding"), part.field(b"content-disposition"))
    lines += [f"  {value.decode()}" for value in values if value is not None]
    indent = "    " * depth
    return "".join(f"{indent}{line}\n" for line in lines) + "".join(tree(one, depth + 1) for one in part.children)


def shown(header: bytes, body: bytes) -> str:
    """The fields outside but the structural ones, and the tree."""
    outside = headers.without(header, lambda name, _: name.startswith(b"content-")).decode().replace("\r\n", "\n")
    return outside + tree(mime.scan(header, body))


def opened(header: bytes, body: bytes, kind: str) -> bytes:
    if kind == "smime":
        return enveloped.decrypt(entities.octets(mime.scan(header, body), body), BOB.der, BOB.pkcs8)
    armoured = decrypt.sealed(header, body)
    assert armoured is not None
    return decrypt.decrypt(armoured, cast.secret("bob")).payload


READERS = {"smime": [BOB.der], "openpgp": [cast.public("bob")]}
KEYS = {"smime": SMIME, "openpgp": OPENPGP}


@pytest.mark.parametrize("kind", KEYS)
def test_what_is_signed_has_its_structure(kind: str) -> None:
    assert shown(*protecting.sign(HEADER, BODY, KEYS[kind])) == (GOLDEN / f"signed-{kind}.structure").read_text()


@pytest.mark.parametrize("signer", [None, "smime", "openpgp"])
@pytest.mark.parametrize("kind", READERS)
def test_what_is_encrypted_has_its_structure_outside_and_within(kind: str, signer: str | None) -> None:
    key = KEYS[signer] if signer else None
    header, body = protecting.encrypt(HEADER, BODY, kind, READERS[kind], key, hide_subject=True)
    within = shown(*headers.split(opened(header, body, kind)))
    name = f"encrypted-{kind}" + (f"-signed-{signer}" if signer else "")
    assert f"{shown(header, body)}\n{within}" == (GOLDEN / f"{name}.structure").read_text()


@pytest.mark.parametrize("kind", READERS)
def test_a_subject_that_need_not_be_hidden_stands_outside(kind: str) -> None:
    header, body = protecting.encrypt(HEADER, BODY, kind, READERS[kind], None, hide_subject=False)
    assert headers.first(header, b"subject") == b"Secret plans"
    content = opened(header, body, kind)
    # Only what is signed has to be of seven bits.
    assert content.endswith(b"\r\n\r\n" + BODY)


def test_signatures_hold_inside_and_out() -> None:
    known = verifying.Known(trust.Roots([AUTHORITY.root]))
    found = signed.find(*protecting.sign(HEADER, BODY, SMIME))
    assert found is not None
    assert verifying.verify(found, ["alice@example.org"], known, NOW).verdict.result is Result.PASS
    header, body = protecting.encrypt(HEADER, BODY, "openpgp", READERS["openpgp"], SMIME, hide_subject=True)
    found = signed.find(*headers.split(opened(header, body, "openpgp")))
    assert found is not None
    assert verifying.verify(found, ["alice@example.org"], known, NOW).verdict.result is Result.PASS
    text = verify.signed(*protecting.sign(HEADER, BODY, OPENPGP))
    assert verify.verify(text, [OPENPGP.public], NOW).result is Result.PASS


def test_what_is_protected_already_is_recognised() -> None:
    assert not protecting.is_signed(HEADER, BODY)
    assert not protecting.is_encrypted(HEADER, BODY)
    for key in (SMIME, OPENPGP):
        assert protecting.is_signed(*protecting.sign(HEADER, BODY, key))
    assert protecting.is_signed(HEADER, b"-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA512\r\n")
    opaque = entities.pkcs7(b"\x30\x00", b"signed-data")
    assert protecting.is_signed(opaque.fields + b"\r\n", opaque.body)
    for kind, readers in READERS.items():
        assert protecting.is_encrypted(*protecting.encrypt(HEADER, BODY, kind, readers, None, hide_subject=False))


def test_only_what_can_be_encrypted_to_reads() -> None:
    now = datetime.now(UTC)
    assert protecting.reads("smime", BOB.der, now)
    assert protecting.reads("openpgp", cast.public("bob"), now)
    assert not protecting.reads("smime", BOB.der, now + timedelta(days=1000))
    assert not protecting.reads("openpgp", cast.public("expired"), now)
    assert not protecting.reads("smime", b"nonsense", now)
    assert protecting.described("smime", BOB.der) is protecting.described("smime", BOB.der)


def test_a_key_of_another_certificate_does_not_sign() -> None:
    with pytest.raises(PrivacyError):
        protecting.sign(HEADER, BODY, SigningKey("smime", ALICE.der, b"", BOB.pkcs8))
    assert "secret" not in repr(SMIME)
