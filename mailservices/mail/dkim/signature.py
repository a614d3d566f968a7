"""One signature as its field states it (RFC 6376 §3.5, RFC 8463): read, and held against the rules of its syntax.

An ARC-Message-Signature and an ARC-Seal are of the same kind (RFC 8617 §4.1); `arc/` uses these readers.
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from mailservices.mail import address
from mailservices.mail.dkim import tags
from mailservices.mail.dkim.canonical import Form
from mailservices.mail.errors import ProtocolError

#: Names of h= that are looked at: more than any header has.
NAMES: Final = 500
_DIGITS = re.compile(r"[0-9]{1,12}")
_SELECTOR_OCTETS: Final = 190
_SHA256_OCTETS: Final = 32


class Algorithm(StrEnum):
    """RFC 8301 §3.1 and RFC 8463 §3: rsa-sha1 is none any more."""

    RSA = "rsa-sha256"
    ED25519 = "ed25519-sha256"


class NotAccepted(ProtocolError):
    """The signature is well formed, and yet no verifier may accept it."""


@dataclass(frozen=True, slots=True)
class Signature:
    """What a signature says of itself."""

    algorithm: Algorithm
    octets: bytes
    domain: str
    selector: str
    header_form: Form = Form.RELAXED
    body_form: Form = Form.RELAXED
    body_hash: bytes = b""
    #: Names of the signed fields in lower case, in the order of h=.
    names: tuple[str, ...] = ()
    #: RFC 6376 §3.5: the user or agent; its domain is the signer's or below it.
    identity: str = ""
    #: l=: octets of the body that are signed; None for all.
    length: int | None = None
    expires: int | None = None

    @property
    def key_name(self) -> str:
        """Where the key is published (§3.6.2.1)."""
        return f"{self.selector}._domainkey.{self.domain}"

    @property
    def b(self) -> str:
        """b= without folds."""
        return base64.b64encode(self.octets).decode()


def parse(value: bytes) -> Signature:
    """The value of a DKIM-Signature field.

    Raises:
        NotAccepted
        ProtocolError
    """
    read = tags.parse(value)
    if needed(read, "v") != "1":
        raise ProtocolError("unknown version")
    forms = canonicalization(read, "simple/simple")
    domain = domain_of(read)
    names = signed_names(needed(read, "h"))
    signed_at, expires = moment(read, "t"), moment(read, "x")
    if signed_at is not None and expires is not None and expires <= signed_at:
        raise ProtocolError("it expires before it was made")
    if "dns/txt" not in tags.split(read.get("q", "dns/txt")):
        raise ProtocolError("no known way to the key")
    if "from" not in names:
        raise NotAccepted("From is not signed")
    return Signature(
        algorithm=algorithm(read),
        octets=octets_of(read, "b"),
        domain=domain,
        selector=selector(read),
        header_form=forms[0],
        body_form=forms[1],
        body_hash=body_hash(read),
        names=names,
        identity=_identity(read.get("i"), domain),
        length=moment(read, "l"),
        expires=expires,
    )


def needed(read: Mapping[str, str], name: str) -> str:
    """A tag that must be there and say something."""
    value = read.get(name, "")
    if not value:
        raise ProtocolError(f"{name}= is missing")
    return value


def algorithm(read: Mapping[str, str]) -> Algorithm:
    value = needed(read, "a")
    if value == "rsa-sha1":
        # RFC 8301 §3.1: such signatures have permanently failed.
        raise NotAccepted("rsa-sha1 is no longer accepted")
    try:
        return Algorithm(value)
    except ValueError as error:
        raise ProtocolError("unknown algorithm") from error


def octets_of(read: Mapping[str, str], name: str) -> bytes:
    return tags.decode_base64(needed(read, name))


def body_hash(read: Mapping[str, str]) -> bytes:
    found = octets_of(read, "bh")
    if len(found) != _SHA256_OCTETS:
        raise ProtocolError("bh= is not valid")
    return found


def canonicalization(read: Mapping[str, str], default: str) -> tuple[Form, Form]:
    """c=: the forms of header and body; the body's is "simple" where it is not named (RFC 6376 §3.5)."""
    header, _, body = needed({"c": default, **read}, "c").partition("/")
    try:
        return Form(header), Form(body or "simple")
    except ValueError as error:
        raise ProtocolError("unknown canonicalization") from error


def domain_of(read: Mapping[str, str]) -> str:
    """d= as an A-label in lower case; RFC 8616 §4 lets it be a U-label."""
    return _domain(needed(read, "d"))


def _domain(text: str) -> str:
    domain = address.normal_domain(text)
    if domain.startswith("["):
        raise ProtocolError("the domain is not valid")
    return domain


def selector(read: Mapping[str, str]) -> str:
    """s=: labels like those of a domain."""
    found = needed(read, "s")
    # Underscores occur in the wild, and do no harm in a name that is only looked up.
    if len(found) > _SELECTOR_OCTETS or found.startswith("["):
        raise ProtocolError("the selector is not valid")
    normal = address.normal_domain(found.replace("_", "u"))
    return found.lower() if found.isascii() else normal


def signed_names(value: str) -> tuple[str, ...]:
    """h= in lower case."""
    names = tags.split(value.lower())
    if len(names) > NAMES:
        raise ProtocolError("too many signed fields")
    return names


def moment(read: Mapping[str, str], name: str) -> int | None:
    """A number of seconds, or of octets: t=, x=, l=."""
    value = read.get(name)
    if value is None:
        return None
    if not _DIGITS.fullmatch(value):
        raise ProtocolError(f"{name}= is not a number")
    return int(value)


def _identity(value: str | None, domain: str) -> str:
    """i=, whose domain is d= or below it (RFC 6376 §3.5); without it, anybody of the domain."""
    if value is None:
        return f"@{domain}"
    local, at, host = value.rpartition("@")
    if not at:
        raise ProtocolError("i= is not valid")
    normal = _domain(host)
    if normal != domain and not normal.endswith(f".{domain}"):
        raise NotAccepted("i= is not of the signer's domain")
    return f"{local}@{normal}"
