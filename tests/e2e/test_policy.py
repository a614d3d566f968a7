"""Mail from the world under a domain's policy, through real sockets: what is asked, what is found, where it goes.

Clients say by the PROXY protocol which address they have; the DNS is a name server of the tests.
"""

import smtplib
import socket
import time
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from mailservices.mail.dnslist import ListEffect
from mailservices.store.policy import KEPT_SECONDS
from tests.conftest import Person
from tests.services import Services, until
from webadmin.audit.record import OPERATOR
from webadmin.directory import aliases
from webadmin.directory.models import Domain
from webadmin.mailstore.models import Content, Mailbox, Message
from webadmin.policy import actions
from webadmin.policy.models import DnsList, Greylisted, Limit, TrustedNetwork
from webadmin.queue.models import Recipient
from webadmin.trace.models import TraceEvent

OFF = {**dict.fromkeys(("spf", "dkim", "dmarc", "iprev", "helo"), "off"), "dnslists": False, "greylist": False}
STRANGER = "192.0.2.11"


class Client(smtplib.SMTP):
    """A client of this address."""

    def __init__(self, world: Services, address: str, port: str = "world") -> None:
        self._address = address
        super().__init__("127.0.0.1", world.ports[port], local_hostname="host.sender.test", timeout=30)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        made = socket.create_connection((host, port), timeout)
        family = "TCP6" if ":" in self._address else "TCP4"
        made.sendall(f"PROXY {family} {self._address} {self._address} 4000 25\r\n".encode())
        return made


@pytest.fixture
def strict(world: Services, domain: Domain) -> Iterator[Services]:
    """The world, and afterwards nothing of what a test said there."""
    yield world
    world.names.zone.clear()
    world.names.failing.clear()
    for kind in (DnsList, TrustedNetwork, Limit):
        kind.objects.all().delete()  # type: ignore[attr-defined]


def wish(domain: Domain, **wishes: Any) -> None:
    """Only these checks are made; seen by the services when this returns."""
    actions.change_inbound(OPERATOR, domain, **(OFF | wishes))
    time.sleep(KEPT_SECONDS)


def send(
    world: Services,
    to: str,
    address: str = STRANGER,
    sender: str = "a@sender.test",
    text: str = "From: a@sender.test",
) -> str:
    """The reply that decides: "250", or the refusal's code with its words."""
    with Client(world, address) as client:
        try:
            client.sendmail(sender, [to], f"{text}\r\n\r\nHello\r\n")
        except smtplib.SMTPRecipientsRefused as error:
            code, words = error.recipients[to]
        except smtplib.SMTPResponseException as error:
            code, words = error.smtp_code, error.smtp_error
        else:
            return "250"
        return f"{code} {words.decode() if isinstance(words, bytes) else words}"


def greeting(world: Services, address: str) -> str:
    """The first line that the server says."""
    with world.connect("world") as client, client.makefile("rb") as lines:
        client.sendall(f"PROXY TCP4 {address} {address} 4000 25\r\n".encode())
        return lines.readline().decode()


def folder_of(person: Person) -> str:
    """Where her one message lies."""
    message = Message.objects.get(account_id=person.account_id)
    return Mailbox.objects.get(account_id=person.account_id, mailbox_id=message.mailbox_id).name


def prefix_of(person: Person) -> str:
    return bytes(Content.objects.get(account_id=person.account_id).prefix).decode()


def detail(kind: str, recipient: str) -> str:
    return until(lambda: TraceEvent.objects.filter(kind=kind, recipient=recipient).first()).detail


def test_junk_goes_to_the_junk_folder_and_says_why(strict: Services, domain: Domain, alice: Person) -> None:
    strict.names.say("sender.test", "v=spf1 -all")
    wish(domain, spf="junk")
    assert send(strict, alice.address) == "250"
    assert folder_of(alice) == "Junk"
    assert "\r\nX-Junk-Reason: spf=fail sender.test; spf=fail" in prefix_of(alice)
    assert detail("delivered", alice.address).startswith("to Junk: spf=fail sender.test")
    assert detail("accepted", alice.address).startswith("spf=fail")


