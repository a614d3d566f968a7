"""DMARC: records, discovery, alignment, and what follows, with answers that a test writes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailservices.mail import dmarc
from mailservices.mail.dmarc import Evaluation, Record, Wish
from mailservices.mail.errors import ProtocolError
from mailservices.mail.findings import Finding, Result
from mailservices.mail.questions import Addresses, Answer, Found, Mx, Nothing, Question, Trouble, Txt
from tests.mail.asking import run

Answers = dict[Question, Answer]


def spf(domain: str, result: Result = Result.PASS, kind: str = "smtp.mailfrom") -> Finding:
    return Finding("spf", result, "", ((kind, domain),))


def dkim(domain: str, result: Result = Result.PASS) -> Finding:
    return Finding("dkim", result, "", (("header.d", domain), ("header.s", "k1")))


def says(text: str, domain: str = "example.org") -> Answers:
    return {Txt(f"_dmarc.{domain}"): Found((text.encode(),))}


def check(answers: Answers, *findings: Finding, domain: str = "example.org", roll: int = 0) -> Evaluation:
    return run(dmarc.check(domain, findings, roll), answers)[0]


REJECT = says("v=DMARC1; p=reject")


@pytest.mark.parametrize(
    ("text", "record"),
    [
        ("v=DMARC1;p=none", Record(Wish.NONE)),
        ("v=DMARC1; p=Reject; sp=quarantine; np=none;", Record(Wish.REJECT, Wish.QUARANTINE, Wish.NONE)),
        ("v=DMARC1; p=quarantine; adkim=s; aspf=S", Record(Wish.QUARANTINE, None, None, True, True)),
        ("v = DMARC1 ; p = reject ; pct = 20 ; t = y", Record(Wish.REJECT, percent=20, testing=True)),
        # What is not valid or not known is passed over.
        ("v=DMARC1; p=reject; pct=many; np=x; fo=1; nonsense", Record(Wish.REJECT)),
        ("v=DMARC1; p=reject; pct=10000", Record(Wish.REJECT)),
        # RFC 7489 §6.6.3: reports are wanted, the policy is none.
        ("v=DMARC1; rua=mailto:a@b.test", Record(Wish.NONE, reports="mailto:a@b.test")),
        ("v=DMARC1; p=reject; sp=x; rua=mailto:a@b.test", Record(Wish.NONE, reports="mailto:a@b.test")),
    ],
)
def test_a_record_is_read(text: str, record: Record) -> None:
    assert dmarc.parse(text.encode()) == record


@pytest.mark.parametrize(
    "text",
    ["", "v=spf1 -all", "v=DMARC2; p=none", "p=none; v=DMARC1", "v=DMARC1", "v=DMARC1; p=x", "v=DMARC1; rua=x"],
)
def test_what_says_no_policy_is_an_error(text: str) -> None:
    with pytest.raises(ProtocolError):
        dmarc.parse(text.encode())


def test_an_endless_record_is_none() -> None:
    with pytest.raises(ProtocolError):
        dmarc.parse(b"v=DMARC1; p=reject; " + b"x=y; " * 5000)


WISHES = st.sampled_from(list(Wish))


@given(
    WISHES,
    st.none() | WISHES,
    st.none() | WISHES,
    st.booleans(),
    st.booleans(),
    st.integers(0, 100),
    st.booleans(),
)
def test_what_is_written_is_read(
    policy: Wish, subdomains: Wish | None, missing: Wish | None, dkim: bool, spf: bool, percent: int, testing: bool
) -> None:
    tags = [
        "v=DMARC1",
        f"p={policy}",
        *([f"sp={subdomains}"] if subdomains else []),
        *([f"np={missing}"] if missing else []),
        *(["adkim=s"] if dkim else []),
        *(["aspf=s"] if spf else []),
        f"pct={percent}",
        *(["t=y"] if testing else []),
    ]
    wanted = Record(policy, subdomains, missing, dkim, spf, percent, testing)
    assert dmarc.parse("; ".join(tags).encode()) == wanted


@pytest.mark.parametrize(
    ("header", "author"),
    [
        (b"Subject: x\r\n\r\n", None),
        (b"From: a@Example.ORG\r\n\r\n", "example.org"),
        (b"From: Anna\r\n <a@b\xc3\xbccher.test>\r\n\r\n", "xn--bcher-kva.test"),
        (b"From: a@example.org, b@example.org\r\n\r\n", "example.org"),
        (b"From: us: a@example.org;\r\n\r\n", "example.org"),
    ],
)
def test_the_author_is_the_domain_in_from(header: bytes, author: str | None) -> None:
    assert dmarc.author(header) == author


@pytest.mark.parametrize(
    "header",
    [
        b"From: a@a.test\r\nFrom: a@a.test\r\n\r\n",
        b"From: a@a.test, b@b.test\r\n\r\n",
        b"From: nobody\r\n\r\n",
        b"From:\r\n\r\n",
        b"From: a@\xff\r\n\r\n",
    ],
)
def test_an_author_that_nobody_can_name_is_an_error(header: bytes) -> None:
    with pytest.raises(ProtocolError):
        dmarc.author(header)


@pytest.mark.parametrize(
    ("findings", "result"),
    [
        ([], Result.FAIL),
        ([spf("example.org")], Result.PASS),
        ([spf("bounce.example.org")], Result.PASS),
        ([spf("a@bounce.Example.org")], Result.PASS),
        ([spf("other.test"), spf("example.org", kind="smtp.helo")], Result.FAIL),
        ([spf("example.org", kind="smtp.helo")], Result.PASS),
        ([spf("example.org", Result.SOFTFAIL)], Result.FAIL),
        ([dkim("example.org")], Result.PASS),
        ([dkim("mail.example.org"), spf("example.org", Result.FAIL)], Result.PASS),
        ([dkim("other.test"), dkim("example.org", Result.FAIL)], Result.FAIL),
        # What could not be found out might have been a pass.
        ([dkim("example.org", Result.TEMPERROR)], Result.TEMPERROR),
        ([spf("example.org", Result.TEMPERROR), dkim("example.org")], Result.PASS),
        ([spf("other.test", Result.TEMPERROR)], Result.FAIL),
        ([Finding("dkim", Result.PASS), Finding("iprev", Result.PASS)], Result.FAIL),
    ],
)
def test_one_aligned_identifier_is_enough(findings: list[Finding], result: Result) -> None:
    found = check(REJECT, *findings)
    assert found.finding.result is result
    assert found.wish is (Wish.NONE if result is Result.PASS else Wish.REJECT)
    assert found.finding.properties == (("header.from", "example.org"),)


def test_strict_alignment_wants_the_same_domain() -> None:
    answers = says("v=DMARC1; p=reject; adkim=s; aspf=s")
    assert check(answers, spf("a.example.org"), dkim("a.example.org")).finding.result is Result.FAIL
    assert check(answers, spf("example.org")).finding.result is Result.PASS
    assert check(answers, dkim("example.org")).finding.result is Result.PASS


@pytest.mark.parametrize(
    ("text", "there", "wish"),
    [
        ("v=DMARC1; p=reject", True, Wish.REJECT),
        ("v=DMARC1; p=reject; sp=none", True, Wish.NONE),
        ("v=DMARC1; p=none; np=reject", True, Wish.NONE),
        ("v=DMARC1; p=none; np=reject", False, Wish.REJECT),
        ("v=DMARC1; p=none; sp=quarantine; np=reject", True, Wish.QUARANTINE),
    ],
)
def test_a_subdomain_has_the_policy_of_its_organisation(text: str, there: bool, wish: Wish) -> None:
    answers = says(text)
    if there:
        answers[Mx("a.example.org")] = Found(((10, "mx.example.org"),))
    assert check(answers, domain="a.example.org").wish is wish


def test_who_cannot_be_looked_up_may_exist() -> None:
    answers = says("v=DMARC1; p=none; np=reject") | {Addresses("a.example.org"): Trouble("x")}
    assert check(answers, domain="a.example.org").wish is Wish.NONE


def test_a_policy_of_its_own_comes_first() -> None:
    answers = REJECT | says("v=DMARC1; p=none; sp=reject", "a.example.org")
    assert check(answers, domain="a.example.org").wish is Wish.NONE
    assert check(REJECT | {Txt("_dmarc.a.example.org"): Nothing()}, domain="a.example.org").wish is Wish.REJECT


@pytest.mark.parametrize(
    ("text", "roll", "wish"),
    [
        ("v=DMARC1; p=reject; pct=30", 29, Wish.REJECT),
        ("v=DMARC1; p=reject; pct=30", 30, Wish.QUARANTINE),
        ("v=DMARC1; p=quarantine; pct=0", 0, Wish.NONE),
        ("v=DMARC1; p=none; pct=0", 0, Wish.NONE),
        ("v=DMARC1; p=reject; t=y", 0, Wish.QUARANTINE),
    ],
)
def test_who_is_left_out_meets_the_milder_policy(text: str, roll: int, wish: Wish) -> None:
    assert check(says(text), roll=roll).wish is wish


def test_without_a_policy_there_is_no_dmarc() -> None:
    assert check({}).finding.result is Result.NONE
    assert check({Txt("_dmarc.example.org"): Found((b"v=spf1 -all",))}).finding.result is Result.NONE
    two = {Txt("_dmarc.example.org"): Found((b"v=DMARC1; p=reject", b"v=DMARC1; p=none"))}
    assert check(two).finding.result is Result.NONE


def test_a_policy_beside_other_texts_is_found() -> None:
    answers: Answers = {Txt("_dmarc.example.org"): Found((b"hello", b"v=DMARC1; p=reject"))}
    assert check(answers).wish is Wish.REJECT


def test_a_policy_that_is_not_valid_is_a_permanent_error() -> None:
    assert check(says("v=DMARC1; p=x")).finding.result is Result.PERMERROR


def test_a_policy_that_cannot_be_looked_up_is_a_temporary_error() -> None:
    found = check({Txt("_dmarc.example.org"): Trouble("x")}, spf("example.org"))
    assert found.finding.result is Result.TEMPERROR
