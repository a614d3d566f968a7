"""Is a record there, and does it say the right thing? Each check is a flow that yields questions to the DNS."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext

from mailservices.mail import dane, dmarc, mta_sts
from mailservices.mail.errors import ProtocolError
from mailservices.mail.questions import Addresses, Answer, Flow, Found, Mx, Ptr, Smimea, Srv, Tlsa, Trouble, Txt


class State(StrEnum):
    """What the DNS says of a record."""

    FOUND = "found"
    WRONG = "wrong"
    MISSING = "missing"
    #: Nobody told.
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check came to."""

    state: State
    #: What is wrong, or what else there is to say.
    words: str = ""
    #: What the DNS says.
    seen: tuple[str, ...] = ()


def _absent(answer: Answer) -> Verdict:
    if isinstance(answer, Trouble):
        return Verdict(State.UNKNOWN, gettext("The DNS did not tell: {words}.").format(words=answer.words))
    return Verdict(State.MISSING)


def mx(domain: str, host: str) -> Flow[Verdict]:
    """Mail goes to this host first."""
    answer = yield Mx(domain)
    if not isinstance(answer, Found):
        return _absent(answer)
    hosts = sorted(one for one in answer.records if isinstance(one, tuple))
    seen = tuple(f"{preference} {name}." for preference, name in hosts)
    if host not in [name for _, name in hosts]:
        return Verdict(State.WRONG, gettext("Mail goes elsewhere."), seen)
    if hosts[0][1] != host:
        return Verdict(State.WRONG, gettext("Mail goes to {what} first.").format(what=hosts[0][1]), seen)
    return Verdict(State.FOUND, seen=seen)


def addresses(host: str) -> Flow[Verdict]:
    """The host is somewhere."""
    answer = yield Addresses(host)
    if not isinstance(answer, Found):
        return _absent(answer)
    return Verdict(State.FOUND, seen=tuple(str(one) for one in answer.records))


def pointers(host: str) -> Flow[Verdict]:
    """Each address of the host has its name: whoever has none is refused by many."""
    answer = yield Addresses(host)
    if not isinstance(answer, Found):
        return Verdict(State.UNKNOWN, gettext("The host has no address yet."))
    seen, wrong = [], []
    for address in (str(one) for one in answer.records):
        names = yield Ptr(address)
        if isinstance(names, Trouble):
            return _absent(names)
        found = [str(one) for one in names.records] if isinstance(names, Found) else []
        seen.append(f"{address} {', '.join(found) or 'has no name'}")
        if host not in found:
            wrong.append(address)
    if wrong:
        words = gettext("{listed} should have the name {host}: whoever gave you the address sets that.").format(
            listed=", ".join(wrong), host=host
        )
        return Verdict(State.WRONG, words, tuple(seen))
    return Verdict(State.FOUND, seen=tuple(seen))


def points_here(name: str, host: str) -> Flow[Verdict]:
    """A name leads to an address of the host."""
    ours = yield Addresses(host)
    answer = yield Addresses(name)
    if not isinstance(answer, Found):
        return _absent(answer)
    seen = tuple(str(one) for one in answer.records)
    if not isinstance(ours, Found) or not {str(one) for one in ours.records} & set(seen):
        return Verdict(State.WRONG, gettext("It does not lead to {host}.").format(host=host), seen)
    return Verdict(State.FOUND, seen=seen)


def srv(name: str, port: int, host: str) -> Flow[Verdict]:
    """Mail programs find this port of the host (RFC 2782)."""
    answer = yield Srv(name)
    if not isinstance(answer, Found):
        return _absent(answer)
    seen = tuple(str(one) for one in answer.records)
    fitting = [one for one in seen if one.split()[2:] == [str(port), host]]
    return Verdict(
        State.FOUND if fitting else State.WRONG, "" if fitting else gettext("It leads elsewhere."), seen
    )


def _texts(name: str, start: str) -> Flow[Verdict | str]:
    """The one TXT record that begins so; or why there is none."""
    answer = yield Txt(name)
    if not isinstance(answer, Found):
        return _absent(answer)
    told = [one.decode("utf-8", "replace") for one in answer.records if isinstance(one, bytes)]
    ours = [one for one in told if re.match(rf"{re.escape(start)}(?:[\s;]|$)", one, re.IGNORECASE)]
    if len(ours) > 1:
        return Verdict(State.WRONG, gettext("There are several; only one may be there."), tuple(ours))
    return ours[0] if ours else Verdict(State.MISSING, seen=tuple(told[:5]))


