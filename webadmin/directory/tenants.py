"""The verbs of tenants, and how much of the appliance is handed down to them; as in actions.py."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Count, Sum
from django.utils.translation import gettext

from webadmin.audit.changes import change, create
from webadmin.audit.record import Actor, record
from webadmin.directory.models import Account, Domain, Tenant
from webadmin.scope import Right, verb

#: What `create_tenant` and `change_tenant` may be told.
FIELDS = ("name", "most_domains", "most_accounts", "most_bytes")


@verb(Right.OPERATE)
def create_tenant(actor: Actor, **values: Any) -> Tenant:
    """An organisation that domains may be given to. A limit that is None is none."""
    values = _checked(dict.fromkeys(FIELDS) | values)
    if Tenant.objects.filter(name=values["name"]).exists():
        raise ValidationError({"name": gettext("There is a tenant of that name already.")})
    tenant = create(Tenant, **values)
    record(actor, "create tenant", tenant.name, after=values)
    return tenant


@verb(Right.OPERATE)
def change_tenant(actor: Actor, tenant: Tenant, **changes: Any) -> Tenant:
    """Change what is named. A limit below what is there already lets nothing more be made."""
    values = _checked({name: getattr(tenant, name) for name in FIELDS} | changes)
    if Tenant.objects.filter(name=values["name"]).exclude(pk=tenant.pk).exists():
        raise ValidationError({"name": gettext("There is a tenant of that name already.")})
    return change(actor, "change tenant", tenant, values)


@verb(Right.OPERATE)
def delete_tenant(actor: Actor, tenant: Tenant) -> None:
    """Remove a tenant that has no domains and no administrators any more."""
    if tenant.domains.exists():
        raise ValidationError(
            gettext("{tenant} still has domains: delete them, or give them to somebody else, first.").format(
                tenant=tenant
            )
        )
    if tenant.administrators.exists():
        raise ValidationError(
            gettext("{tenant} still has administrators: delete them first.").format(tenant=tenant)
        )
    record(actor, "delete tenant", tenant.name, before={name: getattr(tenant, name) for name in FIELDS})
    tenant.delete()


def used(tenant: Tenant) -> dict[str, int]:
    """How many domains, accounts and octets of quotas it has."""
    living = Account.objects.filter(domain__tenant=tenant, deleted_at__isnull=True)
    found = living.aggregate(accounts=Count("pk"), bytes=Sum("quota_bytes", default=0))
    return {"domains": tenant.domains.count(), **{name: int(value) for name, value in found.items()}}


def hold_to_limits(domain: Domain) -> None:
    """Called inside a verb that has given the domain's tenant more.

    Raises:
        ValidationError: that is more than is handed down to it.
    """
    if domain.tenant_id is None:
        return
    # Two verbs side by side wait for each other here.
    tenant = Tenant.objects.select_for_update().get(pk=domain.tenant_id)
    there = used(tenant)
    if tenant.most_domains is not None and there["domains"] > tenant.most_domains:
        raise ValidationError(
            gettext("{tenant} may have {most_domains} domains, and has them.").format(
                tenant=tenant, most_domains=tenant.most_domains
            )
        )
    if tenant.most_accounts is not None and there["accounts"] > tenant.most_accounts:
        raise ValidationError(
            gettext("{tenant} may have {most_accounts} accounts, and has them.").format(
                tenant=tenant, most_accounts=tenant.most_accounts
            )
        )
    if tenant.most_bytes is None:
        return
    if Account.objects.filter(domain__tenant=tenant, deleted_at__isnull=True, quota_bytes__isnull=True).exists():
        raise ValidationError(
            {
                "quota_bytes": gettext("Each account of {tenant} needs a quota: its storage is limited.").format(
                    tenant=tenant
                )
            }
        )
    if there["bytes"] > tenant.most_bytes:
        free = tenant.most_bytes - there["bytes"]
        raise ValidationError(
            {
                "quota_bytes": gettext("That is {what} octets more than {tenant} has left.").format(
                    what=-free, tenant=tenant
                )
            }
        )


def _checked(values: dict[str, Any]) -> dict[str, Any]:
    """In normal form."""
    unknown = values.keys() - set(FIELDS)
    if unknown:
        raise TypeError(f"not changeable: {', '.join(sorted(unknown))}")
    name = (values["name"] or "").strip()
    if not name:
        raise ValidationError({"name": gettext("A tenant needs a name.")})
    for field, most in (("most_domains", 2**31), ("most_accounts", 2**31), ("most_bytes", 2**62)):
        if values[field] is not None and not 0 <= values[field] < most:
            raise ValidationError({field: gettext("A number, or nothing for no limit.")})
    return values | {"name": name}
