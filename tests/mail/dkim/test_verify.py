"""Verification: the examples of RFC 6376 and RFC 8463, every way to fail, and dkimpy as the other opinion."""

import base64
from collections.abc import Mapping

import dkim
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from mailservices.mail.dkim import canonical, sign
from mailservices.mail.dkim.canonical import BodyHashes, Fields, Form
from mailservices.mail.dkim.verify import SIGNATURES, Verifier
from mailservices.mail.findings import Finding, Result
from mailservices.mail.questions import Answer, Trouble
from tests.mail.dkim.keys import digest_of, published, rsa, run

NOW = 1_600_000_000
BODY = "Hi.\r\n\r\nWe lost the game. Are you hungry yet?\r\n\r\nJoe.\r\n"

#: RFC 6376 appendix A.2, with the key of appendix C.
RFC_6376 = """\
DKIM-Signature: v=1; a=rsa-sha256; s=brisbane; d=example.com;
      c=simple/simple; q=dns/txt; i=joe@football.example.com;
      h=Received : From : To : Subject : Date : Message-ID;
      bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
      b=AuUoFEfDxTDkHlLXSZEpZj79LICEps6eda7W3deTVFOk4yAUoqOB
      4nujc7YopdG5dWLSdNg6xNAZpOPr+kHxt1IrE+NahM6L/LbvaHut
      KVdkLLkpVaVVQPzeRDI009SO2Il5Lu7rDNH6mZckBdrIx0orEtZV
      4bmp/YzhwvcubU4=;
Received: from client1.football.example.com  [192.0.2.1]
      by submitserver.example.com with SUBMISSION;
      Fri, 11 Jul 2003 21:01:54 -0700 (PDT)
From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

""".replace("\n", "\r\n")
RFC_6376_KEYS = {
    "brisbane._domainkey.example.com": (
        "v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zY"
        "tIxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4Ou"
        "KhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB"
    ),
}
#: RFC 8463 appendix A.3.
RFC_8463 = """\
DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=test; t=1528637909; h=from : to : subject :
 date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3
 DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz
 dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=
From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

""".replace("\n", "\r\n")
RFC_8463_KEYS = {
    "brisbane._domainkey.football.example.com": (
        "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
    ),
    "test._domainkey.football.example.com": (
        "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qh"
        "dR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hst"
        "T5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB"
    ),
}


def verified(
    header: str | bytes, body: str | bytes, keys: Mapping[str, str | Answer], now: int = NOW
) -> tuple[Finding, ...]:
    verifier = Verifier(header.encode() if isinstance(header, str) else header, now)
    verifier.feed(body.encode() if isinstance(body, str) else body)
    return run(verifier.finish(), keys)


def test_the_example_of_rfc_6376() -> None:
    assert verified(RFC_6376, BODY, RFC_6376_KEYS) == (
        Finding(
            "dkim", Result.PASS, "",
            (
                ("header.d", "example.com"), ("header.i", "joe@football.example.com"), ("header.s", "brisbane"),
                ("header.a", "rsa-sha256"), ("header.b", "AuUoFEfD"),
            ),
        ),
    )  # fmt: skip


def test_the_example_of_rfc_8463() -> None:
    found = verified(RFC_8463, BODY, RFC_8463_KEYS)
    assert [one.result for one in found] == [Result.PASS, Result.PASS]
    assert [dict(one.properties)["header.a"] for one in found] == ["ed25519-sha256", "rsa-sha256"]


PEM = rsa().private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
HEADER = b"From: Alice <alice@a.test>\r\nTo: bob@b.test\r\nSubject: Hello\r\n\r\n"
TEXT = b"Hi  Bob,\r\n\r\nbye. \r\n\r\n"


def signed(body: bytes = TEXT, header: bytes = HEADER, **changes: str) -> bytes:
    """The header under a signature whose tags are what a case needs."""
    form = Form(changes.get("c", "relaxed/relaxed").partition("/")[2] or "simple")
    tags = {
        "v": "1", "a": "rsa-sha256", "c": "relaxed/relaxed", "d": "a.test", "s": "rsa", "h": "from:to:subject",
        "bh": base64.b64encode(digest_of(body, form)).decode(), **changes, "b": "",
    }  # fmt: skip
    own = "DKIM-Signature: " + "; ".join(f"{name}={value}" for name, value in tags.items())
    header_form = Form(tags["c"].partition("/")[0])
    chosen = Fields(header).chosen(tags["h"].lower().split(":"))
    octets = rsa().sign(canonical.digest(chosen, own.encode() + b"\r\n", header_form))
    return f"{own}{base64.b64encode(octets).decode()}\r\n".encode() + header


def result_of(header: bytes, body: bytes = TEXT, keys: Mapping[str, str | Answer] | None = None) -> Finding:
    (found,) = verified(header, body, published("a.test") if keys is None else keys)
    return found


def test_a_message_without_signatures() -> None:
    assert verified(HEADER, TEXT, {}) == (Finding("dkim", Result.NONE),)


@pytest.mark.parametrize("c", ["simple/simple", "simple/relaxed", "relaxed/simple", "relaxed/relaxed", "relaxed"])
def test_every_canonicalization(c: str) -> None:
    header = signed(c=c)
    assert result_of(header).result is Result.PASS
    assert result_of(header, TEXT.rstrip() + b"\r\n").result is (
        Result.PASS if c.endswith("/relaxed") else Result.FAIL
    )
    assert result_of(header.replace(b"To: ", b"To:  ")).result is (
        Result.FAIL if c.startswith("simple") else Result.PASS
    )


