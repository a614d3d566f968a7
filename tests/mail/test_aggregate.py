"""Aggregate reports of DMARC: what was seen, what ours say, what those of others say."""

from datetime import UTC, datetime

import pytest

from mailservices.mail import aggregate
from mailservices.mail.aggregate import Policy, Report, Seen
from mailservices.mail.dmarc import Evaluation, Published, Record, Wish
from mailservices.mail.errors import ProtocolError
from mailservices.mail.findings import Finding, Result

BEGIN, END = datetime(2026, 5, 4, tzinfo=UTC), datetime(2026, 5, 5, tzinfo=UTC)
FINDINGS = (
    Finding("iprev", Result.PASS),
    Finding("spf", Result.FAIL, "", (("smtp.helo", "MX.sender.test"),)),
    Finding("spf", Result.PASS, "", (("smtp.mailfrom", "a@Sender.test"),)),
    Finding("spf", Result.NONE),
    Finding("dkim", Result.PASS, "", (("header.d", "sender.test"), ("header.s", "one"))),
    Finding("dkim", Result.NONE),
)
SEEN = Seen(
    "192.0.2.1", "reject", False, True, "sender.test", "b.sender.test", ("local_policy",),
    (("sender.test", "one", "pass"),), (("sender.test", "mfrom", "fail"),),
    Policy("reject", "none", "r", "s", "50"),
)  # fmt: skip


def judged(record: Record, *, dkim: bool = True) -> Evaluation:
    finding = Finding("dmarc", Result.PASS, "", (("header.from", "sender.test"),))
    return Evaluation(finding, Wish.NONE, Published("sender.test", record, dkim, False))


def test_what_was_seen_is_what_checks_have_found() -> None:
    record = Record(Wish.REJECT, strict_spf=True, percent=50, reports="mailto:a@sender.test")
    found = aggregate.seen("192.0.2.1", judged(record), Wish.NONE, FINDINGS, ["other"])
    assert found == Seen(
        "192.0.2.1", "none", True, False, "sender.test", "sender.test", ("other",),
        (("sender.test", "one", "pass"),), (("mx.sender.test", "helo", "fail"), ("sender.test", "mfrom", "pass")),
        Policy("reject", "reject", "r", "s", "50"),
    )  # fmt: skip
    strict = Record(Wish.NONE, Wish.QUARANTINE, strict_dkim=True, reports="mailto:a@sender.test")
    found = aggregate.seen("::1", judged(strict), Wish.NONE, ())
    assert found is not None
    assert (found.policy.sp, found.policy.adkim, found.envelope_from) == ("quarantine", "s", "")


def test_whoever_wants_no_report_is_not_counted() -> None:
    assert aggregate.seen("::1", judged(Record(Wish.NONE)), Wish.NONE, ()) is None
    assert aggregate.seen("::1", Evaluation(Finding("dmarc", Result.NONE)), Wish.NONE, ()) is None


def test_facts_are_read_as_they_were_written() -> None:
    assert aggregate.of_facts(SEEN.facts()) == SEEN


def test_a_report_of_ours_is_read_again_and_fits_the_schema() -> None:
    rows = ((SEEN, 3), (Seen("2001:db8::1", "none", True, True, "a&b<\x01.test"), 1))
    made = Report("mx.us.test", "postmaster@us.test", "1@us.test", "sender.test", BEGIN, END, rows, SEEN.policy)
    octets = aggregate.build(made)
    read = aggregate.read(octets)
    assert (read.organisation, read.email, read.report_id) == ("mx.us.test", "postmaster@us.test", "1@us.test")
    assert (read.domain, read.begin, read.end.timestamp()) == ("sender.test", BEGIN, END.timestamp() - 1)
    assert read.policy == SEEN.policy
    [(first, count), (second, _)] = read.rows
    assert (count, second.header_from) == (3, "a&b<\ufffd.test")
    assert first.policy == Policy()
    assert (first.reasons, first.signatures, first.senders) == (SEEN.reasons, SEEN.signatures, SEEN.senders)
    assert (first.source, first.disposition, first.dkim, first.spf) == ("192.0.2.1", "reject", False, True)


RECORD = (
    b"<record><row><source_ip>%s</source_ip><count>%s</count><policy_evaluated><disposition>%s</disposition>"
    b"</policy_evaluated></row></record>"
)
HEAD = (
    b"<feedback><report_metadata><org_name>o</org_name><date_range><begin>1</begin><end>2</end></date_range>"
    b"</report_metadata><policy_published><domain>Us.test.</domain></policy_published>"
)


def test_the_form_of_rfc_9990_is_read_too() -> None:
    record = RECORD % (b"192.0.2.1", b"1", b"pass")
    found = aggregate.read(
        HEAD.replace(b"<feedback>", b'<feedback xmlns="urn:ietf:params:xml:ns:dmarc-2.0">')
        + record
        + b"</feedback>"
    )
    assert (found.domain, found.rows[0][0].disposition) == ("us.test", "none")


@pytest.mark.parametrize(
    "octets",
    [
        b"<html/>",
        b"<feedback/>",
        HEAD.replace(b"<begin>1<", b"<begin>x<") + b"</feedback>",
        HEAD.replace(b"<begin>1<", b"<begin>9999999999<") + b"</feedback>",
        HEAD + RECORD % (b"nowhere", b"1", b"none") + b"</feedback>",
        HEAD + RECORD % (b"::1", b"-1", b"none") + b"</feedback>",
        HEAD + RECORD % (b"::1", "\u0661".encode(), b"none") + b"</feedback>",
        HEAD + RECORD % (b"::1", b"1", b"eaten") + b"</feedback>",
    ],
)
def test_what_says_nonsense_is_refused(octets: bytes) -> None:
    with pytest.raises(ProtocolError):
        aggregate.read(octets)
