"""Our side of SMTP towards other hosts (RFC 5321): one connection, its features, one transaction after the other.

Nothing that a host answers is trusted: replies are bounded, nonsense ends the connection, and whatever is not
clearly permanent is temporary. Commands go out together where the host allows it (RFC 2920).
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from mailservices.mail.errors import ProtocolError
from mailservices.mail.route import Hop
from mailservices.net.tls import opportunistic_context, verified_context
from mailservices.protocols.dots import Stuffer
from mailservices.protocols.smtp.replies import PeerReply, ReplyReader

#: Seconds (RFC 5321 §4.5.3.2); connecting is shorter, for there are other hosts to try.
CONNECT_LIMIT = 30.0
COMMAND_LIMIT = 300.0
DATA_LIMIT = 120.0
BLOCK_LIMIT = 180.0
FINAL_LIMIT = 600.0
QUIT_LIMIT = 5.0
READ_OCTETS = 4096
WRITE_OCTETS = 64 * 1024


class HostFailed(Exception):
    """The connection is of no use any more; nothing was acknowledged in it that was not returned.

    Attributes:
        stage: what we were doing.
        reply: the host's last words, if it had any.
    """

    def __init__(self, stage: str, words: str, reply: PeerReply | None = None) -> None:
        self.stage = stage
        self.words = words
        self.reply = reply
        super().__init__(words)


class TlsFailed(HostFailed):
    """The host offers TLS but cannot do it: it may be tried without (RFC 7435)."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """What MAIL may say of a message; used as far as the host knows it."""

    sender: str
    size: int
    eightbit: bool
    smtputf8: bool
    ret: str
    envid: str
    priority: int = 0
    require_tls: bool = False
    #: Seconds that are left, and mode (RFC 2852 §4); None where it was not asked for.
    by: tuple[int, str] | None = None

    def command(self, features: dict[str, str]) -> bytes:
        words = [f"MAIL FROM:<{self.sender}>"]
        words += [f"SIZE={self.size}"] if "SIZE" in features else []
        words += ["BODY=8BITMIME"] if self.eightbit and "8BITMIME" in features else []
        words += ["SMTPUTF8"] if self.smtputf8 and "SMTPUTF8" in features else []
        if "DSN" in features:
            words += [f"RET={self.ret}"] if self.ret else []
            words += [f"ENVID={self.envid}"] if self.envid else []
        words += [f"MT-PRIORITY={self.priority}"] if self.priority and "MT-PRIORITY" in features else []
        words += ["REQUIRETLS"] if self.require_tls and "REQUIRETLS" in features else []
        words += [f"BY={self.by[0]};{self.by[1]}"] if self.by and "DELIVERBY" in features else []
        return _line(words)


@dataclass(frozen=True, slots=True)
class Destination:
    """One recipient as RCPT tells it; `orcpt` and `notify` are ready to send, empty where absent."""

    address: str
    notify: str = ""
    orcpt: str = ""

    def command(self, features: dict[str, str]) -> bytes:
        words = [f"RCPT TO:<{self.address}>"]
        if "DSN" in features:
            words += [f"NOTIFY={self.notify}"] if self.notify else []
            words += [f"ORCPT={self.orcpt}"] if self.orcpt else []
        return _line(words)


@dataclass(frozen=True, slots=True)
class Answered:
    """What the host said to one recipient's part of a transaction, and at what stage."""

    stage: str
    reply: PeerReply


def _line(words: Sequence[str]) -> bytes:
    return " ".join(words).encode() + b"\r\n"


