"""The Sender Rewriting Scheme: who forwards mail sends it in its own name, and can send what comes back on.

A forwarded message that kept its sender would fail SPF at the next host (RFC 7208 §2.4). So the sender becomes
`SRS0=hash=day=domain=local@here`; of one that was rewritten before, `SRS1=hash=host==...@here` leads back to the
host that rewrote it first. The hash is keyed, so that nobody else makes such addresses, and they do not last.
"""

import base64
import hashlib
import hmac
import re
from typing import Final

from mailservices.mail.address import LOCAL_PART_OCTETS, Address, normal_domain
from mailservices.mail.errors import ProtocolError

#: Days in which something may come back (RFC 5321 §4.5.4.1: hosts try for five, and some for longer).
LIFETIME_DAYS: Final = 21

_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz234567"
#: Days are told modulo this: two letters.
_DAYS: Final = len(_LETTERS) ** 2
_HASH_LETTERS: Final = 8
_SRS0: Final = re.compile(rf"srs0=([a-z2-7]{{{_HASH_LETTERS}}})=([a-z2-7]{{2}})=([^=]+)=(.+)", re.IGNORECASE)
_SRS1: Final = re.compile(rf"srs1=([a-z2-7]{{{_HASH_LETTERS}}})=([^=]+)=([=+-].+)", re.IGNORECASE)
_FOREIGN: Final = re.compile(r"srs0([=+-].+)", re.IGNORECASE)
_FOREIGN_TWICE: Final = re.compile(r"srs1[=+-][^=]+=([^=]+)=([=+-].+)", re.IGNORECASE)


def today(seconds: float) -> int:
    """Days since 1970, of seconds since then."""
    return int(seconds) // 86_400


def is_rewritten(address: Address) -> bool:
    """Whether the local part looks as if `forward` had made it."""
    return address.local[:5].lower() in ("srs0=", "srs1=")


def forward(sender: Address, domain: str, key: bytes, day: int) -> Address:
    """The sender in the name of this domain.

    What would not fit a local part (RFC 5321 §4.5.3.1.1) stays as it is.

    Args:
        day: days since 1970.
    """
    if twice := _FOREIGN_TWICE.fullmatch(sender.local):
        rest = f"{twice[1]}={twice[2]}"
        local = f"SRS1={_hash(key, rest)}={rest}"
    elif foreign := _FOREIGN.fullmatch(sender.local):
        rest = f"{sender.domain}={foreign[1]}"
        local = f"SRS1={_hash(key, rest)}={rest}"
    else:
        rest = f"{_LETTERS[day % _DAYS // 32]}{_LETTERS[day % 32]}={sender.domain}={sender.local}"
        local = f"SRS0={_hash(key, rest)}={rest}"
    return Address(local, domain) if len(local.encode()) <= LOCAL_PART_OCTETS else sender


def reverse(address: Address, key: bytes, day: int) -> Address:
    """Whom it stands for.

    Raises:
        ProtocolError: we did not make it, or too long ago.
    """
    if match := _SRS0.fullmatch(address.local):
        told, made, domain, local = match.groups()
        _check(key, told, f"{made}={domain}={local}")
        age = (day - _LETTERS.index(made[0].lower()) * 32 - _LETTERS.index(made[1].lower())) % _DAYS
        if age > LIFETIME_DAYS:
            raise ProtocolError("The address was made too long ago.")
        return Address(local, normal_domain(domain))
    if match := _SRS1.fullmatch(address.local):
        told, host, rest = match.groups()
        _check(key, told, f"{host}={rest}")
        return Address(f"SRS0{rest}", normal_domain(host))
    raise ProtocolError("The address is not a rewritten one.")


def _check(key: bytes, told: str, rest: str) -> None:
    if not hmac.compare_digest(told.lower(), _hash(key, rest)):
        raise ProtocolError("The address is not one that was made here.")


def _hash(key: bytes, rest: str) -> str:
    """Without regard to case, which some hosts do not keep."""
    digest = hmac.digest(key, rest.lower().encode(), hashlib.sha256)
    return base64.b32encode(digest).decode().lower()[:_HASH_LETTERS]
