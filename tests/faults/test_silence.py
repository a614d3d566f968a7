"""Clients that say nothing, next to nothing, or take nothing: sent away after minutes, with a word and a log line.

It takes as long as the longest limit, and so runs beside the other tests of this folder (`make faults`).
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from tests.conftest import Person
from tests.faults.clients import Client, Imap, Lost, Pop3, Smtp
from tests.faults.conftest import Log, World
from tests.faults.ledger import compose
from tests.faults.test_hostile import MIB, PIPELINED, SERVICES, others_are_served, until_closed


async def silent(client: Client, *asked: bytes) -> bytes:
    """Says this, each line after an answer, and then no more."""
    for line in asked:
        await client.send(line + b"\r\n")
        await client.line()
    return await until_closed(client)


async def dribbling(client: Client, *asked: bytes) -> bytes:
    """The same, and then an octet every few seconds."""
    heard = asyncio.create_task(silent(client, *asked))
    with suppress(Lost):
        while not heard.done():
            await asyncio.sleep(5)
            await client.send(b"x")
    return await heard


async def not_reading(client: Client, *asked: bytes) -> bytes:
    """Asks for much and takes nothing; when it reads again, the connection is gone."""
    for line in asked[:-1]:
        await client.ask(line)  # type: ignore[attr-defined]
    client.stop_reading()
    heard = b""
    with suppress(Lost):
        async with asyncio.timeout(SILENCE):
            await client.send(asked[-1] * PIPELINED)
            while True:
                # One that fits nowhere breaks when the server does.
                await client.send(asked[-1] * PIPELINED)
    return heard


#: Seconds for the longest of the limits (300), and some for the machine.
SILENCE = 360.0

#: Who, what it does, what it says before, the last words that it gets, and what the log tells: event and reason.
SILENT: list[tuple[type[Client], Callable[..., Awaitable[bytes]], tuple[bytes, ...], bytes, tuple[str, str]]] = [
    (Smtp, silent, (), b"421 4.4.2 ", ("client sent away", "silent")),
    (Smtp, dribbling, (), b"421 4.4.2 ", ("client sent away", "silent")),
    (Smtp, silent, (b"MAIL FROM:<>", b"RCPT TO:<%a>", b"DATA"), b"421 4.4.2 ", ("client sent away", "silent")),
    (Smtp, silent, (b"STARTTLS",), b"", ("TLS failed", "")),
    (Smtp, dribbling, (b"STARTTLS",), b"", ("TLS failed", "")),
    (Smtp, not_reading, (b"EHLO x\r\n",), b"", ("client sent away", "takes no replies")),
    (Imap, silent, (), b"* BYE ", ("client sent away", "silent")),
    (Imap, dribbling, (), b"* BYE ", ("client sent away", "silent")),
    (Imap, silent, (b"a LOGIN {10}",), b"* BYE ", ("client sent away", "silent")),
    (Imap, silent, (b"a AUTHENTICATE PLAIN",), b"* BYE ", ("client sent away", "silent")),
    (Imap, silent, (b"a STARTTLS",), b"", ("TLS failed", "")),
    (Imap, dribbling, (b"a STARTTLS",), b"", ("TLS failed", "")),
    (Imap, not_reading, (b"LOGIN %a %p", b"EXAMINE INBOX", b"x FETCH 1 BODY.PEEK[]\r\n"), b"",
     ("client sent away", "takes no answers")),
    (Pop3, silent, (), b"-ERR ", ("client sent away", "silent")),
    (Pop3, dribbling, (), b"-ERR ", ("client sent away", "silent")),
    (Pop3, silent, (b"USER %a",), b"-ERR ", ("client sent away", "silent")),
    (Pop3, silent, (b"AUTH PLAIN",), b"-ERR ", ("client sent away", "silent")),
    (Pop3, silent, (b"STLS",), b"", ("TLS failed", "")),
    (Pop3, dribbling, (b"STLS",), b"", ("TLS failed", "")),
    (Pop3, not_reading, (b"USER %a", b"PASS %p", b"RETR 1\r\n"), b"", ("client sent away", "takes no answers")),
]  # fmt: skip


async def test_the_silent_and_the_slow_are_sent_away(world: World, person: Person) -> None:
    """All of them at once, until the last limit has passed; a half-open connection is as silent as these."""
    async with Imap(world.services.ports["imap"]) as imap:
        await imap.sign_in(person)
        await imap.append("INBOX", compose("large", 30 * MIB))
    logs = {service: Log(world, service) for service in SERVICES}

    async def meet(number: int) -> tuple[int, bytes]:
        kind, behave, asked, _, _ = SILENT[number]
        said = [line.replace(b"%a", person.address.encode()).replace(b"%p", b'"%s"' % person.password.encode()
                if kind is Imap else person.password.encode()) for line in asked]  # fmt: skip
        async with kind(world.services.ports[kind.service], answer_limit=SILENCE) as client:
            return number, await behave(client, *said)

    async with others_are_served(world, person):
        heard = dict(await asyncio.gather(*map(meet, range(len(SILENT)))))
    for number, (kind, behave, asked, words, (event, reason)) in enumerate(SILENT):
        told = (kind.service, behave.__name__, asked, heard[number][-200:])
        if words:
            assert heard[number].splitlines()[-1].startswith(words), told
        else:
            assert not heard[number], told
        await logs[kind.service].tells(event, reason)
