"""One change for many accounts: those that are ticked, or all that a search finds, in steps."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.utils.translation import gettext, gettext_noop

from webadmin.audit.record import Actor, record
from webadmin.directory import actions, lifecycle
from webadmin.directory.models import Account, Domain
from webadmin.jobs.models import Job
from webadmin.jobs.running import start
from webadmin.scope import Right, verb, visible

#: Accounts that are changed at once, and those of one step of a job.
AT_ONCE = 200
#: What may be done to many -> what is said of them after.
SAID = {
    "suspend": gettext_noop("suspended"),
    "resume": gettext_noop("switched on again"),
    "quota": gettext_noop("given that quota"),
    "sign-out": gettext_noop("signed out everywhere"),
    "delete": gettext_noop("deleted"),
}


def find(who: Actor, words: str = "", domain: str = "", ids: list[int] | None = None) -> QuerySet[Account]:
    """Accounts by a part of their address or name, and by their domain; or by their keys."""
    found = visible(who, Account).filter(deleted_at__isnull=True)
    if ids is not None:
        return found.filter(pk__in=ids)
    if words:
        found = found.filter(Q(address__contains=words.lower()) | Q(display_name__icontains=words))
    if domain:
        # By its key: the accounts of one domain are found before they are sorted.
        found = found.filter(domain_id__in=list(Domain.objects.filter(name=domain).values_list("pk", flat=True)))
    return found


@verb(Right.MANAGE)
def change_many(actor: Actor, what: str, chosen: dict[str, Any], quota_bytes: int | None = None) -> int | Job:
    """Do it to all that are chosen; how many they were, or the job that does it where they are very many.

    Args:
        what: a name of SAID.
        chosen: for `find`: words, domain or ids.

    Raises:
        ValidationError: nothing is chosen, or one of a few objects.
    """
    if what not in SAID:
        raise ValidationError({"what": gettext("One of {listed}.").format(listed=", ".join(SAID))})
    if not any(chosen.values()):
        raise ValidationError(gettext("Say which: tick some, or search for them first."))
    rows = find(actor, **chosen)
    total = rows.count()
    if total <= AT_ONCE:
        for account in rows.select_related("domain"):
            _change(actor, what, account, quota_bytes)
        return total
    last = rows.order_by("-pk").values_list("pk", flat=True)[0]
    told = {"what": what, "chosen": chosen, "quota_bytes": quota_bytes, "last": last}
    record(
        actor,
        f"{what} many accounts",
        f"{total} accounts",
        after={**chosen, "quota_bytes": quota_bytes},
    )
    return start(
        actor, "accounts", gettext("{total} accounts: {what}").format(total=total, what=what), told, total
    )


def _change(actor: Actor, what: str, account: Account, quota_bytes: int | None) -> None:
    match what:
        case "suspend" | "resume":
            actions.change_account(actor, account, active=what == "resume")
        case "quota":
            actions.change_account(actor, account, quota_bytes=quota_bytes)
        case "sign-out":
            lifecycle.sign_out(actor, account)
        case "delete":
            actions.delete_account(actor, account)


def step(job: Job, actor: Actor) -> bool:
    """The next ones, in the order of their keys; one that objects is told of, the others are changed."""
    told = job.told
    rows = find(actor, **told["chosen"]).filter(pk__gt=job.at.get("pk", 0), pk__lte=told["last"])
    accounts = list(rows.select_related("domain").order_by("pk")[:AT_ONCE])
    if not accounts:
        job.outcome = gettext("{count} accounts are {said}.").format(
            count=job.at.get("count", 0), said=gettext(SAID[told["what"]])
        )
        return True
    count = job.at.get("count", 0)
    for account in accounts:
        try:
            _change(actor, told["what"], account, told["quota_bytes"])
            count += 1
        except ValidationError as error:
            job.errors = [*job.errors, f"{account.address}: {' '.join(error.messages)}"][-200:]
    job.at = {"pk": accounts[-1].pk, "count": count}
    job.done += len(accounts)
    return False
