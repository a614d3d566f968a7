"""DNS lists: the name that is asked for, and what answers mean."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailservices.mail import dnslist
from mailservices.mail.dnslist import DnsList, Meaning, parse_codes
from mailservices.mail.errors import ProtocolError
from mailservices.mail.policy import ListEffect


def test_ipv4_is_asked_reversed() -> None:
    # RFC 5782 §2.1
    assert dnslist.name("192.0.2.99", "bl.test") == "99.2.0.192.bl.test"


def test_ipv6_is_asked_by_nibbles() -> None:
    # RFC 5782 §2.4
    nibbles = "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2"
    assert dnslist.name("2001:db8:1:2:3:4:567:89ab", "bl.test") == f"{nibbles}.bl.test"


@given(st.ip_addresses())
def test_every_address_has_a_name_of_its_own(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    labels = dnslist.name(str(address), "z").removesuffix(".z").split(".")
    digits = labels[::-1]
    if address.version == 4:
        assert ".".join(digits) == str(address)
    else:
        assert int("".join(digits), 16) == int(address)


@pytest.mark.parametrize(
    ("codes", "records", "meaning"),
    [
        ("", [], Meaning.NOT_LISTED),
        ("", ["127.0.0.2"], Meaning.LISTED),
        ("", ["127.255.254.255"], Meaning.LISTED),
        # An error of the list is never a hit, whatever else it answers.
        ("", ["127.255.255.254"], Meaning.BROKEN),
        ("", ["127.0.0.2", "127.255.255.255"], Meaning.BROKEN),
        # Nor is a parked domain.
        ("", ["192.0.2.80"], Meaning.BROKEN),
        ("127.0.0.2", ["127.0.0.3"], Meaning.NOT_LISTED),
        ("127.0.0.2", ["127.0.0.3", "127.0.0.2"], Meaning.LISTED),
        ("127.0.0.4-7, 127.0.1.2-127.0.1.3", ["127.0.0.7"], Meaning.LISTED),
        ("127.0.0.4-7 127.0.1.2-127.0.1.3", ["127.0.1.3"], Meaning.LISTED),
        ("127.0.0.4-7 127.0.1.2-127.0.1.3", ["127.0.0.8"], Meaning.NOT_LISTED),
    ],
)
def test_an_answer_has_a_meaning(codes: str, records: list[str], meaning: Meaning) -> None:
    assert DnsList("bl.test", ListEffect.REFUSE, parse_codes(codes)).meaning(records) is meaning


@pytest.mark.parametrize(
    "text",
    ["127.0.0", "128.0.0.1", "127.0.0.2-", "127.0.0.7-4", "127.0.0.256", "127.0.0.2-999", "x", "127.0.0.2 " * 51],
)
def test_what_is_no_code_is_an_error(text: str) -> None:
    with pytest.raises(ProtocolError):
        parse_codes(text)
