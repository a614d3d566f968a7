"""What a client may call itself."""

import pytest

from mailservices.mail import helo

HOST = "mail.facteur.test"


@pytest.mark.parametrize("name", ["client.example.org", "[192.0.2.1]", "CLIENT.example.org.", "bücher.example"])
def test_an_honest_name_is_no_objection(name: str) -> None:
    assert helo.objection(name, "192.0.2.1", HOST) == ""


def test_an_ipv6_literal_is_compared_as_an_address() -> None:
    assert helo.objection("[IPv6:2001:db8:0::1]", "2001:db8::1", HOST) == ""


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Mail.Facteur.test", "is our own name"),
        ("[192.0.2.2]", "is another host's address"),
        ("[IPv6:2001:db8::1]", "is another host's address"),
        ("192.0.2.1", "is an address without brackets"),
        ("localhost", "is a bare word"),
        ("-_-", "is neither a name nor an address literal"),
        ("[nonsense]", "is neither a name nor an address literal"),
        ("", "is neither a name nor an address literal"),
    ],
)
def test_what_no_honest_client_says(name: str, words: str) -> None:
    assert helo.objection(name, "192.0.2.1", HOST) == words


@pytest.mark.parametrize(
    ("name", "domain"),
    [("A.example", "a.example"), ("word", ""), ("[192.0.2.1]", ""), ("192.0.2.1", ""), ("a b", "")],
)
def test_only_a_domain_can_be_asked_for(name: str, domain: str) -> None:
    assert helo.domain(name) == domain
