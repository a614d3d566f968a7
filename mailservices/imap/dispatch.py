"""From a command to its tagged answer: is it legal, which handler, what may be told besides, what went wrong.

Untagged updates go out after the handler and before the tagged answer (RFC 9051 §7): new messages and flags
always, expunges only where the command's row in the table allows it.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any

from mailservices import log
from mailservices.imap.answers import Bad, Done, No
from mailservices.imap.handlers import (
    acl,
    append,
    batches,
    contexts,
    copy,
    expunge,
    fetch,
    flags,
    idle,
    login,
    mailboxes,
    metadata,
    notify,
    quota,
    search,
    select,
)
from mailservices.imap.session import Session
from mailservices.mail.errors import MailError, NoSuchFolder, ProtocolError
from mailservices.net import metrics
from mailservices.net.connection import Closed, TimedOut
from mailservices.net.patience import Endless
from mailservices.protocols.imap import commands, responses
from mailservices.protocols.imap.commands import Sequence, Tagged
from mailservices.protocols.imap.requests import acl as access
from mailservices.protocols.imap.requests import brought, conversation, folders, messages
from mailservices.protocols.imap.requests import metadata as annotations
from mailservices.protocols.imap.requests import notify as wishes
from mailservices.protocols.imap.requests.notify import Event
from mailservices.protocols.imap.session import Extension, State
from mailservices.protocols.imap.sources import Kind

#: Any exception of these kinds is the connection's, not the command's.
_CONNECTION_ERRORS = (Closed, TimedOut, Endless, ConnectionError)

Handler = Callable[[Session, Any], Awaitable[Done]]

HANDLERS: dict[type[commands.Command], Handler] = {
    conversation.Capability: login.capability,
    conversation.Noop: idle.noop,
    conversation.Logout: login.logout,
    conversation.Id: login.identify,
    conversation.StartTls: login.start_tls,
    conversation.Login: login.log_in,
    conversation.Authenticate: login.authenticate,
    conversation.Unauthenticate: login.unauthenticate,
    conversation.Compress: login.compress,
    conversation.Enable: login.enable,
    folders.Select: select.select,
    folders.Create: mailboxes.create,
    folders.Delete: mailboxes.delete,
    folders.Rename: mailboxes.rename,
    folders.Subscribe: mailboxes.subscribe,
    folders.Unsubscribe: mailboxes.unsubscribe,
    folders.List: mailboxes.list_,
    folders.Lsub: mailboxes.lsub,
    folders.Namespace: mailboxes.namespace,
    folders.Status: mailboxes.status,
    folders.GetQuota: quota.get_quota,
    folders.GetQuotaRoot: quota.get_quota_root,
    annotations.GetMetadata: metadata.get_metadata,
    annotations.SetMetadata: metadata.set_metadata,
    access.GetAcl: acl.get_acl,
    access.SetAcl: acl.set_acl,
    access.DeleteAcl: acl.delete_acl,
    access.ListRights: acl.list_rights,
    access.MyRights: acl.my_rights,
    wishes.Notify: notify.notify,
    brought.Append: append.append,
    brought.Replace: append.replace,
    conversation.Idle: idle.idle,
    folders.Check: idle.noop,
    folders.Close: select.close,
    folders.Unselect: select.unselect,
    messages.Expunge: expunge.expunge,
    messages.Search: search.search,
    messages.MultiSearch: search.multi_search,
    messages.CancelUpdate: contexts.cancel,
    messages.Batches: batches.batches,
    messages.Sort: search.sort,
    messages.Thread: search.thread,
    messages.Fetch: fetch.fetch,
    messages.Store: flags.store,
    messages.Copy: copy.copy,
    messages.Move: copy.move,
}

_log = log.get()


def greeting(session: Session) -> bytes:
    """RFC 9051 §7.1.1: the capabilities ride along, so that clients need not ask."""
    words = " ".join(login.capabilities(session))
    return responses.untagged("OK", "Facteur is ready.", f"CAPABILITY {words}")


def leave(session: Session) -> None:
    """The connection is gone: stop watching."""
    select.forget(session)
    notify.stop(session)


async def announce(session: Session) -> None:
    """Between commands: what the client wants to hear of unasked (RFC 5465 §3.1)."""
    listening = session.listening
    selected = listening.wanted.selected if listening is not None else None
    try:
        await update(session, may_expunge=selected is not None and selected.source.kind is Kind.SELECTED)
    except NoSuchFolder:
        await _send_off(session)
    except (MailError, No) as error:
        # The watch looks again.
        _log.warning("update not told", command="NOTIFY", error=type(error).__name__)
    session.dirty = False


async def carry_out(session: Session, tagged: Tagged) -> None:
    """Answer one command. Raises only what is the connection's."""
    started = time.monotonic()
    following = tagged.spec.states.get(session.state)
    if following is None:
        session.errors += 1
        session.say(responses.tagged(tagged.tag, "BAD", "The command is not possible in this state."))
        return
    if session.uid_only and tagged.name in commands.NUMBERED:
        # RFC 9586 §3.1
        session.say(responses.tagged(tagged.tag, "BAD", "Only UIDs may name messages.", "UIDREQUIRED"))
        return
    session.tag = tagged.tag
    answer = await _run(session, tagged)
    session.state = following if answer.ok else tagged.spec.failed.get(session.state, session.state)
    if answer.ok and tagged.name == "LOGOUT":
        session.state = State.LOGOUT
    code = answer.code
    if answer.tells_modseq and session.selected is not None and Extension.QRESYNC in session.enabled:
        code = b"HIGHESTMODSEQ %d" % session.selected.view.told_modseq
    session.say(responses.tagged(tagged.tag, answer.status, answer.text, code))
    metrics.commands("imap", tagged.name, answer.status).inc()
    metrics.command_seconds("imap").observe(time.monotonic() - started)
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
    except NoSuchFolder:
        return replace(done, then=partial(_send_off, session))
    except _CONNECTION_ERRORS:
        raise
    except Exception as error:  # noqa: BLE001 - it is told later
        _log.warning("update not told", command=tagged.name, error=type(error).__name__)
    return done


async def _send_off(session: Session) -> None:
    """After the answer to the command, which may itself have deleted the folder."""
    session.say(responses.untagged("BYE", "The selected folder was deleted.", "NONEXISTENT"))
    raise Closed


async def update(session: Session, *, may_expunge: bool) -> None:
    """Tell what others have changed in the selected folder, as far as it may be told now.

    Raises:
        NoSuchFolder: it was deleted.
    """
    if session.listening is not None:
        await notify.tell(session)
    selected = session.selected
    if selected is None or not session.hears(Event.MESSAGE_NEW):
        return
    if session.dirty:
        await select.learn(session, selected, may_expunge=may_expunge)
    elif may_expunge and selected.view.waiting:
        session.tell(selected.view.expunge())
    await contexts.refresh(session)
