"""Transfer encodings undone, however the octets are cut (RFC 2045 §6)."""

import base64
import quopri

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailservices.mail import transfer


def cut(octets: bytes, size: int) -> list[bytes]:
    return [octets[start : start + size] for start in range(0, len(octets), size)]


def plain(octets: bytes, encoding: bytes, size: int = 1000) -> bytes:
    return b"".join(transfer.undone(cut(octets, size), encoding))


@given(st.binary(max_size=200), st.integers(1, 20))
def test_base64_comes_back(octets: bytes, size: int) -> None:
    assert plain(base64.encodebytes(octets), b"base64", size) == octets


@given(st.binary(max_size=200), st.integers(1, 20))
def test_quoted_printable_comes_back(octets: bytes, size: int) -> None:
    encoded = quopri.encodestring(octets).replace(b"\n", b"\r\n")
    assert plain(encoded, b"quoted-printable", size) == plain(encoded, b"quoted-printable")
    text = octets.replace(b"\r", b"").replace(b"\n", b"")
    assert plain(quopri.encodestring(text), b"quoted-printable", size) == text


@pytest.mark.parametrize("encoding", [b"", b"7bit", b"8bit", b"binary", b"x-uuencode"])
def test_what_is_not_encoded_stands_as_it_is(encoding: bytes) -> None:
    assert plain(b"=41 QQ==", encoding, 3) == b"=41 QQ=="
    assert transfer.is_known(encoding) == (encoding != b"x-uuencode")


@pytest.mark.parametrize(
    ("octets", "text"),
    [(b"", b""), (b"Q", b""), (b"QQ", b"A"), (b"Q!Q\r\n=", b"A"), (b"QUI", b"AB"), (b"QUJD", b"ABC")],
)
def test_base64_that_is_broken(octets: bytes, text: bytes) -> None:
    assert plain(octets, b"base64") == text


@pytest.mark.parametrize(
    ("octets", "text"), [(b"a=", b"a"), (b"a=\r\nb", b"ab"), (b"=4", b"=4"), (b"=ZZ", b"=ZZ")]
)
def test_quoted_printable_that_is_broken(octets: bytes, text: bytes) -> None:
    assert plain(octets, b"quoted-printable") == text
    assert transfer.is_known(b"quoted-printable")
