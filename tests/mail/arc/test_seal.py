"""Sealing: the signing cases of the ARC test suite, octet by octet, and when nothing is sealed."""

import re

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from mailservices.mail import headers
from mailservices.mail.arc import chain
from mailservices.mail.arc.seal import OwnSet, seal
from mailservices.mail.dkim.canonical import Fields
from mailservices.mail.dkim.sign import Key
from mailservices.mail.dkim.tags import without_spaces
from mailservices.mail.findings import Result
from tests.mail.arc.cases import BODY, HEADER, NOW, Case, cases, sealed
from tests.mail.dkim.keys import digest_of, ed25519


def results_of(header: bytes, server: str) -> list[str]:
    """The results of all the fields of a server, as the suite wants them merged."""
    fields = [headers.unfold(value).decode() for value in headers.index(header).get(b"authentication-results", [])]
    return [one.strip() for field in fields if field.startswith(f"{server};") for one in field.split(";")[1:]]


def compact(value: str | bytes) -> list[str]:
    return without_spaces(value if isinstance(value, str) else value.decode()).split(";")


@pytest.mark.parametrize("case", cases("sign"), ids=str)
def test_the_suite(case: Case) -> None:
    test, scenario = case.test, case.scenario
    header, body = headers.split(case.message)
    results = results_of(header, test["srv-id"])
    told = [re.match(r"arc=(\w+)", one) for one in results]
    (validation, *more) = [Result(one[1]) for one in told if one] or [Result.NONE]
    private = load_pem_private_key(scenario["privatekey"].encode(), None)
    assert isinstance(private, RSAPrivateKey)
    key, domain, now = Key(scenario["sel"], private), scenario["domain"], test["t"]
    names, text = test["sig-headers"].split(":"), ";\r\n  ".join([test["srv-id"], *results])
    made = seal(header, digest_of(body), Result.FAIL if more else validation, text, key, domain, now, names)
    if not test["AS"]:
        assert made == b""
        return
    found = dict(headers.fields(made))
    assert compact(found[b"arc-message-signature"]) == compact(test["AMS"])
    assert compact(found[b"arc-authentication-results"]) == compact(test["AAR"])
    # Where a signature is folded is the signer's choice, and the seal covers the folds: the suite has none.
    cv = str(validation)
    aar, _, own = re.findall(rb"(ARC-[^\r]*\r\n(?:[ \t][^\r]*\r\n)*)", made)[::-1]
    ams = re.sub(rb"(?<![;:])\r\n[ \t]+", b"", made.replace(own, b"").replace(aar, b""))
    before = () if cv == "fail" else chain.read(Fields(header))
    number = chain.highest(Fields(header))[0] + 1
    unfolded = OwnSet(number, key, domain, now).seal(cv, [*(f for one in before for f in one.fields()), aar, ams])
    assert compact(unfolded.partition(b":")[2]) == compact(test["AS"])


def test_a_failure_is_sealed_once_and_alone() -> None:
    header = sealed(HEADER, Result.NONE, Result.FAIL)
    assert chain.highest(Fields(header)) == (2, "fail")
    assert sealed(header, Result.FAIL) == header


@pytest.mark.parametrize(
    ("header", "validation"),
    [
        (sealed(HEADER, Result.NONE), Result.TEMPERROR),
        (sealed(HEADER, Result.NONE), Result.NONE),
        (sealed(HEADER, Result.NONE).replace(b"ARC-Seal", b"Other"), Result.PASS),
        (HEADER, Result.PASS),
    ],
)
def test_what_did_not_pass_failed(header: bytes, validation: Result) -> None:
    made = seal(header, digest_of(BODY), validation, "a.test; none", ed25519(), "a.test", NOW)
    assert b"cv=fail" in made


def test_the_signatures_of_the_message_are_signed() -> None:
    made = sealed(b"DKIM-Signature: x\r\nDKIM-Signature: y\r\n" + HEADER, Result.NONE)
    assert made.count(b"dkim-signature") == 2


def test_fifty_are_enough() -> None:
    full = b"ARC-Seal: i=50; cv=pass\r\n" + HEADER
    assert seal(full, b"", Result.PASS, "a.test; none", ed25519(), "a.test", NOW) == b""
