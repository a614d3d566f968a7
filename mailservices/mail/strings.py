"""Strings as IMAP writes them (RFC 9051 §4.3): the store keeps ENVELOPE and BODYSTRUCTURE ready to send."""

import re

#: What needs a literal: octets beyond ASCII, line ends and NUL.
_NEEDS_LITERAL = re.compile(rb"[\r\n\0\x80-\xff]")


def quoted(octets: bytes) -> bytes:
    """A string: quoted where it can be, else a literal."""
    if _NEEDS_LITERAL.search(octets):
        return b"{%d}\r\n" % len(octets) + octets
    if b"\\" in octets or b'"' in octets:
        octets = octets.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    return b'"' + octets + b'"'


def nstring(octets: bytes | None) -> bytes:
    """A string, or NIL where there is none."""
    return b"NIL" if octets is None else quoted(octets)
