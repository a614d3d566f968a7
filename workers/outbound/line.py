"""The way to one destination: its hosts, the connection to one of them, and what each try came to."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from enum import Enum, auto

from mailservices.mail import headers, route
from mailservices.mail.mta_sts import Mode
from mailservices.mail.route import Hop, NoRoute
from mailservices.mail.routing import Rule, Source, TlsMode
from mailservices.protocols.smtp.parameters import encode_xtext
from mailservices.store import bodies, sources
from mailservices.store.queue import QueuedMessage, QueuedRecipient
from workers.engine import Engine
from workers.outbound.client import NO_TLS, Client, Way
from workers.outbound.commands import Destination, Parameters
from workers.outbound.conversation import HostFailed, TlsFailed
from workers.outbound.security import (
    OPPORTUNISTIC,
    REQUIRETLS,
    STS_ENFORCED,
    STS_TESTING,
    WAIVED,
    Need,
    Security,
    dane,
    of_mode,
)
from workers.outbound.sessions import NO_POLICY, Sessions, under_dane, under_sts
from workers.outbound.settle import Outcome

_NO_SOURCE = "No address of the pool that reaches this host may send more today"
#: RFC 8314 §7.3: TLS from the first octet.
SUBMISSIONS_PORT = 465


class Wish(Enum):
    """What a message's sender says of TLS on its way."""

    #: RFC 8689 §4: no host without it.
    REQUIRED = auto()
    USUAL = auto()
    #: RFC 8689 §5: rather in plain text than not at all, whatever the recipient's domain demands.
    WAIVED = auto()


def wish_of(message: QueuedMessage) -> Wish:
    """A report of a private message is sent in any case; REQUIRETLS makes the field void (RFC 8689 §5)."""
    if message.require_tls:
        return Wish.REQUIRED if message.sender else Wish.USUAL
    said = [headers.unfold(value) for name, value in headers.fields(message.header) if name == b"tls-required"]
    return Wish.WAIVED if [word.lower() for word in said] == [b"no"] else Wish.USUAL


