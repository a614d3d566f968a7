"""The verbs of the directory, called by pages, API and command line alike: one transaction each, with its entry.

A verb takes the actor first, checks everything that it is told, and raises ValidationError with one message per
field (or under "__all__") that says what to do.
"""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models.functions import Now
from django.utils.translation import gettext

from mailservices.mail import passwords, scram
from mailservices.mail.address import Address as MailAddress
from mailservices.mail.address import display_domain, normal_domain, parse
from mailservices.mail.errors import ProtocolError
from mailservices.mail.report_texts import ENGLISH, LANGUAGES
from mailservices.mail.vocabulary import CATCH_ALL, FIRST_FOLDERS, WILDCARD
from webadmin.audit.changes import change, create
from webadmin.audit.record import OPERATOR, Actor, record
from webadmin.directory.administrators import create_administrator, create_token
from webadmin.directory.models import Account, Address, Administrator, Domain, Role, SendAs, Tenant
from webadmin.directory.tenants import hold_to_limits
from webadmin.mailstore.models import Mailbox, Subscription, Usage
from webadmin.scope import Right, may, must, verb, visible
from webadmin.security.sessions import end_sessions
from webadmin.signing.actions import first_keys

__all__ = ["OPERATOR", "create_administrator", "create_token"]

# Domains


@verb(Right.DELEGATE)
def create_domain(actor: Actor, name: str, tenant: Tenant | None = None) -> Domain:
    """Take mail for this domain from now on. A tenant's administrator makes it her tenant's."""
    if actor.administrator and actor.administrator.role == Role.TENANT:
        tenant = actor.administrator.tenant
    normal = _domain_name(name)
    if Domain.objects.filter(name=normal).exists():
        raise ValidationError({"name": gettext("{normal} is here already.").format(normal=normal)})
    domain = create(Domain, name=normal, tenant=tenant)
    hold_to_limits(domain)
    first_keys(domain)
    record(actor, "create domain", normal, after={"tenant": str(tenant)} if tenant else None)
    return domain


#: What `change_domain` may be told.
SENDING = ("sending_messages", "sending_recipients", "sending_newcomers")
TOTALS = ("total_messages", "total_recipients", "total_newcomers")
DOMAIN_CHANGES = frozenset({"active", "alias_of", "detail_folders", "language", "tenant", *SENDING, *TOTALS})


@verb(Right.MANAGE)
def change_domain(actor: Actor, domain: Domain, **changes: Any) -> Domain:
    """Switch a domain off (its mail is refused, nobody of it can sign in) or on, or let it lead to another.

    Changes: active, alias_of (a domain, or None), detail_folders, language, the limits of SENDING for each of its
    accounts, and of TOTALS for all together (None is no limit); tenant (or None). Only the appliance's
    administrators give it to another tenant, and raise limits.
    """
    unknown = changes.keys() - DOMAIN_CHANGES
    if unknown:
        raise TypeError(f"not changeable: {', '.join(sorted(unknown))}")
    _refuse_limits({name: changes[name] for name in SENDING if name in changes})
    _refuse_limits({name: changes[name] for name in TOTALS if changes.get(name) is not None})
    if changes.get("language", ENGLISH) not in LANGUAGES:
        raise ValidationError({"language": gettext("Choose one of {listed}.").format(listed=", ".join(LANGUAGES))})
    _refuse_raised(actor, changes, {name: getattr(domain, name) for name in (*SENDING, *TOTALS)})
    if other := changes.get("alias_of"):
        _refuse_alias_domain(domain, other)
    if "tenant" in changes and changes["tenant"] != domain.tenant:
        must(actor, Right.OPERATE)
    change(actor, "change domain", domain, changes)
    if changes.get("tenant"):
        hold_to_limits(domain)
    return domain


def _refuse_raised(actor: Actor, changes: dict[str, Any], limits: dict[str, int | None]) -> None:
    """Limits are the appliance's: others may make them stricter."""
    if may(actor, Right.OPERATE):
        return
    for name in changes.keys() & limits.keys():
        wanted, most = changes[name], limits[name]
        if most is not None and (wanted is None or wanted > most):
            raise ValidationError(
                {name: gettext("At most {most}: only the appliance's administrators raise it.").format(most=most)}
            )


def _refuse_limits(limits: dict[str, int | None]) -> None:
    for name, limit in limits.items():
        if limit is None or not 0 < limit < 2**31:
            raise ValidationError({name: gettext("A limit is a positive number.")})


