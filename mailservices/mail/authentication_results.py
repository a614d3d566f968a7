"""Authentication-Results (RFC 8601): written from findings, read back, and forged ones told from our own.

Ours is written anew for each message that comes in, above everything else; it is the only one that anybody may
trust. Whoever sends us a field under our own name means to be trusted for it: `without_forged` takes such fields
away before the message is stored, as RFC 8601 §5 demands. It is the one change that we make to what was received.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from mailservices.mail import headers
from mailservices.mail.errors import ProtocolError
from mailservices.mail.findings import Finding, Result

NAME: Final = b"authentication-results"
#: Results of one field that are read, properties of one result, and octets of a value that are written.
RESULTS: Final = 100
PROPERTIES: Final = 20
VALUE_CHARACTERS: Final = 320
FIELD_OCTETS: Final = 64 * 1024
COMMENT_DEPTH: Final = 20

#: RFC 5322 §2.1.1.
_LINE: Final = 78
#: RFC 2045 §5.1: what needs no quotes. RFC 8601 §2.2: nor does an address or a domain.
_TOKEN = r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]+"  # noqa: S105 - a grammar
_PLAIN = re.compile(rf"{_TOKEN}|(?:{_TOKEN})?@[A-Za-z0-9.-]+")
_UNSAFE = re.compile(r"[^ -~]")
# Possessive, so that no nonsense takes more than linear time; a string that is not closed goes on to the end.
_QUOTED = r'"(?>[^"\\]|\\(?s:.))*+"?+'
_PAIR = re.compile(r"\\(.)", re.DOTALL)
_OUTSIDE = re.compile(rf'{_QUOTED}|\(|[^("]+|.', re.DOTALL)
_IN_COMMENT = re.compile(r"[^()\\]+|\\?.", re.DOTALL)
_SEGMENT = re.compile(rf'(?>{_QUOTED}|[^";]+)*+')
_SERVER = re.compile(rf"\s*({_QUOTED}|[^\s\"]+)(?:\s+[0-9]+)?\s*")
_METHOD = re.compile(r"\s*([A-Za-z0-9-]+)\s*(?:/\s*[0-9]+\s*)?=\s*([A-Za-z0-9-]+)(?=\s|\Z)")
_VALUE = rf'((?>{_QUOTED}|[^\s"]+)++)'
_REASON = re.compile(rf"\s+reason\s*=\s*{_VALUE}(?=\s|\Z)", re.IGNORECASE)
_PROPERTY = re.compile(rf"\s+([A-Za-z0-9-]+)\s*\.\s*([A-Za-z0-9_-]+)\s*=\s*{_VALUE}(?=\s|\Z)")


@dataclass(frozen=True, slots=True)
class AuthenticationResults:
    """One field: who says so, and what."""

    authserv_id: str
    findings: tuple[Finding, ...]


def field(authserv_id: str, findings: Iterable[Finding]) -> bytes:
    """The field to prepend, folded."""
    return f"Authentication-Results: {text(authserv_id, findings)}\r\n".encode()


def text(authserv_id: str, findings: Iterable[Finding]) -> str:
    """Its value (RFC 8601 §2.2), which an ARC-Authentication-Results holds too."""
    parts = [_lines(finding) for finding in findings] or ["none"]
    return ";\r\n\t".join([_value(authserv_id), *parts])


def _lines(finding: Finding) -> str:
    """One result; lines are broken between its words only."""
    words = [f"{finding.method}={finding.result}"]
    if finding.reason:
        words.append(f"reason={_quoted(finding.reason)}")
    words += [f"{name}={_value(value)}" for name, value in finding.properties]
    lines, line = [], ""
    for word in words:
        if line and len(line) + 1 + len(word) + 2 > _LINE:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return "\r\n\t ".join([*lines, line])


def _value(value: str) -> str:
    return value if len(value) <= VALUE_CHARACTERS and _PLAIN.fullmatch(value) else _quoted(value)


def _quoted(value: str) -> str:
    """Strangers choose values: nothing of them may end the string, the result or the line."""
    safe = _UNSAFE.sub("?", value[:VALUE_CHARACTERS])
    return '"' + safe.replace("\\", "\\\\").replace('"', '\\"') + '"'


def parse(value: bytes) -> AuthenticationResults:
    """The value of a field. Results of an unknown kind are passed over (RFC 8601 §2.6).

    Raises:
        ProtocolError
    """
    if len(value) > FIELD_OCTETS:
        raise ProtocolError("The results are too long.")
    segments = _segments(_without_comments(value.decode("utf-8", "replace")))
    server = _SERVER.fullmatch(next(segments, ""))
    if server is None:
        raise ProtocolError("The results name nobody.")
    findings: list[Finding] = []
    for segment in segments:
        if segment.strip() in ("", "none"):
            continue
        if len(findings) == RESULTS:
            raise ProtocolError("There are too many results.")
        if (finding := _finding(segment)) is not None:
            findings.append(finding)
    return AuthenticationResults(_unquoted(server[1]), tuple(findings))


def _without_comments(value: str) -> str:
    """RFC 5322 §3.2.2: a comment is a space."""
    found: list[str] = []
    depth = position = 0
    while (match := (_IN_COMMENT if depth else _OUTSIDE).match(value, position)) is not None:
        part, position = match[0], match.end()
        if part == "(":
            depth += 1
        elif depth and part == ")":
            depth -= 1
            found.append(" " * (not depth))
        elif not depth:
            found.append(part)
        if depth > COMMENT_DEPTH:
            raise ProtocolError("The comments are too deep.")
    return "".join(found)


def _segments(value: str) -> Iterator[str]:
    """What stands between semicolons outside of quotes."""
    position = 0
    while position <= len(value):
        match = _SEGMENT.match(value, position)
        end = match.end() if match else position
        yield value[position:end]
        position = end + 1


def _finding(segment: str) -> Finding | None:
    """One result; None where its word is none that we know."""
    match = _METHOD.match(segment)
    if match is None:
        raise ProtocolError("A result is not valid.")
    method, word = match[1].lower(), match[2].lower()
    reason, properties = "", []
    position = match.end()
    if (said := _REASON.match(segment, position)) is not None:
        reason, position = _unquoted(said[1]), said.end()
    while (found := _PROPERTY.match(segment, position)) is not None:
        properties.append((f"{found[1]}.{found[2]}".lower(), _unquoted(found[3])))
        position = found.end()
    if segment[position:].strip() or len(properties) > PROPERTIES:
        raise ProtocolError("A property is not valid.")
    if word not in set(Result):
        return None
    return Finding(method, Result(word), reason, tuple(properties))


def _unquoted(value: str) -> str:
    return _PAIR.sub(r"\1", value[1:-1]) if value.startswith('"') and value.endswith('"') else value


def without_forged(header: bytes, authserv_id: str) -> bytes:
    """The header without fields that claim to be ours: a message from outside has none (RFC 8601 §5)."""
    if NAME not in header.lower():
        return header

    def ours(name: bytes, octets: bytes) -> bool:
        return name == NAME and _claims(octets.partition(b":")[2], authserv_id)

    return headers.without(header, ours)


def _claims(value: bytes, authserv_id: str) -> bool:
    """Whether a reader could take it for ours, though it be broken further on."""
    try:
        first = next(_segments(_without_comments(value.decode("utf-8", "replace"))), "")
    except ProtocolError:
        return True
    server = _SERVER.match(first)
    return server is not None and _unquoted(server[1]).lower() == authserv_id.lower()
