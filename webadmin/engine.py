"""What the web needs of the engine itself. The only file here that may import its rooms."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from threading import Thread
from typing import Any, Self, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import connection

from mailservices.auth.throttle import Throttle
from mailservices.mail import backoff, headers
from mailservices.mail.address import Address
from mailservices.mail.dkim.sign import Signer
from mailservices.mail.errors import TooManySignIns
from mailservices.mail.mta_sts import Policy
from mailservices.mail.questions import Addresses, Flow, Found
from mailservices.mail.vocabulary import Event
from mailservices.net import directories, sts
from mailservices.net.dns import Resolver
from mailservices.net.limiter import Block, Blocks, Bucket, Limit, Limiter, Meter
from mailservices.smtp.rehearsal import Question, Step
from mailservices.smtp.rehearsal import rehearse as _rehearse
from mailservices.smtp.stages.spf import evaluate
from mailservices.store import bodies, contents
from mailservices.store import undelete as removed
from mailservices.store.appender import Appender
from mailservices.store.delivery import Delivery
from mailservices.store.ids import new_id
from mailservices.store.keys import KeyRing
from mailservices.store.outgoing import Outgoing, OutgoingRecipient
from mailservices.store.pool import Pool, open_pool
from mailservices.store.trace import Row, words

__all__ = [
    "Block",
    "Bodies",
    "Limit",
    "Question",
    "Step",
    "admitted",
    "blocks",
    "body",
    "charge",
    "failed",
    "lift",
    "rehearse",
    "resolve",
    "send",
    "spf",
    "sts_policy",
    "succeeded",
    "undelete",
]

Value = TypeVar("Value")


def _ask(question: Callable[[Pool], Awaitable[Value]]) -> Value:
    """The engine is asynchronous, these pages are not: a loop and a connection of its own for each question."""

    async def ask() -> Value:
        database = dataclasses.replace(settings.CONFIG.database, name=str(connection.settings_dict["NAME"]))
        pool = await open_pool(database, "web", connections=1)
        try:
            return await question(pool)
        finally:
            await pool.close()

    return asyncio.run(ask())


def resolve(flows: Iterable[Flow[Value]]) -> list[Value]:
    """What these flows come to; all are asked at once."""
    flows = list(flows)

    async def ask() -> list[Value]:
        resolver = Resolver(settings.CONFIG)
        return list(await asyncio.gather(*(resolver.answer(flow) for flow in flows)))

    return asyncio.run(ask())


def spf(host: str, domain: str) -> list[tuple[str, str]]:
    """Each address of the host, and whether the domain lets it send: a result of RFC 7208 §2.6."""

    async def ask() -> list[tuple[str, str]]:
        resolver = Resolver(settings.CONFIG)
        found = await resolver.ask(Addresses(host))
        addresses = [str(one) for one in found.records] if isinstance(found, Found) else []
        asked = (evaluate(resolver, one, f"postmaster@{domain}", host) for one in addresses)
        return list(zip(addresses, [str(one) for one in await asyncio.gather(*asked)], strict=True))

    return asyncio.run(ask())


def sts_policy(domain: str) -> tuple[Policy | None, str]:
    """The domain's policy as others fetch it; or None, and why it cannot be had."""
    try:
        found = asyncio.run(sts.fetch(Resolver(settings.CONFIG), domain, settings.CONFIG.remote_https_port))
    except sts.NotFetched as error:
        return None, str(error)
    return found, ""


def key_trouble(recipient: Address) -> str:
    """Why the key of an address cannot be had as others fetch it (WKD); empty: it can."""

    async def ask() -> None:
        await directories.find(Resolver(settings.CONFIG), settings.CONFIG, recipient, datetime.now(UTC))

    try:
        asyncio.run(ask())
    except directories.NotFound as error:
        return str(error)
    return ""


def body(blob_id: UUID, octets: int) -> bytes:
    """So many octets from the beginning of a body. Raises Unavailable."""

    async def read(pool: Pool) -> bytes:
        return b"".join([piece async for piece in bodies.read(pool, blob_id, 0, octets)])

    return _ask(read)


