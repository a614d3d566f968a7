"""Keys of recipients are looked for while a message waits, but nobody waits for long, or twice."""

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from mailservices.mail import address
from mailservices.net import directories as net
from mailservices.smtp import directories
from mailservices.smtp.directories import NONE_SECONDS, Directories
from mailservices.store import learnt
from mailservices.store.pool import Pool
from tests import direct
from tests.conftest import Person
from tests.mail.openpgp.cast import public
from tests.net.test_directories import ADVANCED, Outside, outside  # noqa: F401 - a fixture
from workers import finding

if TYPE_CHECKING:
    from workers.engine import Engine

ALICE, NOBODY = address.parse("Alice@example.org"), address.parse("nobody@example.org")
KEPT = "SELECT address, origin, public, created_at FROM privacy_key WHERE account_id = $1"
AGE = "UPDATE privacy_key SET created_at = created_at - $2::interval WHERE account_id = $1"


async def test_what_is_found_is_kept_and_who_has_none_is_remembered(
    pool: Pool,
    alice: Person,
    outside: Outside,  # noqa: F811 - a fixture
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    outside.names.zone[ADVANCED, "A"] = ["127.0.0.1"]
    outside.host.answers[ADVANCED] = public("alice")
    now = 0.0
    looked = Directories(pool, outside.resolver, outside.config, lambda: now)
    await looked.find(alice.account_id, [ALICE, NOBODY, ALICE])
    [row] = await direct.fetch(pool, KEPT, alice.account_id)
    assert (row["address"], row["origin"], row["public"]) == ("alice@example.org", "wkd", public("alice"))
    assert len(outside.host.asked) == 2
    await looked.find(alice.account_id, [NOBODY])
    assert len(outside.host.asked) == 2
    now += NONE_SECONDS
    monkeypatch.setattr(directories, "NONE", 1)
    await looked.find(alice.account_id, [NOBODY])
    assert len(outside.host.asked) == 3


async def test_nobody_waits_for_long(
    pool: Pool,
    alice: Person,
    outside: Outside,  # noqa: F811 - a fixture
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def never(*_asked: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(net, "find", never)
    monkeypatch.setattr(directories, "LIMIT", 0.05)
    await Directories(pool, outside.resolver, outside.config).find(alice.account_id, [ALICE])
    assert await direct.fetch(pool, KEPT, alice.account_id) == []


class Worker:
    """As much of a worker as looks again."""

    stopping = False

    def __init__(self, pool: Pool, outside: Outside) -> None:  # noqa: F811 - a fixture
        self.pool, self.resolver, self.config = pool, outside.resolver, outside.config


async def test_a_worker_looks_again(pool: Pool, alice: Person, outside: Outside) -> None:  # noqa: F811 - a fixture
    outside.names.zone[ADVANCED, "A"] = ["127.0.0.1"]
    outside.host.answers[ADVANCED] = public("alice")
    await Directories(pool, outside.resolver, outside.config).find(alice.account_id, [ALICE])
    worker: Engine = Worker(pool, outside)  # type: ignore[assignment]
    asked = len(outside.host.asked)
    await finding.look_again(worker)
    assert len(outside.host.asked) == asked
    await direct.execute(pool, AGE, alice.account_id, learnt.AGAIN + timedelta(days=1))
    outside.host.answers[ADVANCED] = public("expired")
    [before] = await direct.fetch(pool, KEPT, alice.account_id)
    await finding.look_again(worker)
    # What is there cannot be used: what we have stays, and is looked for another time.
    [row] = await direct.fetch(pool, KEPT, alice.account_id)
    assert row["public"] == public("alice")
    assert row["created_at"] > before["created_at"]
    await direct.execute(pool, AGE, alice.account_id, learnt.AGAIN + timedelta(days=1))
    outside.host.answers[ADVANCED] = public("alice")
    await finding.look_again(worker)
    [again] = await direct.fetch(pool, KEPT, alice.account_id)
    assert again["created_at"] > row["created_at"] - learnt.AGAIN
