"""The records that a domain needs: name, type, value, why, and how each is checked."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

from mailservices.mail import certificate, mta_sts, smimea, wkd
from mailservices.mail.address import Address, parse
from mailservices.mail.organisation import organisational
from mailservices.mail.questions import Flow
from mailservices.mail.vocabulary import KeyKind, KeyState
from webadmin.certificates.models import Certificate
from webadmin.directory.models import Domain
from webadmin.privacy.directory import offers, shown
from webadmin.records import checks
from webadmin.records.checks import State, Verdict

#: Seconds for which others may keep the records, as the zone file has it.
TTL = 3600
#: Certificates of addresses that pages show and look up; the zone file has all.
CERTIFICATES = 20
_KEY_WORDS = {
    KeyState.NEXT: gettext_lazy("Mail will be signed with this key (DKIM): publish it before you switch."),
    KeyState.ACTIVE: gettext_lazy(
        "Mail is signed with this key (DKIM): others see that it is yours and unchanged."
    ),
    KeyState.RETIRED: gettext_lazy("Mail on its way was signed with this key: keep it until it leaves this page."),
}


@dataclass(frozen=True, slots=True)
class Record:
    """One record to publish."""

    name: str
    #: As in a zone file; "A / AAAA" and "PTR" are set elsewhere, and are no lines of one.
    kind: str
    value: str
    why: str
    check: Callable[[], Flow[Verdict]]
    #: What else live.py asks about it: spf, sts, wkd; empty: nothing.
    more: str = ""
    #: What the overview calls it where it is not right; empty: mail arrives and is believed without it.
    label: str = ""

    def problem(self, state: State) -> str:
        """In two words; empty where there is none. Without TLSA nothing is lost, a wrong one stops mail."""
        if not self.label or state not in (State.WRONG, State.MISSING):
            return ""
        return "" if self.kind == "TLSA" and state is State.MISSING else f"{self.label} {state}"

    @property
    def line(self) -> str:
        """Of a zone file; what cannot be one is a comment."""
        comment = "; " if " " in self.kind or self.kind == "PTR" else ""
        return f"{comment}{self.name} {TTL} IN {self.kind} {self.zone_value}"

    @property
    def zone_value(self) -> str:
        return self.value if self.kind != "TXT" or self.value.startswith('"') else f'"{self.value}"'


def records(domain: Domain) -> list[Record]:
    """All of a domain, the most needed first; of certificates of addresses the first few."""
    found = [*_arrival(domain.name), *_proof(domain), *_security(domain), *_programs(domain.name)]
    return [*found, *_directory(domain), *_certificates(domain, CERTIFICATES)]


def zone_file(domain: Domain) -> str:
    lines = [
        gettext("; What {name} needs for its mail. Names are whole: it can be included anywhere.").format(
            name=domain.name
        )
    ]
    further = _certificates(domain)[CERTIFICATES:]
    return "\n".join([*lines, *(record.line for record in (*records(domain), *further)), ""])


def _arrival(name: str) -> Iterator[Record]:
    host = settings.CONFIG.hostname
    yield Record(
        f"{name}.",
        "MX",
        f"10 {host}.",
        gettext("Mail for the domain comes here."),
        lambda: checks.mx(name, host),
        label="MX",
    )
    yield Record(
        f"{host}.",
        "A / AAAA",
        gettext("the public address of this server"),
        gettext("Where the host is."),
        lambda: checks.addresses(host),
        label="address of the host",
    )
    yield Record(
        gettext("reverse of {host}").format(host=host),
        "PTR",
        f"{host}.",
        gettext("Many refuse mail from an address that has no name."),
        lambda: checks.pointers(host),
        label="reverse DNS",
    )


def _proof(domain: Domain) -> Iterator[Record]:
    name, host, reports = domain.name, settings.CONFIG.hostname, report_address(domain)
    yield Record(
        f"{name}.", "TXT", f"v=spf1 mx a:{host} -all", gettext("Who may send mail of the domain (SPF)."),
        lambda: checks.spf(name), "spf", label="SPF",
    )  # fmt: skip
    for key in domain.dkim_keys.all():
        value = " ".join(f'"{one}"' for one in key.strings)
        yield Record(
            f"{key.name}.", "TXT", value, str(_KEY_WORDS[KeyState(key.state)]), _dkim(key.name, key.record),
            label="DKIM" if key.state == KeyState.ACTIVE else "",
        )  # fmt: skip
    rua = f"; rua=mailto:{reports}" if reports else ""
    yield Record(
        f"_dmarc.{name}.", "TXT", f"v=DMARC1; p=none{rua}", gettext("What others do with forged mail (DMARC)."),
        lambda: checks.dmarc_policy(name, reports), label="DMARC",
    )  # fmt: skip
    other = reports.rpartition("@")[2]
    if reports and organisational(other) != organisational(name):
        consent = f"{name}._report._dmarc.{other}"
        words = gettext("{other} takes reports on {name} (RFC 7489 §7.1).").format(other=other, name=name)
        yield Record(f"{consent}.", "TXT", "v=DMARC1", words, lambda: checks.exactly(consent, "v=DMARC1"))


def _dkim(name: str, record: str) -> Callable[[], Flow[Verdict]]:
    return lambda: checks.dkim(name, record)


def report_address(domain: Domain) -> str:
    """Where others' reports on the domain come; empty: none are asked for."""
    return domain.report_mailbox.address if hasattr(domain, "report_mailbox") else ""


