"""POP2 (RFC 937) over the same maildrops: one client's connection, and a function for each command.

It is off unless somebody asks for it, and then under TLS, or for this very machine only. There is no response code
and no second try: whatever goes wrong is said, and the connection is closed.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from mailservices.mail.errors import EncryptionRequired, MessageGone, NoSuchFolder, ProtocolError
from mailservices.mail.vocabulary import INBOX
from mailservices.pop3.connection import Pop3Connection, Service
from mailservices.pop3.maildrop import Maildrop, Text
from mailservices.pop3.session import Context
from mailservices.protocols.pop2 import commands, responses
from mailservices.protocols.pop2.session import State
from mailservices.protocols.pop3.reader import Event, LineTooLong
from mailservices.protocols.pop3.session import State as Pop3State
from mailservices.protocols.sasl.exchange import Claim
from mailservices.store import mailboxes


class Pop2Connection(Pop3Connection):
    """One client."""

    __slots__ = ("current", "state", "text")
    listener = "pop2"

    def __init__(self, service: Service, context: Context) -> None:
        super().__init__(service, context)
        self.session.reader.limit = commands.LINE_OCTETS
        self.state = State.AUTH
        #: The number of the message that READ chose, and the message; None where there is no such one.
        self.current = 1
        self.text: Text | None = None

    def greeting(self) -> bytes:
        return responses.ok("POP2 Facteur is ready")

    def refusal(self, words: str, _code: str = "") -> bytes:
        return responses.error(words)

    async def answer(self, event: Event) -> None:
        """RFC 937: what is no command, or none of this state, is garbage."""
        try:
            name, command, following = _understood(event, self.state)
            well = await self.carry_out(name, HANDLERS[type(command)](self, command))
            self.state = following if well else State.DONE
        except ProtocolError as error:
            self.bad(str(error))
            self.state = State.DONE
        if self.state is State.DONE:
            self.session.state = Pop3State.CLOSED

    async def choose(self, number: int) -> None:
        """Make this the current message, and tell how long it is."""
        self.current, self.text = number, None
        drop = self.session.maildrop
        try:
            drop.check(number)
            self.text = await drop.read(number)
        except MessageGone:
            self.session.say(responses.length(0))
            return
        self.session.say(responses.length(len(self.text.header) + self.text.size))


def _understood(event: Event, state: State) -> tuple[str, commands.Command, State]:
    """The command's name, the command, the state after it.

    Raises:
        ProtocolError
    """
    if isinstance(event, LineTooLong):
        raise ProtocolError("The line is too long.")
    name, command = commands.parse(event.text)
    following = commands.COMMANDS[name].states.get(state)
    if following is None:
        raise ProtocolError("The command is not possible in this state.")
    return name, command, following


async def helo(connection: Pop2Connection, command: commands.Helo) -> None:
    session = connection.session
    if not session.secure:
        raise EncryptionRequired(words="Without TLS, POP2 is for this machine only.")
    claim = Claim(command.user, command.password)
    identity = await session.context.gate.check(claim, session.client)
    context = session.context
    session.drop = await Maildrop.open(
        context.pool, context.locks, context.lists, identity.account_id, session.wire.abort
    )
    session.identity = identity
    session.say(responses.count(session.drop.count))


async def fold(connection: Pop2Connection, command: commands.Fold) -> None:
    """What was marked in the folder before is removed; a folder that is not there has no messages."""
    session, drop = connection.session, connection.session.maildrop
    session.tell(await drop.update(keep=True))
    name = INBOX if command.folder.upper() == INBOX else command.folder
    try:
        folder = await mailboxes.find(session.context.pool, drop.held.account_id, name)
        await drop.turn_to(folder.mailbox_id, drop.held.newest_days)
    except NoSuchFolder:
        drop.turn_away()
    connection.current, connection.text = 1, None
    session.say(responses.count(drop.count))


async def read(connection: Pop2Connection, command: commands.Read) -> None:
    await connection.choose(connection.current if command.number is None else command.number)


async def retr(connection: Pop2Connection, _command: commands.Retr) -> None:
    """The message's octets and nothing else: the client counts them."""
    session, text = connection.session, connection.text
    if text is None:
        raise ProtocolError("There is no message to send.")
    session.say(text.header, text.body)
    if text.more:
        async for piece in session.rest(text):
            session.say(piece)


async def acks(connection: Pop2Connection, _command: commands.Acks) -> None:
    """It has arrived, and stays."""
    connection.session.maildrop.retrieved(connection.current)
    await connection.choose(connection.current + 1)


async def ackd(connection: Pop2Connection, _command: commands.Ackd) -> None:
    """It has arrived, and is removed with the next FOLD or QUIT."""
    connection.session.maildrop.mark(connection.current)
    await connection.choose(connection.current + 1)


async def nack(connection: Pop2Connection, _command: commands.Nack) -> None:
    """It has not arrived."""
    await connection.choose(connection.current)


async def leave(connection: Pop2Connection, _command: commands.Quit) -> None:
    session = connection.session
    if session.drop is not None:
        session.tell(await session.drop.update())
        session.drop = None
    session.say(responses.ok("Good-bye"))


Handler = Callable[[Pop2Connection, Any], Awaitable[None]]

HANDLERS: dict[type[commands.Command], Handler] = {
    commands.Helo: helo,
    commands.Fold: fold,
    commands.Read: read,
    commands.Retr: retr,
    commands.Acks: acks,
    commands.Ackd: ackd,
    commands.Nack: nack,
    commands.Quit: leave,
}
