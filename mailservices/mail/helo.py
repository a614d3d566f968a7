"""What a client calls itself (RFC 5321 §4.1.1.1, §4.1.4), and what is wrong with that."""

import ipaddress

from mailservices.mail.address import literal_host, normal_domain
from mailservices.mail.errors import ProtocolError


def objection(name: str, peer: str, hostname: str) -> str:
    """Why no honest client of this address would call itself so; empty if one might."""
    try:
        normal = normal_domain(name)
    except ProtocolError:
        return "is neither a name nor an address literal"
    host = literal_host(normal)
    if host is not None:
        same = ipaddress.ip_address(host) == ipaddress.ip_address(peer)
        return "" if same else "is another host's address"
    if normal == hostname:
        return "is our own name"
    if _is_bare_address(normal):
        return "is an address without brackets"
    return "" if "." in normal else "is a bare word"


def domain(name: str) -> str:
    """The name as a domain that may be asked for in the DNS; empty for a literal, a bare word and nonsense."""
    try:
        normal = normal_domain(name)
    except ProtocolError:
        return ""
    return normal if "." in normal and not normal.startswith("[") and not _is_bare_address(normal) else ""


def _is_bare_address(name: str) -> bool:
    try:
        ipaddress.IPv4Address(name)
    except ValueError:
        return False
    return True
