"""What accounts and domains wish for private mail: who wins, what is refused, what the engine sees of it."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from mailservices.mail.privacy_policy import Policy as Wished
from tests.private_keys import in_use
from webadmin.audit.models import Entry
from webadmin.audit.record import OPERATOR
from webadmin.directory import actions as directory
from webadmin.directory.models import Account, Domain
from webadmin.privacy import policy
from webadmin.privacy.models import Policy

pytestmark = pytest.mark.django_db


@pytest.fixture
def example() -> Domain:
    return directory.create_domain(OPERATOR, "example.org")


@pytest.fixture
def alice(example: Domain) -> Account:
    return directory.create_account(OPERATOR, "alice@example.org", "pw1")


def test_what_the_account_says_counts_before_its_domain(example: Domain, alice: Account) -> None:
    assert policy.wished(alice) == Wished()
    policy.change_policy(OPERATOR, example, sign="either", encrypt="possible", learn=True, autocrypt=True)
    policy.change_policy(OPERATOR, alice, sign="off", learn=False)
    found = policy.wished(alice)
    assert (found.sign, found.encrypt, found.learn, found.autocrypt) == ("off", "possible", False, True)
    assert policy.of_domain(example).sign == "either"
    policy.change_policy(OPERATOR, alice, sign=None)
    assert policy.wished(alice).sign == "either"
    entry = Entry.objects.filter(verb="change private mail").latest("pk")
    assert (entry.subject, entry.before, entry.after) == ("alice@example.org", {"sign": "off"}, {"sign": None})


def test_the_account_itself_tells_recipients_lookup(alice: Account) -> None:
    in_use(alice, "alice@example.org")
    for said, told in (("openpgp", "openpgp"), ("off", ""), ("openpgp", "openpgp"), (None, "")):
        policy.change_policy(OPERATOR, alice, on_arrival=said)
        alice.refresh_from_db()
        assert alice.encrypts == told


def test_folders_are_named_by_their_roles(alice: Account) -> None:
    policy.change_policy(OPERATOR, alice, on_append=["Sent", "Drafts", "Sent"])
    assert policy.wished(alice).on_append == ("Drafts", "Sent")


@pytest.mark.parametrize(
    "wishes",
    [
        {"on_arrival": "pgp"},
        {"on_arrival": "smime"},
        {"when_broken": "drop"},
        {"sign": "yes"},
        {"encrypt": "always"},
        {"on_append": ["INBOX"]},
    ],
)
def test_what_cannot_be_wished(alice: Account, wishes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as raised:
        policy.change_policy(OPERATOR, alice, **wishes)
    assert list(raised.value.message_dict) == list(wishes)
    assert not Policy.objects.exists()


def test_a_domain_does_not_close_its_accounts(example: Domain, alice: Account) -> None:
    with pytest.raises(ValidationError, match="Each owner"):
        policy.change_policy(OPERATOR, example, on_arrival="openpgp")
    with pytest.raises(TypeError):
        policy.change_policy(OPERATOR, alice, account=3)
    with pytest.raises(IntegrityError), transaction.atomic():
        Policy.objects.create(domain=example, on_arrival="openpgp")
    with pytest.raises(IntegrityError), transaction.atomic():
        Policy.objects.create()
