"""Packed reports: whole ones come out, bombs and damaged ones never do."""

import gzip
import io
import zipfile

import pytest

from mailservices.mail.errors import ProtocolError
from mailservices.mail.unpacking import pack, unpack


def zipped(*files: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, octets in files:
            archive.writestr(name, octets)
    return made.getvalue()


@pytest.mark.parametrize(
    "packed",
    [
        b"<feedback/>",
        gzip.compress(b"<feedback/>"),
        pack(b"<feedback/>"),
        zipped(("folder/", b""), ("folder/a.xml", b"<feedback/>"), ("b.xml", b"<other/>")),
        zipped(("a.xml", b"<feedback/>"), method=zipfile.ZIP_STORED),
    ],
)
def test_what_is_packed_comes_out(packed: bytes) -> None:
    assert unpack(packed) == b"<feedback/>"


def test_the_same_is_packed_the_same() -> None:
    assert pack(b"a") == pack(b"a") != pack(b"b")


@pytest.mark.parametrize(
    "packed",
    [b"x" * 101, gzip.compress(b"x" * 100_000), zipped(("a", b"x" * 100_000))],
    ids=["plain", "gzip", "zip"],
)
def test_a_bomb_does_not_go_off(packed: bytes) -> None:
    with pytest.raises(ProtocolError, match="Too much"):
        unpack(packed, 100)


def encrypted() -> bytes:
    octets = bytearray(zipped(("a", b"x")))
    central = octets.index(b"PK\x01\x02")
    octets[central + 8] |= 1
    return bytes(octets)


@pytest.mark.parametrize(
    "packed",
    [
        gzip.compress(b"x" * 1000)[:-9],
        b"\x1f\x8bnonsense",
        b"PK\x03\x04nonsense",
        zipped(("folder/", b"")),
        zipped(("a", b"x"), method=zipfile.ZIP_BZIP2),
        encrypted(),
        zipped(("a", b"x" * 50)).replace(b"x" * 3, b"y" * 3)[:60],
    ],
)
def test_what_is_damaged_is_refused(packed: bytes) -> None:
    with pytest.raises(ProtocolError):
        unpack(packed)
