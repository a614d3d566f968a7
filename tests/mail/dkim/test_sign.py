"""Signing: what is signed, how the field is folded, and that dkimpy agrees."""

import re

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from mailservices.mail import headers
from mailservices.mail.dkim import sign, tags
from mailservices.mail.dkim.canonical import Covered, Fields, Form
from mailservices.mail.dkim.sign import Signer
from mailservices.mail.dkim.signature import NAMES
from mailservices.mail.dkim.verify import Verifier
from mailservices.mail.findings import Result
from tests.mail.dkim.keys import digest_of, ed25519, published, rsa, run

NOW = 1_600_000_000
HEADER = (
    b"Received: from x by y; z\r\nFrom: a@a.test\r\nSubject: Hi\r\nTo: b@b.test\r\nTo: c@c.test\r\n"
    b"List-Id: <l.a.test>\r\nX-Own: 1\r\n\r\n"
)
BODY = b"Hello\r\n"


def dkimpy_holds(message: bytes, number: int = 0) -> bool:
    records = published("a.test")

    def lookup(name: bytes, timeout: int = 5) -> bytes:
        return str(records.get(name.decode().rstrip("."), "")).encode()

    return bool(dkim.DKIM(message).verify(number, dnsfunc=lookup))


def test_each_key_makes_a_field() -> None:
    made = sign.sign(HEADER, digest_of(BODY), [rsa(), ed25519()], "a.test", NOW)
    values = headers.index(made)[b"dkim-signature"]
    assert [tags.parse(value)["a"] for value in values] == ["rsa-sha256", "ed25519-sha256"]
    assert [tags.parse(value)["s"] for value in values] == ["rsa", "ed"]
    verifier = Verifier(made + HEADER, NOW)
    verifier.feed(BODY)
    assert [one.result for one in run(verifier.finish(), published("a.test"))] == [Result.PASS, Result.PASS]
    assert dkimpy_holds(made + HEADER + BODY)


def test_what_is_signed() -> None:
    names = sign.signed_names(Fields(HEADER))
    counts = {name: names.count(name) for name in names}
    assert names[0] == "from"
    assert counts["from"] == counts["subject"] == 2
    assert counts["to"] == 3
    assert counts["content-type"] == counts["list-id"] == 1
    assert not {"received", "x-own", "sender", "return-path"} & set(names)


def test_not_more_names_than_a_verifier_reads() -> None:
    names = sign.signed_names(Fields(b"From: a@a.test\r\n" + b"To: b@b.test\r\n" * 1000))
    assert len(names) == NAMES
    assert names[:2] == ["from", "from"]


def test_the_field_is_folded() -> None:
    header = HEADER[:-2] + b"List-Help: x\r\n" * 9 + b"\r\n"
    made = sign.sign(header, digest_of(BODY), [rsa()], "a" * 60 + ".test", NOW)
    assert made.endswith(b"\r\n")
    assert max(map(len, made.split(b"\r\n"))) <= 78
    assert len(list(headers.fields(made))) == 1
    assert re.search(rb"\r\n(?!\t|\Z)", made) is None


def test_a_name_that_fits_no_line_stands_alone() -> None:
    tags = [("h", "x" * 100 + ":y"), ("d", "z" * 100), ("b", "")]
    made = sign.signed_field("S", tags, Covered([], Form.RELAXED), ed25519())
    assert made.split(b"\r\n")[:3] == [b"S:", b"\th=" + b"x" * 100 + b":", b"\ty;"]


def test_a_body_in_pieces() -> None:
    signer = Signer(HEADER, [ed25519()], "a.test", NOW)
    for octet in BODY:
        signer.feed(bytes([octet]))
    assert signer.finish() == sign.sign(HEADER, digest_of(BODY), [ed25519()], "a.test", NOW)


def test_keys_are_kept_and_come_back() -> None:
    for key in (rsa(), ed25519()):
        assert sign.record(sign.load(sign.dump(key.private))) == sign.record(key.private)
    curve = generate_private_key(SECP256R1()).private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    for wrong in (b"nonsense", curve):
        with pytest.raises(ValueError, match=r"."):
            sign.load(wrong)


def test_an_rsa_key_is_as_long_as_it_should_be() -> None:
    assert rsa().private.key_size == 2048  # type: ignore[union-attr]


NAMES_USED = st.sampled_from(["To", "Subject", "Reply-To", "X-One", "List-Id", "Received"])
TEXTS = st.text(st.sampled_from("ab \t.:;="), max_size=12)
LINES = st.lists(TEXTS, max_size=6).map(lambda lines: "".join(f"{line}\r\n" for line in lines).encode())


@settings(max_examples=60)
@given(st.lists(st.tuples(NAMES_USED, TEXTS), max_size=6), LINES)
def test_dkimpy_takes_what_we_sign(fields: list[tuple[str, str]], body: bytes) -> None:
    header = b"From: a@a.test\r\n" + "".join(f"{name}: {text}\r\n" for name, text in fields).encode() + b"\r\n"
    made = sign.sign(header, digest_of(body), [rsa()], "a.test", NOW)
    assert dkimpy_holds(made + header + body)
