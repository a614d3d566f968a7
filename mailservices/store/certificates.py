"""The certificates that administrators have brought, as the servers present them."""

from collections.abc import Collection
from typing import Final

from mailservices import log
from mailservices.mail import certificate
from mailservices.mail.certificate import Certificate
from mailservices.mail.sealing import NotSealedHere
from mailservices.store.pool import Pool, connection

FINGERPRINTS: Final = "SELECT fingerprint FROM policy_certificate"
CERTIFICATES: Final = """
SELECT names, fingerprint, issuer, since, until, chain, sealed FROM policy_certificate
WHERE fingerprint = ANY($1::text[])
"""

_log = log.get()


async def read(pool: Pool, sealing_key: bytes, known: Collection[str]) -> tuple[frozenset[str], list[Certificate]]:
    """The fingerprints of all that there are, and those certificates that are not known yet.

    Raises:
        Unavailable
    """
    async with connection(pool) as db:
        there = frozenset(row["fingerprint"] for row in await db.fetch(FINGERPRINTS))
        new = there - set(known)
        rows = await db.fetch(CERTIFICATES, list(new)) if new else []
    found = []
    for row in rows:
        fingerprint = row["fingerprint"]
        try:
            key = certificate.unseal(row["sealed"], sealing_key, fingerprint)
        except NotSealedHere:
            _log.error("certificate cannot be opened: was FACTEUR_SECRET_KEY changed?", names=row["names"])
            there -= {fingerprint}
            continue
        found.append(
            Certificate(
                tuple(row["names"]), fingerprint, row["issuer"], row["since"], row["until"], row["chain"], key
            )
        )
    return there, found
