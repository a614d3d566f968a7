"""Identifiers that outlive names and folders (RFC 8474): a message's is its content's, so that copies share it."""

import re
from uuid import UUID

_EMAIL = re.compile(r"M([0-9a-f]{32})")


def email_id(content_id: UUID | bytes) -> str:
    """EMAILID: letters and digits; POP3's UIDL gives the same (pop3/maildrop.py)."""
    return f"M{content_id.hex if isinstance(content_id, UUID) else content_id.hex()}"


def content_id(email_id: str) -> UUID | None:
    """The content that an EMAILID is of; None where it is not one of ours."""
    match = _EMAIL.fullmatch(email_id)
    return UUID(match[1]) if match else None


def mailbox_id(number: int) -> str:
    """MAILBOXID (RFC 8474 §4.1): a folder keeps it when it is renamed."""
    return f"F{number:x}"
