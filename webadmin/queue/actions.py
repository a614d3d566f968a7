"""The verbs of the queue: each is one UPDATE that the next sweep of the workers sees, with its entry."""

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from mailservices.mail.vocabulary import QueueState
from webadmin.audit.record import Actor, record
from webadmin.directory.models import Account
from webadmin.policy.models import Notice
from webadmin.queue.models import Recipient, Sending


def held_of(account: Account) -> QuerySet[Recipient]:
    """What the account has sent and nobody let go yet."""
    return Recipient.objects.filter(state=QueueState.HELD, message__account_id=account.pk)


@transaction.atomic
def release_held(actor: Actor, account: Account) -> int:
    """Send what was held, and let the account begin its day anew; how many recipients that were."""
    count = held_of(account).update(state=QueueState.WAITING, next_attempt_at=Now())
    _settle(actor, "release held mail", account, count)
    return count


@transaction.atomic
def discard_held(actor: Actor, account: Account) -> int:
    """Never send what was held; how many recipients that were. Nobody is told: it was hardly the sender's."""
    count = held_of(account).update(state=QueueState.CANCELLED, settled_at=Now())
    _settle(actor, "discard held mail", account, count)
    return count


def _settle(actor: Actor, verb: str, account: Account, count: int) -> None:
    Sending.objects.filter(account_id=account.pk).delete()
    Notice.objects.filter(name=f"sending {account.pk}").delete()
    record(actor, verb, account.address, after={"recipients": count})
