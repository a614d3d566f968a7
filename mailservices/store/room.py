"""Whether an account may hold more: asked under its lock, by whoever adds messages."""

from typing import Any


def has_room(account: Any, octets: int, messages: int) -> bool:
    """So many more, for a row with bytes, quota_bytes, messages and quota_messages."""
    return not (
        (account["quota_bytes"] is not None and account["bytes"] + octets > account["quota_bytes"])
        or (account["quota_messages"] is not None and account["messages"] + messages > account["quota_messages"])
    )
