"""What messages are sorted by (RFC 5256 §3 SORT, RFC 5957), free of IMAP's syntax."""

from dataclasses import dataclass
from enum import Enum


class By(Enum):
    """A criterion. The value is its name on the wire."""

    ARRIVAL = b"ARRIVAL"
    CC = b"CC"
    DATE = b"DATE"
    FROM = b"FROM"
    SIZE = b"SIZE"
    SUBJECT = b"SUBJECT"
    TO = b"TO"
    DISPLAYFROM = b"DISPLAYFROM"
    DISPLAYTO = b"DISPLAYTO"
    #: RFC 6203 §6: what fits a fuzzy search best comes first.
    RELEVANCY = b"RELEVANCY"


#: Those that need no gist (mail/gist.py).
PLAIN = frozenset({By.ARRIVAL, By.DATE, By.SIZE, By.RELEVANCY})


@dataclass(frozen=True, slots=True)
class SortKey:
    by: By
    reverse: bool = False
