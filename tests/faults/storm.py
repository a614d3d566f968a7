"""Load of every kind, and the hand that kills: what test_storm.py lets loose on the appliance.

Every client goes on until it is told to stop, whatever happens to its connection. A message is sent again only
after a clear refusal.
"""

import asyncio
import itertools
import os
import random
import re
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from http.client import HTTPException

from appliance.supervisor import Child
from mailservices.store.maildrops import LEASE
from tests.conftest import Person
from tests.faults.clients import Client, Imap, Lost, Pop3, Refused, Smtp
from tests.faults.conftest import World
from tests.faults.ledger import COPIES, Fate, Ledger, Sent, name_of

#: Where mail for elsewhere goes.
FAR = ("one.outside.test", "two.outside.test", "three.outside.test")
#: Times that a message is tried again after a clear refusal, and seconds between them.
TRIES = 60
PAUSE = 0.5
#: Seconds for which a dead program stays dead.
DEAD = (0.05, 1.0)

#: What is killed, and how often in comparison: a program itself, or one of its children.
TARGETS = {
    ("smtp", "worker"): 20,
    ("imap", "worker"): 16,
    ("pop3", "worker"): 10,
    ("smtp", "itself"): 6,
    ("imap", "itself"): 5,
    ("pop3", "itself"): 4,
    ("worker", "itself"): 12,
    ("beat", "itself"): 3,
    ("web", "worker"): 5,
    ("web", "itself"): 2,
    ("redis", "itself"): 6,
    ("postgresql", "itself"): 6,
    ("postgresql", "worker"): 14,
}


@dataclass(frozen=True)
class Kill:
    """One process that was killed."""

    program: str
    what: str
    pid: int


