"""Key records: read strictly, found by a question, and what they allow."""

import base64
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mailservices.mail.dkim import keys, sign
from mailservices.mail.dkim.keys import Record, Rejected
from mailservices.mail.dkim.signature import Algorithm, Signature
from mailservices.mail.errors import ProtocolError
from mailservices.mail.findings import Result
from mailservices.mail.questions import Answer, Found, Nothing, Trouble
from tests.mail.dkim.keys import ed25519, rsa, run

RSA = sign.record(rsa().private)
ED25519 = sign.record(ed25519().private)
#: P-256: a key that DKIM does not know.
CURVE = base64.b64encode(
    generate_ec(SECP256R1()).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
).decode()


def test_our_own_records_are_read() -> None:
    assert keys.parse(RSA.encode()).algorithm is Algorithm.RSA
    assert keys.parse(ED25519.encode()).algorithm is Algorithm.ED25519


def test_flags_and_defaults() -> None:
    bare = RSA.partition("p=")[2]
    assert keys.parse(f"p={bare}".encode()).algorithm is Algorithm.RSA
    read = keys.parse(f"v=DKIM1; h=sha1:sha256; s=email:x; t=y : s; n=why; p={bare};".encode())
    assert (read.strict, read.testing) == (True, True)
    assert keys.parse(b"v=DKIM1; p=") == Record(None)


@pytest.mark.parametrize(
    "record",
    [
        "", "v=DKIM1", "v=DKIM2; p=", "p=; v=DKIM1", "s=other; p=", "h=sha1; p=", "k=dsa; p=eHg=", "p=eHg=",
        "p=***", "k=ed25519; p=eHg=", f"p={CURVE}", "v=spf1 -all", "nonsense",
    ],
)  # fmt: skip
def test_what_is_no_record(record: str) -> None:
    with pytest.raises(ProtocolError):
        keys.parse(record.encode())


def signature(**changes: Any) -> Signature:
    return Signature(**{"algorithm": Algorithm.RSA, "octets": b"", "domain": "a.test", "selector": "s", **changes})


@pytest.mark.parametrize(
    ("answer", "result", "words"),
    [
        (Trouble("slow"), Result.TEMPERROR, "the key cannot be looked up now"),
        (Nothing(), Result.PERMERROR, "no key"),
        ("v=DKIM1; p=", Result.PERMERROR, "the key was revoked"),
        (ED25519, Result.PERMERROR, "no key for this algorithm"),
        ("v=spf1 -all", Result.PERMERROR, "unknown version of a key record"),
        (Found(("text",)), Result.PERMERROR, "p= is missing"),
    ],
)
def test_a_key_that_is_not_found(answer: str | Answer, result: Result, words: str) -> None:
    with pytest.raises(Rejected, match=words) as caught:
        run(keys.find(signature()), {"s._domainkey.a.test": answer})
    assert caught.value.result is result


def test_a_key_is_found_among_other_records() -> None:
    records = Found((b"v=spf1", b"p=", ED25519.encode(), RSA.encode()))
    assert run(keys.find(signature()), {"s._domainkey.a.test": records}).algorithm is Algorithm.RSA


def test_a_key_is_not_looked_for_for_ever() -> None:
    records = Found((b"v=spf1",) * keys.RECORDS + (RSA.encode(),))
    with pytest.raises(Rejected):
        run(keys.find(signature()), {"s._domainkey.a.test": records})


def public_rsa(bits: int) -> RSAPublicKey:
    """Some odd modulus: nobody has the private half, and nobody asks."""
    return RSAPublicNumbers(65537, (1 << (bits - 1)) + 1).public_key()


def test_an_rsa_key_is_neither_too_short_nor_too_long() -> None:
    for bits in (1024, 2048, 4096):
        keys.check(Record(public_rsa(bits)), signature())
    for bits in (512, 1023, 4097, 8192):
        with pytest.raises(Rejected) as caught:
            keys.check(Record(public_rsa(bits)), signature())
        assert caught.value.result is Result.POLICY


def test_a_strict_key_is_for_the_domain_alone() -> None:
    record = Record(keys.parse(RSA.encode()).key, strict=True)
    keys.check(record, signature(identity="joe@a.test"))
    with pytest.raises(Rejected) as caught:
        keys.check(record, signature(identity="joe@sub.a.test"))
    assert caught.value.result is Result.PERMERROR


def test_a_signature_holds_under_its_own_key_only() -> None:
    digest = b"d" * 32
    for key, other in ((rsa(), ed25519()), (ed25519(), rsa())):
        public, made = key.private.public_key(), key.sign(digest)
        assert keys.holds(public, made, digest)
        assert not keys.holds(public, made, b"e" * 32)
        assert not keys.holds(other.private.public_key(), made, digest)
    assert not keys.holds(None, b"", digest)