def _refuse_alias_domain(domain: Domain, other: Domain) -> None:
    if other.pk == domain.pk or other.alias_of_id is not None:
        raise ValidationError(
            {"alias_of": gettext("{name} leads to a domain itself: name that one.").format(name=other.name)}
        )
    if domain.addresses.exists():
        raise ValidationError(
            {"alias_of": gettext("{name} has addresses of its own: delete them first.").format(name=domain.name)}
        )
    if domain.alias_domains.exists():
        raise ValidationError(
            {"alias_of": gettext("Other domains lead to {name}: change them first.").format(name=domain.name)}
        )


@verb(Right.DELEGATE)
def delete_domain(actor: Actor, domain: Domain) -> None:
    """Remove a domain that has no accounts and no aliases any more."""
    if Account.objects.filter(domain=domain, deleted_at__isnull=True).exists():
        raise ValidationError(gettext("{name} still has accounts: delete them first.").format(name=domain.name))
    if domain.addresses.exists():
        raise ValidationError(gettext("{name} still has aliases: delete them first.").format(name=domain.name))
    if domain.alias_domains.exists():
        raise ValidationError(gettext("Other domains lead to {name}: change them first.").format(name=domain.name))
    if Account.objects.filter(domain=domain).exists():
        raise ValidationError(
            gettext("{name} has deleted accounts whose mail is kept for a while: try again later.").format(
                name=domain.name
            )
        )
    record(actor, "delete domain", domain.name)
    domain.delete()


def _domain_name(text: str) -> str:
    try:
        name = normal_domain(text.strip())
    except ProtocolError as error:
        raise ValidationError({"name": str(error)}) from error
    if "." not in name or name.startswith("["):
        raise ValidationError({"name": gettext("A domain has at least two parts, such as example.org.")})
    return name


# Accounts


@verb(Right.MANAGE)
def create_account(
    actor: Actor, address: str, password: str, quota_bytes: int | None = None, display_name: str = ""
) -> Account:
    """A mailbox with its first folders. It may be used as soon as this returns."""
    domain, local = local_address(actor, address, "address")
    if local == CATCH_ALL or WILDCARD in local:
        raise ValidationError({"address": gettext("An account needs a name before the @, and no asterisk.")})
    refuse_taken(domain, local)
    whole = f"{local}@{domain.name}"
    account = create(
        Account,
        domain=domain,
        address=whole,
        display_name=display_name.strip(),
        password=hashed(password),
        scram=_scram(whole, password),
        quota_bytes=_quota(quota_bytes),
    )
    create(Address, domain=domain, local_part=local, account=account)
    hold_to_limits(domain)
    _make_folders(account)
    record(actor, "create account", account.address, after={"quota_bytes": quota_bytes})
    return account


def _make_folders(account: Account) -> None:
    Usage.objects.create(account=account)
    for name, role in FIRST_FOLDERS:
        Mailbox.objects.create(account=account, name=name, special_use=role or "")
        Subscription.objects.create(account=account, name=name)


#: What `change_account` may be told, beside the password.
CHANGEABLE = frozenset({"quota_bytes", "quota_messages", "display_name", "active", *SENDING})


@verb(Right.RESET)
def change_account(actor: Actor, account: Account, *, password: str | None = None, **changes: Any) -> Account:
    """Change the quotas, display_name, active or the limits of SENDING (None is as its domain says).

    The password changes where one is given: whoever may do no more than help people may do that.
    """
    if changes:
        must(actor, Right.MANAGE)
    unknown = changes.keys() - CHANGEABLE
    if unknown:
        raise TypeError(f"not changeable: {', '.join(sorted(unknown))}")
    if "quota_bytes" in changes:
        changes["quota_bytes"] = _quota(changes["quota_bytes"])
    messages = changes.get("quota_messages")
    if messages is not None and not 0 < messages < 2**62:
        raise ValidationError(
            {"quota_messages": gettext("A positive number of messages, or nothing for no limit.")}
        )
    _refuse_limits({name: changes[name] for name in SENDING if changes.get(name) is not None})
    own = {name: changes[name] for name in SENDING if changes.get(name) is not None}
    _refuse_raised(actor, own, {name: getattr(account.domain, name) for name in SENDING})
    if password is not None:
        _set_password(actor, account, password)
    if changes.get("active", True) is False and account.active:
        end_sessions(account)
    change(actor, "change account", account, changes)
    if "quota_bytes" in changes:
        hold_to_limits(account.domain)
    return account


