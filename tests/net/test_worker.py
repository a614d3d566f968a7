"""A process that serves."""

import gc

from mailservices.net.worker import keep_what_stands


def test_nobody_looks_for_garbage_in_what_stands_at_the_start() -> None:
    standing = [[] for _ in range(1000)]
    keep_what_stands()
    try:
        assert gc.get_freeze_count() >= len(standing)
    finally:
        gc.unfreeze()
