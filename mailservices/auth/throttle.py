"""Against guessing: failures are answered ever more slowly, then not looked at for a while.

They are counted for the account's name (whether there is such an account or not), the address and the network that
they come from, together for all servers and processes. A stranger who guesses cannot lock its owner out: from
where somebody has signed in of late, the account stays open. This machine's own address is not counted.
"""

import ipaddress
import time

from mailservices import log
from mailservices.mail.errors import TooManySignIns
from mailservices.net.connection import is_loopback
from mailservices.net.limiter import Bucket, Limit, Limiter
from mailservices.store.access import Access

#: Failures in how many seconds, and seconds of the first block; each further one lasts twice as long.
ACCOUNT = Limit("account", 10, 900, 900)
ADDRESS = Limit("address", 20, 900, 900)
NETWORK = Limit("network", 100, 3600, 3600)
#: Seconds before a failure is answered: the first, and any.
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 8.0
#: Seconds for which an address is known to be an account's owner's, and between two notes of it.
KNOWN_SECONDS = 14 * 24 * 3600
NOTE_SECONDS = 3600.0
NOTES = 20_000

_log = log.get()


class Throttle:
    """The limits on sign-ins, for one service."""

    def __init__(self, limiter: Limiter, service: str) -> None:
        self._limiter = limiter
        self._service = service
        #: Whom the administrator has shut out, or lets nobody block; the gate renews it.
        self.access = Access()
        #: Mark -> when it was last noted, on the monotonic clock; oldest first.
        self._noted: dict[str, float] = {}

    async def admit(self, peer: str, name: str) -> None:
        """Nothing is looked at where too much has failed.

        Raises:
            TooManySignIns
        """
        if self.access.allows(peer):
            return
        places, account = _places(peer), _account(name)
        blocks = await self._limiter.blocked([*places, *account])
        blocked = any(blocks[: len(places)])
        if not blocked and any(blocks[len(places) :]):
            blocked = not await self._limiter.marked(_mark(peer, name))
        if blocked:
            _log.info("sign-in blocked", name=name[:100])
            raise TooManySignIns

    async def failed(self, peer: str, name: str) -> float:
        """Count a failure; the seconds to wait before it is answered."""
        if self.access.allows(peer):
            return FIRST_PAUSE
        account = _account(name)
        if account and await self._limiter.marked(_mark(peer, name)):
            # Its owner's own mistakes: they count for the address, and block nobody else.
            account = []
        states = await self._limiter.charge([*account, *_places(peer)], why=f"{self._service}: {name}")
        level = max((state.level for state in states[: len(account) + 1]), default=0.0)
        return min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** max(0.0, level - 3))

    async def succeeded(self, peer: str, name: str) -> None:
        """Know the address as the owner's for some days."""
        mark, now = _mark(peer, name), time.monotonic()
        if now - self._noted.get(mark, -NOTE_SECONDS) < NOTE_SECONDS:
            return
        if len(self._noted) >= NOTES:
            del self._noted[next(iter(self._noted))]
        self._noted[mark] = now
        await self._limiter.mark(mark, KNOWN_SECONDS)


def _account(name: str) -> list[Bucket]:
    return [Bucket(ACCOUNT, name)] if name else []


def _places(peer: str) -> list[Bucket]:
    """The address and its network; of IPv6, what one customer is given stands for the address."""
    if is_loopback(peer) or not peer:
        return []
    address = ipaddress.ip_address(peer)
    near, far = (32, 24) if address.version == 4 else (64, 48)
    whom = str(address) if address.version == 4 else str(ipaddress.ip_network((address, near), strict=False))
    return [Bucket(ADDRESS, whom), Bucket(NETWORK, str(ipaddress.ip_network((address, far), strict=False)))]


def _mark(peer: str, name: str) -> str:
    places = _places(peer)
    return f"signed-in:{name} {places[0].what if places else peer}"
