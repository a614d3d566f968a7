"""Is it really she? One gate for every server: passwords, SASL exchanges, tokens and certificates.

Failures answer slowly and all alike: neither words nor time tell whether an account exists. Where too much has
failed nothing is looked at any more (throttle.py).
"""

import asyncio
import ssl
import time
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from mailservices import log
from mailservices.auth import exchange
from mailservices.auth.attempt import Accepted, Attempt
from mailservices.auth.client import Client, meet
from mailservices.auth.exchange import Ask
from mailservices.auth.oauth import Tokens
from mailservices.auth.remembered import Passwords
from mailservices.auth.throttle import Throttle
from mailservices.config import Config
from mailservices.mail import scram
from mailservices.mail.errors import SignInFailed, TooManySignIns, Unavailable
from mailservices.mail.vocabulary import SignInOutcome
from mailservices.net import metrics
from mailservices.net.limiter import Limiter
from mailservices.protocols.sasl import mechanisms
from mailservices.protocols.sasl.exchange import Claim, Exchange, Outcome
from mailservices.protocols.sasl.mechanisms import Facts
from mailservices.store import access, signin
from mailservices.store.pool import Pool
from mailservices.store.signins import Ledger, SignIn

#: Seconds between two looks at which mechanisms can be offered.
OFFERS_SECONDS = 5.0
#: Seconds between two notes that an app password was used, and app passwords that are remembered for it.
USE_SECONDS = 60.0
USES = 20_000

_log = log.get()


@dataclass(frozen=True, slots=True)
class Identity:
    """Who has signed in."""

    account_id: int
    #: The account's primary address.
    address: str
    #: What her mail is encrypted by before it is stored; empty: nothing.
    encrypts: str = ""


class Gate:
    """Checks sign-ins for one process. Made inside the event loop."""

    def __init__(self, pool: Pool, config: Config, service: str) -> None:
        self.pool = pool
        self.logins = signin.logins(pool)
        self.config = config
        self.service = service
        self.passwords = Passwords()
        self.tokens = Tokens(config.sealing_key)
        self._limiter = Limiter(config.redis_url)
        self.throttle = Throttle(self._limiter, service)
        self.ledger = Ledger(pool, service)
        #: The networks of app passwords that may be read; none of them means anywhere.
        self._readable: list[list[str]] = []
        #: App password -> when its use was last noted, on the monotonic clock; oldest first.
        self._uses: dict[int, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._learning = asyncio.Lock()
        self._later(self._learn_always())

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self.ledger.close()
        await self.tokens.close()
        await self._limiter.close()

    # what is offered

    def meet(self, peer: str, secured: ssl.SSLObject | None) -> Client:
        """The client at the other end of a connection."""
        return meet(peer, secured)

    def offered(self, client: Client) -> tuple[str, ...]:
        """The mechanisms that are announced to this client. Whether any may be, the server knows."""
        return mechanisms.offered(self._facts(client))

    def begin(self, mechanism: str, client: Client) -> Exchange | None:
        """The exchange of a mechanism; None where it is not offered."""
        return mechanisms.begin(mechanism, self._facts(client))

    def _facts(self, client: Client) -> Facts:
        # Some programs prefer CRAM-MD5 to PLAIN and then fail: only where somebody may use it they hear of it.
        readable = any(client.within(networks) for networks in self._readable)
        return Facts(self.config.hostname, client.binding, client.certified, bool(self.tokens.issuers), readable)

    async def _learn_always(self) -> None:
        while True:
            with suppress(Unavailable):  # it stays as it was: the log has the cause
                await self.learn()
            await asyncio.sleep(OFFERS_SECONDS)

    async def learn(self) -> None:
        """Look at what can be offered, and who is shut out."""
        async with self._learning:  # who looked earlier must not have the last word
            self.tokens.issuers, self._readable = await signin.offers(self.pool, self.service)
            self.throttle.access = await access.read(self.pool)

    # who it is

    async def check(self, claim: Claim, client: Client) -> Identity:
        """The identity behind a name and a password.

        Raises:
            SignInFailed: whatever is wrong with it.
            TooManySignIns: it is not looked at.
            Unavailable: it cannot be checked now.
        """
        attempt = Attempt(self, client)
        return await self._settle(attempt, client, attempt.conclude(claim))

    async def sign_in(self, begun: Exchange, initial: bytes | None, ask: Ask, client: Client) -> Identity:
        """The identity at the end of an exchange.

        Raises:
            As `check`; ProtocolError where a response is not what the mechanism wants; and whatever `ask` raises.
        """
        attempt = Attempt(self, client)

        async def carry() -> Accepted:
            outcome: Outcome = await exchange.carry(begun, initial, ask, attempt.answer)
            return await attempt.conclude(outcome)

        return await self._settle(attempt, client, carry())

    async def _unless_shut_out(self, client: Client, way: Coroutine[Any, Any, Accepted]) -> Accepted:
        """By whatever way: passwords, tokens, certificates."""
        if self.throttle.access.denies(client.peer):
            way.close()
            raise TooManySignIns
        return await way

    async def _settle(self, attempt: Attempt, client: Client, way: Coroutine[Any, Any, Accepted]) -> Identity:
        try:
            accepted = await self._unless_shut_out(client, way)
        except SignInFailed:
            metrics.SIGN_INS.labels(self.service, "refused").inc()
            _log.info("sign-in refused", name=attempt.name[:100])
            self.ledger.add(SignIn(attempt.name, client.peer, SignInOutcome.REFUSED))
            await asyncio.sleep(await self.throttle.failed(client.peer, attempt.name))
            raise
        except TooManySignIns:
            metrics.SIGN_INS.labels(self.service, "blocked").inc()
            self.ledger.add(SignIn(attempt.name, client.peer, SignInOutcome.BLOCKED))
            raise
        metrics.SIGN_INS.labels(self.service, "accepted").inc()
        login = accepted.login
        self.ledger.add(SignIn(login.address, client.peer, SignInOutcome.ACCEPTED, login.account_id))
        await self.throttle.succeeded(client.peer, login.address)
        if accepted.app_password is not None:
            self._note_use(accepted.app_password.id, client.peer)
        elif accepted.password is not None:
            self._later(self._keep_keys(accepted, accepted.password))
        return Identity(login.account_id, login.address, login.encrypts)

    # what nobody waits for

    def _note_use(self, app_password_id: int, peer: str) -> None:
        now = time.monotonic()
        if now - self._uses.get(app_password_id, -USE_SECONDS) < USE_SECONDS:
            return
        if len(self._uses) >= USES:
            del self._uses[next(iter(self._uses))]
        self._uses[app_password_id] = now
        self._later(signin.note_use(self.pool, app_password_id, peer))

    async def _keep_keys(self, accepted: Accepted, password: str) -> None:
        """The account's password is older than SCRAM here: from now on it can be used with it."""
        keys = await self.passwords.in_thread(lambda: scram.derive(password))
        sealed = scram.seal(self.config.sealing_key, keys, scram.account_context(accepted.login.address))
        if sealed is not None:
            await signin.keep_keys(self.pool, accepted.login, sealed)

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(_quietly(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _quietly(work: Coroutine[Any, Any, None]) -> None:
    with suppress(Unavailable):  # the log has the cause
        await work
