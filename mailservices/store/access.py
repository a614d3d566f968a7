"""Networks that the administrator has shut out, or that guessing never blocks; as every server holds them."""

import ipaddress
from dataclasses import dataclass

from mailservices.config import Network
from mailservices.store.pool import Pool, connection

ACCESS = """
SELECT network, effect FROM security_access_rule WHERE expires_at IS NULL OR expires_at > now()
"""
DENY = "deny"


@dataclass(frozen=True, slots=True)
class Access:
    """The rules at one moment. The narrowest network that an address lies in decides."""

    #: Each with whether it is shut out.
    networks: tuple[tuple[Network, bool], ...] = ()

    def denies(self, peer: str) -> bool:
        """Nobody there is let in."""
        return self._effect(peer) is True

    def allows(self, peer: str) -> bool:
        """Nobody there is blocked for guessing."""
        return self._effect(peer) is False

    def _effect(self, peer: str) -> bool | None:
        if not self.networks or not peer:
            return None
        address = ipaddress.ip_address(peer)
        fitting = [(network.prefixlen, shut) for network, shut in self.networks if address in network]
        return max(fitting)[1] if fitting else None


async def read(pool: Pool) -> Access:
    async with connection(pool) as db:
        rows = await db.fetch(ACCESS)
    return Access(tuple((ipaddress.ip_network(row["network"]), row["effect"] == DENY) for row in rows))
