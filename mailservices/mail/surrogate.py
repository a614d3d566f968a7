"""Headers for programs that know nothing of UTF-8 in them (RFC 6858): what says most, in ASCII, the rest left out.

Only for showing: what is kept stays as it was received. Bodies are left alone.
"""

import base64
import re
from typing import Final

from mailservices.mail import addresses, headers, text
from mailservices.mail.addresses import Listed

#: RFC 6858 §2.1.
ADDRESS_FIELDS: Final = frozenset(
    b"bcc cc from reply-to resent-bcc resent-cc resent-from resent-sender resent-to return-path sender to".split()
)
#: RFC 6858 §2.1: nobody's, as RFC 2606 §2 promises.
INVALID: Final = b"<invalid@internationalized-address.invalid>"
#: RFC 2047 §2: an encoded word has 75 characters at most, which is so many octets of UTF-8.
WORD_OCTETS: Final = 45
_PARAMETER: Final = re.compile(rb';(?:[^;"]|"(?:\\.|[^"\\])*"?)*', re.DOTALL)


def header(octets: bytes) -> bytes:
    """A header with its empty line, in ASCII."""
    if octets.isascii():
        return octets
    return b"".join(_field(name, whole) for name, whole in headers.whole_fields(octets)) + b"\r\n"


def _field(name: bytes, whole: bytes) -> bytes:
    if whole.isascii():
        return whole if whole.endswith(b"\n") else whole + b"\r\n"
    written, _, value = whole.partition(b":")
    if name in ADDRESS_FIELDS:
        shown = _addresses(addresses.parse(headers.unfold(value)))
    elif name == b"subject":
        shown = _encoded(text.decode_field(value))
    elif name in (b"content-type", b"content-disposition"):
        shown = _without_parameters(headers.unfold(value))
    else:
        shown = b""
    return written + b": " + shown + b"\r\n" if shown and written.isascii() else b""


def _addresses(listed: list[Listed]) -> bytes:
    """RFC 5322 §3.4, one on each line."""
    shown, between = b"", b""
    for one in listed:
        if one == addresses.GROUP_END:
            shown, between = shown + b";", b",\r\n "
        elif one.host is None:
            shown, between = shown + between + _phrase(one.mailbox or b"") + b":", b" "
        else:
            shown, between = shown + between + _address(one), b",\r\n "
    return shown


def _address(one: Listed) -> bytes:
    mailbox, host = one.mailbox or b"", one.host or b""
    if not (mailbox + host).isascii():
        return _phrase(mailbox + b"@" + host) + b" " + INVALID
    local = mailbox if re.fullmatch(rb"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+", mailbox) else _quoted(mailbox)
    return (_phrase(one.name) + b" " if one.name else b"") + b"<" + local + b"@" + host + b">"


def _phrase(octets: bytes) -> bytes:
    return _quoted(octets) if octets.isascii() else _encoded(text.decode_field(octets))


def _quoted(octets: bytes) -> bytes:
    return b'"' + re.sub(rb'(["\\])', rb"\\\1", octets) + b'"'


def _encoded(shown: str) -> bytes:
    """RFC 2047 §2: as many encoded words as it takes, none of them with a part of a character."""
    words, word = [], b""
    for character in shown:
        octets = character.encode("utf-8", "replace")
        if len(word) + len(octets) > WORD_OCTETS:
            words.append(word)
            word = b""
        word += octets
    words.append(word)
    return b"\r\n ".join(b"=?utf-8?b?" + base64.b64encode(one) + b"?=" for one in words)


def _without_parameters(value: bytes) -> bytes:
    """RFC 6858 §2.2: a parameter that is not ASCII is left out."""
    first = value.partition(b";")[0]
    kept = [one for one in _PARAMETER.findall(value) if one.isascii()]
    return first.strip() + b"".join(kept) if first.isascii() else b""
