"""In which order mail leaves for a destination: as its sender said, then reports and letters before circulars."""

from typing import Final

#: A message of more recipients, or more octets, is nothing that somebody waits for just now.
RECIPIENTS: Final = 20
OCTETS: Final = 256 * 1024
#: Ranks within one priority of RFC 6710.
_REPORT: Final = 2
_LETTER: Final = 1
_CIRCULAR: Final = 0


def rank(priority: int, *, report: bool, recipients: int, size: int) -> int:
    """The higher, the sooner.

    Args:
        priority: MT-PRIORITY, from -9 to 9 (RFC 6710 §3).
        report: the sender is the null path.
    """
    kind = _REPORT if report else _LETTER if recipients <= RECIPIENTS and size <= OCTETS else _CIRCULAR
    return priority * 3 + kind
