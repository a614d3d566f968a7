"""The resolver: asks the questions that flows of mail/ yield, with a cache and short limits."""

import ipaddress
import time
from typing import TypeVar

import dns.asyncresolver
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.nameserver
import dns.rdatatype
import dns.resolver
import dns.reversename

from mailservices.config import Config
from mailservices.mail.questions import (
    Addresses,
    Answer,
    Cname,
    Flow,
    Found,
    Missing,
    Mx,
    Nothing,
    Ptr,
    Question,
    Smimea,
    Srv,
    Tlsa,
    Trouble,
    Txt,
)

#: Seconds for one question, with all its retries.
QUESTION_LIMIT = 10.0
CACHED_ANSWERS = 20_000
#: Seconds in which a question that nobody answered is not asked again: of many messages that need the same answer,
#: not each has to wait in vain.
TROUBLE_SECONDS = 3.0
#: Octets of an answer over UDP that no network cuts into pieces.
UDP_OCTETS = 1232
#: Seconds for which an answer is kept at most, whatever it says of itself.
KEPT_LIMIT = 3600.0

Result = TypeVar("Result")


class _Cache(dns.resolver.LRUCache):
    """dnspython keeps a "there is no such name" that has no SOA for ever; RFC 2308 §5: it is not to be kept."""

    def put(self, key: dns.resolver.CacheKey, value: dns.resolver.Answer) -> None:
        if value.rrset is None and not _says_how_long(value.response):
            return
        value.expiration = min(value.expiration, time.time() + KEPT_LIMIT)
        super().put(key, value)


class Resolver:
    """Asks the configured name servers, or those of the machine."""

    def __init__(self, config: Config) -> None:
        self._resolver = dns.asyncresolver.Resolver(configure=not config.dns)
        if config.dns:
            self._resolver.nameservers = [dns.nameserver.Do53Nameserver(host, port) for host, port in config.dns]
        self._resolver.lifetime = QUESTION_LIMIT
        self._resolver.use_edns(0, dns.flags.DO, UDP_OCTETS)
        self._resolver.flags = dns.flags.RD | dns.flags.AD
        #: What a resolver says of DNSSEC is only as good as the way to it.
        self._believed = all(_is_loopback(_host_of(one)) for one in self._resolver.nameservers)
        self._resolver.cache = _Cache(CACHED_ANSWERS)
        #: What was found, as we tell it, and what nobody answered just now; until when.
        self._known: dict[tuple[str, str], tuple[float, Answer]] = {}
        #: Name servers on this very machine are a trial's, whose answers may point to this machine.
        self.loopback = bool(config.dns) and all(_is_loopback(host) for host, _ in config.dns)

    async def answer(self, flow: Flow[Result]) -> Result:
        """Run a flow to its end; what it raises comes out."""
        try:
            question = next(flow)
            while True:
                question = flow.send(await self.ask(question))
        except StopIteration as done:
            result: Result = done.value
            return result

    async def ask(self, question: Question) -> Answer:
        match question:
            case Mx(domain):
                return await self._ask(domain, "MX")
            case Txt(name):
                return await self._ask(name, "TXT")
            case Cname(name):
                return await self._ask(name, "CNAME")
            case Tlsa(name):
                return await self._ask(name, "TLSA")
            case Smimea(name):
                return await self._ask(name, "SMIMEA")
            case Srv(name):
                return await self._ask(name, "SRV")
            case Ptr(address):
                return await self._ask(dns.reversename.from_address(address).to_text(), "PTR")
            case Addresses(host, None):
                found = [await self._ask(host, kind) for kind in ("A", "AAAA")]
                answers = [answer for answer in found if isinstance(answer, Found)]
                records = tuple(str(one) for answer in answers for one in answer.records)
                if records:
                    return Found(records, all(answer.secure for answer in answers), answers[0].canonical)
                return next((answer for answer in found if isinstance(answer, Trouble)), found[0])
            case Addresses(host, version):
                return await self._ask(host, "A" if version == 4 else "AAAA")

    async def _ask(self, name: str, kind: str) -> Answer:
        until, known = self._known.get((name, kind), (0.0, None))
        if known is not None and until > time.time():
            return known
        answer, until = await self._resolve(name, kind)
        if until:
            self._known.pop((name, kind), None)
            if len(self._known) >= CACHED_ANSWERS:
                del self._known[next(iter(self._known))]
            self._known[name, kind] = until, answer
        return answer

    async def _resolve(self, name: str, kind: str) -> tuple[Answer, float]:
        """The answer, and until when it is to be kept here; 0 where it is not."""
        trouble_until = time.time() + TROUBLE_SECONDS
        try:
            answer = await self._resolver.resolve(name, kind, search=False)
        except dns.resolver.NXDOMAIN as error:
            return Missing(), _absent_until(*error.kwargs["responses"].values())
        except dns.resolver.NoAnswer as error:
            return Nothing(), _absent_until(error.kwargs["response"])
        except dns.resolver.NoNameservers:
            return Trouble("the name servers failed"), trouble_until
        except (dns.name.LabelTooLong, dns.name.NameTooLong, dns.name.EmptyLabel):
            return Missing(), 0.0  # no such name can be there
        except (dns.exception.DNSException, OSError) as error:
            timed_out = isinstance(error, dns.exception.Timeout)
            words = "the name servers did not answer in time" if timed_out else type(error).__name__
            return Trouble(words), trouble_until
        return self._found(kind, answer), min(answer.expiration, time.time() + KEPT_LIMIT)

    def _found(self, kind: str, answer: dns.resolver.Answer) -> Found:
        secure = self._believed and bool(answer.response.flags & dns.flags.AD)
        if kind == "MX":
            return Found(tuple((mx.preference, _plain(mx.exchange.to_text())) for mx in answer), secure)
        if kind == "TXT":
            return Found(tuple(b"".join(txt.strings) for txt in answer))
        if kind == "PTR":
            return Found(tuple(_plain(ptr.target.to_text()) for ptr in answer))
        if kind in ("TLSA", "SMIMEA"):
            return Found(tuple(bytes((one.usage, one.selector, one.mtype)) + one.cert for one in answer), secure)
        if kind == "SRV":
            return Found(
                tuple(f"{one.priority} {one.weight} {one.port} {_plain(one.target.to_text())}" for one in answer)
            )
        if kind == "CNAME":
            return Found(tuple(_plain(one.target.to_text()) for one in answer), secure)
        led_to = "" if answer.canonical_name == answer.qname else _plain(answer.canonical_name.to_text())
        return Found(tuple(record.address for record in answer), secure, led_to)


def _absent_until(*responses: dns.message.QueryMessage) -> float:
    """Until when something is known not to be there: for as long as the zone says (RFC 2308 §5), if it does."""
    if not all(_says_how_long(response) for response in responses):
        return 0.0
    try:
        ttl = min((response.resolve_chaining().minimum_ttl for response in responses), default=0)
    except dns.exception.DNSException:
        return 0.0
    return time.time() + min(ttl, KEPT_LIMIT)


def _says_how_long(response: dns.message.QueryMessage) -> bool:
    return any(one.rdtype == dns.rdatatype.SOA for one in response.authority)


def _plain(name: str) -> str:
    return name.rstrip(".").lower()


def _host_of(server: str | dns.nameserver.Nameserver) -> str:
    return server if isinstance(server, str) else server.answer_nameserver()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
