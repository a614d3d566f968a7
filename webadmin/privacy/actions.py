"""The verbs of keys for private mail, called by pages and API alike. No entry and no answer has a secret in it."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext

from mailservices.mail.openpgp import keys as openpgp
from mailservices.mail.privacy import PrivacyError
from mailservices.mail.vocabulary import Arrival, KeyKind, KeyOrigin, Trust
from webadmin.audit.changes import change
from webadmin.audit.record import Actor, record
from webadmin.directory.models import Account
from webadmin.privacy import keeping, reading
from webadmin.privacy.models import Directory, Key, Policy
from webadmin.privacy.owners import Owner, keys_of, must_own, owner_of
from webadmin.scope import Right, verb

#: For how many years a key is made or renewed, and what is usual.
YEARS_MOST, YEARS_USUAL = 10, 3
#: What `use` may be told.
USES = ("signs", "encrypts", "decrypts", "published")


@verb(Right.OWN)
def upload(actor: Actor, owner: Owner, octets: bytes, password: str = "", *, ours: bool = True) -> list[Key]:
    """Keep a key or certificate, one row for each of its addresses; a newer copy of one that is here renews it.

    Args:
        octets: OpenPGP, armoured or binary; a certificate and perhaps its key in PEM, DER, PKCS #7 or #12.
        password: of PKCS #12 or a key in PEM.
        ours: it is for addresses of the account or domain; else for somebody who is written to.
    """
    must_own(actor, owner)
    found = reading.read(octets, password, datetime.now(UTC))
    if not ours and found.secret is not None:
        raise ValidationError(
            {"key": gettext("There is a private key in it. Of others you need the public key only.")}
        )
    return keeping.keep(owner, found, KeyOrigin.UPLOADED, actor, ours=ours)


@verb(Right.OWN)
def generate(actor: Actor, owner: Owner, address: str, years: int = YEARS_USUAL) -> Key:
    """A new OpenPGP key for an address of the account or domain. Its private half is kept here, sealed."""
    must_own(actor, owner)
    one = keeping.own_address(owner, address)
    shown = owner.display_name if isinstance(owner, Account) and one == owner.address else ""
    try:
        pair = openpgp.generate(" ".join(shown.replace("<", " ").replace(">", " ").split()), one, _end(years))
        found = reading.of_openpgp(pair.public, pair.secret)
    except PrivacyError as error:
        raise ValidationError({"address": str(error)}) from error
    return keeping.keep(owner, found, KeyOrigin.GENERATED, actor, ours=True)[0]


@verb(Right.OWN)
def renew(actor: Actor, key: Key, years: int = YEARS_USUAL) -> Key:
    """Let an OpenPGP key end later. Of a certificate, a new one is asked for (`requests`)."""
    must_own(actor, owner_of(key))
    if key.kind != KeyKind.OPENPGP:
        raise ValidationError(gettext("A certificate is renewed by its issuer: make a request for a new one."))
    try:
        pair = openpgp.renewed(keeping.opened(key), _end(years))
        described = openpgp.describe(pair.public)
    except PrivacyError as error:
        raise ValidationError(gettext("It cannot be renewed: {cause}.").format(cause=error)) from error
    before = {"expires_at": keeping.day(key.expires_at)}
    for one in _copies(key):
        one.public, one.secret = pair.public, keeping.sealed(key.kind, key.fingerprint, pair.secret)
        one.expires_at = described.expires_at
        one.save(update_fields=["public", "secret", "expires_at"])
    keeping.nothing_to_tell(key)
    record(actor, "renew key", str(key), before, {"expires_at": keeping.day(described.expires_at)})
    return Key.objects.get(pk=key.pk)


@verb(Right.OWN)
def revoke(actor: Actor, key: Key) -> Key:
    """Nobody is to use it any more; an OpenPGP key says so itself to whoever looks it up. It opens old mail."""
    must_own(actor, owner_of(key))
    if not key.ours or key.revoked_at is not None:
        raise ValidationError(gettext("Only a key of one's own can be revoked, and only once."))
    copies = _copies(key)
    _not_the_last(key, copies)
    public = key.public
    if key.kind == KeyKind.OPENPGP:
        try:
            public = openpgp.revoked(keeping.opened(key))
        except PrivacyError as error:
            raise ValidationError(gettext("It cannot be revoked: {cause}.").format(cause=error)) from error
    for one in copies:
        one.public, one.revoked_at, one.signs, one.encrypts = public, timezone.now(), False, False
        # SMIMEA would go on saying that the certificate is good.
        one.published = one.published and key.kind == KeyKind.OPENPGP
        one.save(update_fields=["public", "revoked_at", "signs", "encrypts", "published"])
    record(actor, "revoke key", str(key), after=keeping.told(key))
    return Key.objects.get(pk=key.pk)


@verb(Right.OWN)
def delete(actor: Actor, key: Key) -> None:
    """Forget it, with its private half: what only it opens is closed for good, unless somebody has a copy."""
    must_own(actor, owner_of(key))
    _not_the_last(key, [key])
    record(actor, "delete key", str(key), before=keeping.told(key))
    key.delete()


@verb(Right.OWN)
def use(actor: Actor, key: Key, **uses: bool) -> Key:
    """What one's own key is for, of USES. Of those of one kind for one address, only one signs."""
    must_own(actor, owner_of(key))
    if unknown := uses.keys() - set(USES):
        raise TypeError(f"not changeable: {', '.join(sorted(unknown))}")
    wanted = {one for one, yes in uses.items() if yes and not getattr(key, one)}
    if wanted and not key.ours:
        raise ValidationError(
            gettext("It is somebody else's: mail to her is encrypted to it, and it is for nothing else.")
        )
    if wanted & {"signs", "decrypts"} and key.secret is None:
        raise ValidationError(gettext("Its private half is not here: upload the key with it."))
    if wanted & {"signs", "encrypts"} and (key.revoked_at or _ended(key)):
        raise ValidationError(
            gettext("It has ended or was revoked: it opens old mail, and is good for nothing else.")
        )
    _must_be_able(key, wanted)
    if uses.get("encrypts") is False and key.encrypts:
        _not_the_last(key, [key])
    if uses.get("decrypts") is False:
        _not_the_directorys(key, [key])
    if "signs" in wanted:
        _others(key).filter(signs=True).update(signs=False)
    return change(actor, "change use of key", key, uses)