def test_a_junk_folder_that_is_missing_is_made(strict: Services, domain: Domain, alice: Person) -> None:
    Mailbox.objects.filter(account_id=alice.account_id, name="Junk").delete()
    strict.names.say("sender.test", "v=spf1 ~all")
    wish(domain, spf="refuse")
    assert send(strict, alice.address) == "250"
    assert folder_of(alice) == "Junk"
    assert Mailbox.objects.get(account_id=alice.account_id, name="Junk").special_use == "Junk"


def test_what_is_noted_only_is_delivered(strict: Services, domain: Domain, alice: Person) -> None:
    strict.names.say("sender.test", "v=spf1 -all")
    wish(domain, spf="note", iprev="note", helo="note", dmarc="note")
    strict.names.say("_dmarc.sender.test", "v=DMARC1; p=reject")
    assert send(strict, alice.address) == "250"
    assert folder_of(alice) == "INBOX"
    assert "X-Junk-Reason" not in prefix_of(alice)
    assert detail("accepted", alice.address) == "iprev=permerror spf=fail spf=none dkim=none dmarc=fail"


def test_dmarc_is_applied_by_default(strict: Services, domain: Domain, alice: Person) -> None:
    strict.names.say("_dmarc.sender.test", "v=DMARC1; p=reject")
    assert send(strict, alice.address).startswith("550 5.7.26")
    strict.names.say("sender.test", f"v=spf1 ip4:{STRANGER} -all")
    assert until(lambda: send(strict, alice.address) == "250")
    assert folder_of(alice) == "INBOX"


def test_a_policy_that_cannot_be_looked_up_delays(strict: Services, domain: Domain, alice: Person) -> None:
    strict.names.failing.add("_dmarc.unsure.test")
    assert send(strict, alice.address, text="From: a@unsure.test").startswith("451 4.7.0")
    assert "dmarc=temperror" in detail("refused", alice.address)
    wish(domain, dmarc="note")
    assert send(strict, alice.address, text="From: a@unsure.test") == "250"


def test_the_null_sender_is_its_greeting(strict: Services, domain: Domain, alice: Person) -> None:
    strict.names.say("host.sender.test", "v=spf1 -all")
    wish(domain, spf="refuse")
    assert send(strict, alice.address, sender="").startswith("550 5.7.23")
    # With a sender of its own, what the greeting's record says is only noted.
    assert send(strict, alice.address, sender="a@silent.test") == "250"


def test_reverse_dns_that_leads_back_passes(strict: Services, domain: Domain, alice: Person) -> None:
    wish(domain, iprev="refuse")
    assert send(strict, alice.address, "2001:db8::7").startswith("550 5.7.25")
    strict.names.call("2001:db8::7", "v6.sender.test")
    assert send(strict, alice.address, "2001:db8::7") == "250"
    strict.names.failing.add("12.2.0.192.in-addr.arpa")
    assert send(strict, alice.address, "192.0.2.12").startswith("451 4.7.0")


@pytest.mark.parametrize(
    ("effect", "ends"), [("note", "INBOX"), ("junk", "Junk"), ("refuse", ""), ("allow", "INBOX")]
)
def test_a_list_has_its_effect(
    strict: Services, domain: Domain, alice: Person, effect: ListEffect, ends: str
) -> None:
    actions.create_dnslist(OPERATOR, f"{effect}.bl.test", effect, "127.0.0.2-3")
    strict.names.zone[f"66.2.0.192.{effect}.bl.test", "A"] = ["127.0.0.3"]
    strict.names.say(f"66.2.0.192.{effect}.bl.test", "Seen with a trap")
    wish(domain, dnslists=True)
    reply = send(strict, alice.address, "192.0.2.66")
    if ends:
        assert reply == "250"
        assert folder_of(alice) == ends
    else:
        assert reply.startswith("554 5.7.1 Your address is on a blocklist: refuse.bl.test")
        assert "Seen with a trap" in detail("refused", alice.address)


def test_an_error_of_a_list_is_no_hit(strict: Services, domain: Domain, alice: Person) -> None:
    actions.create_dnslist(OPERATOR, "broken.bl.test", "refuse")
    strict.names.zone["66.2.0.192.broken.bl.test", "A"] = ["127.255.255.254"]
    wish(domain, dnslists=True)
    assert send(strict, alice.address, "192.0.2.66") == "250"


