"""The verbs of policy: what they change, what they object to, and the entry that they leave."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from webadmin.audit.models import Entry
from webadmin.audit.record import OPERATOR
from webadmin.directory import actions as directory
from webadmin.directory.models import Domain
from webadmin.policy import actions
from webadmin.policy.models import DnsList, InboundPolicy, TrustedNetwork

pytestmark = pytest.mark.django_db


@pytest.fixture
def example() -> Domain:
    return directory.create_domain(OPERATOR, "example.org")


def test_a_domain_follows_the_appliance_until_it_has_its_own(example: Domain) -> None:
    assert actions.inbound_of(example).dmarc == "apply"
    actions.change_inbound(OPERATOR, None, spf="junk")
    assert actions.inbound_of(example).spf == "junk"
    own = actions.change_inbound(OPERATOR, example, greylist=True)
    assert (own.spf, own.greylist) == ("junk", True)
    actions.change_inbound(OPERATOR, None, spf="off")
    assert actions.inbound_of(example).spf == "junk"
    actions.delete_inbound(OPERATOR, own)
    assert actions.inbound_of(example).spf == "off"


def test_a_change_leaves_its_entry(example: Domain) -> None:
    actions.change_inbound(OPERATOR, example)
    actions.change_inbound(OPERATOR, example, spf="refuse")
    entry = Entry.objects.get(verb="change inbound policy")
    assert (entry.subject, entry.before, entry.after) == ("example.org", {"spf": "note"}, {"spf": "refuse"})


@pytest.mark.parametrize(("field", "value"), [("spf", "apply"), ("dmarc", "refuse"), ("helo", "x")])
def test_an_action_must_be_one_of_its_kind(example: Domain, field: str, value: str) -> None:
    with pytest.raises(ValidationError):
        actions.change_inbound(OPERATOR, example, **{field: value})
    with pytest.raises(IntegrityError), transaction.atomic():
        InboundPolicy.objects.create(domain=example, **{field: value})


def test_only_fields_of_a_policy_can_be_changed(example: Domain) -> None:
    with pytest.raises(TypeError):
        actions.change_inbound(OPERATOR, example, domain=None)
    with pytest.raises(TypeError):
        actions.change_dnslist(OPERATOR, DnsList(), zone="x")


def test_there_is_one_policy_for_each_domain_and_one_for_the_others(example: Domain) -> None:
    for domain in (example, None):
        actions.change_inbound(OPERATOR, domain)
        with pytest.raises(IntegrityError), transaction.atomic():
            InboundPolicy.objects.create(domain=domain)


def test_a_domain_takes_its_policy_with_it(example: Domain) -> None:
    actions.change_inbound(OPERATOR, example)
    directory.delete_domain(OPERATOR, example)
    assert not InboundPolicy.objects.exists()


def test_lists_are_kept_in_normal_form() -> None:
    row = actions.create_dnslist(OPERATOR, " BL.Example.ORG. ", "refuse", "127.0.0.2,  127.0.0.4-7")
    assert (row.zone, row.codes) == ("bl.example.org", "127.0.0.2 127.0.0.4-7")
    actions.change_dnslist(OPERATOR, row, effect="junk", active=False)
    assert DnsList.objects.get().effect == "junk"
    actions.delete_dnslist(OPERATOR, row)
    assert not DnsList.objects.exists()
    assert Entry.objects.filter(subject="bl.example.org").count() == 3


@pytest.mark.parametrize(
    ("zone", "effect", "codes", "field"),
    [("word", "refuse", "", "zone"), ("a b.test", "junk", "", "zone"), ("a.test", "apply", "", "effect"),
     ("a.test", "junk", "10.0.0.1", "codes"), ("there.test", "junk", "", "zone")],
)  # fmt: skip
def test_a_list_that_is_none_is_objected_to(zone: str, effect: str, codes: str, field: str) -> None:
    actions.create_dnslist(OPERATOR, "there.test", "note")
    with pytest.raises(ValidationError) as error:
        actions.create_dnslist(OPERATOR, zone, effect, codes)
    assert list(error.value.message_dict) == [field]


@pytest.mark.parametrize("network", ["192.0.2.1/24", "0.0.0.0/0", "2000::/3", "nonsense", "198.51.100.0/24"])
def test_a_network_that_is_none_or_too_wide_is_objected_to(network: str) -> None:
    actions.trust_network(OPERATOR, "198.51.100.0/24")
    with pytest.raises(ValidationError):
        actions.trust_network(OPERATOR, network)


def test_the_database_knows_too_that_nobody_trusts_everybody() -> None:
    with pytest.raises(IntegrityError):
        TrustedNetwork.objects.create(network="0.0.0.0/0")


def test_whom_we_trust_comes_and_goes() -> None:
    for trust, distrust, text in (
        (actions.trust_network, actions.distrust_network, "2001:db8::/32"),
        (actions.trust_sealer, actions.distrust_sealer, "lists.test"),
    ):
        row: Any = trust(OPERATOR, text)
        assert str(row) == text
        distrust(OPERATOR, row)
        assert not type(row).objects.exists()
    actions.trust_sealer(OPERATOR, "lists.test")
    for wrong in ("lists.test", "word", "[192.0.2.1]"):
        with pytest.raises(ValidationError):
            actions.trust_sealer(OPERATOR, wrong)


def test_limits_are_positive_and_known() -> None:
    assert actions.change_limit(OPERATOR, "messages", 5).per_minute == 5
    assert actions.change_limit(OPERATOR, "messages", 6).per_minute == 6
    for name, per_minute in (("messages", 0), ("others", 5), ("messages", 2**31)):
        with pytest.raises(ValidationError):
            actions.change_limit(OPERATOR, name, per_minute)
