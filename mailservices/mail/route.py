"""Which hosts take mail for a domain (RFC 5321 §5.1), as a flow of questions."""

import ipaddress
import random
from dataclasses import dataclass

from mailservices.mail.address import literal_host
from mailservices.mail.dane import Record, usable
from mailservices.mail.questions import Addresses, Cname, Flow, Found, Missing, Mx, Nothing, Tlsa, Trouble

#: Hosts that are tried for one message, and addresses of one host.
HOSTS = 5
ADDRESSES = 4


@dataclass(frozen=True, slots=True)
class Hop:
    """One host to try, at one of its addresses."""

    host: str
    address: str
    #: Its name is sure: signed (DNSSEC), or the destination's own.
    secure: bool = False
    #: Likewise its address, so that its TLSA records count (RFC 7672 §2.2.2).
    signed: bool = False
    #: The name to which CNAMEs led; empty: its own.
    canonical: str = ""


class NoRoute(Exception):
    """No host is known that takes the mail.

    Attributes:
        permanent: whether asking again is of no use.
        enhanced: status code of RFC 3463 and RFC 7504.
    """

    def __init__(self, enhanced: str, words: str) -> None:
        self.permanent = enhanced.startswith("5")
        self.enhanced = enhanced
        self.words = words
        super().__init__(words)


def find(destination: str, own_name: str, *, loopback: bool = False) -> Flow[list[Hop]]:
    """The hops for a domain or an address literal, the best first.

    Args:
        destination: as an A-label in lower case, or such as [192.0.2.1].
        own_name: this host; it and what is no better than it are left out (RFC 5321 §5.1).
        loopback: whether this machine's own addresses may be answers, which only a trial needs.

    Raises:
        NoRoute
    """
    if destination.startswith("["):
        return [_literal(destination, loopback=loopback)]
    hosts, secure = yield from _hosts(destination, own_name)
    return (yield from _hops(hosts, destination, secure=secure, loopback=loopback))


def reach(host: str, *, loopback: bool = False) -> Flow[list[Hop]]:
    """The hops for a host that an administrator named: a name, whose MX nobody asks for, or an address.

    Raises:
        NoRoute: for now; a rule may be mended, so its mail waits.
    """
    if is_address(host):
        return [Hop(host, host, secure=True)]
    try:
        return (yield from _hops([host], host, secure=True, loopback=loopback))
    except NoRoute as error:
        raise NoRoute("4.4.4", error.words) from error


def _hops(hosts: list[str], destination: str, *, secure: bool, loopback: bool) -> Flow[list[Hop]]:
    hops: list[Hop] = []
    trouble = ""
    for host in hosts[:HOSTS]:
        match (yield Addresses(host)):
            case Found(records, signed, canonical):
                usable = [str(record) for record in records if _usable(str(record), loopback=loopback)]
                hops += [Hop(host, address, secure, signed, canonical) for address in usable[:ADDRESSES]]
            case Trouble(words):
                trouble = words
    if hops:
        return hops
    if trouble:
        raise NoRoute("4.4.3", f"The addresses of {hosts[0]} cannot be looked up: {trouble}.")
    raise NoRoute("5.4.4", f"No host that takes mail for {destination} has a usable address.")


def _hosts(destination: str, own_name: str) -> Flow[tuple[list[str], bool]]:
    match (yield Mx(destination)):
        case Found(records, secure):
            return _ordered([(int(one[0]), str(one[1])) for one in records], destination, own_name), secure
        case Nothing():
            # RFC 5321 §5.1: a domain without MX is its own host.
            if destination == own_name:
                raise NoRoute("5.4.6", f"Mail for {destination} loops back to this host.")
            return [destination], True
        case Missing():
            raise NoRoute("5.1.2", f"The domain {destination} does not exist.")
        case trouble:
            raise NoRoute("4.4.3", f"The mail hosts of {destination} cannot be looked up: {trouble.words}.")


def _ordered(records: list[tuple[int, str]], destination: str, own_name: str) -> list[str]:
    if [host for _, host in records] == [""]:
        # RFC 7505 §4.1: the null MX.
        raise NoRoute("5.1.10", f"The domain {destination} takes no mail.")
    own = [preference for preference, host in records if host == own_name]
    # RFC 5321 §5.1: hosts of the same preference are to be tried in any order.
    usable = [
        (preference, random.random(), host)
        for preference, host in records
        if host and (not own or preference < min(own))
    ]
    if not usable:
        raise NoRoute("5.4.6", f"Mail for {destination} loops back to this host.")
    return [host for _, _, host in sorted(usable)]


def _literal(destination: str, *, loopback: bool) -> Hop:
    address = literal_host(destination) or ""
    if not _usable(address, loopback=loopback):
        raise NoRoute("5.4.4", f"{destination} cannot be reached from here.")
    return Hop(destination, address)


def tlsa(hop: Hop, port: int) -> Flow[tuple[str, tuple[Record, ...]] | None]:
    """The TLSA records that a host's certificate has to fit (RFC 7672 §2.2), and the name under which they lie.

    None: it has none that count. No records: it has some, but none that SMTP understands: TLS then is a must,
    whoever the host is.

    Raises:
        NoRoute: nobody can tell, which may be somebody's doing: the host is not to be used now.
    """
    for base in (yield from _bases(hop)):
        match (yield Tlsa(f"_{port}._tcp.{base}")):
            case Found(records, True):
                return base, usable(one for one in records if isinstance(one, bytes))
            case Trouble(words):
                raise NoRoute("4.7.5", f"The TLSA records of {base} cannot be looked up: {words}.")
    return None


def _bases(hop: Hop) -> Flow[list[str]]:
    """RFC 7672 §2.2.2: the name to which signed CNAMEs led, then the host's own; where what it leads to is not
    signed, its own alone, if that it is an alias is.
    """
    if not hop.secure:
        return []
    if hop.signed:
        return [hop.canonical, hop.host] if hop.canonical else [hop.host]
    if hop.canonical:
        match (yield Cname(hop.host)):
            case Found(_, True):
                return [hop.host]
            case Trouble(words):
                raise NoRoute("4.7.5", f"Where {hop.host} leads cannot be looked up: {words}.")
    return []


def is_address(text: str) -> bool:
    """Whether it is an IP address, without brackets."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _usable(address: str, *, loopback: bool) -> bool:
    """A stranger's DNS must not make us talk to ourselves."""
    if not is_address(address):
        return False
    parsed = ipaddress.ip_address(address)
    if parsed.is_loopback:
        return loopback
    return not (parsed.is_unspecified or parsed.is_multicast)
