"""What of a message stays behind where somebody has her mail encrypted before it is stored (store/enclosing.py).

Her mailbox gets a Content of her own. Whoever has nothing encrypted, or is elsewhere, gets the message as it is;
where there is nobody of these, its text is written nowhere. Neither the trace nor what is kept to answer in her
place tells a subject. What a message reports on mail of ours is kept without the message (mail/retold.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mailservices.mail import privacy, trace
from mailservices.mail.envelope import Envelope
from mailservices.mail.headers import Octets
from mailservices.mail.structure import Facts
from mailservices.smtp.session import Session
from mailservices.store import contents, enclosing
from mailservices.store.delivery import Content
from mailservices.store.directory import Mailbox, Route


@dataclass(frozen=True, slots=True)
class Place:
    """A mailbox here, and the recipient that led to it."""

    box: Mailbox
    recipient: str


@dataclass(frozen=True, slots=True)
class Text:
    """A message in the making: what goes before it, and its own octets."""

    return_path: bytes
    stamps: bytes
    header: bytes
    body: Octets

    def prefix(self, place: Place) -> bytes:
        """What one mailbox has before the message: with the address that it came by."""
        return self.return_path + trace.delivered_to(place.recipient) + self.stamps


async def enclosed(session: Session, places: Sequence[Place], text: Text) -> dict[int, Content]:
    """Account -> the message as only its owner can read it; without those who get it as it is.

    Raises:
        KeyBroken: it has to wait for the key of one of them.
        Unavailable
    """
    private = {place.box.account_id: place for place in places if place.box.encrypts}
    found: dict[int, Content] = {}
    for place in private.values():
        prefix = text.prefix(place)
        found |= await enclosing.enclosed_for(session.context.pool, [place.box], prefix, text.header, text.body)
    return found


async def readable(
    session: Session,
    envelope: Envelope,
    routes: Sequence[Route],
    places: Sequence[Place],
    private: Mapping[int, Content],
    text: Text,
    *,
    held: bool,
) -> tuple[Content, Facts]:
    """The message as it is, for all others; without its text where there is nobody of these."""
    leaves = session.profile.submission and not any(route.mailboxes for route in routes)
    waits = held or envelope.hold is not None
    needed = waits or not private or any(place.box.account_id not in private for place in places)
    needed = needed or any(route.remote for route in routes)
    content, facts = await contents.prepare(
        session.context.pool, text.return_path + text.stamps, text.header, text.body, leaves=leaves, needed=needed
    )
    if not needed:
        # A report that it was delivered may still be due: it names the fields that do not hide.
        content = replace(content, header=privacy.outer_of_arrived(text.header, hide_subject=True) + b"\r\n")
    return content, facts
