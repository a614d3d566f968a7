"""NOOP, CHECK and IDLE: what is new? (RFC 9051 §6.1.2, §6.3.13)"""

from mailservices import log
from mailservices.imap.answers import RESTARTING, Bad, Done
from mailservices.imap.handlers import notify, select
from mailservices.imap.session import Session
from mailservices.mail.errors import NoSuchFolder, Unavailable
from mailservices.net.connection import Closed
from mailservices.protocols.imap import responses
from mailservices.protocols.imap.reader import Received
from mailservices.protocols.imap.requests.conversation import Idle, Noop
from mailservices.protocols.imap.requests.folders import Check
from mailservices.protocols.imap.requests.notify import Event

#: Seconds after which a client that idles is sent away; RFC 2177 tells clients to begin anew every 29 minutes.
IDLE_LIMIT = 1800.0

_log = log.get()


async def noop(session: Session, _command: Noop | Check) -> Done:
    """Look now: a nudge may have been lost."""
    session.dirty = True
    return Done()


async def idle(session: Session, _command: Idle) -> Done:
    """Tell of changes as they happen, until the client says DONE."""
    session.say(responses.continuation(b"Idling"))
    session.dirty = session.selected is not None
    while True:
        await _look(session)
        await session.wire.drain()
        match session.reader.next_event():
            case Received((bytes() as line,)) if line.upper() == b"DONE":
                return Done(text="Idle no more.")
            case None:
                await _wait(session)
            case _:
                raise Bad("", "DONE was expected.")


async def _look(session: Session) -> None:
    try:
        if session.listening is not None:
            await notify.tell(session)
        if session.dirty and session.selected is not None and session.hears(Event.MESSAGE_NEW):
            await select.learn(session, session.selected, may_expunge=True)
    except NoSuchFolder:
        session.say(responses.untagged("BYE", "The selected folder was deleted.", "NONEXISTENT"))
        raise Closed from None
    except Unavailable:
        # Nothing is lost: the watch looks again (imap/watch.py), and whoever idles need not know.
        _log.warning("update not told", command="IDLE")


async def _wait(session: Session) -> None:
    """Until the client says something or a nudge comes."""
    session.idle = True
    if not session.ending:
        await session.wire.wait(IDLE_LIMIT)
    session.idle = False
    if session.ending:
        session.say(RESTARTING)
        raise Closed
    if session.wire.readable:
        data = await session.wire.read(IDLE_LIMIT)
        if not data:
            raise Closed
        session.reader.receive(data)
