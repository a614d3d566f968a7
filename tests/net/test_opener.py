"""Messages opened in a process of their own: what is inside comes out, what is too much of it does not."""

import asyncio
import base64
import json
import subprocess
from pathlib import Path

import pytest

from mailservices.mail.findings import Result
from mailservices.mail.openpgp import keys, mime
from mailservices.mail.openpgp.decrypt import sealed
from mailservices.mail.privacy import PrivacyError
from mailservices.mail.smime import entities, enveloped
from mailservices.mail.smime.certificates import describe
from mailservices.mail.vocabulary import KeyKind
from mailservices.net import opener
from mailservices.net.opener import Private, open_sealed
from tests.mail.openpgp.cast import KEYS, public, secret
from tests.mail_certificates import MailAuthority

PAYLOAD = b"Content-Type: text/plain\r\n\r\nhello\r\n"


def held(name: str) -> Private:
    return Private(keys.describe(public(name)).fingerprint, public(name), secret(name))


def armoured(name: str, signer: bytes | None = None) -> bytes:
    entity = mime.encrypt(PAYLOAD, [public(name)], signer)
    return sealed(entity.fields + b"\r\n", entity.body) or b""


async def test_one_of_several_keys_opens_it() -> None:
    opened = await open_sealed(
        KeyKind.OPENPGP, armoured("alice", secret("nist")), [held("bob"), held("alice")], [public("nist")]
    )
    assert (opened.payload, opened.fingerprint) == (PAYLOAD, held("alice").fingerprint)
    assert (opened.verdict.result, opened.verdict.addresses) == (Result.PASS, ("nist@example.org",))


async def test_smime_is_opened() -> None:
    issued = MailAuthority().issue("alice@example.org")
    entity = enveloped.encrypt(PAYLOAD, [issued.der])
    der = base64.b64decode(entity.body)
    own = Private(describe(issued.der).fingerprint, issued.der, issued.pkcs8)
    assert (await open_sealed(KeyKind.SMIME, der, [own], [])).payload == PAYLOAD
    assert entities.base64(der) == entity.body


async def test_what_is_for_others_is_not_opened() -> None:
    with pytest.raises(PrivacyError, match="it could not be opened"):
        await open_sealed(KeyKind.OPENPGP, armoured("alice"), [held("bob")], [])
    with pytest.raises(PrivacyError, match="no key"):
        await open_sealed(KeyKind.OPENPGP, armoured("alice"), [], [])


def bomb(folder: Path, octets: int) -> bytes:
    """Zeros that GnuPG has compressed, to Alice."""
    folder.chmod(0o700)
    gpg = ["gpg", "--homedir", str(folder), "--batch", "--quiet", "--trust-model", "always"]
    subprocess.run([*gpg, "--import", str(KEYS / "alice.secret.asc")], check=True, capture_output=True)
    encrypt = [*gpg, "-z", "9", "--armor", "-r", "alice@example.org", "--encrypt"]
    made = subprocess.run(encrypt, input=bytes(octets), check=True, capture_output=True).stdout
    subprocess.run(["gpgconf", "--homedir", str(folder), "--kill", "all"], check=True)
    return made


@pytest.mark.parametrize("octets", [opener.INSIDE_OCTETS + 1, 700 * 2**20])
async def test_what_swells_has_an_end(tmp_path: Path, octets: int) -> None:
    small = bomb(tmp_path, octets)
    assert len(small) < 2 * 2**20
    with pytest.raises(PrivacyError, match=r"octets are inside|within the limits"):
        await open_sealed(KeyKind.OPENPGP, small, [held("alice")], [])


async def test_what_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opener, "LIMIT", 0.01)
    with pytest.raises(PrivacyError, match="within the limits"):
        await open_sealed(KeyKind.OPENPGP, armoured("alice"), [held("alice")], [])
    await asyncio.sleep(0)


def test_the_answer_is_a_line_and_what_was_inside() -> None:
    asked = {"kind": "openpgp", "keys": [], "certificates": []}
    assert json.loads(opener.answer(json.dumps(asked).encode() + b"\n")) == {"why": "there is no key for it"}
