"""Who may sign in, and by what: accounts, app passwords, issuers of tokens, as the auth room sees them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

from mailservices.store.gathering import Gathering
from mailservices.store.pool import Pool, connection

_LOGIN = """
SELECT asked.number, p.id, p.address, p.password, p.scram, p.active AND d.active AS active, p.encrypts,
       a.id AS app_id, a.digest, a.scram AS app_scram, a.secret, a.protocols, a.networks,
       coalesce(a.expires_at <= now(), false) AS expired
FROM unnest($1::text[], $2::bytea[]) WITH ORDINALITY AS asked(name, digest, number)
JOIN directory_account p ON p.address = asked.name AND p.deleted_at IS NULL
JOIN directory_domain d ON d.id = p.domain_id
LEFT JOIN directory_app_password a ON a.account_id = p.id
"""
#: Accounts, each with the app password that has this digest, if it has one; and with all of them, a row for each.
LOGIN = f"{_LOGIN} AND a.digest = asked.digest"
LOGIN_WITH_ALL = f"{_LOGIN} ORDER BY a.id"

NOTE_USE = "UPDATE directory_app_password SET last_used_at = now(), last_used_from = $2 WHERE id = $1"

#: Only while the password is still the one that the keys were derived from.
KEEP_KEYS = "UPDATE directory_account SET scram = $3 WHERE id = $1 AND password = $2 AND scram IS NULL"

#: From where app passwords that may be read are good for this protocol.
READABLE = """
SELECT DISTINCT networks FROM directory_app_password
WHERE secret IS NOT NULL AND $1 = ANY (protocols) AND (expires_at IS NULL OR expires_at > now()) LIMIT 1000
"""

ISSUERS = """
SELECT issuer, audience, jwks_url, introspection_url, client_id, client_secret, claim
FROM directory_issuer WHERE active ORDER BY id
"""


@dataclass(frozen=True, slots=True)
class AppPassword:
    """One of an account's app passwords, and what it is good for."""

    id: int
    digest: bytes
    scram: bytes | None
    #: Sealed; None unless its owner has opted in to mechanisms that need it.
    secret: bytes | None
    protocols: tuple[str, ...]
    networks: tuple[str, ...]
    expired: bool


@dataclass(frozen=True, slots=True)
class Login:
    """An account."""

    account_id: int
    address: str
    password: str
    scram: bytes | None
    active: bool
    encrypts: str
    #: The app password that was asked for.
    app_password: AppPassword | None


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who gives out tokens that are good here, and how they are checked: by its keys, or by asking it."""

    issuer: str
    audience: str
    jwks_url: str
    introspection_url: str
    client_id: str
    #: Sealed.
    client_secret: bytes | None
    #: The claim that holds the address.
    claim: str


#: Look-ups of many who sign in, asked together: a name and the digest of a password.
Logins: TypeAlias = Gathering[tuple[str, bytes | None], Login | None]


def logins(pool: Pool) -> Logins:
    """For one process. Made inside the event loop."""
    return Gathering(partial(_find_logins, pool))


async def find_login(together: Logins, name: str, digest: bytes | None = None) -> Login | None:
    """The account that signs in with this address, in normal form, and its app password with this digest."""
    return await together.answer((name, digest))


async def _find_logins(pool: Pool, asked: Sequence[tuple[str, bytes | None]]) -> list[Login | None]:
    async with connection(pool) as db:
        rows = await db.fetch(LOGIN, [name for name, _ in asked], [digest for _, digest in asked])
    found = {row["number"]: _login(row) for row in rows}
    return [found.get(number) for number in range(1, len(asked) + 1)]


async def find_all(pool: Pool, name: str) -> tuple[Login | None, list[AppPassword]]:
    """The same with all of its app passwords, and as quick where there is nobody."""
    async with connection(pool) as db:
        rows = await db.fetch(LOGIN_WITH_ALL, [name], [None])
    return _login(rows[0]) if rows else None, [_app_password(row) for row in rows if row["app_id"] is not None]


def _login(row: Any) -> Login:
    app = _app_password(row) if row["app_id"] is not None else None
    return Login(row["id"], row["address"], row["password"], row["scram"], row["active"], row["encrypts"], app)


def _app_password(row: Any) -> AppPassword:
    return AppPassword(
        row["app_id"], row["digest"], row["app_scram"], row["secret"], tuple(row["protocols"]),
        tuple(row["networks"]), row["expired"],
    )  # fmt: skip


async def note_use(pool: Pool, app_password_id: int, peer: str) -> None:
    """When and from where an app password was last used."""
    async with connection(pool) as db:
        await db.execute(NOTE_USE, app_password_id, peer)


async def keep_keys(pool: Pool, login: Login, scram: bytes) -> None:
    """The SCRAM keys of an account whose password is older than they are."""
    async with connection(pool) as db:
        await db.execute(KEEP_KEYS, login.account_id, login.password, scram)


async def offers(pool: Pool, protocol: str) -> tuple[list[Issuer], list[list[str]]]:
    """The issuers of tokens, and the networks of each app password that may be read: none means anywhere."""
    async with connection(pool) as db:
        rows = await db.fetch(ISSUERS)
        readable = [list(row["networks"]) for row in await db.fetch(READABLE, protocol)]
    return [Issuer(*row) for row in rows], readable
