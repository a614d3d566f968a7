"""The words of RFC 9051 §9, one small function each, over the parts of a command.

A Scanner stands at a place in the text of a command; where a literal interrupts the text, `string` takes it.
Every function either takes what it is named after, or raises ProtocolError and says what was missing.
"""

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Final, TypeVar

from mailservices.mail import dates, flags, uidset
from mailservices.mail.errors import ProtocolError
from mailservices.mail.flags import Flags
from mailservices.mail.uidset import NumberSet
from mailservices.protocols.imap import names
from mailservices.protocols.imap.reader import Literal, Part

Item = TypeVar("Item")

#: Parentheses within parentheses; members of one list.
DEPTH: Final = 50
MEMBERS: Final = 10_000

#: RFC 7162 §7: a modification sequence fits 63 bits.
LARGEST_MODSEQ: Final = 2**63 - 1

_TAG = re.compile(rb"[!#$&',\-.0-9:;<=>?@A-\[\]^-z|}~/]+")
_ATOM = re.compile(rb"[!#$&'+,\-.0-9:;<=>?@A-\[^-z|}~/]+")
_ASTRING = re.compile(rb"[!#$&'+,\-.0-9:;<=>?@A-\[\]^-z|}~/]+")
_LIST_MAILBOX = re.compile(rb"[!#$%&'*+,\-.0-9:;<=>?@A-\[\]^-z|}~/]+")
_QUOTED = re.compile(rb'"((?:[^"\\\r\n\0]|\\["\\])*)"')
_ESCAPED = re.compile(rb"\\(.)")
_NUMBER = re.compile(rb"\d{1,20}")
_SET = re.compile(rb"[\d:,*]+")
_STORE_ITEM = re.compile(rb"[+-]?FLAGS(?:\.SILENT)?(?= )", re.IGNORECASE)
_FLAG = re.compile(rb"\\?[!#$&'+,\-.0-9:;<=>?@A-\[^-z|}~/]+")