def test_a_list_that_is_silent_delays(strict: Services, domain: Domain, alice: Person) -> None:
    actions.create_dnslist(OPERATOR, "silent.bl.test", "refuse")
    strict.names.failing.add("67.2.0.192.silent.bl.test")
    wish(domain, dnslists=True)
    assert send(strict, alice.address, "192.0.2.67").startswith("451 4.7.0")


def test_an_allowlist_outweighs_a_blocklist(strict: Services, domain: Domain, alice: Person) -> None:
    for zone, effect in (("good.test", "allow"), ("bad.test", "refuse")):
        actions.create_dnslist(OPERATOR, zone, effect)
        strict.names.zone[f"68.2.0.192.{zone}", "A"] = ["127.0.0.2"]
    wish(domain, dnslists=True, greylist=True)
    assert send(strict, alice.address, "192.0.2.68") == "250"


def test_a_stranger_that_comes_again_passes_the_greylist(strict: Services, domain: Domain, alice: Person) -> None:
    wish(domain, greylist=True)
    assert send(strict, alice.address).startswith("451 4.7.1 Not known yet")
    assert send(strict, alice.address).startswith("451 4.7.1")
    rows = Greylisted.objects.filter(recipient=alice.address)
    rows.update(first_seen=timezone.now() - timedelta(days=3))
    assert send(strict, alice.address).startswith("451 4.7.1"), "too late: it begins anew"
    rows.update(first_seen=timezone.now() - timedelta(minutes=6))
    assert send(strict, alice.address, "192.0.2.99") == "250", "a neighbour in the same /24"


def test_a_trusted_network_is_not_checked(strict: Services, domain: Domain, alice: Person) -> None:
    strict.names.say("sender.test", "v=spf1 -all")
    actions.trust_network(OPERATOR, "198.51.100.0/24")
    wish(domain, spf="refuse", greylist=True)
    assert send(strict, alice.address, "198.51.100.7") == "250"
    assert send(strict, alice.address).startswith("550 5.7.23")


def test_one_address_may_come_only_so_often(strict: Services, domain: Domain, alice: Person) -> None:
    actions.change_limit(OPERATOR, "messages", 1)
    wish(domain)
    replies = [send(strict, alice.address, "203.0.113.5") for _ in range(4)]
    assert [one for one in replies if one.startswith("450 4.7.1 Too many messages")]
    assert send(strict, alice.address, "203.0.113.6") == "250"
    actions.change_limit(OPERATOR, "connections", 1)
    time.sleep(KEPT_SECONDS)
    assert [one for one in [greeting(strict, "203.0.113.8") for _ in range(4)] if one.startswith("421 4.7.0")]


def test_what_was_sent_on_does_not_go_round(strict: Services, domain: Domain) -> None:
    alias = f"info@{domain.name}"
    aliases.create_alias(OPERATOR, alias, ["x@elsewhere.test"])
    wish(domain)
    assert send(strict, alias) == "250"
    sent = Recipient.objects.select_related("message").get(
        address="x@elsewhere.test", message__sender__endswith=f"=sender.test=a@{domain.name}"
    )
    assert bytes(sent.message.prefix).decode().startswith(f"Delivered-To: {alias}\r\n")
    assert send(strict, alias, text=f"Delivered-To: {alias}\r\nFrom: a@sender.test").startswith("554 5.4.6")


def test_nothing_is_asked_of_who_signs_in(strict: Services, domain: Domain, alice: Person, bob: Person) -> None:
    wish(domain, spf="refuse", iprev="refuse", helo="refuse", greylist=True)
    strict.names.asked.clear()
    with smtplib.SMTP("127.0.0.1", strict.ports["submission"], timeout=20) as client:
        client.login(bob.address, bob.password)
        client.sendmail(bob.address, [alice.address], "Subject: x\r\n\r\nHello\r\n")
    assert folder_of(alice) == "INBOX"
    assert strict.names.asked == []


def test_verdicts_and_findings_are_counted(strict: Services, domain: Domain, alice: Person) -> None:
    strict.names.say("sender.test", "v=spf1 -all")
    wish(domain, spf="refuse")
    assert send(strict, alice.address).startswith("550")
    port = strict.ports["world_smtp_health"]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        told = answer.read().decode()
    assert 'facteur_verdicts_total{outcome="refuse",stage="spf"}' in told
    assert 'facteur_findings_total{method="spf",result="fail"}' in told
