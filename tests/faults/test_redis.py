"""Redis is flushed, killed and started again: only nudges are lost. Whoever waits for one finds out by itself."""

import asyncio
import urllib.request

from redis import Redis

from mailservices.net.nudges import POLL_SECONDS
from tests.conftest import Person
from tests.faults.clients import Imap, Pop3, Smtp, eventually
from tests.faults.conftest import World

DOMAIN = "bell.outside.test"


def text(name: str) -> bytes:
    return f"X-Id: {name}\r\nSubject: {name}\r\n\r\nx\r\n".encode()


async def deliver(world: World, to: Person, name: str) -> None:
    async with Smtp(world.services.ports["smtp"]) as client:
        await client.send_mail("a@b.test", [to.address], text(name))


async def submit(world: World, person: Person, name: str) -> None:
    async with Smtp(world.services.ports["submission"]) as client:
        await client.sign_in(person)
        await client.send_mail(person.address, [f"{name}@{DOMAIN}"], text(name))


async def left(world: World, name: str, seconds: float = 60.0) -> None:
    async def has() -> bool:
        return any(one.recipients == [f"{name}@{DOMAIN}"] for one in world.services.far.taken)

    await eventually(has, f"{name} leaves", seconds)


async def told(idle: Imap, count: int) -> None:
    """IDLE hears of so many messages."""
    async with asyncio.timeout(POLL_SECONDS + 30):
        while await idle.response() != b"* %d EXISTS\r\n" % count:
            pass


async def nudged(idle: Imap, world: World, to: Person, count: int) -> None:
    """Nudges work: what is delivered is heard of, each time before a poll could have found it."""
    for number in range(3):
        await deliver(world, to, f"nudge{number}")
        async with asyncio.timeout(POLL_SECONDS / 3):
            while await idle.response() != b"* %d EXISTS\r\n" % (count + number + 1):
                pass


async def test_flushed(whole: World) -> None:
    world, ports = whole, whole.services.ports
    world.services.names.lead(DOMAIN, "127.0.0.1")
    [alice] = await asyncio.to_thread(world.people, 1)
    async with Imap(ports["imap"]) as idle:
        await idle.sign_in(alice)
        await idle.ask(b"SELECT INBOX")
        await idle.begin(b"IDLE")
        await nudged(idle, world, alice, 0)
        with Redis.from_url(world.config.redis_url) as redis:
            for number in range(5):
                redis.flushall()
                await submit(world, alice, f"flushed{number}")
                redis.flushall()
                await left(world, f"flushed{number}")
        await nudged(idle, world, alice, 3)


async def test_away_and_back(whole: World) -> None:
    world, ports = whole, whole.services.ports
    world.services.names.lead(DOMAIN, "127.0.0.1")
    alice, bob = await asyncio.to_thread(world.people, 2)
    async with Imap(ports["imap"]) as idle:
        await idle.sign_in(alice)
        await idle.ask(b"SELECT INBOX")
        await idle.begin(b"IDLE")
        await nudged(idle, world, alice, 0)

        await asyncio.to_thread(world.stop, "redis")

        await deliver(world, alice, "meanwhile")
        await submit(world, bob, "meanwhile")
        async with Imap(ports["imap"]) as stranger:
            await stranger.sign_in(bob)
            await stranger.append("INBOX", text("appended"))
        async with Pop3(ports["pop3"]) as pop3:
            await pop3.sign_in(bob)
            assert len(await pop3.lines(b"UIDL")) == 1
            await pop3.ask(b"DELE 1")
            await pop3.ask(b"QUIT")
        for name in ("smtp", "imap", "pop3"):
            assert b'"degraded"' in await asyncio.to_thread(health, world, name)
        await told(idle, 4)  # by the poll

        await world.start("redis")
        # A worker that ended itself over this (tests/faults/test_storm.py, _foreseen) is started anew, as ever.
        await world.start("worker")

        await left(world, "meanwhile")  # by the sweep
        await eventually(lambda: asyncio.to_thread(lambda: b'"ok"' in health(world, "imap")), "nudges are heard")
        await nudged(idle, world, alice, 4)
        await submit(world, bob, "after")
        await left(world, "after")
    await world.healthy()


def health(world: World, name: str) -> bytes:
    """What a balancer is told: 200, or this raises."""
    url = f"http://127.0.0.1:{world.services.ports[name + '_health']}/healthz"
    with urllib.request.urlopen(url, timeout=10) as answer:
        found: bytes = answer.read()
    return found.split(b",")[0]
