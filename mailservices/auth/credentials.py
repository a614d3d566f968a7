"""Is it really she? One check of name and password for every server.

A successful check is remembered briefly under a keyed digest that covers the stored hash: a changed password is
forgotten at once, and no password is kept. Failures answer slowly and all alike: neither words nor time tell
whether an account exists.
"""

import asyncio
import hashlib
import hmac
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from mailservices import log
from mailservices.mail import passwords
from mailservices.mail.address import parse
from mailservices.mail.errors import ProtocolError, SignInFailed, Unavailable
from mailservices.net import metrics
from mailservices.protocols.sasl import Claim
from mailservices.store import directory
from mailservices.store.directory import Login
from mailservices.store.pool import Pool

#: Seconds that a successful check is remembered, and how many are.
REMEMBER_SECONDS = 600.0
REMEMBERED = 20_000
#: Seconds before a failure is answered.
FAILURE_PAUSE = 1.0
#: Hashing at once, and checks that may wait for it.
HASHING_THREADS = 2
WAITING_CHECKS = 100

_log = log.get()


@dataclass(frozen=True, slots=True)
class Identity:
    """Who has signed in."""

    account_id: int
    #: The account's primary address.
    address: str


class Gate:
    """Checks sign-ins for one process."""

    def __init__(self, pool: Pool, service: str) -> None:
        self._pool = pool
        self._service = service
        self._key = secrets.token_bytes(32)
        #: digest -> until when, on the monotonic clock; oldest first.
        self._remembered: dict[bytes, float] = {}
        self._running: dict[bytes, asyncio.Future[bool]] = {}
        self._threads = ThreadPoolExecutor(HASHING_THREADS, thread_name_prefix="argon2")

    async def check(self, claim: Claim) -> Identity:
        """The identity behind a claim.

        Raises:
            SignInFailed: whatever is wrong with it.
            Unavailable: it cannot be checked now.
        """
        login = await self._find(claim)
        if login is None or not await self._matches(login, claim.password) or not login.active:
            metrics.SIGN_INS.labels(self._service, "refused").inc()
            _log.info("sign-in refused", name=claim.name[:100])
            await asyncio.sleep(FAILURE_PAUSE)
            raise SignInFailed
        metrics.SIGN_INS.labels(self._service, "accepted").inc()
        return Identity(login.account_id, login.address)

    async def _find(self, claim: Claim) -> Login | None:
        """The account of that name; hashing takes as long where there is none."""
        login = None
        if (name := _normal(claim.name)) and _normal(claim.authorize_as or claim.name) == name:
            login = await directory.find_login(self._pool, name)
        if login is None:
            await self._hash(await asyncio.to_thread(passwords.nobody), claim.password)
        return login

    async def _matches(self, login: Login, password: str) -> bool:
        digest = self._digest(login, password)
        until = self._remembered.get(digest)
        if until is not None and until > time.monotonic():
            return True
        running = self._running.get(digest)
        if running is not None:
            # The same password is being checked for another connection: once is enough.
            return await asyncio.shield(running)
        running = self._running[digest] = asyncio.ensure_future(self._hash(login.password, password))
        try:
            matches = await asyncio.shield(running)
        finally:
            self._running.pop(digest, None)
        if matches:
            self._remember(digest)
        return matches

    def _digest(self, login: Login, password: str) -> bytes:
        told = f"{login.account_id}\0{login.password}\0{password}".encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, told, hashlib.sha256)

    def _remember(self, digest: bytes) -> None:
        if len(self._remembered) >= REMEMBERED:
            del self._remembered[next(iter(self._remembered))]
        self._remembered[digest] = time.monotonic() + REMEMBER_SECONDS

    async def _hash(self, encoded: str, password: str) -> bool:
        if len(self._running) > WAITING_CHECKS:
            raise Unavailable
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, passwords.verify, encoded, password)


def _normal(name: str) -> str:
    """The name as the directory spells it; empty where it is no address."""
    try:
        address = parse(name.strip())
    except ProtocolError:
        return ""
    return f"{address.key}@{address.domain}"
