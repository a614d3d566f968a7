"""Requests to webhooks: where they may go, and what is made of the answers."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from mailservices.config import Config
from mailservices.mail import sealing
from mailservices.net.dns import Resolver
from mailservices.store.ids import new_id
from mailservices.store.pool import Pool
from tests.conftest import Database
from tests.world import NameServer, Program
from workers.webhooks import Messengers

SECRET = b"0123456789abcdef0123456789abcdef"


@pytest.fixture
def program() -> Iterator[Program]:
    made = Program()
    yield made
    made.stop()


@pytest.fixture
def names() -> Iterator[NameServer]:
    made = NameServer()
    made.zone["hook.test", "A"] = ["127.0.0.1"]
    yield made
    made.close()


class World:
    """Messengers of a worker, and a hook."""

    def __init__(self, config: Config, pool: Pool, names: NameServer, database: Database) -> None:
        self.config = dataclasses.replace(
            config, dns=(("127.0.0.1", names.port),), webhooks_private=True
        )  # fmt: skip
        self.pool, self.database = pool, database

    async def tell(self, url: str, *, key: bytes | None = None, **settings: Any) -> tuple[object, ...]:
        """State and tries of what such a hook is told, and the code and text of the last try."""
        sealed = sealing.seal(key or self.config.sealing_key, SECRET, sealing.webhook_context(url))
        query = "INSERT INTO webhook (url, kinds, secret) VALUES (%s, '{failed}', %s) RETURNING id"
        [[hook]] = self.database.execute(query, [url, sealed]).fetchall()
        told = new_id()
        query = "INSERT INTO webhook_delivery (delivery_id, webhook_id, kind, body) VALUES (%s, %s, 'x', '{}')"
        self.database.execute(query, [told, hook])
        config = dataclasses.replace(self.config, **settings)
        engine = SimpleNamespace(config=config, pool=self.pool, resolver=Resolver(config), stopping=False)
        messengers = Messengers(cast("Any", engine))
        await messengers.send_due()
        await asyncio.gather(*messengers._tasks)
        await messengers.stop()
        query = (
            "SELECT d.state, d.tries, t.code, t.text FROM webhook_delivery d "
            "JOIN webhook_try t USING (delivery_id) WHERE d.delivery_id = %s"
        )
        row = self.database.execute(query, [told]).fetchone()
        assert row
        return row


@pytest.fixture
async def world(config: Config, pool: Pool, names: NameServer, database: Database) -> AsyncIterator[World]:
    yield World(config, pool, names, database)
    database.execute("TRUNCATE webhook_delivery, webhook, webhook_try")


async def test_a_name_is_looked_up_and_told(world: World, program: Program) -> None:
    assert await world.tell(f"http://hook.test:{program.port}/a?b=c") == ("done", 1, 204, "")
    [asked] = program.asked
    assert (asked.path, asked.body) == ("/a?b=c", b"{}")
    assert asked.headers["host"] == f"hook.test:{program.port}"


async def test_a_redirect_is_not_followed(world: World, program: Program) -> None:
    program.answers["/moved"] = 302, {"Location": f"http://127.0.0.1:{program.port}/secret"}
    row = await world.tell(f"http://hook.test:{program.port}/moved")
    assert row[:3] == ("waiting", 1, 302)
    assert not program.told("/secret")


@pytest.mark.parametrize("host", ["hook.test", "127.0.0.1"])
async def test_private_addresses_are_not_reached_unless_it_is_said(
    world: World, program: Program, host: str
) -> None:
    row = await world.tell(f"http://{host}:{program.port}/", webhooks_private=False)
    assert row[:3] == ("waiting", 1, 0)
    assert "only private addresses" in str(row[3])
    assert not program.asked


async def test_a_host_that_is_not_there_is_told_again_later(world: World) -> None:
    assert await world.tell("http://nowhere.test/") == ("waiting", 1, 0, "Its host has no address")
    row = await world.tell("http://127.0.0.1:1/")
    assert row[:3] == ("waiting", 1, 0)


async def test_https_is_verified(world: World, program: Program) -> None:
    row = await world.tell(f"https://hook.test:{program.port}/")
    assert row[:3] == ("waiting", 1, 0)
    assert not program.asked


async def test_a_secret_of_another_appliance_signs_nothing(world: World, program: Program) -> None:
    row = await world.tell(f"http://hook.test:{program.port}/", key=b"x" * 32)
    assert "secret cannot be opened" in str(row[3])
    assert not program.asked
