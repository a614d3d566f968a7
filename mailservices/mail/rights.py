"""What somebody may do with a folder (RFC 4314 §2.1): letters, and what they mean for flags."""

from typing import Final

from mailservices.mail.errors import ProtocolError
from mailservices.mail.flags import ALL as ALL_FLAGS
from mailservices.mail.flags import DELETED, SEEN

#: In the order in which they are told. The owner has them all, and may give away each of them.
OWNER: Final = "lrswikxtea"
#: RFC 4314 §2.1.1: virtual rights, from before.
_VIRTUAL: Final = {"c": "kx", "d": "te"}
#: Known, and not given.
_KNOWN: Final = frozenset(OWNER) | frozenset("pcd")


def parse(text: str) -> str:
    """The rights in these letters, each once, in order.

    Raises:
        ProtocolError: a letter that is no right (§2.1).
    """
    if set(text) - _KNOWN:
        raise ProtocolError("These are no rights.")
    meant = set("".join(_VIRTUAL.get(letter, letter) for letter in text))
    return printed(meant | ({"p"} & set(text)))


def printed(letters: set[str] | frozenset[str] | str) -> str:
    """In the order in which they are told."""
    return "".join(letter for letter in OWNER + "p" if letter in letters)


def changed(held: str, change: str, rights: str) -> str:
    """What is held after SETACL: "+" adds, "-" removes, nothing replaces (§3.1)."""
    if change == "+":
        return printed(set(held) | set(rights))
    return printed(set(held) - set(rights)) if change == "-" else rights


def flags(rights: str) -> int:
    """The system flags that may be changed (§4)."""
    bits = (SEEN if "s" in rights else 0) | (DELETED if "t" in rights else 0)
    return bits | (ALL_FLAGS & ~(SEEN | DELETED) if "w" in rights else 0)
