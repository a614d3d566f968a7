"""GnuPG and sq read and verify what we make and refuse what was changed; we theirs, in cases/ and here."""

import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mailservices.mail import headers, mime, privacy
from mailservices.mail.findings import Result
from mailservices.mail.openpgp import decrypt, keys, verify
from mailservices.mail.openpgp import mime as openpgp
from tests.mail.openpgp.cast import KEYS, public, secret

HEADER = b"From: alice@example.org\r\nSubject: between us\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
TEXT = "Grüße\r\n".encode() * 40
NAMES = ["alice", "bob", "nist"]


class Stranger:
    """A program, with a folder to itself."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *command: str, octets: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run(
            command, input=octets, cwd=self.folder, capture_output=True, check=False, timeout=60,
            env={"PATH": "/usr/bin:/bin", "GNUPGHOME": str(self.folder), "HOME": str(self.folder)},
        )  # fmt: skip

    def put(self, name: str, octets: bytes) -> str:
        (self.folder / name).write_bytes(octets)
        return name


@pytest.fixture(scope="module")
def gpg(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stranger]:
    folder = tmp_path_factory.mktemp("gpg")
    folder.chmod(0o700)
    stranger = Stranger(folder)
    for name in NAMES:
        assert stranger.run("gpg", "--batch", "--import", str(KEYS / f"{name}.secret.asc")).returncode == 0
    yield stranger
    stranger.run("gpgconf", "--kill", "all")


@pytest.fixture
def sq(tmp_path: Path) -> Stranger:
    return Stranger(tmp_path)


def sealed(name: str) -> bytes:
    """A message to them, as they take it out of its part."""
    outer = privacy.outer_of_arrived(HEADER, hide_subject=True)
    entity = openpgp.encrypt(privacy.payload(HEADER, TEXT, outer), [public(name)])
    armoured = decrypt.sealed(*privacy.message(outer, entity))
    assert armoured is not None
    return armoured


def signed(name: str) -> tuple[bytes, bytes]:
    """What is signed, and the signature, as RFC 3156 §5 has them read."""
    header, body = privacy.message(
        privacy.outer_of_signed(HEADER), openpgp.sign(privacy.payload(HEADER, b"hello\r\n"), secret(name))
    )
    text, signature = mime.scan(header, body).children
    assert text.header is not None
    return body[text.header.start : text.body.end], body[signature.body.start : signature.body.end]


@pytest.mark.parametrize("name", NAMES)
def test_gnupg_reads_what_we_encrypt(gpg: Stranger, name: str) -> None:
    armoured = sealed(name)
    done = gpg.run("gpg", "--batch", "--quiet", "--decrypt", octets=armoured)
    assert done.returncode == 0, done.stderr
    header, body = headers.split(done.stdout)
    assert (headers.first(header, b"subject"), body) == (b"between us", TEXT)
    lines = armoured.split(b"\r\n")
    changed = lines[8][:20] + lines[8][21:] + lines[8][20:21]
    assert changed != lines[8]
    lines[8] = changed
    assert gpg.run("gpg", "--batch", "--quiet", "--decrypt", octets=b"\r\n".join(lines)).returncode != 0


@pytest.mark.parametrize("name", NAMES)
def test_gnupg_verifies_what_we_sign(gpg: Stranger, name: str) -> None:
    text, signature = signed(name)
    command = ("gpg", "--batch", "--verify", gpg.put("s.asc", signature), gpg.put("s.txt", text))
    assert gpg.run(*command).returncode == 0
    gpg.put("s.txt", text.replace(b"hello", b"hallo"))
    assert gpg.run(*command).returncode != 0


@pytest.mark.parametrize("name", NAMES)
def test_sq_reads_and_verifies(sq: Stranger, name: str) -> None:
    key = str(KEYS / f"{name}.secret.asc")
    done = sq.run("sq", "decrypt", "--recipient-key", key, octets=sealed(name))
    assert done.returncode == 0, done.stderr
    assert headers.split(done.stdout)[1] == TEXT
    text, signature = signed(name)
    cert = sq.put("cert.pgp", public(name))
    command = (
        "sq",
        "verify",
        "--signer-cert",
        cert,
        "--detached",
        sq.put("s.asc", signature),
        sq.put("s.txt", text),
    )
    assert sq.run(*command).returncode == 0
    sq.put("s.txt", text.replace(b"hello", b"hallo"))
    assert sq.run(*command).returncode != 0


def test_we_read_and_verify_what_sq_makes(sq: Stranger) -> None:
    recipient, signer = sq.put("to.pgp", public("alice")), str(KEYS / "bob.secret.asc")
    # Below a compressed layer, the library finds no signature.
    plain = ("--compression", "none")
    made = sq.run("sq", "encrypt", *plain, "--recipient-cert", recipient, "--signer-key", signer, octets=TEXT)
    assert made.returncode == 0, made.stderr
    opened = decrypt.decrypt(made.stdout, secret("alice"), [public("bob")])
    assert (opened.payload, opened.verdict.result) == (TEXT, Result.PASS)
    made = sq.run("sq", "sign", "--detached", "--signer-key", signer, octets=TEXT)
    found = verify.Signed(TEXT, tuple(verify._signatures(made.stdout)))
    now = datetime.now(UTC)
    assert verify.verify(found, [public("bob")], now).result is Result.PASS
    assert verify.verify(verify.Signed(TEXT + b"x", found.signatures), [public("bob")], now).result is Result.FAIL


def test_gnupg_reads_what_is_encrypted_to_a_key_of_ours(gpg: Stranger) -> None:
    made = keys.generate("Alice", "made@example.org", datetime(2099, 1, 1, tzinfo=UTC))
    assert gpg.run("gpg", "--batch", "--import", octets=made.secret or b"").returncode == 0
    entity = openpgp.encrypt(TEXT, [made.public])
    armoured = decrypt.sealed(entity.fields + b"\r\n", entity.body)
    done = gpg.run("gpg", "--batch", "--quiet", "--decrypt", octets=armoured or b"")
    assert (done.returncode, done.stdout) == (0, TEXT)
    signed = gpg.run("gpg", "--batch", "-u", "made@example.org", "--detach-sign", octets=TEXT).stdout
    found = verify.Signed(TEXT, tuple(verify._signatures(signed)))
    assert verify.verify(found, [made.public], datetime.now(UTC)).result is Result.PASS


def test_both_take_a_key_of_ours(gpg: Stranger, sq: Stranger) -> None:
    made = keys.generate("Alice", "made@example.org", datetime(2099, 1, 1, tzinfo=UTC))
    assert gpg.run("gpg", "--batch", "--import", octets=keys.armoured(made.public).encode()).returncode == 0
    assert b"made@example.org" in gpg.run("gpg", "--list-keys", "--with-colons", "made@example.org").stdout
    assert b"made@example.org" in sq.run("sq", "inspect", octets=made.public).stdout
    gone = keys.revoked(made.secret or b"")
    assert gpg.run("gpg", "--batch", "--import", octets=gone).returncode == 0
    assert b"\npub:r:" in b"\n" + gpg.run("gpg", "--list-keys", "--with-colons", "made@example.org").stdout
