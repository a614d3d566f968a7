"""The verbs of S/MIME keys that wait for their certificates: asked for, brought, or given up."""

import hashlib

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext

from mailservices.mail import sealing
from mailservices.mail.smime import bringing
from mailservices.mail.vocabulary import KeyKind, KeyOrigin
from webadmin.audit.changes import create
from webadmin.audit.record import Actor, record
from webadmin.privacy import keeping, reading
from webadmin.privacy.models import Key, Request
from webadmin.privacy.owners import Owner, field, must_own, owner_of
from webadmin.scope import Right, verb

#: Of one account or domain, at once.
REQUESTS = 100


@verb(Right.OWN)
def request_certificate(actor: Actor, owner: Owner, address: str, algorithm: str = "RSA 3072") -> Request:
    """A new key for S/MIME, and what an issuer is sent to certify it (a CSR). It signs once that has come back."""
    must_own(actor, owner)
    if algorithm not in bringing.ALGORITHMS:
        raise ValidationError(
            {"algorithm": gettext("One of {listed}.").format(listed=", ".join(bringing.ALGORITHMS))}
        )
    one = keeping.own_address(owner, address)
    if Request.objects.filter(**field(owner)).count() >= REQUESTS:
        raise ValidationError(
            {"address": gettext("There are {count} requests already: give some up first.").format(count=REQUESTS)}
        )
    key, csr = bringing.ask(one, algorithm)
    fingerprint = _of_key(key)
    row = create(
        Request,
        **field(owner),
        address=one,
        algorithm=algorithm,
        fingerprint=fingerprint,
        csr=csr,
        secret=keeping.sealed(KeyKind.SMIME, fingerprint, key),
    )
    record(actor, "request certificate", one, after={"algorithm": algorithm})
    return row


@verb(Right.OWN)
def import_certificate(actor: Actor, row: Request, octets: bytes) -> Key:
    """What the issuer sent back, in PEM, DER or PKCS #7: with the key that waited for it, it is of use."""
    owner = owner_of(row)
    must_own(actor, owner)
    waiting = opened(row)
    try:
        brought = bringing.read(octets)
        bringing.pair(brought.certificate, waiting)
        found = reading.of_smime(brought.certificate, brought.chain, waiting)
    except reading.WRONG as error:
        raise ValidationError({"certificate": str(error)}) from error
    try:
        reading.must_be_of_use(found, timezone.now())
        kept = keeping.keep(owner, found, KeyOrigin.GENERATED, actor, ours=True)
    except ValidationError as error:
        raise ValidationError({"certificate": error.messages}) from error
    _take_over(kept)
    row.delete()
    return next((one for one in kept if one.address == row.address), kept[0])


def _take_over(kept: list[Key]) -> None:
    """The newest certificate signs; those before it go on to open what was encrypted to them."""
    for one in kept:
        before = Key.objects.filter(
            account=one.account, domain=one.domain, kind=one.kind, address=one.address, signs=True
        )
        before.exclude(pk=one.pk).update(signs=False)
        if not one.signs and keeping.can_sign(one):
            one.signs = True
            one.save(update_fields=["signs"])


@verb(Right.OWN)
def discard_request(actor: Actor, row: Request) -> None:
    """Give it up, with its key: a certificate that comes for it later is of no use."""
    must_own(actor, owner_of(row))
    record(actor, "discard certificate request", row.address, before={"algorithm": row.algorithm})
    row.delete()


def opened(row: Request) -> bytes:
    """Its key, in PKCS #8."""
    context = sealing.privacy_context(KeyKind.SMIME, row.fingerprint)
    return sealing.unseal(keeping.sealing_key(), bytes(row.secret), context)


def _of_key(pkcs8: bytes) -> str:
    public = bringing.load_key(pkcs8).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(public).hexdigest()
