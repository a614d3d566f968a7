"""What would happen? Each stage's verdict by the live code, for strangers and for our own; nothing of it stays."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client
from pytest_django import Settings

from mailservices.mail.openpgp import keys as openpgp_keys
from mailservices.mail.openpgp import mime as openpgp
from mailservices.mail.smime import signed as smime
from mailservices.mail.suppressing import HITS
from tests.mail_certificates import alone
from tests.world import NameServer
from webadmin.audit.record import OPERATOR, Actor
from webadmin.directory import actions as directory
from webadmin.directory import aliases
from webadmin.directory.administrators import create_administrator
from webadmin.directory.models import Account, Domain, Role
from webadmin.engine import Step
from webadmin.mailstore.models import Usage
from webadmin.policy import actions
from webadmin.policy.models import Greylisted
from webadmin.policy.rehearsals import ask
from webadmin.privacy import actions as keys
from webadmin.privacy import policy as privacy
from webadmin.queue import routes
from webadmin.queue.models import Suppression
from webadmin.trace.models import TraceEvent

pytestmark = pytest.mark.django_db(transaction=True)
OFF = {**dict.fromkeys(("spf", "dkim", "dmarc", "iprev", "helo"), "off"), "dnslists": False, "greylist": False}


@pytest.fixture(autouse=True)
def names(settings: Settings) -> Iterator[NameServer]:
    server = NameServer()
    settings.CONFIG = dataclasses.replace(settings.CONFIG, dns=(("127.0.0.1", server.port),))
    yield server
    server.close()


@pytest.fixture
def domain() -> Domain:
    return directory.create_domain(OPERATOR, "us.test")


@pytest.fixture
def alice(domain: Domain) -> Account:
    return directory.create_account(OPERATOR, "alice@us.test", "a passphrase", 10_000)


def asked(**more: Any) -> list[Step]:
    told = {"client": "192.0.2.7", "helo": "mx.far.test", "sender": "a@far.test", "recipient": "alice@us.test"}
    return ask(OPERATOR, **{**told, "size": 0, "account": "", "text": "", **more})


def verdicts(steps: list[Step]) -> dict[str, str]:
    return {step.name: step.outcome for step in steps}


def test_a_stranger_is_asked_by_every_stage_of_the_policy(
    domain: Domain, alice: Account, names: NameServer
) -> None:
    actions.change_inbound(OPERATOR, domain, **(OFF | {"spf": "junk", "iprev": "note"}))
    names.say("far.test", "v=spf1 -all")
    steps = asked()
    told = verdicts(steps)
    assert (told["SPF"], told["Reverse DNS"], told["Delivery"]) == ("junk", "accept", "junk")
    assert steps[-1].words == "Into Junk of alice@us.test."
    assert ("spf", "fail") in [(one.method, one.result) for step in steps for one in step.findings]
    names.say("far.test", "v=spf1 ip4:192.0.2.7 -all")
    assert asked()[-1].words == "Into INBOX of alice@us.test."


def test_what_is_refused_ends_there_with_the_reply(domain: Domain, alice: Account, names: NameServer) -> None:
    actions.change_inbound(OPERATOR, domain, **(OFF | {"spf": "refuse"}))
    names.say("far.test", "v=spf1 -all")
    last = asked()[-1]
    assert (last.name, last.outcome, last.reply[:3]) == ("SPF", "refuse", "550")


def test_nothing_stays_of_it(domain: Domain, alice: Account) -> None:
    actions.change_inbound(OPERATOR, domain, **(OFF | {"greylist": True}))
    for _ in range(2):
        last = asked()[-1]
        assert (last.name, last.outcome) == ("Greylisting", "later")
    assert not Greylisted.objects.exists()
    assert not TraceEvent.objects.exists()


@pytest.mark.parametrize(
    ("more", "name", "outcome", "words"),
    [
        ({"recipient": "nobody@us.test"}, "Recipient", "refuse", ""),
        ({"recipient": "x@far.test"}, "Recipient", "refuse", "cannot relay"),
        ({"recipient": ""}, "Recipient", "refuse", "needed"),
        ({"recipient": "no address"}, "Recipient", "refuse", ""),
        ({"sender": "no address"}, "Sender", "refuse", ""),
        ({"size": 2**31}, "Size", "refuse", "At most"),
        ({"size": 20_000}, "Mailbox", "refuse", "larger than all"),
        ({"size": 9_500}, "Mailbox", "later", "full"),
        ({"account": "nobody@us.test"}, "Sign-in", "refuse", "no account"),
        ({"account": "alice@us.test"}, "Sender", "refuse", ""),
    ],
)
def test_what_ends_it_before_the_stages(
    alice: Account, more: dict[str, Any], name: str, outcome: str, words: str
) -> None:
    Usage.objects.filter(account=alice).update(bytes=1000)
    last = asked(**more)[-1]
    assert (last.name, last.outcome) == (name, outcome)
    assert words in last.words


def test_our_own_send_anywhere_by_the_route_that_holds(alice: Account) -> None:
    own = {"account": "alice@us.test", "sender": "alice@us.test", "recipient": "x@far.test"}
    assert "the DNS names for far.test" in asked(**own)[-1].words
    routes.create_route(OPERATOR, recipient="far.test", host="relay.test", tls="encrypted")
    assert "by relay.test (a route of yours, TLS encrypted)" in asked(**own)[-1].words
    Suppression.objects.create(address="x@far.test", hits=HITS, reason="nobody", expires_at="2100-01-01T00:00Z")
    assert "suppressed: nobody" in asked(**own)[-1].words


def test_a_list_is_for_whom_it_is(alice: Account) -> None:
    aliases.create_alias(OPERATOR, "team@us.test", ["alice@us.test"], posting="domain")
    assert verdicts(asked(recipient="team@us.test"))["Recipient"] == "refuse"
    own = {"account": "alice@us.test", "sender": "alice@us.test"}
    assert asked(recipient="team@us.test", **own)[-1].outcome == "accept"


def test_who_is_trusted_and_who_has_no_policy_is_not_checked(domain: Domain, alice: Account) -> None:
    actions.change_inbound(OPERATOR, domain, **OFF)
    assert "Policy" in verdicts(asked())
    actions.trust_network(OPERATOR, "192.0.2.0/24")
    assert verdicts(asked())["Network"] == "accept"


def test_the_text_is_looked_at_where_there_is_one(domain: Domain, alice: Account, names: NameServer) -> None:
    actions.change_inbound(OPERATOR, domain, **(OFF | {"dkim": "note"}))
    assert "Message" in verdicts(asked())
    assert "Message" not in verdicts(asked(text="From: a@far.test\nSubject: x\n\nHello\n"))
    loop = "".join("Received: from a by b; Thu, 1 Jan 2026 00:00:00 +0000\n" for _ in range(200))
    assert asked(text=f"{loop}From: a@far.test\n\nHello\n")[-1].outcome == "refuse"


def test_by_page_and_by_rest(client: Client, alice: Account) -> None:
    client.force_login(create_administrator("root", "a long passphrase"))
    form = {"sender": "a@far.test", "recipient": "nobody@us.test", "client": "192.0.2.7"}
    assert b"This would happen" in client.post("/rehearsal/", form).content
    answer = client.post("/rehearsal/", {**form, "client": "nonsense"})
    assert b"An IP address" in answer.content
    assert b'value="nonsense"' in answer.content
    told = client.post("/api/v1/rehearsals/", form, content_type="application/json").json()
    assert (told[-1]["name"], told[-1]["outcome"]) == ("Recipient", "refuse")
    assert client.post("/api/v1/rehearsals/", {}, content_type="application/json").status_code == 400


def test_it_is_asked_of_what_one_reaches_only(domain: Domain, alice: Account) -> None:
    other = directory.create_domain(OPERATOR, "other.test")
    who = Actor(create_administrator("dora", "a long passphrase", role=Role.DOMAIN, domains=[other]))
    told = {"client": "192.0.2.7", "helo": "", "sender": "", "size": 0, "account": "", "text": ""}
    with pytest.raises(PermissionDenied):
        ask(who, recipient="alice@us.test", **told)
    assert ask(who, recipient="x@other.test", **told)[-1].name == "Recipient"
    with pytest.raises(ValidationError):
        ask(OPERATOR, recipient="alice@us.test", **{**told, "client": "x"})


def test_what_is_signed_is_told(domain: Domain, alice: Account) -> None:
    """S/MIME by itself; OpenPGP by the keys of whom it is for."""
    actions.change_inbound(OPERATOR, domain, **(OFF | {"dkim": "note"}))
    issued, pair = alone("a@far.test"), openpgp_keys.generate("", "a@far.test")
    assert pair.secret is not None
    keys.upload(OPERATOR, alice, pair.public, ours=False)
    payload = b"Content-Type: text/plain\r\n\r\nHello.\r\n"
    told = {}
    for entity in (smime.sign(payload, issued.der, b"", issued.pkcs8), openpgp.sign(payload, pair.secret)):
        text = b"From: a@far.test\r\nMIME-Version: 1.0\r\n" + entity.fields + b"\r\n" + entity.body
        [step] = [one for one in asked(text=text.decode()) if one.name == "S/MIME and OpenPGP"]
        told |= {one.method: (one.result.value, one.reason) for one in step.findings}
    assert told == {"smime": ("policy", "untrusted: it is signed by itself"), "x-openpgp": ("pass", "")}


def test_how_it_would_leave_is_told(domain: Domain, alice: Account) -> None:
    directory.create_account(OPERATOR, "bob@us.test", "a passphrase")
    told = {"account": "alice@us.test", "sender": "alice@us.test", "recipient": "bob@us.test"}
    assert "Private mail" not in verdicts(asked(**told))
    privacy.change_policy(OPERATOR, alice, sign="smime", encrypt="possible")
    assert words(asked(**told)) == "It leaves as it is: keys are lacking."
    keys.upload(OPERATOR, alice, alone("alice@us.test").pem.encode())
    assert words(asked(**told)) == "It leaves signed (S/MIME)."
    privacy.change_policy(OPERATOR, alice, encrypt="required")
    last = asked(**told)[-1]
    assert (last.name, last.outcome) == ("Private mail", "refuse")
    assert last.reply.startswith("550 5.7.10 ")
    assert "no key of bob@us.test" in last.words
    keys.upload(OPERATOR, domain, alone("bob@us.test").der)
    assert words(asked(**told)) == "It leaves signed (S/MIME), encrypted (S/MIME)."


def words(steps: list[Step]) -> str:
    return next(step.words for step in steps if step.name == "Private mail")
