"""Reports on days that are over (UTC), to domains whose records ask for them: DMARC's, and those on TLS.

Each goes out once: the transaction that queues it forgets what was counted for it. What could not be told within
some days, because no name server answered, is forgotten.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

from mailservices import log
from mailservices.mail import (
    aggregate,
    backoff,
    destinations,
    dmarc,
    headers,
    report_message,
    tls_report,
    unpacking,
    webhooks,
)
from mailservices.mail.destinations import Destination
from mailservices.mail.dkim.sign import Key
from mailservices.mail.errors import ProtocolError, Unavailable
from mailservices.mail.questions import Found, Trouble, Txt
from mailservices.mail.report_message import Parcel
from mailservices.mail.vocabulary import Event
from mailservices.net import requests
from mailservices.net.requests import NoAnswer
from mailservices.store import aggregates, contents
from mailservices.store.aggregates import Counted
from mailservices.store.delivery import Delivery
from mailservices.store.ids import new_id
from mailservices.store.outgoing import Outgoing, OutgoingRecipient
from mailservices.store.reports import AlreadyReported
from mailservices.store.tally import Kind
from mailservices.store.trace import Row, words
from workers.reports import signatures
from workers.webhooks import addresses

if TYPE_CHECKING:
    from workers.engine import Engine

#: Reports of one round; the next one goes on.
ROUND = 2000
#: Seconds of one request, and octets of its answer.
REQUEST_LIMIT = 60.0
ANSWER_OCTETS = 400
#: RFC 2045 §6.8: base64, with its line ends, is so much longer.
_GROWTH = 1.37

_log = log.get()


class _Later(Exception):
    """No name server told; the next round asks again."""


async def report(engine: "Engine") -> None:
    """One round.

    Raises:
        Unavailable: the rest is left to the next round.
    """
    wanted = await aggregates.wanted(engine.pool)
    for one in await aggregates.due(engine.pool, datetime.now(UTC).date(), ROUND):
        if engine.stopping:
            return
        try:
            told = wanted and await (_dmarc if one.kind is Kind.DMARC else _tls)(engine, one)
            if not told:
                await aggregates.drop(engine.pool, one)
        except (AlreadyReported, _Later):
            continue
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - one domain's surprise must not keep the others waiting
            _log.exception("report not sent", kind=one.kind, domain=one.domain, error=type(error).__name__)


async def _dmarc(engine: "Engine", one: Counted) -> bool:
    """Whether it is on its way; False: nobody wants it, or not of this size."""
    try:
        record = next((dmarc.parse(text) for text in await _texts(engine, f"_dmarc.{one.domain}")), None)
    except ProtocolError:
        record = None
    wished = destinations.mail_destinations(record.reports) if record else ()
    permitted = await engine.resolver.answer(destinations.permitted(one.domain, wished))
    if permitted is None:
        raise _Later
    if not permitted:
        return False
    submitter, keys = await engine.keys.nearest(engine.config.hostname)
    seen = [(aggregate.of_facts(facts), count) for facts, count in await aggregates.counted(engine.pool, one)]
    if not seen:
        raise AlreadyReported
    begin, end = _day(one)
    made = aggregate.Report(
        engine.config.hostname, f"postmaster@{submitter}", _report_id(one, submitter), one.domain, begin, end,
        tuple(seen), seen[0][0].policy,
    )  # fmt: skip
    packed = unpacking.pack(await asyncio.to_thread(aggregate.build, made))
    parcel = Parcel(one.domain, submitter, made.report_id, begin, end, "xml.gz", "application/gzip", packed)
    fitting = [to.address for to in permitted if to.limit is None or len(packed) * _GROWTH <= to.limit]
    if not fitting:
        _log.warning("report too large", domain=one.domain, octets=len(packed))
        return False
    await _mail(engine, one, parcel, fitting, keys)
    return True


async def _tls(engine: "Engine", one: Counted) -> bool:
    """Whether it is on its way, or has arrived."""
    wished = destinations.tls_destinations(
        destinations.tls_rua(await _texts(engine, destinations.tls_name(one.domain), record=b"v=TLSRPTv1"))
    )
    if not wished:
        return False
    submitter, keys = await engine.keys.nearest(engine.config.hostname)
    sessions = [
        (one.domain, tls_report.of_facts(facts), count)
        for facts, count in await aggregates.counted(engine.pool, one)
    ]
    if not sessions:
        raise AlreadyReported
    begin, end = _day(one)
    made = tls_report.Report(
        engine.config.hostname, f"postmaster@{submitter}", _report_id(one, submitter), begin, end, tuple(sessions)
    )
    packed = unpacking.pack(await asyncio.to_thread(tls_report.build, made))
    parcel = Parcel(
        one.domain, submitter, made.report_id, begin, end, "json.gz", "application/tlsrpt+gzip", packed
    )
    posted = [await _post(engine, parcel, to) for to in wished if to.url]
    # RFC 8460 §3: without a signature it would be passed over.
    mailed = [to.address for to in wished if to.address] if keys else []
    if mailed:
        await _mail(engine, one, parcel, mailed, keys)
    elif posted and not any(posted):
        raise _Later
    return bool(mailed)


async def _texts(engine: "Engine", name: str, *, record: bytes = b"") -> list[bytes]:
    """TXT records of a name that are of the wanted kind: of DMARC, unless it is said.

    Raises:
        _Later: no name server told.
    """
    answer = await engine.resolver.ask(Txt(name))
    if isinstance(answer, Trouble):
        raise _Later
    texts = [one for one in answer.records if isinstance(one, bytes)] if isinstance(answer, Found) else []
    return [one for one in texts if (one.startswith(record) if record else dmarc.is_record(one))]


def _day(one: Counted) -> tuple[datetime, datetime]:
    begin = datetime.combine(one.day, time(), UTC)
    return begin, begin + timedelta(days=1)


def _report_id(one: Counted, submitter: str) -> str:
    return f"{one.day:%Y%m%d}.{new_id().hex}@{submitter}"


async def _mail(
    engine: "Engine", one: Counted, parcel: Parcel, recipients: Sequence[str], keys: Sequence[Key]
) -> None:
    """Queue it, signed, for all of them: from nobody, so that nobody is told if it does not arrive."""
    now = datetime.now(UTC)
    octets = report_message.build(
        parcel, f"postmaster@{parcel.submitter}", recipients, now, on_tls=one.kind is Kind.TLS
    )
    header, body = headers.split(octets)
    content, facts = await contents.prepare(engine.pool, b"", header, body)
    message_id = new_id()
    outgoing = Outgoing(
        recipients=tuple(OutgoingRecipient(to, to.rpartition("@")[2], notify=("NEVER",)) for to in recipients),
        sender="",
        expires_at=now + backoff.LIFETIME,
        prefix=await asyncio.to_thread(signatures, header, body, keys, parcel.submitter, now),
        header=header,
        body=content.body,
        message_id=message_id,
        message_id_field=facts.message_id,
        smtputf8=not "".join(recipients).isascii(),
    )
    detail = f"{one.kind} report on {one.domain} of {one.day}"
    events = tuple(
        Row(
            message_id, Event.REPORTED, "worker", None, None, "", to, facts.message_id, content.size, detail,
            words=words(to, facts.message_id), of=one.domain,
        )
        for to in recipients
    )  # fmt: skip
    await engine.appender.deliver(Delivery(outgoing=outgoing, events=events, counted=one))
    engine.bell.ring({to.destination for to in outgoing.recipients})
    _log.info("report sent", kind=one.kind, domain=one.domain, day=str(one.day))


async def _post(engine: "Engine", parcel: Parcel, to: Destination) -> bool:
    """RFC 8460 §5.4: whether it was taken."""
    try:
        target = webhooks.target(to.url)
        answer = await requests.ask(
            "POST",
            to.url,
            await addresses(engine, target),
            seconds=REQUEST_LIMIT,
            octets=ANSWER_OCTETS,
            headers={"Content-Type": parcel.media_type, "User-Agent": "Facteur"},
            content=parcel.octets,
        )
    except (NoAnswer, ProtocolError) as error:
        _log.warning("report not taken", domain=parcel.domain, url=to.url, cause=str(error)[:200])
        return False
    _log.info("report posted", domain=parcel.domain, url=to.url, status=answer.status)
    return 200 <= answer.status < 300
