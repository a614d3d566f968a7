"""The parameters of MAIL and RCPT (RFC 5321 §4.1.2 and its extensions): text to an envelope.

Keywords are compared without regard to case; values are kept exactly as they came. A parameter of an extension
that was not offered is refused as unknown (RFC 5321 §4.1.1.11), a malformed or repeated one as a syntax error.
"""

import re
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Final

from mailservices.mail import codes
from mailservices.mail.codes import Reply
from mailservices.mail.envelope import DeliverBy, Envelope, Hold, Recipient
from mailservices.mail.errors import ProtocolError

#: RFC 3461 §4.4 and §4.2: octets of ENVID and ORCPT.
ENVID_OCTETS: Final = 100
ORCPT_OCTETS: Final = 500

_PARAMETER = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([^ =\x00-\x1f\x7f]+))?")
# RFC 3461 §4: xtext. "+" introduces two hexadecimal digits in capitals.
_XTEXT = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*")
_HEXCHAR = re.compile(r"\+([0-9A-F]{2})")
# RFC 2852 §4
_BY = re.compile(r"([+-]?[0-9]{1,9});([NR])(T?)", re.IGNORECASE | re.ASCII)
# RFC 4865 §3: what RFC 3339 calls Internet style, in UTC.
_UNTIL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?Z", re.ASCII)
_PRIORITY = re.compile(r"-?[0-9]", re.ASCII)
_NOTIFY = ("SUCCESS", "FAILURE", "DELAY")


