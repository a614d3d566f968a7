"""What a process knows of folders that were opened lately: whoever opens one again costs only what has changed.

To read all UIDs of a large folder takes longer than anything else in a SELECT, and to look at the flags of all of
its messages longer than anything else in the searches that clients make all the time.
"""

import time
from typing import Final

from mailservices.mail.inventory import Inventory
from mailservices.store import messages
from mailservices.store.pool import Pool

#: Messages of all folders together, five octets each; and how many of them a folder costs besides its own.
MESSAGES: Final = 4_000_000
FOLDER_COSTS: Final = 100
#: Messages whose flags are soon read.
FEW: Final = 20_000
#: Seconds. What was expunged is not known for ever (store/maintenance.py).
AGE: Final = 24 * 3600.0


class Inventories:
    """Those of one process."""

    def __init__(self) -> None:
        #: By folder: until when it is believed, what it costs, and what is known. The least wanted first.
        self._kept: dict[int, tuple[float, int, Inventory]] = {}
        self._cost = 0

    async def current(self, pool: Pool, account_id: int, mailbox_id: int, *, flags: bool = False) -> Inventory:
        """A folder as it is now, with flags where they are asked for. Others share it: it is only to be read.

        Raises:
            NoSuchFolder: it is gone.
        """
        known = self._take(mailbox_id)
        if known is not None and (known.has_flags or not flags):
            changes = await messages.changes(pool, account_id, mailbox_id, known.modseq)
            # What was read before PostgreSQL crashed may have been lost in it.
            if changes.epoch == known.epoch:
                known.learn(changes)
                self._keep(mailbox_id, known)
                return known
        known = await messages.inventory(pool, account_id, mailbox_id, flags=flags)
        self._keep(mailbox_id, known)
        return known

    def has_at_hand(self, mailbox_id: int) -> bool:
        """Whether the flags of a folder are known, or of a few messages only."""
        known = self._take(mailbox_id)
        return known is not None and (known.has_flags or len(known.uids) <= FEW)

    def _take(self, mailbox_id: int) -> Inventory | None:
        until, _, known = self._kept.get(mailbox_id, (0.0, 0, None))
        return known if time.monotonic() < until else None

    def _keep(self, mailbox_id: int, known: Inventory) -> None:
        cost = FOLDER_COSTS + len(known.uids)
        if mailbox_id in self._kept:
            self._cost -= self._kept.pop(mailbox_id)[1]
        self._kept[mailbox_id] = time.monotonic() + AGE, cost, known
        self._cost += cost
        while self._cost > MESSAGES:
            self._cost -= self._kept.pop(next(iter(self._kept)))[1]
