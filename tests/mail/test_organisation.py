"""Organisational domains, by the list that is in the package."""

import pytest

from mailservices.mail.organisation import organisational


@pytest.mark.parametrize(
    ("domain", "organisation"),
    [
        ("example.org", "example.org"),
        ("a.b.example.org", "example.org"),
        ("mail.example.co.uk", "example.co.uk"),
        ("co.uk", "co.uk"),
        ("xn--bcher-kva.example.de", "example.de"),
        ("a.b.unknown-suffix", "b.unknown-suffix"),
        ("localhost", "localhost"),
    ],
)
def test_the_organisation_is_the_domain_below_a_public_suffix(domain: str, organisation: str) -> None:
    assert organisational(domain) == organisation
