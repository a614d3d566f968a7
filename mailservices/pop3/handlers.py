"""One function for each command: it writes the whole answer, or raises what is wrong.

POP3 does not change flags: a message that was taken by POP3 is as new as before to whoever reads by IMAP.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from mailservices.auth.credentials import Identity
from mailservices.mail.errors import EncryptionRequired, ProtocolError
from mailservices.net.connection import Closed
from mailservices.pop3.maildrop import Maildrop
from mailservices.pop3.session import Session
from mailservices.protocols.dots import Stuffer
from mailservices.protocols.pop3 import commands, responses
from mailservices.protocols.pop3.reader import AUTH_LINE_OCTETS, LINE_OCTETS, Line
from mailservices.protocols.sasl.exchange import Claim

#: Seconds for one response of a SASL exchange.
RESPONSE_LIMIT = 60.0
#: Octets gathered before they are written.
WRITE_OCTETS = 64 * 1024


def capabilities(session: Session) -> list[str]:
    """RFC 2449 §6; what is announced to this session now."""
    words = ["TOP", "UIDL", "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING", "EXPIRE NEVER", "IMPLEMENTATION Facteur"]
    if session.identity is None and session.secure:
        words += ["USER", f"SASL {' '.join(session.context.gate.offered(session.client))}"]
    if session.identity is None and not session.wire.tls:
        words.append("STLS")
    return words


async def capa(session: Session, _command: commands.Capa) -> None:
    rows = [word.encode() for word in capabilities(session)]
    session.wire.write(responses.lines("This is what we can do", rows))


async def stls(session: Session, _command: commands.Stls) -> None:
    """RFC 2595 §4. Whatever was sent before TLS might be a stranger's injection: it ends the session."""
    if session.wire.tls:
        raise ProtocolError("TLS is active already.")
    if not session.reader.empty or session.wire.readable:
        session.wire.write(responses.error("Nothing may follow STLS before TLS is up."))
        raise Closed
    session.wire.write(responses.ok("Begin TLS now"))
    await session.wire.drain()
    session.name = ""
    await session.wire.begin_tls()


async def user(session: Session, command: commands.User) -> None:
    """Says the same of every name: who exists is nobody's business."""
    _refuse_plain_text(session)
    session.name = command.name
    session.wire.write(responses.ok("Password, please"))


async def password(session: Session, command: commands.Pass) -> None:
    _refuse_plain_text(session)
    claim = Claim(session.name, command.password)
    await _signed_in(session, await session.context.gate.check(claim, session.client))


async def auth(session: Session, command: commands.Auth) -> None:
    """RFC 5034 §4; without a mechanism it lists them, as older clients expect."""
    if not command.mechanism:
        rows = [name.encode() for name in session.context.gate.offered(session.client)] if session.secure else []
        session.wire.write(responses.lines("Mechanisms", rows))
        raise StillAStranger
    _refuse_plain_text(session)
    client = session.client
    begun = session.context.gate.begin(command.mechanism, client)
    if begun is None:
        raise ProtocolError("That mechanism is not offered.")
    session.reader.limit = AUTH_LINE_OCTETS
    try:
        identity = await session.context.gate.sign_in(
            begun, command.initial, lambda challenge: _ask(session, challenge), client
        )
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
    session.drop = await Maildrop.open(session.context.pool, identity.account_id, session.wire.abort)
    session.identity = identity
    count = len(session.drop.numbers())
    session.wire.write(responses.ok(f"{count} messages ({session.drop.octets} octets)"))


async def _ask(session: Session, challenge: bytes) -> bytes:
    session.wire.write(b"+ " + challenge + b"\r\n")
    while True:
        match session.reader.next_event():
            case None:
                await session.wire.drain()
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
    session.wire.write(responses.ok(f"{len(drop.numbers())} {drop.octets}"))


async def list_(session: Session, command: commands.List) -> None:
    drop = session.maildrop
    if command.number is not None:
        drop.check(command.number)
        session.wire.write(responses.ok(f"{command.number} {drop.size(command.number)}"))
        return
    numbers = drop.numbers()
    rows = (b"%d %d" % (number, drop.size(number)) for number in numbers)
    session.wire.write(responses.lines(f"{len(numbers)} messages ({drop.octets} octets)", rows))


async def uidl(session: Session, command: commands.Uidl) -> None:
    drop = session.maildrop
    if command.number is not None:
        drop.check(command.number)
        session.wire.write(responses.ok(f"{command.number} {drop.unique_id(command.number).decode()}"))
        return
    rows = (b"%d %b" % (number, drop.unique_id(number)) for number in drop.numbers())
    session.wire.write(responses.lines("Unique ids follow", rows))


async def retr(session: Session, command: commands.Retr) -> None:
    session.maildrop.check(command.number)
    stuffer, out, begun = Stuffer(), bytearray(), False
    async for piece in session.maildrop.text(command.number):
        if not begun:
            out += responses.ok(f"{session.maildrop.size(command.number)} octets")
            begun = True
        out += stuffer.stuff(piece)
        await _flush(session, out)
    out += stuffer.end()
    session.wire.write(bytes(out))


async def top(session: Session, command: commands.Top) -> None:
    """The header with the empty line, and as many lines of the body as are asked for (RFC 1939 §7)."""
    session.maildrop.check(command.number)
    stuffer, out, wanted, in_header = Stuffer(), bytearray(), command.lines, True
    async for piece in session.maildrop.text(command.number):
        if in_header:
            out += responses.ok("The top follows") + stuffer.stuff(piece)
            in_header = False
        elif wanted:
            shown, wanted = responses.top(piece, wanted)
            out += stuffer.stuff(shown)
            await _flush(session, out)
        if not wanted:
            break
    out += stuffer.end()
    session.wire.write(bytes(out))


async def _flush(session: Session, out: bytearray) -> None:
    if len(out) >= WRITE_OCTETS:
        session.wire.write(bytes(out))
        out[:] = b""
        await session.wire.drain()


async def dele(session: Session, command: commands.Dele) -> None:
    session.maildrop.check(command.number)
    session.maildrop.deleted.add(command.number)
    session.wire.write(responses.ok(f"Message {command.number} is marked"))


async def rset(session: Session, _command: commands.Rset) -> None:
    session.maildrop.deleted.clear()
    session.wire.write(responses.ok("No message is marked"))


async def noop(session: Session, _command: commands.Noop) -> None:
    session.wire.write(responses.ok())


async def leave(session: Session, _command: commands.Quit) -> None:
    """RFC 1939 §6: what is marked is removed now, or not at all; the lock is given back before the answer."""
    drop = session.drop
    if drop is not None and session.identity is not None:
        modseq = await drop.update()
        if modseq:
            session.context.tell(session.identity.account_id, drop.mailbox_id, modseq)
        session.drop = None
        await drop.close()
    session.wire.write(responses.ok("Good-bye"))


Handler = Callable[[Session, Any], Awaitable[None]]

HANDLERS: dict[type[commands.Command], Handler] = {
    commands.Capa: capa,
    commands.Stls: stls,
    commands.User: user,
    commands.Pass: password,
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
}
