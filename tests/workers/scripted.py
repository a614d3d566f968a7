"""A host that follows a script: at each stage it answers what the script says, or does something else."""

import asyncio
import base64
import ssl
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from mailservices.mail import scram
from mailservices.mail.errors import SignInFailed
from mailservices.mail.route import Hop
from mailservices.net.tls import make_self_signed, server_context
from mailservices.protocols.sasl.bearer import xoauth2
from mailservices.protocols.sasl.cram import cram_md5
from mailservices.protocols.sasl.exchange import BearerOf, Claim, KeysOf, SecretsOf
from mailservices.protocols.sasl.plain import login, plain
from mailservices.protocols.sasl.scram import scram as scram_server

#: What a script may say instead of an answer.
STALL, DROP, ENDLESS, GARBAGE, LONG = "stall", "drop", "endless", "garbage", "long"
ANSWERS = {
    "connect": "220 far.test",
    "EHLO": "250 far.test",
    "HELO": "250 far.test",
    "STARTTLS": "220 Go",
    "MAIL": "250 Fine",
    "RCPT": "250 Fine",
    "DATA": "354 Go on",
    "final": "250 Taken",
    "BDAT": "250 Taken",
    "RSET": "250 Fine",
    "QUIT": "221 Bye",
}


@dataclass
class Scripted:
    """Listens on loopback while it is entered. `script` has an answer for a stage, or a list of them in turn."""

    script: Mapping[str, str | list[str]] = field(default_factory=dict)
    features: tuple[str, ...] = ()
    context: ssl.SSLContext | None = None
    #: TLS from the first octet.
    implicit: bool = False
    #: Where it is named, AUTH is played as it should be, for this password of anybody.
    password: str = ""
    signed_in: list[str] = field(default_factory=list)
    #: Where connections came from.
    peers: list[str] = field(default_factory=list)
    #: Every command, of all connections; and the text of every message that was taken.
    lines: list[str] = field(default_factory=list)
    taken: list[bytes] = field(default_factory=list)
    port: int = 0

    async def __aenter__(self) -> Self:
        self._turns: dict[str, int] = {}
        self._talks: set[asyncio.Task[None]] = set()
        self._server = await asyncio.start_server(
            self._accept, "127.0.0.1", 0, ssl=self.context if self.implicit else None
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    @property
    def hop(self) -> Hop:
        return Hop("far.test", "127.0.0.1")

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._talks.add(task)
        self.peers.append(writer.get_extra_info("peername")[0])
        try:
            await self._talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, ssl.SSLError, _Dropped):
            pass
        finally:
            writer.transport.abort()

    async def _say(self, writer: asyncio.StreamWriter, stage: str, more: tuple[str, ...] = ()) -> str:
        answer = self.script.get(stage, ANSWERS.get(stage, "250 Fine"))
        if isinstance(answer, list):
            turn = self._turns.setdefault(stage, 0)
            self._turns[stage] += 1
            answer = answer[min(turn, len(answer) - 1)]
        match answer:
            case "stall":
                await asyncio.sleep(3600)
            case "drop":
                raise _Dropped
            case "garbage":
                answer = "\x00\xffwhat?"
            case "endless":
                while True:
                    writer.write(b"250-and so on\r\n" * 100)
                    await writer.drain()
            case "long":
                while True:
                    writer.write(b"250 " + b"x" * 60_000)
                    await writer.drain()
        code, text = answer[:3], answer[4:]
        texts = [text, *(more if code == "250" else ())]
        for number, one in enumerate(texts):
            writer.write(f"{code}{' ' if number == len(texts) - 1 else '-'}{one}\r\n".encode("latin-1"))
        await writer.drain()
        return code

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._say(writer, "connect")
        self._chunks = b""
        secured = False
        while line := (await reader.readline()).decode().rstrip("\r\n"):
            self.lines.append(line)
            verb = line.split(" ")[0].upper()
            match verb:
                case "EHLO":
                    hidden = ("STARTTLS",) if secured else ()
                    await self._say(writer, verb, tuple(one for one in self.features if one not in hidden))
                case "STARTTLS":
                    secured = await self._start_tls(reader, writer)
                case "AUTH":
                    await self._authenticate(line, reader, writer)
                case "DATA" | "BDAT":
                    await self._take(line, reader, writer)
                case _:
                    await self._say(writer, verb)

    async def _start_tls(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        if await self._say(writer, "STARTTLS") != "220":
            return False
        if "handshake" in self.script:
            await reader.read(100)
            await self._say(writer, "handshake")
        if self.context is None:
            await reader.read(100)
            writer.write(b"no handshake, this\r\n")
            await writer.drain()
            raise _Dropped
        await writer.start_tls(self.context)
        return True

    async def _take(self, line: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        verb, *words = line.split(" ")
        if verb == "BDAT":
            self._chunks += await reader.readexactly(int(words[0]))
            answered = await self._say(writer, verb)
            if words[-1] != "LAST":
                return
            text, self._chunks = self._chunks, b""
        else:
            if await self._say(writer, verb) != "354":
                return
            text = await _text(reader)
            answered = await self._say(writer, "final")
        if answered == "250":
            self.taken.append(text)

    async def _authenticate(self, line: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """As the script says; with a password by the appliance's own side of the mechanisms."""
        if not self.password:
            code = await self._say(writer, "AUTH")
            while code == "334" and await reader.readline():
                code = await self._say(writer, "ANSWER")
            return
        _, mechanism, *initial = line.split(" ")
        exchange = _exchange(mechanism)
        question: Any = next(exchange)
        known = scram.derive(self.password, 4096)
        try:
            while True:
                match question:
                    case KeysOf(_, hash_name):
                        question = exchange.send(known[hash_name])
                        continue
                    case SecretsOf():
                        question = exchange.send([self.password.encode()])
                        continue
                    case BearerOf(token):
                        question = exchange.send("us" if token == self.password else None)
                        continue
                if initial:
                    answer = initial.pop()
                else:
                    writer.write(f"334 {base64.b64encode(question).decode()}\r\n".encode())
                    await writer.drain()
                    answer = (await reader.readline()).decode().strip()
                question = exchange.send(base64.b64decode(answer))
        except StopIteration as done:
            name, well = _found(done.value, self.password)
        except SignInFailed:
            name, well = "", False
        if well:
            self.signed_in.append(name)
        writer.write(b"235 Welcome\r\n" if well else b"535 No\r\n")
        await writer.drain()


def _exchange(mechanism: str) -> Generator[Any, Any, Any]:
    match mechanism:
        case "PLAIN":
            return plain()
        case "LOGIN":
            return login()
        case "CRAM-MD5":
            return cram_md5("far.test")
        case "XOAUTH2":
            return xoauth2()
    return scram_server(mechanism.removeprefix("SCRAM-"), None, plus=False)


def _found(result: Any, password: str) -> tuple[str, bool]:
    match result:
        case Claim(name, told):
            return name, told == password
    return result.name, True


class _Dropped(Exception):
    """The script closes the connection."""


async def _text(reader: asyncio.StreamReader) -> bytes:
    lines = []
    while (line := await reader.readline()) != b".\r\n":
        if not line:
            raise _Dropped
        lines.append(line.removeprefix(b"."))
    return b"".join(lines)


def certified(folder: Path, name: str = "far.test") -> ssl.SSLContext:
    """A context with a self-signed certificate for a name, which lies in the folder."""
    make_self_signed(name, folder / "far.pem", folder / "far.key")
    return server_context(folder / "far.pem", folder / "far.key")
