"""Signatures of what is written: S/MIME (RFC 8551) and OpenPGP (RFC 3156). They are told, nothing hangs on them.

Only a message that is signed as a whole is looked at; of any other, some words of its header are. OpenPGP is
verified by keys that are known: those of the author's own here, and what was learnt (store/correspondents.py).
"""

import asyncio
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Final

from mailservices.mail import authors
from mailservices.mail.findings import Finding, Result
from mailservices.mail.openpgp import verify as openpgp
from mailservices.mail.privacy import PrivacyError
from mailservices.mail.smime import learning, signed, verifying
from mailservices.mail.smime.trust import Roots
from mailservices.mail.smime.verifying import Outcome
from mailservices.mail.vocabulary import KeyKind, Trust
from mailservices.smtp.stages.arrival import PASSED, Arrival, Verdict
from mailservices.store import correspondents
from mailservices.store.correspondents import Known

#: Octets of a message whose signature is verified, and from which on a thread does it.
SIGNED_OCTETS: Final = 50 * 2**20
INLINE_OCTETS: Final = 64 * 1024
#: RFC 7281; OpenPGP has no method that is registered.
SMIME, OPENPGP = "smime", "x-openpgp"

#: Words of a header without which no message is signed as a whole; and what begins OpenPGP's clear text.
_WORDS: Final = (b"multipart/signed", b"pkcs7-mime")
_CLEAR: Final = b"-----BEGIN PGP SIGNED MESSAGE-----"
_BEGINS: Final = 200


async def check(arrival: Arrival) -> Verdict:
    """Raises Unavailable where the keys cannot be read."""
    header = arrival.header.lower()
    if not any(word in header for word in _WORDS) and _CLEAR not in arrival.body[:_BEGINS]:
        return PASSED
    if len(arrival.body) > SIGNED_OCTETS:
        method = OPENPGP if b"pkcs7" not in header else SMIME
        return Verdict(findings=(Finding(method, Result.NEUTRAL, "it is too large to be verified"),))
    who, desk = authors.of(arrival.header), arrival.desk
    accounts = sorted({box.account_id for route in arrival.routes for box in route.mailboxes})
    known = await correspondents.of_authors(desk.pool, who, accounts)
    roots = await desk.trusted.roots(desk.pool)
    now = datetime.now(UTC)
    if len(arrival.body) > INLINE_OCTETS:
        return await asyncio.to_thread(_verified, arrival, who, known, roots, now)
    return _verified(arrival, who, known, roots, now)


def _verified(
    arrival: Arrival, who: Collection[str], known: Sequence[Known], roots: Roots, now: datetime
) -> Verdict:
    found = _smime(arrival, who, known, roots, now) or _openpgp(arrival, known, now)
    return Verdict(findings=(found,)) if found else PASSED


def _smime(
    arrival: Arrival, who: Collection[str], known: Sequence[Known], roots: Roots, now: datetime
) -> Finding | None:
    found = signed.find(arrival.header, arrival.body)
    if found is None:
        return None
    author, ours = authors.author(arrival.header), [one for one in known if one.kind == KeyKind.SMIME]
    bad = {one.fingerprint for one in ours if is_bad(one)}
    # For the address that it was kept for alone: what else it names, nobody has vouched for.
    own = (Trust.OWN, Trust.VERIFIED)
    vouched = {one.fingerprint for one in ours if one.trust in own and one.address == author}
    before = verifying.Known(roots, vouched, bad, tuple(one.public for one in ours))
    outcome = verifying.verify(found, who, before, now)
    arrival.learnt = learning.learnt(found, outcome, who, before, now)
    return Finding(SMIME, outcome.verdict.result, *_told(outcome, author, who))


def _told(outcome: Outcome, author: str, who: Collection[str]) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Why, and of whose certificate (RFC 7281 §3.2)."""
    verdict, reason = outcome.verdict, outcome.verdict.reason
    if verdict.result is Result.PASS and author not in verdict.addresses:
        # RFC 8550 §3 lets Sender sign; people see the first author.
        reason = "signed by another one than the first author"
    named = sorted(verdict.addresses, key=lambda one: (one != author, one not in who))
    told = (
        ("body.smime-identifier", "".join(named[:1])),
        ("body.smime-serial", outcome.serial),
        ("body.smime-issuer", outcome.issuer),
    )
    return reason, tuple(one for one in told if one[1])


def _openpgp(arrival: Arrival, known: Sequence[Known], now: datetime) -> Finding | None:
    try:
        found = openpgp.signed(arrival.header, arrival.body)
    except PrivacyError as error:
        return Finding(OPENPGP, Result.NEUTRAL, str(error))
    if found is None:
        return None
    # Nothing in the signature says who wrote: only keys of the first author's count, whom people see.
    author = authors.author(arrival.header)
    ours = [one for one in known if one.kind == KeyKind.OPENPGP and one.address == author]
    verdict = openpgp.verify(found, [one.public for one in ours], now)
    result, reason = verdict.result, verdict.reason
    used = next((one for one in ours if one.fingerprint == verdict.fingerprint), None)
    if used is not None and result is Result.PASS:
        if is_bad(used):
            result, reason = Result.POLICY, "the key was revoked or refused"
        elif used.trust == Trust.SEEN:
            reason = "the key was learnt, and nobody has compared it"
    told = (("body.x-openpgp-fingerprint", verdict.fingerprint),) if verdict.fingerprint else ()
    return Finding(OPENPGP, result, reason, told)


def is_bad(one: Known) -> bool:
    """Whether nothing is to be believed on its word."""
    return one.revoked or one.trust == Trust.REFUSED
