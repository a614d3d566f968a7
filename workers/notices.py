"""Owners are told of their keys: a month before one ends, and when what arrives cannot be encrypted."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mailservices import log
from mailservices.mail import privacy_notice
from mailservices.mail.address import Address, parse
from mailservices.mail.errors import MailError, ProtocolError, Unavailable
from mailservices.store import notices
from mailservices.store.ids import new_id
from workers import own_mail

if TYPE_CHECKING:
    from workers.engine import Engine

#: Notices of one round.
ROUND = 200

_log = log.get()


async def tell(engine: "Engine") -> None:
    """One round. Who dies between telling and noting it tells twice, rather than never.

    Raises:
        Unavailable
    """
    await notices.note(engine.pool)
    for notice_id, notice in await notices.untold(engine.pool, ROUND):
        try:
            to = parse(notice.address)
            octets = privacy_notice.build(notice, f"<{new_id().hex}@{engine.config.hostname}>", datetime.now(UTC))
            await own_mail.write(engine, Address("postmaster", to.domain), to, octets)
        except Unavailable:
            raise
        except (MailError, ProtocolError) as error:
            # Such as a full mailbox: it stays untold, and is tried with the next round.
            _log.warning("owner not told of her key", notice=notice_id, error=type(error).__name__)
            continue
        await notices.told(engine.pool, notice_id)
        _log.info("owner told of her key", about=notice.about, notice=notice_id)