@dataclass
class Storm:
    """One run of load and kills."""

    world: World
    dice: random.Random
    ledger: Ledger
    ending: asyncio.Event = field(default_factory=asyncio.Event)
    kills: list[Kill] = field(default_factory=list)
    #: What went well, by kind of client: since the beginning, and since the last kill.
    done: Counter[str] = field(default_factory=Counter)
    lately: Counter[str] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        for domain in FAR:
            self.world.services.names.lead(domain, "127.0.0.1")

    def port(self, name: str) -> int:
        return self.world.services.ports[name]

    def well(self, what: str) -> None:
        self.done[what] += 1
        self.lately[what] += 1

    def refused(self, what: str, refusal: Refused) -> None:
        self.ledger.refusals[f"{what}: {re.sub(r'^t[0-9]+ ', '', str(refusal))}"] += 1

    def size(self) -> int:
        """Most messages are small; some need a spool file and several pieces."""
        kind = self.dice.random()
        if kind < 0.8:
            return self.dice.randrange(300, 20_000)
        if kind < 0.96:
            return self.dice.randrange(20_000, 600_000)
        return self.dice.randrange(1_100_000, 3_300_000)

    # clients that send

    async def send_mail(self, people: Sequence[Person]) -> None:
        """Mail from outside, on port 25."""
        addresses = {one.account_id: one.address for one in people}

        def new() -> Sent:
            to = self.dice.sample(people, self.dice.choice((1, 1, 2)))
            return self.ledger.new(self.size(), "smtp", [one.account_id for one in to])

        async def give(client: Smtp, sent: Sent) -> None:
            await client.send_mail("sender@client.test", [addresses[one] for one in sent.here], sent.text)

        await self._send(lambda: Smtp(self.port("smtp")).__aenter__(), new, give)

    async def submit(self, person: Person, friend: Person) -> None:
        """Mail for elsewhere, some of it for here as well, from somebody who signs in."""

        async def signed_in() -> Smtp:
            client = await Smtp(self.port("submission")).__aenter__()
            return await _or_close(client, client.sign_in(person))

        def new() -> Sent:
            here = self.dice.choice(((), (friend.account_id,)))
            away = [f"{local}@{self.dice.choice(FAR)}" for local in ("ann", "ben")[: self.dice.choice((1, 1, 2))]]
            return self.ledger.new(self.size(), "submission", here, away)

        async def give(client: Smtp, sent: Sent) -> None:
            to = [friend.address] if sent.here else []
            await client.send_mail(person.address, [*to, *sent.away], sent.text)

        await self._send(signed_in, new, give)

    async def append(self, person: Person) -> None:
        """APPEND by a mail program, into a folder that nobody reads and one that somebody does."""

        async def signed_in() -> Imap:
            client = await Imap(self.port("imap")).__aenter__()
            return await _or_close(client, client.sign_in(person))

        async def give(client: Imap, sent: Sent) -> None:
            if self.dice.random() < 0.5:
                sent.place = await client.append("Drafts", sent.text, r"\Seen \Draft")
            else:
                await client.append("INBOX", sent.text)

        await self._send(signed_in, lambda: self.ledger.new(self.size(), "append", [person.account_id]), give)

    async def _send(
        self,
        connect: Callable[[], Awaitable[Client]],
        new: Callable[[], Sent],
        give: Callable[..., Awaitable[None]],
    ) -> None:
        """One message after the other, several over one connection; each until yes, or until nobody knows."""
        client: Client | None = None
        try:
            while not self.ending.is_set():
                sent = new()
                for _ in range(TRIES):
                    client = client or await self._connected(sent.way, connect)
                    if client is None:
                        return
                    await self._try(sent, give(client, sent))
                    if sent.fate is not Fate.ACKNOWLEDGED or self.dice.random() < 0.1:
                        await client.close()
                        client = None
                    if sent.fate is not Fate.REFUSED or self.ending.is_set():
                        break
                    await asyncio.sleep(PAUSE)
                await asyncio.sleep(self.dice.uniform(0, 0.8))
        finally:
            if client is not None:
                await client.close()

    async def _try(self, sent: Sent, giving: Awaitable[None]) -> None:
        sent.fate = Fate.UNCLEAR
        try:
            await giving
        except Refused as refusal:
            sent.fate = Fate.REFUSED
            self.refused(sent.way, refusal)
        except Lost:
            self.broken[sent.way] += 1
        else:
            sent.fate = Fate.ACKNOWLEDGED
            self.well(sent.way)

    async def _connected(self, way: str, connect: Callable[[], Awaitable[Client]]) -> Client | None:
        """A connection, as soon as there is one; None at the end. Nothing has been sent over it."""
        while not self.ending.is_set():
            try:
                return await connect()
            except Refused as refusal:
                self.refused(f"{way}, connecting", refusal)
            except Lost:
                pass
            await asyncio.sleep(PAUSE)
        return None

    # clients that read

    async def read(self, person: Person) -> None:
        """A mail program that looks, waits in IDLE, sets flags, copies and moves messages."""
        while not self.ending.is_set():
            try:
                async with Imap(self.port("imap")) as client:
                    await client.sign_in(person)
                    for _ in range(self.dice.randrange(1, 20)):
                        await self._read_once(client, person.account_id)
                        if self.ending.is_set():
                            break
            except Refused as refusal:
                self.refused("imap", refusal)
            except Lost:
                self.broken["imap"] += 1
            await asyncio.sleep(self.dice.uniform(0, 1))

    async def _read_once(self, client: Imap, account_id: int) -> None:
        folder, other = self.dice.sample(("INBOX", "Archive", "Sent"), 2)
        await client.ask(b"SELECT " + folder.encode())
        found = (await client.ask(b"UID SEARCH ALL"))[0]
        uids = [int(word) for word in found.split()[2:]]
        assert uids == sorted(set(uids)), found
        if uids:
            uid = self.dice.choice(uids)
            flags = self.dice.choice((r"\Seen", r"\Deleted", r"\Flagged kept"))
            await client.ask(f"UID STORE {uid} {self.dice.choice('+-')}FLAGS ({flags})".encode())
            told = await client.ask(f"UID FETCH {uid} (FLAGS ENVELOPE BODY.PEEK[]<0.2000>)".encode())
            if self.dice.random() < 0.4:
                await client.ask(f"UID MOVE {uid} {other}".encode())
            elif len(told) > 1 and self.dice.random() < 0.5:
                await self._copy(client, uid, (account_id, name_of(told[0])))
        await client.idle(self.dice.uniform(0.2, 2))
        self.well("imap")

    async def _copy(self, client: Imap, uid: int, key: tuple[int, str]) -> None:
        self.ledger.perhaps_copied[key] += 1
        try:
            answer = (await client.ask(f"UID COPY {uid} {COPIES}".encode()))[-1]
        except Refused:
            self.ledger.perhaps_copied[key] -= 1
            raise
        self.ledger.perhaps_copied[key] -= 1
        self.ledger.copied[key] += b"COPYUID" in answer

    async def take(self, person: Person) -> None:
        """A POP3 program that takes messages away; never locked out for longer than a lease."""
        locked_out: float | None = None
        while not self.ending.is_set():
            try:
                async with Pop3(self.port("pop3")) as client:
                    await client.sign_in(person)
                    locked_out = None
                    await self._take(client, person.account_id)
            except Refused as refusal:
                self.refused("pop3", refusal)
                if "IN-USE" in str(refusal):
                    locked_out = locked_out or time.monotonic()
                    # What sign-in itself may take comes on top.
                    assert time.monotonic() - locked_out < LEASE.total_seconds() + 30, "locked out for too long"
            except Lost:
                self.broken["pop3"] += 1
            await asyncio.sleep(self.dice.uniform(0.2, 2))

    async def _take(self, client: Pop3, account_id: int) -> None:
        rows = [line.split() for line in await client.lines(b"UIDL")]
        chosen = self.dice.sample(rows, min(len(rows), self.dice.randrange(1, 15)))
        names = set()
        for number, unique_id in chosen:
            text = b"".join(await client.lines(b"RETR " + number))
            names.add((account_id, self.ledger.saw(account_id, text, unique_id)))
            await client.ask(b"DELE " + number)
        self.ledger.perhaps |= names
        await client.ask(b"QUIT")
        self.ledger.removed |= names
        self.well("pop3")

    # and the administrator

    async def administer(self, person: Person) -> None:
        """Aliases made by the API, one after the other."""
        domain = person.address.partition("@")[2]
        for number in itertools.count():
            if self.ending.is_set():
                return
            address = f"alias{number}@{domain}"
            try:
                status, answer = await asyncio.to_thread(
                    self.world.call, "POST", "/api/v1/aliases/", address=address, targets=[person.address]
                )
            except (OSError, HTTPException):
                self.broken["web"] += 1
            else:
                assert status in (201, 503), answer
                if status == 201:
                    self.ledger.aliases.append(address)
                    self.well("web")
            await asyncio.sleep(self.dice.uniform(0.2, 1))

    # the hand that kills, and the one that helps up

    async def kill(self, count: int, seconds: float) -> None:
        """So many processes at random moments."""
        targets, weights = list(TARGETS), list(TARGETS.values())
        while len(self.kills) < count:
            await asyncio.sleep(min(self.dice.expovariate(count / seconds), 5.0))
            program, what = self.dice.choices(targets, weights)[0]
            if not self.world.child(program).running:
                continue
            found = [self.world.pid(program)] if what == "itself" else self.world.workers(program)
            if not found:
                continue
            pid = self.dice.choice(found)
            self.lately.clear()
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
            self.kills.append(Kill(program, what, pid))

    async def keep_alive(self) -> None:
        """Start again what is dead, after a while: until it is cancelled."""
        again_at: dict[str, float] = {}
        while True:
            for child in self.world.services.supervisor.children:
                self._help_up(child, again_at)
            await asyncio.sleep(0.05)

    def _help_up(self, child: Child, again_at: dict[str, float]) -> None:
        name, now = child.program.name, time.monotonic()
        if child.running:
            again_at.pop(name, None)
        elif now >= again_at.setdefault(name, now + self.dice.uniform(*DEAD)):
            child.start()
            again_at.pop(name)

    def tally(self) -> Counter[str]:
        return Counter(f"{kill.program} {kill.what}" for kill in self.kills)


async def _or_close(client: Smtp | Imap, step: Awaitable[object]) -> Smtp | Imap:
    try:
        await step
    except BaseException:
        await client.close()
        raise
    return client
