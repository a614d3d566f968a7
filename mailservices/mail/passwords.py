"""Password hashes in Django's format, so that the web and the servers check the same column.

Argon2id at 19 MiB and two passes (OWASP's figures): about 45 ms of CPU. Call from a thread, never from a loop.
"""

import hmac
import secrets
from functools import cache

from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import Argon2Error, InvalidHashError
from argon2.low_level import Type
from scramp import ScramException
from scramp.utils import saslprep

TIME_COST = 2
MEMORY_KIB = 19 * 1024
PARALLELISM = 1
#: A password may be long; a megabyte of it is an attack.
OCTETS = 1024
_PREFIX = "argon2"
#: What a hash that comes from elsewhere may cost at most.
HIGHEST_KIB = 128 * 1024
HIGHEST_PASSES = 10
HIGHEST_LANES = 8
#: Of a password that is made for somebody: groups of letters that are not mistaken for others, 100 random bits.
LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
GROUPS = 4
GROUP_LETTERS = 5

_hasher = PasswordHasher(time_cost=TIME_COST, memory_cost=MEMORY_KIB, parallelism=PARALLELISM, type=Type.ID)


def prepared(password: str) -> str:
    """Alike however a keyboard spells it (RFC 4013, as RFC 4616 §2 and RFC 6856 §2.2 want); else as it is.

    What SASLprep forbids, such as a picture, may be a password all the same.
    """
    if password.isascii():
        return password
    try:
        return saslprep(password) or password
    except ScramException:
        return password


def make(password: str) -> str:
    """A hash in the form `argon2$argon2id$v=19$m=...`."""
    return _PREFIX + _hasher.hash(prepared(password))


def adopt(text: str) -> str:
    """A hash that was made elsewhere, as it is kept: Argon2 in the usual form, with or without our prefix.

    Raises:
        ValueError: it is none, or would cost more than HIGHEST to check.
    """
    bare = text.strip().removeprefix(_PREFIX + "$")
    bare = bare if bare.startswith("$") else "$" + bare
    try:
        told = extract_parameters(bare)
    except InvalidHashError as error:
        raise ValueError("No Argon2 hash, such as $argon2id$v=19$m=19456,t=2,p=1$...") from error
    if told.memory_cost > HIGHEST_KIB or told.time_cost > HIGHEST_PASSES or told.parallelism > HIGHEST_LANES:
        raise ValueError("That hash costs too much to check each time that somebody signs in.")
    return _PREFIX + bare


def verify(encoded: str, password: str) -> bool:
    """Whether the password is the one that was hashed; an unusable hash matches nothing."""
    # A hash may be older than SASLprep here.
    return any(_matches(encoded, spelled) for spelled in dict.fromkeys((prepared(password), password)))


def _matches(encoded: str, password: str) -> bool:
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
