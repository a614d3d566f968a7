"""GnuPG and Sequoia find keys in our directory by themselves: each asks the host openpgpkey, or the domain."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pysequoia
import pytest

from tests import alone
from tests.certificates import Authority
from webadmin.audit.record import OPERATOR
from webadmin.directory import actions as directory
from webadmin.directory.models import Account
from webadmin.privacy import actions

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not alone.possible(), reason="the kernel lets nobody have a network of her own"),
]
ADVANCED, DIRECT = "openpgpkey.example.org", "example.org"
Asking = Callable[..., subprocess.CompletedProcess[bytes]]


@pytest.fixture
def alice(db: None) -> Account:
    directory.create_domain(OPERATOR, "example.org")
    return directory.create_account(OPERATOR, "alice@example.org", "pw1")


@pytest.fixture
def ask(live_server: object, tmp_path: Path) -> Iterator[Asking]:
    """Runs a program that finds our web under the names."""
    authority = Authority(tmp_path / "authority.pem")
    (tmp_path / "host.pem").write_text("".join(authority.for_hosts(ADVANCED, DIRECT)))
    relay = alone.Relay(tmp_path / "relay", urlsplit(str(live_server)).port or 0)
    (tmp_path / "gnupg").mkdir(mode=0o700)
    (tmp_path / "gnupg" / "dirmngr.conf").write_text("standard-resolver\n")
    home = {"GNUPGHOME": str(tmp_path / "gnupg"), "HOME": str(tmp_path), "PATH": os.environ["PATH"]}

    def run(host: str, *program: str) -> subprocess.CompletedProcess[bytes]:
        hosts = tmp_path / "hosts"
        hosts.write_text(f"127.0.0.1 localhost {host}\n")
        files = (tmp_path / "relay", tmp_path / "host.pem", hosts, tmp_path / "authority.pem")
        command = alone.command(*files, *program)
        done = subprocess.run(command, env=home, capture_output=True, check=False, timeout=90)
        # What GnuPG leaves behind to ask for it would ask where nobody is any more.
        subprocess.run(["gpgconf", "--kill", "all"], env=home, check=True, timeout=60)
        return done

    yield run
    relay.close()


@pytest.mark.parametrize("host", [ADVANCED, DIRECT])
def test_gnupg_finds_a_key(ask: Asking, alice: Account, host: str) -> None:
    key = actions.generate(OPERATOR, alice, "alice@example.org")
    locate = ("gpg", "--batch", "--auto-key-locate", "clear,wkd", "--with-colons", "--locate-keys")
    found = ask(host, *locate, "Alice@example.org")
    assert found.returncode == 0, found.stderr
    told = [line.split(b":") for line in found.stdout.splitlines()]
    assert next(line[9] for line in told if line[0] == b"fpr") == key.fingerprint.upper().encode()
    assert [line[9] for line in told if line[0] == b"uid"] == [b"<alice@example.org>"]
    missing = ask(host, *locate, "bob@example.org")
    assert missing.returncode != 0
    assert b"No data" in missing.stderr or b"No public key" in missing.stderr


@pytest.mark.parametrize("host", [ADVANCED, DIRECT])
def test_sequoia_finds_a_key(ask: Asking, alice: Account, host: str) -> None:
    key = actions.generate(OPERATOR, alice, "alice@example.org")
    found = ask(host, "sq", "wkd", "get", "alice@example.org")
    assert found.returncode == 0, found.stderr
    assert pysequoia.Cert.from_bytes(found.stdout).fingerprint == key.fingerprint
    assert ask(host, "sq", "wkd", "get", "bob@example.org").returncode != 0
