"""DANE for SMTP (RFC 7672): whether a host's certificate is one that its signed TLSA records name. Pure."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

#: Records of one host, and certificates of one chain, that are looked at.
RECORDS: Final = 30
CERTIFICATES: Final = 10
#: RFC 6698 §2.1.1, as RFC 7672 §3.1 narrows it: DANE-TA and DANE-EE.
AUTHORITY: Final = 2
HOST: Final = 3
#: Matching type (RFC 6698 §2.1.3) -> octets; 0 is the thing itself.
_DIGESTS: Final = {1: 32, 2: 64}


@dataclass(frozen=True, slots=True)
class Record:
    """A TLSA record (RFC 6698 §2)."""

    usage: int
    selector: int
    matching: int
    data: bytes


def usable(records: Iterable[bytes]) -> tuple[Record, ...]:
    """Those that say something for SMTP, of RDATA (RFC 6698 §2.1). RFC 7672 §3.1.3: usages 0 and 1 do not."""
    fitting = [
        one
        for one in (Record(octets[0], octets[1], octets[2], octets[3:]) for octets in records if len(octets) > 3)
        if one.usage in (AUTHORITY, HOST)
        and one.selector in (0, 1)
        and (one.matching == 0 or _DIGESTS.get(one.matching) == len(one.data))
    ]
    return tuple(fitting[:RECORDS])


def proves(records: Sequence[Record], chain: Sequence[bytes], names: Sequence[str], now: datetime) -> bool:
    """Whether a host is who it should be.

    Args:
        records: usable ones, signed.
        chain: what the host presented, in DER, its own certificate first.
        names: the TLSA base domain and other names of the host, of which an authority must certify one.
    """
    try:
        certificates = [x509.load_der_x509_certificate(octets) for octets in chain[:CERTIFICATES]]
        if not certificates:
            return False
        # RFC 7672 §3.1.1: neither names nor dates of the certificate count.
        if any(one.usage == HOST and _fits(one, certificates[0]) for one in records):
            return True
        anchors = [one for one in (*certificates[1:], *_whole(records)) if _is_anchor(records, one)]
        return any(_leads_to(anchor, certificates, name, now) for anchor in anchors for name in names)
    except (ValueError, UnsupportedAlgorithm):
        return False


def _is_anchor(records: Sequence[Record], certificate: x509.Certificate) -> bool:
    return any(one.usage == AUTHORITY and _fits(one, certificate) for one in records)


def _whole(records: Sequence[Record]) -> list[x509.Certificate]:
    """RFC 7672 §3.1.2: authorities that stand in the DNS whole need not be presented."""
    return [
        x509.load_der_x509_certificate(one.data)
        for one in records
        if (one.usage, one.selector, one.matching) == (AUTHORITY, 0, 0)
    ]


def _fits(record: Record, certificate: x509.Certificate) -> bool:
    """RFC 6698 §2.1.2, §2.1.3."""
    if record.selector == 0:
        selected = certificate.public_bytes(Encoding.DER)
    else:
        selected = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    match record.matching:
        case 1:
            selected = hashlib.sha256(selected).digest()
        case 2:
            selected = hashlib.sha512(selected).digest()
    return selected == record.data


def _leads_to(anchor: x509.Certificate, chain: Sequence[x509.Certificate], name: str, now: datetime) -> bool:
    """RFC 7672 §3.1.2: signatures, dates and the name are checked as ever, up to this authority."""
    builder = PolicyBuilder().store(Store([anchor])).time(now)
    try:
        builder.build_server_verifier(x509.DNSName(name)).verify(chain[0], list(chain[1:]))
    except VerificationError:
        return False
    return True
