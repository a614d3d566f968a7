"""Signatures of strangers and of our own. Cases are files: a message, and what is said of it.

Known are all keys in keys/ but the signer's.
"""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from mailservices.mail import headers
from mailservices.mail.findings import Result
from mailservices.mail.openpgp import keys, mime, verify
from mailservices.mail.privacy import PrivacyError, message
from tests.mail.openpgp.cast import CASES, public, secret

NOW = datetime.now(UTC)
KNOWN = {name: public(name) for name in ("alice", "bob", "nist", "expired", "revoked", "sha1")}
NAMES = {keys.describe(octets).fingerprint: name for name, octets in KNOWN.items()}


def said(octets: bytes) -> str:
    header, body = headers.split(octets)
    try:
        verdict = verify.verify(verify.signed(header, body), list(KNOWN.values()), NOW)
    except PrivacyError as error:
        return f"refused: {error}"
    name = NAMES.get(verdict.fingerprint, "signer" if verdict.fingerprint else "")
    told = f"{verdict.result} {name}".rstrip()
    return f"{told}: {verdict.reason}" if verdict.reason else told


@pytest.mark.parametrize("path", sorted(CASES.glob("*.verdict")), ids=lambda path: path.stem)
def test_a_case(path: Path) -> None:
    assert said(path.with_suffix(".eml").read_bytes()) == path.read_text().rstrip("\n")


def test_what_we_sign_is_verified_and_tampering_is_found() -> None:
    entity = mime.sign(b"Content-Type: text/plain\r\n\r\nhello\r\n", secret("alice"))
    header, body = message(b"From: alice@example.org\r\n", entity)
    assert said(header + body) == "pass alice"
    assert said(header + body.replace(b"hello", b"hallo")).startswith("fail alice")
    assert said(header + body + b"more after the last boundary\r\n") == "pass alice"


def test_a_revoked_key_vouches_for_nothing() -> None:
    made = keys.generate("", "alice@example.org")
    entity = mime.sign(b"\r\nhello\r\n", made.secret or b"")
    found = verify.signed(entity.fields + b"\r\n", entity.body)
    assert found is not None
    assert verify.verify(found, [made.public], NOW).result is Result.PASS
    verdict = verify.verify(found, [keys.revoked(made.secret or b"")], NOW)
    assert (verdict.result, verdict.reason) == (Result.POLICY, "the key was revoked")
    assert found.issuers[0] not in ("", made.public.hex())


def test_a_key_that_had_expired_when_it_signed() -> None:
    entity = mime.sign(b"\r\nhello\r\n", secret("alice"))
    described = keys.describe(public("alice"))
    ended = keys.renewed(secret("alice"), described.not_before.replace(second=59)).public
    verdict = verify.verify(verify.signed(entity.fields + b"\r\n", entity.body), [ended], NOW)
    assert (verdict.result, verdict.reason) == (Result.POLICY, "the key had expired when it signed")


def test_of_a_very_large_text_nothing_is_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "SIGNED_OCTETS", 10)
    assert said((CASES / "01-signed.eml").read_bytes()) == "refused: more than 10 octets are signed"


def test_a_certificate_that_cannot_be_read_is_an_error() -> None:
    header, body = headers.split((CASES / "01-signed.eml").read_bytes())
    with pytest.raises(PrivacyError):
        verify.verify(verify.signed(header, body), [b"\x99\xff\xff"], NOW)