class Line:
    """The way to one destination under one rule: its hosts, and connections to them while they are good."""

    def __init__(self, engine: Engine, destination: str, rule: Rule) -> None:
        self._engine = engine
        self._destination = destination
        self._rule = rule
        config = engine.config
        self._way = Way(
            rule.port or (SUBMISSIONS_PORT if rule.tls is TlsMode.IMPLICIT else config.remote_smtp_port),
            rule.helo or config.hostname, rule.source4, rule.source6, rule.username, rule.secret, rule.mechanism,
        )  # fmt: skip
        self._clients: dict[Wish, Client] = {}
        chosen = bool(rule.host) or of_mode(rule.tls) is not None
        self._sessions = {
            wish: Sessions(engine, destination, counted=wish is Wish.USUAL and not chosen) for wish in Wish
        }
        #: Of which address of the pool each connection is; and those that may send no more today.
        self._from: dict[Client, Source] = {}
        self._exhausted: set[Source] = set()

    async def close(self) -> None:
        clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            await client.quit()

    def drop(self, *wishes: Wish) -> None:
        """The connections for these wishes, or all of them, are of no use any more."""
        for wish in wishes or Wish:
            if client := self._clients.pop(wish, None):
                client.abort()
                self._from.pop(client, None)

    async def send(self, message: QueuedMessage, recipients: Sequence[QueuedRecipient]) -> list[Outcome]:
        """One outcome for each recipient; as many of them at once as the host takes (RFC 9422 §4.2)."""
        outcomes: list[Outcome] = []
        while left := recipients[len(outcomes) :]:
            outcomes += await self._send(message, left)
        return outcomes

    async def _send(self, message: QueuedMessage, recipients: Sequence[QueuedRecipient]) -> list[Outcome]:
        """One outcome for each, or for the first of them where the host does not take so many."""
        wish = wish_of(message)
        await self._leave_spent(wish)
        reused = wish in self._clients
        try:
            client = self._clients.get(wish) or await self._connect(wish)
            portion = recipients[: client.limits.recipients or None]
            try:
                return await self._in_rounds(client, message, portion)
            except HostFailed as error:
                self.drop(wish)
                # A kept connection may have been closed meanwhile: that says nothing of the host.
                if not reused or error.stage not in ("rset", "mail"):
                    return [_broken(error, client.hop, client.security)] * len(portion)
                await self._give_back(client)
            client = await self._connect(wish)
            portion = recipients[: client.limits.recipients or None]
            try:
                return await self._in_rounds(client, message, portion)
            except HostFailed as error:
                self.drop(wish)
                return [_broken(error, client.hop, client.security)] * len(portion)
        except NoRoute as error:
            return [Outcome("dns", 0, error.enhanced, error.words)] * len(recipients)
        except _NobodyAnswers as error:
            return [error.outcome] * len(recipients)

    async def _leave_spent(self, wish: Wish) -> None:
        """A connection on which the host takes no more, or from an address that may send no more, is of no use."""
        client = self._clients.get(wish)
        if client and (client.spent or not await self._may_send(self._from.get(client))):
            del self._clients[wish]
            await client.quit()

    async def _may_send(self, source: Source | None) -> bool:
        """Whether one message more may leave from this address today; it is counted."""
        limit = source.limit(datetime.now(UTC).date()) if source else 0
        if source is None or not limit:
            return True
        if source not in self._exhausted and await sources.take(self._engine.pool, source.source_id, limit):
            return True
        self._exhausted.add(source)
        return False

    async def _give_back(self, client: Client) -> None:
        source = self._from.get(client)
        if source and source.limit(datetime.now(UTC).date()):
            await sources.give_back(self._engine.pool, source.source_id)

    async def _connect(self, wish: Wish) -> Client:
        """A connection to the first host that takes one.

        Raises:
            NoRoute, _NobodyAnswers
        """
        failed: list[Outcome] = []
        for hop in await self._hops():
            security = OPPORTUNISTIC
            source = await self._source(hop)
            if source is None and self._rule.pooled:
                failed.append(Outcome("source", 0, "4.7.0", _NO_SOURCE, hop.host, hop.address))
                continue
            try:
                security = await self._security(hop, wish)
                client = self._clients[wish] = await self._open(hop, security, wish, self._way_from(source))
            except HostFailed as error:
                if isinstance(error, TlsFailed) and error.stage == "dns":
                    self._sessions[wish].note(hop, error)
                failed.append(_not_private(error, hop) if wish is Wish.REQUIRED else _broken(error, hop, security))
                if source and source.limit(datetime.now(UTC).date()):
                    await sources.give_back(self._engine.pool, source.source_id)
            else:
                if source:
                    self._from[client] = source
                return client
        if not failed:
            raise NoRoute("4.4.4", f"No host that takes mail for {self._destination} is known.")
        # What may succeed later is tried again.
        raise _NobodyAnswers(next((one for one in reversed(failed) if not one.permanent), failed[-1]))

    async def _source(self, hop: Hop) -> Source | None:
        """The first address of the pool, if there is one, that reaches this host and may send today."""
        for source in self._rule.sources:
            if source.reaches(hop.address) and await self._may_send(source):
                return source
        return None

    def _way_from(self, source: Source | None) -> Way:
        if source is None:
            return self._way
        way = replace(self._way, own_name=source.helo or self._way.own_name)
        if ":" in source.address:
            return replace(way, source6=source.address)
        return replace(way, source4=source.address)

    async def _hops(self) -> list[Hop]:
        config, resolver = self._engine.config, self._engine.resolver
        if self._rule.host:
            return await resolver.answer(route.reach(self._rule.host, loopback=resolver.loopback))
        return await resolver.answer(route.find(self._destination, config.hostname, loopback=resolver.loopback))

    async def _security(self, hop: Hop, wish: Wish) -> Security:
        """What the connection to a host has to be.

        Raises:
            TlsFailed: it cannot be that.
        """
        found = of_mode(self._rule.tls)
        if found is None:
            found = WAIVED if wish is Wish.WAIVED else await self._demanded(hop, self._sessions[wish])
        if wish is not Wish.REQUIRED or (found.need is Need.VERIFIED and not found.tolerant):
            return found
        if not hop.secure:
            raise TlsFailed(
                "dns", "Nobody vouches for the name of the host: no signed MX record, no MTA-STS policy"
            )
        return REQUIRETLS

    async def _demanded(self, hop: Hop, sessions: Sessions) -> Security:
        """What the destination's domain wants. RFC 8461 §2: DANE comes first."""
        sessions.policy = under_dane(())
        try:
            found = await self._engine.resolver.answer(route.tlsa(hop, self._way.port))
        except NoRoute as error:
            raise TlsFailed("dns", error.words, policy="dane") from error
        if found is not None:
            base, records = found
            sessions.policy = under_dane(records)
            return dane(records, base, self._destination)
        policy = None if self._rule.host else await self._engine.sts.of(self._destination)
        sessions.policy = under_sts(policy) if policy else NO_POLICY
        if policy is None:
            return OPPORTUNISTIC
        if policy.names(hop.host):
            return STS_ENFORCED if policy.mode is Mode.ENFORCE else STS_TESTING
        unnamed = TlsFailed("dns", f"{hop.host} is no host of the domain's MTA-STS policy", policy="mta-sts")
        if policy.mode is Mode.ENFORCE:
            raise unnamed
        sessions.note(hop, unnamed)
        return replace(OPPORTUNISTIC, noted=STS_TESTING.failed)

    async def _open(self, hop: Hop, security: Security, wish: Wish, way: Way) -> Client:
        try:
            client = await Client.open(hop, way, security)
            if not security.noted:
                self._sessions[wish].note(
                    hop, None if client.tls else TlsFailed("starttls", NO_TLS, unoffered=True)
                )
        except TlsFailed as error:
            if not security.noted:
                self._sessions[wish].note(hop, error)
            if security.tolerant:
                return await self._open(hop, replace(OPPORTUNISTIC, noted=security.failed), wish, way)
            if security.need is not Need.MAY:
                raise
            # RFC 7435 §3: opportunistic; plain text is no worse than what a host without TLS gets.
            return await Client.open(hop, way, replace(security, need=Need.NONE))
        if wish is Wish.REQUIRED and "REQUIRETLS" not in client.features:
            await client.quit()
            raise NotPrivate("helo", "The host does not promise to demand TLS of others (REQUIRETLS)")
        return client

    async def _in_rounds(
        self, client: Client, message: QueuedMessage, recipients: Sequence[QueuedRecipient]
    ) -> list[Outcome]:
        """RFC 5321 §4.5.3.1.10: those whom the host did not take for their number follow at once."""
        outcomes = dict(zip(recipients, await self._transact(client, message, recipients), strict=True))
        taken = any(one.taken for one in outcomes.values())
        while taken and not client.spent and (left := [one for one in recipients if outcomes[one].too_many]):
            try:
                more = await self._transact(client, message, left)
            except HostFailed as error:
                self.drop()
                more = [_broken(error, client.hop, client.security)] * len(left)
            outcomes.update(zip(left, more, strict=True))
            taken = any(one.taken for one in more)
        return [outcomes[one] for one in recipients]

    async def _transact(
        self, client: Client, message: QueuedMessage, recipients: Sequence[QueuedRecipient]
    ) -> list[Outcome]:
        refusal = _cannot(client, message, recipients) or await self._needs_eightbit(client, message)
        if refusal is not None:
            return [refusal] * len(recipients)
        by = None
        if message.deliver_by:
            # RFC 2852 §4.1.4: what is left now; negative where the time is over and only notice was asked for.
            left = (message.deliver_by - datetime.now(UTC)).total_seconds()
            by = int(left), message.by_mode
        parameters = Parameters(
            message.sender, message.size, message.eightbit, message.smtputf8, message.ret,
            encode_xtext(message.envid), message.priority, message.require_tls, by,
        )  # fmt: skip
        told = message.by_mode.startswith("N") and "DELIVERBY" not in client.features
        destinations = [destination_of(one, late_is_told=told) for one in recipients]
        answers = await client.send(parameters, destinations, self._text(message))
        return [
            Outcome(
                answer.stage, answer.reply.code, answer.reply.enhanced or _status(answer.reply.code),
                answer.reply.text, client.hop.host, client.hop.address, client.tls, "DSN" in client.features,
                "DELIVERBY" in client.features, client.verdict,
            )
            for answer in answers
        ]  # fmt: skip

    async def _needs_eightbit(self, client: Client, message: QueuedMessage) -> Outcome | None:
        """RFC 6152 §3: what has 8-bit octets is returned where the host takes none. We never rewrite a text.

        Many programs say 8BITMIME of any text: one without such octets may go anywhere.
        """
        if not message.eightbit or "8BITMIME" in client.features:
            return None
        async for piece in self._text(message):
            if not piece.isascii():
                words = f"{client.hop.host} takes no 8-bit text"
                return Outcome("mail", 0, "5.6.3", words, client.hop.host, client.hop.address)
        return None

    async def _text(self, message: QueuedMessage) -> AsyncIterator[bytes]:
        if message.body_size <= bodies.THREAD_OCTETS:
            yield message.prefix + message.header + await self._engine.smalls.answer(message.blob_id)
            return
        yield message.prefix + message.header
        async for piece in bodies.read(self._engine.pool, message.blob_id, 0, message.body_size):
            yield piece


