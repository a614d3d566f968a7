"""CAPABILITY, ID, ENABLE, STARTTLS, LOGIN, AUTHENTICATE, LOGOUT (RFC 9051 §6.1 and §6.2)."""

from mailservices.imap.answers import Bad, Done, No
from mailservices.imap.session import Session
from mailservices.mail.errors import EncryptionRequired, ProtocolError
from mailservices.net.connection import Closed
from mailservices.protocols.imap import capabilities as announced
from mailservices.protocols.imap import commands, responses
from mailservices.protocols.imap.reader import Received
from mailservices.protocols.sasl.exchange import Claim

#: Seconds for one response of a SASL exchange.
RESPONSE_LIMIT = 60.0


def capabilities(session: Session) -> list[str]:
    """What is announced to this session now."""
    return announced.words(
        signed_in=session.identity is not None,
        starttls=session.context.tls_offered and not session.wire.tls,
        may_sign_in=session.secure,
        mechanisms=session.context.gate.offered(session.client) if session.secure else (),
        append_limit=session.context.config.message_bytes,
    )


async def capability(session: Session, _command: commands.Capability) -> Done:
    session.say(responses.capability(capabilities(session)))
    return Done()


async def identify(session: Session, _command: commands.Id) -> Done:
    """RFC 2971: a client is told the product's name, not its version."""
    session.say(b'* ID ("name" "Facteur")\r\n')
    return Done()


async def enable(session: Session, _command: commands.Enable) -> Done:
    """RFC 5161: what is not known is passed over; nothing that needs enabling is offered yet."""
    session.say(b"* ENABLED\r\n")
    return Done()


async def logout(session: Session, _command: commands.Logout) -> Done:
    session.say(responses.untagged("BYE", "Good-bye."))
    return Done()


async def start_tls(session: Session, _command: commands.StartTls) -> Done:
    """RFC 9051 §6.2.1. Whatever was sent before TLS might be a stranger's injection: it ends the session."""
    if session.wire.tls or not session.context.tls_offered:
        raise Bad("", "TLS is active already, or not offered.")
    if not session.reader.empty or session.wire.readable:
        session.say(responses.untagged("BYE", "Nothing may follow STARTTLS before TLS is up."))
        raise Closed
    return Done(text="Begin TLS now.", then=session.wire.begin_tls)


async def log_in(session: Session, command: commands.Login) -> Done:
    _refuse_plain_text(session)
    session.identity = await session.context.gate.check(Claim(command.name, command.password), session.client)
    return _signed_in(session)


async def authenticate(session: Session, command: commands.Authenticate) -> Done:
    client = session.client
    begun = session.context.gate.begin(command.mechanism, client)
    if begun is None:
        raise No("", "That mechanism is not offered.")
    _refuse_plain_text(session)
    session.identity = await session.context.gate.sign_in(
        begun, command.initial, lambda challenge: _ask(session, challenge), client
    )
    return _signed_in(session)


def _signed_in(session: Session) -> Done:
    return Done(f"CAPABILITY {' '.join(capabilities(session))}", "Signed in.")


def _refuse_plain_text(session: Session) -> None:
    """RFC 9051 §6.2.3: no password in plain text, but on this very machine."""
    if not session.secure:
        raise EncryptionRequired


async def _ask(session: Session, challenge: bytes) -> bytes:
    session.say(responses.continuation(challenge))
    while True:
        match session.reader.next_event():
            case None:
                await session.wire.drain()
                data = await session.wire.read(RESPONSE_LIMIT)
                if not data:
                    raise Closed
                session.reader.receive(data)
            case Received((bytes() as text,)) if text != b"*":
                return text
            case Received((b"*",)):
                raise Bad("", "Sign-in cancelled.")
            case _:
                raise ProtocolError("A response is one line of base64.")
