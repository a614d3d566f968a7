"""Password hashes in Django's format, so that the web and the servers check the same column.

Argon2id at 19 MiB and two passes (OWASP's figures): about 45 ms of CPU. Call from a thread, never from a loop.
"""

import hmac
import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from argon2.low_level import Type

TIME_COST = 2
MEMORY_KIB = 19 * 1024
PARALLELISM = 1
#: A password may be long; a megabyte of it is an attack.
OCTETS = 1024
_PREFIX = "argon2"
#: Of a password that is made for somebody: groups of letters that are not mistaken for others, 100 random bits.
LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
GROUPS = 4
GROUP_LETTERS = 5

_hasher = PasswordHasher(time_cost=TIME_COST, memory_cost=MEMORY_KIB, parallelism=PARALLELISM, type=Type.ID)


def make(password: str) -> str:
    """A hash in the form `argon2$argon2id$v=19$m=...`."""
    return _PREFIX + _hasher.hash(password)


def verify(encoded: str, password: str) -> bool:
    """Whether the password is the one that was hashed; an unusable hash matches nothing."""
    # JSON can spell what is no Unicode: no such password was ever hashed.
    octets = password.encode("utf-8", "surrogatepass")
    if not encoded.startswith(_PREFIX + "$") or len(octets) > OCTETS:
        return False
    try:
        return _hasher.verify(encoded.removeprefix(_PREFIX), octets)
    except (Argon2Error, InvalidHashError):
        return False


@cache
def nobody() -> str:
    """Checked when there is no such account, so that the answer takes as long as for a wrong password."""
    return make(secrets.token_urlsafe())


def invent() -> str:
    """A random password, easy to read aloud."""
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(GROUP_LETTERS)) for _ in range(GROUPS))


def plain_app_password(password: str) -> str:
    """An app password as its digests know it: however a person has grouped its letters."""
    return password.replace("-", "").replace(" ", "").lower()


def app_digest(key: bytes, password: str) -> bytes:
    """By which an app password is found. It is random, so that one keyed hash is enough."""
    return hmac.digest(key, plain_app_password(password).encode("utf-8", "surrogatepass"), "sha256")


def app_context(digest: bytes) -> bytes:
    """Where the sealed text of an app password belongs."""
    return b"app password " + digest
