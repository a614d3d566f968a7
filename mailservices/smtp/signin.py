"""AUTH (RFC 4954): the SASL exchange over SMTP lines."""

from mailservices.mail import codes
from mailservices.mail.codes import Reply
from mailservices.mail.errors import ProtocolError, SignInFailed, TooManySignIns, Unavailable
from mailservices.protocols.smtp.commands import Auth
from mailservices.protocols.smtp.reader import AUTH_LINE_OCTETS, LINE_OCTETS, Line
from mailservices.smtp.session import Session
from mailservices.smtp.wire import Closed

#: Seconds for one response (RFC 5321 §4.5.3.2.7).
RESPONSE_LIMIT = 300.0


class Cancelled(Exception):
    """The client sent "*" (RFC 4954 §4)."""


async def sign_in(session: Session, command: Auth) -> Reply:
    if not session.profile.submission or not session.extended:
        return codes.NOT_IMPLEMENTED
    if session.identity is not None:
        return codes.AUTH_ALREADY
    if not session.secure:
        return codes.AUTH_NEEDS_TLS
    client = session.client
    begun = session.context.gate.begin(command.mechanism, client)
    if begun is None:
        return codes.AUTH_MECHANISM
    session.reader.expect_lines_of(AUTH_LINE_OCTETS)
    try:
        session.identity = await session.context.gate.sign_in(
            begun, command.initial, lambda challenge: _ask(session, challenge), client
        )
        session.wire.account_id = session.identity.account_id
    except Cancelled:
        return codes.AUTH_CANCELLED
    except SignInFailed:
        session.errors += 1
        session.refused(codes.AUTH_FAILED)
        return codes.AUTH_FAILED
    except (Unavailable, TooManySignIns):
        return codes.AUTH_UNAVAILABLE
    except ProtocolError:
        return codes.SYNTAX_ERROR
    finally:
        session.reader.expect_lines_of(LINE_OCTETS)
    return codes.AUTH_OK


async def _ask(session: Session, challenge: bytes) -> bytes:
    session.wire.write(b"334 " + challenge + b"\r\n")
    await session.wire.drain()
    while True:
        match session.reader.next_event():
            case None:
                octets = await session.wire.read(RESPONSE_LIMIT)
                if not octets:
                    raise Closed
                session.reader.receive(octets)
            case Line(b"*"):
                raise Cancelled
            case Line(text):
                return text
            case _:
                raise ProtocolError("A response is one line of base64.")
