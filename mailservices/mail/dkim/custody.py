"""A domain's DKIM keys as they are kept: new ones made, the private half sealed, and opened to sign with.

A seal is bound to the name that the key is published under: sealed octets that are put elsewhere open nothing.
"""

import secrets
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from mailservices.mail import sealing
from mailservices.mail.dkim import sign
from mailservices.mail.dkim.sign import Key
from mailservices.mail.dkim.signature import Algorithm
from mailservices.mail.sealing import NotSealedHere

#: A key signs for so long; then another takes its place.
ACTIVE_FOR: Final = timedelta(days=180)
#: The next key is made so long before, for somebody must publish it; name servers remember that it was not there.
NEXT_BEFORE: Final = timedelta(days=30)
SEEN_FOR: Final = timedelta(days=2)
#: A key that signs no more stays published until what it signed has arrived (RFC 5321 §4.5.4.1: five days).
RETIRED_FOR: Final = timedelta(days=14)
#: Octets of one string of a TXT record.
STRING_OCTETS: Final = 255


@dataclass(frozen=True, slots=True)
class KeptKey:
    """What the database holds of a key."""

    selector: str
    algorithm: Algorithm
    sealed: bytes
    #: The TXT record to publish.
    record: str


def new(domain: str, algorithm: Algorithm, sealing_key: bytes, today: date) -> KeptKey:
    """A new key; for RSA it takes a tenth of a second and more."""
    # The day is for people; the rest makes sure that a name is never used twice.
    selector = f"{algorithm.partition('-')[0]}-{today:%Y%m%d}-{secrets.token_hex(3)}"
    private = sign.new_private(algorithm)
    sealed = sealing.seal(sealing_key, sign.dump(private), context(domain, selector))
    return KeptKey(selector, algorithm, sealed, sign.record(private))


def opened(domain: str, selector: str, sealed: bytes, sealing_key: bytes) -> Key:
    """The key to sign with.

    Raises:
        NotSealedHere
    """
    try:
        return Key(selector, sign.load(sealing.unseal(sealing_key, sealed, context(domain, selector))))
    except ValueError as error:
        raise NotSealedHere from error


def name(domain: str, selector: str) -> str:
    """Where the record is published (RFC 6376 §3.6.2.1)."""
    return f"{selector}._domainkey.{domain}"


def context(domain: str, selector: str) -> bytes:
    """Where a private key belongs."""
    return f"dkim {name(domain, selector)}".encode()


def strings(record: str) -> list[str]:
    """The record as a zone file holds it: in strings of at most 255 octets."""
    return [record[start : start + STRING_OCTETS] for start in range(0, len(record), STRING_OCTETS)]
