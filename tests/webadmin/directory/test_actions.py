"""The verbs of the directory."""

import pytest
from django.core.exceptions import ValidationError

from webadmin.audit.models import Entry
from webadmin.audit.record import OPERATOR
from webadmin.directory import actions, aliases
from webadmin.directory.models import Account, Address, Domain
from webadmin.mailstore.models import Mailbox

pytestmark = pytest.mark.django_db


@pytest.fixture
def example() -> Domain:
    return actions.create_domain(OPERATOR, "Example.ORG")


def test_a_domain_is_kept_in_normal_form(example: Domain) -> None:
    assert example.name == "example.org"
    assert actions.create_domain(OPERATOR, "bücher.example").name == "xn--bcher-kva.example"


@pytest.mark.parametrize("name", ["", "localhost", "a..b", "-a.org", "[192.0.2.1]", "a b.org", "x" * 64 + ".org"])
def test_what_is_no_domain_is_refused_at_its_field(name: str) -> None:
    with pytest.raises(ValidationError) as caught:
        actions.create_domain(OPERATOR, name)
    assert list(caught.value.message_dict) == ["name"]


def test_an_account_has_an_address_and_its_first_folders(example: Domain) -> None:
    account = actions.create_account(OPERATOR, "Alice@EXAMPLE.org", "pw1", 1000)
    assert account.address == "alice@example.org"
    assert Address.objects.get(account=account).local_part == "alice"
    names = Mailbox.objects.filter(account=account).values_list("name", flat=True)
    assert sorted(names) == ["Archive", "Drafts", "INBOX", "Junk", "Sent", "Trash"]


def test_uidvalidity_is_drawn_anew_for_each_folder(example: Domain) -> None:
    account = actions.create_account(OPERATOR, "alice@example.org", "pw1")
    values = Mailbox.objects.filter(account=account).values_list("uidvalidity", flat=True)
    assert len(set(values)) == 6


def test_an_address_is_taken_once(example: Domain) -> None:
    actions.create_account(OPERATOR, "alice@example.org", "pw1")
    with pytest.raises(ValidationError, match="taken"):
        actions.create_account(OPERATOR, "ALICE@example.org", "pw1")
    with pytest.raises(ValidationError, match="taken"):
        aliases.create_alias(OPERATOR, "alice@example.org", ["bob@example.net"])


def test_a_deleted_account_frees_its_address(example: Domain) -> None:
    first = actions.create_account(OPERATOR, "alice@example.org", "pw1")
    actions.delete_account(OPERATOR, first)
    second = actions.create_account(OPERATOR, "alice@example.org", "pw1")
    assert first.pk != second.pk
    assert Account.objects.count() == 2


def test_an_alias_leads_to_what_it_was_last_told(example: Domain) -> None:
    alias = aliases.create_alias(OPERATOR, "team@example.org", ["Bob@example.org", "Carol@Example.net"])
    assert [str(target) for target in alias.targets.all()] == ["Carol@example.net", "bob@example.org"]
    aliases.change_alias(OPERATOR, alias, ["bob@example.org", "dave@example.net"])
    assert [str(target) for target in alias.targets.all()] == ["bob@example.org", "dave@example.net"]


def test_a_catch_all_is_an_alias_without_a_name(example: Domain) -> None:
    alias = aliases.create_alias(OPERATOR, "@example.org", ["bob@example.org"])
    assert alias.local_part == ""


def test_a_domain_in_use_stays(example: Domain) -> None:
    actions.create_account(OPERATOR, "alice@example.org", "pw1")
    with pytest.raises(ValidationError, match="accounts"):
        actions.delete_domain(OPERATOR, example)


def test_every_change_leaves_an_entry_without_secrets(example: Domain) -> None:
    account = actions.create_account(OPERATOR, "alice@example.org", "first secret")
    actions.change_account(OPERATOR, account, password="second secret", quota_bytes=5)
    entries = list(Entry.objects.order_by("pk").values_list("verb", "subject", "before", "after"))
    assert entries[-1] == ("change account", "alice@example.org", {"quota_bytes": None}, {"quota_bytes": 5})
    assert entries[-2][:2] == ("change password", "alice@example.org")
    assert "secret" not in str(entries)


def test_a_password_is_hashed_at_the_appliances_cost(example: Domain) -> None:
    account = actions.create_account(OPERATOR, "alice@example.org", "pw1")
    assert account.password.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")