@pytest.mark.parametrize(
    ("changes", "result", "reason"),
    [
        ({"v": "2"}, Result.NEUTRAL, "unknown version"),
        ({"a": "rsa-sha1"}, Result.PERMERROR, "rsa-sha1 is no longer accepted"),
        ({"h": "to:subject"}, Result.PERMERROR, "From is not signed"),
        ({"x": "1500000000"}, Result.PERMERROR, "the signature has expired"),
        ({"x": "1700000000"}, Result.PASS, ""),
        ({"l": "9"}, Result.POLICY, "l= leaves the end of the body unsigned"),
        ({"l": "99"}, Result.FAIL, "the body is shorter than l="),
        ({"l": "17"}, Result.PASS, ""),
        ({"bh": "A" * 43 + "="}, Result.FAIL, "the body was changed"),
        ({"s": "none"}, Result.PERMERROR, "no key"),
        ({"s": "ed"}, Result.PERMERROR, "no key for this algorithm"),
        ({"i": "@sub.a.test"}, Result.PASS, ""),
    ],
)
def test_what_may_be_wrong(changes: dict[str, str], result: Result, reason: str) -> None:
    found = result_of(signed(**changes))
    assert (found.result, found.reason) == (result, reason)


@pytest.mark.parametrize(
    ("flags", "changes", "result", "reason"),
    [
        ("t=y", {}, Result.NEUTRAL, "the domain is testing DKIM"),
        ("t=y", {"spoilt": "1"}, Result.NEUTRAL, "the domain is testing DKIM; the signature does not hold"),
        ("t=s", {}, Result.PASS, ""),
        ("t=s", {"i": "@sub.a.test"}, Result.PERMERROR, "the key is for the domain itself, not for one below it"),
        ("s=tlsrpt", {}, Result.PERMERROR, "the key is not for mail"),
    ],
)
def test_what_the_key_says(flags: str, changes: dict[str, str], result: Result, reason: str) -> None:
    keys = {"rsa._domainkey.a.test": sign.record(rsa().private).replace("k=rsa", f"k=rsa; {flags}")}
    header = signed(**changes).replace(b"spoilt=1", b"spoilt=2")
    found = result_of(header, keys=keys)
    assert (found.result, found.reason) == (result, reason)


def test_trouble_with_the_dns_is_temporary() -> None:
    found = result_of(signed(), keys={"rsa._domainkey.a.test": Trouble("slow")})
    assert (found.result, found.reason) == (Result.TEMPERROR, "the key cannot be looked up now")


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"Subject: Hello", b"Subject: Hullo"), (b"Subject: Hello\r\n", b""), (b"alice@", b"mallory@")],
)
def test_a_changed_header_fails(old: bytes, new: bytes) -> None:
    assert result_of(signed().replace(old, new)).reason == "the signature does not hold"


def test_nothing_is_asked_for_what_has_failed_already() -> None:
    verifier = Verifier(signed(x="1"), NOW)
    verifier.feed(TEXT)
    with pytest.raises(StopIteration):
        next(verifier.finish())


def test_some_signatures_are_enough() -> None:
    header = b"".join(signed()[: -len(HEADER)] for _ in range(SIGNATURES + 2)) + HEADER
    found = verified(header, TEXT, published("a.test"))
    assert [one.result for one in found] == [Result.PASS] * SIGNATURES


def test_a_field_that_was_signed_as_absent_must_stay_so() -> None:
    header = sign.sign(HEADER, digest_of(TEXT), [rsa()], "a.test", NOW) + HEADER
    assert result_of(header).result is Result.PASS
    for added in (b"From: x@y.test\r\n", b"Subject: x\r\n", b"Content-Type: text/html\r\n"):
        assert result_of(added + header).result is Result.FAIL
    assert result_of(b"Received: x\r\nList-Id: x\r\n" + header).result is Result.PASS


def test_hashes_may_be_shared() -> None:
    hashes = BodyHashes()
    one, two = (Verifier(signed(), NOW, hashes) for _ in range(2))
    hashes.feed(TEXT)
    assert [run(each.finish(), published("a.test"))[0].result for each in (one, two)] == [Result.PASS] * 2


TEXTS = st.text(st.sampled_from("ab \t.:;="), max_size=12)
FIELDS = st.lists(st.tuples(st.sampled_from(["To", "Subject", "X-One", "to"]), TEXTS), max_size=5)
LINES = st.lists(TEXTS, max_size=6).map(lambda lines: "".join(f"{line}\r\n" for line in lines).encode())
FORMS = st.sampled_from([b"simple", b"relaxed"])


@settings(max_examples=60)
@given(fields=FIELDS, body=LINES, header_form=FORMS, body_form=FORMS, spoil=st.booleans())
def test_what_dkimpy_signs_holds_unless_it_was_changed(
    fields: list[tuple[str, str]], body: bytes, header_form: bytes, body_form: bytes, *, spoil: bool
) -> None:
    header = b"From: a@a.test\r\n" + "".join(f"{name}: {text}\r\n" for name, text in fields).encode() + b"\r\n"
    field = dkim.sign(
        header + body, b"rsa", b"a.test", PEM, canonicalize=(header_form, body_form), include_headers=[
            b"from", b"to", b"to", b"subject"]
    )  # fmt: skip
    found = result_of(field + header, (b"x" if spoil else b"") + body)
    assert found.result is (Result.FAIL if spoil else Result.PASS)
