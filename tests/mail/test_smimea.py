"""Certificates of addresses in the DNS, as RFC 8162 says."""

from mailservices.mail import smimea
from mailservices.mail.address import parse


def test_where_a_certificate_is_in_the_dns() -> None:
    # The example of RFC 8162 §3.
    name = smimea.name(parse("hugh@example.com"))
    assert name == "c93f1e400f26708f98cb19d936620da35eec8f72e57f9eec01c1afd6._smimecert.example.com"
    assert smimea.value(b"\x30\x03") == "3 0 0 3003"
    assert smimea.rdata(b"\x30\x03") == b"\x03\x00\x00\x30\x03"
