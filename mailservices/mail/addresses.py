"""Address lists of header fields (RFC 5322 §3.4, obsolete forms of §4.4), as ENVELOPE tells them.

What a stranger wrote is shown as well as it can be: a missing host is empty, words without a colon are a name.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mailservices.mail.lexical import Kind, words

#: Addresses of one field.
ADDRESSES = 2000

#: What nearly every field holds: one address, with a name or without.
_BARE = re.compile(rb"([^\x00-\x20()<>\[\]:;@\\,\"\x7f-\xff]+)@([^\x00-\x20()<>\[\]:;@\\,\"\x7f-\xff]+)")
_NAMED = re.compile(
    rb'(?:"([^"\\\r\n]*)"|([^\x00-\x1f()<>\[\]:;@\\,"]*[^\x00-\x20()<>\[\]:;@\\,"]))?[ \t]*<'
    + _BARE.pattern
    + rb">"
)


@dataclass(frozen=True, slots=True)
class Listed:
    """RFC 9051 §7.5.2: name, route, mailbox, host; a group begins with no host and ends with nothing."""

    name: bytes | None
    route: bytes | None
    mailbox: bytes | None
    host: bytes | None


GROUP_END = Listed(None, None, None, None)


def parse(value: bytes) -> list[Listed]:
    """The addresses of an unfolded value."""
    match = _NAMED.fullmatch(value)
    if match:
        return [Listed(match[1] or match[2], None, match[3], match[4])]
    match = _BARE.fullmatch(value)
    if match:
        return [Listed(None, None, match[1], match[2])]
    found = []
    for address in _Reader(value).addresses():
        found.append(address)
        if len(found) >= ADDRESSES:
            break
    return found


class _Reader:
    """Gathers words until one of the specials says what they were."""

    def __init__(self, value: bytes) -> None:
        self._value = value
        self._phrase: list[bytes] = []
        self._local: list[bytes] = []
        self._host: bytes | None = None
        self._route: bytes | None = None
        self._comment: bytes | None = None
        self._in_angle = False
        self._had_angle = False
        self._in_group = False

    def addresses(self) -> Iterator[Listed]:
        for kind, text in words(self._value):
            if kind is Kind.COMMENT:
                self._comment = text or self._comment
            elif kind is Kind.SPECIAL:
                yield from self._special(text)
            elif not self._had_angle:
                self._word(text)
        yield from self._end()
        if self._in_group:
            yield GROUP_END

    def _word(self, text: bytes) -> None:
        """Of the host, where one is being written: RFC 5322 §4.4 allows space around its dots."""
        host = self._host
        if host is not None and (host[-1:] in (b"", b"@", b".") or text.startswith(b".")):
            self._host = host + text
        else:
            (self._local if self._in_angle else self._phrase).append(text)

    def _special(self, text: bytes) -> Iterator[Listed]:
        if self._had_angle and text in (b"@", b"<"):
            return  # what follows an address belongs to none
        if text == b"@":
            self._host = b"" if self._host is None else self._host + b"@"
        elif text == b"<":
            self._in_angle = True
            if self._host is not None:  # the name has an @ in it, which it may not
                self._phrase, self._host = [b" ".join(self._phrase) + b"@" + self._host], None
        elif text == b">":
            self._in_angle, self._had_angle = False, True
        elif text == b":" and self._in_angle:
            # RFC 5322 §4.4: a route stands before the address: @one,@two:
            self._route, self._host, self._local = b"@" + (self._host or b""), None, []
        elif text == b"," and self._in_angle:
            self._host = (self._host or b"") + b","
        elif text == b":" and not self._in_group:
            yield Listed(None, None, b" ".join(self._phrase), None)
            self._clear()
            self._in_group = True
        elif text == b",":
            yield from self._end()
        elif text == b";":
            yield from self._end()
            if self._in_group:
                yield GROUP_END
            self._in_group = False

    def _end(self) -> Iterator[Listed]:
        """One address, if its words make one."""
        if self._had_angle or self._in_angle:
            name = b" ".join(self._phrase) or self._comment
            if self._local or self._host:
                yield Listed(name, self._route, b"".join(self._local), self._host or b"")
        elif self._phrase:
            yield Listed(self._comment, None, b"".join(self._phrase), self._host or b"")
        self._clear()

    def _clear(self) -> None:
        self._phrase, self._local = [], []
        self._host = self._route = self._comment = None
        self._in_angle = self._had_angle = False
