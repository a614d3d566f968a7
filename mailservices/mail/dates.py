"""Dates: the Date field of RFC 5322 §3.3 with its obsolete forms, and those of IMAP (RFC 9051 §9).

Each reader returns None for what is no date: strangers write these.
"""

import re
from datetime import UTC, date, datetime, timedelta, timezone

_MONTHS = {
    name: number
    for number, name in enumerate(
        (b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"), 1
    )
}
_COMMENT = re.compile(rb"\([^()]*\)")
_FIELD = re.compile(
    rb"\s*(?:[A-Za-z]{3,9}\s*,?\s*)?(\d{1,2})[\s-]+([A-Za-z]{3})[A-Za-z]*\.?[\s-]+(\d{2,4})"
    rb"(?:\s+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?\s*([+-]\d{4}|[A-Za-z]{1,5})?)?"
)
#: RFC 5322 §4.3: names of zones; single letters and unknown names tell nothing.
_ZONES = {
    b"EDT": -240, b"EST": -300, b"CDT": -300, b"CST": -360, b"MDT": -360, b"MST": -420, b"PDT": -420, b"PST": -480,
}  # fmt: skip
_IMAP = re.compile(rb"([ \d]\d)-([A-Za-z]{3})-(\d{4}) (\d{2}):(\d{2}):(\d{2}) ([+-]\d{4})")
_IMAP_DAY = re.compile(rb"(\d{1,2})-([A-Za-z]{3})-(\d{4})")
#: Octets of a Date field that are looked at.
FIELD_OCTETS = 200


def parse_field(value: bytes) -> datetime | None:
    """The moment that a Date field tells, in its own zone."""
    match = _FIELD.match(_COMMENT.sub(b" ", value[:FIELD_OCTETS]))
    if not match:
        return None
    day, month, year, hour, minute, second, zone = match.groups()
    return _moment(_year(year), month, day, hour or b"0", minute or b"0", second or b"0", _offset(zone or b""))


def _year(digits: bytes) -> int:
    """RFC 5322 §4.3: two digits are of 1950 to 2049, three count from 1900."""
    year = int(digits)
    if len(digits) == 2:
        return year + (2000 if year < 50 else 1900)
    return year + 1900 if len(digits) == 3 else year


def _offset(zone: bytes) -> int:
    """Minutes east of UTC."""
    if zone[:1] in (b"+", b"-"):
        minutes = int(zone[1:3]) * 60 + int(zone[3:5])
        return -minutes if zone.startswith(b"-") else minutes
    return _ZONES.get(zone.upper(), 0)


def _moment(
    year: int, month: bytes, day: bytes, hour: bytes, minute: bytes, second: bytes, offset: int
) -> datetime | None:
    number = _MONTHS.get(month.lower())
    if number is None or abs(offset) >= 24 * 60:
        return None
    zone = timezone(timedelta(minutes=offset))
    try:
        # RFC 5322 §3.3 allows a leap second, which datetime does not know.
        moment = datetime(year, number, int(day), int(hour), int(minute), min(int(second), 59), tzinfo=zone)
        moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment


def parse_imap_datetime(text: bytes) -> datetime | None:
    """The moment of an APPEND: " 1-Jul-2026 02:44:25 -0700"."""
    match = _IMAP.fullmatch(text)
    if not match:
        return None
    day, month, year, hour, minute, second, zone = match.groups()
    return _moment(int(year), month, day, hour, minute, second, _offset(zone))


def parse_imap_date(text: bytes) -> date | None:
    """The day of a SEARCH: 1-Jul-2026."""
    match = _IMAP_DAY.fullmatch(text)
    number = _MONTHS.get(match[2].lower()) if match else None
    if not match or number is None:
        return None
    try:
        return date(int(match[3]), number, int(match[1]))
    except ValueError:
        return None
