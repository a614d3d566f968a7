"""One function for each command: it says the whole answer, or raises what is wrong.

POP3 does not change flags: a message that was taken by POP3 is as new as before to whoever reads by IMAP.
"""

import secrets
from collections.abc import Awaitable, Callable, Iterator
from itertools import islice
from typing import Any

from mailservices.auth.credentials import Identity
from mailservices.mail import surrogate
from mailservices.mail.errors import EncryptionRequired, ProtocolError
from mailservices.net.connection import Closed
from mailservices.pop3.maildrop import Maildrop
from mailservices.pop3.session import Session
from mailservices.protocols.dots import END, Stuffer
from mailservices.protocols.pop3 import commands, responses
from mailservices.protocols.pop3.reader import AUTH_LINE_OCTETS, LINE_OCTETS, Line
from mailservices.protocols.sasl.cram import apop as apop_exchange
from mailservices.protocols.sasl.exchange import Claim, Exchange

#: Seconds for one response of a SASL exchange.
RESPONSE_LIMIT = 60.0
#: Rows of a list that are put together at once.
ROWS = 1000


def capabilities(session: Session) -> list[str]:
    """RFC 2449 §6; what is announced to this session now."""
    words = ["TOP", "UIDL", "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING", "LANG", "UTF8 USER"]
    words += session.context.policies.words(session.drop.held if session.drop is not None else None)
    if session.secure:
        words += ["USER", f"SASL {' '.join(session.context.gate.offered(session.client))}"]
    # RFC 2595 §4: where it is legal only.
    if session.identity is None and not session.wire.tls and not session.utf8:
        words.append("STLS")
    return [*words, "IMPLEMENTATION Facteur"]


async def capa(session: Session, _command: commands.Capa) -> None:
    rows = [word.encode() for word in capabilities(session)]
    session.say(responses.lines("This is what we can do", rows))


def timestamp(session: Session) -> str:
    """RFC 1939 §7: what APOP's digest begins with; empty where no app password could be used with it.

    Those are the app passwords for CRAM-MD5, whose secret may be read.
    """
    if "CRAM-MD5" not in session.context.gate.offered(session.client):
        return ""
    return f"<{secrets.token_hex(16)}@{session.context.config.hostname}>"


async def stls(session: Session, _command: commands.Stls) -> None:
    """RFC 2595 §4. Whatever was sent before TLS might be a stranger's injection: it ends the session."""
    if session.wire.tls:
        raise ProtocolError("TLS is active already.")
    if session.utf8:
        # RFC 6856 §2.1: clients must not.
        raise ProtocolError("STLS comes before UTF8.")
    if not session.reader.empty or session.wire.readable:
        session.say(responses.error("Nothing may follow STLS before TLS is up."))
        await session.flush()
        raise Closed
    session.say(responses.ok("Begin TLS now"))
    await session.flush()
    session.name = ""
    await session.wire.begin_tls()


async def user(session: Session, command: commands.User) -> None:
    """Says the same of every name: who exists is nobody's business."""
    _refuse_plain_text(session)
    session.name = command.name
    session.say(responses.ok("Password, please"))


async def password(session: Session, command: commands.Pass) -> None:
    _refuse_plain_text(session)
    claim = Claim(session.name, command.password)
    await _signed_in(session, await session.context.gate.check(claim, session.client))


async def apop(session: Session, command: commands.Apop) -> None:
    """RFC 1939 §7: only with an app password whose secret may be read."""
    _refuse_plain_text(session)
    if not session.timestamp:
        raise ProtocolError("APOP is not offered: the greeting has no timestamp.")
    begun = apop_exchange(session.timestamp, command.name, command.digest)
    await _signed_in(session, await _carry(session, begun, None))


async def lang(session: Session, command: commands.Lang) -> None:
    """RFC 6856 §3.2."""
    if command.language is None:
        rows = [f"{tag} {name}".encode() for tag, name in responses.LANGUAGES.items()]
        session.say(responses.lines("Languages follow", rows))
        return
    tag = responses.language(command.language)
    if tag is None:
        raise ProtocolError("There is nothing in that language.")
    session.say(responses.ok(f"{tag} This is {responses.LANGUAGES[tag]}"))


async def utf8(session: Session, _command: commands.Utf8) -> None:
    """RFC 6856 §2.1."""
    session.utf8 = True
    session.say(responses.ok("Headers may be UTF-8 now"))


async def auth(session: Session, command: commands.Auth) -> None:
    """RFC 5034 §4; without a mechanism it lists them, as older clients expect."""
    if not command.mechanism:
        rows = [name.encode() for name in session.context.gate.offered(session.client)] if session.secure else []
        session.say(responses.lines("Mechanisms", rows))
        raise StillAStranger
    _refuse_plain_text(session)
    begun = session.context.gate.begin(command.mechanism, session.client)
    if begun is None:
        raise ProtocolError("That mechanism is not offered.")
    session.reader.limit = AUTH_LINE_OCTETS
    try:
        identity = await _carry(session, begun, command.initial)
    finally:
        session.reader.limit = LINE_OCTETS
    await _signed_in(session, identity)


class StillAStranger(Exception):
    """The command was answered, and nobody has signed in by it."""


