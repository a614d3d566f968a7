"""What comes in encrypted, opened for accounts that have a key held here for that: their mailbox gets it readable.

That is looked at only where a message is encrypted. Whatever cannot be opened is stored as it came. What its
signature is worth stands in a second Authentication-Results, and with the fingerprint of the key in the trace.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mailservices import log
from mailservices.mail import authentication_results, authors, encrypted, mime, opened, sealing
from mailservices.mail.findings import Finding, Result
from mailservices.mail.openpgp import decrypt as openpgp
from mailservices.mail.openpgp import mime as openpgp_mime
from mailservices.mail.privacy import PrivacyError
from mailservices.mail.sealing import NotSealedHere
from mailservices.mail.vocabulary import KeyKind
from mailservices.net import opener
from mailservices.net.opener import Opened, Private
from mailservices.smtp.private import Place, Text
from mailservices.smtp.session import Session
from mailservices.smtp.stages import signed
from mailservices.smtp.stages.arrival import Arrival
from mailservices.store import contents, correspondents, openers
from mailservices.store.delivery import Content
from mailservices.store.openers import Held

#: As RFC 7281 names it, and as stages/signed.py calls what is not registered.
_METHODS = {KeyKind.SMIME: signed.SMIME, KeyKind.OPENPGP: signed.OPENPGP}
#: Without one of these, no message is encrypted.
_WORDS = (b"multipart/encrypted", b"pkcs7-mime")
_ARMOUR = b"-----BEGIN PGP MESSAGE-----"
_BEGINS = 200

_log = log.get()


@dataclass(frozen=True, slots=True)
class Readable:
    """The message as an account has it, and what the trace says of that."""

    content: Content
    detail: str


async def readable(session: Session, arrival: Arrival, places: Sequence[Place], text: Text) -> dict[int, Readable]:
    """Account -> the message as it was opened for it.

    Raises:
        Unavailable
    """
    found: dict[int, Readable] = {}
    kind = _kind(text)
    if kind is None:
        return found
    ours = {place.box.account_id: place for place in places if not place.box.encrypts}
    for account_id, held in (await openers.of(session.context.pool, list(ours), kind)).items():
        try:
            found[account_id] = await _readable(session, arrival, ours[account_id], kind, held, text)
        except (PrivacyError, NotSealedHere) as error:
            _log.info("mail not opened", account=account_id, cause=str(error))
    return found


def _kind(text: Text) -> KeyKind | None:
    """What the message is encrypted by; None where it is not."""
    header = text.header.lower()
    if not any(word in header for word in _WORDS) and _ARMOUR not in text.body[:_BEGINS]:
        return None
    if not encrypted.is_encrypted(text.header, text.body):
        return None
    message = mime.scan(text.header, text.body)
    return KeyKind.OPENPGP if openpgp_mime.is_encrypted(message, text.body) else KeyKind.SMIME


async def _readable(
    session: Session, arrival: Arrival, place: Place, kind: KeyKind, held: Sequence[Held], text: Text
) -> Readable:
    pool = session.context.pool
    # Nothing in the signature says who wrote: only keys of the author whom people see count.
    known = await correspondents.of_authors(pool, [authors.author(text.header)], [place.box.account_id])
    certificates = [one.public for one in known if one.kind == KeyKind.OPENPGP and not signed.is_bad(one)]
    keys = [_private(session, kind, one) for one in held]
    done = await opener.open_sealed(kind, _sealed(kind, text), keys, certificates)
    header, body = opened.readable(text.header, done.payload)
    findings = await _findings(arrival, kind, done, header, body)
    hostname = session.context.config.hostname
    told = authentication_results.field(hostname, findings)
    content, _ = await contents.prepare(pool, text.prefix(place) + told, header, body)
    said = " ".join(f"{one.method}={one.result}" for one in findings)
    return Readable(content, f"opened with the {kind} key {done.fingerprint}: {said}")


def _private(session: Session, kind: KeyKind, held: Held) -> Private:
    context = sealing.privacy_context(kind, held.fingerprint)
    secret = sealing.unseal(session.context.config.sealing_key, held.sealed, context)
    return Private(held.fingerprint, held.public, secret)


def _sealed(kind: KeyKind, text: Text) -> bytes:
    if kind is KeyKind.OPENPGP:
        return openpgp.sealed(text.header, text.body) or b""
    return openpgp_mime.octets(mime.scan(text.header, text.body), text.body, openpgp.SEALED_OCTETS)


async def _findings(arrival: Arrival, kind: KeyKind, done: Opened, header: bytes, body: bytes) -> list[Finding]:
    """Of a signature in the layer that was opened, or in what was inside."""
    inside = await signed.check(replace(arrival, header=header, body=body, learnt=None))
    if inside.findings:
        return list(inside.findings)
    verdict = done.verdict
    reason = verdict.reason or ("" if verdict.result is not Result.NONE else "it was not signed")
    properties = (("body.x-openpgp-fingerprint", verdict.fingerprint),) if verdict.fingerprint else ()
    return [Finding(_METHODS[kind], verdict.result, reason, properties)]
