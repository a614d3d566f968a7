"""The wire of one connection to another host: commands out, bounded replies in, each stage with its limit of time.

Nothing that a host answers is trusted: replies are bounded, nonsense ends the connection. What the replies mean is
client.py's.
"""

import asyncio
import ssl

from mailservices.mail.errors import ProtocolError
from mailservices.protocols.smtp.replies import PeerReply, ReplyReader

#: Seconds that an answer may take at each stage (RFC 5321 §4.5.3.2); QUIT's is awaited, but not for long.
LIMITS = {
    "connect": 300.0,
    "helo": 300.0,
    "starttls": 300.0,
    "auth": 300.0,
    "mail": 300.0,
    "rcpt": 300.0,
    "data": 120.0,
    "chunk": 180.0,
    "final": 600.0,
    "rset": 300.0,
    "quit": 5.0,
}
#: Seconds until a connection, and TLS on it, stands: shorter, for there are other hosts to try.
CONNECT_LIMIT = 30.0
#: Seconds in which the host has to take a block of the text.
BLOCK_LIMIT = 180.0
READ_OCTETS = 4096


class HostFailed(Exception):
    """The connection is of no use any more; nothing was acknowledged in it that was not returned.

    Attributes:
        stage: what we were doing; "final": the host had the whole message, but its answer was lost (RFC 1047).
        reply: the host's last words, if it had any.
    """

    def __init__(self, stage: str, words: str, reply: PeerReply | None = None) -> None:
        self.stage = stage
        self.words = words
        self.reply = reply
        super().__init__(words)


class TlsFailed(HostFailed):
    """There is no TLS, or not the one that is needed: without need it may be tried in plain text (RFC 7435).

    Attributes:
        policy: who needs it, where that is known before the connection is made.
        verification: OpenSSL's code of what is wrong with the certificate; 0: something else is.
        unoffered: the host has no TLS, or does not begin it.
        own_address: where we were connected from, or empty.
    """

    def __init__(
        self,
        stage: str,
        words: str,
        reply: PeerReply | None = None,
        *,
        policy: str = "",
        verification: int = 0,
        unoffered: bool = False,
    ) -> None:
        self.policy = policy
        self.unoffered = unoffered
        self.verification = verification
        self.own_address = ""
        super().__init__(stage, words, reply)


class Conversation:
    """One connection. `open` makes it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        #: TLS version and cipher, or empty.
        self.tls = ""
        self._reader = reader
        self._writer = writer
        self._replies = ReplyReader()

    @classmethod
    async def open(cls, address: str, port: int, source: str = "") -> "Conversation":
        """Connect, from one of our own addresses where it is named.

        Raises:
            HostFailed
        """
        local = (source, 0) if source else None
        try:
            async with asyncio.timeout(CONNECT_LIMIT):
                return cls(*await asyncio.open_connection(address, port, local_addr=local))
        except (OSError, TimeoutError) as error:
            raise HostFailed("connect", reason(error)) from error

    async def start_tls(self, context: ssl.SSLContext, name: str | None) -> ssl.SSLObject:
        """Continue under TLS; `name` is whom the host must be, where the context insists.

        Raises:
            TlsFailed
            HostFailed: what came in plain text behind the reply might be a stranger's (RFC 3207 §6).
        """
        if not self._replies.empty:
            raise HostFailed("starttls", "The host sent plain text after its answer to STARTTLS")
        try:
            async with asyncio.timeout(CONNECT_LIMIT):
                await self._writer.start_tls(context, server_hostname=name)
        except (OSError, ssl.SSLError, TimeoutError, ValueError) as error:
            raise TlsFailed("starttls", reason(error), verification=getattr(error, "verify_code", 0)) from error
        secured: ssl.SSLObject = self._writer.get_extra_info("ssl_object")
        self.tls = f"{secured.version()} {self._writer.get_extra_info('cipher')[0]}"
        return secured

    @property
    def own_address(self) -> str:
        """Where we are connected from."""
        name = self._writer.get_extra_info("sockname")
        return str(name[0]) if name else ""

    async def ask(self, command: str, stage: str) -> PeerReply:
        """One command, one reply."""
        await self.write(command.encode() + b"\r\n", stage)
        return await self.reply(stage)

    async def write(self, octets: bytes, stage: str) -> None:
        """Send; waits while the host takes nothing.

        Raises:
            HostFailed
        """
        self._writer.write(octets)
        try:
            async with asyncio.timeout(BLOCK_LIMIT):
                await self._writer.drain()
        except (OSError, TimeoutError) as error:
            raise HostFailed(stage, reason(error)) from error

    async def reply(self, stage: str) -> PeerReply:
        """The next reply, within the stage's limit.

        Raises:
            HostFailed: none came, or nonsense, or that the host closes the connection.
        """
        try:
            # Replies to commands that went out together mostly come together.
            if (reply := self._replies.next_reply()) is None:
                reply = await self._read_reply(stage)
        except (OSError, TimeoutError, ProtocolError) as error:
            raise HostFailed(stage, reason(error)) from error
        if reply.code == 421:
            # RFC 5321 §3.8: the host is about to close the connection.
            raise HostFailed(stage, reply.text, reply)
        return reply

    async def _read_reply(self, stage: str) -> PeerReply:
        async with asyncio.timeout(LIMITS[stage]):
            while (reply := self._replies.next_reply()) is None:
                octets = await self._reader.read(READ_OCTETS)
                if not octets:
                    raise HostFailed(stage, "The host closed the connection")
                self._replies.receive(octets)
            return reply

    def abort(self) -> None:
        self._writer.transport.abort()


def reason(error: Exception) -> str:
    """Words for a report; no path, no traceback."""
    match error:
        case TimeoutError():
            return "The host did not answer in time"
        case ConnectionRefusedError():
            return "The host refused the connection"
        case ssl.SSLCertVerificationError():
            return f"The host's certificate does not prove its name: {error.verify_message}"
        case ssl.SSLError():
            return "The TLS handshake failed"
        case ProtocolError():
            return str(error)
        case OSError() if error.strerror:
            return f"The host cannot be reached: {error.strerror}"
        case _:
            return "The connection broke"
