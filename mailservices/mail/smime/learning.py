"""What is learnt from a signature that holds: the certificate to which its author's mail is to be encrypted.

It is the signer's own, or, where hers only signs, another one with it for the same address (RFC 8551 §2.5.3 lets
programs prefer one). Its chain has been followed to a trusted root, too.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from mailservices.mail.findings import Result
from mailservices.mail.privacy import Described
from mailservices.mail.smime import certificates, verifying
from mailservices.mail.smime.signed import Signed
from mailservices.mail.smime.verifying import Known, Outcome


@dataclass(frozen=True, slots=True)
class Learnt:
    """A certificate of an author's."""

    address: str
    public: bytes
    chain: bytes
    described: Described


def learnt(
    found: Signed, outcome: Outcome, authors: Collection[str], known: Known, now: datetime
) -> Learnt | None:
    """None where nothing is to be learnt."""
    if outcome.verdict.result is not Result.PASS:
        return None
    message = verifying.read(found)
    address = next(one for one in outcome.verdict.addresses if one in authors)
    signer = [one for one in message.certificates if certificates.der(one) == outcome.certificate]
    for one in (*signer, *message.certificates):
        described = certificates.describe(certificates.der(one))
        if address not in described.addresses or described.broken(now):
            continue
        chain = known.roots.chain(one, [other for other in message.certificates if other != one], now)
        if not chain.refusal:
            return Learnt(address, certificates.der(one), chain.der, described)
    return None
