"""CATENATE (RFC 4469): a message that is put together from what the client brings and what is here already."""

from collections.abc import Iterator, Sequence

from mailservices.imap.answers import No
from mailservices.imap.handlers import sections
from mailservices.imap.handlers.locating import Located, locate
from mailservices.imap.session import Session
from mailservices.mail.errors import NoSuchFolder, ProtocolError, TooLarge, Unavailable
from mailservices.protocols.imap import urls
from mailservices.protocols.imap.urls import MessageUrl
from mailservices.store import fetch
from mailservices.store.bodies import PIECE_OCTETS
from mailservices.store.spool import Spool


async def put_together(session: Session, pieces: Sequence[bytes | None], literals: Iterator[Spool]) -> Spool:
    """The whole message; None among the pieces stands for the next literal, others are URLs.

    Raises:
        No: a URL that leads nowhere, or a message that is too large or empty.
    """
    config = session.context.config
    whole = Spool(config.message_bytes, config.spool, secret=session.private)
    session.spools.append(whole)
    for piece in pieces:
        if piece is None:
            literal = next(literals)
            literal.finish()
            body = literal.body()
            for start in range(0, len(body), PIECE_OCTETS):
                whole.write(body[start : start + PIECE_OCTETS])
            literal.close()
        else:
            await _append_url(session, piece, whole)
        if isinstance(whole.objection, TooLarge):
            raise No("TOOBIG", "The message is too large.")
        if isinstance(whole.objection, Unavailable):
            raise whole.objection
    if not whole.size:
        raise No("", "An empty message cannot be kept.")
    return whole


async def _append_url(session: Session, text: bytes, whole: Spool) -> None:
    """RFC 4469 §4.1: BADURL names the URL that cannot be followed."""
    bad = No(b"BADURL " + _shown(text), "The URL leads nowhere.")
    try:
        url = urls.parse(text)
        found = await _located(session, url)
    except (ProtocolError, NoSuchFolder, No):
        raise bad from None
    pool = session.context.pool
    rows = await fetch.first_pieces(pool, found.account_id, found.folder.mailbox_id, [url.uid]) if found else ()
    if not rows:
        raise bad
    with sections.Message.of(pool, rows[0]) as message:
        chosen = await sections.choose(message, url.section)
        if chosen is None:
            raise bad
        async for octets in sections.octets(message, chosen.partial(url.section.partial)):
            whole.write(octets)


def _shown(url: bytes) -> bytes:
    """As a response code may hold it (RFC 4469 §5 url-resp-text)."""
    return bytes(octet for octet in url[: urls.OCTETS] if 0x20 <= octet < 0x7F and octet not in b"]\\")


async def _located(session: Session, url: MessageUrl) -> Located | None:
    """The folder; None where it is not the one that the URL was made for."""
    selected = session.selected.name if session.selected is not None else ""
    found = await locate(session, url.mailbox or selected, "r")
    return found if url.uidvalidity in (0, found.folder.uidvalidity) else None
