"""What would happen? One message as if it came, by the live stages; nothing of it is kept, counted or sent.

Everything runs on one connection in a transaction that is undone in the end: what a stage writes (greylisting), no
other sees. How often an address may come is not counted: its limits are told, not tried.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import NoReturn, cast

from mailservices.config import Config
from mailservices.mail import address, headers, routing
from mailservices.mail.address import Address
from mailservices.mail.envelope import Envelope, Recipient
from mailservices.mail.errors import MailError, MayNotPost, NotYourAddress, ProtocolError
from mailservices.mail.findings import Finding
from mailservices.mail.policy import NO_CHECKS
from mailservices.mail.vocabulary import Encrypting, Signing
from mailservices.net.dns import Resolver
from mailservices.net.gateway import Gateway
from mailservices.net.limiter import Limiter
from mailservices.net.rates import Rates
from mailservices.smtp import pipeline, ways
from mailservices.smtp.pipeline import Point
from mailservices.smtp.stages.arrival import PASSED, Arrival, Desk, Outcome, Stranger, Verdict
from mailservices.smtp.stages.listings import Listings
from mailservices.store import directory, policy, signin, suppression
from mailservices.store.directory import Route
from mailservices.store.leaving_keys import Wishes
from mailservices.store.pool import Connection, Pool, acquired
from mailservices.store.routing import Rules as Routes
from mailservices.store.tally import Tally

#: In words for people; the rest is the module's name.
NAMES = {
    "iprev": "Reverse DNS", "helo": "Greeting", "dnslists": "DNS lists", "spf": "SPF", "greylist": "Greylisting",
    "limits": "Header limits", "loops": "Mail loop", "signatures": "DKIM and ARC", "dmarc": "DMARC",
    "signed": "S/MIME and OpenPGP",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Question:
    """The message that is asked about."""

    #: An IP address.
    peer: str
    helo: str
    #: Empty: the null sender.
    sender: str
    recipient: str
    size: int = 0
    #: Who has signed in to send it; empty: a stranger on port 25.
    account: str = ""
    #: The whole message, if the checks of its text are to be made: DKIM needs it.
    text: bytes = b""


@dataclass(frozen=True, slots=True)
class Step:
    """What one part of the way says."""

    name: str
    #: accept, junk, later, refuse; note: nothing is decided here.
    outcome: str
    #: Why, and what the client is told.
    words: str = ""
    reply: str = ""
    findings: tuple[Finding, ...] = ()


class _End(Exception):
    """The client is told no: nothing comes after."""


class _One:
    """A pool of one connection, as the store takes it; who wants it waits for whoever has it."""

    def __init__(self, db: Connection) -> None:
        self._db = db
        self._lock = asyncio.Lock()

    async def acquire(self) -> Connection:
        await self._lock.acquire()
        return self._db

    def release(self, _db: Connection) -> None:
        self._lock.release()


@asynccontextmanager
async def undone(pool: Pool) -> AsyncIterator[Pool]:
    """A pool of which nothing stays."""
    async with acquired(pool) as db:
        whole = db.transaction()
        await whole.start()
        try:
            yield cast("Pool", _One(db))
        finally:
            await whole.rollback()


async def rehearse(pool: Pool, config: Config, question: Question) -> list[Step]:
    """Each step in order; the last one says what becomes of it."""
    rates = Rates(Limiter(config.redis_url))
    try:
        async with undone(pool) as one:
            way = _Way(one, config, rates, question)
            with suppress(_End):
                await way.go()
            return way.steps
    finally:
        await rates.close()


class _Way:
    """One message on its way, and what was said so far."""

    def __init__(self, pool: Pool, config: Config, rates: Rates, question: Question) -> None:
        self.pool = pool
        self.config = config
        self.asked = question
        self.steps: list[Step] = []
        self.account_id: int | None = None
        self.desk = Desk(pool, Resolver(config), policy.Policies(pool), Listings(), rates, Gateway(), Tally(pool))

    def say(
        self, name: str, outcome: str, words: str = "", reply: str = "", findings: Sequence[Finding] = ()
    ) -> None:
        self.steps.append(Step(name, outcome, words, reply, tuple(findings)))

    async def go(self) -> None:
        sender, recipient = (
            self._parsed("Sender", self.asked.sender),
            self._parsed("Recipient", self.asked.recipient),
        )
        if recipient is None:
            self._refuse("Recipient", "501 5.1.3", "A recipient is needed.")
        await self._signed_in(sender)
        rules = await self.desk.policies.current()
        self._limits(rules)
        if self.asked.size > self.config.message_bytes:
            self._refuse("Size", "552 5.3.4", f"At most {self.config.message_bytes} octets are taken.")
        route = await self._route(recipient)
        arrival = self._arrival(rules, Envelope(sender, recipients=[Recipient(recipient)]), route)
        await self._policy(arrival, recipient)
        await self._text(arrival)
        await self._private(arrival, route)
        await self._ends(arrival, route)

    def _parsed(self, name: str, text: str) -> Address | None:
        if not text.strip():
            return None
        try:
            return address.parse(text.strip())
        except ProtocolError as error:
            self._refuse(name, "501 5.1.7" if name == "Sender" else "501 5.1.3", str(error))

    def _refuse(self, name: str, reply: str, words: str) -> NoReturn:
        self.say(name, "refuse", words, reply)
        raise _End

    def _fail(self, name: str, error: MailError) -> NoReturn:
        outcome = "later" if error.reply.code < 500 else "refuse"
        reply = f"{error.reply.code} {error.reply.enhanced} {error.reply.text}"
        self.say(name, outcome, error.reason or error.words, reply)
        raise _End

    async def _signed_in(self, sender: Address | None) -> None:
        """RFC 6409: whoever hands mail in signs in, and sends in a name of her own."""
        if not self.asked.account:
            self.say("Connection", "note", f"From {self.asked.peer}, nobody signed in: as on port 25.")
            return
        login = await signin.find_login(signin.logins(self.pool), self.asked.account.strip().lower())
        if login is None or not login.active:
            self._refuse("Sign-in", "535 5.7.8", f"{self.asked.account} is no account that may sign in.")
        self.say("Sign-in", "accept", f"As {self.asked.account}: the checks of strangers are not made.")
        self.account_id = login.account_id
        if sender is not None:
            if not await directory.owners(self.pool).answer((login.account_id, sender)):
                self._fail("Sender", NotYourAddress())
            self.say("Sender", "accept", "It is an address of the account.")

    def _limits(self, rules: policy.Rules) -> None:
        if self.asked.account:
            return
        words = f"{rules.connections_per_minute} connections and {rules.messages_per_minute} messages a minute"
        self.say("Rate", "note", f"{words} are taken from one address; a rehearsal is not counted.")

    async def _route(self, recipient: Address) -> Route:
        try:
            route = await directory.resolve(self.pool, recipient)
        except MailError as error:
            self._fail("Recipient", error)
        if route.restricted and not (
            self.account_id and await directory.may_post(self.pool, route.restricted, self.account_id)
        ):
            self._fail("Recipient", MayNotPost())
        for one in route.remote:
            if one == recipient and not self.asked.account:
                self._refuse(
                    "Recipient", "550 5.7.1", f"{one.domain} is no domain of ours: strangers cannot relay."
                )
        leads = [
            *(f"the mailbox of {box.address}" for box in route.mailboxes),
            *(str(one) for one in route.remote),
        ]
        self.say("Recipient", "accept", f"Leads to {', '.join(leads)}.")
        for box in route.mailboxes:
            if box.quota is not None and self.asked.size > box.quota:
                self._refuse(
                    "Mailbox", "552 5.2.3", f"It is larger than all of the mailbox of {box.address} may hold."
                )
            if box.room is not None and box.room < max(self.asked.size, 1):
                self.say("Mailbox", "later", f"The mailbox of {box.address} is full.", "452 4.2.2")
                raise _End
        return route

    def _arrival(self, rules: policy.Rules, envelope: Envelope, route: Route) -> Arrival:
        author = f"From: {envelope.sender or ''}\r\n\r\n".encode()
        header, body = headers.split(self.asked.text) if self.asked.text else (author, b"")
        trusted = rules.trusts(self.asked.peer)
        if trusted and not self.asked.account:
            self.say("Network", "accept", "A trusted network: the checks of strangers are not made.")
        return Arrival(
            self.desk, Stranger(self.asked.peer), self.config.hostname, rules,
            exempt=bool(self.asked.account) or trusted, helo=self.asked.helo, envelope=envelope,
            routes=[route], header=header, body=body,
        )  # fmt: skip

    async def _policy(self, arrival: Arrival, recipient: Address) -> None:
        """As pipeline.recipient has it, each stage for itself."""
        if arrival.exempt:
            return
        arrival.policy, arrival.recipient = arrival.rules.of(recipient.domain), recipient
        if arrival.policy == NO_CHECKS:
            self.say("Policy", "note", f"The policy of {recipient.domain} asks for no checks.")
            return
        await self._walk(pipeline.FIRST_RECIPIENT, arrival)
        await self._walk(pipeline.EACH_RECIPIENT, arrival)

    async def _text(self, arrival: Arrival) -> None:
        await self._walk(pipeline.ALWAYS, arrival)
        if not arrival.exempt and arrival.policy != NO_CHECKS:
            if not self.asked.text:
                self.say("Message", "note", "Without its text: no signature is looked at, and From is the sender.")
            await self._walk(pipeline.MESSAGE, arrival)

    async def _walk(self, point: Point, arrival: Arrival) -> None:
        """Ask the stages; all of a group, then the worst decides."""
        for group in point:
            worst = PASSED
            for stage in group:
                verdict = await stage(arrival)
                self._told(NAMES.get(name := stage.__module__.rpartition(".")[2], name), verdict)
                arrival.findings += verdict.findings
                if verdict.outcome is Outcome.JUNK:
                    arrival.junk.append(verdict.reason)
                worst = max(worst, verdict, key=lambda one: one.outcome)
            if worst.outcome >= Outcome.LATER:
                raise _End

    def _told(self, name: str, verdict: Verdict) -> None:
        reply = verdict.reply
        said = f"{reply.code} {reply.enhanced} {reply.text}" if verdict.outcome >= Outcome.LATER else ""
        self.say(name, verdict.outcome.name.lower(), verdict.reason, said, verdict.findings)

    async def _private(self, arrival: Arrival, route: Route) -> None:
        """As outgoing_privacy has it; directories elsewhere are not asked."""
        if self.account_id is None or arrival.envelope is None:
            return
        wishes = await Wishes(self.pool).of(self.account_id)
        if wishes.sign == Signing.OFF and wishes.encrypt == Encrypting.NEVER:
            return
        desk = ways.Desk(self.pool, self.config.sealing_key, self.account_id, self.asked.account.strip().lower())
        try:
            author = await ways.author(desk, wishes, arrival.header, arrival.body)
            readers = await ways.readers(desk, arrival.envelope, [route], arrival.header, author)
        except MailError as error:
            self._fail("Private mail", error)
        kind = readers[0].kind if readers else ""
        words = ways.words(kind, author.signing(kind))
        self.say(
            "Private mail", "note", f"It leaves {words}." if words else "It leaves as it is: keys are lacking."
        )

    async def _ends(self, arrival: Arrival, route: Route) -> None:
        folder = "Junk" if arrival.junk else "INBOX"
        for box in route.mailboxes:
            self.say("Delivery", "junk" if arrival.junk else "accept", f"Into {folder} of {box.address}.")
        sender = str(arrival.envelope.sender) if arrival.envelope and arrival.envelope.sender else ""
        suppressed = (
            await suppression.suppressed(self.pool, [str(one) for one in route.remote]) if route.remote else {}
        )
        rules = await Routes(self.pool, self.config.sealing_key).current()
        for one in route.remote:
            if (why := suppressed.get(str(one).lower())) is not None:
                self.say("Delivery", "refuse", f"Nothing is sent to {one}, which is suppressed: {why}")
                continue
            rule = routing.holding(rules, None, sender, one.domain)
            self.say("Delivery", "accept", " ".join(_way_out(rule, one)))


def _way_out(rule: routing.Rule, to: Address) -> Iterator[str]:
    yield f"Queued for {to},"
    yield f"by {rule.host}" if rule.host else f"by the hosts that the DNS names for {to.domain}"
    if rule.rule_id:
        yield f"(a route of yours, TLS {rule.tls})"
