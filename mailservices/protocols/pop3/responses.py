"""Responses as octets (RFC 1939 §3): +OK, -ERR, and texts of many lines with their dots stuffed."""

from collections.abc import Iterable
from typing import Final

from mailservices.protocols.dots import END

#: RFC 6856 §3: the languages of our words, each with its name in itself. The first is the one that we prefer.
LANGUAGES: Final = {"en": "English"}


def language(wanted: str) -> str | None:
    """The language that a range asks for (RFC 4647 §3.3.1), in lower case; None: there is none."""
    return next((tag for tag in LANGUAGES if wanted == "*" or f"{tag}-".startswith(f"{wanted}-")), None)


def ok(words: str = "") -> bytes:
    return f"+OK {words}".rstrip().encode() + b"\r\n"


def error(words: str, code: str = "") -> bytes:
    """-ERR; the code is one of RFC 2449 §8 or RFC 3206, without brackets."""
    return f"-ERR [{code}] {words}\r\n".encode() if code else f"-ERR {words}\r\n".encode()


def lines(words: str, rows: Iterable[bytes]) -> bytes:
    """+OK and a list; no row of ours begins with a dot."""
    return ok(words) + b"".join([row + b"\r\n" for row in rows]) + END


def top(body: bytes, count: int) -> tuple[bytes, int]:
    """As many lines of a body as TOP asks for, or as these octets hold; and how many are still wanted."""
    position = 0
    for _ in range(count):
        end = body.find(b"\n", position)
        if end < 0:
            return body, count
        position = end + 1
        count -= 1
    return body[:position], 0
