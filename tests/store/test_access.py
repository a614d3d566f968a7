"""Who is shut out and who is never blocked: of several networks the narrowest decides."""

import ipaddress

import pytest

from mailservices.store import access
from mailservices.store.access import Access
from mailservices.store.pool import Pool, connection

RULES = Access(
    (
        (ipaddress.ip_network("192.0.2.0/24"), True),
        (ipaddress.ip_network("192.0.2.7/32"), False),
        (ipaddress.ip_network("2001:db8::/32"), True),
    )
)


@pytest.mark.parametrize(
    ("peer", "denied", "allowed"),
    [
        ("192.0.2.1", True, False), ("192.0.2.7", False, True), ("198.51.100.1", False, False),
        ("2001:db8::1", True, False), ("", False, False),
    ],
)  # fmt: skip
def test_an_address_is_treated_by_its_narrowest_network(peer: str, denied: bool, allowed: bool) -> None:
    assert (RULES.denies(peer), RULES.allows(peer)) == (denied, allowed)
    assert not Access().denies(peer)


async def test_rules_that_are_over_are_not_read(pool: Pool) -> None:
    async with connection(pool) as db:
        await db.execute(
            "INSERT INTO security_access_rule (network, effect, expires_at) VALUES "
            "('203.0.113.0/24', 'deny', NULL), ('203.0.113.9/32', 'allow', now() - interval '1 s')"
        )
    found = await access.read(pool)
    assert found.denies("203.0.113.9")
    async with connection(pool) as db:
        await db.execute("DELETE FROM security_access_rule")
