"""CAPABILITY, ID, ENABLE, STARTTLS, LOGIN, AUTHENTICATE, LOGOUT (RFC 9051 §6.1 and §6.2)."""

from mailservices.imap.answers import Bad, Done, No
from mailservices.imap.handlers import notify, select
from mailservices.imap.session import Session
from mailservices.mail.errors import EncryptionRequired, ProtocolError
from mailservices.net.connection import Closed
from mailservices.protocols.imap import capabilities as announced
from mailservices.protocols.imap import responses
from mailservices.protocols.imap.reader import Received
from mailservices.protocols.imap.requests.conversation import (
    Authenticate,
    Capability,
    Compress,
    Enable,
    Id,
    Login,
    Logout,
    StartTls,
    Unauthenticate,
)
from mailservices.protocols.imap.session import Extension
from mailservices.protocols.sasl.exchange import Claim

#: Seconds for one response of a SASL exchange.
RESPONSE_LIMIT = 60.0


def capabilities(session: Session) -> list[str]:
    """What is announced to this session now."""
    return announced.words(
        signed_in=session.identity is not None,
        starttls=session.context.tls_offered and not session.wire.tls and not session.wire.compressed,
        compressed=session.wire.compressed,
        may_sign_in=session.secure,
        mechanisms=session.context.gate.offered(session.client) if session.secure else (),
        append_limit=session.context.config.message_bytes,
        message_limit=session.context.config.message_limit,
        withheld=session.withheld,
    )


async def capability(session: Session, _command: Capability) -> Done:
    session.say(responses.capability(capabilities(session)))
    return Done()


async def identify(session: Session, command: Id) -> Done:
    """RFC 2971: a client is told the product's name, not its version; its own may be one to be careful with."""
    told = dict(zip(command.fields[::2], command.fields[1::2], strict=False))
    names = [value for key, value in told.items() if key is not None and key.lower() == b"name" and value]
    session.client_name = names[0].decode("utf-8", "replace")[:100] if names else ""
    await session.know()
    session.say(b'* ID ("name" "Facteur")\r\n')
    return Done()


async def enable(session: Session, command: Enable) -> Done:
    """RFC 5161 §3.1: what is not known is passed over, and what was on before is not told."""
    new = [
        one
        for one in Extension
        if one.value.upper() in command.names
        and one not in session.enabled
        and announced.offered(one.value.decode(), session.withheld)
    ]
    if Extension.QRESYNC in new and Extension.CONDSTORE in new:
        new.remove(Extension.CONDSTORE)  # RFC 7162 §3.2.3: QRESYNC has it
    for extension in new:
        session.enable(extension)
    session.say(b" ".join([b"* ENABLED", *(extension.value for extension in new)]) + b"\r\n")
    return Done()


async def logout(session: Session, _command: Logout) -> Done:
    session.say(responses.untagged("BYE", "Good-bye."))
    return Done()


async def start_tls(session: Session, _command: StartTls) -> Done:
    """RFC 9051 §6.2.1. Whatever was sent before TLS might be a stranger's injection: it ends the session."""
    if session.wire.tls or session.wire.compressed or not session.context.tls_offered:
        raise Bad("", "TLS is active already, or not offered.")
    _refuse_what_follows(session, "STARTTLS")
    return Done(text="Begin TLS now.", then=session.wire.begin_tls)


def _refuse_what_follows(session: Session, command: str) -> None:
    if not session.reader.empty or session.wire.readable:
        session.say(responses.untagged("BYE", f"Nothing may follow {command} before it is answered."))
        raise Closed


async def compress(session: Session, command: Compress) -> Done:
    """RFC 4978 §3: what follows the answer is compressed, both ways."""
    if session.wire.compressed:
        raise No("COMPRESSIONACTIVE", "It is compressed already.")
    if command.mechanism != b"DEFLATE":
        raise No("", "Only DEFLATE is known.")
    _refuse_what_follows(session, "COMPRESS")
    return Done(text="Compressed from here on.", then=session.wire.begin_compression)


async def unauthenticate(session: Session, _command: Unauthenticate) -> Done:
    """RFC 8437 §2: nobody is signed in, and nothing is switched on; TLS and compression stay."""
    select.forget(session)
    notify.stop(session)
    session.identity = None
    session.enabled.clear()
    await session.know()
    return Done(f"CAPABILITY {' '.join(capabilities(session))}", "Signed out.")


async def log_in(session: Session, command: Login) -> Done:
    _refuse_plain_text(session)
    session.identity = await session.context.gate.check(Claim(command.name, command.password), session.client)
    return await _signed_in(session)


async def authenticate(session: Session, command: Authenticate) -> Done:
    client = session.client
    begun = session.context.gate.begin(command.mechanism, client)
    if begun is None:
        raise No("", "That mechanism is not offered.")
    _refuse_plain_text(session)
    session.identity = await session.context.gate.sign_in(
        begun, command.initial, lambda challenge: _ask(session, challenge), client
    )
    return await _signed_in(session)


async def _signed_in(session: Session) -> Done:
    await session.know()
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
