"""Clients that say nothing, next to nothing, or take nothing: sent away after minutes, with a word and a log line.

It takes as long as the longest limit, and so runs beside the other tests of this folder (`make faults`).
"""

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from tests.conftest import Person
from tests.faults.clients import Client, Imap, Lost, Pop3, Smtp, until_closed
from tests.faults.conftest import Log, World, others_are_served
from tests.faults.ledger import compose


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
    """Asks for much and takes nothing, until the connection is gone."""
    for line in asked[:-1]:
        await client.send(line + b"\r\n")
        await client.line()
    client.stop_reading()
    with suppress(Lost):
        while True:
            # One that fits nowhere waits, and breaks when the server breaks with us.
            await client.send(asked[-1] * PIPELINED)
    return b""


#: The same command, so often that all answers would fill any memory.
PIPELINED = 20_000
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
    (Imap, not_reading, (b'a LOGIN %a "%p"', b"b EXAMINE INBOX", b"x FETCH 1 BODY.PEEK[]\r\n"), b"",
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
        await imap.append("INBOX", compose("large", 30 * 2**20))
    logs = {kind.service: Log(world, kind.service) for kind in (Smtp, Imap, Pop3)}

    async def meet(kind: type[Client], behave: Callable[..., Awaitable[bytes]], asked: Sequence[bytes]) -> bytes:
        names = {b"%a": person.address.encode(), b"%p": person.password.encode()}
        said = [re.sub(rb"%[ap]", lambda name: names[name[0]], line) for line in asked]
        async with kind(world.services.ports[kind.service], answer_limit=SILENCE) as client:
            return await behave(client, *said)

    async with others_are_served(world, person):
        heard = await asyncio.gather(*(meet(kind, behave, asked) for kind, behave, asked, _, _ in SILENT))
    for (kind, behave, asked, words, _), octets in zip(SILENT, heard, strict=True):
        last = octets.splitlines()[-1] if octets else b""
        assert last.startswith(words) if words else not octets, (
            kind.service,
            behave.__name__,
            asked,
            octets[-200:],
        )
    for (service, event, reason), times in Counter((kind.service, *told) for kind, *_, told in SILENT).items():
        await logs[service].tells(event, reason, times)
