"""Answers for whoever is away (RFC 3834): what was delivered and may be answered, is answered once."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mailservices import log
from mailservices.mail import address, backoff, headers, trace, vacation
from mailservices.mail.address import Address
from mailservices.mail.errors import MailError, ProtocolError, Unavailable
from mailservices.mail.vacation import Answer
from mailservices.mail.vocabulary import Event
from mailservices.store import answers, enclosing
from mailservices.store.answers import Answered, Said, Waiting
from mailservices.store.delivery import Delivery
from mailservices.store.directory import Route
from mailservices.store.ids import new_id
from mailservices.store.outgoing import Outgoing, OutgoingRecipient
from mailservices.store.reports import AlreadyReported
from mailservices.store.trace import Row, domain_of, words
from workers import reports

if TYPE_CHECKING:
    from workers.engine import Engine

#: Messages of one round.
ROUND = 100

_log = log.get()


async def write_due(engine: "Engine") -> None:
    """Answer what waits, until nothing does.

    Raises:
        Unavailable
    """
    while not engine.stopping and (waiting := await answers.claim(engine.pool, ROUND)):
        for one in waiting:
            try:
                if not await _answer(engine, one):
                    await answers.finish(engine.pool, one)
            except AlreadyReported:
                await answers.finish(engine.pool, one)
            except Unavailable:
                raise
            except MailError as error:
                # Such as a full mailbox: it is tried again for a while.
                _log.info("not answered", account=one.account_id, error=type(error).__name__)
            except Exception as error:  # noqa: BLE001 - what a stranger wrote must not keep the others waiting
                _log.exception("not answered", trace_id=one.trace_id.hex, error=type(error).__name__)


async def _answer(engine: "Engine", waiting: Waiting) -> bool:
    """Whether it was answered; else it is not to be."""
    try:
        to = address.parse(waiting.sender)
    except ProtocolError:
        return False
    said = await answers.said(engine.pool, waiting)
    named = vacation.addressed(waiting.header)
    # RFC 3834 §2: only what is addressed to her by name.
    if said is None or not named or not await answers.is_named(engine.pool, waiting.account_id, named):
        return False
    route = await reports.route_of(engine, waiting.sender)
    if waiting.account_id in {box.account_id for box in route.mailboxes} or not (route.mailboxes or route.remote):
        # Her own message, or nobody is there.
        return False
    await engine.appender.deliver(await _delivery(engine, waiting, said, to, route))
    if route.remote:
        engine.bell.ring({one.domain for one in route.remote})
    return True


async def _delivery(engine: "Engine", waiting: Waiting, said: Said, to: Address, route: Route) -> Delivery:
    now, answer_id = datetime.now(UTC), new_id()
    author = address.parse(said.address)
    answer = Answer(author, said.name, to, said.subject, said.text)
    message_id = f"<{answer_id.hex}@{engine.config.hostname}>"
    octets = vacation.build(answer, waiting.header, message_id, now)
    header, body = headers.split(octets)
    content, enclosed, facts = await enclosing.prepare(engine.pool, route, trace.return_path(""), header, body)
    outgoing = None
    if route.remote:
        outgoing = Outgoing(
            recipients=tuple(OutgoingRecipient(str(one), one.domain) for one in route.remote),
            # RFC 3834 §3.3: whatever becomes of it, nobody is told.
            sender="",
            expires_at=now + backoff.LIFETIME,
            prefix=await reports.signed(header, body, await engine.keys.of(author.domain), author.domain, now),
            header=header,
            body=content.body,
            message_id=answer_id,
            account_id=waiting.account_id,
            smtputf8=to.needs_smtputf8 or author.needs_smtputf8,
            message_id_field=facts.message_id,
        )
    placed = enclosing.placed(content, enclosed, route.mailboxes, now)
    found = words(said.address, str(to), facts.message_id)
    events = tuple(
        Row(
            answer_id, kind, "worker", waiting.account_id, None, said.address, str(to), facts.message_id,
            content.size, f"answers {waiting.trace_id.hex}: away", words=found,
            facts={"about": waiting.trace_id.hex}, of=domain_of(said.address),
        )
        for kind, there in ((Event.DELIVERED, placed), (Event.QUEUED, route.remote))
        if there
    )  # fmt: skip
    return Delivery(
        placed,
        outgoing,
        events=events,
        answered=Answered(waiting, said.days),
    )
