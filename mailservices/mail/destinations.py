"""Where a domain wants reports on it: what stands in rua= (RFC 7489 §6.2, RFC 8460 §3), and whether those who have
these addresses want reports on others (RFC 7489 §7.1).
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from mailservices.mail import address, dmarc
from mailservices.mail.errors import ProtocolError
from mailservices.mail.organisation import organisational
from mailservices.mail.questions import Flow, Found, Trouble, Txt
from mailservices.mail.webhooks import target

#: Destinations of one domain's reports that are served.
DESTINATIONS: Final = 5
_LIMIT: Final = re.compile(r"!(\d{1,12})([kmgt]?)", re.IGNORECASE | re.ASCII)
_UNITS: Final = {"": 0, "k": 10, "m": 20, "g": 30, "t": 40}
_TLS_VERSION: Final = re.compile(rb"v=TLSRPTv1[ \t]*(?:;|\Z)")


@dataclass(frozen=True, slots=True)
class Destination:
    """One of them."""

    #: Of mail; empty for a URL.
    address: str = ""
    #: https; empty for mail.
    url: str = ""
    #: Octets of a report at most; None: as many as there are.
    limit: int | None = None

    @property
    def host(self) -> str:
        """The domain of the address."""
        return self.address.rpartition("@")[2]


def mail_destinations(rua: str) -> tuple[Destination, ...]:
    """Those of mail, in their order. What cannot be understood is passed over (RFC 7489 §6.3)."""
    return tuple(one for one in _listed(rua) if one.address)[:DESTINATIONS]


def tls_destinations(rua: str) -> tuple[Destination, ...]:
    """RFC 8460 §3: those of mail, and of HTTPS."""
    return tuple(_listed(rua))[:DESTINATIONS]


def _listed(rua: str) -> Iterator[Destination]:
    for text in rua.split(","):
        uri = text.strip()
        try:
            if uri.lower().startswith("mailto:"):
                yield _mail(uri[len("mailto:") :])
            elif uri.lower().startswith("https:"):
                yield Destination(url=str(target(uri)))
        except ProtocolError:
            continue


def _mail(text: str) -> Destination:
    """Raises ProtocolError."""
    match = _LIMIT.search(text)
    limit = int(match[1]) << _UNITS[match[2].lower()] if match and match.end() == len(text) else None
    bare = text[: match.start()] if match and limit is not None else text
    # RFC 6068 §2: what follows would be fields of the message.
    found = address.parse(unquote(bare.partition("?")[0]))
    return Destination(str(found), limit=limit)


def permitted(where: str, destinations: Sequence[Destination]) -> Flow[tuple[Destination, ...] | None]:
    """Those that reports on a domain may go to (RFC 7489 §7.1); None: a name server did not tell, ask again later.

    Args:
        where: where the domain's record stands.
    """
    found: list[Destination] = []
    for one in destinations:
        if organisational(one.host) == organisational(where):
            found.append(one)
            continue
        answer = yield Txt(f"{where}._report._dmarc.{one.host}")
        if isinstance(answer, Trouble):
            return None
        records = answer.records if isinstance(answer, Found) else ()
        found += _consented(one, [text for text in records if isinstance(text, bytes)])
    return tuple(dict.fromkeys(found))[:DESTINATIONS]


def _consented(asked: Destination, texts: Iterable[bytes]) -> tuple[Destination, ...]:
    """RFC 7489 §7.1: steps 5 to 8; another destination that is named there must be on the same host."""
    records = [text for text in texts if dmarc.is_record(text)]
    if not records:
        return ()
    instead = mail_destinations(dmarc.tags(records[0]).get("rua", ""))
    if not instead:
        return (asked,)
    return instead if all(one.host == asked.host for one in instead) else ()


def tls_name(domain: str) -> str:
    """Where a domain says to whom reports on TLS go (RFC 8460 §3)."""
    return f"_smtp._tls.{domain}"


def tls_rua(texts: Iterable[bytes]) -> str:
    """What the record says; empty where there is none, or several (RFC 8460 §3)."""
    records = [text for text in texts if _TLS_VERSION.match(text)]
    return dmarc.tags(records[0]).get("rua", "") if len(records) == 1 else ""
