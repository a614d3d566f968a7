"""Looking records up now: all checks of a domain at once, and our own addresses in blocklists."""

from dataclasses import dataclass, replace

from django.conf import settings
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext

from mailservices.mail import dnslist, mta_sts
from mailservices.mail.address import parse
from mailservices.mail.dnslist import DnsList, Meaning, parse_codes
from mailservices.mail.policy import ListEffect
from mailservices.mail.questions import Addresses, Flow, Found, Trouble, Txt
from mailservices.mail.vocabulary import KeyKind
from webadmin import engine
from webadmin.directory.models import Domain
from webadmin.policy.models import DnsList as Chosen
from webadmin.privacy.directory import shown
from webadmin.queue.models import Source
from webadmin.records import advice
from webadmin.records.actions import policy_text
from webadmin.records.advice import Record
from webadmin.records.checks import State, Verdict
from webadmin.records.models import LastLook, StsOffer

#: Lists that many hosts ask, beside those that the policy names.
KNOWN_LISTS = ("zen.spamhaus.org", "bl.spamcop.net", "b.barracudacentral.org", "psbl.surriel.com")


def look_up(domain: Domain) -> list[tuple[Record, Verdict]]:
    """Every record of the domain, and what the DNS says of it. Takes as long as the slowest name server."""
    records = advice.records(domain)
    verdicts = engine.resolve([record.check() for record in records])
    told = [
        (record, _more(domain, record, verdict) if verdict.state is State.FOUND else verdict)
        for record, verdict in zip(records, verdicts, strict=True)
    ]
    problems = [found for record, verdict in told if (found := record.problem(verdict.state))]
    LastLook.objects.update_or_create(domain=domain, defaults={"at": timezone.now(), "problems": problems})
    return told


def _more(domain: Domain, record: Record, verdict: Verdict) -> Verdict:
    """What no question to the DNS alone can tell."""
    match record.more:
        case "spf":
            results = engine.spf(settings.CONFIG.hostname, domain.name)
            refused = [f"{address} ({result})" for address, result in results if result != "pass"]
            if refused:
                words = gettext("It does not let {listed} send, from where our mail leaves.").format(
                    listed=", ".join(refused)
                )
                return replace(verdict, state=State.WRONG, words=words)
        case "sts":
            return _served(domain, verdict)
        case "wkd":
            return _directory(domain, verdict)
    return verdict


def _served(domain: Domain, verdict: Verdict) -> Verdict:
    """Whether the policy is had as others have it: by HTTPS, from its host."""
    offer = StsOffer.objects.get(domain=domain)
    found, trouble = engine.sts_policy(domain.name)
    if found is None:
        words = gettext(
            "The policy cannot be had by HTTPS ({trouble}): let its certificate name this host, too."
        ).format(trouble=trouble)
        return replace(verdict, state=State.WRONG, words=words)
    if found != mta_sts.parse(policy_text(offer).encode()):
        return replace(verdict, state=State.WRONG, words=gettext("Another policy than ours is served there."))
    return verdict


def _directory(domain: Domain, verdict: Verdict) -> Verdict:
    """Whether a key that is shown is had as others have it: by HTTPS, from its host."""
    lasts = Q(expires_at__isnull=True) | Q(expires_at__gt=timezone.now())
    key = shown(domain, KeyKind.OPENPGP).filter(lasts, revoked_at__isnull=True).first()
    trouble = engine.key_trouble(parse(key.address)) if key is not None else ""
    if not trouble:
        return verdict
    words = gettext("Keys cannot be had by HTTPS ({trouble}): let its certificate name this host, too.")
    return replace(verdict, state=State.WRONG, words=words.format(trouble=trouble))


@dataclass(frozen=True, slots=True)
class Listing:
    """What one list says of one of our addresses."""

    address: str
    zone: str
    #: True: listed; False: not; None: the list did not tell.
    listed: bool | None
    #: Why, as the list says.
    words: str = ""


def listings() -> list[Listing]:
    """Our addresses in the lists of the policy and in those that many ask."""
    rows = Chosen.objects.filter(active=True).exclude(effect=ListEffect.ALLOW.value)
    chosen = {row.zone: row.codes for row in rows}
    zones = chosen | {zone: "" for zone in KNOWN_LISTS if zone not in chosen}
    asked = [DnsList(zone, ListEffect.REFUSE, parse_codes(codes)) for zone, codes in zones.items()]
    return engine.resolve([_listed(address, one) for address in our_addresses() for one in asked])


def our_addresses() -> list[str]:
    """From which our mail leaves: those of the host, and of the pools."""
    (found,) = engine.resolve([_addresses(settings.CONFIG.hostname)])
    pooled = Source.objects.filter(active=True).values_list("address", flat=True)
    return list(dict.fromkeys([*found, *pooled]))


def _addresses(host: str) -> Flow[list[str]]:
    answer = yield Addresses(host)
    return [str(one) for one in answer.records] if isinstance(answer, Found) else []


def _listed(address: str, one: DnsList) -> Flow[Listing]:
    name = dnslist.name(address, one.zone)
    answer = yield Addresses(name, 4)
    if isinstance(answer, Trouble):
        return Listing(address, one.zone, None, answer.words)
    if not isinstance(answer, Found):
        return Listing(address, one.zone, listed=False)
    match one.meaning(answer.records):
        case Meaning.BROKEN:
            return Listing(address, one.zone, None, gettext("It does not serve this name server."))
        case Meaning.NOT_LISTED:
            return Listing(address, one.zone, listed=False)
    why = yield Txt(name)
    words = why.records[0] if isinstance(why, Found) else b""
    told = words.decode("utf-8", "replace") if isinstance(words, bytes) else ""
    return Listing(address, one.zone, listed=True, words=told)