def test_an_alias_domain_leads_to_one_that_leads_nowhere(example: Domain) -> None:
    other = actions.create_domain(OPERATOR, "example.net")
    third = actions.create_domain(OPERATOR, "example.com")
    actions.change_domain(OPERATOR, other, alias_of=example)
    with pytest.raises(ValidationError, match="create it there"):
        actions.create_account(OPERATOR, "alice@example.net", "pw1")
    for wrong in (other, third):
        with pytest.raises(ValidationError) as caught:
            actions.change_domain(OPERATOR, third, alias_of=wrong)
        assert list(caught.value.message_dict) == ["alias_of"]
    with pytest.raises(ValidationError, match="Other domains"):
        actions.change_domain(OPERATOR, example, alias_of=third)
    with pytest.raises(ValidationError, match="Other domains"):
        actions.delete_domain(OPERATOR, example)
    actions.create_account(OPERATOR, "alice@example.com", "pw1")
    with pytest.raises(ValidationError, match="of its own"):
        actions.change_domain(OPERATOR, third, alias_of=example)
    [entry] = Entry.objects.filter(verb="change domain")
    assert entry.after == {"alias_of": "example.org"}


@pytest.mark.parametrize("address", ["a*b@example.org", "**@example.org"])
def test_an_asterisk_stands_at_the_end(example: Domain, address: str) -> None:
    with pytest.raises(ValidationError, match="asterisk"):
        aliases.create_alias(OPERATOR, address, ["bob@example.net"])
    with pytest.raises(ValidationError, match="asterisk"):
        actions.create_account(OPERATOR, "shop-*@example.org", "pw1")


def test_a_list_knows_who_may_write_to_it(example: Domain) -> None:
    account = actions.create_account(OPERATOR, "alice@example.org", "pw1")
    alias = aliases.create_alias(OPERATOR, "team@example.org", ["bob@example.net"], posting="named", note="Team")
    aliases.change_alias(OPERATOR, alias, posters=["Alice@example.org", "alice@EXAMPLE.org"])
    assert [str(poster) for poster in alias.posters.all()] == [account.address]
    assert [str(target) for target in alias.targets.all()] == ["bob@example.net"]
    with pytest.raises(ValidationError, match="no account"):
        aliases.change_alias(OPERATOR, alias, posters=["bob@example.net"])
    with pytest.raises(ValidationError, match="one of"):
        aliases.change_alias(OPERATOR, alias, posting="nobody")


def test_a_disposable_address_leads_to_its_account(example: Domain) -> None:
    account = actions.create_account(OPERATOR, "alice@example.org", "pw1")
    made = {aliases.create_disposable(OPERATOR, account, " a shop ") for _ in range(3)}
    aliases.create_alias(OPERATOR, "info@example.org", [account.address], note="no disposable one")
    assert set(aliases.disposable_of(account)) == made
    assert len({alias.local_part for alias in made}) == 3
    for alias in made:
        assert alias.note == "a shop"
        assert [str(target) for target in alias.targets.all()] == [account.address]


def test_limits_of_sending_are_positive_or_somebody_elses(example: Domain) -> None:
    account = actions.create_account(OPERATOR, "alice@example.org", "pw")
    actions.change_domain(OPERATOR, example, total_messages=5, sending_messages=3)
    actions.change_account(OPERATOR, account, sending_messages=7)
    actions.change_account(OPERATOR, account, sending_messages=None)
    actions.change_domain(OPERATOR, example, total_messages=None)
    for bad in (0, -1, 2**31):
        with pytest.raises(ValidationError):
            actions.change_account(OPERATOR, account, sending_recipients=bad)
        for name in ("total_newcomers", "sending_newcomers"):
            with pytest.raises(ValidationError):
                actions.change_domain(OPERATOR, example, **{name: bad})
    with pytest.raises(ValidationError):
        actions.change_domain(OPERATOR, example, sending_messages=None)
    account.refresh_from_db()
    assert (account.sending_messages, example.sending_messages, example.total_messages) == (None, 3, None)


def test_a_domains_reports_speak_a_language_that_there_is() -> None:
    domain = actions.create_domain(OPERATOR, "langue.example")
    assert domain.language == "en"
    assert actions.change_domain(OPERATOR, domain, language="fr").language == "fr"
    with pytest.raises(ValidationError):
        actions.change_domain(OPERATOR, domain, language="tlh")
