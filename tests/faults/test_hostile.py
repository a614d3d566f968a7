"""Clients that mean no good: whatever they send or do not take, memory is bounded, the last words are clear, the
log has a line, the connection is closed, and other clients are served meanwhile.
"""

import asyncio
import resource
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mailservices.imap.connection import MORE_OCTETS
from tests.conftest import Person
from tests.faults.clients import Client, Imap, Lost, Pop3, Smtp, until_closed
from tests.faults.conftest import Log, World, others_are_served
from tests.faults.ledger import compose

MIB = 2**20
SERVICES = ("smtp", "imap", "pop3")
#: What a process may grow by, whatever one client does: buffers of a megabyte or two and what the allocator keeps.
GROWTH = 40 * MIB


@dataclass
class Memory:
    """How much memory the workers of one service have used at most, since they were asked to forget the past."""

    world: World
    service: str
    before: dict[int, int] = field(default_factory=dict)

    def forget(self) -> None:
        for pid in self.world.workers(self.service):
            Path(f"/proc/{pid}/clear_refs").write_text("5")  # proc(5): resets the high-water mark
            self.before[pid] = _status(pid, "VmHWM")

    def most(self) -> int:
        return max(_status(pid, "VmHWM") for pid in self.before)

    def growth(self) -> int:
        return max(_status(pid, "VmHWM") - before for pid, before in self.before.items())


def _status(pid: int, name: str) -> int:
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.split(f"{name}:")[1].split()[0]) * 1024


@contextmanager
def memory(world: World, service: str, growth: int = GROWTH) -> Iterator[Memory]:
    """Meanwhile, no worker of the service may grow by more, or end."""
    pids = world.workers(service)
    watched = Memory(world, service)
    watched.forget()
    yield watched
    print(f"{service}: grew by {watched.growth() / MIB:.1f} MiB to {watched.most() / MIB:.1f} MiB at most")
    assert world.workers(service) == pids, "no worker ended"
    assert watched.growth() < growth


async def shout(client: Client, pieces: Iterator[bytes], most: int) -> bytes:
    """Send all of it, whatever is answered; everything that was answered until the server closed."""
    heard = asyncio.create_task(until_closed(client))
    sent = 0
    with suppress(Lost):
        for piece in pieces:
            await client.send(piece)
            sent += len(piece)
            await asyncio.sleep(0)
            if sent > most:
                break
    assert sent <= most, "the server listens for ever"
    return await heard


def for_ever(octets: bytes) -> Iterator[bytes]:
    while True:
        yield octets


CLIENTS: dict[str, type[Client]] = {"smtp": Smtp, "imap": Imap, "pop3": Pop3}
#: The last words of each protocol to a client that is sent away.
LAST_WORDS = {"smtp": (b"421 ", b"500 5.5.2", b"552 5.3.4"), "imap": (b"* BYE ",), "pop3": (b"-ERR ",)}

GARBAGE = {
    "binary": bytes(range(256)) * 4 + b"\r\n",
    "a TLS greeting": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00\x0a" * 200 + b"\r\n",
    "empty lines": b"\r\n" * 100,
    "NUL": b"\0" * 500 + b"\r\n",
    "unknown commands": b"tag NONSENSE with words\r\n" * 10,
}


@pytest.mark.parametrize("garbage", GARBAGE)
@pytest.mark.parametrize("service", SERVICES)
async def test_garbage(world: World, person: Person, service: str, garbage: str) -> None:
    log = Log(world, service)
    with memory(world, service):
        async with others_are_served(world, person), CLIENTS[service](world.services.ports[service]) as client:
            heard = await shout(client, for_ever(GARBAGE[garbage]), 64 * MIB)
    assert heard.splitlines()[-1].startswith(LAST_WORDS[service]), heard[-500:]
    await log.tells("client sent away", "too many errors")


@pytest.mark.parametrize("octets", [b"A" * 65_536, b"\0" * 65_536, b"a " * 32_768])
@pytest.mark.parametrize("service", SERVICES)
async def test_a_line_without_end(world: World, person: Person, service: str, octets: bytes) -> None:
    log = Log(world, service)
    with memory(world, service):
        async with others_are_served(world, person), CLIENTS[service](world.services.ports[service]) as client:
            heard = await shout(client, for_ever(octets), 64 * MIB)
    assert heard.splitlines()[-1].startswith(LAST_WORDS[service]), heard[-500:]
    await log.tells("client sent away", "endless line")


