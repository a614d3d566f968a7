"""What comes to a directory of keys: owners are asked, what they confirm is published, all else is left alone."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pysequoia
import pytest
from django.db.models import QuerySet
from pysequoia import Tsk

from mailservices.config import Config
from mailservices.mail import headers, mime
from mailservices.mail.address import parse
from mailservices.mail.openpgp import keys, submissions
from mailservices.mail.openpgp import mime as openpgp
from mailservices.store import bodies
from mailservices.store import keydirectory as store
from mailservices.store.appender import Appender
from mailservices.store.pool import Pool
from tests.conftest import Database, Person, make_person, orm
from webadmin.audit.record import OPERATOR
from webadmin.directory import aliases
from webadmin.directory.models import Account, Domain
from webadmin.privacy import actions, keeping
from webadmin.privacy import directory as directories
from webadmin.privacy.models import Directory, Key, Submission
from workers import keydirectory, own_mail


class World:
    """A directory, whoever writes to it, and what she gets."""

    def __init__(self, config: Config, pool: Pool, database: Database, domain: Domain) -> None:
        self.database, self.domain = database, domain
        self.engine: Any = SimpleNamespace(config=config, pool=pool, appender=Appender(pool, lambda *_: None))
        self.postbox = f"keys@{domain.name}"

    async def open(self) -> None:
        def make() -> bytes:
            make_person(self.domain, "keys")
            directories.set_directory(OPERATOR, self.domain, submission=self.postbox)
            return bytes(Key.objects.get(domain=self.domain).public)

        self.public = await orm(make)

    async def send(self, payload: str, to: bytes = b"") -> None:
        entity = openpgp.encrypt(payload.encode(), [to or self.public])
        await self.bring(b"Subject: key\r\n" + entity.fields + b"\r\n" + entity.body)

    async def bring(self, octets: bytes) -> None:
        await own_mail.write(self.engine, parse(self.postbox), parse(self.postbox), octets)
        await keydirectory.read(self.engine)

    async def submit(self, public: bytes) -> None:
        await self.send(f"Content-Type: application/pgp-keys\n\n{keys.armoured(public)}")

    async def confirm(self, nonce: str, address: str) -> None:
        told = f"type: confirmation-response\naddress: {address}\nnonce: {nonce}\n"
        await self.send(f"Content-Type: application/vnd.gnupg.wks\n\n{told}")

    async def letters(self, person: Person) -> list[bytes]:
        query = "SELECT header, blob_id, body_size FROM mail_content WHERE account_id = %s ORDER BY content_id"
        rows = self.database.execute(query, [person.account_id]).fetchall()
        pool = self.engine.pool
        return [
            bytes(header) + b"".join([piece async for piece in bodies.read(pool, blob_id, 0, size)])
            for header, blob_id, size in rows
        ]

    def nonce(self, letter: bytes, secret: bytes) -> str:
        """What only who has the key reads."""
        header, body = headers.split(letter)
        closed = mime.scan(header, body).children[0].children[1]
        armoured = openpgp.octets(closed, body)
        told = pysequoia.decrypt(armoured, Tsk.from_bytes(secret).decryptor()).bytes
        return bytes(told or b"").decode().rpartition("nonce: ")[2].strip()


@pytest.fixture
async def world(config: Config, pool: Pool, database: Database, domain: Domain) -> AsyncIterator[World]:
    made = World(config, pool, database, domain)
    await made.open()
    yield made
    await made.engine.appender.stop()


def of(person: Person) -> QuerySet[Submission]:
    return Submission.objects.filter(account_id=person.account_id)


def published(address: str) -> list[str]:
    found = Key.objects.filter(address=address, published=True, account__isnull=False)
    return list(found.values_list("fingerprint", flat=True))


async def test_a_key_is_published_once_its_owner_has_confirmed_it(world: World, alice: Person) -> None:
    pair = keys.generate("", alice.address)
    await world.submit(pair.public)
    [letter] = await world.letters(alice)
    assert await orm(lambda: published(alice.address)) == []
    nonce = world.nonce(letter, pair.secret or b"")
    for wrong in ((nonce[::-1], alice.address), (nonce, world.postbox)):
        await world.confirm(*wrong)
    assert await orm(lambda: published(alice.address)) == []
    await world.confirm(nonce, alice.address)
    assert await orm(lambda: published(alice.address)) == [keys.describe(pair.public).fingerprint]
    assert len(await world.letters(alice)) == 2


async def test_a_newer_copy_is_merged_and_a_revocation_told(world: World, alice: Person) -> None:
    account = await orm(lambda: Account.objects.get(pk=alice.account_id))
    key = await orm(lambda: actions.generate(OPERATOR, account, alice.address))
    secret = await orm(lambda: _secret(key))
    await world.submit(keys.revoked(secret))
    [letter] = await world.letters(alice)
    await world.confirm(world.nonce(letter, secret), alice.address)
    row = await orm(lambda: Key.objects.get(pk=key.pk))
    assert keys.describe(bytes(row.public)).revoked
    assert (row.signs, row.encrypts, row.published, row.revoked_at is not None) == (False, False, True, True)
    assert row.secret is not None
    # To a key that is no more, nothing is written.
    assert len(await world.letters(alice)) == 1


def _secret(key: Key) -> bytes:
    return keeping.opened(key)


async def test_nobody_is_written_to_all_the_time(world: World, alice: Person) -> None:
    first, second = keys.generate("", alice.address), keys.generate("", alice.address)
    await world.submit(first.public)
    await world.submit(second.public)
    assert len(await world.letters(alice)) == 1
    earlier = datetime.now(UTC) - timedelta(hours=2)
    await orm(lambda: of(alice).update(created_at=earlier))
    await world.submit(second.public)
    # The newest counts: what was asked before is asked no more.
    old, new = await world.letters(alice)
    await world.confirm(world.nonce(old, first.secret or b""), alice.address)
    assert await orm(lambda: published(alice.address)) == []
    await world.confirm(world.nonce(new, second.secret or b""), alice.address)
    assert await orm(lambda: published(alice.address)) == [keys.describe(second.public).fingerprint]


async def test_a_key_for_an_alias_is_its_owners(world: World, alice: Person, bob: Person) -> None:
    name = world.domain.name

    def make() -> None:
        aliases.create_alias(OPERATOR, f"info@{name}", [alice.address])
        aliases.create_alias(OPERATOR, f"both@{name}", [alice.address, bob.address])

    await orm(make)
    tsk = Tsk.generate(user_ids=[f"info@{name}", f"both@{name}", f"nobody@{name}", "alice@far.test", "Alice"])
    await world.submit(bytes(tsk.extract_certificate()))
    assert await orm(lambda: list(of(alice).values_list("address", flat=True))) == [f"info@{name}"]
    assert (len(await world.letters(alice)), len(await world.letters(bob))) == (1, 0)


async def test_what_is_no_submission_is_left_alone(world: World, alice: Person) -> None:
    pair = keys.generate("", alice.address, datetime.now(UTC) + timedelta(seconds=1))
    other = keys.generate("", "other@far.test").public
    await world.bring(b"Subject: Hello\r\n\r\nHello\r\n")
    await world.send("Content-Type: text/plain\n\nHello")
    await world.send("Content-Type: application/pgp-keys\n\nnonsense")
    await world.send("x", other)
    await orm(lambda: Key.objects.filter(domain=world.domain).update(secret=b"\x01sealed elsewhere"))
    await world.submit(pair.public)
    assert await world.letters(alice) == []
    assert not await orm(lambda: of(alice).exists())
    row = await orm(lambda: Directory.objects.get(domain=world.domain))
    assert row.read_uid == 5


async def test_a_weak_key_is_not_asked_about(world: World, alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = keys.generate("", alice.address)
    monkeypatch.setattr(keydirectory, "datetime", SimpleNamespace(now=lambda _: datetime(2000, 1, 1, tzinfo=UTC)))
    await world.submit(pair.public)
    assert await world.letters(alice) == []


async def test_a_message_that_is_too_long_is_not_read(
    world: World, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submissions, "MESSAGE_OCTETS", 10)
    await world.submit(keys.generate("", alice.address).public)
    assert await world.letters(alice) == []


async def test_a_surprise_does_not_keep_the_others_waiting(
    world: World, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(submissions, "read", broken)
        await world.submit(keys.generate("", alice.address).public)
    await world.submit(keys.generate("", alice.address).public)
    assert len(await world.letters(alice)) == 1


async def test_what_nobody_confirms_is_forgotten(world: World, alice: Person, pool: Pool) -> None:
    pair = keys.generate("", alice.address)
    await world.submit(pair.public)
    over = datetime.now(UTC) - timedelta(seconds=1)
    await orm(lambda: of(alice).update(expires_at=over))
    await world.confirm(world.nonce((await world.letters(alice))[0], pair.secret or b""), alice.address)
    assert await orm(lambda: published(alice.address)) == []
    assert await store.drop_submissions(pool, 1000) > 0
    assert not await orm(lambda: of(alice).exists())
