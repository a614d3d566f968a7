"""What SEARCH looks for words in: a message's fields and its text, decoded and mapped (RFC 5255 §4.4).

The same for a message that is looked through now and for one that the index has read before.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from mailservices.mail import text
from mailservices.mail.collation import casemap
from mailservices.mail.headers import Octets
from mailservices.mail.mime import Part

#: Stands between fields and between parts, so that nothing is found across: a character that no text has.
BETWEEN: Final = "\uffff"
#: Characters of the text that are kept; of longer ones the index knows only a part.
CHARACTERS: Final = 2**20
#: Words of one fuzzy key.
WORDS: Final = 16
#: Whatever is neither space nor a mark: letters may be followed by accents of their own.
_WORD: Final = re.compile(r"[^\s\x00-/:-@\[-^`{-\xbf\u2000-\u206f\u3000-\u303f\ufffd]+")
#: PostgreSQL keeps neither NUL nor halves of characters.
_UNFIT: Final = re.compile("[\0\uffff\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Wording:
    """Of one message. `header` has each field as `NAME: value`, BETWEEN before and after: the message's own, then
    those of its parts, with a space before their names.
    """

    header: str
    body: str
    #: Nothing was left out.
    whole: bool = True

    def has(self, words: str) -> bool:
        """In the header or the text."""
        return words in self.header or words in self.body

    def body_has(self, words: str) -> bool:
        return words in self.body

    def field_has(self, name: str, words: str) -> bool:
        """Some field of this name."""
        begin = f"{BETWEEN}{name}: "
        start = self.header.find(begin)
        while start >= 0:
            end = self.header.index(BETWEEN, start + 1)
            if self.header.find(words, start + len(begin), end) >= 0:
                return True
            start = self.header.find(begin, end)
        return False


def words(text: str) -> tuple[str, ...]:
    """What is compared of a text that need only be like another (RFC 6203): each word once, WORDS at most."""
    return tuple(dict.fromkeys(_WORD.findall(spelled(text))))[:WORDS]


def spelled(words: str) -> str:
    """Words as they are compared; what no text has stays what no text has."""
    return _UNFIT.sub("\ufffd", casemap(words))


def read(head: bytes, tree: Part | None, body: Octets, most: int | None = None) -> Wording:
    """The wording of a message; without a tree, of its header alone.

    Args:
        most: characters of its parts; the rest is left out.
    """
    fields = [_field(name, value) for name, value in text.header_texts(head)]
    said: list[str] = []
    left, whole = sys.maxsize if most is None else most, True
    for texts, one in _parts(tree, body, fields, said) if tree is not None else ():
        whole = len(one) <= left
        texts.append(one[:left])
        if not whole:
            break
        left = max(0, left - len(one) - 1)
    return Wording(BETWEEN + "".join(one + BETWEEN for one in fields), BETWEEN.join(said), whole)


def _parts(tree: Part, body: Octets, fields: list[str], said: list[str]) -> Iterator[tuple[list[str], str]]:
    """What the parts say, each with where it belongs."""
    for name, value in text.part_fields(tree, body):
        # TEXT finds it, BODY does not, and HEADER is for the message's own (RFC 9051 §6.4.4): nobody asks for a
        # name with a space before it.
        yield fields, " " + _field(name, value)
    for one in text.body_texts(tree, body):
        yield said, spelled(one)


def _field(name: str, value: str) -> str:
    return f"{spelled(name)}: {spelled(value)}"
