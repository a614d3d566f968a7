"""What is kept of a password so that SCRAM can check it (RFC 5802 §3): derived keys, never the password.

Both hashes share one salt and one count of iterations. PBKDF2 is a weaker lock than Argon2, so the database keeps
these keys only sealed (mail/sealing.py). Deriving takes tens of milliseconds: call from a thread, not from a loop.
"""

import hmac
import secrets
import struct
from dataclasses import dataclass
from typing import Final

from scramp import ScramException, ScramMechanism

from mailservices.mail import sealing
from mailservices.mail.sealing import NotSealedHere

#: RFC 7677 §4 wants at least 4096; a chosen password is worth more, a random one needs no more.
ITERATIONS: Final = 20_000
ITERATIONS_RANDOM: Final = 4096
SALT_OCTETS: Final = 16
#: Octets of each hash.
SIZES: Final = {"SHA-1": 20, "SHA-256": 32}
_FORM: Final = struct.Struct("!I16s20s20s32s32s")


@dataclass(frozen=True, slots=True)
class Keys:
    """RFC 5802 §3, for one hash: what the server needs to check a proof and to give its own."""

    salt: bytes
    iterations: int
    stored_key: bytes
    server_key: bytes

    def __repr__(self) -> str:
        return "Keys()"


def derive(password: str, iterations: int = ITERATIONS, salt: bytes | None = None) -> dict[str, Keys]:
    """The keys for each hash; none for a password that SASLprep (RFC 4013) forbids: only PLAIN can carry it."""
    salt = salt or secrets.token_bytes(SALT_OCTETS)
    try:
        made = {name: ScramMechanism(f"SCRAM-{name}").make_auth_info(password, iterations, salt) for name in SIZES}
    except ScramException:
        return {}
    return {name: Keys(salt, iterations, stored, server) for name, (_, stored, server, _) in made.items()}


def seal(key: bytes, keys: dict[str, Keys], context: bytes) -> bytes | None:
    """The keys as the database keeps them; None where there are none."""
    if not keys:
        return None
    one, two = keys["SHA-1"], keys["SHA-256"]
    packed = _FORM.pack(one.iterations, one.salt, one.stored_key, one.server_key, two.stored_key, two.server_key)
    return sealing.seal(key, packed, context)


def unseal(key: bytes, sealed: bytes, context: bytes) -> dict[str, Keys]:
    """The keys again.

    Raises:
        NotSealedHere
    """
    packed = sealing.unseal(key, sealed, context)
    if len(packed) != _FORM.size:
        raise NotSealedHere
    iterations, salt, stored_1, server_1, stored_256, server_256 = _FORM.unpack(packed)
    return {
        "SHA-1": Keys(salt, iterations, stored_1, server_1),
        "SHA-256": Keys(salt, iterations, stored_256, server_256),
    }


def nobodys(key: bytes, name: str, hash_name: str, iterations: int = ITERATIONS) -> Keys:
    """For a name that nobody has: the salt is the same whenever it is asked for, by either hash; no proof fits."""
    salt = hmac.digest(key, name.encode("utf-8", "surrogatepass"), "sha256")[:SALT_OCTETS]
    size = SIZES[hash_name]
    return Keys(salt, iterations, secrets.token_bytes(size), secrets.token_bytes(size))


def account_context(address: str) -> bytes:
    """Where the keys of an account's password belong."""
    return b"scram of " + address.encode()


def app_password_context(digest: bytes) -> bytes:
    """Where the keys of an app password belong."""
    return b"scram of app password " + digest
