"""What each SMTP command does: one coroutine for each verb, from a command to a reply.

A verb may raise MailError; the conversation turns it into its reply. The state moves only when the reply is
positive (protocols/smtp/session.py).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from mailservices.mail import codes, srs
from mailservices.mail.address import Address, parse
from mailservices.mail.codes import Reply
from mailservices.mail.envelope import Envelope, Recipient
from mailservices.mail.errors import (
    MailboxFull,
    MayNotPost,
    NoSuchDomain,
    NotYourAddress,
    ProtocolError,
    RelayDenied,
    TooLarge,
    TooLargeForMailbox,
    TooManyRecipients,
)
from mailservices.mail.questions import Found, Missing, Mx
from mailservices.protocols.smtp import commands, parameters, replies
from mailservices.protocols.smtp.parameters import ParameterError
from mailservices.smtp import pipeline, signin
from mailservices.smtp.session import Session
from mailservices.store import directory, enclosing, outgoing
from mailservices.store.directory import Route
from mailservices.store.policy import Rules

#: Recipients of one transaction (RFC 5321 §4.5.3.1.8: at least 100); announced as RCPTMAX (RFC 9422 §3).
RECIPIENTS = 1000
#: How long a message may be held (RFC 4865 §3), and how many of one account are.
LONGEST_HOLD = timedelta(days=30)
HELD_MESSAGES = 1000
#: Seconds in which the DNS may tell that a recipient's domain takes no mail.
DOMAIN_LIMIT = 3.0


async def helo(session: Session, command: commands.Helo) -> Reply:
    if session.profile.lmtp:
        return codes.UNKNOWN_COMMAND
    session.begin()
    session.helo, session.extended = command.name, False
    return Reply(250, "", session.context.config.hostname)


async def ehlo(session: Session, command: commands.Ehlo | commands.Lhlo) -> bytes | Reply:
    if session.profile.lmtp is not isinstance(command, commands.Lhlo):
        # RFC 2033 §4.1: one protocol is never taken for the other.
        return codes.UNKNOWN_COMMAND
    session.begin()
    session.helo, session.extended = command.name, True
    return replies.lines(250, [f"{session.context.config.hostname} greets {command.name}", *extensions(session)])


def extensions(session: Session) -> list[str]:
    """What is offered in this state of the session (RFC 5321 §4.1.1.1)."""
    offered = ["PIPELINING", f"SIZE {session.context.config.message_bytes}", "8BITMIME", "SMTPUTF8"]
    offered += ["ENHANCEDSTATUSCODES", "CHUNKING", "BINARYMIME", "DSN", "DELIVERBY", "MT-PRIORITY", "HELP"]
    offered.append(f"LIMITS RCPTMAX={RECIPIENTS}")
    if session.profile.submission:
        # RFC 4865 §4.2: nowhere else.
        until = datetime.now(UTC) + LONGEST_HOLD
        offered.append(f"FUTURERELEASE {LONGEST_HOLD.total_seconds():.0f} {until:%Y-%m-%dT%H:%M:%SZ}")
    if session.wire.tls:
        # RFC 8689 §2: only under TLS.
        offered.append("REQUIRETLS")
    if session.profile.starttls and not session.wire.tls:
        offered.append("STARTTLS")
    if session.profile.submission and session.secure and session.identity is None:
        offered.append("AUTH " + " ".join(session.context.gate.offered(session.client)))
    return offered


async def mail(session: Session, command: commands.Mail) -> Reply:
    if session.profile.submission and session.identity is None:
        return codes.AUTH_REQUIRED
    if command.parameters and not session.extended:
        return codes.PARAMETER_UNKNOWN
    envelope = Envelope(command.sender)
    if command.parameters:
        try:
            parameters.read_mail(
                envelope, command.parameters, {word.split(" ")[0] for word in extensions(session)}
            )
        except ParameterError as error:
            return error.reply
    if envelope.size > session.context.config.message_bytes:
        raise TooLarge
    reply = await _timed(session, envelope)
    if reply.code != 250:
        return reply
    if command.sender and command.sender.needs_smtputf8 and not envelope.smtputf8:
        return codes.NEEDS_SMTPUTF8
    if (
        session.identity
        and command.sender
        and not await session.context.owners.answer((session.identity.account_id, command.sender))
    ):
        raise NotYourAddress
    # Who is not checked needs no rules: whatever they are, they are not asked for.
    rules = Rules() if session.profile.exempt else await session.context.desk.policies.current()
    arrival = session.arrive(rules, envelope)
    await pipeline.sender(arrival)
    session.envelope, session.arrival = envelope, arrival
    return reply


async def _timed(session: Session, envelope: Envelope) -> Reply:
    """What is asked about time: when it may go, until when it has to, and before whom."""
    if envelope.hold:
        now = datetime.now(UTC)
        release = envelope.hold.release(now)
        too_late = envelope.by and release > now + timedelta(seconds=envelope.by.seconds)
        if release > now + LONGEST_HOLD or too_late:
            # RFC 4865 §4.2 and §5.2.2
            return codes.SYNTAX_ERROR
        if (
            session.identity
            and await outgoing.count_held(session.context.pool, session.identity.account_id) >= HELD_MESSAGES
        ):
            return codes.TOO_MANY_HELD
    if envelope.priority > 0 and session.identity is None:
        # RFC 6710 §4.1: nobody unknown goes before others.
        envelope.priority = 0
        return codes.PRIORITY_LOWERED
    return codes.SENDER_OK


async def rcpt(session: Session, command: commands.Rcpt) -> Reply:
    envelope = session.envelope
    if envelope is None or session.arrival is None:
        return codes.BAD_SEQUENCE
    recipient = Recipient(command.recipient)
    if command.parameters:
        try:
            recipient = parameters.read_rcpt(recipient, command.parameters, {"DSN"})
        except ParameterError as error:
            return error.reply
    if len(envelope.recipients) >= RECIPIENTS:
        raise TooManyRecipients
    if command.recipient.needs_smtputf8 and not envelope.smtputf8:
        return codes.NEEDS_SMTPUTF8
    route = await _lead(session, command.recipient)
    _may_relay(session, recipient, route)
    _has_room(route, envelope.size)
    await enclosing.check(session.context.pool, [box.account_id for box in route.mailboxes if box.encrypts])
    if session.identity is not None and command.recipient in route.remote:
        await _takes_mail(session, command.recipient.domain)
    await pipeline.recipient(session.arrival, command.recipient)
    envelope.recipients.append(recipient)
    session.routes.append(route)
    return codes.RECIPIENT_OK


async def _takes_mail(session: Session, domain: str) -> None:
    """Tell our own people at once of a domain that is not there, or takes no mail (RFC 7505 §4.1)."""
    if domain.startswith("["):
        return
    try:
        async with asyncio.timeout(DOMAIN_LIMIT):
            answer = await session.context.desk.resolver.ask(Mx(domain))
    except TimeoutError:
        return
    if answer == Missing():
        raise NoSuchDomain
    if isinstance(answer, Found) and [record[1] for record in answer.records] == [""]:
        raise NoSuchDomain(codes.NULL_MX)


async def _lead(session: Session, recipient: Address) -> Route:
    """Where the recipient leads, and whether this sender may write there."""
    if srs.is_rewritten(recipient) and (sender := await _forwarded(session, recipient)):
        return Route((), (sender,))
    route = await directory.resolve(session.context.pool, recipient, session.context.lookups)
    if route.restricted:
        identity = session.identity
        if identity is None or not await directory.may_post(
            session.context.pool, route.restricted, identity.account_id
        ):
            raise MayNotPost
    return route


async def _forwarded(session: Session, recipient: Address) -> Address | None:
    """The sender of a message that we forwarded, to whom a report comes back (mail/srs.py)."""
    if session.envelope is None or session.envelope.sender is not None:
        return None
    if not await directory.is_local(session.context.pool, recipient.domain):
        return None
    try:
        return srs.reverse(recipient, session.context.config.srs_key, srs.today(time.time()))
    except ProtocolError:
        return None


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


async def vrfy(session: Session, command: commands.Vrfy) -> Reply:
    """RFC 5321 §7.3: a stranger is not told who is here; whoever has signed in, of the own domain only."""
    address = _own_neighbour(session, command.text)
    if address is None:
        return codes.CANNOT_VERIFY
    await directory.resolve(session.context.pool, address)
    return Reply(250, "2.1.5", f"<{address}>")


async def expn(session: Session, command: commands.Expn) -> Reply | bytes:
    """RFC 5321 §3.5.2: the members of a list, told under the rules of VRFY."""
    if session.identity is None:
        return codes.EXPN_DENIED
    address = _own_neighbour(session, command.text)
    members = await directory.members(session.context.pool, address) if address else ()
    if not members:
        return codes.NO_LIST
    return replies.lines(250, [f"2.1.5 <{member}>" for member in members])


def _own_neighbour(session: Session, text: str) -> Address | None:
    """The address asked about, where it is in the domain of whoever asks; a name alone is in it."""
    if session.identity is None:
        return None
    domain = session.identity.address.rpartition("@")[2]
    name = text.strip().removeprefix("<").removesuffix(">")
    try:
        address = parse(name if "@" in name else f"{name}@{domain}")
    except ProtocolError:
        return None
    return address if address.domain == domain else None


async def quit_(_session: Session, _command: commands.Quit) -> Reply:
    return codes.BYE


async def auth(session: Session, command: commands.Auth) -> Reply:
    return await signin.sign_in(session, command)


Verb = Callable[[Session, Any], Awaitable[Reply | bytes]]

#: STARTTLS, DATA and BDAT take over the wire: the conversation itself carries them out.
VERBS: dict[type[commands.Command], Verb] = {
    commands.Helo: helo,
    commands.Ehlo: ehlo,
    commands.Lhlo: ehlo,
    commands.Mail: mail,
    commands.Rcpt: rcpt,
    commands.Rset: rset,
    commands.Noop: noop,
    commands.Help: help_,
    commands.Vrfy: vrfy,
    commands.Expn: expn,
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
