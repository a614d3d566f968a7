"""Content-Transfer-Encoding undone (RFC 2045 §6), piece by piece, so that no part is in memory as a whole.

Strangers choose the encodings: what cannot be decoded is left out or stands as it is, and nothing here raises.
"""

import binascii
import re
from collections.abc import Iterable, Iterator
from typing import Final

_NOT_BASE64: Final = re.compile(rb"[^A-Za-z0-9+/]+")
#: The beginning of what quoted-printable writes with three octets, or of a soft line break.
_UNFINISHED: Final = re.compile(rb"=[0-9A-Fa-f\r]?\Z")
_KNOWN: Final = frozenset({b"", b"7bit", b"8bit", b"binary", b"base64", b"quoted-printable"})


def is_known(encoding: bytes) -> bool:
    """Whether octets in this encoding (`Part.encoding`) can be decoded at all (RFC 3516 §4.3 UNKNOWN-CTE)."""
    return encoding in _KNOWN


def undone(pieces: Iterable[bytes], encoding: bytes) -> Iterator[bytes]:
    """What these octets say; as they stand where the encoding is not known."""
    match encoding:
        case b"base64":
            return _from_base64(pieces)
        case b"quoted-printable":
            return _from_quoted_printable(pieces)
        case _:
            return iter(pieces)


def _from_base64(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Whatever stands between the letters is passed over (RFC 2045 §6.8), padding too."""
    kept = b""
    for piece in pieces:
        kept += _NOT_BASE64.sub(b"", piece)
        whole = len(kept) // 4 * 4
        yield binascii.a2b_base64(kept[:whole])
        kept = kept[whole:]
    if len(kept) > 1:
        yield binascii.a2b_base64(kept + b"=" * (4 - len(kept)))


def _from_quoted_printable(pieces: Iterable[bytes]) -> Iterator[bytes]:
    kept = b""
    for piece in pieces:
        kept += piece
        unfinished = _UNFINISHED.search(kept)
        end = unfinished.start() if unfinished else len(kept)
        yield binascii.a2b_qp(kept[:end])
        kept = kept[end:]
    yield binascii.a2b_qp(kept)
