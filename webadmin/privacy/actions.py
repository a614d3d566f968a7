"""The verbs of keys for private mail, called by pages and API alike. No entry and no answer has a secret in it."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone

from mailservices.mail import sealing
from mailservices.mail.errors import ProtocolError
from mailservices.mail.openpgp import keys as openpgp
from mailservices.mail.privacy import PrivacyError
from mailservices.mail.vocabulary import Arrival, KeyKind, KeyOrigin, Trust
from webadmin.audit.changes import change, create
from webadmin.audit.record import Actor, record
from webadmin.directory.models import Account
from webadmin.privacy import reading
from webadmin.privacy.models import Key, Notice, Policy
from webadmin.privacy.owners import Owner, field, is_own, keys_of, must_own, name, normal, own_addresses, owner_of
from webadmin.privacy.reading import Read
from webadmin.scope import Right, verb

#: Keys of one account or domain, and addresses of one key that become rows.
KEYS = 5000
ADDRESSES = 20
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
        raise ValidationError({"key": "There is a private key in it. Of others you need the public key only."})
    return keep(actor, owner, found, KeyOrigin.UPLOADED, ours=ours)


@verb(Right.OWN)
def generate(actor: Actor, owner: Owner, address: str, years: int = YEARS_USUAL) -> Key:
    """A new OpenPGP key for an address of the account or domain. Its private half is kept here, sealed."""
    must_own(actor, owner)
    one = own_address(owner, address)
    shown = owner.display_name if isinstance(owner, Account) and one == owner.address else ""
    try:
        pair = openpgp.generate(" ".join(shown.replace("<", " ").replace(">", " ").split()), one, _end(years))
        found = reading.of_openpgp(pair.public, pair.secret)
    except PrivacyError as error:
        raise ValidationError({"address": str(error)}) from error
    return keep(actor, owner, found, KeyOrigin.GENERATED, ours=True)[0]


@verb(Right.OWN)
def renew(actor: Actor, key: Key, years: int = YEARS_USUAL) -> Key:
    """Let an OpenPGP key end later. Of a certificate, a new one is asked for (`requests`)."""
    must_own(actor, owner_of(key))
    if key.kind != KeyKind.OPENPGP:
        raise ValidationError("A certificate is renewed by its issuer: make a request for a new one.")
    try:
        pair = openpgp.renewed(opened(key), _end(years))
        described = openpgp.describe(pair.public)
    except PrivacyError as error:
        raise ValidationError(f"It cannot be renewed: {error}.") from error
    before = {"expires_at": _day(key.expires_at)}
    for one in _copies(key):
        one.public, one.secret = pair.public, sealed(key.kind, key.fingerprint, pair.secret)
        one.expires_at = described.expires_at
        one.save(update_fields=["public", "secret", "expires_at"])
    _nothing_to_tell(key)
    record(actor, "renew key", str(key), before, {"expires_at": _day(described.expires_at)})
    return Key.objects.get(pk=key.pk)


@verb(Right.OWN)
def revoke(actor: Actor, key: Key) -> Key:
    """Nobody is to use it any more; an OpenPGP key says so itself to whoever looks it up. It opens old mail."""
    must_own(actor, owner_of(key))
    if not key.ours or key.revoked_at is not None:
        raise ValidationError("Only a key of one's own can be revoked, and only once.")
    copies = _copies(key)
    _not_the_last(key, copies)
    public = key.public
    if key.kind == KeyKind.OPENPGP:
        try:
            public = openpgp.revoked(opened(key))
        except PrivacyError as error:
            raise ValidationError(f"It cannot be revoked: {error}.") from error
    for one in copies:
        one.public, one.revoked_at, one.signs, one.encrypts = public, timezone.now(), False, False
        # SMIMEA would go on saying that the certificate is good.
        one.published = one.published and key.kind == KeyKind.OPENPGP
        one.save(update_fields=["public", "revoked_at", "signs", "encrypts", "published"])
    record(actor, "revoke key", str(key), after=told(key))
    return Key.objects.get(pk=key.pk)


@verb(Right.OWN)
def delete(actor: Actor, key: Key) -> None:
    """Forget it, with its private half: what only it opens is closed for good, unless somebody has a copy."""
    must_own(actor, owner_of(key))
    _not_the_last(key, [key])
    record(actor, "delete key", str(key), before=told(key))
    key.delete()


@verb(Right.OWN)
def use(actor: Actor, key: Key, **uses: bool) -> Key:
    """What one's own key is for, of USES. Of those of one kind for one address, only one signs."""
    must_own(actor, owner_of(key))
    if unknown := uses.keys() - set(USES):
        raise TypeError(f"not changeable: {', '.join(sorted(unknown))}")
    wanted = {one for one, yes in uses.items() if yes and not getattr(key, one)}
    if wanted and not key.ours:
        raise ValidationError("It is somebody else's: mail to her is encrypted to it, and it is for nothing else.")
    if wanted & {"signs", "decrypts"} and key.secret is None:
        raise ValidationError("Its private half is not here: upload the key with it.")
    if wanted & {"signs", "encrypts"} and (key.revoked_at or _ended(key)):
        raise ValidationError("It has ended or was revoked: it opens old mail, and is good for nothing else.")
    _must_be_able(key, wanted)
    if uses.get("encrypts") is False and key.encrypts:
        _not_the_last(key, [key])
    if "signs" in wanted:
        _others(key).filter(signs=True).update(signs=False)
    return change(actor, "change use of key", key, uses)


