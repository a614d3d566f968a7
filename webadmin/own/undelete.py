"""Messages that an account has removed of late, and how they come back; the verb is as in actions.py."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext

from mailservices.mail import headers
from mailservices.mail.errors import MailboxFull, NoSuchFolder
from mailservices.mail.text import decode_field
from webadmin import engine
from webadmin.audit.record import Actor, record
from webadmin.directory.models import Account
from webadmin.mailstore.models import Content, Expunged, Mailbox, Message
from webadmin.scope import Right, own_or, verb

#: Messages that come back at once.
AT_ONCE = 500
_LETTERS = 200


@dataclass(frozen=True, slots=True)
class Removed:
    """One message that can be had back."""

    content_id: UUID
    removed_at: datetime
    folder: str
    sender: str
    subject: str


def removed_of(account: Account) -> QuerySet[Expunged]:
    """One tombstone for each message of which nothing is left elsewhere, the last removed first."""
    same = {"account_id": account.pk, "content_id": OuterRef("content_id")}
    later = Expunged.objects.filter(**same, expunged_at__gt=OuterRef("expunged_at"))
    return (
        Expunged.objects.filter(account_id=account.pk)
        .exclude(Exists(Message.objects.filter(**same)))
        .exclude(Exists(later))
        .order_by("-expunged_at", "-uid")
    )


def told(account: Account, stones: Sequence[Expunged]) -> list[Removed]:
    """What is shown of them."""
    found = Content.objects.filter(account_id=account.pk, content_id__in=[one.content_id for one in stones])
    fields = {one.content_id: bytes(one.header) for one in found}
    folders = {one.mailbox_id: one.name for one in Mailbox.objects.filter(account=account)}
    return [
        Removed(
            one.content_id, one.expunged_at, folders.get(one.mailbox_id, gettext("a folder that is gone")),
            _field(fields[one.content_id], b"from"), _field(fields[one.content_id], b"subject"),
        )
        for one in stones
        if one.content_id in fields
    ]  # fmt: skip


def _field(header: bytes, name: bytes) -> str:
    return decode_field(headers.first(header, name) or b"").replace("\0", "")[:_LETTERS]


@verb(Right.OWN)
def undelete(actor: Actor, account: Account, contents: Sequence[UUID], folder: str) -> int:
    """Put removed messages of the account into a folder of it; how many there were."""
    own_or(actor, account, Right.MANAGE)
    if not 0 < len(contents) <= AT_ONCE:
        raise ValidationError(
            {"contents": gettext("Tick some messages, at most {at_once} at once.").format(at_once=AT_ONCE)}
        )
    box = Mailbox.objects.filter(account=account, name=folder).first()
    if box is None:
        raise ValidationError({"folder": gettext("There is no folder {folder}.").format(folder=folder)})
    record(actor, "undelete messages", account.address, after={"messages": len(contents), "folder": folder})
    try:
        return engine.undelete(account.pk, box.mailbox_id, contents)
    except MailboxFull as error:
        raise ValidationError({"contents": gettext("They do not fit: the account is full.")}) from error
    except NoSuchFolder as error:
        raise ValidationError(
            {"folder": gettext("There is no folder {folder} any more.").format(folder=folder)}
        ) from error
