"""The world outside, on loopback: a name server that says what a test wants, and hosts that take mail or do not.

Each runs in a thread of its own, so that tests and the services under test never wait for each other.
"""

import asyncio
import http.server
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from mailservices.net.tls import make_self_signed, server_context


class NameServer:
    """Answers over UDP from `zone`: (name, type) -> records; a name that has none of any type does not exist.

    A name that has a CNAME is answered with what it leads to as well.
    """

    def __init__(self) -> None:
        self.zone: dict[tuple[str, str], list[str]] = {}
        #: Names for which it fails, or only for one type: (name, type).
        self.failing: set[str | tuple[str, str]] = set()
        #: What it was asked, in order.
        self.asked: list[tuple[str, str]] = []
        #: Names whose answers are signed.
        self.signed: set[str] = set()
        #: Seconds for which answers may be kept.
        self.ttl = 1
        #: For which it may be kept that something is not there; 0: nothing is said of that.
        self.absent_ttl = 0
        self._closed = False
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._socket.settimeout(0.2)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while not self._closed:
            try:
                data, peer = self._socket.recvfrom(4096)
            except TimeoutError:
                continue
            self._socket.sendto(self._answer(dns.message.from_wire(data)).to_wire(), peer)

    def _answer(self, query: dns.message.Message) -> dns.message.Message:
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        question = query.question[0]
        name, kind = question.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, kind))
        for _ in range(8):
            if not (aliases := self.zone.get((name, "CNAME"))):
                break
            answer.answer.append(dns.rrset.from_text(name + ".", self.ttl, "IN", "CNAME", *aliases))
            name = dns.name.from_text(aliases[0]).to_text(omit_final_dot=True).lower()
        if self.failing & {name, (name, kind)}:
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif records := self.zone.get((name, kind)):
            answer.flags |= dns.flags.AD if name in self.signed else 0
            answer.answer.append(dns.rrset.from_text(name + ".", self.ttl, "IN", kind, *records))
        elif not any(one == name for one, _ in self.zone):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        if self.absent_ttl and not answer.answer and answer.rcode() != dns.rcode.SERVFAIL:
            about = f". . 1 1 1 1 {self.absent_ttl}"
            answer.authority.append(dns.rrset.from_text(question.name, self.absent_ttl, "IN", "SOA", about))
        return answer

    def say(self, name: str, *texts: str) -> None:
        """TXT records, one for each text."""
        self.zone[name, "TXT"] = [quoted(text) for text in texts]

    def call(self, address: str, name: str) -> None:
        """The address has this name, and the name this address."""
        pointer = ipaddress.ip_address(address).reverse_pointer
        self.zone[pointer, "PTR"] = [f"{name}."]
        self.zone[name, "AAAA" if ":" in address else "A"] = [address]

    def lead(self, domain: str, *addresses: str) -> None:
        """Mail for the domain goes to hosts at these addresses, in this order."""
        hosts = [f"mx{number}.{domain}" for number in range(1, len(addresses) + 1)]
        self.zone[domain, "MX"] = [f"{10 * number} {host}." for number, host in enumerate(hosts, 1)]
        for host, address in zip(hosts, addresses, strict=True):
            self.zone[host, "A"] = [address]

    def close(self) -> None:
        self._closed = True
        self._thread.join(10)
        self._socket.close()


def quoted(text: str) -> str:
    """A TXT record's strings in the form of a zone file: 255 octets each."""
    octets = text.encode("utf-8", "surrogateescape")
    pieces = [octets[start : start + 255] for start in range(0, len(octets) or 1, 255)]
    return " ".join('"' + "".join(f"\\{octet:03d}" for octet in piece) + '"' for piece in pieces)


@dataclass
class Taken:
    """One message that a far side took."""

    mail: str
    recipients: list[str]
    text: bytes
    tls: bool
    #: Whether the sender said anything on the connection after the answer: by then it has settled.
    followed: bool = False


@dataclass
class FarSide:
    """A host that takes mail. What it answers depends on the recipient's local part: see `_verdict`."""

    folder: Path
    address: str = "127.0.0.1"
    port: int = 0
    features: tuple[str, ...] = ("PIPELINING", "8BITMIME", "SMTPUTF8", "DSN", "STARTTLS")
    taken: list[Taken] = field(default_factory=list)
    #: Every line that came, of all connections.
    lines: list[str] = field(default_factory=list)
    #: Local parts that get 450, and those that get 550.
    later: set[str] = field(default_factory=set)
    never: set[str] = field(default_factory=set)
    #: Recipients of one transaction at most: further ones get 452.
    at_once: int = 1000
    #: Local parts for which the connection is dropped instead of the final answer.
    losing: set[str] = field(default_factory=set)
    #: Called before the final answer; may block, or raise to drop the connection.
    before_answer: Callable[[], None] = lambda: None

    def start(self) -> Self:
        make_self_signed("far.test", self.folder / "far.pem", self.folder / "far.key")
        self._tls = server_context(self.folder / "far.pem", self.folder / "far.key")
        ready = threading.Event()

        async def serve() -> None:
            self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
            async with await asyncio.start_server(self._talk, self.address, self.port) as server:
                self.port = server.sockets[0].getsockname()[1]
                ready.set()
                await self._end.wait()

        self._thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
        self._thread.start()
        ready.wait(10)
        return self

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(10)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _Talk(self, reader, writer).run()
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            writer.transport.abort()

    def verdict(self, path: str) -> str:
        local = path.strip("<>").partition("@")[0]
        if local in self.later:
            return "450 4.2.1 Not now"
        if local in self.never:
            return "550 5.1.1 Nobody of that name"
        return "250 2.1.5 Fine"

    @property
    def tls_context(self) -> ssl.SSLContext:
        return self._tls