class NotPrivate(HostFailed):
    """The host does not know REQUIRETLS."""


class _NobodyAnswers(Exception):
    """All hosts were tried."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        super().__init__(outcome.text)


def _broken(error: HostFailed, hop: Hop, security: Security) -> Outcome:
    """A connection that failed: temporary, whatever the host said, for others may take the mail later."""
    reply = error.reply
    code = reply.code if reply is not None and not reply.permanent else 0
    said = f"{reply.code} {reply.text}" if reply is not None and reply.permanent else error.words
    enhanced, verdict = ("4.4.1" if error.stage == "connect" else "4.4.2"), ""
    if isinstance(error, TlsFailed):
        # RFC 3463 §3.8: 4.7.5, cryptographic failure.
        enhanced, verdict = "4.7.5", f"{error.policy or security.policy}: failed"
    return Outcome(error.stage, code, enhanced, said, hop.host, hop.address, verdict=verdict)


def _cannot(client: Client, message: QueuedMessage, recipients: Sequence[QueuedRecipient]) -> Outcome | None:
    """What the host's features rule out, without asking it."""
    features, hop = client.features, client.hop
    limit = features.get("SIZE", "")
    if limit.isdigit() and 0 < int(limit) < message.size:
        # RFC 1870 §6.1
        words = f"The message has {message.size} octets; {hop.host} takes {limit} at most"
        return Outcome("mail", 0, "5.3.4", words, hop.host, hop.address)
    if message.by_mode.startswith("R") and not _keeps_time(features, message):
        # RFC 2852 §4.1.4.1
        words = f"{hop.host} does not promise to deliver in time or to return"
        return Outcome("mail", 0, "5.3.3", words, hop.host, hop.address)
    beyond_ascii = not all(one.isascii() for one in (message.sender, *(each.address for each in recipients)))
    if (beyond_ascii or message.smtputf8) and "SMTPUTF8" not in features:
        # RFC 6531 §3.2
        words = f"{hop.host} does not take addresses or headers beyond ASCII"
        return Outcome("mail", 0, "5.6.7", words, hop.host, hop.address)
    return None


