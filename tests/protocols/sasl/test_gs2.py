"""GS2 headers and the names within."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailservices.mail.errors import ProtocolError
from mailservices.protocols.sasl.gs2 import Header, read_header, read_name


@pytest.mark.parametrize(
    ("message", "header"),
    [
        ("n,,rest", Header("n,,", None, could_bind=False, authorize_as="", rest="rest")),
        ("y,,", Header("y,,", None, could_bind=True, authorize_as="", rest="")),
        ("p=tls-unique,a=a=2Cb,r", Header("p=tls-unique,a=a=2Cb,", "tls-unique", False, "a,b", "r")),
    ],
)
def test_a_header(message: str, header: Header) -> None:
    assert read_header(message) == header


@pytest.mark.parametrize("message", ["", "n", "n,", "x,,", "p=,,", "n,b=c,", "n,a=x=y,", "F,n,,"])
def test_what_is_no_header(message: str) -> None:
    with pytest.raises(ProtocolError):
        read_header(message)


@given(st.text(min_size=1).filter(lambda name: "\0" not in name))
def test_a_name_comes_back(name: str) -> None:
    assert read_name(name.replace("=", "=3D").replace(",", "=2C")) == name


@pytest.mark.parametrize("name", ["", "a,b", "a=b", "a=2c", "a\0"])
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(ProtocolError):
        read_name(name)
