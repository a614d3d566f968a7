"""Mail that the appliance writes to somebody of its own: delivered here, or sent on where it is forwarded to."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mailservices.mail import backoff, headers, trace
from mailservices.mail.address import Address
from mailservices.mail.vocabulary import Event
from mailservices.store import contents, directory
from mailservices.store.delivery import Delivery, Placement
from mailservices.store.ids import new_id
from mailservices.store.outgoing import Outgoing, OutgoingRecipient
from mailservices.store.trace import Row, words
from workers import reports

if TYPE_CHECKING:
    from workers.engine import Engine


async def write(engine: "Engine", author: Address, to: Address, octets: bytes) -> None:
    """Deliver it from the null path: whatever becomes of it, nobody is told.

    It is stored as it is, even for whoever has hers encrypted: it says why that is not possible, or is encrypted.

    Raises:
        MailError: such as a full mailbox, or nobody there.
    """
    now, own_id = datetime.now(UTC), new_id()
    route = await directory.resolve(engine.pool, to)
    header, body = headers.split(octets)
    content, facts = await contents.prepare(engine.pool, trace.return_path(""), header, body)
    outgoing = None
    if route.remote:
        keys = await engine.keys.of(author.domain)
        outgoing = Outgoing(
            recipients=tuple(OutgoingRecipient(str(one), one.domain) for one in route.remote),
            sender="",
            expires_at=now + backoff.LIFETIME,
            prefix=await reports.signed(header, body, keys, author.domain, now),
            header=header,
            body=content.body,
            message_id=own_id,
            eightbit=not octets.isascii(),
            smtputf8=author.needs_smtputf8 or to.needs_smtputf8,
            message_id_field=facts.message_id,
        )
    places = tuple(Placement(box.account_id, box.mailbox_id, now) for box in route.mailboxes)
    found = words(str(author), str(to), facts.message_id)
    events = tuple(
        Row(
            own_id, kind, "worker", None, None, str(author), str(to), facts.message_id, content.size,
            "written by the appliance", words=found,
        )
        for kind, there in ((Event.DELIVERED, places), (Event.QUEUED, route.remote))
        if there
    )  # fmt: skip
    await engine.appender.deliver(Delivery(((content, places),) if places else (), outgoing, events=events))
    if route.remote:
        engine.bell.ring({one.domain for one in route.remote})
