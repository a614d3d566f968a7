"""One attempt to sign in: it answers what the exchange asks, and decides at the end who it is.

The name of an app password, for mechanisms that send no password, is the account's name, a slash and the app
password's number: alice@example.org/17. Without it SCRAM means the main password, since only one set of keys can
be offered; CRAM-MD5 tries every app password whose secret may be read.
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from mailservices.auth.client import Client
from mailservices.auth.oauth import Tokens
from mailservices.auth.remembered import Passwords
from mailservices.auth.throttle import Throttle
from mailservices.config import Config
from mailservices.mail import passwords, scram, sealing
from mailservices.mail.address import parse
from mailservices.mail.errors import ProtocolError, SignInFailed
from mailservices.mail.scram import Keys
from mailservices.mail.sealing import NotSealedHere
from mailservices.protocols.sasl.exchange import BearerOf, Claim, KeysOf, Outcome, Question, SecretsOf
from mailservices.store import signin
from mailservices.store.pool import Pool
from mailservices.store.signin import AppPassword, Login, Logins


class Room(Protocol):
    """What an attempt needs of the gate."""

    pool: Pool
    logins: Logins
    config: Config
    service: str
    passwords: Passwords
    tokens: Tokens
    throttle: Throttle


@dataclass(frozen=True, slots=True)
class Accepted:
    """Who it is, and by what."""

    login: Login
    app_password: AppPassword | None = None
    #: The main password, where it was told and the account lacks keys for SCRAM.
    password: str | None = None


class Attempt:
    """From the first word to the end."""

    def __init__(self, room: Room, client: Client) -> None:
        self._room = room
        self._client = client
        #: The name as failures are counted for it.
        self.name = ""
        #: What the answers were of; None where the mechanism asked for no keys and no secrets.
        self._candidates: list[Accepted] | None = None

    async def answer(self, question: Question) -> Any:
        """What the exchange asks.

        Raises:
            TooManySignIns, Unavailable
        """
        match question:
            case KeysOf(name, hash_name):
                return await self._keys(name, hash_name)
            case SecretsOf(name):
                return await self._secrets(name)
            case BearerOf(token):
                await self._room.throttle.admit(self._client.peer, "")
                return await self._room.tokens.address(token)

    async def conclude(self, outcome: Outcome) -> Accepted:
        """Who it is.

        Raises:
            SignInFailed: whatever is wrong.
            TooManySignIns, Unavailable
        """
        name, number = split(outcome.name)
        if not name or (outcome.authorize_as and split(outcome.authorize_as)[0] != name):
            self.name = self.name or name
            raise SignInFailed
        if isinstance(outcome, Claim):
            found = await self._check(name, number, outcome.password)
        elif self._candidates is not None:
            found = self._candidates[outcome.fitting] if self._candidates else None
        else:
            # A token or a certificate: nothing to guess.
            self.name = name
            login = await signin.find_login(self._room.logins, name)
            found = Accepted(login) if login is not None else None
        if found is None or not found.login.active:
            raise SignInFailed
        return found

    async def _meet(self, name: str) -> tuple[str, int | None]:
        """The name in normal form and the app password's number; not where too much has failed."""
        normal, number = split(name)
        self.name = normal or name[:100]
        await self._room.throttle.admit(self._client.peer, self.name)
        return normal, number

    async def _check(self, name: str, number: int | None, password: str) -> Accepted | None:
        await self._meet(name)
        login = await self._found(name, password)
        if login is None:
            await self._room.passwords.nobodys(password)
            return None
        app = login.app_password
        if app is not None:
            return Accepted(login, app) if self._fits(app, number) else None
        if number is not None:
            await self._room.passwords.nobodys(password)
            return None
        if not await self._room.passwords.match(login, password):
            return None
        return Accepted(login, password=password if login.scram is None else None)

    async def _found(self, name: str, password: str) -> Login | None:
        """By an app password, or by the name; one that was made under the former key is good still."""
        keys = self._room.config
        login = await signin.find_login(self._room.logins, name, passwords.app_digest(keys.digest_key, password))
        if keys.former_digest_key is None or (login is not None and login.app_password is not None):
            return login
        digest = passwords.app_digest(keys.former_digest_key, password)
        former = await signin.find_login(self._room.logins, name, digest)
        return former if former is not None and former.app_password is not None else login

    async def _keys(self, name: str, hash_name: str) -> Keys:
        """Real ones, or such as nobody has: it takes one look at the database either way."""
        normal, number = await self._meet(name)
        iterations = scram.ITERATIONS if number is None else scram.ITERATIONS_RANDOM
        whom = f"{self.name}/{number}"
        unknown = scram.nobodys(self._room.config.digest_key, whom, hash_name, iterations)
        self._candidates = []
        login, apps = await signin.find_all(self._room.pool, normal)
        if login is None or not login.active:
            return unknown
        app = next((app for app in apps if self._fits(app, number)), None) if number is not None else None
        sealed = app.scram if app is not None else login.scram if number is None else None
        if sealed is None:
            return unknown
        context = scram.app_password_context(app.digest) if app else scram.account_context(login.address)
        try:
            keys = scram.unseal(self._room.config.sealing_key, sealed, context)
        except NotSealedHere:
            return unknown
        self._candidates = [Accepted(login, app)]
        return keys[hash_name]

    async def _secrets(self, name: str) -> list[bytes]:
        normal, number = await self._meet(name)
        self._candidates = []
        login, apps = await signin.find_all(self._room.pool, normal)
        if login is None or not login.active:
            return []
        found = []
        for app in apps:
            if app.secret is None or not self._fits(app, number):
                continue
            context = passwords.app_context(app.digest)
            with suppress(NotSealedHere):
                found.append(sealing.unseal(self._room.config.sealing_key, app.secret, context))
                self._candidates.append(Accepted(login, app))
        return found

    def _fits(self, app: AppPassword, number: int | None) -> bool:
        """Whether it is good for this service, from there, now."""
        if app.expired or self._room.service not in app.protocols or number not in (None, app.id):
            return False
        return self._client.within(app.networks)


def split(name: str) -> tuple[str, int | None]:
    """A name as the directory spells it, empty where it is no address; and the number of an app password."""
    written, slash, number = name.strip().rpartition("/")
    if slash and "@" in written and number.isascii() and number.isdigit() and len(number) < 19:
        return _normal(written), int(number)
    return _normal(name.strip()), None


def _normal(name: str) -> str:
    try:
        address = parse(name)
    except ProtocolError:
        return ""
    return f"{address.key}@{address.domain}"
