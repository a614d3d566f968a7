"""A message as it is stored once its text has been opened: the header that came, over what was inside.

Of protected fields (RFC 9788) those are taken that stood outside only hidden, or not at all. Who wrote it is said
by the outer header alone: that was checked when the message came in, what is inside was not.
"""

import re
from typing import Final

from mailservices.mail import headers, mime, privacy
from mailservices.mail.privacy import PrivacyError

#: Fields of which a cautious writer shows a stand-in outside (RFC 9788 §3.2.1).
_HIDDEN: Final = frozenset({b"subject"})
#: Never believed from inside.
_OUTSIDE: Final = privacy.TRACE | {b"from", b"sender", b"hp-outer", b"bcc"}
_BARE: Final = re.compile(rb"(?<!\r)\n")


def readable(header: bytes, payload: bytes) -> tuple[bytes, bytes]:
    """Header and body.

    Args:
        payload: what was encrypted: a MIME entity, or, where the armour was the message's text, a text.

    Raises:
        PrivacyError: no message may hold it.
    """
    if b"\0" in payload:
        raise PrivacyError("what was encrypted holds octets that no message may hold")
    payload = _BARE.sub(b"\r\n", payload)
    message = mime.scan(header, b"")
    outer = privacy.outer_of_signed(header)
    if message.type.type == b"text":
        # RFC 9580 §6: PGP in the text itself has no header; its text is UTF-8 unless it says otherwise.
        fields = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"
        return outer + b"MIME-Version: 1.0\r\n" + fields + b"\r\n", payload
    inner, body = headers.split(payload)
    structural = b"".join(field for name, field in headers.whole_fields(inner) if name.startswith(b"content-"))
    return _with_protected(outer, inner) + b"MIME-Version: 1.0\r\n" + structural + b"\r\n", body


def _with_protected(outer: bytes, inner: bytes) -> bytes:
    """The outer fields, and of the protected ones those that say more."""
    kind = mime.scan(inner, b"").type
    if kind.parameter(b"hp") != b"cipher" and kind.parameter(b"protected-headers") is None:
        return outer
    there = {name for name, _ in headers.fields(outer)} - _HIDDEN
    told = [
        (name, field)
        for name, field in headers.whole_fields(inner)
        if name not in there and name not in _OUTSIDE and not privacy.is_structural(name)
    ]
    replaced = {name for name, _ in told} & _HIDDEN
    return headers.without(outer, lambda name, _: name in replaced) + b"".join(field for _, field in told)
