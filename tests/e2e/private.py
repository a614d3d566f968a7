"""People who have their mail encrypted before it is stored, and a search for words through all that we keep."""

import imaplib
import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import zstandard
from psycopg import sql

from mailservices.mail import headers
from mailservices.mail.openpgp import decrypt, keys
from mailservices.mail.smime import certificates
from mailservices.mail.vocabulary import KeyOrigin, Trust
from tests.conftest import Person
from tests.mail.openpgp.cast import pair, secret
from tests.services import Services
from webadmin.directory.models import Account
from webadmin.privacy.models import Key, Policy

_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"


def encrypts(
    person: Person,
    name: str = "alice",
    *,
    hide: bool = True,
    when_broken: str = "wait",
    on_append: tuple[str, ...] = (),
) -> None:
    """Have what comes in encrypted to the key of this name (tests/mail/openpgp/keys)."""
    public = pair(name).public
    described = keys.describe(public)
    account = Account.objects.get(pk=person.account_id)
    Key.objects.create(
        kind="openpgp", address=person.address, account=account, ours=True, encrypts=True, public=public,
        fingerprint=described.fingerprint, algorithm=described.algorithm, origin=KeyOrigin.UPLOADED.value,
        trust=Trust.OWN.value,
    )  # fmt: skip
    wish(account, "openpgp", hide=hide, when_broken=when_broken, on_append=on_append)


def encrypts_by_certificate(person: Person, certificate: bytes) -> None:
    """Have what comes in encrypted by S/MIME."""
    described = certificates.describe(certificate)
    account = Account.objects.get(pk=person.account_id)
    Key.objects.create(
        kind="smime", address=person.address, account=account, ours=True, encrypts=True, public=certificate,
        fingerprint=described.fingerprint, algorithm=described.algorithm, origin=KeyOrigin.UPLOADED.value,
        trust=Trust.OWN.value,
    )  # fmt: skip
    wish(account, "smime")


def wish(
    account: Account, kind: str, *, hide: bool = True, when_broken: str = "wait", on_append: tuple[str, ...] = ()
) -> None:
    Policy.objects.update_or_create(
        account=account,
        defaults={
            "on_arrival": kind, "hide_subject": hide, "when_broken": when_broken, "on_append": list(on_append),
        },
    )  # fmt: skip
    Account.objects.filter(pk=account.pk).update(encrypts=kind)


def messages(services: Services, person: Person, folder: str = "INBOX") -> list[bytes]:
    with imaplib.IMAP4("127.0.0.1", services.ports["imap"], timeout=30) as client:
        client.login(person.address, person.password)
        client.select(folder, readonly=True)
        found = client.fetch("1:*", "(BODY.PEEK[])")[1]
        return [part[1] for part in found if isinstance(part, tuple)]


def is_enclosed(message: bytes) -> bool:
    return decrypt.sealed(*headers.split(message)) is not None


def opened(message: bytes, name: str = "alice") -> bytes:
    """What its owner reads of it."""
    header, body = headers.split(message)
    armoured = decrypt.sealed(header, body)
    assert armoured is not None, message
    return decrypt.decrypt(armoured, secret(name)).payload


def found(database: "psycopg.Connection[tuple[object, ...]]", word: str) -> list[str]:
    """Each table, with the row, in which a word stands: as text, as octets, or compressed."""
    places = []
    for (table,) in database.execute(_TABLES).fetchall():
        rows = database.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(str(table))))
        places += [f"{table}: {row!r:.300}" for row in rows if _says(row, word.lower())]
    return places


def _says(row: tuple[object, ...], word: str) -> bool:
    return any(word in text.lower() for text in _texts(row))


def _texts(row: tuple[object, ...]) -> Iterator[str]:
    for value in row:
        if isinstance(value, bytes | memoryview):
            octets = bytes(value)
            if octets.startswith(b"\x28\xb5\x2f\xfd"):
                octets = zstandard.ZstdDecompressor().decompress(octets)
            yield octets.decode("latin-1")
        else:
            yield str(value)


def in_files(services: Services, word: str) -> list[Path]:
    """Files of the services, logs among them, in which a word stands."""
    folder = Path(services.environment["FACTEUR_SPOOL"])
    return [
        path
        for path in folder.rglob("*")
        if path.is_file() and re.search(word.encode(), path.read_bytes(), re.IGNORECASE)
    ]
