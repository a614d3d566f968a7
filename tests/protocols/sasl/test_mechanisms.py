"""Which mechanisms are offered, and that each begins."""

import pytest

from mailservices.protocols.sasl.mechanisms import MECHANISMS, Facts, begin, offered

ALWAYS = ("SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN")
EVERYTHING = Facts("mail.example.org", b"digest", ("alice@example.org",), tokens=True, readable=True)


@pytest.mark.parametrize(
    ("facts", "more"),
    [
        (Facts(), set()),
        (Facts(binding=b"digest"), {"SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS"}),
        (Facts(certified=("alice@example.org",)), {"EXTERNAL"}),
        (Facts(tokens=True), {"OAUTHBEARER", "XOAUTH2"}),
        (Facts(readable=True), {"CRAM-MD5"}),
        (EVERYTHING, set(MECHANISMS) - set(ALWAYS)),
    ],
)
def test_what_is_offered(facts: Facts, more: set[str]) -> None:
    assert set(offered(facts)) == set(ALWAYS) | more
    assert [name for name in MECHANISMS if begin(name, facts) is not None] == list(offered(facts))


@pytest.mark.parametrize("name", MECHANISMS)
def test_each_begins_with_a_challenge(name: str) -> None:
    exchange = begin(name, EVERYTHING)
    assert exchange is not None
    assert isinstance(next(exchange), bytes)


def test_what_is_not_known_does_not_begin() -> None:
    assert begin("GSSAPI", EVERYTHING) is None