class Bodies:
    """Bodies one after the other, piece by piece, by one connection; to be entered and left by one thread."""

    def __enter__(self) -> Self:
        self._runner = asyncio.Runner()
        database = dataclasses.replace(settings.CONFIG.database, name=str(connection.settings_dict["NAME"]))
        self._pool = self._runner.run(open_pool(database, "web", connections=1))
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.run(self._pool.close())
        self._runner.close()

    def read(self, blob_id: UUID, octets: int) -> Iterator[bytes]:
        """So many octets from the beginning. Raises Unavailable."""
        found = bodies.read(self._pool, blob_id, 0, octets)

        async def further() -> bytes | None:
            return await anext(found, None)

        while (piece := self._runner.run(further())) is not None:
            yield piece


def send(octets: bytes, author: str, recipient: str) -> None:
    """Queue a message of ours from the null sender, signed by its author's domain. Raises Unavailable."""

    async def put(pool: Pool) -> None:
        now, message_id = datetime.now(UTC), new_id()
        header, text = headers.split(octets)
        domain = author.rpartition("@")[2]
        signer = Signer(
            header, await KeyRing(pool, settings.CONFIG.sealing_key).of(domain), domain, int(now.timestamp())
        )
        signer.feed(text)
        content, facts = await contents.prepare(pool, b"", header, text, leaves=True)
        to = OutgoingRecipient(recipient, recipient.rpartition("@")[2])
        outgoing = Outgoing(
            (to,), "", now + backoff.LIFETIME, signer.finish(), header, content.body, message_id,
            smtputf8=not recipient.isascii(), message_id_field=facts.message_id,
        )  # fmt: skip
        found = words(author, recipient, facts.message_id)
        event = Row(
            message_id, Event.QUEUED, "web", None, None, author, recipient, facts.message_id, content.size,
            f"for {to.destination}", words=found,
        )  # fmt: skip
        appender = Appender(pool, lambda *_: None)
        try:
            await appender.deliver(Delivery(outgoing=outgoing, events=(event,)))
        finally:
            await appender.stop()

    _ask(put)


def undelete(account_id: int, mailbox_id: int, contents: Sequence[UUID]) -> int:
    """Put removed messages into a folder; how many there were. Raises NoSuchFolder, MailboxFull, Unavailable."""
    return _ask(lambda pool: removed.restore(pool, account_id, mailbox_id, contents))


def blocks() -> list[Block]:
    """Who is turned away just now. Raises RedisError."""
    engine = Blocks(settings.CONFIG.redis_url)
    try:
        return engine.all()
    finally:
        engine.close()


def lift(block: Block) -> None:
    """Raises RedisError."""
    engine = Blocks(settings.CONFIG.redis_url)
    try:
        engine.lift(block)
    finally:
        engine.close()


def rehearse(question: Question) -> list[Step]:
    """What would become of a message, by the live stages. Raises Unavailable."""
    return _ask(lambda pool: _rehearse(pool, settings.CONFIG, question))


@cache
def _meter() -> Meter:
    return Meter(settings.CONFIG.redis_url)


def charge(limit: Limit, what: str) -> tuple[float, float]:
    """Charge one of something; the level, and the seconds for which it is turned away, or 0. Raises RedisError."""
    state = _meter().charge(Bucket(limit, what))
    return state.level, state.wait


# Signing in: the same limits as the mail servers', so that who guesses here is blocked there. They are asked on a
# loop of their own, which lasts as long as the process: while Redis is away, its buckets are all that there is.


def admitted(peer: str, name: str) -> bool:
    """Whether a password of this name may be tried from there."""
    try:
        _wait(_throttle(settings.CONFIG.redis_url).admit(peer, name))
    except TooManySignIns:
        return False
    return True


def failed(peer: str, name: str) -> None:
    """Count a wrong password."""
    _wait(_throttle(settings.CONFIG.redis_url).failed(peer, name))


def succeeded(peer: str, name: str) -> None:
    """Know the address as hers."""
    _wait(_throttle(settings.CONFIG.redis_url).succeeded(peer, name))


@cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    Thread(target=loop.run_forever, name="engine", daemon=True).start()
    return loop


@cache
def _throttle(redis_url: str) -> Throttle:
    async def make() -> Throttle:
        return Throttle(Limiter(redis_url), "web")

    return _wait(make())


def _wait(question: Coroutine[Any, Any, Value]) -> Value:
    return asyncio.run_coroutine_threadsafe(question, _loop()).result()
