"""What asks for somebody: each alert says what is wrong and leads to where it is mended."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext

from mailservices.mail.vocabulary import KeyState, QueueState
from webadmin.audit.record import Actor
from webadmin.certificates.actions import ending as certificates_ending
from webadmin.dashboard.figures import counted_until, kept
from webadmin.directory.models import Account, Domain
from webadmin.policy.models import Notice
from webadmin.privacy.models import Key
from webadmin.privacy.models import Notice as PrivacyNotice
from webadmin.privacy.warnings import ending
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
    found = [*_held(who), *_sending(who, notices), *_keys(who), *_private(who), *_records(who)]
    if may(who, Right.OPERATE):
        found += [*_gateway(notices), *_workers(who), *_certificates(), *_down(), *_hooks()]
    return sorted(found, key=lambda one: not one.severe)


def _gateway(notices: list[Notice]) -> Iterator[Alert]:
    for notice in [one for one in notices if one.name == "gateway" and one.at >= timezone.now() - NOTICE]:
        yield Alert(
            gettext(
                "Every client on port 25 shows as {detail}, a private address: a gateway hides the real ones. "
                "SPF, reverse DNS, blocklists and limits then judge the gateway. Let the gateway speak the PROXY "
                "protocol and name it in FACTEUR_PROXY_FROM, or let it pass the clients' addresses on. Until "
                "then such checks refuse nothing for good."
            ).format(detail=notice.detail),
            severe=True,
            title=gettext("All mail seems to come from one address"),
        )


def _workers(who: Actor) -> Iterator[Alert]:
    [until] = kept(who, "counted", lambda: [counted_until()])
    if until is not None and timezone.now() - until > BEHIND and TraceEvent.objects.exists():
        words = gettext(
            "No worker has done its rounds since {until:%Y-%m-%d %H:%M} UTC: look whether worker and beat run."
        ).format(until=until)
        yield Alert(words, severe=True)


def _held(who: Actor) -> Iterator[Alert]:
    count = visible(who, Recipient).filter(state=QueueState.HELD)[:1001].count()
    if count:
        many = (
            ngettext("{count} recipient", "{count} recipients", count).format(count=count)
            if count <= 1000
            else gettext("more than 1,000 recipients")
        )
        words = gettext("Outgoing mail to {many} is held: see who sent it, then let it go or cancel it.").format(
            many=many
        )
        yield Alert(words, f"{reverse('queue')}?state=held")


def _certificates() -> Iterator[Alert]:
    for row in certificates_ending():
        words = (
            gettext("The certificate for {names} expired on {until:%Y-%m-%d}: renew it.")
            if row.until < timezone.now()
            else gettext("The certificate for {names} ends on {until:%Y-%m-%d}: renew it.")
        ).format(names=", ".join(row.names), until=row.until)
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
        words = gettext("Nobody can be reached at {lane} since {since:%Y-%m-%d %H:%M} UTC: {reason}").format(
            lane=lane.lane, since=lane.down_since, reason=lane.reason
        )
        yield Alert(words, f"{reverse('queue')}?destination={lane.lane}")


def _keys(who: Actor) -> Iterator[Alert]:
    unseen: QuerySet[DkimKey] = visible(who, DkimKey).filter(
        state=KeyState.ACTIVE, asked_at__isnull=False, seen_since__isnull=True, domain__active=True
    )
    rows = unseen.values("domain_id", "domain__name").annotate(Count("pk")).order_by("domain__name")[:ROWS]
    for row in rows:
        words = gettext("The key that signs the mail of {name} is not in the DNS: publish its record.").format(
            name=row["domain__name"]
        )
        yield Alert(words, reverse("domain", args=[row["domain_id"]]))


def _private(who: Actor) -> Iterator[Alert]:
    """Keys for private mail that end within a month, and what could not be encrypted."""
    now = timezone.now()
    for key in ending(visible(who, Key).select_related("account", "domain"))[:ROWS]:
        over = key.expires_at is not None and key.expires_at < now
        words = (
            gettext("The key of {address} ended on {end:%Y-%m-%d}: renew it.")
            if over
            else gettext("The key of {address} ends on {end:%Y-%m-%d}: renew it.")
        ).format(address=key.address, end=key.expires_at)
        yield Alert(words, reverse("key", args=[key.pk]), severe=over)
    for account in visible(who, Account).filter(privacy_notices__about=PrivacyNotice.BROKEN).distinct()[:ROWS]:
        words = gettext("Mail to {address} could not be encrypted on arrival: see to its keys.")
        words = words.format(address=account.address)
        yield Alert(words, reverse("account-private", args=[account.pk]), severe=True)


def _records(who: Actor) -> Iterator[Alert]:
    for look in (
        visible(who, LastLook).exclude(problems=[]).select_related("domain").order_by("domain__name")[:ROWS]
    ):
        told = [one.rpartition(" ") for one in look.problems[:4]]
        wrong = ", ".join(f"{what} {gettext(state)}" for what, _, state in told)
        when = f"{look.at:%Y-%m-%d %H:%M}"
        words = gettext("DNS of {name}: {wrong}, when it was looked up on {when} UTC.").format(
            name=look.domain.name, wrong=wrong, when=when
        )
        yield Alert(words, reverse("domain", args=[look.domain_id]))


def _hooks() -> Iterator[Alert]:
    failing = Webhook.objects.exclude(active=True, failing_since=None).exclude(active=False, switched_off="")
    for hook in failing[:ROWS]:
        words = (
            gettext("The webhook {url} takes nothing since {since:%Y-%m-%d %H:%M} UTC.")
            if hook.active and hook.failing_since
            else gettext("The webhook {url} is switched off: {why}.")
        ).format(url=hook.url, since=hook.failing_since, why=hook.switched_off)
        yield Alert(words, reverse("webhook", args=[hook.pk]))