class Client:
    """One connection. `open` makes it; transactions follow; `quit` ends it."""

    def __init__(self, hop: Hop, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.hop = hop
        #: EHLO keyword in capitals -> its parameters.
        self.features: dict[str, str] = {}
        #: TLS version and cipher, or empty.
        self.tls = ""
        self._reader = reader
        self._writer = writer
        self._replies = ReplyReader()

    @classmethod
    async def open(
        cls, hop: Hop, port: int, own_name: str, *, tls: bool = True, verified: bool = False
    ) -> "Client":
        """Connect, greet, and start TLS where the host offers it; with `verified` it must, and prove its name.

        Raises:
            TlsFailed: it offered TLS, but there was no handshake.
            HostFailed
        """
        try:
            async with asyncio.timeout(CONNECT_LIMIT):
                reader, writer = await asyncio.open_connection(hop.address, port)
        except (OSError, TimeoutError) as error:
            raise HostFailed("connect", _reason(error)) from error
        self = cls(hop, reader, writer)
        try:
            self._require(await self._reply("connect", COMMAND_LIMIT), "connect")
            await self._greet(own_name)
            if tls and "STARTTLS" in self.features:
                await self._start_tls(verified=verified)
                await self._greet(own_name)
        except BaseException:
            self.abort()
            raise
        if verified and not self.tls:
            self.abort()
            raise TlsFailed("starttls", "The host does not offer TLS")
        return self

    async def _greet(self, own_name: str) -> None:
        reply = await self._ask(f"EHLO {own_name}", "helo")
        if reply.permanent:
            # RFC 5321 §3.2: a host that knows no EHLO gets HELO.
            self.features = {}
            self._require(await self._ask(f"HELO {own_name}", "helo"), "helo")
            return
        self._require(reply, "helo")
        pairs = (text.partition(" ") for text in reply.texts[1:])
        self.features = {name.upper(): parameters for name, _, parameters in pairs}

    async def _start_tls(self, *, verified: bool) -> None:
        reply = await self._ask("STARTTLS", "starttls")
        if not reply.positive:
            raise TlsFailed("starttls", "STARTTLS was refused", reply)
        if not self._replies.empty:
            # What came in plain text behind the reply might be a stranger's (RFC 3207 §6).
            raise HostFailed("starttls", "The host sent plain text after its answer to STARTTLS")
        try:
            async with asyncio.timeout(CONNECT_LIMIT):
                await self._writer.start_tls(
                    verified_context() if verified else opportunistic_context(),
                    server_hostname=self.hop.host if verified else None,
                )
        except (OSError, ssl.SSLError, TimeoutError) as error:
            raise TlsFailed("starttls", _reason(error)) from error
        version, cipher = (
            self._writer.get_extra_info("ssl_object").version(),
            self._writer.get_extra_info("cipher"),
        )
        self.tls = f"{version} {cipher[0]}"

    def _require(self, reply: PeerReply, stage: str) -> None:
        if not reply.positive:
            raise HostFailed(stage, reply.text, reply)

    async def send(
        self, parameters: Parameters, recipients: Sequence[Destination], text: AsyncIterator[bytes]
    ) -> list[Answered]:
        """One transaction; for each recipient the answer that settles it.

        Raises:
            HostFailed: the connection broke, so that nobody knows: try again later.
        """
        commands = [
            parameters.command(self.features),
            *(recipient.command(self.features) for recipient in recipients),
            b"DATA\r\n",
        ]
        mail, *answers, data = await self._ask_all(commands, ["mail", *("rcpt" for _ in recipients), "data"])
        if not mail.positive:
            return await self._refused(Answered("mail", mail), len(recipients), data)
        settled: list[Answered | None] = [None if a.positive else Answered("rcpt", a) for a in answers]
        if None not in settled or data.code != 354:
            for answered in await self._refused(Answered("data", data), 0, data):
                raise AssertionError(answered)
            return [one or Answered("data", data) for one in settled]
        final = Answered("data", await self._send_text(text))
        return [one or final for one in settled]

    async def _refused(self, answered: Answered, count: int, data: PeerReply) -> list[Answered]:
        """No recipient is left: end the transaction, also where the host waits for a text (RFC 2920 §3.1)."""
        if data.code == 354:
            await self._ask(".", "data", FINAL_LIMIT)
        else:
            await self._ask("RSET", "rset")
        return [answered] * count

    async def _send_text(self, text: AsyncIterator[bytes]) -> PeerReply:
        stuffer = Stuffer()
        async for piece in text:
            self._writer.write(stuffer.stuff(piece))
            await self._drain("data")
        self._writer.write(stuffer.end())
        await self._drain("data")
        return await self._reply("data", FINAL_LIMIT)

    async def _ask_all(self, commands: Sequence[bytes], stages: Sequence[str]) -> list[PeerReply]:
        """All commands at once where the host allows it, else one by one, and none after a MAIL that failed."""
        if "PIPELINING" in self.features:
            self._writer.write(b"".join(commands))
            await self._drain(stages[0])
            return [await self._reply(stage, COMMAND_LIMIT) for stage in stages]
        replies: list[PeerReply] = []
        for command, stage in zip(commands, stages, strict=True):
            if stage != "mail" and not any(reply.positive for reply in replies[stage == "data" :]):
                # Nothing that it could belong to was accepted: the last refusal stands for it.
                replies.append(replies[-1])
                continue
            self._writer.write(command)
            await self._drain(stage)
            replies.append(await self._reply(stage, DATA_LIMIT if stage == "data" else COMMAND_LIMIT))
        return replies

    async def _ask(self, command: str, stage: str, limit: float = COMMAND_LIMIT) -> PeerReply:
        self._writer.write(command.encode() + b"\r\n")
        await self._drain(stage)
        return await self._reply(stage, limit)

    async def _drain(self, stage: str) -> None:
        try:
            async with asyncio.timeout(BLOCK_LIMIT):
                await self._writer.drain()
        except (OSError, TimeoutError) as error:
            raise HostFailed(stage, _reason(error)) from error

    async def _reply(self, stage: str, limit: float) -> PeerReply:
        try:
            async with asyncio.timeout(limit):
                while (reply := self._replies.next_reply()) is None:
                    octets = await self._reader.read(READ_OCTETS)
                    if not octets:
                        raise HostFailed(stage, "The host closed the connection")
                    self._replies.receive(octets)
        except (OSError, TimeoutError, ProtocolError) as error:
            raise HostFailed(stage, _reason(error)) from error
        if reply.code == 421:
            # RFC 5321 §3.8: the host is about to close the connection.
            raise HostFailed(stage, reply.text, reply)
        return reply

    async def quit(self) -> None:
        """Say good-bye, without waiting long for an answer."""
        with suppress(HostFailed):
            await self._ask("QUIT", "quit", QUIT_LIMIT)
        self.abort()

    def abort(self) -> None:
        self._writer.transport.abort()


def _reason(error: Exception) -> str:
    """Words for a report; no path, no traceback."""
    match error:
        case TimeoutError():
            return "The host did not answer in time"
        case ConnectionRefusedError():
            return "The host refused the connection"
        case ssl.SSLError():
            return "The TLS handshake failed"
        case ProtocolError():
            return str(error)
        case OSError() if error.strerror:
            return f"The host cannot be reached: {error.strerror}"
        case _:
            return "The connection broke"
