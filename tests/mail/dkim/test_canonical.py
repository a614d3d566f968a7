"""The forms of header and body: RFC 6376 §3.4.5's examples, in any pieces, and as dkimpy sees them."""

import hashlib

import pytest
from dkim.canonicalization import Relaxed, Simple
from hypothesis import given
from hypothesis import strategies as st

from mailservices.mail.dkim import canonical
from mailservices.mail.dkim.canonical import BodyHashes, Fields, Form

FORMS = {Form.SIMPLE: Simple, Form.RELAXED: Relaxed}
BODIES = st.lists(
    st.sampled_from([b"\r\n", b"\r\n\r\n", b" ", b"\t", b"  \t", b"a", b"bc d", b"."]), max_size=25
).map(lambda parts: b"".join(parts) + b"\r\n")


def hashed(body: bytes, form: Form, size: int = 0) -> tuple[bytes, int]:
    hashes = BodyHashes()
    hashes.want(form)
    for start in range(0, len(body), size or len(body) or 1):
        hashes.feed(body[start : start + (size or len(body))])
    return hashes.digest(form), hashes.size(form)


def of(canonical_body: bytes) -> tuple[bytes, int]:
    return hashlib.sha256(canonical_body).digest(), len(canonical_body)


@pytest.mark.parametrize(
    ("body", "simple", "relaxed"),
    [
        (b" C \r\nD \t E\r\n\r\n\r\n", b" C \r\nD \t E\r\n", b" C\r\nD E\r\n"),
        (b"", b"\r\n", b""),
        (b"\r\n\r\n\r\n", b"\r\n", b""),
        (b" \r\n\t\r\n", b" \r\n\t\r\n", b""),
        (b"a", b"a\r\n", b"a\r\n"),
        (b"a \t", b"a \t\r\n", b"a\r\n"),
        (b"a\r\n\r\nb\r\n", b"a\r\n\r\nb\r\n", b"a\r\n\r\nb\r\n"),
        (b"a\r", b"a\r\r\n", b"a\r\r\n"),
        (b"a \r", b"a \r\r\n", b"a \r\r\n"),
        (b"a \rb\r\n", b"a \rb\r\n", b"a \rb\r\n"),
        (b"a\n\r\n", b"a\n\r\n", b"a\n\r\n"),
        (b"a\n\n\r\n\r\n", b"a\n\n\r\n", b"a\n\n\r\n"),
        (b"a" + b"\r\n" * 70_000 + b"b", b"a" + b"\r\n" * 70_000 + b"b\r\n", b"a" + b"\r\n" * 70_000 + b"b\r\n"),
    ],
)
def test_bodies(body: bytes, simple: bytes, relaxed: bytes) -> None:
    for size in (0, 1, 2, 3) if len(body) < 100 else (0, 1001):
        assert hashed(body, Form.SIMPLE, size) == of(simple)
        assert hashed(body, Form.RELAXED, size) == of(relaxed)


@given(BODIES, st.sampled_from(list(FORMS)), st.integers(1, 9))
def test_a_body_in_pieces_is_what_dkimpy_sees(body: bytes, form: Form, size: int) -> None:
    assert hashed(body, form, size) == of(FORMS[form].canonicalize_body(body))


def test_a_hash_is_computed_once_and_may_be_asked_for_often() -> None:
    hashes = BodyHashes()
    hashes.want(Form.SIMPLE)
    hashes.want(Form.SIMPLE)
    hashes.feed(b"a\r\n")
    assert hashes.digest(Form.SIMPLE) == hashes.digest(Form.SIMPLE) == of(b"a\r\n")[0]


@pytest.mark.parametrize(
    ("octets", "relaxed"),
    [
        (b"A: X\r\n", b"a:X\r\n"),
        (b"B : Y\t\r\n\tZ  \r\n", b"b:Y Z\r\n"),
        (b"Empty:\r\n", b"empty:\r\n"),
        (b"a:b", b"a:b\r\n"),
        (b"A: b\n c\n", b"a:b c\r\n"),
    ],
)
def test_fields(octets: bytes, relaxed: bytes) -> None:
    assert canonical.field(octets, Form.RELAXED) == relaxed
    assert canonical.field(octets, Form.SIMPLE) == octets


@given(st.lists(st.sampled_from([b" ", b"\t", b"\r\n ", b"\r\n\t", b"a", b":", b"B"]), max_size=12).map(b"".join))
def test_a_field_is_what_dkimpy_sees(value: bytes) -> None:
    expected = Relaxed.canonicalize_headers([(b"Na-Me ", value + b"\r\n")])
    assert canonical.field(b"Na-Me :" + value + b"\r\n", Form.RELAXED) == b":".join(expected[0])


@pytest.mark.parametrize(
    ("octets", "emptied"),
    [
        (b"S: a=1; b=AB CD; c=2\r\n", b"s:a=1; b=; c=2"),
        (b"S: b=AB\r\n\tCD==\r\n", b"s:b="),
        (b"S: bh=x; b =y\r\n", b"s:bh=x; b ="),
        (b"S: h=b=c; b=y;\r\n", b"s:h=b=c; b=;"),
        (b"S: a=1\r\n", b"s:a=1"),
    ],
)
def test_a_signature_does_not_cover_its_own_value(octets: bytes, emptied: bytes) -> None:
    assert canonical.own_field(octets, Form.RELAXED) == emptied


def test_fields_are_chosen_from_the_bottom() -> None:
    fields = Fields(b"A: 1\r\nB: 2\r\na: 3\r\n\r\n")
    assert list(fields.chosen(["a", "b", "a", "a", "c"])) == [b"a: 3\r\n", b"B: 2\r\n", b"A: 1\r\n"]
    assert fields.named(b"a") == [b"A: 1\r\n", b"a: 3\r\n"]
    assert fields.named(b"c") == []


def test_what_is_signed_is_the_fields_and_the_own_field() -> None:
    octets = canonical.digest([b"A: 1 \r\n"], b"S: b=x\r\n", Form.RELAXED)
    assert octets == hashlib.sha256(b"a:1\r\ns:b=").digest()
