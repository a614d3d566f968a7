"""Flags as bits and as they are printed."""

import pytest

from mailservices.mail import flags
from mailservices.mail.flags import Flags, printed


def test_the_bits_that_the_database_holds_never_change() -> None:
    assert (flags.SEEN, flags.ANSWERED, flags.FLAGGED, flags.DELETED, flags.DRAFT) == (1, 2, 4, 8, 16)
    assert flags.ALL == 31


@pytest.mark.parametrize(
    ("bits", "keywords", "octets"),
    [
        (0, (), b""),
        (0, None, b""),
        (flags.SEEN, (), b"\\Seen"),
        (flags.SEEN | flags.ANSWERED, [], b"\\Answered \\Seen"),
        (0, ("$Forwarded", "work"), b"$Forwarded work"),
        (flags.DRAFT, ["work"], b"\\Draft work"),
        (flags.ALL, (), b"\\Answered \\Flagged \\Deleted \\Seen \\Draft"),
    ],
)
def test_flags_are_printed(bits: int, keywords: tuple[str, ...] | list[str] | None, octets: bytes) -> None:
    assert printed(bits, keywords) == octets
    assert bytes(Flags(bits, tuple(keywords or ()))) == octets


@pytest.mark.parametrize("bits", range(flags.ALL + 1))
def test_every_combination_is_its_names(bits: int) -> None:
    names = flags.PRINTED[bits].split()
    assert sum(flags.BITS[name.lower()] for name in names) == bits
