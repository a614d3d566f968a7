"""DNS blocklists and allowlists (RFC 5782): the name to ask for, and what the answer means."""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto

from mailservices.mail.errors import ProtocolError
from mailservices.mail.policy import ListEffect

#: Ranges of one list.
RANGES = 50

#: From the first to the last return code, as numbers.
Codes = tuple[tuple[int, int], ...]

_ANY: Codes = ((int(ipaddress.IPv4Address("127.0.0.0")), int(ipaddress.IPv4Address("127.255.254.255"))),)
#: What operators of lists answer to whom they do not serve: an error, whatever the address.
_BROKEN = ipaddress.IPv4Network("127.255.255.0/24")
# Also 127.0.0.4-7: the end of a range may be its last number alone.
_RANGE = re.compile(r"(127(?:\.\d{1,3}){3})(?:-(?:(127(?:\.\d{1,3}){3})|(\d{1,3})))?", re.ASCII)


class Meaning(Enum):
    LISTED = auto()
    NOT_LISTED = auto()
    #: The list does not serve us: it says nothing about the address.
    BROKEN = auto()


@dataclass(frozen=True, slots=True)
class DnsList:
    """One list as the administrator set it up."""

    zone: str
    effect: ListEffect
    #: Return codes that count; those of others are passed over.
    codes: Codes = _ANY

    def meaning(self, records: Iterable[object]) -> Meaning:
        """What the A records say (RFC 5782 §2.1: values within 127/8)."""
        found = Meaning.NOT_LISTED
        for record in records:
            address = ipaddress.IPv4Address(str(record))
            if address in _BROKEN or not address.is_loopback:
                # A value outside 127/8 is a parked domain's, or a resolver's that lies: RFC 5782 §5 warns of both.
                return Meaning.BROKEN
            if any(first <= int(address) <= last for first, last in self.codes):
                found = Meaning.LISTED
        return found


def name(address: str, zone: str) -> str:
    """Where the list keeps this address: reversed octets (RFC 5782 §2.1), or nibbles for IPv6 (§2.4)."""
    pointer = ipaddress.ip_address(address).reverse_pointer
    return f"{pointer.removesuffix('.in-addr.arpa').removesuffix('.ip6.arpa')}.{zone}"


def parse_codes(text: str) -> Codes:
    """Such as "127.0.0.2 127.0.0.4-7"; nothing means every code of 127/8 that is no error.

    Raises:
        ProtocolError: with a sentence for the administrator.
    """
    words = text.replace(",", " ").split()
    if not words:
        return _ANY
    if len(words) > RANGES:
        raise ProtocolError(f"A list has at most {RANGES} ranges of return codes.")
    return tuple(_range(word) for word in words)


def _range(word: str) -> tuple[int, int]:
    match = _RANGE.fullmatch(word)
    if match is None:
        raise ProtocolError("A return code looks like 127.0.0.2 or 127.0.0.4-7.")
    first_text, last_text, number = match.groups()
    if number is not None:
        last_text = f"{first_text.rpartition('.')[0]}.{number}"
    try:
        first = ipaddress.IPv4Address(first_text)
        last = ipaddress.IPv4Address(last_text or first_text)
    except ValueError as error:
        raise ProtocolError(f"{word} is not a return code.") from error
    if last < first:
        raise ProtocolError(f"{word} ends before it begins.")
    return int(first), int(last)
