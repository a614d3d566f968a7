"""The verbs of a domain's directory of keys (WKD), and what it shows."""

from django.core.exceptions import ValidationError
from django.db.models import Exists, F, OuterRef, QuerySet, Value
from django.db.models.functions import Concat
from django.utils import timezone
from django.utils.translation import gettext

from mailservices.mail.vocabulary import INBOX, KeyKind
from webadmin.audit.changes import change, create
from webadmin.audit.record import Actor
from webadmin.directory.models import Account, Domain
from webadmin.privacy import actions, keeping
from webadmin.privacy.models import Directory, Key
from webadmin.privacy.owners import keys_of, own_addresses
from webadmin.scope import Right, verb


def directory_of(domain: Domain) -> Directory:
    """How it stands; it need not be a row."""
    return Directory.objects.filter(domain=domain).first() or Directory(domain=domain)


def shown(domain: Domain, kind: KeyKind) -> QuerySet[Key]:
    """What others may know: keys of addresses of the domain, by whichever of its owners."""
    living = _living(Key.objects.filter(address__endswith=f"@{domain.name}"), kind)
    return living.order_by("address", F("revoked_at").desc(nulls_first=True), "-created_at", "-pk")


def _living(keys: QuerySet[Key], kind: KeyKind) -> QuerySet[Key]:
    found = keys.filter(kind=kind, ours=True, published=True)
    return found.filter(account__isnull=True) | found.filter(
        account__active=True, account__deleted_at__isnull=True
    )


def with_directory(domains: QuerySet[Domain]) -> QuerySet[Domain]:
    """The same, and what `offers` asks of each: with one question for all."""
    theirs = _living(Key.objects.filter(address__endswith=Concat(Value("@"), OuterRef("name"))), KeyKind.OPENPGP)
    return domains.select_related("privacy_directory").annotate(shows_keys=Exists(theirs))


def offers(domain: Domain) -> bool:
    """Whether others find OpenPGP keys of the domain."""
    if hasattr(domain, "shows_keys"):
        row = getattr(domain, "privacy_directory", None)
        return bool(domain.shows_keys) and (row is None or row.active)
    return directory_of(domain).active and shown(domain, KeyKind.OPENPGP).exists()


@verb(Right.MANAGE)
def set_directory(
    actor: Actor, domain: Domain, *, active: bool | None = None, submission: str | None = None
) -> Directory:
    """Show the domain's keys to whoever asks for one, or not; take keys by mail. None: as it is.

    Args:
        submission: an address of the domain that leads to one account here; empty: no keys are taken by mail.
    """
    Domain.objects.select_for_update().get(pk=domain.pk)
    row = directory_of(domain)
    if row._state.adding:  # noqa: SLF001 - Django's public name for it
        row = create(Directory, domain=domain)
    changes: dict[str, object] = {}
    if active is not None:
        changes["active"] = active
    if submission is not None:
        changes |= _taking(actor, domain, submission.strip(), row)
    return change(actor, "change key directory", row, changes)


def _taking(actor: Actor, domain: Domain, text: str, row: Directory) -> dict[str, object]:
    """What changes when keys are taken there, and from now on; a key for it is made if there is none."""
    if not text:
        return {"submission": "", "account": None}
    try:
        one = keeping.own_address(domain, text)
    except ValidationError as error:
        raise ValidationError({"submission": error.messages}) from error
    account = _behind(domain, one)
    if account is None:
        raise ValidationError(
            {
                "submission": gettext(
                    "{address} does not lead to one account here: make one for it first."
                ).format(address=one)
            }
        )
    now = timezone.now()
    there = keys_of(domain).filter(kind=KeyKind.OPENPGP, address=one, decrypts=True, revoked_at__isnull=True)
    if not there.exclude(expires_at__lt=now).exists():
        made = actions.generate(actor, domain, one)
        actions.use(actor, made, decrypts=True, published=True)
    if (row.submission, row.account_id) != (one, account.pk):
        # What came before is no submission.
        inbox = account.mailboxes.get(name=INBOX)
        Directory.objects.filter(pk=row.pk).update(read_uid=inbox.uidnext - 1)
    return {"submission": one, "account": account}


def _behind(domain: Domain, one: str) -> Account | None:
    local = one.rpartition("@")[0]
    found = domain.addresses.filter(local_part=local).first()
    if found is None:
        return None
    if found.account_id is not None:
        account = found.account
    else:
        targets = list(found.targets.values_list("address", flat=True))
        account = Account.objects.filter(address__in=targets[:1]).first() if len(targets) == 1 else None
    if account is None or account.deleted_at is not None or one not in own_addresses(account):
        return None
    return account
