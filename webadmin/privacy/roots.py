"""Roots of S/MIME: whom the appliance believes whose a certificate is. The engine sees changes soon."""

from datetime import UTC, datetime

from cryptography import x509
from django.core.exceptions import ValidationError
from django.utils.translation import gettext

from mailservices.mail.privacy import PrivacyError
from mailservices.mail.smime import bringing, certificates
from webadmin.audit.changes import create
from webadmin.audit.record import Actor, record
from webadmin.privacy.models import Root
from webadmin.scope import Right, verb

#: How many there may be: each is looked at for each signature.
ROOTS = 100


@verb(Right.OPERATE)
def add_root(actor: Actor, certificate: str) -> Root:
    """Trust whoever holds this certificate (PEM) to issue such for mail, as the authority of a company does."""
    der = _issuer(certificate)
    described = certificates.describe(der)
    if described.expires_at is None or described.expires_at <= datetime.now(UTC):
        raise ValidationError({"certificate": gettext("It has expired: ask its owner for a new one.")})
    if Root.objects.filter(fingerprint=described.fingerprint).exists():
        raise ValidationError({"certificate": gettext("It is trusted already.")})
    if Root.objects.count() >= ROOTS:
        raise ValidationError(
            {"certificate": gettext("There are {count} already: remove one first.").format(count=ROOTS)}
        )
    row = create(
        Root, fingerprint=described.fingerprint, subject=described.subject, certificate=der,
        expires_at=described.expires_at,
    )  # fmt: skip
    record(actor, "add root", str(row), after={"fingerprint": row.fingerprint})
    return row


@verb(Right.OPERATE)
def remove_root(actor: Actor, root: Root) -> None:
    """Trust it no more: what it has issued is untrusted from now on."""
    record(actor, "remove root", str(root), before={"fingerprint": root.fingerprint})
    root.delete()


def _issuer(text: str) -> bytes:
    """The certificate in DER, which says of itself that it may issue (RFC 5280 §4.2.1.9)."""
    try:
        brought = bringing.read(text.encode())
        read = certificates.load(brought.certificate)
    except PrivacyError as error:
        raise ValidationError({"certificate": str(error)}) from error
    if brought.key is not None:
        raise ValidationError(
            {"certificate": gettext("There is a private key in it. Only the certificate is needed.")}
        )
    try:
        may_issue = read.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        may_issue = False
    if not may_issue:
        raise ValidationError(
            {"certificate": gettext("It may not issue others: it is no root. Bring the issuer's own.")}
        )
    return brought.certificate
