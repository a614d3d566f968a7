"""Compression of a connection (RFC 4978)."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailservices.net.deflate import Damaged, Deflate


def other_side() -> "zlib._Compress":
    return zlib.compressobj(wbits=-15)


@given(st.lists(st.binary(max_size=300)))
def test_what_goes_out_can_be_read_at_once(pieces: list[bytes]) -> None:
    ours, unpacker = Deflate(), zlib.decompressobj(-15)
    assert [unpacker.decompress(ours.packed(piece)) for piece in pieces] == pieces


@given(st.binary(max_size=2000), st.integers(1, 50), st.integers(1, 50))
def test_what_comes_is_read_however_it_is_cut(data: bytes, cut: int, most: int) -> None:
    packer, ours, read = other_side(), Deflate(), b""
    packed = packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH)
    for start in range(0, len(packed), cut):
        ours.receive(packed[start : start + cut])
        while octets := ours.unpacked(most):
            assert len(octets) <= most
            read += octets
    assert read == data


def test_little_that_stands_for_much_is_unpacked_as_it_is_asked_for() -> None:
    packer, ours = other_side(), Deflate()
    ours.receive(packer.compress(bytes(50 * 2**20)) + packer.flush(zlib.Z_SYNC_FLUSH))
    assert ours.unpacked(1000) == bytes(1000)
    assert len(ours._received) < 100_000


@pytest.mark.parametrize("end", [b"\xff\xff\xff\xff", b""])
def test_what_is_damaged_or_ends_is_told(end: bytes) -> None:
    ours = Deflate()
    ours.receive(end or zlib.compressobj(wbits=-15).flush())
    with pytest.raises(Damaged):
        ours.unpacked(100)