def spf(domain: str) -> Flow[Verdict]:
    """RFC 7208 §4.5: just one. What it allows is asked of the evaluator (live.py)."""
    found = yield from _texts(domain, "v=spf1")
    return found if isinstance(found, Verdict) else Verdict(State.FOUND, seen=(found,))


def dkim(name: str, record: str) -> Flow[Verdict]:
    """The key that signs is the one that is published."""
    answer = yield Txt(name)
    if not isinstance(answer, Found):
        return _absent(answer)
    seen = tuple(one.decode("utf-8", "replace") for one in answer.records if isinstance(one, bytes))
    wanted = _key(record)
    if any(_key(one) == wanted for one in seen):
        return Verdict(State.FOUND, seen=seen)
    return Verdict(State.WRONG, gettext("Another key is published."), seen)


def _key(record: str) -> str:
    """RFC 6376 §3.6.1: what stands in p=, without spaces."""
    match = re.search(r"(?:^|;)\s*p\s*=([^;]*)", record)
    return re.sub(r"\s", "", match[1]) if match else ""


def dmarc_policy(domain: str, reports: str) -> Flow[Verdict]:
    """RFC 7489 §6.3."""
    found = yield from _texts(f"_dmarc.{domain}", "v=DMARC1")
    if isinstance(found, Verdict):
        return found
    try:
        parsed = dmarc.parse(found.encode())
    except ProtocolError as error:
        return Verdict(State.WRONG, str(error), (found,))
    words = (
        gettext("It only watches: with p=quarantine or p=reject others act on forged mail.")
        if _watches(parsed)
        else ""
    )
    if reports and reports.lower() not in found.lower():
        words = (
            gettext("{words} Reports on it do not come to {reports}.").format(words=words, reports=reports).strip()
        )
    return Verdict(State.FOUND, words, (found,))


def _watches(record: dmarc.Record) -> bool:
    return record.policy is dmarc.Wish.NONE


def tls_reports(domain: str, reports: str) -> Flow[Verdict]:
    """RFC 8460 §3."""
    found = yield from _texts(f"_smtp._tls.{domain}", "v=TLSRPTv1")
    if isinstance(found, Verdict):
        return found
    if reports.lower() not in found.lower():
        return Verdict(State.WRONG, gettext("Reports do not come to {reports}.").format(reports=reports), (found,))
    return Verdict(State.FOUND, seen=(found,))


def exactly(name: str, text: str) -> Flow[Verdict]:
    """A TXT record that says just this."""
    found = yield from _texts(name, text)
    return found if isinstance(found, Verdict) else Verdict(State.FOUND, seen=(found,))


def sts(domain: str, record_id: str) -> Flow[Verdict]:
    """RFC 8461 §3.1: the id is the one of the policy that we serve now."""
    answer = yield Txt(mta_sts.name(domain))
    if not isinstance(answer, Found):
        return _absent(answer)
    told = [one for one in answer.records if isinstance(one, bytes)]
    seen, found = tuple(one.decode("utf-8", "replace") for one in told), mta_sts.record_id(told)
    if found == record_id:
        return Verdict(State.FOUND, seen=seen)
    words = (
        gettext("It is of another version of the policy: others may not have heard of this one.") if found else ""
    )
    return Verdict(State.WRONG if found else State.MISSING, words, seen)


def tlsa(name: str, digests: Sequence[bytes]) -> Flow[Verdict]:
    """RFC 7672 §3.1.1: a 3 1 1 record of a key that we present."""
    answer = yield Tlsa(name)
    if not isinstance(answer, Found):
        return _absent(answer)
    octets = [one for one in answer.records if isinstance(one, bytes)]
    seen = tuple(f"{one[0]} {one[1]} {one[2]} {one[3:].hex()}" for one in octets if len(one) > 3)
    fitting = [one for one in dane.usable(octets) if (one.usage, one.selector, one.matching) == (3, 1, 1)]
    if not any(one.data in digests for one in fitting):
        words = gettext(
            "None of them is of the certificate that is presented: hosts that check will not send mail here."
        )
        return Verdict(State.WRONG, words, seen)
    return Verdict(
        State.FOUND, "" if answer.secure else gettext("It counts only in a zone that is signed (DNSSEC)."), seen
    )


def smimea(name: str, wanted: bytes) -> Flow[Verdict]:
    """RFC 8162: the certificate is among those of the address."""
    answer = yield Smimea(name)
    if not isinstance(answer, Found):
        return _absent(answer)
    if wanted not in answer.records:
        return Verdict(State.WRONG, gettext("Another certificate is published."))
    words = "" if answer.secure else gettext("It counts only in a zone that is signed (DNSSEC).")
    return Verdict(State.FOUND, words)
