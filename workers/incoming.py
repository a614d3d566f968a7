"""Reports that came in: read once they are delivered, and what they say is kept.

A bounce counts for a message that we sent in the name of whoever it came to; a complaint, for whom it names.
"""

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mailservices import log
from mailservices.mail import aggregate, report_message, returned, tls_report, unpacking
from mailservices.mail.bounces import About, about
from mailservices.mail.errors import ProtocolError, Unavailable
from mailservices.mail.returned import Returned, Told, What
from mailservices.net import metrics
from mailservices.store import aggregates, bodies
from mailservices.store import returned as store
from mailservices.store.returned import Finding, Sent, Waiting

if TYPE_CHECKING:
    from workers.engine import Engine

#: Messages of one round.
ROUND = 20

_log = log.get()


async def read_due(engine: "Engine") -> None:
    """Read what waits, until nothing does.

    Raises:
        Unavailable
    """
    while not engine.stopping and (waiting := await store.claim(engine.pool, ROUND)):
        for one in waiting:
            try:
                await _read(engine, one)
            except Unavailable:
                raise
            except Exception as error:  # noqa: BLE001 - what a stranger wrote must not keep the others waiting
                _log.exception("report not read", trace_id=one.trace_id.hex, error=type(error).__name__)


async def _read(engine: "Engine", waiting: Waiting) -> None:
    domains = await aggregates.readers(engine.pool, waiting.recipients)
    end = min(waiting.body_size, report_message.MESSAGE_OCTETS if domains else returned.LOOKED_AT)
    body = b"".join([piece async for piece in bodies.read(engine.pool, waiting.blob_id, 0, end)])
    if domains and await _keep_aggregates(engine, waiting, body, domains):
        await store.finish(engine.pool, waiting)
        return
    found = await asyncio.to_thread(returned.read, waiting.header, body, waiting.sender)
    findings = await _findings(engine, waiting, found) if found else []
    for one in await store.keep(engine.pool, waiting, found.reporter if found else "", findings):
        metrics.RETURNED.labels(one.told.what, one.about).inc()
        _log.info("report came in", what=one.told.what, about=one.about, message=one.sent.message_id.hex)
        if engine.hooks.any:
            engine.webhooks_due()


async def _keep_aggregates(engine: "Engine", waiting: Waiting, body: bytes, domains: list[str]) -> bool:
    """Whether the message holds reports on days; those on these domains are kept."""
    found = await asyncio.to_thread(lambda: list(_aggregates(waiting.header, body)))
    for one in found:
        if isinstance(one, aggregate.Report):
            if _is_ours(one.domain, domains):
                await aggregates.keep_dmarc(engine.pool, waiting, one)
        else:
            for domain in sorted({domain for domain, _, _ in one.rows if _is_ours(domain, domains)}):
                await aggregates.keep_tls(engine.pool, waiting, one, domain)
    return bool(found)


def _aggregates(header: bytes, body: bytes) -> Iterator[aggregate.Report | tls_report.Report]:
    for octets in report_message.enclosed(header, body):
        try:
            unpacked = unpacking.unpack(octets)
            if unpacked.lstrip()[:1] == b"{":
                yield tls_report.read(unpacked)
            else:
                yield aggregate.read(unpacked)
        except ProtocolError as error:
            _log.info("attachment is no report", cause=str(error)[:200])


def _is_ours(domain: str, domains: list[str]) -> bool:
    return any(domain == one or domain.endswith(f".{one}") for one in domains)


async def _findings(engine: "Engine", waiting: Waiting, found: Returned) -> list[Finding]:
    complains = any(one.what is What.COMPLAINED for one in found.told)
    senders = None if complains else [one.lower() for one in waiting.recipients]
    sent = await store.sent(engine.pool, found.envid, found.message_id, senders)
    pairs = [(one, told) for told in found.told for one in _meant(told, sent)]
    return [Finding(one, told, _about(told)) for one, told in pairs]


def _meant(told: Told, sent: list[Sent]) -> list[Sent]:
    """Whom a report speaks of, among those whom we sent to: where it names nobody, the only one."""
    if not told.addresses:
        return sent if len(sent) == 1 else []
    return [one for one in sent if one.address.lower() in told.addresses]


def _about(told: Told) -> About:
    if told.what is not What.FAILED:
        return About.OTHER
    status = told.status or "5.0.0"
    return about("final", status, told.text)