def _must_be_able(key: Key, wanted: set[str]) -> None:
    """Raises ValidationError: many certificates are for one thing alone."""
    described = _describe(key)
    if "signs" in wanted and not described.signs:
        raise ValidationError("It does not sign: it is for encrypting only.")
    if "encrypts" in wanted and not described.encrypts:
        raise ValidationError("Nothing can be encrypted to it: it is for signatures only.")


@verb(Right.OWN)
def trust(actor: Actor, key: Key, word: str) -> Key:
    """Say whether somebody else's key is really hers: verified, seen or refused."""
    must_own(actor, owner_of(key))
    if key.ours:
        raise ValidationError({"trust": "It is one's own."})
    if word not in (Trust.VERIFIED, Trust.SEEN, Trust.REFUSED):
        raise ValidationError({"trust": "One of verified, seen, refused."})
    return change(actor, "change trust in key", key, {"trust": word})


# What the verbs here, and those of requests and directories, share


def keep(actor: Actor, owner: Owner, found: Read, origin: KeyOrigin, *, ours: bool) -> list[Key]:
    """Inside a verb: a row for each address that it may be for, new or renewed, with an entry for each."""
    addresses = _for(owner, found, ours=ours)
    if keys_of(owner).count() + len(addresses) > KEYS:
        raise ValidationError({"key": f"There are {KEYS} keys already: delete some first."})
    return [_keep(actor, owner, one, found, origin, ours=ours) for one in addresses]


def _for(owner: Owner, found: Read, *, ours: bool) -> list[str]:
    """The addresses in normal form for which it is kept."""
    named = []
    for text in found.described.addresses:
        try:
            named.append(normal(text))
        except ProtocolError:
            continue
    own = own_addresses(owner) if isinstance(owner, Account) else ()
    fitting = [one for one in dict.fromkeys(named) if is_own(owner, one, own) is ours]
    if fitting:
        return fitting[:ADDRESSES]
    told_names = ", ".join(found.described.addresses[:3])
    if ours:
        raise ValidationError({"key": f"It is for {told_names}: that is no address of {name(owner)}."})
    raise ValidationError({"key": f"It is for {told_names}: that is your own. Add it as a key of yours."})


def _keep(actor: Actor, owner: Owner, address: str, found: Read, origin: KeyOrigin, *, ours: bool) -> Key:
    described = found.described
    of_it = {"kind": found.kind.value, "fingerprint": described.fingerprint}
    row = keys_of(owner).filter(**of_it, address=address).select_for_update().first()
    values: dict[str, Any] = {
        "algorithm": described.algorithm[:100], "public": found.public, "chain": found.chain,
        "subject": described.subject, "issuer": described.issuer, "not_before": described.not_before,
        "expires_at": described.expires_at,
    }  # fmt: skip
    if found.secret is not None:
        values["secret"] = sealed(found.kind, described.fingerprint, found.secret)
    if row is None:
        first = _first_uses(owner, address, found) if ours else {}
        trusted = (Trust.OWN if ours else Trust.VERIFIED).value
        values |= {"address": address, "ours": ours, "origin": origin.value, "trust": trusted}
        row = create(Key, **of_it, **field(owner), **values, **first)
        record(actor, "add key", str(row), after=told(row))
        return row
    if found.kind is KeyKind.OPENPGP:
        _merge(row, found, values)
    before = told(row)
    for one, value in values.items():
        setattr(row, one, value)
    if not ours and row.trust == Trust.SEEN:
        # Somebody of us has brought what was only found before.
        row.trust = Trust.VERIFIED
    row.save()
    _nothing_to_tell(row)
    record(actor, "update key", str(row), before, told(row))
    return row


