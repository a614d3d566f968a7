"""A signature's field: what it says, what makes it unreadable, and what no verifier may accept."""

import base64

import pytest

from mailservices.mail.dkim import signature
from mailservices.mail.dkim.canonical import Form
from mailservices.mail.dkim.signature import Algorithm, NotAccepted
from mailservices.mail.errors import ProtocolError

HASH = base64.b64encode(b"h" * 32).decode()
PLAIN = {"v": "1", "a": "rsa-sha256", "d": "a.test", "s": "one", "h": "From:To", "bh": HASH, "b": "c2ln"}


def field(**changes: str | None) -> bytes:
    return "; ".join(
        f"{name}={value}" for name, value in {**PLAIN, **changes}.items() if value is not None
    ).encode()


def test_a_plain_signature() -> None:
    read = signature.parse(field())
    assert read.algorithm is Algorithm.RSA
    assert (read.octets, read.b) == (b"sig", "c2ln")
    assert (read.header_form, read.body_form) == (Form.SIMPLE, Form.SIMPLE)
    assert read.names == ("from", "to")
    assert read.identity == "@a.test"
    assert read.key_name == "one._domainkey.a.test"
    assert (read.length, read.expires) == (None, None)


def test_a_full_signature() -> None:
    read = signature.parse(
        field(a="ed25519-sha256", c="relaxed", d="A.Test.", s="2026.One_two", i="joe=20x@Sub.A.test", l="12",
              t="1", x="2", q="other : dns/txt", z="From:x", h="from : From")
    )  # fmt: skip
    assert read.algorithm is Algorithm.ED25519
    assert (read.header_form, read.body_form) == (Form.RELAXED, Form.SIMPLE)
    assert read.identity == "joe=20x@sub.a.test"
    assert read.key_name == "2026.one_two._domainkey.a.test"
    assert (read.length, read.expires) == (12, 2)
    assert read.names == ("from", "from")


def test_names_may_be_in_any_script() -> None:
    read = signature.parse(field(d="bücher.test", i="@bücher.test", s="schlüssel"))
    assert read.domain == "xn--bcher-kva.test"
    assert read.identity == "@xn--bcher-kva.test"
    assert read.selector == "xn--schlssel-95a"


@pytest.mark.parametrize(
    "changes",
    [
        {"v": None}, {"v": "2"}, {"a": None}, {"a": "rsa-sha512"}, {"a": "RSA-SHA256"}, {"d": None},
        {"d": "[192.0.2.1]"}, {"d": "a b"}, {"s": None}, {"s": "a..b"}, {"s": "[192.0.2.1]"},
        {"s": "x." * 100 + "y"}, {"h": None}, {"bh": None}, {"bh": "c2ln"}, {"bh": "*"}, {"b": None}, {"b": ""},
        {"b": "***"}, {"c": ""}, {"c": "loose"}, {"c": "simple/nowsp"}, {"t": ""}, {"t": "soon"},
        {"t": "5", "x": "5"}, {"x": "-1"}, {"l": "1.5"}, {"l": "1" * 13}, {"q": "http"}, {"i": "joe"},
        {"i": "joe@"}, {"h": ":".join(["from"] * (signature.NAMES + 1))},
    ],
)  # fmt: skip
def test_what_cannot_be_read(changes: dict[str, str | None]) -> None:
    with pytest.raises(ProtocolError) as caught:
        signature.parse(field(**changes))
    assert not isinstance(caught.value, NotAccepted)


@pytest.mark.parametrize(
    "changes", [{"a": "rsa-sha1"}, {"h": "To:Subject"}, {"i": "joe@b.test"}, {"i": "joe@xa.test"}, {"i": "x@test"}]
)
def test_what_is_not_accepted(changes: dict[str, str | None]) -> None:
    with pytest.raises(NotAccepted):
        signature.parse(field(**changes))
