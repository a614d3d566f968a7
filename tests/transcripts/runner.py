r"""Plays a transcript over TCP against the running services.

    # A comment. Every transcript begins with what it shows, and names the RFC.
    1C: text           session 1 sends a line; with its first word it connects
    1C> text\r\n       sends exactly these octets; \r, \n, \0 and \xff are escapes
    1C*1000: text      a thousand times
    1S: pattern        the next line that session 1 is sent; `*` is anything, `$name` what was seen before, or new
    1S: ...            lines up to the one that the next pattern describes
    1P: submission     the port of session 1, where it is not that of the file's name
    1T:                TLS begins here
    1Z:                compression begins here, both ways
    1E:                the server has closed the connection
    1Q:                the client closes it

A line without a number is session 1's. An asterisk that begins a pattern of IMAP is an asterisk.
"""

import io
import re
import socket
import ssl
import zlib
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tests.services import Services
from tests.wildcards import filled, matches

FOLDER = Path(__file__).parent
TRANSCRIPTS = sorted(
    path for path in FOLDER.iterdir() if path.suffix in (".smtp", ".lmtp", ".imap", ".pop3", ".pop2")
)
_STEP = re.compile(r"(\d*)([CSPTEQZ])(?:\*(\d+))?([:>]) ?(.*)")


_ESCAPE = re.compile(rb"\\(?:([rn0])|x([0-9a-f]{2}))")


def _unescaped(match: re.Match[bytes]) -> bytes:
    return {b"r": b"\r", b"n": b"\n", b"0": b"\0"}[match[1]] if match[1] else bytes.fromhex(match[2].decode())


@dataclass(frozen=True)
class Step:
    """One line of a transcript."""

    place: str
    session: str
    kind: str
    times: int
    #: The octets as they stand, with escapes.
    raw: bool
    text: str

    def octets(self, variables: Mapping[str, str]) -> bytes:
        """What a client's line sends."""
        text = filled(self.text, variables)
        if self.raw:
            return _ESCAPE.sub(_unescaped, text.encode()) * self.times
        return f"{text}\r\n".encode() * self.times


def steps(path: Path) -> Iterator[Step]:
    """The lines of a transcript, without its comments."""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        match = _STEP.fullmatch(line)
        assert match, f"{path.name}:{number}: {line}"
        session, kind, times, mark, text = match.groups()
        yield Step(f"{path.name}:{number}", session or "1", kind, int(times or 1), mark == ">", text)


class Inflated(io.RawIOBase):
    """What comes compressed on a socket."""

    def __init__(self, source: socket.socket) -> None:
        self._source = source
        self._unpacker = zlib.decompressobj(-15)
        self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, into: bytearray) -> int:  # type: ignore[override]
        while not self._ready:
            octets = self._source.recv(65536)
            if not octets:
                return 0
            self._ready = self._unpacker.decompress(octets)
        count = min(len(into), len(self._ready))
        into[:count], self._ready = self._ready[:count], self._ready[count:]
        return count


class Session:
    """One connection."""

    def __init__(self, services: Services, port: str) -> None:
        self._socket = services.connect(port)
        if port in ("submissions", "imaps", "pop3s"):
            self.start_tls()
        self._lines: IO[bytes] = self._socket.makefile("rb")
        self._packer: zlib._Compress | None = None

    def start_tls(self) -> None:
        self._socket = ssl._create_unverified_context().wrap_socket(self._socket)
        self._lines = self._socket.makefile("rb")

    def wrap(self, kind: str) -> None:
        if kind == "T":
            self.start_tls()
        else:
            self.start_deflate()

    def start_deflate(self) -> None:
        self._packer = zlib.compressobj(wbits=-15)
        self._lines = io.BufferedReader(Inflated(self._socket))

    def send(self, octets: bytes) -> None:
        if self._packer is not None:
            octets = self._packer.compress(octets) + self._packer.flush(zlib.Z_SYNC_FLUSH)
        self._socket.sendall(octets)

    def line(self) -> str | None:
        """Without its CRLF; None when the server has closed."""
        try:
            line = self._lines.readline()
        except ConnectionResetError:
            return None
        except TimeoutError:
            return "(nothing came)"
        return line.decode("utf-8", "backslashreplace").removesuffix("\r\n") if line else None

    def close(self) -> None:
        self._lines.close()
        self._socket.close()


def play(path: Path, services: Services, variables: MutableMapping[str, str]) -> None:
    """Carry a transcript out, from its first line to its last."""
    sessions: dict[str, Session] = {}
    ports: dict[str, str] = {}
    skipping: set[str] = set()
    try:
        for step in steps(path):
            if step.kind == "P":
                ports[step.session] = step.text
                continue
            if step.session not in sessions:
                sessions[step.session] = Session(services, ports.get(step.session, path.suffix[1:]))
            session = sessions[step.session]
            match step.kind:
                case "C":
                    session.send(step.octets(variables))
                case "S" if step.text == "...":
                    skipping.add(step.session)
                case "S":
                    for _ in range(step.times):
                        _expect(step, session, variables, skip=step.session in skipping)
                    skipping.discard(step.session)
                case "T" | "Z":
                    session.wrap(step.kind)
                case "E":
                    assert (line := session.line()) is None, f"{step.place}: not closed, but: {line}"
                case "Q":
                    session.close()
                    del sessions[step.session]
    finally:
        for session in sessions.values():
            session.close()


def _expect(step: Step, session: Session, variables: MutableMapping[str, str], *, skip: bool) -> None:
    seen = []
    while (line := session.line()) is not None:
        if _fits(step.text, line, variables):
            return
        seen.append(line)
        if not skip:
            break
    raise AssertionError(f"{step.place}: wanted {step.text!r}, got {seen or 'the end'}")


def _fits(pattern: str, line: str, variables: MutableMapping[str, str]) -> bool:
    if pattern.startswith("* "):
        return line.startswith("* ") and matches(pattern[2:], line[2:], variables)
    return matches(pattern, line, variables)
