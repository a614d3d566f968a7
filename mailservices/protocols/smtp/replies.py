"""Replies as the wire has them: those of several lines, and a reader for what other hosts answer."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mailservices.mail.errors import ProtocolError

#: Octets of one line and lines of one reply that we are willing to read from another host.
LINE_OCTETS: Final = 4096
LINES: Final = 128

_LINE: Final = re.compile(rb"([2-5][0-9][0-9])(?:([ -])(.*))?", re.DOTALL)
_ENHANCED: Final = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?: |$)", re.ASCII)


def lines(code: int, texts: Sequence[str]) -> bytes:
    """RFC 5321 §4.2.1: a hyphen after the code but on the last line."""
    last = len(texts) - 1
    return "".join(f"{code}{' ' if n == last else '-'}{text}\r\n" for n, text in enumerate(texts)).encode()


@dataclass(frozen=True, slots=True)
class PeerReply:
    """What another host answered; `text` joins its lines with spaces, without the enhanced code."""

    code: int
    enhanced: str
    texts: tuple[str, ...]

    @property
    def text(self) -> str:
        return " ".join(text for text in self.texts if text)

    @property
    def positive(self) -> bool:
        """RFC 5321 §4.2.1: done. A 3yz is not: it waits for more, which only DATA and AUTH do."""
        return 200 <= self.code < 300

    @property
    def permanent(self) -> bool:
        return self.code >= 500


class ReplyReader:
    """Feed with `receive`, ask with `next_reply`."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._code = 0
        self._texts: list[str] = []

    def receive(self, octets: bytes) -> None:
        self._buffer += octets

    @property
    def empty(self) -> bool:
        """Whether nothing has come that was not returned."""
        return not self._buffer and not self._texts

    def next_reply(self) -> PeerReply | None:
        """The next whole reply, or None until more octets come.

        Raises:
            ProtocolError: this is no SMTP server, or one without end.
        """
        while (end := self._buffer.find(b"\n")) >= 0:
            line = bytes(self._buffer[:end]).rstrip(b"\r")
            del self._buffer[: end + 1]
            match = _LINE.fullmatch(line)
            if not match or (self._texts and int(match[1]) != self._code):
                raise ProtocolError(f"The server answered nonsense: {line[:100].decode('ascii', 'replace')}")
            self._code = int(match[1])
            self._texts.append((match[3] or b"").decode("utf-8", "replace").strip())
            if match[2] != b"-":
                return self._whole()
            if len(self._texts) > LINES:
                raise ProtocolError("The server's answer has no end.")
        if len(self._buffer) > LINE_OCTETS:
            raise ProtocolError("The server's answer has no end.")
        return None

    def _whole(self) -> PeerReply:
        texts, self._texts = self._texts, []
        enhanced = ""
        if match := _ENHANCED.match(texts[0]):
            enhanced = match[1]
            texts = [text.removeprefix(enhanced).strip() for text in texts]
        return PeerReply(self._code, enhanced, tuple(texts))
