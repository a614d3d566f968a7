"""Tag lists: strict as RFC 6376 §3.2, and never a surprise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailservices.mail.dkim import tags
from mailservices.mail.errors import ProtocolError


@pytest.mark.parametrize(
    ("octets", "read"),
    [
        (b"v=1; a=rsa-sha256", {"v": "1", "a": "rsa-sha256"}),
        (b" v =\r\n\t1 ;a= x y ;", {"v": "1", "a": "x y"}),
        (b"p=", {"p": ""}),
        (b"b=AB\r\n CD==;\r\n", {"b": "AB\r\n CD=="}),
        (b"A=1; a=2", {"A": "1", "a": "2"}),
        (b"a_1=x", {"a_1": "x"}),
        ("d=bücher.test".encode(), {"d": "bücher.test"}),
        (b"", {}),
        (b" ", {}),
    ],
)
def test_a_list_is_read(octets: bytes, read: dict[str, str]) -> None:
    assert tags.parse(octets) == read


@pytest.mark.parametrize(
    "octets",
    [
        b"v=1;; a=2", b";v=1", b"v", b"=1", b"1v=1", b"v w=1", b"v=1; v=1", b"v=a\0b", b"v=\x7f", b"v=\xff",
        b"-a=1", b"a=1; " * (tags.TAGS + 1), b"a=" + b"x" * tags.LIST_OCTETS, b"v=a\x0bb",
    ],
)  # fmt: skip
def test_what_is_not_a_list_is_refused(octets: bytes) -> None:
    with pytest.raises(ProtocolError):
        tags.parse(octets)


@given(
    st.dictionaries(
        st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,5}", fullmatch=True),
        st.from_regex(r"[!-:<-~]{0,9}", fullmatch=True),
        max_size=9,
    )
)
def test_what_is_written_is_read(written: dict[str, str]) -> None:
    assert tags.parse("; ".join(f"{name}={value}" for name, value in written.items()).encode()) == written


def test_base64_may_be_folded_and_must_be_right() -> None:
    assert tags.decode_base64("aGVs\r\n\tbG8 =") == b"hello"
    for wrong in ("aGVsbG8", "aGVs*bG8=", "ä", "=", "aGVsbG8=x"):
        with pytest.raises(ProtocolError):
            tags.decode_base64(wrong)


def test_a_list_with_colons() -> None:
    assert tags.split("from : to:\r\n subject") == ("from", "to", "subject")
    assert tags.split("") == ("",)
