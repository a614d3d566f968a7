"""Argon2 in threads, and the brief memory of passwords that were right.

What is remembered is a keyed digest that covers the stored hash: a changed password is forgotten at once, and no
password is kept. Account and app password are read anew for each sign-in, so what is switched off, has expired or
is used from elsewhere is seen at once.
"""

import asyncio
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from mailservices.mail import passwords
from mailservices.mail.errors import Unavailable
from mailservices.store.signin import Login

Value = TypeVar("Value")

#: Seconds that a successful check is remembered, and how many are.
REMEMBER_SECONDS = 600.0
REMEMBERED = 20_000
#: Hashing at once, and checks that may wait for it.
HASHING_THREADS = 2
WAITING_CHECKS = 100


class Passwords:
    """Checks passwords for one process."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        #: digest -> until when, on the monotonic clock; oldest first.
        self._remembered: dict[bytes, float] = {}
        self._running: dict[bytes, asyncio.Future[bool]] = {}
        self._threads = ThreadPoolExecutor(HASHING_THREADS, thread_name_prefix="argon2")

    async def match(self, login: Login, password: str) -> bool:
        """Whether this is the account's main password.

        Raises:
            Unavailable: too many wait already.
        """
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

    async def nobodys(self, password: str) -> None:
        """Take as long as for an account."""
        await self._hash(await asyncio.to_thread(passwords.nobody), password)

    async def in_thread(self, function: Callable[[], Value]) -> Value:
        """Whatever else takes milliseconds."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, function)

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
        return await self.in_thread(lambda: passwords.verify(encoded, password))