class ParameterError(ProtocolError):
    """A parameter cannot be accepted; `reply` says how."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        super().__init__(reply.text)


def split(text: str) -> dict[str, str | None]:
    """`SIZE=1 SMTPUTF8` as {"SIZE": "1", "SMTPUTF8": None}.

    Raises:
        ParameterError: not the grammar, or a keyword twice.
    """
    found: dict[str, str | None] = {}
    for word in text.split(" "):
        if not word:
            continue
        match = _PARAMETER.fullmatch(word)
        if not match or match[1].upper() in found:
            raise ParameterError(codes.SYNTAX_ERROR)
        found[match[1].upper()] = match[2]
    return found


def decode_xtext(text: str) -> str:
    """RFC 3461 §4, once.

    Raises:
        ParameterError: not xtext, or not printable once decoded.
    """
    if not _XTEXT.fullmatch(text):
        raise ParameterError(codes.SYNTAX_ERROR)
    decoded = _HEXCHAR.sub(lambda match: chr(int(match[1], 16)), text)
    if not decoded.isascii() or not decoded.isprintable():
        raise ParameterError(codes.SYNTAX_ERROR)
    return decoded


def encode_xtext(text: str) -> str:
    """The other way round."""
    return "".join(c if "!" <= c <= "~" and c not in "+=" else f"+{ord(c):02X}" for c in text)


def read_mail(envelope: Envelope, text: str, offered: Collection[str]) -> None:
    """Put the parameters of MAIL into the envelope.

    Raises:
        ParameterError
    """
    for keyword, value in split(text).items():
        extension, reader = MAIL.get(keyword, ("", None))
        if reader is None or extension not in offered:
            raise ParameterError(codes.PARAMETER_UNKNOWN)
        reader(envelope, value)
    if envelope.binary and "BINARYMIME" not in offered:
        raise ParameterError(codes.PARAMETER_UNKNOWN)


def read_rcpt(recipient: Recipient, text: str, offered: Collection[str]) -> Recipient:
    """The recipient with what the parameters of RCPT say.

    Raises:
        ParameterError
    """
    notify, orcpt = recipient.notify, recipient.orcpt
    for keyword, value in split(text).items():
        if keyword not in ("NOTIFY", "ORCPT") or "DSN" not in offered:
            raise ParameterError(codes.PARAMETER_UNKNOWN)
        if keyword == "NOTIFY":
            notify = _notify(value or "")
        else:
            orcpt = _orcpt(value or "")
    return Recipient(recipient.address, notify, orcpt)


def _size(envelope: Envelope, value: str | None) -> None:
    """RFC 1870 §3: up to twenty digits."""
    if not value or not value.isascii() or not value.isdigit() or len(value) > 20:
        raise ParameterError(codes.SYNTAX_ERROR)
    envelope.size = int(value)


def _body(envelope: Envelope, value: str | None) -> None:
    """RFC 6152 §2, RFC 3030 §3."""
    if (value or "").upper() not in ("7BIT", "8BITMIME", "BINARYMIME"):
        raise ParameterError(codes.SYNTAX_ERROR)
    envelope.eightbit = (value or "").upper() != "7BIT"
    envelope.binary = (value or "").upper() == "BINARYMIME"


def _smtputf8(envelope: Envelope, value: str | None) -> None:
    """RFC 6531 §3.4: no value."""
    if value is not None:
        raise ParameterError(codes.SYNTAX_ERROR)
    envelope.smtputf8 = True


def _ret(envelope: Envelope, value: str | None) -> None:
    """RFC 3461 §4.3."""
    if (value or "").upper() not in ("FULL", "HDRS"):
        raise ParameterError(codes.SYNTAX_ERROR)
    envelope.ret = (value or "").upper()


def _envid(envelope: Envelope, value: str | None) -> None:
    """RFC 3461 §4.4."""
    if not value or len(value) > ENVID_OCTETS:
        raise ParameterError(codes.SYNTAX_ERROR)
    envelope.envid = decode_xtext(value)


def _require_tls(envelope: Envelope, value: str | None) -> None:
    """RFC 8689 §2: no value."""
    if value is not None:
        raise ParameterError(codes.SYNTAX_ERROR)
    envelope.require_tls = True


def _priority(envelope: Envelope, value: str | None) -> None:
    """RFC 6710 §7."""
    if not _PRIORITY.fullmatch(value or ""):
        raise ParameterError(codes.SYNTAX_ERROR)
    envelope.priority = int(value or "")


def _by(envelope: Envelope, value: str | None) -> None:
    """RFC 2852 §4: what is to be returned when its time is over cannot be late already."""
    match = _BY.fullmatch(value or "")
    if not match:
        raise ParameterError(codes.SYNTAX_ERROR)
    by = DeliverBy(int(match[1]), match[2].upper() == "R", bool(match[3]))
    if by.returned and by.seconds <= 0:
        raise ParameterError(codes.SYNTAX_ERROR)
    envelope.by = by


def _hold_for(envelope: Envelope, value: str | None) -> None:
    """RFC 4865 §3."""
    if not re.fullmatch("[1-9][0-9]{0,8}", value or "", re.ASCII):
        raise ParameterError(codes.SYNTAX_ERROR)
    _hold(envelope, Hold(seconds=int(value or "")))


def _hold_until(envelope: Envelope, value: str | None) -> None:
    """RFC 4865 §3."""
    if not _UNTIL.fullmatch(value or ""):
        raise ParameterError(codes.SYNTAX_ERROR)
    try:
        until = datetime.fromisoformat((value or "").removesuffix("Z")).replace(tzinfo=UTC)
    except ValueError as error:
        raise ParameterError(codes.SYNTAX_ERROR) from error
    _hold(envelope, Hold(until=until))


def _hold(envelope: Envelope, hold: Hold) -> None:
    """RFC 4865 §4.2: one of them."""
    if envelope.hold:
        raise ParameterError(codes.SYNTAX_ERROR)
    envelope.hold = hold


def _notify(value: str) -> tuple[str, ...]:
    """RFC 3461 §4.1: NEVER alone, or a list of the others."""
    words = tuple(value.upper().split(","))
    if words == ("NEVER",):
        return words
    if not all(word in _NOTIFY for word in words) or len(set(words)) != len(words):
        raise ParameterError(codes.SYNTAX_ERROR)
    return words


def _orcpt(value: str) -> str:
    """RFC 3461 §4.2: address type, semicolon, xtext."""
    kind, separator, address = value.partition(";")
    if not separator or not kind.isascii() or not kind.replace("-", "").isalnum() or not address:
        raise ParameterError(codes.SYNTAX_ERROR)
    if len(value) > ORCPT_OCTETS:
        raise ParameterError(codes.SYNTAX_ERROR)
    return f"{kind};{decode_xtext(address)}"


#: Keyword of MAIL: the extension that brings it, and its reader.
MAIL: Final[dict[str, tuple[str, Callable[[Envelope, str | None], None]]]] = {
    "SIZE": ("SIZE", _size),
    "BODY": ("8BITMIME", _body),
    "SMTPUTF8": ("SMTPUTF8", _smtputf8),
    "RET": ("DSN", _ret),
    "ENVID": ("DSN", _envid),
    "REQUIRETLS": ("REQUIRETLS", _require_tls),
    "MT-PRIORITY": ("MT-PRIORITY", _priority),
    "BY": ("DELIVERBY", _by),
    "HOLDFOR": ("FUTURERELEASE", _hold_for),
    "HOLDUNTIL": ("FUTURERELEASE", _hold_until),
}
