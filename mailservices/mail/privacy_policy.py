"""What an account and its domain wish for private mail, as one: what the account says, else its domain."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from mailservices.mail.vocabulary import Arrival, Encrypting, Signing, WhenBroken

#: Days before a key of one's own ends, from which on its owner is told.
WARNED_DAYS: Final = 30


@dataclass(frozen=True, slots=True)
class Policy:
    """What is done with an account's mail; the defaults are those of whoever has said nothing."""

    #: Only an account says this: mail that comes in is encrypted to its owner's keys before it is stored.
    on_arrival: str = Arrival.OFF.value
    when_broken: str = WhenBroken.WAIT.value
    #: Roles of folders (SpecialUse) into which APPEND encrypts, too.
    on_append: tuple[str, ...] = ()
    sign: str = Signing.OFF.value
    encrypt: str = Encrypting.NEVER.value
    #: Where mail is encrypted, as it comes in or leaves, its subject is inside only.
    hide_subject: bool = False
    #: Leaving mail tells the sender's key (Autocrypt).
    autocrypt: bool = False
    #: Keys of correspondents are learnt from what they send.
    learn: bool = False
    #: Mail that comes in encrypted to a key held for that is opened before it is stored.
    decrypt: bool = False


#: What may be asked of a row of either.
WISHES = tuple(field.name for field in fields(Policy))


def merged(*said: Mapping[str, Any] | None) -> Policy:
    """Of what is said, the first that is not None counts: that of the account before that of its domain."""
    chosen: dict[str, Any] = {}
    for name in WISHES:
        values = (one[name] for one in said if one is not None)
        value = next((value for value in values if value is not None), None)
        if value is not None:
            chosen[name] = tuple(value) if name == "on_append" else value
    return Policy(**chosen)
