"""The chain of a message: its ARC sets, read from the header, and how they must follow each other (RFC 8617 §5.2).

An ARC-Message-Signature is a DKIM signature with a number in the place of a version; an ARC-Seal signs the fields
of all sets so far. Both are relaxed where they do not say otherwise.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from mailservices.mail.dkim import signature, tags
from mailservices.mail.dkim.canonical import Fields
from mailservices.mail.dkim.signature import Signature
from mailservices.mail.errors import ProtocolError

#: RFC 8617 §4.2.1.
SETS: Final = 50
RESULTS: Final = b"arc-authentication-results"
MESSAGE_SIGNATURE: Final = b"arc-message-signature"
SEAL: Final = b"arc-seal"
_NAMES: Final = (RESULTS, MESSAGE_SIGNATURE, SEAL)
#: §4.1.1: an AAR begins with its number; the rest is as in Authentication-Results.
_AAR = re.compile(rb"[ \t\r\n]*i[ \t\r\n]*=[ \t\r\n]*([1-9][0-9]?)[ \t\r\n]*;")
_NUMBER = re.compile(r"[1-9][0-9]?")


class Broken(ProtocolError):
    """The chain is not one; the words say why."""


@dataclass(frozen=True, slots=True)
class ArcSet:
    """What one host added: its three fields as they were received, with names and line ends."""

    number: int
    results: bytes
    message_signature: bytes
    seal: bytes
    #: cv=: what this host had found of the chain before it.
    validation: str

    @property
    def findings(self) -> bytes:
        """The value of its AAR without the number: what authentication_results.parse reads."""
        value = self.results.partition(b":")[2]
        match = _AAR.match(value)
        return value[match.end() :] if match else b""

    def fields(self) -> tuple[bytes, bytes, bytes]:
        """In the order in which they are signed (§5.1.1)."""
        return self.results, self.message_signature, self.seal

    def read_message_signature(self) -> Signature:
        """Raises ProtocolError."""
        read = tags.parse(self.message_signature.partition(b":")[2])
        names = signature.signed_names(read["h"]) if "h" in read else None
        # §4.1.2: a seal must not be signed, for it is added later.
        if names is None or SEAL.decode() in names:
            raise ProtocolError("h= is not valid")
        header_form, body_form = signature.canonicalization(read, "relaxed/relaxed")
        signature.moment(read, "t")
        return Signature(
            algorithm=signature.algorithm(read),
            octets=signature.octets_of(read, "b"),
            domain=signature.domain_of(read),
            selector=signature.selector(read),
            header_form=header_form,
            body_form=body_form,
            body_hash=signature.body_hash(read),
            names=names,
            length=signature.moment(read, "l"),
            expires=signature.moment(read, "x"),
        )

    def read_seal(self) -> Signature:
        """Raises ProtocolError."""
        read = tags.parse(self.seal.partition(b":")[2])
        # §4.1.3: what it signs is not its choice.
        if "h" in read:
            raise ProtocolError("a seal has h=")
        signature.moment(read, "t")
        return Signature(
            algorithm=signature.algorithm(read),
            octets=signature.octets_of(read, "b"),
            domain=signature.domain_of(read),
            selector=signature.selector(read),
        )


def read(fields: Fields) -> tuple[ArcSet, ...]:
    """The sets in their order; none where there is no chain.

    Raises:
        Broken: a set is not whole, or numbers are missing.
    """
    found: dict[int, dict[bytes, bytes]] = {}
    for name in _NAMES:
        listed = fields.named(name)
        if len(listed) > SETS:
            raise Broken("there are too many sets")
        for octets in listed:
            one = found.setdefault(_number(name, octets), {})
            if one.setdefault(name, octets) is not octets:
                raise Broken("a number stands twice")
    if sorted(found) != list(range(1, len(found) + 1)) or any(len(one) < len(_NAMES) for one in found.values()):
        raise Broken("a set is not whole")
    return tuple(_sets(found))


def _sets(found: dict[int, dict[bytes, bytes]]) -> Iterator[ArcSet]:
    for number, one in sorted(found.items()):
        validation = tags.parse(one[SEAL].partition(b":")[2]).get("cv", "")
        yield ArcSet(number, one[RESULTS], one[MESSAGE_SIGNATURE], one[SEAL], validation)


def check(sets: tuple[ArcSet, ...]) -> None:
    """§5.2: every host but the first had found a chain, and that it held.

    Raises:
        Broken
    """
    if sets and sets[-1].validation == "fail":
        raise Broken("it was broken before it came here")
    if any(one.validation != ("none" if one.number == 1 else "pass") for one in sets):
        raise Broken("cv= is not valid")


def _number(name: bytes, octets: bytes) -> int:
    value = octets.partition(b":")[2]
    if name == RESULTS:
        match = _AAR.match(value)
        number = match[1].decode() if match else ""
    else:
        try:
            number = tags.parse(value).get("i", "")
        except ProtocolError as error:
            raise Broken("a field is not valid") from error
    if not _NUMBER.fullmatch(number) or int(number) > SETS:
        raise Broken("a number is missing")
    return int(number)


def highest(fields: Fields) -> tuple[int, str]:
    """The highest number of any field, and cv= of the highest seal, for a chain that may be broken."""
    most, sealed, validation = 0, 0, ""
    for name in _NAMES:
        for octets in fields.named(name)[: 2 * SETS]:
            try:
                number = _number(name, octets)
            except Broken:
                continue
            most = max(most, number)
            if name == SEAL and number > sealed:
                sealed, validation = number, tags.parse(octets.partition(b":")[2]).get("cv", "")
    return most, validation
