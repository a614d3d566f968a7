"""Keys that come by mail, and the letters to their owners; GnuPG's own client is asked in webadmin/privacy."""

import subprocess
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pysequoia
import pytest
from pysequoia import Tsk

from mailservices.mail import headers
from mailservices.mail.address import parse
from mailservices.mail.openpgp import keys, submissions
from mailservices.mail.openpgp.submissions import Confirmed, Letter, Submitted
from mailservices.mail.privacy import PrivacyError

NOW = datetime(2026, 1, 2, tzinfo=UTC)
OURS = keys.generate("", "key-submission@example.org")
HERS = keys.generate("Alice", "alice@example.org")
LETTER = Letter(parse("key-submission@example.org"), "alice@example.org", "ab" * 20, "<1@mail.test>", NOW)


def read(payload: str) -> Submitted | Confirmed | None:
    return submissions.read(payload.encode())


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_key_is_submitted(end: str) -> None:
    armoured = keys.armoured(HERS.public).replace("\n", end)
    assert read(f"Content-Type: application/pgp-keys{end}{end}{armoured}") == Submitted(HERS.public)
    parts = f"Content-Type: multipart/mixed; boundary=x{end}{end}--x{end}{end}Hello{end}--x{end}"
    assert read(f"{parts}Content-Type: application/pgp-keys{end}{end}{armoured}{end}--x--{end}") == Submitted(
        HERS.public
    )


def test_a_nonce_comes_back() -> None:
    told = "type: confirmation-response\nsender: x@y.test\naddress: alice@example.org\nnonce: 0123456789abcdef\n"
    payload = f"Content-Type: application/vnd.gnupg.wks\n\n{told}"
    assert read(payload) == Confirmed("alice@example.org", "0123456789abcdef")
    assert read(payload.replace("confirmation-response", "confirmation-request")) is None
    assert read("Content-Type: application/vnd.gnupg.wks\n\ntype: confirmation-response\n") == Confirmed("", "")


def test_what_is_nothing_of_the_kind() -> None:
    assert read("Content-Type: text/plain\n\nHello") is None
    assert read("") is None
    with pytest.raises(PrivacyError):
        read("Content-Type: application/pgp-keys\n\nnonsense")


def test_only_the_keys_owner_reads_the_nonce(tmp_path: Path) -> None:
    octets = submissions.confirmation(LETTER, "the-nonce", HERS.public, OURS.secret or b"")
    assert b"the-nonce" not in octets
    assert not [line for line in octets.split(b"\n") if not line.endswith(b"\r")][:-1]
    message = message_from_bytes(octets, policy=default)
    assert (message["From"], message["To"]) == ("key-submission@example.org", "alice@example.org")
    assert (message["WKS-Phase"], message["Wks-Draft-Version"]) == ("confirm", "3")
    text, closed = message.get_payload()[0].get_payload()  # type: ignore[union-attr]
    assert "If you did not ask" in text.get_content()
    assert closed.get_content_type() == "application/vnd.gnupg.wks"
    opened = pysequoia.decrypt(closed.get_payload(decode=True), Tsk.from_bytes(HERS.secret or b"").decryptor())
    assert bytes(opened.bytes or b"").decode().splitlines() == [
        "type: confirmation-request", "sender: key-submission@example.org", "address: alice@example.org",
        f"fingerprint: {'AB' * 20}", "nonce: the-nonce",
    ]  # fmt: skip
    body = headers.split(octets)[1]
    start = body.index(b"Content-Type: multipart/mixed")
    signed = body[start : body.rindex(b"\r\n--", 0, body.index(b"application/pgp-signature"))]
    (tmp_path / "signed").write_bytes(signed)
    (tmp_path / "sig").write_bytes(message.get_payload()[1].get_payload(decode=True))  # type: ignore[union-attr]
    (tmp_path / "cert").write_bytes(OURS.public)
    command = ["sq", "verify", "--signer-cert", "cert", "--detached", "sig", "signed"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, timeout=60).returncode == 0


def test_the_owner_is_told_that_it_is_done() -> None:
    header, body = headers.split(submissions.done(LETTER, HERS.public))
    assert b"WKS-Phase: done" in header
    part = message_from_bytes(header + body, policy=default).get_payload()[1]
    opened = pysequoia.decrypt(
        part.get_payload(decode=True),  # type: ignore[union-attr]
        Tsk.from_bytes(HERS.secret or b"").decryptor(),
    )
    assert b"is published" in bytes(opened.bytes or b"")


def test_nonces_differ() -> None:
    assert len({submissions.nonce() for _ in range(10)}) == 10