@pytest.mark.parametrize(
    ("octets", "words"),
    [
        (b"X-Header: and another one, for ever and ever\r\n" * 1500, b"552 5.3.4 Message header is too large"),
        (b"X-Header: one that is folded\r\n" + b" for ever and ever\r\n" * 3000, b"552 5.3.4 Message header is"),
        (b"\r\n" + b"a body that has no end\r\n" * 3000, b"552 5.3.4 Message is too large"),
        (b"\r\n" + b"x" * 65_536, b"552 5.3.4 Message is too large"),
    ],
)
async def test_a_message_without_end(world: World, person: Person, octets: bytes, words: bytes) -> None:
    """It is read for a while, since its sender listens only afterwards, but not for ever."""
    log = Log(world, "smtp")
    with memory(world, "smtp"):
        async with others_are_served(world, person), Smtp(world.services.ports["smtp"]) as client:
            await client.ask(b"MAIL FROM:<a@b.test>")
            await client.ask(f"RCPT TO:<{person.address}>".encode())
            await client.ask(b"DATA", b"354")
            heard = await shout(client, for_ever(octets), 512 * MIB)
    assert heard.splitlines()[-1].startswith(words), heard[-500:]
    await log.tells("client sent away", "endless message")


@pytest.mark.parametrize("command", [b"LOGIN {%d+}", b"APPEND INBOX {%d+}", b"SELECT {%d+}", b"SEARCH TEXT {%d+}"])
@pytest.mark.parametrize("signed_in", [False, True])
async def test_a_literal_without_end(world: World, person: Person, command: bytes, signed_in: bool) -> None:
    log = Log(world, "imap")
    with memory(world, "imap"):
        async with others_are_served(world, person), Imap(world.services.ports["imap"]) as client:
            if signed_in:
                await client.sign_in(person)
            await client.send(b"a " + command % 999_999_999_999 + b"\r\n")
            heard = await shout(client, for_ever(b"x" * 65_536), 64 * MIB)
    told, last = heard.splitlines()[-2:]
    assert told.startswith(b"a NO "), heard[-500:]
    assert last.startswith(b"* BYE "), heard[-500:]
    await log.tells("client sent away", "endless literal")


@pytest.mark.parametrize(("octets", "reason"), [(1000, "endless line"), (10, "too many errors")])
async def test_literals_without_end(world: World, person: Person, octets: int, reason: str) -> None:
    """Small ones, one after the other, and none that would be refused by itself."""
    log = Log(world, "imap")
    with memory(world, "imap"):
        async with others_are_served(world, person), Imap(world.services.ports["imap"]) as client:
            await client.send(b"a LOGIN ")
            heard = await shout(client, for_ever(b"{%d+}\r\n" % octets + b"x" * octets), 64 * MIB)
    assert heard.splitlines()[-1].startswith(b"* BYE "), heard[-500:]
    await log.tells("client sent away", reason)


