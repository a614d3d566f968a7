"""Where reports go: rua= of DMARC and of TLS, and the consent of those who are outside."""

import pytest

from mailservices.mail import destinations
from mailservices.mail.destinations import DESTINATIONS, Destination, mail_destinations, tls_destinations
from mailservices.mail.questions import Answer, Found, Question, Trouble, Txt
from tests.mail.asking import run

RED = Destination("reports@red.test")


@pytest.mark.parametrize(
    ("rua", "expected"),
    [
        ("mailto:a@b.test", [Destination("a@b.test")]),
        (" MAILTO:a@B.test!10m , mailto:c@d.test!5K", [
            Destination("a@b.test", limit=10 << 20), Destination("c@d.test", limit=5 << 10),
        ]),
        ("mailto:a%2Bb@c.test?subject=x!y", [Destination("a+b@c.test")]),
        ("mailto:a@b.test!700", [Destination("a@b.test", limit=700)]),
        ("mailto:nobody,https://b.test/,ftp://x,", []),
        (",".join(f"mailto:{number}@b.test" for number in range(9)), [
            Destination(f"{number}@b.test") for number in range(DESTINATIONS)
        ]),
    ],
)  # fmt: skip
def test_addresses_are_read_and_nonsense_passed_over(rua: str, expected: list[Destination]) -> None:
    assert list(mail_destinations(rua)) == expected


def test_reports_on_tls_may_be_posted() -> None:
    found = tls_destinations("mailto:a@b.test,https://r.test/v1?x=y,http://plain.test/,https:///")
    assert found == (Destination("a@b.test"), Destination(url="https://r.test/v1?x=y"))
    assert [one.host for one in found] == ["b.test", ""]


def asked(answers: dict[Question, Answer], *wished: Destination) -> tuple[Destination, ...] | None:
    return run(destinations.permitted("blue.test", wished), answers)[0]


NAME = Txt("blue.test._report._dmarc.red.test")


def test_ones_own_organisation_is_not_asked() -> None:
    own = Destination("a@mail.blue.test")
    assert run(destinations.permitted("blue.test", [own]), {}) == ((own,), [])


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ((b"v=DMARC1",), (RED,)),
        ((b"something", b"v=DMARC1;"), (RED,)),
        ((b"v=spf1 -all",), ()),
        ((b"v=DMARC1; rua=mailto:other@red.test",), (Destination("other@red.test"),)),
        ((b"v=DMARC1; rua=mailto:victim@green.test",), ()),
        ((b"v=DMARC1; rua=mailto:other@red.test,mailto:victim@green.test",), ()),
    ],
)
def test_those_outside_have_to_consent(texts: tuple[bytes, ...], expected: tuple[Destination, ...]) -> None:
    assert asked({NAME: Found(texts)}, RED) == expected


def test_who_says_nothing_gets_nothing_and_who_cannot_be_asked_is_asked_again() -> None:
    assert asked({}, RED) == ()
    assert asked({NAME: Trouble("x")}, RED) is None


@pytest.mark.parametrize(
    ("texts", "rua"),
    [
        ([b"v=TLSRPTv1; rua=mailto:a@b.test"], "mailto:a@b.test"),
        ([b"v=TLSRPTv1;rua=https://b.test/;"], "https://b.test/"),
        ([b"v=TLSRPTv1"], ""),
        ([b"v=spf1", b"v=TLSRPTv2; rua=mailto:a@b.test"], ""),
        ([b"v=TLSRPTv1; rua=a", b"v=TLSRPTv1; rua=b"], ""),
    ],
)
def test_a_domain_says_to_whom_reports_on_tls_go(texts: list[bytes], rua: str) -> None:
    assert destinations.tls_rua(texts) == rua
    assert destinations.tls_name("b.test") == "_smtp._tls.b.test"