def _security(domain: Domain) -> Iterator[Record]:
    name, host, reports = domain.name, settings.CONFIG.hostname, report_address(domain)
    if reports:
        yield Record(
            f"_smtp._tls.{name}.", "TXT", f"v=TLSRPTv1; rua=mailto:{reports}",
            gettext("Others report on TLS (RFC 8460)."),
            lambda: checks.tls_reports(name, reports),
        )  # fmt: skip
    if hasattr(domain, "sts_offer"):
        version = domain.sts_offer.record_id
        yield Record(
            f"{mta_sts.name(name)}.", "TXT", f"v=STSv1; id={version}",
            gettext(
                "Others learn that there is a policy (MTA-STS): with it, nobody on the way can switch TLS off."
            ),
            lambda: checks.sts(name, version), label="MTA-STS",
        )  # fmt: skip
        yield Record(
            f"{mta_sts.host(name)}.", "CNAME", f"{host}.",
            gettext("Where the policy is served, by HTTPS (RFC 8461)."),
            lambda: checks.points_here(mta_sts.host(name), host), "sts", label="MTA-STS policy",
        )  # fmt: skip
    digests = key_digests(host)
    for digest in digests[:1]:
        yield Record(
            f"_25._tcp.{host}.", "TLSA", f"3 1 1 {digest.hex()}",
            gettext(
                "Hosts that ask (DANE) know our certificate by it; in a signed zone only. Renew it with the key."
            ),
            lambda: checks.tlsa(f"_25._tcp.{host}", digests), label="TLSA",
        )  # fmt: skip


def key_digests(host: str) -> list[bytes]:
    """SHA-256 of the keys that we present for the host (RFC 6698 §2.1), the one that lasts longest first."""
    names = list(certificate.asked_for(host))
    rows = Certificate.objects.filter(names__overlap=names).order_by("-until")
    chains = [row.chain for row in rows]
    own = settings.CONFIG.tls_certificate
    if not chains and own is not None and own.exists():
        chains = [own.read_text()]
    found = []
    for chain in chains:
        key = x509.load_pem_x509_certificate(chain.encode()).public_key()
        found.append(hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest())
    return found


def _programs(name: str) -> Iterator[Record]:
    host = settings.CONFIG.hostname
    for service, priority, port, rfc in (
        ("_submissions", 0, 465, "RFC 8314"),
        ("_imaps", 0, 993, "RFC 6186"),
        ("_pop3s", 10, 995, "RFC 6186"),
        ("_autodiscover", 0, 443, "Outlook"),
    ):
        where = f"{service}._tcp.{name}"
        yield Record(
            f"{where}.",
            "SRV",
            f"{priority} 1 {port} {host}.",
            gettext("Mail programs find us ({rfc}).").format(rfc=rfc),
            _srv(where, port),
        )
    found = f"autoconfig.{name}"
    yield Record(
        f"{found}.",
        "CNAME",
        f"{host}.",
        gettext("Thunderbird sets itself up."),
        lambda: checks.points_here(found, host),
    )


def _srv(name: str, port: int) -> Callable[[], Flow[Verdict]]:
    return lambda: checks.srv(name, port, settings.CONFIG.hostname)


def _directory(domain: Domain) -> Iterator[Record]:
    """Where mail programs ask for OpenPGP keys, if there is one to be found."""
    where = f"{wkd.HOST}.{domain.name}"
    if offers(domain):
        yield Record(
            f"{where}.",
            "CNAME",
            f"{settings.CONFIG.hostname}.",
            gettext("Mail programs find OpenPGP keys here (WKD), by HTTPS with a certificate for this name."),
            lambda: checks.points_here(where, settings.CONFIG.hostname),
            "wkd",
        )


def _certificates(domain: Domain, most: int | None = None) -> list[Record]:
    """Of addresses: those that others may know and that are good now (RFC 8162)."""
    now = timezone.now()
    found = shown(domain, KeyKind.SMIME).filter(revoked_at__isnull=True, expires_at__gt=now)[:most]
    return [_certificate(parse(key.address), bytes(key.public)) for key in found]


def _certificate(address: Address, certificate: bytes) -> Record:
    name = smimea.name(address)
    return Record(
        f"{name}.",
        "SMIMEA",
        smimea.value(certificate),
        gettext("The S/MIME certificate of {address}: whoever asks finds it; in a signed zone only.").format(
            address=address
        ),
        lambda: checks.smimea(name, smimea.rdata(certificate)),
    )
