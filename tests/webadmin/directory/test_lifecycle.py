"""An account gets another address, comes back from the dead, is signed out: what follows, and what is refused."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from webadmin.audit.models import Entry
from webadmin.audit.record import OPERATOR
from webadmin.directory import actions, aliases, lifecycle
from webadmin.directory.models import Account, Address, Domain
from webadmin.security.models import SignOut

pytestmark = pytest.mark.django_db


@pytest.fixture
def domain() -> Domain:
    return actions.create_domain(OPERATOR, "us.test")


@pytest.fixture
def anna(domain: Domain) -> Account:
    return actions.create_account(OPERATOR, "anna@us.test", "a passphrase")


def targets(address: str) -> list[str]:
    local, _, name = address.rpartition("@")
    alias = Address.objects.get(local_part=local, domain__name=name, account__isnull=True)
    return list(alias.targets.values_list("address", flat=True))


def test_a_renamed_account_keeps_its_old_address_as_an_alias(anna: Account) -> None:
    aliases.create_alias(OPERATOR, "info@us.test", ["anna@us.test", "x@far.test"])
    aliases.create_alias(
        OPERATOR, "both@us.test", ["anna@us.test", "x@far.test"], posting="named", posters=["anna@us.test"]
    )
    bob = actions.create_account(OPERATOR, "bob@us.test", "a passphrase")
    actions.lend_addresses(OPERATOR, bob, ["anna@us.test"])
    lifecycle.rename_account(OPERATOR, anna, "Anna.Smith@us.test")
    anna.refresh_from_db()
    assert (anna.address, anna.scram) == ("anna.smith@us.test", None)
    assert targets("anna@us.test") == ["anna.smith@us.test"]
    assert targets("info@us.test") == ["anna.smith@us.test", "x@far.test"]
    both = Address.objects.get(local_part="both")
    assert list(both.posters.values_list("address", flat=True)) == ["anna.smith@us.test"]
    assert list(bob.send_as.values_list("address", flat=True)) == ["anna.smith@us.test"]
    entry = Entry.objects.get(verb="rename account")
    assert (entry.before, entry.after) == (
        {"address": "anna@us.test"}, {"address": "anna.smith@us.test", "kept": True},
    )  # fmt: skip


def test_a_name_that_it_had_before_may_be_taken_again(anna: Account) -> None:
    lifecycle.rename_account(OPERATOR, anna, "smith@us.test")
    lifecycle.rename_account(OPERATOR, anna, "anna@us.test")
    assert Address.objects.get(local_part="anna").account == anna
    assert targets("smith@us.test") == ["anna@us.test"]


def test_without_an_alias_the_old_address_is_free(anna: Account) -> None:
    other = actions.create_domain(OPERATOR, "other.test")
    lifecycle.rename_account(OPERATOR, anna, "anna@other.test", keep=False)
    anna.refresh_from_db()
    assert anna.domain == other
    assert not Address.objects.filter(domain__name="us.test").exists()
    assert actions.create_account(OPERATOR, "anna@us.test", "a passphrase").pk != anna.pk


@pytest.mark.parametrize(
    "address", ["bob@us.test", "info@us.test", "@us.test", "shop-*@us.test", "a@far.test", "x"]
)
def test_what_is_no_free_address_is_refused(anna: Account, address: str) -> None:
    actions.create_account(OPERATOR, "bob@us.test", "a passphrase")
    aliases.create_alias(OPERATOR, "info@us.test", ["x@far.test"])
    with pytest.raises(ValidationError):
        lifecycle.rename_account(OPERATOR, anna, address)
    anna.refresh_from_db()
    assert anna.address == "anna@us.test"
    assert lifecycle.rename_account(OPERATOR, anna, "anna@us.test") == anna


def test_a_deleted_account_is_had_back_within_its_time(anna: Account) -> None:
    actions.delete_account(OPERATOR, anna)
    anna.refresh_from_db()
    assert list(lifecycle.deleted(OPERATOR)) == [anna]
    lifecycle.undelete_account(OPERATOR, anna)
    anna.refresh_from_db()
    assert (anna.active, anna.deleted_at) == (True, None)
    assert Address.objects.get(local_part="anna").account == anna
    lifecycle.undelete_account(OPERATOR, anna)
    assert Entry.objects.filter(verb="undelete account").count() == 1


def test_what_is_taken_or_too_old_stays_deleted(anna: Account) -> None:
    actions.delete_account(OPERATOR, anna)
    anna.refresh_from_db()
    other = actions.create_account(OPERATOR, "anna@us.test", "a passphrase")
    with pytest.raises(ValidationError, match="Somebody else"):
        lifecycle.undelete_account(OPERATOR, anna)
    actions.delete_account(OPERATOR, other)
    Account.objects.filter(pk=anna.pk).update(deleted_at=timezone.now() - timedelta(days=31))
    anna.refresh_from_db()
    with pytest.raises(ValidationError, match="too long ago"):
        lifecycle.undelete_account(OPERATOR, anna)
    assert anna not in lifecycle.deleted(OPERATOR)


def test_sessions_end_with_the_word_and_with_what_implies_it(anna: Account) -> None:
    lifecycle.sign_out(OPERATOR, anna)
    actions.change_account(OPERATOR, anna, password="another passphrase")
    actions.change_account(OPERATOR, anna, active=False)
    assert SignOut.objects.filter(account_id=anna.pk).count() == 3
    actions.change_account(OPERATOR, anna, active=False)
    actions.change_account(OPERATOR, anna, display_name="Anna")
    assert SignOut.objects.count() == 3
    actions.delete_account(OPERATOR, anna)
    assert SignOut.objects.count() == 4
