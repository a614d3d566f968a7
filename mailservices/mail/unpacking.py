"""What came packed, by gzip or zip, as reports do: unpacked in memory, never beyond a number of octets."""

import io
import zipfile
import zlib
from typing import Final

from mailservices.mail.errors import ProtocolError

#: Octets of what comes out, and files of one archive that are looked at.
UNPACKED: Final = 32 * 2**20
FILES: Final = 100
_GZIP: Final = b"\x1f\x8b"
_ZIP: Final = b"PK\x03\x04"
#: RFC 1952, for zlib.
_WINDOW: Final = 31
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def unpack(octets: bytes, limit: int = UNPACKED) -> bytes:
    """The octets in it: of an archive those of its first file; what is not packed, as it is.

    Raises:
        ProtocolError: it is damaged, or too much would come out.
    """
    if octets.startswith(_GZIP):
        found = _gunzip(octets, limit)
    elif octets.startswith(_ZIP):
        found = _unzip(octets, limit)
    else:
        found = octets
    if len(found) > limit:
        raise ProtocolError("Too much is packed in it")
    return found


def pack(octets: bytes) -> bytes:
    """By gzip, without a time: the same comes out of the same."""
    packer = zlib.compressobj(9, zlib.DEFLATED, _WINDOW)
    return packer.compress(octets) + packer.flush()


def _gunzip(octets: bytes, limit: int) -> bytes:
    unpacker = zlib.decompressobj(_WINDOW)
    try:
        found = unpacker.decompress(octets, limit + 1)
    except zlib.error as error:
        raise ProtocolError(f"It is damaged: {error}") from error
    if not unpacker.eof and len(found) <= limit:
        raise ProtocolError("It is not whole")
    return found


def _unzip(octets: bytes, limit: int) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(octets)) as archive:
            files = [one for one in archive.infolist()[:FILES] if not one.is_dir()]
            # RFC 1951 and none: other methods are hardly used, and code that strangers need not reach.
            if not files or files[0].flag_bits & 1 or files[0].compress_type not in _METHODS:
                raise ProtocolError("Nothing in it can be read")
            with archive.open(files[0]) as file:
                return file.read(limit + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError) as error:
        raise ProtocolError(f"It is damaged: {error}") from error
