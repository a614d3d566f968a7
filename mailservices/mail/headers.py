"""Header fields as octets: find, unfold, count, select. Nothing here changes or re-folds what was received.

A header is everything up to and with the first empty line (RFC 5322 §2.1). Bare LF is read as a line's end too,
for clients append such messages; octets that are no field are passed over, never an error.
"""

import mmap
import re
from collections.abc import Callable, Collection, Iterator
from functools import lru_cache

#: A message or a body, in memory or mapped from a file.
Octets = bytes | mmap.mmap

_EMPTY_LINE = re.compile(rb"\r?\n\r?\n")
_STARTS_EMPTY = re.compile(rb"\r?\n")
#: What follows a field's name (RFC 5322 §2.2): a colon, then the value with its folds. §4.5: or a space before it.
_VALUE = rb"[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)\n?"
#: A name is of printable ASCII.
_FIELD = re.compile(rb"^([!-9;-~]+)" + _VALUE, re.MULTILINE)
_FOLD = re.compile(rb"\r?\n(?=[ \t])")
#: Names whose expressions are remembered.
_NAMES = 200


def end_of_header(octets: Octets, start: int, end: int) -> int:
    """Where the body begins of the message or part that lies from start to end."""
    empty = _STARTS_EMPTY.match(octets, start, end) or _EMPTY_LINE.search(octets, start, end)
    return empty.end() if empty else end


def split(octets: bytes) -> tuple[bytes, bytes]:
    """Header and body of a message that is in memory."""
    at = end_of_header(octets, 0, len(octets))
    return octets[:at], octets[at:]


def fields(header: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Every field from the top: its name in lower case, and its value as it was received."""
    for match in _FIELD.finditer(header):
        yield match[1].lower(), match[2]


def whole_fields(header: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Every field from the top: its name in lower case, and all of it as it was received, with its line end."""
    for match in _FIELD.finditer(header):
        yield match[1].lower(), match[0]


def index(header: bytes) -> dict[bytes, list[bytes]]:
    """Name in lower case -> values from the top, as they were received."""
    found: dict[bytes, list[bytes]] = {}
    for name, value in fields(header):
        found.setdefault(name, []).append(value)
    return found


def unfold(value: bytes) -> bytes:
    """The value on one line, without the space around it (RFC 5322 §2.2.3)."""
    if b"\n" in value:
        value = _FOLD.sub(b"", value)
    return value.strip(b" \t\r\n")


def first(header: bytes, name: bytes) -> bytes | None:
    """The value of the first field of this name, unfolded; None where there is none."""
    # A line's end is looked for several times as fast as a line's beginning.
    found = _named(name).search(b"\n" + header)
    return unfold(found[1]) if found else None


@lru_cache(_NAMES)
def _named(name: bytes) -> re.Pattern[bytes]:
    """A field of this name behind a line's end; a line that goes on another begins with space, so it is none."""
    return re.compile(rb"\n" + re.escape(name) + _VALUE, re.IGNORECASE)


def count(header: bytes, name: bytes) -> int:
    """How many fields have this name."""
    if name not in header.lower():
        return 0
    return sum(one == name for one, _ in fields(header))


def select(header: bytes, names: Collection[bytes], *, exclude: bool = False) -> bytes:
    """The fields with, or without, these names as they were received, and the empty line (RFC 9051 §6.4.5.1)."""
    wanted = {name.lower() for name in names}
    chosen = b"".join(match[0] for match in _FIELD.finditer(header) if (match[1].lower() in wanted) is not exclude)
    # A message may end within its header: its last field then has no line end.
    return chosen + (b"\r\n" if chosen.endswith(b"\n") or not chosen else b"\r\n\r\n")


def without(header: bytes, unwanted: Callable[[bytes, bytes], bool]) -> bytes:
    """The header less the fields of which `unwanted` (name in lower case, the whole field) says so."""
    return _FIELD.sub(lambda match: b"" if unwanted(match[1].lower(), match[0]) else match[0], header)