def _keeps_time(features: dict[str, str], message: QueuedMessage) -> bool:
    """Whether the host knows DELIVERBY, and takes as short a time as is left (RFC 2852 §2)."""
    if "DELIVERBY" not in features or message.deliver_by is None:
        return False
    least = features["DELIVERBY"].strip()
    left = (message.deliver_by - datetime.now(UTC)).total_seconds()
    return left >= 1 and (not least.isdigit() or int(least) <= left)


def _not_private(error: HostFailed, hop: Hop) -> Outcome:
    """RFC 8689 §4.2.1: its two status codes; a host that did not answer may do so later."""
    verdict = REQUIRETLS.failed
    if isinstance(error, NotPrivate):
        return Outcome(error.stage, 0, "5.7.30", error.words, hop.host, hop.address, verdict=verdict)
    if isinstance(error, TlsFailed):
        return Outcome(error.stage, 0, "5.7.10", error.words, hop.host, hop.address, verdict=verdict)
    return _broken(error, hop, REQUIRETLS)


def destination_of(recipient: QueuedRecipient, *, late_is_told: bool = False) -> Destination:
    """A recipient as RCPT tells it."""
    notify = recipient.notify
    if late_is_told and notify != ("NEVER",):
        # RFC 2852 §4.1.4.2: the next host knows no time, but it can tell of delay.
        notify = (*(notify or ("FAILURE",)), "DELAY") if "DELAY" not in (notify or ()) else notify
    # RFC 3461 §5.2.1 (d): where there was none, the address by which it came may be told; one beyond ASCII has a
    # form that not every host takes (RFC 6533 §3).
    came_as = recipient.received_as or recipient.address
    kind, _, address = (recipient.orcpt or (f"rfc822;{came_as}" if came_as.isascii() else "")).partition(";")
    orcpt = f"{kind};{encode_xtext(address)}" if address else ""
    return Destination(recipient.address, ",".join(notify or ()), orcpt)


def _status(code: int) -> str:
    """RFC 3463 §2: what a reply without an enhanced code says."""
    return {2: "2.0.0", 4: "4.0.0", 5: "5.0.0"}.get(code // 100, "4.0.0")
