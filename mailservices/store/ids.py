"""Ids that are made here rather than drawn from the database: UUIDv7, RFC 9562 §5.7."""

import os
import secrets
import time
from uuid import UUID

_VERSION = 0x7 << 76
_VARIANT = 0x2 << 62
_RANDOM_BITS = 74
#: Random numbers that are drawn from the system together.
_AT_ONCE = 256


_random: list[int] = []
# Processes that part must not draw the same.
os.register_at_fork(after_in_child=_random.clear)


def new_id() -> UUID:
    """A UUID that begins with the time, so that rows made together lie together in an index."""
    milliseconds = time.time_ns() // 1_000_000
    if not _random:
        # The system is asked once for many: that costs more than all the rest.
        octets = secrets.token_bytes(_AT_ONCE * 10)
        _random.extend(
            int.from_bytes(octets[at : at + 10]) >> 80 - _RANDOM_BITS for at in range(0, len(octets), 10)
        )
    random = _random.pop()
    high, low = random >> 62, random & (1 << 62) - 1
    return UUID(int=milliseconds << 80 | _VERSION | high << 64 | _VARIANT | low)


def oldest_id(seconds_since_epoch: float) -> UUID:
    """The least id that can have been made at this moment."""
    return UUID(int=int(seconds_since_epoch * 1000) << 80 | _VERSION | _VARIANT)
