"""What administrators have set while it runs: the value, the default, the meaning, and who changed it last."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext, gettext_lazy

from mailservices.mail.policy import CONNECTIONS_PER_MINUTE, MESSAGES_PER_MINUTE
from webadmin.audit.models import Entry
from webadmin.policy.actions import FIELDS, inbound_of
from webadmin.policy.models import InboundPolicy, Limit

#: Entries that are looked through for who changed something.
ENTRIES = 500
MEANINGS = {
    "spf": gettext_lazy("SPF: what becomes of mail from where its sender's domain does not send"),
    "dkim": gettext_lazy("DKIM: what becomes of mail of which no signature holds"),
    "dmarc": gettext_lazy("DMARC: what becomes of mail that the domain in From disowns"),
    "iprev": gettext_lazy("What becomes of mail from an address without a name"),
    "helo": gettext_lazy("What becomes of mail from a host that greets with a wrong name"),
    "dnslists": gettext_lazy("Whether the DNS lists are asked"),
    "greylist": gettext_lazy("Whether strangers are asked to come again (greylisting)"),
    "reports": gettext_lazy("Whether domains that ask for reports get them"),
}


@dataclass(frozen=True, slots=True)
class Told:
    """One setting of the database."""

    meaning: str
    value: Any
    default: Any
    #: The page that changes it.
    page: str
    changed: Entry | None


def told() -> list[Told]:
    """All of them that hold for the whole appliance."""
    return [*_policy(), *_limits()]


def _policy() -> Iterator[Told]:
    now, first = inbound_of(None), InboundPolicy()
    entries = list(
        Entry.objects.filter(subject="the appliance", verb__contains="inbound policy").order_by("-pk")[:ENTRIES]
    )
    for name in FIELDS:
        last = next((one for one in entries if name in (one.after or one.before or {})), None)
        yield Told(str(MEANINGS.get(name, name)), getattr(now, name), getattr(first, name), "policy", last)


def _limits() -> Iterator[Told]:
    rows = dict(Limit.objects.values_list("name", "per_minute"))
    for name, default in (("connections", CONNECTIONS_PER_MINUTE), ("messages", MESSAGES_PER_MINUTE)):
        last = Entry.objects.filter(verb="change limit", subject=name).order_by("-pk").first()
        yield Told(
            gettext("{capitalize} that one address may have a minute").format(capitalize=name.capitalize()),
            rows.get(name, default),
            default,
            "policy",
            last,
        )