def _must_be_able(key: Key, wanted: set[str]) -> None:
    """Raises ValidationError: many certificates are for one thing alone."""
    described = keeping.describe(key)
    if "signs" in wanted and not described.signs:
        raise ValidationError(gettext("It does not sign: it is for encrypting only."))
    if "encrypts" in wanted and not described.encrypts:
        raise ValidationError(gettext("Nothing can be encrypted to it: it is for signatures only."))


@verb(Right.OWN)
def trust(actor: Actor, key: Key, word: str) -> Key:
    """Say whether somebody else's key is really hers: verified, seen or refused."""
    must_own(actor, owner_of(key))
    if key.ours:
        raise ValidationError({"trust": gettext("It is one's own.")})
    if word not in (Trust.VERIFIED, Trust.SEEN, Trust.REFUSED):
        raise ValidationError({"trust": gettext("One of verified, seen, refused.")})
    return change(actor, "change trust in key", key, {"trust": word})


# Its copies, and those beside it


def _end(years: int) -> datetime:
    if not 1 <= years <= YEARS_MOST:
        raise ValidationError({"years": gettext("From 1 to {most} years.").format(most=YEARS_MOST)})
    return datetime.now(UTC) + timedelta(days=365 * years)


def _ended(key: Key) -> bool:
    return key.expires_at is not None and key.expires_at <= timezone.now()


def _copies(key: Key) -> list[Key]:
    """The same key for each address that it has, of one owner."""
    same = keys_of(owner_of(key)).filter(kind=key.kind, fingerprint=key.fingerprint, ours=key.ours)
    return list(same.select_for_update())


def _others(key: Key) -> Any:
    same = keys_of(owner_of(key)).filter(kind=key.kind, address=key.address, ours=True)
    return same.exclude(pk=key.pk)


def _not_the_last(key: Key, gone: Iterable[Key]) -> None:
    """Raises ValidationError: what arrives could not be encrypted any more."""
    _not_the_directorys(key, gone)
    if not key.encrypts or key.account_id is None:
        return
    wishes = Policy.objects.filter(account=key.account_id, on_arrival=key.kind).exclude(on_arrival=Arrival.OFF)
    lasts = Q(expires_at__isnull=True) | Q(expires_at__gt=timezone.now())
    left = Key.objects.filter(lasts, account=key.account_id, kind=key.kind, encrypts=True, ours=True)
    if wishes.exists() and not left.exclude(pk__in=[one.pk for one in gone]).exists():
        raise ValidationError(
            gettext(
                "What arrives is encrypted to it, and there is no other key for that: add one first, or switch "
                "the encryption of what arrives off."
            )
        )


def _not_the_directorys(key: Key, gone: Iterable[Key]) -> None:
    """Raises ValidationError: keys that come by mail could not be opened any more."""
    if not key.decrypts or not Directory.objects.filter(domain=key.domain_id, submission=key.address).exists():
        return
    others = Key.objects.filter(domain=key.domain_id, address=key.address, kind=key.kind, decrypts=True)
    if not others.filter(revoked_at__isnull=True).exclude(pk__in=[one.pk for one in gone]).exists():
        raise ValidationError(
            gettext(
                "What comes to the key directory by mail is opened by it, and by no other key: make another one "
                "for that first, or take no keys by mail."
            )
        )