async def test_a_literal_too_large_ends_only_its_command(world: World, person: Person) -> None:
    """RFC 7888 §4: what was refused and comes all the same is read past, as far as that is no endless one."""
    async with Imap(world.services.ports["imap"]) as client:
        await client.sign_in(person)
        size = world.config.message_bytes + 1
        await client.send(b"a APPEND INBOX {%d+}\r\n" % size)
        for _ in range(size // 65_536):
            await client.send(b"x" * 65_536)
        await client.send(b"x" * (size % 65_536) + b"\r\n")
        assert (await client.line()).startswith(b"a NO [TOOBIG]")
        await client.ask(b"NOOP")


async def test_the_messages_of_one_command_have_a_limit_together(world: World, person: Person) -> None:
    """RFC 3502: all of them are held until the last has come; the next command begins anew."""
    size = MORE_OCTETS * 2 // 3
    async with Imap(world.services.ports["imap"]) as client:
        await client.sign_in(person)
        await client.send(b"a APPEND INBOX {5+}\r\nA: b\n {%d+}\r\n" % size + b"x" * size + b" {%d}\r\n" % size)
        assert (await client.line()).startswith(b"a NO [TOOBIG]")
        await client.send(b"b APPEND INBOX {5+}\r\nA: b\n {%d}\r\n" % size)
        assert (await client.line()).startswith(b"+ ")


# clients that do not take what they asked for

#: Clients at once, and what one may cost: a batch of the store that is being sent and one that is read ahead
#: (BATCH_OCTETS of store/fetch.py, packed and unpacked), and what its socket holds.
GREEDY = 20
GREEDY_OCTETS = 8 * MIB
#: The same command, so often that all answers would fill any memory.
PIPELINED = 20_000

IMAP_COMMANDS = {
    "a 30 MB message": b"x FETCH 1 BODY.PEEK[]\r\n",
    "a part of it": b"x FETCH 1 BODY.PEEK[1]\r\n",
    "messages of 60 KB": b"x FETCH 2:* BODY.PEEK[]\r\n",
    "headers": b"x FETCH 2:* (ENVELOPE BODYSTRUCTURE BODY.PEEK[HEADER])\r\n",
    "numbers": b"x SEARCH ALL\r\n",
    "capabilities": b"x CAPABILITY\r\n",
    "folders": b'x LIST "" *\r\n',
}
POP3_COMMANDS = {
    "a 30 MB message": b"RETR 1\r\n",
    "a message of 60 KB": b"RETR 2\r\n",
    "its top": b"TOP 2 100000\r\n",
    "numbers": b"UIDL\r\n",
    "capabilities": b"CAPA\r\n",
}


@pytest.fixture(scope="module")
async def rich(world: World) -> Person:
    """Somebody with a message of 30 MB and thousands of small ones."""
    [made] = await asyncio.to_thread(world.people, 1)
    async with Imap(world.services.ports["imap"]) as client:
        await client.sign_in(made)
        await client.append("INBOX", compose("large", 30 * MIB))
        await client.append("INBOX", compose("small", 60_000))
        await client.ask(b"SELECT INBOX")
        for _ in range(12):
            await client.ask(b"COPY 2:* INBOX")
            await client.ask(b"NOOP")
    return made


@asynccontextmanager
async def greedy(clients: Sequence[Client], command: bytes) -> AsyncIterator[None]:
    """All of them ask for much, and read nothing."""

    async def ask(client: Client) -> None:
        # The server leaves what it is not ready for in the socket, until nothing fits any more.
        with suppress(TimeoutError):
            async with asyncio.timeout(3):
                await client.send(command * PIPELINED)

    for client in clients:
        client.stop_reading()
    await asyncio.gather(*map(ask, clients))
    yield


async def _opened(stack: AsyncExitStack, kind: type[Client], world: World, person: Person | None) -> list[Client]:
    clients: list[Client] = []
    for _ in range(GREEDY):
        client = await stack.enter_async_context(kind(world.services.ports[kind.service]))
        if isinstance(client, Imap) and person:
            await client.sign_in(person)
            await client.ask(b"EXAMINE INBOX")
        clients.append(client)
    return clients


@pytest.mark.parametrize("what", IMAP_COMMANDS)
async def test_answers_that_nobody_takes_by_imap(world: World, person: Person, rich: Person, what: str) -> None:
    async with AsyncExitStack() as stack:
        clients = await _opened(stack, Imap, world, rich)
        with memory(world, "imap", GREEDY * GREEDY_OCTETS):
            async with others_are_served(world, person), greedy(clients, IMAP_COMMANDS[what]):
                await asyncio.sleep(4)


@pytest.mark.parametrize("what", POP3_COMMANDS)
async def test_answers_that_nobody_takes_by_pop3(world: World, person: Person, what: str) -> None:
    """A maildrop has one client only: each has one of its own."""
    people = await asyncio.to_thread(world.people, GREEDY)
    async with AsyncExitStack() as stack:
        clients: list[Client] = []
        for one in people:
            async with Imap(world.services.ports["imap"]) as imap:
                await imap.sign_in(one)
                await imap.append("INBOX", compose("large", 30 * MIB if what == "a 30 MB message" else 2 * MIB))
                await imap.append("INBOX", compose("small", 60_000))
            client = await stack.enter_async_context(Pop3(world.services.ports["pop3"]))
            await client.sign_in(one)
            clients.append(client)
        with memory(world, "pop3", GREEDY * GREEDY_OCTETS):
            async with others_are_served(world, person), greedy(clients, POP3_COMMANDS[what]):
                await asyncio.sleep(4)


async def test_answers_that_nobody_takes_by_smtp(world: World, person: Person) -> None:
    async with AsyncExitStack() as stack:
        clients = await _opened(stack, Smtp, world, None)
        with memory(world, "smtp", GREEDY * GREEDY_OCTETS):
            async with others_are_served(world, person), greedy(clients, b"EHLO x\r\n"):
                await asyncio.sleep(4)


# many at once

#: Clients of one service at once: more than a process is given files for (conftest.py, OPEN_FILES).
CROWD = 3000
#: What one costs that only stays: its connection, its session and its task, in Python's objects.
GUEST_OCTETS = 48 * 1024


@pytest.mark.parametrize("service", SERVICES)
async def test_thousands_at_once(world: World, person: Person, service: str) -> None:
    kind, (soft, hard) = CLIENTS[service], resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        with memory(world, service, CROWD * GUEST_OCTETS):
            async with AsyncExitStack() as stack, others_are_served(world, person):
                some = (stack.enter_async_context(kind(world.services.ports[service])) for _ in range(CROWD))
                assert len(await asyncio.gather(*some)) == CROWD, "each was greeted"
        async with others_are_served(world, person):
            await asyncio.sleep(1)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_fifty_messages_of_30_mb_at_once(world: World, person: Person) -> None:
    """RSS of a worker stays under 300 MB: bodies lie in files, and pass through memory a piece at a time."""
    people = await asyncio.to_thread(world.people, 5)
    text = compose("thirty", 30 * MIB)

    async def send(to: Person) -> None:
        async with Smtp(world.services.ports["smtp"], answer_limit=300.0) as client:
            await client.send_mail("a@b.test", [to.address], text)

    with memory(world, "smtp", 300 * MIB) as watched:
        async with others_are_served(world, person):
            await asyncio.gather(*(send(people[number % 5]) for number in range(50)))
        assert watched.most() < 300_000_000
    for one in people:
        async with Imap(world.services.ports["imap"]) as client:
            await client.sign_in(one)
            assert b"* 10 EXISTS\r\n" in await client.ask(b"EXAMINE INBOX")
