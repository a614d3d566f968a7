"""The rules of RFC 3461 §5 and §6, case by case: from MAIL and RCPT to what the next host and the sender are told.

A case is a file in tests/reports/rules: what was received and what happened, an empty line, what is passed on and
reported. Lines of a case:

    MAIL ..., RCPT ...             as they came
    LEADS address: ends            where a recipient leads: mailbox, or other addresses; else it leads elsewhere
    HOST [features]: reply         what the next host knows, and says to each recipient
    NOWHERE: status words          there is no next host
    LARGE, LATE, OLD               the message is large; waits for hours; is at its end
    ENDS moment, ROUTE n days      an end that an administrator has chosen for it, or for all by that route
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from appliance import ROOT
from mailservices.mail import address, backoff, dsn, headers
from mailservices.mail.envelope import Envelope
from mailservices.mail.routing import Rule
from mailservices.protocols.smtp import commands, parameters
from mailservices.smtp import leaving
from mailservices.store.bodies import Body
from mailservices.store.delivery import Content
from mailservices.store.directory import Mailbox, Route
from mailservices.store.ids import new_id
from mailservices.store.outgoing import Outgoing
from mailservices.store.queue import QueuedMessage, QueuedRecipient
from mailservices.store.reports import ReportedRecipient
from workers import reports
from workers.outbound.commands import Parameters
from workers.outbound.line import destination_of
from workers.outbound.settle import Outcome, settle

RULES = ROOT / "tests" / "reports" / "rules"
CAME = datetime(2026, 7, 1, 8, 0, tzinfo=UTC)
HEADER = b"Subject: Hello\r\n\r\n"
OFFERED = ("DSN", "SMTPUTF8", "REQUIRETLS")


@dataclass
class Case:
    envelope: Envelope = field(default_factory=lambda: Envelope(None))
    leads: dict[str, list[str]] = field(default_factory=dict)
    features: dict[str, str] = field(default_factory=dict)
    outcome: Outcome | None = None
    size: int = 100
    now: datetime = CAME + timedelta(minutes=1)
    ends: datetime | None = None
    rules: tuple[Rule, ...] = ()


def read(lines: list[str]) -> Case:
    case = Case()
    for line in lines:
        word, _, rest = line.partition(" ")
        match word.rstrip(":"):
            case "MAIL" | "RCPT":
                match commands.parse(line.encode()):
                    case commands.Mail(sender, told):
                        case.envelope = Envelope(sender)
                        parameters.read_mail(case.envelope, told, OFFERED)
                    case commands.Rcpt(recipient, told):
                        one = parameters.read_rcpt(leaving.Recipient(recipient), told, OFFERED)
                        case.envelope.recipients.append(one)
            case "LEADS":
                name, _, ends = rest.partition(": ")
                case.leads[name] = ends.split(", ")
            case "HOST":
                known, _, reply = line.removeprefix("HOST").partition(": ")
                case.features = dict.fromkeys(known.split(), "")
                code, enhanced, text = reply.split(" ", 2)
                case.outcome = Outcome(
                    "rcpt", int(code), enhanced, text, "mx.far.test", "192.0.2.1", reports="DSN" in case.features
                )
            case "NOWHERE":
                enhanced, _, text = rest.partition(" ")
                case.outcome = Outcome("dns", 0, enhanced, text)
            case "LARGE":
                case.size = dsn.RETURNED_OCTETS + 1
            case "LATE" | "OLD":
                case.now = CAME + (backoff.LIFETIME if word == "OLD" else backoff.DELAY_NOTICE)
            case "ENDS":
                case.ends = datetime.fromisoformat(rest)
            case "ROUTE":
                case.rules = (Rule(1, lifetime=timedelta(days=int(rest.split()[0]))),)
            case other:
                raise AssertionError(other)
    return case


def routes(case: Case) -> Iterator[Route]:
    for one in case.envelope.recipients:
        ends = case.leads.get(str(one.address), [str(one.address)])
        boxes = tuple(Mailbox(1, 1, str(one.address), None, None) for end in ends if end == "mailbox")
        yield Route(boxes, tuple(address.parse(end) for end in ends if end != "mailbox"))


def queued(case: Case, *, signed_in: bool) -> Outgoing | None:
    identity = SimpleNamespace(account_id=1) if signed_in else None
    context = SimpleNamespace(config=SimpleNamespace(srs_key=b"k"))
    session: Any = SimpleNamespace(identity=identity, trace_id=new_id(), context=context)
    body = Body(new_id(), case.size - len(HEADER))
    content = Content(b"", HEADER, body, b"", b"", None)
    return leaving.outgoing(session, case.envelope, list(routes(case)), b"", content, "", CAME, held=False)


def told(case: Case, *, signed_in: bool = True) -> Iterator[str]:
    """What follows, line by line; of a message that was handed in, or that a stranger sent."""
    outgoing = queued(case, signed_in=signed_in)
    if outgoing is None:
        return
    message = QueuedMessage(
        outgoing.message_id, CAME, outgoing.expires_at, 1, outgoing.sender, outgoing.envid, outgoing.ret,
        outgoing.eightbit, outgoing.smtputf8, "", outgoing.size, b"", HEADER, outgoing.body.blob_id,
        require_tls=outgoing.require_tls,
    )  # fmt: skip
    waiting = [
        QueuedRecipient(
            number, message.message_id, one.address, one.orcpt, one.notify, 0, delay_reported=False,
            expires_at=case.ends, received_as=one.received_as,
        )
        for number, one in enumerate(outgoing.recipients)
        if not one.report
    ]  # fmt: skip
    kinds: dict[str, list[ReportedRecipient]] = {}
    for gone in outgoing.recipients:
        if gone.report:
            row = ReportedRecipient(0, gone.address, gone.destination, gone.orcpt, "")
            kinds.setdefault(gone.report, []).append(row)
    if waiting:
        said = Parameters(
            message.sender, message.size, message.eightbit, message.smtputf8, message.ret,
            parameters.encode_xtext(message.envid),
        )  # fmt: skip
        yield said.command(case.features).decode().strip()
    for one in waiting:
        yield destination_of(one).command(case.features).decode().strip()
        rule = reports.routing.holding(case.rules, None, message.sender, "far.test")
        attempt = settle(message, one, cast("Outcome", case.outcome), 0.1, case.now, rule)
        if attempt.report:
            row = ReportedRecipient(
                0, one.address, "far.test", one.orcpt, attempt.reply, case.ends, None, case.now, attempt.host,
                attempt.code, attempt.enhanced,
            )  # fmt: skip
            kinds.setdefault(attempt.report, []).append(row)
    for kind, rows in kinds.items():
        yield from reported(kind, message, rows, case)


def reported(kind: str, message: QueuedMessage, rows: list[ReportedRecipient], case: Case) -> Iterator[str]:
    body = b"Hello Bob\r\n" if reports.is_returned_whole(kind, message) else None
    original = dsn.Original(message.sender, message.envid, CAME, HEADER, body)
    fates = [reports.fate(kind, message, row, case.rules) for row in rows]
    octets = dsn.build(kind, original, fates, "mail.us.test", case.now)
    _, whole = headers.split(octets)
    boundary = whole.partition(b"\r\n--")[2].partition(b"\r\n")[0]
    _, _people, machines, returned, _ = whole.split(b"\r\n--" + boundary)
    returned_type = headers.first(returned.lstrip(), b"content-type") or b""
    yield f"report {kind}, with {returned_type.decode()}"
    for line in machines.decode().split("\r\n\r\n", 1)[1].rstrip().split("\r\n"):
        yield f"    {line}".rstrip()


def of_file(name: str) -> tuple[Case, list[str]]:
    given, _, wanted = (RULES / f"{name}.rule").read_text().partition("\n\n")
    return read([line for line in given.splitlines() if not line.startswith("#")]), wanted.splitlines()


@pytest.mark.parametrize("name", sorted(path.stem for path in RULES.glob("*.rule")))
def test_what_is_passed_on_and_reported(name: str) -> None:
    case, wanted = of_file(name)
    assert list(told(case)) == wanted


@pytest.mark.parametrize("name", sorted(path.stem for path in RULES.glob("alias-*.rule")))
def test_a_stranger_who_is_forwarded_is_treated_like_one_of_ours(name: str) -> None:
    case, (_, *wanted) = of_file(name)
    mail, *others = told(case, signed_in=False)
    # RFC 3461 §6.1 with mail/srs.py: reports find their way back through us.
    assert mail.startswith("MAIL FROM:<SRS0=")
    assert others == wanted
