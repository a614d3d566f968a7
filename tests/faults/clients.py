"""Small clients that tell three ends of a command apart: done, clearly not done, and nobody knows.

They wait for every answer no longer than ANSWER_LIMIT: a server that says nothing for so long has failed.
"""

import asyncio
import re
from base64 import b64encode
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import ClassVar, Self, TypeVar

from tests.conftest import Person

#: Seconds for any answer. The store's own limits add up to less: a connection (10), a statement (15), and the time
#: in which a commit whose answer was lost is asked for (20), see mailservices/store/pool.py and doubt.py.
ANSWER_LIMIT = 60.0
#: Octets of a line that is read.
LINE_OCTETS = 1 << 20

Value = TypeVar("Value")
_LITERAL = re.compile(rb"\{(\d+)\}\r\n$")


class Refused(Exception):
    """A clear answer: not now. What was asked was not done."""


class Lost(Exception):
    """The connection broke, or was never there. What was asked last may have been done or not."""


async def eventually(true: Callable[[], Awaitable[Value]], what: str, seconds: float = 60.0) -> Value:
    """Wait for something to become true; what it became."""
    for _ in range(int(seconds / 0.1)):
        if value := await true():
            return value
        await asyncio.sleep(0.1)
    raise AssertionError(f"it never came that {what}")


class Client:
    """One connection, line by line. Use as an asynchronous context manager."""

    service: ClassVar[str]
    #: What the last line of a refusal that is no failure looks like.
    not_now: ClassVar[re.Pattern[bytes]]

    def __init__(self, port: int, answer_limit: float = ANSWER_LIMIT) -> None:
        self._port = port
        self._limit = answer_limit
        self._writer: asyncio.StreamWriter | None = None

    async def __aenter__(self) -> Self:
        try:
            async with asyncio.timeout(self._limit):
                self._reader, self._writer = await asyncio.open_connection(
                    "127.0.0.1", self._port, limit=LINE_OCTETS
                )
        except OSError as error:
            raise Lost(str(error)) from error
        try:
            await self.greet()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, _type: type[BaseException] | None, _value: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """At once, whatever is under way."""
        if self._writer is not None:
            self._writer.transport.abort()
            with suppress(OSError):
                await self._writer.wait_closed()

    async def greet(self) -> None:
        """Read what the server says first."""
        raise NotImplementedError

    async def send(self, octets: bytes) -> None:
        assert self._writer is not None
        try:
            self._writer.write(octets)
            async with asyncio.timeout(self._limit):
                await self._writer.drain()
        except TimeoutError:
            raise AssertionError(f"{self.service} took nothing for {self._limit:.0f} s") from None
        except (OSError, RuntimeError) as error:
            raise Lost(str(error)) from error

    def stop_reading(self) -> None:
        """Take nothing any more."""
        assert self._writer is not None
        self._writer.transport.pause_reading()

    async def line(self) -> bytes:
        """The next line, with its end."""
        return await self._read(self._reader.readline(), lambda line: line.endswith(b"\n"))

    async def octets(self, count: int) -> bytes:
        return await self._read(self._reader.readexactly(count), lambda _: True)

    async def _read(self, reading: Awaitable[bytes], whole: Callable[[bytes], bool]) -> bytes:
        try:
            async with asyncio.timeout(self._limit):
                found = await reading
        except TimeoutError:
            raise AssertionError(f"{self.service} said nothing for {self._limit:.0f} s") from None
        except (OSError, asyncio.IncompleteReadError) as error:
            raise Lost(str(error)) from error
        if not whole(found):
            raise Lost("the server closed the connection")
        return found

    def judge(self, answer: bytes, good: bytes | Sequence[bytes], asked: bytes) -> bytes:
        """The answer, if it is good.

        Raises:
            Refused: the server can not do it now.
            AssertionError: it says that it never can, or something else.
        """
        if answer.startswith(good if isinstance(good, bytes) else tuple(good)):
            return answer
        if self.not_now.search(answer):
            raise Refused(answer.decode().strip())
        raise AssertionError(f"{self.service} answered {answer!r} to {asked[:200]!r}")


