"""Certificates of addresses in the DNS (SMIMEA, RFC 8162)."""

import hashlib
from typing import Final

from mailservices.mail.address import Address

#: §2: as of TLSA (RFC 6698 §2.1): this certificate itself, all of it, as it is.
WHOLE: Final = b"\x03\x00\x00"
_LOCAL_OCTETS: Final = 28


def name(address: Address) -> str:
    """§3: where its record is: SHA2-256 of the local part as it is written, of which 28 octets."""
    digest = hashlib.sha256(address.local.encode()).digest()[:_LOCAL_OCTETS]
    return f"{digest.hex()}._smimecert.{address.domain}"


def rdata(certificate: bytes) -> bytes:
    """As name servers hold it."""
    return WHOLE + certificate


def value(certificate: bytes) -> str:
    """As a zone file has it."""
    usage, selector, matching = WHOLE
    return f"{usage} {selector} {matching} {certificate.hex()}"
