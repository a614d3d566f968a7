"""Whether chains hold: the validation cases of the ARC test suite, and what they leave out."""

import dkim
import pytest

from mailservices.mail.arc.seal import seal
from mailservices.mail.arc.verify import KEYS, Chain, Verifier
from mailservices.mail.authentication_results import AuthenticationResults
from mailservices.mail.dkim import sign
from mailservices.mail.dkim.canonical import BodyHashes
from mailservices.mail.findings import Finding, Result
from mailservices.mail.headers import split
from mailservices.mail.questions import Answer, Found, Trouble, Txt
from tests.mail.arc.cases import BODY, HEADER, NOW, Case, cases, sealed
from tests.mail.dkim.keys import digest_of, ed25519, published, rsa, run


def verified(message: bytes, records: dict[str, str | Answer], now: int = NOW) -> Chain:
    header, body = split(message)
    verifier = Verifier(header, now)
    verifier.feed(body)
    return run(verifier.finish(), records)


@pytest.mark.parametrize("case", cases("validation"), ids=str)
def test_the_suite(case: Case) -> None:
    """A chain that says itself that it failed has no verdict there; RFC 8617 §5.2 has one: it failed."""
    wanted = str(case.test["cv"] or "").strip().lower() or "fail"
    found = verified(case.message, dict(case.records), 20_000)
    assert found.finding.result == wanted
    assert bool(found.sealers) == (wanted == "pass")


def test_there_are_all_its_cases() -> None:
    assert len(cases("validation")) == 171
    assert len(cases("sign")) == 17


def test_dkimpy_agrees_on_our_chains() -> None:
    """With RSA, for dkimpy has no Ed25519 of its own."""
    records = published("a.test")
    header = HEADER
    for validation in (Result.NONE, Result.PASS, Result.PASS):
        header = seal(header, digest_of(BODY), validation, "a.test; spf=pass", rsa(), "a.test", NOW) + header

    def lookup(name: bytes, timeout: int = 5) -> bytes:
        return str(records[name.decode().rstrip(".")]).encode()

    assert dkim.ARC(header + BODY).verify(dnsfunc=lookup)[0] == b"pass"
    assert verified(header + BODY, records).finding.result is Result.PASS


def test_sealers_and_what_they_told() -> None:
    header = sealed(HEADER, Result.NONE, results='a.test; dkim=pass header.d="a.test"; spf=fail')
    header = sealed(header, Result.PASS, results="b.test; arc=pass; ;", domain="b.test")
    header = sealed(header, Result.PASS, results="nobody; =", domain="c.test")
    records = published("a.test") | published("b.test") | published("c.test")
    found = verified(header + BODY, records)
    assert found.finding == Finding("arc", Result.PASS, "", (("header.d", "c.test"),))
    assert found.sealers == ("a.test", "b.test", "c.test")
    assert found.told_by("a.test") == AuthenticationResults(
        "a.test", (Finding("dkim", Result.PASS, "", (("header.d", "a.test"),)), Finding("spf", Result.FAIL))
    )
    assert found.told_by("b.test") == AuthenticationResults("b.test", (Finding("arc", Result.PASS),))
    assert found.told_by("c.test") is None
    assert found.told_by("d.test") is None


TWO = sealed(HEADER, Result.NONE, Result.PASS)
RECORDS = published("a.test")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"Hello", b"Hullo", "the body was changed after the newest seal"),
        (b"Subject: Hi", b"Subject: Ho", "the newest message signature does not hold"),
        (b"i=1; a.test; spf=pass", b"i=1; a.test; spf=fail", "seal 2 does not hold"),
        (b"cv=pass", b"cv=fail", "it was broken before it came here"),
        (b"ARC-Seal: a=", b"ARC-Seal: a=x; z=", "unknown algorithm"),
    ],
)
def test_a_chain_breaks(old: bytes, new: bytes, reason: str) -> None:
    found = verified((TWO + BODY).replace(old, new, 1), RECORDS)
    assert found == Chain(Finding("arc", Result.FAIL, reason))


def test_the_seals_before_the_newest_must_hold_too() -> None:
    """The second host sealed what was broken already."""
    one = sealed(HEADER, Result.NONE).replace(b"a.test; spf=pass", b"a.test; spf=fail")
    assert verified(sealed(one, Result.PASS) + BODY, RECORDS).finding.reason == "seal 1 does not hold"


def test_a_message_signature_may_expire_or_leave_text_out() -> None:
    for tag in (b"x=5; t=", b"l=3; t="):
        found = verified((TWO + BODY).replace(b"t=", tag), RECORDS)
        assert found.finding.result is Result.FAIL


def test_trouble_with_the_dns_is_told_apart() -> None:
    found = verified(TWO + BODY, {"ed._domainkey.a.test": Trouble("slow")})
    assert found.finding == Finding("arc", Result.TEMPERROR, "the key cannot be looked up now")
    assert verified(TWO + BODY, {}).finding == Finding("arc", Result.FAIL, "no key")


def test_each_key_is_asked_for_once() -> None:
    verifier = Verifier(TWO, NOW)
    verifier.feed(BODY)
    flow = verifier.finish()
    assert next(flow) == Txt("ed._domainkey.a.test")
    with pytest.raises(StopIteration):
        flow.send(Found((sign.record(ed25519().private).encode(),)))


def test_not_for_too_many() -> None:
    header, records = HEADER, {}
    for number in range(KEYS + 1):
        domain = f"host{number}.test"
        header = sealed(header, Result.PASS if number else Result.NONE, domain=domain)
        records |= published(domain)
    assert verified(header + BODY, records).finding.reason == "the chain has too many keys"


def test_hashes_may_be_shared() -> None:
    hashes = BodyHashes()
    verifier = Verifier(TWO, NOW, hashes)
    hashes.feed(BODY)
    assert run(verifier.finish(), RECORDS).finding.result is Result.PASS
