"""The forms that are hashed (RFC 6376 §3.4): "simple" changes nothing, "relaxed" forgives space, case and folds.

A body is fed in pieces and never kept: of what may turn out to be the end (space, empty lines) only the number is.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Final

from mailservices.mail import headers

#: Line ends that were held back are hashed in pieces of so many.
_LINE_ENDS: Final = 32 * 1024
_SPACES = re.compile(rb"[ \t]+")
#: The value of b=, which a signature does not cover (§3.5): as the first tag or after a semicolon.
_B_VALUE = re.compile(rb"((?:^[^:]*:|;)[ \t\r\n]*b[ \t\r\n]*=)[^;]*")


class Form(StrEnum):
    SIMPLE = "simple"
    RELAXED = "relaxed"


def field(octets: bytes, form: Form) -> bytes:
    """One field with its line end (§3.4.1, §3.4.2)."""
    if form is Form.SIMPLE:
        return octets
    name, _, value = octets.partition(b":")
    value = value.replace(b"\r\n", b"").replace(b"\n", b"")
    return name.rstrip(b" \t").lower() + b":" + _SPACES.sub(b" ", value).strip(b" ") + b"\r\n"


def own_field(octets: bytes, form: Form) -> bytes:
    """The signature's own field: without the value of b=, and without the last line end (§3.7)."""
    emptied = _B_VALUE.sub(rb"\1", octets, count=1)
    return field(emptied, form).removesuffix(b"\r\n")


class Covered:
    """The hash of the fields that signatures cover: one for all signatures of the same fields."""

    def __init__(self, signed: Iterable[bytes], form: Form) -> None:
        self._form = form
        self._hash = hashlib.sha256(b"".join([field(octets, form) for octets in signed]))

    def digest(self, own: bytes) -> bytes:
        """What is signed (§3.7): SHA-256 of these fields, then of the signature's own."""
        found = self._hash.copy()
        found.update(own_field(own, self._form))
        return found.digest()


def digest(signed: Iterable[bytes], own: bytes, form: Form) -> bytes:
    """The same where there is one signature."""
    return Covered(signed, form).digest(own)


class Fields:
    """The fields of a header, to be chosen from as signatures do."""

    def __init__(self, header: bytes) -> None:
        self._named: dict[bytes, list[bytes]] = {}
        for name, octets in headers.whole_fields(header):
            self._named.setdefault(name, []).append(octets)

    def named(self, name: bytes) -> list[bytes]:
        """All fields of this name from the top, each with its name and line end."""
        return self._named.get(name, [])

    def chosen(self, names: Iterable[str]) -> Iterator[bytes]:
        """§5.4.2: of each name the last field that was not taken yet; what is not there is passed over."""
        taken: dict[str, int] = {}
        for name in names:
            found = self.named(name.encode())
            taken[name] = count = taken.get(name, 0) + 1
            if count <= len(found):
                yield found[-count]


class _Body:
    """The hash of one form of a body."""

    def __init__(self, form: Form) -> None:
        self._relaxed = form is Form.RELAXED
        self._hash = hashlib.sha256()
        #: What the next piece decides about: space at its end, and half of a line end.
        self._held = b""
        #: Line ends in a row: empty lines at the end of the body are not part of it.
        self._line_ends = 0
        self.size = 0

    def feed(self, piece: bytes) -> None:
        octets = self._held + piece
        end = octets.endswith(b"\r")
        kept = octets[:-1] if end else octets
        self._held = b"\r" if end else b""
        if self._relaxed:
            stripped = kept.rstrip(b" \t")
            if len(stripped) < len(kept):
                self._held = b" " + self._held
            kept = _relaxed(stripped)
        self._take(kept)

    def _take(self, octets: bytes) -> None:
        content, line_ends = _without_line_ends(octets)
        if content:
            self._write_line_ends()
            self._write(content)
        self._line_ends += line_ends

    def _write_line_ends(self) -> None:
        while self._line_ends:
            count = min(self._line_ends, _LINE_ENDS)
            self._write(b"\r\n" * count)
            self._line_ends -= count

    def _write(self, octets: bytes) -> None:
        self._hash.update(octets)
        self.size += len(octets)

    def finish(self) -> bytes:
        """The digest; nothing may be fed afterwards."""
        # Space that is held back ends the last line, so is forgotten; but a CR that no LF follows is content.
        if self._held.endswith(b"\r"):
            self._take(self._held)
        # §3.4.3: an empty body is one line end; §3.4.4: relaxed, it is nothing.
        if self.size or not self._relaxed:
            self._write(b"\r\n")
        return self._hash.digest()


def _relaxed(octets: bytes) -> bytes:
    """§3.4.4: runs of space become one, none is left at the end of a line. All of it in linear time."""
    if b"\t" in octets:
        octets = octets.replace(b"\t", b" ")
    while b"  " in octets:
        octets = octets.replace(b"  ", b" ")
    return octets.replace(b" \r\n", b"\r\n")


def _without_line_ends(octets: bytes) -> tuple[bytes, int]:
    """What is before the line ends at the end, and how many these are."""
    content = octets.rstrip(b"\r\n")
    count, odd = divmod(len(octets) - len(content), 2)
    if odd or octets[len(content) :] != b"\r\n" * count:
        # A CR or LF alone is content: look one by one.
        end = len(octets)
        while octets.endswith(b"\r\n", 0, end):
            end -= 2
        return octets[:end], (len(octets) - end) // 2
    return content, count


class BodyHashes:
    """The hashes of one body in every form that somebody wants: each is computed once, whoever wants it."""

    def __init__(self) -> None:
        self._bodies: dict[Form, _Body] = {}
        self._digests: dict[Form, bytes] = {}

    def want(self, form: Form) -> None:
        """To be said before the first piece."""
        if form not in self._bodies:
            self._bodies[form] = _Body(form)

    def feed(self, piece: bytes) -> None:
        for body in self._bodies.values():
            body.feed(piece)

    def digest(self, form: Form) -> bytes:
        """SHA-256 of the whole body; it has been fed."""
        if form not in self._digests:
            self._digests[form] = self._bodies[form].finish()
        return self._digests[form]

    def size(self, form: Form) -> int:
        """Octets of that form, which l= counts (§3.5)."""
        self.digest(form)
        return self._bodies[form].size