class _Talk:
    """One connection to a far side."""

    def __init__(self, side: FarSide, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._side, self._reader, self._writer = side, reader, writer
        self._mail, self._recipients, self._tls = "", [""], False
        self._last: Taken | None = None
        self._chunks = b""

    def _say(self, *lines: str) -> None:
        code = lines[0][:3]
        texts = [lines[0][4:], *lines[1:]]
        for number, text in enumerate(texts):
            self._writer.write(f"{code}{' ' if number == len(texts) - 1 else '-'}{text}\r\n".encode())

    async def run(self) -> None:
        self._say("220 far.test")
        while (octets := await self._reader.readline()).endswith(b"\r\n"):
            line = octets.decode().rstrip("\r\n")
            self._side.lines.append(line)
            if self._last is not None:
                self._last.followed = True
            verb, _, rest = line.partition(" ")
            match verb.upper():
                case "EHLO":
                    features = [one for one in self._side.features if not (self._tls and one == "STARTTLS")]
                    self._say("250 far.test", *features)
                case "STARTTLS":
                    self._say("220 Go")
                    await self._writer.start_tls(self._side.tls_context)
                    self._tls = True
                case "MAIL":
                    self._mail, self._recipients = rest.removeprefix("FROM:"), []
                    self._say("250 2.1.0 Fine")
                case "RCPT":
                    path = rest.removeprefix("TO:").split(" ")[0]
                    verdict = self._side.verdict(path)
                    if len(self._recipients) >= self._side.at_once:
                        verdict = "452 4.5.3 Too many"
                    if verdict.startswith("250"):
                        self._recipients.append(path.strip("<>"))
                    self._say(verdict)
                case "DATA":
                    await self._data()
                case "BDAT":
                    await self._chunk(int(rest.split(" ")[0]), last=rest.endswith(" LAST"))
                case "QUIT":
                    self._say("221 Bye")
                    await self._writer.drain()
                    return
                case _:
                    self._say("250 Fine")
            await self._writer.drain()

    async def _data(self) -> None:
        if not self._recipients:
            self._say("554 5.5.1 No recipients")
            return
        self._say("354 Go on")
        await self._writer.drain()
        lines = []
        while (line := await self._reader.readline()) != b".\r\n":
            if not line:
                raise ConnectionError
            lines.append(line.removeprefix(b"."))
        await self._take(b"".join(lines))

    async def _chunk(self, size: int, *, last: bool) -> None:
        self._chunks += await self._reader.readexactly(size)
        if not last:
            self._say("250 2.0.0 Go on")
            return
        text, self._chunks = self._chunks, b""
        await self._take(text)

    async def _take(self, text: bytes) -> None:
        await _in_thread(self._side.before_answer)
        if any(one.partition("@")[0] in self._side.losing for one in self._recipients):
            raise ConnectionError
        self._last = Taken(self._mail, self._recipients, text, self._tls)
        self._side.taken.append(self._last)
        self._say("250 2.0.0 Taken")


@dataclass
class PolicyHost:
    """A web server that has MTA-STS policies: `answers` has them by the host that is asked for."""

    #: Its key and its certificate, in one file.
    certificate: Path
    #: Host -> the whole answer, or what follows a 200 as plain text.
    answers: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    #: What was posted to any of them.
    posted: list[bytes] = field(default_factory=list)
    port: int = 0

    def start(self) -> Self:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(self.certificate)
        ready = threading.Event()

        async def serve() -> None:
            self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
            async with await asyncio.start_server(self._answer, "127.0.0.1", 0, ssl=self._context) as server:
                self.port = server.sockets[0].getsockname()[1]
                ready.set()
                await self._end.wait()

        self._thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
        self._thread.start()
        ready.wait(10)
        return self

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(10)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            host = head.split("\r\nhost: ")[1].split("\r\n")[0].partition(":")[0]
            self.asked.append(host)
            if "\r\ncontent-length: " in head:
                length = int(head.split("\r\ncontent-length: ")[1].split("\r\n")[0])
                self.posted.append(await reader.readexactly(length))
            answer = self.answers.get(host, b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            if not answer.startswith(b"HTTP/"):
                fields = b"Content-Type: text/plain\r\nContent-Length: %d\r\nConnection: close" % len(answer)
                answer = b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n\r\n" + answer
            writer.write(answer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            writer.close()


@dataclass(frozen=True)
class Asked:
    """One request that a program outside got."""

    path: str
    headers: dict[str, str]
    body: bytes


class Program:
    """A program outside that is told something by POST over plain HTTP, and answers as a test says."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        #: Path -> status, and further fields of the answer; 204 otherwise.
        self.answers: dict[str, tuple[int, dict[str, str]]] = {}
        program = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                program.asked.append(Asked(self.path, headers, body))
                status, fields = program.answers.get(self.path, (204, {}))
                self.send_response(status)
                for name, value in fields.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def told(self, path: str) -> list[Asked]:
        return [one for one in self.asked if one.path == path]

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join(10)
        self._server.server_close()


def _in_thread(function: Callable[[], None]) -> Coroutine[Any, Any, None]:
    return asyncio.to_thread(function)
