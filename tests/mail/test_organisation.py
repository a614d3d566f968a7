"""Organisational domains, by the list that is in the package."""

import pytest

from mailservices.mail import organisation
from mailservices.mail.organisation import organisational


@pytest.fixture(autouse=True, scope="module")
def _unread() -> None:
    """Other tests may have read the list by then: it is read here too."""
    organisation._suffixes.cache_clear()
    organisational.cache_clear()


@pytest.mark.parametrize(
    ("domain", "ends_in"),
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
def test_the_organisation_is_the_domain_below_a_public_suffix(domain: str, ends_in: str) -> None:
    assert organisational(domain) == ends_in
