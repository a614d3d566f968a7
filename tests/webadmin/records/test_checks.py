"""Found, wrong, missing or unknown: each check against what a name server says; the DNS is a dict."""

from collections.abc import Mapping

import pytest

from mailservices.mail.questions import (
    Addresses,
    Answer,
    Flow,
    Found,
    Missing,
    Mx,
    Ptr,
    Question,
    Smimea,
    Srv,
    Tlsa,
    Trouble,
    Txt,
)
from webadmin.records import checks
from webadmin.records.checks import Verdict

HOST = "mail.us.test"
HERE = {Addresses(HOST): Found(("192.0.2.1",))}
TLS_REPORTS = Txt("_smtp._tls.us.test")
DIGEST = bytes(32)


def asked(flow: Flow[Verdict], zone: Mapping[Question, Answer]) -> Verdict:
    """What the check comes to; what the zone does not have is not there."""
    try:
        question = next(flow)
        while True:
            question = flow.send(zone.get(question, Missing()))
    except StopIteration as done:
        verdict: Verdict = done.value
        return verdict


def texts(*records: str) -> Found:
    return Found(tuple(one.encode() for one in records))


@pytest.mark.parametrize(
    ("flow", "zone", "state"),
    [
        (checks.mx("us.test", HOST), {Mx("us.test"): Found(((10, HOST),))}, "found"),
        (checks.mx("us.test", HOST), {Mx("us.test"): Found(((20, "b.test"), (10, HOST)))}, "found"),
        (checks.mx("us.test", HOST), {Mx("us.test"): Found(((5, "b.test"), (10, HOST)))}, "wrong"),
        (checks.mx("us.test", HOST), {Mx("us.test"): Found(((10, "b.test"),))}, "wrong"),
        (checks.mx("us.test", HOST), {}, "missing"),
        (checks.mx("us.test", HOST), {Mx("us.test"): Trouble("silence")}, "unknown"),
        (checks.addresses(HOST), {Addresses(HOST): Found(("192.0.2.1",))}, "found"),
        (checks.addresses(HOST), {}, "missing"),
        (checks.pointers(HOST), {}, "unknown"),
        (checks.pointers(HOST), {**HERE, Ptr("192.0.2.1"): Found((HOST,))}, "found"),
        (checks.pointers(HOST), {**HERE, Ptr("192.0.2.1"): Found(("x",))}, "wrong"),
        (checks.pointers(HOST), {Addresses(HOST): Found(("192.0.2.1",))}, "wrong"),
        (
            checks.pointers(HOST),
            {**HERE, Ptr("192.0.2.1"): Trouble("silence")},
            "unknown",
        ),
        (
            checks.points_here("a.test", HOST),
            {Addresses(HOST): Found(("192.0.2.1",)), Addresses("a.test"): Found(("192.0.2.1",))},
            "found",
        ),
        (
            checks.points_here("a.test", HOST),
            {Addresses(HOST): Found(("192.0.2.1",)), Addresses("a.test"): Found(("192.0.2.2",))},
            "wrong",
        ),
        (checks.points_here("a.test", HOST), {Addresses("a.test"): Found(("192.0.2.2",))}, "wrong"),
        (checks.points_here("a.test", HOST), {}, "missing"),
        (checks.srv("_imaps", 993, HOST), {Srv("_imaps"): Found((f"0 1 993 {HOST}",))}, "found"),
        (checks.srv("_imaps", 993, HOST), {Srv("_imaps"): Found((f"0 1 143 {HOST}",))}, "wrong"),
        (checks.srv("_imaps", 993, HOST), {}, "missing"),
        (checks.spf("us.test"), {Txt("us.test"): texts("v=spf1 mx -all", "other")}, "found"),
        (checks.spf("us.test"), {Txt("us.test"): texts("v=spf1 mx -all", "v=spf1 -all")}, "wrong"),
        (checks.spf("us.test"), {Txt("us.test"): texts("v=spf10 mx")}, "missing"),
        (checks.dkim("s", "v=DKIM1; p=abcd"), {Txt("s"): texts("v=DKIM1; k=rsa; p=ab cd")}, "found"),
        (checks.dkim("s", "v=DKIM1; p=abcd"), {Txt("s"): texts("v=DKIM1; p=other")}, "wrong"),
        (checks.dkim("s", "v=DKIM1; p=abcd"), {}, "missing"),
        (checks.dmarc_policy("us.test", ""), {Txt("_dmarc.us.test"): texts("v=DMARC1; p=reject")}, "found"),
        (checks.dmarc_policy("us.test", ""), {Txt("_dmarc.us.test"): texts("v=DMARC1; p=perhaps")}, "wrong"),
        (checks.dmarc_policy("us.test", ""), {}, "missing"),
        (checks.tls_reports("us.test", "r@us.test"), {TLS_REPORTS: texts("v=TLSRPTv1; rua=x")}, "wrong"),
        (
            checks.tls_reports("us.test", "r@us.test"),
            {TLS_REPORTS: texts("v=TLSRPTv1; rua=mailto:R@us.test")},
            "found",
        ),
        (checks.tls_reports("us.test", "r@us.test"), {}, "missing"),
        (checks.exactly("c", "v=DMARC1"), {Txt("c"): texts("v=DMARC1")}, "found"),
        (checks.exactly("c", "v=DMARC1"), {}, "missing"),
        (checks.sts("us.test", "2"), {Txt("_mta-sts.us.test"): texts("v=STSv1; id=2")}, "found"),
        (checks.sts("us.test", "2"), {Txt("_mta-sts.us.test"): texts("v=STSv1; id=1")}, "wrong"),
        (checks.sts("us.test", "2"), {Txt("_mta-sts.us.test"): texts("nonsense")}, "missing"),
        (checks.sts("us.test", "2"), {}, "missing"),
        (checks.tlsa("_25", [DIGEST]), {Tlsa("_25"): Found((b"\3\1\1" + DIGEST,), secure=True)}, "found"),
        (checks.tlsa("_25", [DIGEST]), {Tlsa("_25"): Found((b"\3\1\1" + bytes(31) + b"x",))}, "wrong"),
        (checks.tlsa("_25", [DIGEST]), {Tlsa("_25"): Found((b"\2\1\1" + DIGEST,))}, "wrong"),
        (checks.tlsa("_25", [DIGEST]), {}, "missing"),
        (checks.smimea("a", b"\3\0\0x"), {Smimea("a"): Found((b"\3\0\0x",), secure=True)}, "found"),
        (checks.smimea("a", b"\3\0\0x"), {Smimea("a"): Found((b"\3\0\0y", b"\3\0\0x"))}, "found"),
        (checks.smimea("a", b"\3\0\0x"), {Smimea("a"): Found((b"\3\0\0y",))}, "wrong"),
        (checks.smimea("a", b"\3\0\0x"), {}, "missing"),
    ],
)  # fmt: skip
def test_a_check(flow: Flow[Verdict], zone: Mapping[Question, Answer], state: str) -> None:
    assert asked(flow, zone).state == state


def test_what_is_there_but_weak_is_said() -> None:
    zone = {Txt("_dmarc.us.test"): texts("v=DMARC1; p=none")}
    words = asked(checks.dmarc_policy("us.test", "r@us.test"), zone).words
    assert "only watches" in words
    assert "do not come to r@us.test" in words
    unsigned = {Tlsa("_25"): Found((b"\3\1\1" + DIGEST,))}
    assert "DNSSEC" in asked(checks.tlsa("_25", [DIGEST]), unsigned).words
