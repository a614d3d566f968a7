"""The verb by which an owner takes the private half of her key into her own programs."""

from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils.translation import gettext

from mailservices.mail.openpgp import publishing
from mailservices.mail.smime import bringing, certificates
from mailservices.mail.vocabulary import KeyKind
from webadmin.audit.record import Actor, record
from webadmin.privacy import keeping
from webadmin.privacy.models import Key
from webadmin.privacy.owners import must_own, owner_of
from webadmin.scope import Right, verb

PASSWORD_CHARACTERS = 8
PKCS12_TYPE = "application/x-pkcs12"


@verb(Right.OWN)
def take(actor: Actor, key: Key, password: str = "") -> tuple[bytes, str, str]:
    """The private half: its octets, media type, and the name of the file. Of an account, to its owner alone.

    Args:
        password: by which a file of PKCS #12 is locked. An OpenPGP key is told as it is.
    """
    must_own(actor, owner_of(key))
    who = actor.administrator
    if key.account_id is not None and (who is None or who.account_id != key.account_id):
        raise PermissionDenied(gettext("Only its owner takes it."))
    secret = keeping.opened(key)
    if key.kind == KeyKind.OPENPGP:
        octets, media_type, ending = publishing.private(secret).encode(), "application/pgp-keys", "asc"
    else:
        octets, media_type, ending = _pkcs12(key, secret, password), PKCS12_TYPE, "p12"
    record(actor, "take private half", str(key))
    return octets, media_type, f"{key.address}-private.{ending}"


def _pkcs12(key: Key, secret: bytes, password: str) -> bytes:
    if len(password) < PASSWORD_CHARACTERS:
        raise ValidationError(
            {"password": gettext("At least {count} characters lock the file.").format(count=PASSWORD_CHARACTERS)}
        )
    return pkcs12.serialize_key_and_certificates(
        key.address.encode(),
        bringing.load_key(secret),
        certificates.load(bytes(key.public)),
        certificates.load_all(bytes(key.chain)),
        BestAvailableEncryption(password.encode()),
    )
