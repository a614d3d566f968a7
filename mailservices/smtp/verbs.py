"""What each SMTP command does: one coroutine for each verb, from a command to a reply.

A verb may raise MailError; the conversation turns it into its reply. The state moves only when the reply is
positive (protocols/smtp/session.py).
"""

from collections.abc import Awaitable, Callable
from typing import Any

from mailservices.mail import codes
from mailservices.mail.codes import Reply
from mailservices.mail.envelope import Envelope, Recipient
from mailservices.mail.errors import (
    MailboxFull,
    NotYourAddress,
    ProtocolError,
    RelayDenied,
    TooLarge,
    TooLargeForMailbox,
    TooManyRecipients,
)
from mailservices.protocols.smtp import commands, parameters, replies
from mailservices.protocols.smtp.parameters import ParameterError
from mailservices.smtp import signin
from mailservices.smtp.session import Session
from mailservices.store import directory
from mailservices.store.directory import Route

#: Recipients of one transaction (RFC 5321 §4.5.3.1.8: at least 100).
RECIPIENTS = 1000


async def helo(session: Session, command: commands.Helo) -> Reply:
    session.begin()
    session.helo, session.extended = command.name, False
    return Reply(250, "", session.context.config.hostname)


async def ehlo(session: Session, command: commands.Ehlo) -> bytes:
    session.begin()
    session.helo, session.extended = command.name, True
    return replies.lines(250, [f"{session.context.config.hostname} greets {command.name}", *extensions(session)])


def extensions(session: Session) -> list[str]:
    """What is offered in this state of the session (RFC 5321 §4.1.1.1)."""
    offered = ["PIPELINING", f"SIZE {session.context.config.message_bytes}", "8BITMIME", "SMTPUTF8"]
    offered.append("ENHANCEDSTATUSCODES")
    if session.profile.starttls and not session.wire.tls:
        offered.append("STARTTLS")
    if session.profile.submission and session.secure and session.identity is None:
        offered.append("AUTH " + " ".join(signin.MECHANISMS))
    return offered


async def mail(session: Session, command: commands.Mail) -> Reply:
    if session.profile.submission and session.identity is None:
        return codes.AUTH_REQUIRED
    if command.parameters and not session.extended:
        return codes.PARAMETER_UNKNOWN
    envelope = Envelope(command.sender)
    try:
        parameters.read_mail(envelope, command.parameters, {word.split(" ")[0] for word in extensions(session)})
    except ParameterError as error:
        return error.reply
    if envelope.size > session.context.config.message_bytes:
        raise TooLarge
    if command.sender and command.sender.needs_smtputf8 and not envelope.smtputf8:
        return codes.NEEDS_SMTPUTF8
    if (
        session.identity
        and command.sender
        and not await directory.owns(session.context.pool, session.identity.account_id, command.sender)
    ):
        raise NotYourAddress
    session.begin()
    session.envelope = envelope
    return codes.SENDER_OK


async def rcpt(session: Session, command: commands.Rcpt) -> Reply:
    envelope = session.envelope
    if envelope is None:
        return codes.BAD_SEQUENCE
    try:
        recipient = parameters.read_rcpt(Recipient(command.recipient), command.parameters, ())
    except ParameterError as error:
        return error.reply
    if len(envelope.recipients) >= RECIPIENTS:
        raise TooManyRecipients
    if command.recipient.needs_smtputf8 and not envelope.smtputf8:
        return codes.NEEDS_SMTPUTF8
    route = await directory.resolve(session.context.pool, command.recipient)
    _may_relay(session, recipient, route)
    _has_room(route, envelope.size)
    envelope.recipients.append(recipient)
    session.routes.append(route)
    return codes.RECIPIENT_OK


def _may_relay(session: Session, recipient: Recipient, route: Route) -> None:
    """A stranger's recipient must lead through a domain of ours; whoever signed in may send anywhere."""
    leads_away = any(address == recipient.address for address in route.remote)
    if leads_away and session.identity is None:
        raise RelayDenied


def _has_room(route: Route, size: int) -> None:
    """RFC 1870 §6.1: a message that is announced too large for a mailbox need not be sent."""
    for box in route.mailboxes:
        if box.quota is not None and size > box.quota:
            raise TooLargeForMailbox
        if box.room is not None and box.room < max(size, 1):
            raise MailboxFull


async def rset(session: Session, _command: commands.Rset) -> Reply:
    session.begin()
    return codes.OK


async def noop(_session: Session, _command: commands.Noop) -> Reply:
    return codes.OK


async def help_(_session: Session, _command: commands.Help) -> Reply:
    return codes.HELP


async def vrfy(_session: Session, _command: commands.Vrfy) -> Reply:
    """RFC 5321 §7.3: a stranger is not told who is here."""
    return codes.CANNOT_VERIFY


async def quit_(_session: Session, _command: commands.Quit) -> Reply:
    return codes.BYE


async def auth(session: Session, command: commands.Auth) -> Reply:
    return await signin.sign_in(session, command)


Verb = Callable[[Session, Any], Awaitable[Reply | bytes]]

#: STARTTLS and DATA take over the wire: the conversation itself carries them out.
VERBS: dict[type[commands.Command], Verb] = {
    commands.Helo: helo,
    commands.Ehlo: ehlo,
    commands.Mail: mail,
    commands.Rcpt: rcpt,
    commands.Rset: rset,
    commands.Noop: noop,
    commands.Help: help_,
    commands.Vrfy: vrfy,
    commands.Quit: quit_,
    commands.Auth: auth,
}


def syntax_reply(error: ProtocolError) -> Reply:
    """The reply to a line that is no command."""
    if isinstance(error, commands.UnknownCommand):
        return codes.UNKNOWN_COMMAND
    if isinstance(error, commands.BadAddress):
        return error.reply
    return codes.SYNTAX_ERROR
