"""What a stage is given, and what it answers."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from mailservices.mail.envelope import Envelope
from mailservices.mail.errors import MailError


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message at the door: its envelope is accepted, its text is here, nothing is promised yet."""

    peer: str
    envelope: Envelope
    header: bytes


#: None lets the message pass. A stage that cannot find out raises Unavailable: never accept by accident.
Verdict: TypeAlias = MailError | None
Stage: TypeAlias = Callable[[Arrival], Awaitable[Verdict]]
