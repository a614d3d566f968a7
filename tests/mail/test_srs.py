"""Senders are rewritten and lead back; nobody else makes such addresses, and they end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailservices.mail.address import Address, parse
from mailservices.mail.errors import ProtocolError
from mailservices.mail.srs import LIFETIME_DAYS, forward, is_rewritten, reverse, today

KEY, DAY = b"k" * 32, today(20_000 * 86_400.0)
BOB = Address("Bob.B", "far.test")


def test_a_sender_leads_back() -> None:
    made = forward(BOB, "us.test", KEY, DAY)
    assert made.local.startswith("SRS0=")
    assert made.local.endswith("=far.test=Bob.B")
    assert is_rewritten(made)
    assert not is_rewritten(BOB)
    assert reverse(parse(str(made)), KEY, DAY + LIFETIME_DAYS) == BOB


def test_a_host_may_change_the_case() -> None:
    made = forward(BOB, "us.test", KEY, DAY)
    assert reverse(Address(made.local.lower(), made.domain), KEY, DAY) == Address("bob.b", "far.test")
    assert reverse(Address(made.local.upper(), made.domain), KEY, DAY) == Address("BOB.B", "far.test")


@given(st.from_regex(r"[a-z0-9=+.-]{1,20}", fullmatch=True), st.integers(0, 100_000))
def test_any_sender_leads_back(local: str, day: int) -> None:
    sender = Address(local, "far.test")
    made = forward(sender, "us.test", KEY, day)
    assert made == sender or reverse(made, KEY, day + 1) == sender


def test_what_was_rewritten_elsewhere_leads_back_to_that_host() -> None:
    first = Address("SRS0+abcd=xy=origin.test=bob", "one.test")
    second = forward(first, "us.test", KEY, DAY)
    assert second.local.startswith("SRS1=")
    assert reverse(second, KEY, DAY) == first
    # A third host leaves out the second: what comes back takes the shortest way.
    third = forward(Address(second.local, "two.test"), "us.test", b"other" * 8, DAY)
    assert reverse(third, b"other" * 8, DAY) == first


def test_what_does_not_fit_stays() -> None:
    long = Address("b" * 60, "far.test")
    assert forward(long, "us.test", KEY, DAY) == long


@pytest.mark.parametrize(
    "address",
    [
        Address("SRS0=aaaaaaaa=aa=far.test=bob", "us.test"),
        Address("SRS1=aaaaaaaa=far.test==aa=bb=cc", "us.test"),
        Address("SRS0=short=aa=far.test=bob", "us.test"),
        Address("SRS0=", "us.test"),
        BOB,
    ],
)
def test_what_was_not_made_here_is_refused(address: Address) -> None:
    with pytest.raises(ProtocolError):
        reverse(address, KEY, DAY)


def test_it_ends() -> None:
    made = forward(BOB, "us.test", KEY, DAY)
    with pytest.raises(ProtocolError, match="too long ago"):
        reverse(made, KEY, DAY + LIFETIME_DAYS + 1)
