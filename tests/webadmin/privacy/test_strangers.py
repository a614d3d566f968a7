"""GnuPG and Sequoia find keys in our directory by themselves: each asks the host openpgpkey, or the domain."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pysequoia
import pytest

from mailservices.config import Config
from mailservices.mail.address import parse
from mailservices.store.appender import Appender
from mailservices.store.pool import open_pool
from tests import alone
from tests.certificates import Authority
from tests.private_keys import in_use
from webadmin import engine
from webadmin.audit.models import Entry
from webadmin.audit.record import OPERATOR
from webadmin.directory import actions as directory
from webadmin.directory.models import Account
from webadmin.mailstore.models import Content
from webadmin.privacy import directory as directories
from webadmin.privacy.models import Key
from workers import keydirectory, own_mail

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
    key = in_use(alice, "alice@example.org")
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
    key = in_use(alice, "alice@example.org")
    found = ask(host, "sq", "wkd", "get", "alice@example.org")
    assert found.returncode == 0, found.stderr
    assert pysequoia.Cert.from_bytes(found.stdout).fingerprint == key.fingerprint
    assert ask(host, "sq", "wkd", "get", "bob@example.org").returncode != 0


async def read_what_came(config: Config, *brought: tuple[str, bytes]) -> None:
    """Messages to these addresses are delivered, then the directory reads its own."""
    pool = await open_pool(config.database, "test")
    appender = Appender(pool, lambda *_: None)
    worker: Any = SimpleNamespace(config=config, pool=pool, appender=appender, stopping=False)
    try:
        for to, octets in brought:
            await own_mail.write(worker, parse("alice@example.org"), parse(to), octets)
        await keydirectory.read(worker)
    finally:
        await appender.stop()
        await pool.close()


def letters_to(account: Account) -> list[bytes]:
    """In the order in which they came."""
    contents = Content.objects.filter(account_id=account.pk).order_by("content_id")
    return [bytes(one.header) + engine.body(one.blob_id, one.body_size) for one in contents]


def test_gnupg_has_a_key_published(ask: Asking, alice: Account, config: Config, tmp_path: Path) -> None:
    domain, submission = alice.domain, "key-submission@example.org"
    directory.create_account(OPERATOR, submission, "pw1")
    directories.set_directory(OPERATOR, domain, submission=submission)
    gpg = ("gpg", "--batch", "--pinentry-mode", "loopback", "--passphrase", "")
    assert ask(ADVANCED, *gpg, "--quick-gen-key", alice.address).returncode == 0
    listed = ask(ADVANCED, "gpg", "--batch", "--with-colons", "--list-secret-keys").stdout
    fingerprint = next(line.split(b":")[9] for line in listed.splitlines() if line.startswith(b"fpr")).decode()
    client = shutil.which("gpg-wks-client", path="/usr/bin:/usr/lib/gnupg")
    assert client, "GnuPG is there without its client for directories: install gpg-wks-client"
    assert ask(ADVANCED, client, "--supported", alice.address).returncode == 0
    request = tmp_path / "request.eml"
    made = ask(ADVANCED, client, "--create", "--output", str(request), fingerprint, alice.address)
    assert made.returncode == 0, made.stderr
    asyncio.run(read_what_came(config, (submission, request.read_bytes())))
    [confirm] = letters_to(alice)
    assert not Key.objects.filter(account=alice).exists()
    (tmp_path / "confirm.eml").write_bytes(confirm)
    response = tmp_path / "response.eml"
    shell = f"{client} --receive --output {response} < {tmp_path / 'confirm.eml'}"
    answered = ask(ADVANCED, "sh", "-c", shell)
    assert answered.returncode == 0, answered.stderr
    asyncio.run(read_what_came(config, (submission, response.read_bytes())))
    key = Key.objects.get(account=alice)
    assert (key.fingerprint, key.published, key.trust) == (fingerprint.lower(), True, "own")
    assert (key.signs, key.encrypts, key.secret) == (False, False, None)
    assert Entry.objects.get(verb="publish key").username == alice.address
    assert b"WKS-Phase: done" in letters_to(alice)[1]
    found = ask(ADVANCED, "sq", "wkd", "get", alice.address)
    assert pysequoia.Cert.from_bytes(found.stdout).fingerprint == key.fingerprint
    # The same answer again opens nothing.
    asyncio.run(read_what_came(config, (submission, response.read_bytes())))
    assert len(letters_to(alice)) == 2
