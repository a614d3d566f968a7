"""MESSAGELIMIT (RFC 9738), where the operator wants one: how many messages one command may be about.

What only reads does so for the newest of them, and tells how far it came; what changes something is refused whole.
"""

from collections.abc import Sequence
from typing import NoReturn

from mailservices.imap.answers import No
from mailservices.imap.session import Session


def newest(session: Session, uids: Sequence[int]) -> tuple[Sequence[int], bytes]:
    """Of these ascending UIDs those that may be read, and the response code where that is not all (§3.1)."""
    limit = session.context.config.message_limit
    if not limit or len(uids) <= limit:
        return uids, b""
    some = uids[-limit:]
    return some, b"MESSAGELIMIT %d %d" % (limit, some[0])


def check(session: Session, count: int) -> None:
    """Raises No where a command may not be about so many messages."""
    if newest(session, range(count))[1]:
        refuse(session)


def refuse(session: Session) -> NoReturn:
    """Raises No: these are too many."""
    limit = session.context.config.message_limit
    raise No(f"MESSAGELIMIT {limit}", f"These are more than {limit} messages.")