@verb(Right.OWN)
def change_own_password(actor: Actor, account: Account, password: str) -> None:
    """Of her own account, for which she has told the old one."""
    _set_password(actor, account, password)


@verb(Right.RESET)
def adopt_password(actor: Actor, account: Account, encoded: str) -> None:
    """The password of a hash that was made elsewhere (passwords.adopt); SCRAM does not know it."""
    _keep_password(actor, account, encoded, None)


def _set_password(actor: Actor, account: Account, password: str) -> None:
    _keep_password(actor, account, hashed(password), _scram(account.address, password))


def _keep_password(actor: Actor, account: Account, encoded: str, keys: bytes | None) -> None:
    """Whoever had the old one goes on nowhere."""
    account.password, account.scram = encoded, keys
    account.save(update_fields=["password", "scram"])
    end_sessions(account)
    record(actor, "change password", account.address)


@verb(Right.MANAGE)
def lend_addresses(actor: Actor, account: Account, addresses: Iterable[str]) -> Account:
    """Let the account send as exactly these addresses of ours and its own; @example.org is all of a domain's."""
    wanted = set()
    for text in addresses:
        domain, local = local_address(actor, text, "send_as")
        wanted.add(f"{local}@{domain.name}")
    before = sorted(account.send_as.values_list("address", flat=True))
    account.send_as.exclude(address__in=wanted).delete()
    for address in wanted.difference(before):
        SendAs.objects.create(account=account, address=address)
    if before != sorted(wanted):
        record(actor, "lend addresses", account.address, {"send_as": before}, {"send_as": sorted(wanted)})
    return account


@verb(Right.MANAGE)
def delete_account(actor: Actor, account: Account) -> None:
    """Nobody can sign in or send to it any more; maintenance removes its mail after the undelete window."""
    account.addresses.all().delete()
    Administrator.objects.filter(account=account).delete()
    account.active = False
    account.deleted_at = Now()
    account.save(update_fields=["active", "deleted_at"])
    end_sessions(account)
    record(actor, "delete account", account.address)


def hashed(password: str) -> str:
    """As it is kept."""
    refuse_password(password)
    return passwords.make(password)


def refuse_password(password: str) -> None:
    """Raises ValidationError: it cannot be one."""
    if not password:
        raise ValidationError({"password": gettext("A password is needed.")})
    if len(password.encode()) > passwords.OCTETS or "\0" in password:
        raise ValidationError(
            {
                "password": gettext("A password has at most {octets} octets, none of them NUL.").format(
                    octets=passwords.OCTETS
                )
            }
        )


def _scram(address: str, password: str) -> bytes | None:
    """By which SCRAM checks the same password; None for one that it cannot carry."""
    return scram.seal(settings.CONFIG.sealing_key, scram.derive(password), scram.account_context(address))


def _quota(octets: int | None) -> int | None:
    if octets is not None and not 0 < octets < 2**62:
        raise ValidationError(
            {"quota_bytes": gettext("A quota is a positive number of octets, or nothing for no limit.")}
        )
    return octets


# What the verbs share


def address_of(text: str, field: str) -> MailAddress:
    try:
        return parse(text.strip())
    except ProtocolError as error:
        raise ValidationError({field: f"{text.strip() or 'Nothing'}: {error}"}) from error


def local_address(who: Actor, text: str, field: str, known: Domain | None = None) -> tuple[Domain, str]:
    """The domain within reach and the local part; an empty local part is the catch-all.

    Args:
        known: the domain, where it was looked up before.
    """
    text = text.strip()
    if text.startswith("@"):
        local, name = CATCH_ALL, _domain_name(text[1:])
    else:
        address = address_of(text, field)
        local, name = address.key, address.domain
    domain = known or visible(who, Domain).filter(name=name).select_related("alias_of").first()
    if domain is None:
        raise ValidationError(
            {
                field: gettext("{display_domain} is not a domain of this appliance: create it first.").format(
                    display_domain=display_domain(name)
                )
            }
        )
    if domain.alias_of:
        raise ValidationError(
            {
                field: gettext("{name} leads to {name2}: create it there.").format(
                    name=domain.name, name2=domain.alias_of.name
                )
            }
        )
    return domain, local


def refuse_taken(domain: Domain, local: str) -> None:
    if Address.objects.filter(domain=domain, local_part=local).exists():
        raise ValidationError(
            {"address": gettext("{local}@{name} is taken.").format(local=local, name=domain.name)}
        )
