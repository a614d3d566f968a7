"""From a command to its tagged answer: is it legal, which handler, what may be told besides, what went wrong.

Untagged updates go out after the handler and before the tagged answer (RFC 9051 §7): new messages and flags
always, expunges only where the command's row in the table allows it.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Any

from mailservices import log
from mailservices.imap.answers import Bad, Done, No
from mailservices.imap.handlers import append, copy, expunge, fetch, flags, idle, login, mailboxes, search, select
from mailservices.imap.session import Session
from mailservices.mail.errors import MailError, NoSuchFolder, ProtocolError
from mailservices.net import metrics
from mailservices.net.connection import Closed, TimedOut
from mailservices.net.patience import Endless
from mailservices.protocols.imap import commands, responses
from mailservices.protocols.imap.commands import Sequence, Tagged
from mailservices.protocols.imap.session import State

#: Any exception of these kinds is the connection's, not the command's.
_CONNECTION_ERRORS = (Closed, TimedOut, Endless, ConnectionError)

Handler = Callable[[Session, Any], Awaitable[Done]]

HANDLERS: dict[type[commands.Command], Handler] = {
    commands.Capability: login.capability,
    commands.Noop: idle.noop,
    commands.Logout: login.logout,
    commands.Id: login.identify,
    commands.StartTls: login.start_tls,
    commands.Login: login.log_in,
    commands.Authenticate: login.authenticate,
    commands.Enable: login.enable,
    commands.Select: select.select,
    commands.Create: mailboxes.create,
    commands.Delete: mailboxes.delete,
    commands.Rename: mailboxes.rename,
    commands.Subscribe: mailboxes.subscribe,
    commands.Unsubscribe: mailboxes.unsubscribe,
    commands.List: mailboxes.list_,
    commands.Lsub: mailboxes.lsub,
    commands.Namespace: mailboxes.namespace,
    commands.Status: mailboxes.status,
    commands.Append: append.append,
    commands.Idle: idle.idle,
    commands.Check: idle.noop,
    commands.Close: select.close,
    commands.Unselect: select.unselect,
    commands.Expunge: expunge.expunge,
    commands.Search: search.search,
    commands.Fetch: fetch.fetch,
    commands.Store: flags.store,
    commands.Copy: copy.copy,
    commands.Move: copy.move,
}

_log = log.get()


def greeting(session: Session) -> bytes:
    """RFC 9051 §7.1.1: the capabilities ride along, so that clients need not ask."""
    words = " ".join(login.capabilities(session))
    return responses.untagged("OK", "Facteur is ready.", f"CAPABILITY {words}")


def leave(session: Session) -> None:
    """The connection is gone: stop watching."""
    select.forget(session)


async def carry_out(session: Session, tagged: Tagged) -> None:
    """Answer one command. Raises only what is the connection's."""
    started = time.monotonic()
    following = tagged.spec.states.get(session.state)
    if following is None:
        session.errors += 1
        session.say(responses.tagged(tagged.tag, "BAD", "The command is not possible in this state."))
        return
    answer = await _run(session, tagged)
    session.state = following if answer.ok else tagged.spec.failed.get(session.state, session.state)
    if answer.ok and tagged.name == "LOGOUT":
        session.state = State.LOGOUT
    session.say(responses.tagged(tagged.tag, answer.status, answer.text, answer.code))
    metrics.COMMANDS.labels("imap", tagged.name, answer.status).inc()
    metrics.COMMAND_SECONDS.labels("imap").observe(time.monotonic() - started)
    if answer.then is not None:
        await session.wire.drain()
        await answer.then()


async def _run(session: Session, tagged: Tagged) -> Done:
    """The handler, and what may be told after it; whatever goes wrong is an answer."""
    try:
        done = await HANDLERS[type(tagged.command)](session, tagged.command)
    except (Bad, No) as refusal:
        return Done(refusal.code, refusal.words, status=refusal.status)
    except MailError as error:
        return Done(error.imap, error.words, status="NO")
    except ProtocolError as error:
        session.errors += 1
        return Done("", str(error), status="BAD")
    except _CONNECTION_ERRORS:
        raise
    except Exception as error:  # noqa: BLE001 - unknown means temporary
        _log.exception("command failed", command=tagged.name, error=type(error).__name__)
        return Done("UNAVAILABLE", "Something went wrong here, please try again later.", status="NO")
    # The command is done, whatever can be told besides: NO would have the client repeat it, and APPEND twice.
    try:
        await update(session, may_expunge=tagged.spec.sequence is Sequence.BREAKS)
    except _CONNECTION_ERRORS:
        raise
    except Exception as error:  # noqa: BLE001 - it is told later
        _log.warning("update not told", command=tagged.name, error=type(error).__name__)
    return done


async def update(session: Session, *, may_expunge: bool) -> None:
    """Tell what others have changed in the selected folder, as far as it may be told now."""
    selected = session.selected
    if selected is None:
        return
    if session.dirty:
        try:
            await select.learn(session, selected, may_expunge=may_expunge)
        except NoSuchFolder:
            session.say(responses.untagged("BYE", "The selected folder was deleted.", "NONEXISTENT"))
            raise Closed from None
    elif may_expunge and selected.view.waiting:
        session.tell(selected.view.expunge())
