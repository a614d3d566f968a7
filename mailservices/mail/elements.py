"""XML of strangers: elements and their text, nothing else. No document type, so no entities; all of it bounded."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

from mailservices.mail.errors import ProtocolError

#: Elements of one document, how deep they may lie, and characters of one element's text that are kept.
ELEMENTS: Final = 500_000
DEPTH: Final = 20
TEXT: Final = 1000


@dataclass(slots=True)
class Element:
    """One element. Attributes and namespaces are passed over."""

    name: str
    text: str = ""
    children: list["Element"] = field(default_factory=list)

    def all(self, name: str) -> Iterator["Element"]:
        """Its children of this name."""
        return (one for one in self.children if one.name == name)

    def first(self, *path: str) -> "Element":
        """What the first children of these names lead to; an empty element where they lead nowhere."""
        found = self
        for name in path:
            found = next(found.all(name), Element(name))
        return found

    def value(self, *path: str) -> str:
        """The text there, without the space around it."""
        return self.first(*path).text.strip()


def parse(octets: bytes) -> Element:
    """The document's element. It is read as UTF-8, whatever it says of itself.

    Raises:
        ProtocolError: it is no XML, or none that we read.
    """
    reader = _Reader()
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = reader.doctype
    try:
        parser.Parse(octets.decode("utf-8", "replace").encode(), True)
    except expat.ExpatError as error:
        raise ProtocolError(f"That is no XML: {error}") from error
    return reader.top.children[0]


class _Reader:
    def __init__(self) -> None:
        self.top = Element("")
        self._open = [self.top]
        self._count = 0

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > ELEMENTS or len(self._open) > DEPTH:
            raise ProtocolError("It has too many elements, or they lie too deep")
        element = Element(name.rpartition(":")[2])
        self._open[-1].children.append(element)
        self._open.append(element)

    def end(self, _name: str) -> None:
        self._open.pop()

    def text(self, text: str) -> None:
        element = self._open[-1]
        element.text = (element.text + text)[:TEXT]

    def doctype(self, *_: object) -> None:
        raise ProtocolError("A document type is not read: it may hold entities without end")
