"""Authentication-Results: written safely, read back, by authres too, and forged ones taken away (RFC 8601)."""

import re

import authres
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailservices.mail import authentication_results, headers
from mailservices.mail.authentication_results import AuthenticationResults, field, parse, without_forged
from mailservices.mail.errors import ProtocolError
from mailservices.mail.findings import Finding, Result

US = "mail.us.test"
FOUND = (
    Finding(
        "spf", Result.PASS, properties=(("smtp.mailfrom", "bounce@example.org"), ("smtp.helo", "mx.example.org"))
    ),
    Finding("dkim", Result.FAIL, "the body was changed", (("header.d", "example.org"), ("header.b", "Ab/+1234"))),
    Finding("dmarc", Result.NONE),
)


def test_a_field() -> None:
    assert field(US, FOUND) == (
        b"Authentication-Results: mail.us.test;\r\n"
        b"\tspf=pass smtp.mailfrom=bounce@example.org smtp.helo=mx.example.org;\r\n"
        b'\tdkim=fail reason="the body was changed" header.d=example.org\r\n'
        b'\t header.b="Ab/+1234";\r\n'
        b"\tdmarc=none\r\n"
    )
    assert field(US, ()) == b"Authentication-Results: mail.us.test;\r\n\tnone\r\n"


def test_what_is_written_is_read() -> None:
    assert parse(field(US, FOUND).partition(b":")[2]) == AuthenticationResults(US, FOUND)
    assert parse(field(US, ()).partition(b":")[2]) == AuthenticationResults(US, ())


STRANGE = st.text(st.sampled_from('ab@.;"\\()= \t\r\nü\0/+'), max_size=20)


@given(STRANGE, STRANGE)
def test_nothing_of_a_stranger_ends_the_field(mailfrom: str, reason: str) -> None:
    written = field(US, [Finding("spf", Result.FAIL, reason, (("smtp.mailfrom", mailfrom),)), *FOUND])
    assert len(list(headers.fields(written))) == 1
    assert not re.search(rb"\r\n(?!\t|\Z)|\0|\r(?!\n)", written)
    read = parse(written.partition(b":")[2])

    def safe(text: str) -> str:
        return re.sub(r"[^ -~]", "?", text)

    assert read.findings == (
        Finding("spf", Result.FAIL, safe(reason), (("smtp.mailfrom", safe(mailfrom)),)), *FOUND,
    )  # fmt: skip


@given(st.text(st.sampled_from("ab.@-+;= "), min_size=1, max_size=12))
def test_authres_reads_what_we_write(mailfrom: str) -> None:
    written = headers.unfold(field(US, [Finding("spf", Result.PASS, "", (("smtp.mailfrom", mailfrom),)), *FOUND]))
    read = authres.AuthenticationResultsHeader.parse(written.decode())
    assert read.authserv_id == US
    assert [one.method for one in read.results] == ["spf", "spf", "dkim", "dmarc"]
    assert [one.result for one in read.results] == ["pass", "pass", "fail", "none"]
    assert [one.value for one in read.results[0].properties] == [mailfrom]


def test_what_others_write_is_read() -> None:
    read = parse(
        b" (us) mx.google.com 1 ;\r\n dkim = pass (2048-bit (rsa) key) header.i=@a.test header.b=Ab/+12=;\r\n"
        b' spf/1=PASS (domain; "odd) smtp.mailfrom="a b"@a.test ; x-odd=bestguess y.z=1; auth=none reason=why;\r\n'
    )
    assert read == AuthenticationResults(
        "mx.google.com",
        (
            Finding("dkim", Result.PASS, "", (("header.i", "@a.test"), ("header.b", "Ab/+12="))),
            Finding("spf", Result.PASS, "", (("smtp.mailfrom", '"a b"@a.test'),)),
            Finding("auth", Result.NONE, "why"),
        ),
    )
    assert parse(b'"us; test" ; none') == AuthenticationResults("us; test", ())


@pytest.mark.parametrize(
    "value",
    [
        b"", b";spf=pass", b"us x y; spf=pass", b"us; spf", b"us; =pass", b"us; spf=pass smtp.mailfrom",
        b"us; spf=pass x=1", b"us; " + b"spf=pass; " * 101, b"us; spf=pass" + b" a.b=c" * 21, b"(" * 30,
        b"us; " + b"x" * 70_000, b"us; spf=pass!",
    ],
)  # fmt: skip
def test_what_cannot_be_read(value: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse(value)


@pytest.mark.parametrize("evil", [b'"', b'"\\', b"(", b"()", b" ", b'a."', b"a=b ", b"; ", b'";', b"\\"])
def test_nonsense_takes_no_longer_than_its_length(evil: bytes) -> None:
    """Whatever comes of it: a pattern that looks twice at everything would not end here."""
    value = b"us; spf=pass " + evil * (60_000 // len(evil))
    try:
        parse(value)
    except ProtocolError:
        return


@pytest.mark.parametrize(
    "forged",
    [
        b"Authentication-Results: mail.us.test; spf=pass\r\n",
        b"AUTHENTICATION-results : (x) Mail.US.test 1;\r\n\tspf=pass\r\n",
        b'Authentication-Results: "mail.us.test"; =\r\n',
        b"Authentication-Results: mail.us.test\r\n",
        b"Authentication-Results: " + b"(" * 30 + b"mail.us.test; spf=pass\r\n",
    ],
)
def test_forged_fields_are_taken_away(forged: bytes) -> None:
    other = b"X-Authentication-Results: mail.us.test; spf=pass\r\nAuthentication-Results: other.test; spf=pass\r\n"
    header = other + forged + b"From: a@a.test\r\n" + forged + b"\r\n"
    assert without_forged(header, US) == other + b"From: a@a.test\r\n\r\n"


def test_a_header_without_such_fields_is_left_alone() -> None:
    header = b"From: a@a.test\r\nnonsense\r\n\r\n"
    assert without_forged(header, US) is header
    header = b"Authentication-Results: ;\r\n" + header
    assert without_forged(header, US) == header


def test_long_values_are_cut() -> None:
    written = authentication_results.text(US, [Finding("spf", Result.PASS, "", (("smtp.helo", "x" * 999),))])
    assert parse(written.encode()).findings[0].properties == (("smtp.helo", "x" * 320),)