def _refuse_plain_text(session: Session) -> None:
    """RFC 8314 §3: no password in plain text, but on this very machine."""
    if not session.secure:
        raise EncryptionRequired


async def _signed_in(session: Session, identity: Identity) -> None:
    context = session.context
    session.drop = await Maildrop.open(
        context.pool, context.locks, context.lists, identity.account_id, session.wire.abort
    )
    session.identity = identity
    session.say(responses.ok(f"{session.drop.count} messages ({session.drop.octets} octets)"))


async def _carry(session: Session, begun: Exchange, initial: bytes | None) -> Identity:
    gate = session.context.gate
    return await gate.sign_in(begun, initial, lambda challenge: _ask(session, challenge), session.client)


async def _ask(session: Session, challenge: bytes) -> bytes:
    session.say(b"+ " + challenge + b"\r\n")
    while True:
        match session.reader.next_event():
            case None:
                await session.flush()
                data = await session.wire.read(RESPONSE_LIMIT)
                if not data:
                    raise Closed
                session.reader.receive(data)
            case Line(b"*"):
                raise ProtocolError("Sign-in cancelled.")
            case Line(text):
                return text
            case _:
                raise ProtocolError("A response is one line of base64.")


async def stat(session: Session, _command: commands.Stat) -> None:
    drop = session.maildrop
    session.say(responses.ok(f"{drop.count} {drop.octets}"))


async def list_(session: Session, command: commands.List) -> None:
    drop, number = session.maildrop, command.number
    if number is None:
        rows = (b"%d %d\r\n" % row for row in drop.sizes())
        await _say_rows(session, f"{drop.count} messages ({drop.octets} octets)", rows)
        return
    drop.check(number)
    session.say(responses.ok(f"{number} {drop.size(number)}"))


async def uidl(session: Session, command: commands.Uidl) -> None:
    drop, number = session.maildrop, command.number
    if number is None:
        await _say_rows(session, "Unique ids follow", (b"%d %b\r\n" % row for row in drop.unique_ids()))
        return
    drop.check(number)
    session.say(responses.ok(f"{number} {drop.unique_id(number).decode()}"))


async def _say_rows(session: Session, words: str, rows: Iterator[bytes]) -> None:
    """A list of any length, of which a part is in memory at a time."""
    session.say(responses.ok(words))
    while some := b"".join(islice(rows, ROWS)):
        session.say(some)
        await session.pour()
    session.say(END)


async def retr(session: Session, command: commands.Retr) -> None:
    drop, number, stuffer = session.maildrop, command.number, Stuffer()
    drop.check(number)
    text = await drop.read(number)
    begin = responses.ok(f"{drop.size(number)} octets")
    session.say(begin, stuffer.stuff(_header(session, text.header)), stuffer.stuff(text.body))
    if text.more:
        async for piece in session.rest(text):
            session.say(stuffer.stuff(piece))
    session.say(stuffer.end())
    drop.retrieved(number)


def _header(session: Session, octets: bytes) -> bytes:
    """RFC 6856 §2.1: UTF-8 only for who asked for it, and for others what RFC 6858 makes of it."""
    return octets if session.utf8 else surrogate.header(octets)


async def top(session: Session, command: commands.Top) -> None:
    """The header with the empty line, and as many lines of the body as are asked for (RFC 1939 §7)."""
    drop, stuffer = session.maildrop, Stuffer()
    drop.check(command.number)
    text = await drop.read(command.number)
    shown, wanted = responses.top(text.body, command.lines)
    session.say(
        responses.ok("The top follows"), stuffer.stuff(_header(session, text.header)), stuffer.stuff(shown)
    )
    if wanted and text.more:
        async for piece in session.rest(text):
            shown, wanted = responses.top(piece, wanted)
            session.say(stuffer.stuff(shown))
            if not wanted:
                break
    session.say(stuffer.end())


async def dele(session: Session, command: commands.Dele) -> None:
    session.maildrop.mark(command.number)
    session.say(responses.ok(f"Message {command.number} is marked"))


async def rset(session: Session, _command: commands.Rset) -> None:
    session.maildrop.unmark()
    session.say(responses.ok("No message is marked"))


async def noop(session: Session, _command: commands.Noop) -> None:
    session.say(responses.ok())


async def leave(session: Session, _command: commands.Quit) -> None:
    """RFC 1939 §6: what is marked is removed now, or not at all; the lock is given back before the answer."""
    if session.drop is not None:
        session.tell(await session.drop.update())
        session.drop = None
    session.say(responses.ok("Good-bye"))


Handler = Callable[[Session, Any], Awaitable[None]]

HANDLERS: dict[type[commands.Command], Handler] = {
    commands.Capa: capa,
    commands.Stls: stls,
    commands.User: user,
    commands.Pass: password,
    commands.Apop: apop,
    commands.Auth: auth,
    commands.Stat: stat,
    commands.List: list_,
    commands.Uidl: uidl,
    commands.Retr: retr,
    commands.Top: top,
    commands.Dele: dele,
    commands.Rset: rset,
    commands.Noop: noop,
    commands.Quit: leave,
    commands.Lang: lang,
    commands.Utf8: utf8,
}
