"""Dates of messages (RFC 5322 §3.3 and §4.3) and of IMAP (RFC 9051 §9)."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from mailservices.mail.dates import parse_field, parse_imap_date, parse_imap_datetime


def moment(hours: float, *parts: int) -> datetime:
    return datetime(*parts, tzinfo=timezone(timedelta(hours=hours)))  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (b"Wed, 1 Jul 2026 02:44:25 -0700", moment(-7, 2026, 7, 1, 2, 44, 25)),
        (b"1 Jul 2026 02:44:25 +0530", moment(5.5, 2026, 7, 1, 2, 44, 25)),
        (b"Wed, 01 Jul 2026 02:44 +0000", moment(0, 2026, 7, 1, 2, 44)),
        (b"  Wed , 1  JULY 2026  02:44:25   +0000 (UTC)", moment(0, 2026, 7, 1, 2, 44, 25)),
        (b"Wednesday, 1-Jul-26 02:44:25 GMT", moment(0, 2026, 7, 1, 2, 44, 25)),
        (b"1 (first) Jul (summer) 2026 02:44:25 +0000", moment(0, 2026, 7, 1, 2, 44, 25)),
        (b"1 Jul 26 02:44:25 EST", moment(-5, 2026, 7, 1, 2, 44, 25)),
        (b"1 Jul 99 02:44:25 pdt", moment(-7, 1999, 7, 1, 2, 44, 25)),
        (b"1 Jul 126 02:44:25 Z", moment(0, 2026, 7, 1, 2, 44, 25)),
        (b"1 Jul 2026 02:44:25.123 +0000", moment(0, 2026, 7, 1, 2, 44, 25)),
        (b"1 Jul 2026 02:44:60 +0000", moment(0, 2026, 7, 1, 2, 44, 59)),
        (b"1 Jul 2026", moment(0, 2026, 7, 1)),
        (b"1 Jul 2026 02:44:25 XYZ", moment(0, 2026, 7, 1, 2, 44, 25)),
        (b"", None),
        (b"yesterday", None),
        (b"2026-07-01T02:44:25Z", None),
        (b"1 Xxx 2026 02:44:25 +0000", None),
        (b"31 Feb 2026 02:44:25 +0000", None),
        (b"1 Jul 0000 02:44:25 +0000", None),
        (b"1 Jul 2026 25:44:25 +0000", None),
        (b"1 Jul 2026 02:61:25 +0000", None),
        (b"1 Jul 2026 02:44:25 +9900", None),
        # In UTC there is no such year.
        (b"1 Jan 0001 00:00:00 +0100", None),
        (b"\xff\xfe", None),
    ],
)
def test_date_fields(value: bytes, read: datetime | None) -> None:
    found = parse_field(value)
    assert found == read
    assert found is None or read is None or found.utcoffset() == read.utcoffset()


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (b" 1-Jul-2026 02:44:25 -0700", moment(-7, 2026, 7, 1, 2, 44, 25)),
        (b"01-jul-2026 02:44:25 +0000", datetime(2026, 7, 1, 2, 44, 25, tzinfo=UTC)),
        (b"1-Jul-2026 02:44:25 -0700", None),
        (b" 1-Jul-2026 02:44:25", None),
        (b"31-Feb-2026 02:44:25 +0000", None),
        (b"00-Jul-2026 02:44:25 +0000", None),
        (b" 1-Jul-2026 02:44:25 +0000 ", None),
    ],
)
def test_moments_of_append(text: bytes, read: datetime | None) -> None:
    assert parse_imap_datetime(text) == read


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (b"1-Jul-2026", date(2026, 7, 1)),
        (b"01-JUL-2026", date(2026, 7, 1)),
        (b"1-Xxx-2026", None),
        (b"31-Feb-2026", None),
        (b"1-Jul-26", None),
        (b"", None),
    ],
)
def test_days_of_search(text: bytes, read: date | None) -> None:
    assert parse_imap_date(text) == read