def _merge(row: Key, found: Read, values: dict[str, Any]) -> None:
    """Whatever the copy that is here says besides, such as that it was revoked, goes on to be said."""
    try:
        values["public"] = openpgp.merged(bytes(row.public), found.public)
        values["expires_at"] = openpgp.describe(values["public"]).expires_at
    except PrivacyError as error:
        raise ValidationError({"key": f"The copy that is here does not fit to it: {error}."}) from error


def _first_uses(owner: Owner, address: str, found: Read) -> dict[str, bool]:
    """A new key of one's own does what it can, where no other does it yet."""
    there = keys_of(owner).filter(kind=found.kind.value, address=address, ours=True)
    can_sign = found.secret is not None and found.described.signs
    return {
        "signs": can_sign and not there.filter(signs=True).exists(),
        "encrypts": found.described.encrypts,
        "published": True,
    }


def can_sign(key: Key) -> bool:
    return key.secret is not None and bool(_describe(key).signs)


def own_address(owner: Owner, text: str) -> str:
    """Raises ValidationError: it is none of the account's or domain's."""
    try:
        one = normal(text)
    except ProtocolError as error:
        raise ValidationError({"address": str(error)}) from error
    own = own_addresses(owner) if isinstance(owner, Account) else ()
    if not is_own(owner, one, own):
        raise ValidationError({"address": f"{one} is no address of {name(owner)}."})
    return one


def sealed(kind: str, fingerprint: str, secret: bytes | None) -> bytes | None:
    if secret is None:
        return None
    return sealing.seal(sealing_key(), secret, sealing.privacy_context(kind, fingerprint))


def opened(key: Key) -> bytes:
    """Its private half.

    Raises:
        ValidationError: it is not here.
    """
    if key.secret is None:
        raise ValidationError("Its private half is not here: do it where it was made, then upload it anew.")
    context = sealing.privacy_context(key.kind, key.fingerprint)
    return sealing.unseal(sealing_key(), bytes(key.secret), context)


def sealing_key() -> bytes:
    key: bytes = settings.CONFIG.sealing_key
    return key


def told(row: Key) -> dict[str, Any]:
    """What an entry says of it: never its private half."""
    return {
        "kind": row.kind,
        "owner": name(owner_of(row)),
        "algorithm": row.algorithm,
        "origin": row.origin,
        "trust": row.trust,
        "expires_at": _day(row.expires_at),
        "private half": "here" if row.secret is not None else "not here",
    }


def _describe(key: Key) -> Any:
    public = bytes(key.public)
    found = (
        reading.of_openpgp(public, None) if key.kind == KeyKind.OPENPGP else reading.of_smime(public, b"", None)
    )
    return found.described


def _end(years: int) -> datetime:
    if not 1 <= years <= YEARS_MOST:
        raise ValidationError({"years": f"From 1 to {YEARS_MOST} years."})
    return datetime.now(UTC) + timedelta(days=365 * years)


def _day(moment: datetime | None) -> str | None:
    return moment.date().isoformat() if moment else None


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
    if not key.encrypts or key.account_id is None:
        return
    wishes = Policy.objects.filter(account=key.account_id, on_arrival=key.kind).exclude(on_arrival=Arrival.OFF)
    left = Key.objects.filter(account=key.account_id, kind=key.kind, encrypts=True, ours=True)
    if wishes.exists() and not left.exclude(pk__in=[one.pk for one in gone]).exists():
        raise ValidationError(
            "What arrives is encrypted to it, and there is no other key for that: add one first, or switch the "
            "encryption of what arrives off."
        )


def _nothing_to_tell(key: Key) -> None:
    """What its owner was told of it does not hold any more; what comes is told anew."""
    if key.account_id is not None:
        Notice.objects.filter(account=key.account_id, fingerprint=key.fingerprint).delete()