class Smtp(Client):
    """A sender: `send_mail` for one message."""

    service = "smtp"
    not_now = re.compile(rb"^4[25]\d ")

    async def greet(self) -> None:
        self.judge(await self.reply(), b"220", b"connecting")
        await self.ask(b"EHLO client.test")

    async def reply(self) -> bytes:
        """The last line of the next reply."""
        while (line := await self.line())[3:4] == b"-":
            pass
        return line

    async def ask(self, line: bytes, good: bytes = b"2") -> bytes:
        await self.send(line + b"\r\n")
        return self.judge(await self.reply(), good, line)

    async def sign_in(self, person: Person) -> None:
        """AUTH PLAIN; loopback may without TLS."""
        token = b64encode(f"\0{person.address}\0{person.password}".encode())
        await self.ask(b"AUTH PLAIN " + token, b"235")

    async def send_mail(self, sender: str, recipients: Sequence[str], text: bytes) -> bytes:
        """One transaction for all recipients; the reply to it."""
        await self.ask(f"MAIL FROM:<{sender}>".encode(), b"250")
        for recipient in recipients:
            await self.ask(f"RCPT TO:<{recipient}>".encode(), b"250")
        await self.ask(b"DATA", b"354")
        await self.send(re.sub(rb"(?m)^\.", b"..", text) + b".\r\n")
        return self.judge(await self.reply(), b"250", b"the message")


class Imap(Client):
    """A mail program. Untagged lines are kept with their literals."""

    service = "imap"
    not_now = re.compile(rb"^\S+ NO \[(UNAVAILABLE|INUSE)\]|^\* BYE \[UNAVAILABLE\]")

    def __init__(self, port: int, answer_limit: float = ANSWER_LIMIT) -> None:
        super().__init__(port, answer_limit)
        self._tag = 0

    async def greet(self) -> None:
        self.judge(await self.line(), b"* OK", b"connecting")

    async def response(self) -> bytes:
        """The next response, with what its literals hold."""
        found = line = await self.line()
        while match := _LITERAL.search(line):
            found += await self.octets(int(match[1]))
            line = await self.line()
            found += line
        if found.startswith(b"* BYE"):
            self.judge(found, b"* BYE [UNAVAILABLE]", b"nothing")
            raise Lost(found.decode())
        return found

    async def ask(self, command: bytes) -> list[bytes]:
        """Everything that the server says to a command; its tagged answer comes last."""
        tag = await self.begin(command)
        return await self.end(tag, command)

    async def begin(self, command: bytes) -> bytes:
        self._tag += 1
        tag = b"t%d" % self._tag
        await self.send(tag + b" " + command + b"\r\n")
        return tag

    async def end(self, tag: bytes, command: bytes) -> list[bytes]:
        found = []
        while True:
            found.append(await self.response())
            if found[-1].startswith(tag + b" "):
                self.judge(found[-1], tag + b" OK", command)
                return found

    async def sign_in(self, person: Person) -> None:
        await self.ask(f'LOGIN "{person.address}" "{person.password}"'.encode())

    async def idle(self, seconds: float) -> list[bytes]:
        """What is told within so many seconds."""
        tag, told = await self.begin(b"IDLE"), list[bytes]()
        self.judge(await self.response(), b"+", b"IDLE")
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    told.append(await self.response())
                    if told[-1].startswith(tag):
                        self.judge(told[-1], b"nothing but a refusal", b"IDLE")
        await self.send(b"DONE\r\n")
        return told + await self.end(tag, b"IDLE")

    async def append(self, folder: str, text: bytes, flags: str = "") -> tuple[int, int]:
        """UIDVALIDITY and UID of what was kept."""
        command = f"APPEND {folder} ({flags}) {{{len(text)}}}".encode()
        tag = await self.begin(command)
        while not (answer := await self.response()).startswith(b"+"):
            if answer.startswith(tag):
                self.judge(answer, b"+", command)
        await self.send(text + b"\r\n")
        answer = (await self.end(tag, command))[-1]
        found = re.search(rb"\[APPENDUID (\d+) (\d+)\]", answer)
        assert found, answer
        return int(found[1]), int(found[2])


class Pop3(Client):
    """A mail program that takes messages away."""

    service = "pop3"
    not_now = re.compile(rb"^-ERR \[(SYS/TEMP|IN-USE)\]")

    async def greet(self) -> None:
        self.judge(await self.line(), b"+OK", b"connecting")

    async def ask(self, command: bytes) -> bytes:
        await self.send(command + b"\r\n")
        return self.judge(await self.line(), b"+OK", command)

    async def lines(self, command: bytes) -> list[bytes]:
        """The lines of a long answer, unstuffed, with their ends."""
        await self.ask(command)
        found = []
        while (line := await self.line()) != b".\r\n":
            found.append(line.removeprefix(b"."))
        return found

    async def sign_in(self, person: Person) -> None:
        await self.ask(b"USER " + person.address.encode())
        await self.ask(b"PASS " + person.password.encode())


async def until_closed(client: Client) -> bytes:
    """Everything that the server says until it closes."""
    heard = b""
    with suppress(Lost):
        while True:
            heard += await client.line()
    return heard
