"""APPEND (RFC 9051 §6.3.12, RFC 3502) and REPLACE (RFC 8508): messages that a client brings."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from mailservices.imap.answers import Done, No
from mailservices.imap.handlers import catenate, expunge, limiting
from mailservices.imap.handlers.locating import Located, locate, need
from mailservices.imap.session import Session
from mailservices.mail import codes, rights, uidset
from mailservices.mail.binary import encoded as encoded_parts
from mailservices.mail.errors import BadMessage, MessageGone, NoSuchFolder
from mailservices.protocols.imap import responses
from mailservices.protocols.imap.requests.brought import Append, Brought, Replace
from mailservices.store import contents, enclosing, replacing
from mailservices.store.delivery import Content, Delivery, Placed, Placement
from mailservices.store.enclosing import Wish
from mailservices.store.spool import Spool


async def append(session: Session, command: Append) -> Done:
    """Through the same door as every other message, all or none; the client learns the UIDs (RFC 4315 §3)."""
    limiting.check(session, len(command.messages))
    target = await _target(session, command.mailbox)
    ready = await _ready(session, target, command.messages)
    placed = await session.context.appender.deliver(Delivery(ready))
    if session.selected is not None and session.selected.mailbox_id == target.folder.mailbox_id:
        session.dirty = True
    # RFC 4315 §3: where its place is not known any more, nothing is said of it.
    return Done(_appenduid(placed) if len(placed) == len(ready) else b"", "Kept.")


async def replace(session: Session, command: Replace) -> Done:
    """RFC 8508 §3.4: one comes and the other goes, both or neither; APPENDUID comes before the expunge."""
    selected = session.folder
    if selected.read_only:
        raise No("", "The folder is open for reading only.")
    need(session, "te")
    gone = selected.view.chosen(command.messages, by_uid=command.by_uid)
    if len(gone) != 1:
        raise MessageGone
    target = await _target(session, command.mailbox)
    if target.account_id != selected.account_id:
        raise No("CANNOT", "It has to stay with the same owner.")
    ready = await _ready(session, target, (command.message,))
    placed, changes = await replacing.replace(
        session.context.pool, selected.account_id, selected.mailbox_id, gone[0], Delivery(ready)
    )
    session.say(responses.untagged("OK", "Kept.", _appenduid(placed)))
    for one in placed:
        session.context.tell(one.account_id, one.mailbox_id, one.modseq)
    expunge.settle(session, changes)
    session.dirty = True
    return Done(text="Replaced.", tells_modseq=True)


def _appenduid(placed: Sequence[Placed]) -> bytes:
    return b"APPENDUID %d %b" % (placed[0].uidvalidity, uidset.printed([one.uid for one in placed]))


async def _target(session: Session, name: str) -> Located:
    """RFC 9051 §6.3.12: TRYCREATE where the folder is missing."""
    try:
        return await locate(session, name, "i")
    except NoSuchFolder:
        raise No("TRYCREATE", "There is no such folder.") from None


async def _ready(
    session: Session, target: Located, brought: Sequence[Brought]
) -> tuple[tuple[Content, tuple[Placement, ...]], ...]:
    """The messages and where they go; their literals are among the session's spools, in order."""
    if not all(one.size or one.pieces for one in brought):
        raise No("", "An empty message cannot be kept.")
    now, allowed = datetime.now(UTC), rights.flags(target.rights)
    wish = await _wish(session, target)
    ready, literals = [], iter(list(session.spools))
    for one in brought:
        spool = (
            next(literals) if one.pieces is None else await catenate.put_together(session, one.pieces, literals)
        )
        content = await _content(session, spool, wish, binary=one.binary)
        # RFC 4314 §4: flags that may not be set are left out.
        place = Placement(
            target.account_id, target.folder.mailbox_id, one.moment or now, one.flags.bits & allowed,
            one.flags.keywords if "w" in target.rights else (),
        )  # fmt: skip
        ready.append((content, (place,)))
    return tuple(ready)


async def _wish(session: Session, target: Located) -> Wish | None:
    """How what comes into this folder is encrypted, where its owner wishes that."""
    role = target.folder.special_use
    wish = (await enclosing.wishes(session.context.pool, [target.account_id] if role else ())).get(
        target.account_id
    )
    return wish if wish is not None and role in wish.on_append else None


async def _content(session: Session, spool: Spool, wish: Wish | None, *, binary: bool) -> Content:
    """The message of this spool, ready to be kept."""
    spool.finish()
    if binary and spool.body().find(b"\0") >= 0:
        spool = await asyncio.to_thread(_without_nul, spool)
        session.spools.append(spool)
    header, body = spool.header, spool.body()
    if b"\0" in header or body.find(b"\0") >= 0:
        raise BadMessage(codes.HAS_NUL)
    if wish is not None:
        enclosed = await enclosing.enclosed(session.context.pool, wish, b"", header, body)
        if enclosed is not None:
            return enclosed
    content, _ = await contents.prepare(session.context.pool, b"", header, body)
    return content


def _without_nul(spool: Spool) -> Spool:
    """RFC 3516 §4.4: what is binary may be kept in base64; BODY[] could not show it otherwise."""
    encoded = Spool(spool.limit * 2, spool.folder, secret=spool.secret)
    for piece in encoded_parts(spool.header, spool.body()):
        encoded.write(piece)
    spool.close()
    encoded.finish()
    return encoded
