"""Owners are told of their keys by mail: once, where they read it, and anew once something has changed."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from mailservices.config import Config
from mailservices.store.appender import Appender
from mailservices.store.keys import KeyRing
from mailservices.store.pool import Pool
from tests.conftest import Database, Person, orm
from webadmin.audit.record import OPERATOR
from webadmin.directory.models import Account
from webadmin.own import actions as own
from webadmin.privacy import actions
from webadmin.privacy.models import Key, Notice
from workers import notices


class Engine(SimpleNamespace):
    rung: set[str]

    def ring(self, destinations: set[str]) -> None:
        self.rung |= destinations


@pytest.fixture
async def engine(config: Config, pool: Pool) -> AsyncIterator[Any]:
    made = Engine(config=config, pool=pool, keys=KeyRing(pool, config.sealing_key), rung=set())
    made.bell, made.appender = made, Appender(pool, lambda *_: None)
    yield made
    await made.appender.stop()


def mail_of(database: Database, person: Person) -> list[str]:
    query = "SELECT header FROM mail_content WHERE account_id = %s ORDER BY content_id"
    return [bytes(header).decode() for (header,) in database.execute(query, [person.account_id])]


def notices_of(person: Person) -> list[tuple[str, bool]]:
    rows = Notice.objects.filter(account=person.account_id).order_by("pk")
    return [(row.about, row.told_at is not None) for row in rows]


def ends_in(key: Key, days: int) -> None:
    Key.objects.filter(pk=key.pk).update(expires_at=datetime.now(UTC) + timedelta(days=days))


async def test_an_owner_is_told_a_month_before_a_key_ends(engine: Any, alice: Person, database: Database) -> None:
    account = await orm(lambda: Account.objects.get(pk=alice.account_id))
    key = await orm(lambda: actions.generate(OPERATOR, account, alice.address))
    await orm(lambda: ends_in(key, 31))
    await notices.tell(engine)
    assert mail_of(database, alice) == []
    await orm(lambda: ends_in(key, 29))
    await notices.tell(engine)
    await notices.tell(engine)
    [header] = mail_of(database, alice)
    assert "Subject: Your key for private mail ends soon" in header
    assert await orm(lambda: notices_of(alice)) == [("expires", True)]
    # Renewed, it is told of again when that comes near.
    await orm(lambda: actions.renew(OPERATOR, key))
    assert await orm(lambda: notices_of(alice)) == []
    await orm(lambda: ends_in(key, 3))
    await notices.tell(engine)
    assert len(mail_of(database, alice)) == 2


async def test_what_is_not_used_ends_unnoticed(
    engine: Any, alice: Person, bob: Person, database: Database
) -> None:
    def make() -> None:
        account = Account.objects.get(pk=alice.account_id)
        for n, changes in enumerate(({"signs": False, "encrypts": False}, {"revoked_at": datetime.now(UTC)})):
            key = actions.generate(OPERATOR, account, alice.address)
            Key.objects.filter(pk=key.pk).update(**changes)
            ends_in(key, n)
        gone = actions.generate(OPERATOR, Account.objects.get(pk=bob.account_id), bob.address)
        ends_in(gone, 3)
        Account.objects.filter(pk=bob.account_id).update(deleted_at=datetime.now(UTC))

    await orm(make)
    await notices.tell(engine)
    assert mail_of(database, alice) + mail_of(database, bob) == []


async def test_what_is_broken_is_told_each_week(engine: Any, alice: Person, database: Database) -> None:
    told = await orm(
        lambda: Notice.objects.create(
            account_id=alice.account_id, about=Notice.BROKEN, words="the key was revoked"
        )
    )
    await notices.tell(engine)
    [header] = mail_of(database, alice)
    assert "Subject: Your mail could not be encrypted" in header
    last_week = datetime.now(UTC) - timedelta(days=8)
    await orm(lambda: Notice.objects.filter(pk=told.pk).update(told_at=last_week))
    await notices.tell(engine)
    # What is broken still is noted with the next message.
    assert await orm(lambda: notices_of(alice)) == []


async def test_it_goes_where_her_mail_is_forwarded_to(engine: Any, alice: Person, database: Database) -> None:
    def forward() -> None:
        own.forward(OPERATOR, Account.objects.get(pk=alice.account_id), ["x@far.test"], keep=False)
        Notice.objects.create(account_id=alice.account_id, about=Notice.BROKEN)

    await orm(forward)
    await notices.tell(engine)
    assert mail_of(database, alice) == []
    assert engine.rung == {"far.test"}
    query = "SELECT r.address FROM queue_recipient r JOIN queue_message m USING (message_id) WHERE m.sender = ''"
    assert ("x@far.test",) in database.execute(query).fetchall()


async def test_whoever_cannot_be_told_is_told_later(engine: Any, alice: Person, database: Database) -> None:
    await orm(lambda: Notice.objects.create(account_id=alice.account_id, about=Notice.BROKEN))
    await orm(lambda: Account.objects.filter(pk=alice.account_id).update(active=False))
    await notices.tell(engine)
    assert await orm(lambda: notices_of(alice)) == [("broken", False)]
    await orm(lambda: Account.objects.filter(pk=alice.account_id).update(active=True))
    await asyncio.sleep(0)
    await notices.tell(engine)
    assert await orm(lambda: notices_of(alice)) == [("broken", True)]
