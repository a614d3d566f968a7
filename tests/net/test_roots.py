"""Whom the machine trusts."""

from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from mailservices.net import roots
from tests.mail_certificates import MailAuthority


def test_those_of_the_system_are_read(tmp_path: Path) -> None:
    root = MailAuthority().root
    path = tmp_path / "all.crt"
    odd = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    path.write_text(f"# one\n{odd}" + root.public_bytes(Encoding.PEM).decode())
    assert roots.read(path) == [root]


def test_without_a_system_those_of_our_libraries_are(tmp_path: Path) -> None:
    assert len(roots.read(tmp_path / "none.crt")) > 50
