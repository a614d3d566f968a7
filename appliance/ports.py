"""Free ports, such that several appliances and test runs that start at once never choose the same."""

import atexit
import random
import socket

#: Below the ports that the kernel gives to clients, in blocks of which one process has each.
FIRST, LAST, BLOCK = 10_240, 32_700, 60

#: Of the process's own block. Its first port stays bound for as long as the process lives, and keeps the block.
_left: list[int] = []


def free_port() -> int:
    """A port on which nobody listens, and which no other process that asks here is given."""
    while True:
        if not _left:
            _take_block()
        port = _left.pop()
        probe = _bound(port)
        if probe is not None:
            probe.close()
            return port


def _take_block() -> None:
    """Raises OSError where none is left, which takes hundreds of processes."""
    starts = list(range(FIRST, LAST - BLOCK, BLOCK))
    random.shuffle(starts)
    for start in starts:
        held = _bound(start)
        if held is not None:
            atexit.register(held.close)
            _left.extend(range(start + BLOCK - 1, start, -1))
            return
    raise OSError("no ports are left")


def _bound(port: int) -> socket.socket | None:
    made = socket.socket()
    try:
        made.bind(("127.0.0.1", port))
    except OSError:
        made.close()
        return None
    return made