class Scanner:
    """A place in a command; with `utf8`, the client spells names of folders so (names.decode)."""

    def __init__(self, parts: tuple[Part, ...], *, utf8: bool = False) -> None:
        self._utf8 = utf8
        self._texts = [part for part in parts if isinstance(part, bytes)]
        #: Each stands behind the text of the same index.
        self._literals = [part for part in parts if isinstance(part, Literal)]
        self._index = 0
        self._text = self._texts[0]
        self._position = 0

    # places

    def take(self, pattern: re.Pattern[bytes]) -> re.Match[bytes] | None:
        """What matches here, and step behind it."""
        match = pattern.match(self._text, self._position)
        if match:
            self._position = match.end()
        return match

    def skip(self, octets: bytes) -> bool:
        """Step behind these octets if they are here."""
        if not self._text.startswith(octets, self._position):
            return False
        self._position += len(octets)
        return True

    def expect(self, octets: bytes) -> None:
        if not self.skip(octets):
            raise ProtocolError(f"{octets.decode()!r} is missing." if octets.strip() else "A space is missing.")

    def space(self) -> None:
        self.expect(b" ")

    def end(self) -> None:
        """Nothing more may follow; trailing spaces are forgiven."""
        if self._text[self._position :].strip(b" ") or self._index < len(self._literals):
            raise ProtocolError("There is more than the command takes.")

    def rest(self, most: int) -> bytes | None:
        """Step behind all that follows, where that is no more octets than this, and no literal is among them."""
        if self._index < len(self._literals) or len(self._text) - self._position > most:
            return None
        rest, self._position = self._text[self._position :], len(self._text)
        return rest

    def at_any_of(self, octets: bytes) -> bool:
        """Whether one of these octets is here."""
        return self._text[self._position : self._position + 1] in [bytes([octet]) for octet in octets]

    @property
    def at_literal(self) -> bool:
        return self._position == len(self._text) and self._index < len(self._literals)

    def literal(self) -> Literal:
        if not self.at_literal:
            raise ProtocolError("A literal is needed.")
        literal = self._literals[self._index]
        self._index += 1
        self._text, self._position = self._texts[self._index], 0
        return literal

    # words

    def tag(self) -> bytes:
        return self._word(_TAG, "A tag")

    def atom(self) -> bytes:
        return self._word(_ATOM, "A word")

    def _word(self, pattern: re.Pattern[bytes], what: str) -> bytes:
        match = self.take(pattern)
        if not match:
            raise ProtocolError(f"{what} is needed.")
        return match[0]

    def string(self) -> bytes:
        """A quoted string or a literal."""
        if self.at_literal:
            literal = self.literal()
            octets = literal.octets
            if octets is None or literal.binary or b"\0" in octets:
                raise ProtocolError("The literal cannot stand here.")
            return octets
        match = self.take(_QUOTED)
        if not match:
            raise ProtocolError("A string is needed.")
        return _ESCAPED.sub(rb"\1", match[1]) if b"\\" in match[1] else match[1]

    def astring(self) -> bytes:
        match = self.take(_ASTRING)
        return match[0] if match else self.string()

    def nstring(self) -> bytes | None:
        if self._text[self._position : self._position + 3].upper() == b"NIL":
            self._position += 3
            return None
        return self.string()

    def nstring8(self) -> bytes | None:
        """The same, or ~{n}: any octets (RFC 5464 §5 value)."""
        if self.at_literal:
            literal = self.literal()
            if literal.octets is None or (b"\0" in literal.octets and not literal.binary):
                raise ProtocolError("The literal cannot stand here.")
            return literal.octets
        return self.nstring()

    def number(self, largest: int = LARGEST_MODSEQ) -> int:
        match = self.take(_NUMBER)
        if not match or int(match[0]) > largest:
            raise ProtocolError("A number is needed.")
        return int(match[0])

    def positive(self) -> int:
        """RFC 9051 §9 nz-number."""
        found = self.number(uidset.LARGEST)
        if not found:
            raise ProtocolError("A number that is not 0 is needed.")
        return found

    def number_set(self) -> NumberSet:
        """RFC 9051 §9 sequence-set, or "$" alone."""
        if self.skip(b"$"):
            return uidset.SAVED
        match = self.take(_SET)
        if not match:
            raise ProtocolError("A set of numbers is needed.")
        return uidset.parse(match[0])

    def mailbox(self) -> str:
        """A folder's name as the store spells it."""
        return names.decode(self.astring(), utf8=self._utf8)

    def list_mailbox(self) -> str:
        """A name that may hold wildcards."""
        match = self.take(_LIST_MAILBOX)
        return names.decode(match[0] if match else self.string(), utf8=self._utf8)

    def text(self) -> str:
        """A string of the client's in UTF-8, which is ASCII nearly always."""
        return _utf8(self.astring())

    def parenthesised(self, member: Callable[[], Item]) -> list[Item]:
        """( member SP member ... ), which may be empty."""
        self.expect(b"(")
        found: list[Item] = []
        while not self.skip(b")"):
            if found:
                self.space()
            if len(found) >= MEMBERS:
                raise ProtocolError("The list is too long.")
            found.append(member())
        return found

    def flag(self) -> bytes:
        return self._word(_FLAG, "A flag")

    def modseq(self) -> int:
        """RFC 7162 §7 mod-sequence-valzer: 63 bits."""
        return self.number(LARGEST_MODSEQ)

    def store_item(self) -> bytes:
        """RFC 9051 §9 store-att-flags."""
        return self._word(_STORE_ITEM, "FLAGS, +FLAGS or -FLAGS")

    def flag_list(self) -> Flags:
        """RFC 9051 §9 flag-list; STORE may also leave the parentheses out."""
        if self._text.startswith(b"(", self._position):
            return flags_of(self.parenthesised(self.flag))
        found = [self.flag()]
        while self.skip(b" "):
            found.append(self.flag())
        return flags_of(found)

    def date_time(self) -> datetime:
        """The moment of an APPEND."""
        match = self.take(_QUOTED)
        moment = dates.parse_imap_datetime(match[1]) if match else None
        if moment is None:
            raise ProtocolError('A date such as "17-Jul-1996 02:44:25 -0700" is needed.')
        return moment

    def date(self) -> date:
        """The day of a SEARCH, quoted or not."""
        quoted = self.skip(b'"')
        match = self.take(_ATOM)
        day = dates.parse_imap_date(match[0]) if match else None
        if day is None:
            raise ProtocolError("A date such as 17-Jul-1996 is needed.")
        if quoted:
            self.expect(b'"')
        return day


def flags_of(words: list[bytes]) -> Flags:
    """System flags as bits, the rest as keywords.

    Raises:
        ProtocolError: a flag that clients may not set, or too many keywords.
    """
    bits, keywords = 0, []
    for word in words:
        bit = flags.BITS.get(word.lower())
        if bit:
            bits |= bit
        elif word.startswith(b"\\"):
            # RFC 9051 §2.3.2: \Recent is the server's, and other system flags are not defined.
            if word.lower() != b"\\recent":
                raise ProtocolError(f"The flag {word.decode()} is not known.")
        elif len(word) > flags.KEYWORD_OCTETS:
            raise ProtocolError("The keyword is too long.")
        else:
            keywords.append(word.decode("ascii"))
    unique = tuple(dict.fromkeys(keywords))
    if len(unique) > flags.KEYWORDS:
        raise ProtocolError("These are too many keywords.")
    return Flags(bits, unique)


def _utf8(octets: bytes) -> str:
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ProtocolError("The string is not UTF-8.") from error
