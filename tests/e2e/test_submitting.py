"""What our own people hand in: in whose name, and what is put right before it leaves."""

import smtplib
import ssl

import pytest

from tests.conftest import Person
from tests.e2e.test_sending import inbox
from tests.services import Services, until
from webadmin.audit.record import OPERATOR
from webadmin.directory import actions, aliases
from webadmin.directory.models import Account, Domain
from webadmin.policy.models import Notice
from webadmin.queue import actions as queue


def submit(services: Services, person: Person, text: str, sender: str = "", to: str = "") -> tuple[int, bytes]:
    with smtplib.SMTP("127.0.0.1", services.ports["submission"], timeout=20) as client:
        client.starttls(context=ssl._create_unverified_context())
        client.login(person.address, person.password)
        code, words = client.mail(sender or person.address)
        if code == 250:
            client.rcpt(to or person.address)
            return client.data(text.encode())
        return code, words


NOT_YOURS = (553, b"5.7.1 Sender address does not belong to your account")


@pytest.mark.parametrize(
    ("author", "good"),
    [
        ("{alice}", True),
        ("Alice <ALICE+shop@{domain}>", True),
        ("{team}", True),
        ("{bob}", False),
        ("Bob <bob@elsewhere.test>", False),
        ("{alice}, {bob}", False),
        ("nobody at all", False),
        ("{alice}\r\nFrom: {bob}", False),
    ],
)
def test_an_author_is_an_address_of_ones_own(
    services: Services, domain: Domain, alice: Person, bob: Person, author: str, good: bool
) -> None:
    team = str(aliases.create_alias(OPERATOR, f"team@{domain.name}", [alice.address]))
    shown = author.format(alice=alice.address, bob=bob.address, team=team, domain=domain.name)
    answer = submit(services, alice, f"From: {shown}\r\nSubject: x\r\n\r\nx\r\n")
    assert answer[0] == 250 if good else answer == NOT_YOURS


def test_an_address_that_was_lent_may_be_sent_as(
    services: Services, domain: Domain, alice: Person, bob: Person
) -> None:
    def as_bob() -> int:
        return submit(services, alice, f"From: {bob.address}\r\n\r\nx\r\n", sender=bob.address)[0]

    account = Account.objects.get(pk=alice.account_id)
    assert as_bob() == 553
    actions.lend_addresses(OPERATOR, account, [bob.address])
    assert as_bob() == 250
    actions.lend_addresses(OPERATOR, account, [f"@{domain.name}"])
    assert as_bob() == 250
    assert submit(services, alice, "x", sender="x@elsewhere.test")[0] == 553
    actions.lend_addresses(OPERATOR, account, [])
    assert as_bob() == 553


def test_blind_copies_stay_blind_and_the_client_hidden(services: Services, alice: Person) -> None:
    services.names.lead("outside.test", "127.0.0.1")
    text = f"From: {alice.address}\r\nBcc: secret@outside.test,\r\n other@outside.test\r\nSubject: x\r\n\r\nx\r\n"
    assert submit(services, alice, text, to="secret@outside.test")[0] == 250
    [taken] = until(lambda: [one for one in services.far.taken if one.recipients == ["secret@outside.test"]])
    assert b"Bcc" not in taken.text
    assert b"other@outside.test" not in taken.text
    assert b"Received: from submission\r\n\tby " in taken.text
    assert b"127.0.0.1" not in taken.text
    assert not inbox(services, alice)


def test_an_account_that_sends_too_much_is_held_up_until_somebody_looks(
    services: Services, domain: Domain, alice: Person, bob: Person
) -> None:
    services.names.lead("many.test", "127.0.0.1")
    account = Account.objects.get(pk=alice.account_id)
    actions.change_domain(OPERATOR, domain, sending_newcomers=2)
    text = f"From: {alice.address}\r\nSubject: x\r\n\r\nx\r\n"

    def taken(name: str) -> bool:
        return any(one.recipients == [f"{name}@many.test"] for one in services.far.taken)

    for name in ("one", "two", "one", "two"):
        assert submit(services, alice, text, to=f"{name}@many.test")[0] == 250
    for recipient in ("three@many.test", bob.address):
        assert submit(services, alice, text, to=recipient)[0] == 250
    until(lambda: taken("two"))
    assert queue.held_of(account).count() == 2
    notice = Notice.objects.get(name=f"sending {account.pk}")
    assert notice.detail == f"{alice.address}: 4 recipients never written to before today, of 2; mail is held."
    assert not taken("three")
    assert not inbox(services, bob)
    assert queue.release_held(OPERATOR, account) == 2
    until(lambda: taken("three") and inbox(services, bob))
    assert not Notice.objects.filter(name=f"sending {account.pk}").exists()
    for name in ("four", "five", "six"):
        submit(services, alice, text, to=f"{name}@many.test")
    assert queue.discard_held(OPERATOR, account) == 1
    assert not taken("six")


def test_a_domain_as_a_whole_and_an_account_alone_have_limits(
    services: Services, domain: Domain, alice: Person, bob: Person
) -> None:
    services.names.lead("total.test", "127.0.0.1")
    accounts = {one.address: Account.objects.get(pk=one.account_id) for one in (alice, bob)}

    def sent(person: Person, name: str) -> int:
        """How many of the account's recipients are held after one more message."""
        text = f"From: {person.address}\r\nSubject: x\r\n\r\nx\r\n"
        assert submit(services, person, text, to=f"{name}@total.test")[0] == 250
        return queue.held_of(accounts[person.address]).count()

    actions.change_domain(OPERATOR, domain, total_messages=2)
    assert (sent(alice, "one"), sent(bob, "two"), sent(bob, "three")) == (0, 0, 1)
    notice = Notice.objects.get(name=f"domain sending {domain.pk}")
    assert notice.detail == f"{domain.name}: 3 messages today, of 2; mail is held."
    assert list(queue.holding(domain)) == [accounts[bob.address]]
    assert queue.release_held(OPERATOR, accounts[bob.address]) == 1
    assert not Notice.objects.filter(name=f"domain sending {domain.pk}").exists()
    actions.change_domain(OPERATOR, domain, total_messages=None)
    actions.change_account(OPERATOR, accounts[alice.address], sending_recipients=2)
    assert (sent(bob, "four"), sent(bob, "five"), sent(bob, "six")) == (0, 0, 0)
    assert (sent(alice, "four"), sent(alice, "five")) == (0, 1)
    assert Notice.objects.get(name=f"sending {alice.account_id}").detail.startswith(
        f"{alice.address}: 3 recipients"
    )
    queue.discard_held(OPERATOR, accounts[alice.address])
