"""What asks for somebody: each alert says what is wrong and leads to where it is mended."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from mailservices.mail.vocabulary import KeyState, QueueState
from webadmin.audit.record import Actor
from webadmin.certificates.actions import ending
from webadmin.dashboard.figures import counted_until
from webadmin.directory.models import Account, Domain
from webadmin.policy.models import Notice
from webadmin.queue.models import Lane, Recipient
from webadmin.records.models import LastLook
from webadmin.scope import Right, may, reaches_all, visible
from webadmin.signing.models import DkimKey
from webadmin.trace.models import TraceEvent
from webadmin.webhooks.models import Webhook

#: How long a notice of the engine holds; while its reason lasts, it is renewed every hour.
NOTICE = timedelta(hours=2)
#: Accounts, destinations, domains and hooks of which the page tells.
ROWS = 5
#: A destination has to be down for so long before it is told of.
DOWN = timedelta(hours=1)
#: The workers count every hour: behind by more, there are none.
BEHIND = timedelta(hours=3)


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing to see to."""

    words: str
    #: Where it is mended; empty: not here.
    url: str = ""
    severe: bool = False
    #: What it is all about, where one sentence is not enough.
    title: str = ""


def alerts(who: Actor) -> list[Alert]:
    """The severe ones first."""
    day = Notice.objects.filter(Q(name="gateway") | Q(name__contains="sending "))
    notices = list(day.filter(at__gte=timezone.now() - timedelta(days=1)).order_by("-at"))
    found = [*_held(who), *_sending(who, notices), *_keys(who), *_records(who)]
    if may(who, Right.OPERATE):
        found += [*_gateway(notices), *_workers(), *_certificates(), *_down(), *_hooks()]
    return sorted(found, key=lambda one: not one.severe)


def _gateway(notices: list[Notice]) -> Iterator[Alert]:
    for notice in [one for one in notices if one.name == "gateway" and one.at >= timezone.now() - NOTICE]:
        yield Alert(
            f"Every client on port 25 shows as {notice.detail}, a private address: a gateway hides the real ones. "
            "SPF, reverse DNS, blocklists and limits then judge the gateway. Let the gateway speak the PROXY "
            "protocol and name it in FACTEUR_PROXY_FROM, or let it pass the clients' addresses on. Until then "
            "such checks refuse nothing for good.",
            severe=True, title="All mail seems to come from one address",
        )  # fmt: skip


def _workers() -> Iterator[Alert]:
    until = counted_until()
    if until is not None and timezone.now() - until > BEHIND and TraceEvent.objects.exists():
        words = (
            f"No worker has done its rounds since {until:%Y-%m-%d %H:%M} UTC: look whether worker and beat run."
        )
        yield Alert(words, severe=True)


def _held(who: Actor) -> Iterator[Alert]:
    count = visible(who, Recipient).filter(state=QueueState.HELD)[:1001].count()
    if count:
        many = (
            "1 recipient"
            if count == 1
            else f"{count} recipients"
            if count <= 1000
            else "more than 1,000 recipients"
        )
        words = f"Outgoing mail to {many} is held: see who sent it, then let it go or cancel it."
        yield Alert(words, f"{reverse('queue')}?state=held")


def _certificates() -> Iterator[Alert]:
    for row in ending():
        ends = "expired on" if row.until < timezone.now() else "ends on"
        words = f"The certificate for {', '.join(row.names)} {ends} {row.until:%Y-%m-%d}: renew it."
        yield Alert(words, reverse("certificates"), severe=row.until < timezone.now())


def _sending(who: Actor, notices: list[Notice]) -> Iterator[Alert]:
    """Who sends much, last first."""
    models: dict[str, type[Domain | Account]] = {"domain": Domain, "account": Account}
    told = 0
    for notice in [one for one in notices if "sending " in one.name]:
        page, pk = "domain" if notice.name.startswith("domain") else "account", int(notice.name.rpartition(" ")[2])
        if told < ROWS and (reaches_all(who) or visible(who, models[page]).filter(pk=pk).exists()):
            told += 1
            yield Alert(notice.detail, reverse(page, args=[pk]))


def _down() -> Iterator[Alert]:
    for lane in Lane.objects.filter(failures__gt=0, down_since__lt=timezone.now() - DOWN).order_by("down_since")[
        :ROWS
    ]:
        words = f"Nobody can be reached at {lane.lane} since {lane.down_since:%Y-%m-%d %H:%M} UTC: {lane.reason}"
        yield Alert(words, f"{reverse('queue')}?destination={lane.lane}")


def _keys(who: Actor) -> Iterator[Alert]:
    unseen: QuerySet[DkimKey] = visible(who, DkimKey).filter(
        state=KeyState.ACTIVE, asked_at__isnull=False, seen_since__isnull=True, domain__active=True
    )
    rows = unseen.values("domain_id", "domain__name").annotate(Count("pk")).order_by("domain__name")[:ROWS]
    for row in rows:
        words = f"The key that signs the mail of {row['domain__name']} is not in the DNS: publish its record."
        yield Alert(words, reverse("domain", args=[row["domain_id"]]))


def _records(who: Actor) -> Iterator[Alert]:
    for look in (
        visible(who, LastLook).exclude(problems=[]).select_related("domain").order_by("domain__name")[:ROWS]
    ):
        wrong, when = ", ".join(look.problems[:4]), f"{look.at:%Y-%m-%d %H:%M}"
        words = f"DNS of {look.domain.name}: {wrong}, when it was looked up on {when} UTC."
        yield Alert(words, reverse("domain", args=[look.domain_id]))


def _hooks() -> Iterator[Alert]:
    failing = Webhook.objects.exclude(active=True, failing_since=None).exclude(active=False, switched_off="")
    for hook in failing[:ROWS]:
        why = (
            f"takes nothing since {hook.failing_since:%Y-%m-%d %H:%M} UTC"
            if hook.active and hook.failing_since
            else f"is switched off: {hook.switched_off}"
        )
        yield Alert(f"The webhook {hook.url} {why}.", reverse("webhook", args=[hook.pk]))
