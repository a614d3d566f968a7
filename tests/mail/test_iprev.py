"""Forward-confirmed reverse DNS, with answers that a test writes."""

import pytest

from mailservices.mail import iprev
from mailservices.mail.findings import Finding, Result
from mailservices.mail.questions import Addresses, Answer, Found, Missing, Nothing, Ptr, Question, Trouble
from tests.mail.asking import run

ADDRESS = "192.0.2.1"


@pytest.mark.parametrize(
    ("answers", "result"),
    [
        ({Ptr(ADDRESS): Missing()}, Result.PERMERROR),
        ({Ptr(ADDRESS): Nothing()}, Result.PERMERROR),
        ({Ptr(ADDRESS): Trouble("x")}, Result.TEMPERROR),
        ({Ptr(ADDRESS): Found(("a.test",)), Addresses("a.test", 4): Found((ADDRESS,))}, Result.PASS),
        ({Ptr(ADDRESS): Found(("a.test",)), Addresses("a.test", 4): Found(("192.0.2.9",))}, Result.FAIL),
        ({Ptr(ADDRESS): Found(("a.test",)), Addresses("a.test", 4): Missing()}, Result.FAIL),
        ({Ptr(ADDRESS): Found(("a.test",)), Addresses("a.test", 4): Trouble("x")}, Result.TEMPERROR),
        (
            {
                Ptr(ADDRESS): Found(("a.test", "b.test")),
                Addresses("a.test", 4): Trouble("x"),
                Addresses("b.test", 4): Found((ADDRESS,)),
            },
            Result.PASS,
        ),
    ],
)
def test_the_name_must_lead_back(answers: dict[Question, Answer], result: Result) -> None:
    found, _ = run(iprev.check(ADDRESS), answers)
    assert found.result is result
    assert found.properties == (("policy.iprev", ADDRESS),)


def test_ipv6_is_compared_as_an_address() -> None:
    answers: dict[Question, Answer] = {
        Ptr("2001:db8::1"): Found(("a.test",)),
        Addresses("a.test", 6): Found(("2001:0db8::0001",)),
    }
    found, _ = run(iprev.check("2001:db8::1"), answers)
    assert found == Finding("iprev", Result.PASS, "", (("policy.iprev", "2001:db8::1"),))


def test_no_more_names_are_asked_for_than_the_limit() -> None:
    names = tuple(f"n{number}.test" for number in range(100))
    _, asked = run(iprev.check(ADDRESS), {Ptr(ADDRESS): Found(names)})
    assert len(asked) == 1 + iprev.NAMES
