"""How keys are kept: a row for each address, the private half sealed; what entries of the audit say of them."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext

from mailservices.mail import sealing
from mailservices.mail.errors import ProtocolError
from mailservices.mail.openpgp import keys as openpgp
from mailservices.mail.privacy import PrivacyError
from mailservices.mail.vocabulary import KeyKind, KeyOrigin, Trust
from webadmin.audit.changes import create
from webadmin.audit.record import Actor, record
from webadmin.directory.models import Account
from webadmin.privacy import reading
from webadmin.privacy.models import Key, Notice
from webadmin.privacy.owners import Owner, field, is_own, keys_of, name, normal, own_addresses, owner_of
from webadmin.privacy.reading import Read

#: Keys of one account or domain, and addresses of one key that become rows.
KEYS = 5000
ADDRESSES = 20


def keep(owner: Owner, found: Read, origin: KeyOrigin, by: Actor, *, ours: bool) -> list[Key]:
    """Inside a verb: a row for each address that it may be for, new or renewed, with an entry for each."""
    addresses = _for(owner, found, ours=ours)
    if keys_of(owner).count() + len(addresses) > KEYS:
        raise ValidationError(
            {"key": gettext("There are {count} keys already: delete some first.").format(count=KEYS)}
        )
    return [_keep(owner, one, found, origin, by, ours=ours) for one in addresses]


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
        raise ValidationError(
            {
                "key": gettext("It is for {names}: that is no address of {owner}.").format(
                    names=told_names, owner=name(owner)
                )
            }
        )
    raise ValidationError(
        {"key": gettext("It is for {names}: that is your own. Add it as a key of yours.").format(names=told_names)}
    )


def _keep(owner: Owner, address: str, found: Read, origin: KeyOrigin, by: Actor, *, ours: bool) -> Key:
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
        first = _first_uses(owner, address, found, origin) if ours else {}
        trusted = (Trust.OWN if ours else Trust.VERIFIED).value
        values |= {"address": address, "ours": ours, "origin": origin.value, "trust": trusted}
        row = create(Key, **of_it, **field(owner), **values, **first)
        nothing_to_tell(row)
        record(by, "add key", str(row), after=told(row))
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
    nothing_to_tell(row)
    record(by, "update key", str(row), before, told(row))
    return row


def _merge(row: Key, found: Read, values: dict[str, Any]) -> None:
    """Whatever the copy that is here says besides, such as that it was revoked, goes on to be said."""
    try:
        values["public"] = openpgp.merged(bytes(row.public), found.public)
        values["expires_at"] = openpgp.describe(values["public"]).expires_at
    except PrivacyError as error:
        raise ValidationError(
            {"key": gettext("The copy that is here does not fit to it: {cause}.").format(cause=error)}
        ) from error


def _first_uses(owner: Owner, address: str, found: Read, origin: KeyOrigin) -> dict[str, bool]:
    """A new key of one's own does what it can, where no other does it yet. One that was made here signs only, for
    its owner's programs cannot read yet what others would encrypt to it.
    """
    there = keys_of(owner).filter(kind=found.kind.value, address=address, ours=True)
    can_sign = found.secret is not None and found.described.signs
    theirs = origin is not KeyOrigin.GENERATED
    return {
        "signs": can_sign and not there.filter(signs=True).exists(),
        "encrypts": theirs and found.described.encrypts,
        "published": theirs,
    }


def can_sign(key: Key) -> bool:
    return key.secret is not None and bool(describe(key).signs)


def own_address(owner: Owner, text: str) -> str:
    """Raises ValidationError: it is none of the account's or domain's."""
    try:
        one = normal(text)
    except ProtocolError as error:
        raise ValidationError({"address": str(error)}) from error
    own = own_addresses(owner) if isinstance(owner, Account) else ()
    if not is_own(owner, one, own):
        raise ValidationError(
            {"address": gettext("{address} is no address of {owner}.").format(address=one, owner=name(owner))}
        )
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
        raise ValidationError(
            gettext("Its private half is not here: do it where it was made, then upload it anew.")
        )
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
        "expires_at": day(row.expires_at),
        "private half": "here" if row.secret is not None else "not here",
    }


def describe(key: Key) -> Any:
    public = bytes(key.public)
    found = (
        reading.of_openpgp(public, None) if key.kind == KeyKind.OPENPGP else reading.of_smime(public, b"", None)
    )
    return found.described


def day(moment: datetime | None) -> str | None:
    return moment.date().isoformat() if moment else None


def nothing_to_tell(key: Key) -> None:
    """What its owner was told of it does not hold any more; what comes is told anew."""
    if key.account_id is not None:
        about = Q(about=Notice.BROKEN) | Q(fingerprint=key.fingerprint)
        Notice.objects.filter(about, account=key.account_id).delete()
