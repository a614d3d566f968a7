"""An inventory that has learnt what happened is as one that is made anew."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from mailservices.mail.changes import Changes, Flagged
from mailservices.mail.flags import ALL, FLAGGED, SEEN
from mailservices.mail.inventory import Inventory
from mailservices.mail.search import All, HasFlag, by_flags

EPOCH = UUID(int=7)
EVERY = by_flags(All()) or b""
UIDS = st.integers(1, 40)
FLAGS = st.integers(0, ALL)


def having(inventory: Inventory, bit: int, last_uid: int = 2**32 - 1) -> list[int]:
    wanted = by_flags(HasFlag(bit))
    assert wanted
    return inventory.having(wanted, last_uid)


@given(st.dictionaries(UIDS, FLAGS), st.sets(UIDS), st.dictionaries(st.integers(1, 60), FLAGS), st.booleans())
def test_it_learns(before: dict[int, int], gone: set[int], flagged: dict[int, int], with_flags: bool) -> None:
    after = {uid: bits for uid, bits in before.items() if uid not in gone}
    last = max(after, default=0)
    after |= {uid: bits for uid, bits in flagged.items() if uid in after or uid > last}
    inventory = Inventory(
        1, EPOCH, sorted(before), bytes(before[uid] for uid in sorted(before)) if with_flags else None
    )
    told = tuple(Flagged(uid, flagged[uid], (), 2) for uid in sorted(flagged))
    changes = Changes(2, told, tuple(sorted(gone)), EPOCH)
    inventory.learn(changes)
    assert inventory.uids.tolist() == sorted(after)
    assert inventory.has_flags is with_flags
    assert having(inventory, SEEN) == ([uid for uid in sorted(after) if after[uid] & SEEN] if with_flags else [])
    assert inventory.having(EVERY, 30) == [uid for uid in sorted(after) if uid <= 30]
    inventory.learn(changes)
    assert inventory.uids.tolist() == sorted(after), "twice is as once"


def test_what_is_older_is_known() -> None:
    """Two sessions asked at once, and the answers crossed."""
    inventory = Inventory(3, EPOCH, [1, 2, 4], bytes([0, FLAGGED, FLAGGED]))
    inventory.learn(Changes(3, (Flagged(2, 0, (), 3),)))
    inventory.learn(Changes(2, (Flagged(4, 0, (), 2),), (1,)))
    assert (inventory.modseq, inventory.uids.tolist(), having(inventory, FLAGGED)) == (3, [1, 2, 4], [2, 4])


def test_what_a_client_has_not_heard_of_is_not_found() -> None:
    inventory = Inventory(3, EPOCH, [1, 2, 4], bytes([FLAGGED] * 3))
    assert [having(inventory, FLAGGED, last) for last in (0, 1, 3, 4)] == [[], [1], [1, 2], [1, 2, 4]]
