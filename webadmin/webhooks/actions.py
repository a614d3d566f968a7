"""The verbs of webhooks. One transaction each, with its entry; what changed holds within seconds."""

import secrets
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext

from mailservices.mail import address, sealing, webhooks
from mailservices.mail.errors import ProtocolError
from mailservices.mail.webhooks import KINDS, SECRET_OCTETS, Happening, Kind
from webadmin.audit.changes import change, create
from webadmin.audit.record import Actor, record
from webadmin.queue.models import Recipient
from webadmin.scope import Right, verb
from webadmin.webhooks.models import WAITING, Delivery, Webhook

#: What a hook may be told, beside its secret.
FIELDS = ("url", "kinds", "domain", "note", "active")


@verb(Right.OPERATE)
def create_webhook(actor: Actor, **values: Any) -> tuple[Webhook, str]:
    """Tell this URL from now on; the hook, and the secret that signs what it is told. Nobody is shown it again."""
    checked = _checked({"domain": "", "note": "", "active": True, "kinds": list(KINDS)} | values)
    secret = secrets.token_bytes(SECRET_OCTETS)
    row = create(Webhook, **checked, secret=_sealed(secret, checked["url"]))
    record(actor, "create webhook", row.url, after={name: checked[name] for name in FIELDS})
    return row, webhooks.told_secret(secret)


@verb(Right.OPERATE)
def change_webhook(actor: Actor, row: Webhook, **changes: Any) -> Webhook:
    """Change what is named. Who is switched on again begins anew."""
    row = Webhook.objects.select_for_update().get(pk=row.pk)
    values = _checked({name: getattr(row, name) for name in FIELDS} | changes)
    if values["url"] != row.url:
        opened = sealing.unseal(settings.CONFIG.sealing_key, bytes(row.secret), sealing.webhook_context(row.url))
        row.secret = _sealed(opened, values["url"])
        row.save(update_fields=["secret"])
    if values["active"] and not row.active:
        row.failing_since, row.switched_off = None, ""
        row.save(update_fields=["failing_since", "switched_off"])
    return change(actor, "change webhook", row, values)


@verb(Right.OPERATE)
def renew_secret(actor: Actor, row: Webhook) -> str:
    """A new secret: the old one signs nothing any more."""
    secret = secrets.token_bytes(SECRET_OCTETS)
    row.secret = _sealed(secret, row.url)
    row.save(update_fields=["secret"])
    record(actor, "renew webhook's secret", row.url)
    return webhooks.told_secret(secret)


@verb(Right.OPERATE)
def delete_webhook(actor: Actor, row: Webhook) -> None:
    """It is told nothing more, and what it was told is forgotten."""
    record(actor, "delete webhook", row.url, before={"kinds": row.kinds, "domain": row.domain})
    # In the order in which workers lock them: whoever is telling it something comes to an end, and nobody begins.
    list(Delivery.objects.filter(webhook=row).order_by("pk").select_for_update().values_list("pk", flat=True))
    list(Webhook.objects.filter(pk=row.pk).select_for_update())
    row.delete()


@verb(Right.OPERATE)
def send_test(actor: Actor, row: Webhook) -> Delivery:
    """Tell it that this is a test, at once."""
    if not row.active:
        raise ValidationError(gettext("It is switched off: switch it on first."))
    body = Happening(Kind.TEST, timezone.now()).body()
    made = Delivery.objects.create(webhook=row, kind=Kind.TEST, body=body)
    record(actor, "test webhook", row.url)
    return made


@verb(Right.OPERATE)
def redeliver(actor: Actor, chosen: QuerySet[Delivery]) -> int:
    """Tell these again, at once, under the ids that they have; how many they are."""
    rows = chosen.filter(webhook__active=True)
    urls = sorted(set(rows.values_list("webhook__url", flat=True)))
    count = rows.update(state=WAITING, tries=0, next_try_at=Now(), settled_at=None)
    if count:
        record(actor, "redeliver to webhook", ", ".join(urls), after={"deliveries": count})
    return count


def tell(kind: Kind, recipients: QuerySet[Recipient]) -> None:
    """Let hooks know what a verb does to these recipients; within the verb's transaction."""
    hooks = list(Webhook.objects.filter(active=True, kinds__contains=[kind.value]))
    if not hooks:
        return
    now = timezone.now()
    happened = [
        Happening(
            kind, now, one.message_id.hex, one.message.sender, one.address, one.message.message_id_field,
            one.message.envid, one.last_reply,
        )
        for one in recipients.select_related("message")
    ]  # fmt: skip
    Delivery.objects.bulk_create(
        Delivery(webhook=hook, kind=kind.value, body=one.body())
        for hook in hooks
        for one in happened
        if hook.domain in ("", *one.domains)
    )


def _sealed(secret: bytes, url: str) -> bytes:
    return sealing.seal(settings.CONFIG.sealing_key, secret, sealing.webhook_context(url))


def _checked(values: dict[str, Any]) -> dict[str, Any]:
    """In normal form."""
    unknown = values.keys() - set(FIELDS)
    if unknown:
        raise TypeError(f"not changeable: {', '.join(sorted(unknown))}")
    kinds = [kind.value for kind in KINDS if kind in values["kinds"]]
    if not kinds or set(values["kinds"]) - set(kinds):
        raise ValidationError({"kinds": gettext("Choose from {listed}.").format(listed=", ".join(KINDS))})
    try:
        url = str(webhooks.target(values["url"].strip()))
    except ProtocolError as error:
        raise ValidationError({"url": f"{error}."}) from error
    try:
        domain = address.normal_domain(values["domain"].strip()) if values["domain"].strip() else ""
    except ProtocolError as error:
        raise ValidationError({"domain": str(error)}) from error
    return values | {"url": url, "kinds": kinds, "domain": domain}


def search(row: Webhook, words: str) -> QuerySet[Delivery]:
    """What the hook is told, the newest first; of these words."""
    found = row.deliveries.order_by("-created_at")
    return found.filter(Q(body__icontains=words) | Q(kind=words)) if words else found
