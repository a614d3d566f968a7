"""Three ways in which octets reach a reader: whole, octet by octet, and with the beginning of something behind."""

from collections.abc import Callable, Iterator
from typing import Any, Protocol, TypeAlias


class Reader(Protocol):
    """What all readers of protocols/ are."""

    def receive(self, octets: bytes) -> None: ...

    def next_event(self) -> Any: ...


Feed: TypeAlias = Callable[[Reader, bytes], Iterator[Any]]

#: A line that has not ended, and so is no event.
TAIL = b"TAIL"


def whole(reader: Reader, octets: bytes) -> Iterator[Any]:
    reader.receive(octets)
    while (event := reader.next_event()) is not None:
        yield event


def octet_by_octet(reader: Reader, octets: bytes) -> Iterator[Any]:
    for value in octets:
        yield from whole(reader, bytes([value]))


def with_a_tail(reader: Reader, octets: bytes) -> Iterator[Any]:
    return whole(reader, octets + TAIL)
