"""Mail addresses: parse, print, and the normal form by which they are looked up.

RFC 5321 §4.1.2 grammar, RFC 6531 §3.3 for characters beyond ASCII, RFC 5891 for domains. A domain is always
kept as an A-label in lower case. A local part is kept as it was sent; `key` is what the directory stores.
"""

import ipaddress
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import idna

from mailservices.mail.errors import ProtocolError

#: RFC 5321 §4.5.3.1
LOCAL_PART_OCTETS = 64
#: Addresses, and domains, whose reading is remembered: the same ones come again and again.
PARSED = 4096
DOMAIN_OCTETS = 255
PATH_OCTETS = 256

#: What separates a user's name from a detail of her own choice (RFC 5233): user+detail.
DETAIL_SEPARATOR = "+"

_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-\u0080-\U0010ffff]"
_DOT_STRING = re.compile(rf"{_ATEXT}+(?:\.{_ATEXT}+)*")
_QUOTED = re.compile(r'"((?:[ !#-\[\]-~\u0080-\U0010ffff]|\\[ -~])*)"')
_QUOTED_PAIR = re.compile(r"\\(.)")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
# RFC 5321 §4.1.2 A-d-l: source routes are accepted and ignored (§3.6.1).
_ROUTE = re.compile(r"@[^,:@<> ]+(?:,@[^,:@<> ]+)*:")


@dataclass(frozen=True, slots=True)
class Address:
    """A mailbox of RFC 5321. `domain` is empty for the bare <postmaster> only (§4.1.1.3)."""

    local: str
    domain: str

    def __str__(self) -> str:
        local = self.local
        if not _DOT_STRING.fullmatch(local):
            escaped = local.replace("\\", "\\\\").replace('"', '\\"')
            local = f'"{escaped}"'
        return f"{local}@{self.domain}" if self.domain else local

    @property
    def key(self) -> str:
        """The directory's spelling of the local part: NFC, lower case."""
        return unicodedata.normalize("NFC", self.local).lower()

    @property
    def needs_smtputf8(self) -> bool:
        """RFC 6531 §3.3: a local part beyond ASCII needs the extension; a domain travels as A-label."""
        return not self.local.isascii()

    @property
    def detail(self) -> str:
        """What stands behind the first separator, as it was sent; empty where there is none."""
        head, _, detail = self.local.partition(DETAIL_SEPARATOR)
        return detail if head else ""

    def without_detail(self) -> str:
        """`key` up to the first separator; the whole key where there is none."""
        head, separator, _ = self.key.partition(DETAIL_SEPARATOR)
        return head if separator and head else self.key


@lru_cache(PARSED)
def parse(text: str) -> Address:
    """An addr-spec, such as user@example.org, without angle brackets.

    Raises:
        ProtocolError: the text is no address.
    """
    quoted = _QUOTED.match(text)
    if quoted:
        local, rest = _QUOTED_PAIR.sub(r"\1", quoted[1]), text[quoted.end() :]
    else:
        local, at, domain = text.rpartition("@")
        rest = at + domain
        if not _DOT_STRING.fullmatch(local):
            raise ProtocolError("The local part of the address is not valid.")
    if not rest.startswith("@"):
        raise ProtocolError("The address has no domain.")
    if len(local.encode("utf-8", "surrogatepass")) > LOCAL_PART_OCTETS:
        raise ProtocolError("The local part of the address is too long.")
    if any("\ud800" <= character <= "\udfff" for character in local):
        raise ProtocolError("The address is not UTF-8.")
    return Address(local, normal_domain(rest[1:]))


def parse_path(text: str) -> Address | None:
    """What stands between < and > of a MAIL or RCPT command; None for the null path.

    Raises:
        ProtocolError: the text is no path.
    """
    if not text:
        return None
    if len(text.encode("utf-8", "surrogatepass")) > PATH_OCTETS - 2:
        raise ProtocolError("The address is too long.")
    if text.startswith("@"):
        route = _ROUTE.match(text)
        if not route:
            raise ProtocolError("The source route is not valid.")
        text = text[route.end() :]
    if text.lower() == "postmaster":
        return Address(text, "")
    return parse(text)


@lru_cache(PARSED)
def normal_domain(text: str) -> str:
    """A domain as A-labels in lower case, or an address literal in its canonical form.

    Raises:
        ProtocolError: the text is neither.
    """
    if text.startswith("["):
        return _literal(text)
    text = text.removesuffix(".")
    try:
        domain = text.lower() if text.isascii() else idna.encode(text, uts46=True).decode().lower()
    except (idna.IDNAError, UnicodeError) as error:
        raise ProtocolError("The domain is not valid.") from error
    labels = domain.split(".")
    if len(domain) > DOMAIN_OCTETS or not all(_LABEL.fullmatch(label) for label in labels):
        raise ProtocolError("The domain is not valid.")
    return domain


def _literal(text: str) -> str:
    """RFC 5321 §4.1.3: [192.0.2.1] or [IPv6:2001:db8::1]."""
    inner = text.removeprefix("[").removesuffix("]")
    # A zone (fe80::1%eth0) is this machine's own business and may hold any character: RFC 5321 §4.1.3 has none.
    if text != f"[{inner}]" or "%" in inner:
        raise ProtocolError("The address literal is not valid.")
    try:
        if inner.lower().startswith("ipv6:"):
            return f"[IPv6:{ipaddress.IPv6Address(inner[5:])}]"
        return f"[{ipaddress.IPv4Address(inner)}]"
    except ValueError as error:
        raise ProtocolError("The address literal is not valid.") from error


def literal_host(domain: str) -> str | None:
    """The IP address that an address literal names; None for a domain name."""
    if not domain.startswith("["):
        return None
    return domain[1:-1].removeprefix("IPv6:")


def display_domain(domain: str) -> str:
    """The domain as people write it: U-labels where they decode."""
    try:
        return idna.decode(domain) if "xn--" in domain else domain
    except idna.IDNAError:
        return domain
