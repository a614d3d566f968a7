"""Messages as others made them (tests/smime): a file beside each says its verdict, or who can decrypt it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509

from appliance import ROOT
from mailservices.mail import authors, headers, mime
from mailservices.mail.privacy import PrivacyError
from mailservices.mail.smime import bringing, entities, enveloped, signed, trust, verifying

CASES = sorted((ROOT / "tests" / "smime").glob("*.eml"))
KEYS = ROOT / "tests" / "smime" / "keys"
NOW = datetime(2026, 11, 2, tzinfo=UTC)
KNOWN = verifying.Known(trust.Roots([x509.load_pem_x509_certificate((KEYS / "root.pem").read_bytes())]))
OWN = {name: bringing.read((KEYS / f"{name}.pem").read_bytes()) for name in ("alice", "bob")}
ENCRYPTED = [path for path in CASES if path.name >= "4"]
TEXT = b"Hello Bob,\r\nthis is signed.\r\n"


def verdict(message: bytes) -> str:
    header, body = headers.split(message)
    found = signed.find(header, body)
    if found is None:
        return "none"
    said = verifying.verify(found, authors.of(header), KNOWN, NOW).verdict
    return f"{said.result} {said.reason}".strip()


@pytest.mark.parametrize("path", [path for path in CASES if path not in ENCRYPTED], ids=lambda path: path.stem)
def test_a_signature_has_its_verdict(path: Path) -> None:
    assert verdict(path.read_bytes()) == path.with_suffix(".expected").read_text().strip()


@pytest.mark.parametrize("path", ENCRYPTED, ids=lambda path: path.stem)
def test_whom_it_is_for_decrypts_it(path: Path) -> None:
    header, body = headers.split(path.read_bytes())
    part = mime.scan(header, body)
    assert entities.is_encrypted(part)
    readers = [name for name in OWN if decrypted(name, entities.octets(part, body))]
    assert readers == path.with_suffix(".expected").read_text().split()


def decrypted(name: str, der: bytes) -> bool:
    """What comes out is what was put in."""
    own = OWN[name]
    assert own.key is not None
    try:
        text = enveloped.decrypt(der, own.certificate, own.key)
    except PrivacyError:
        return False
    assert TEXT in text
    assert verdict(b"From: alice@example.org\r\n" + text) in ("none", "pass")
    return True
