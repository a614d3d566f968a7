"""Many accounts from one table: what speaks against it, by line; all or none; the table is kept sealed."""

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from mailservices.mail import passwords
from webadmin.audit.models import Entry
from webadmin.audit.record import OPERATOR
from webadmin.directory import actions, importing
from webadmin.directory.administrators import create_administrator
from webadmin.directory.models import Account, Address, Domain
from webadmin.jobs import running
from webadmin.jobs.models import Job
from webadmin.mailstore.models import Mailbox, Subscription, Usage

pytestmark = pytest.mark.django_db
TABLE = """address,password,name,quota_mb,aliases
Anna@us.test,first passphrase,Anna,1000,info@us.test sales@us.test
bob@us.test,second passphrase,,,

"""


@pytest.fixture(autouse=True)
def _domain() -> Domain:
    return actions.create_domain(OPERATOR, "us.test")


def finish(job: Job) -> Job:
    running.run(job.pk)
    job.refresh_from_db()
    return job


def test_all_of_a_table_is_made() -> None:
    job = importing.prepare_import(OPERATOR, TABLE)
    assert (job.state, job.errors, job.total) == ("prepared", [], 2)
    assert "passphrase" not in str(job.told)
    finish(importing.begin_import(OPERATOR, job))
    assert (job.state, job.outcome, job.told, job.percent) == ("done", "2 accounts are made.", {}, 100)
    anna = Account.objects.get(address="anna@us.test")
    assert (anna.display_name, anna.quota_bytes) == ("Anna", 1_000_000_000)
    assert passwords.verify(anna.password, "first passphrase")
    assert anna.scram is not None
    assert {str(one) for one in Address.objects.all()} == {
        "anna@us.test", "bob@us.test", "info@us.test", "sales@us.test",
    }  # fmt: skip
    assert Address.objects.get(local_part="sales").targets.get().address == "anna@us.test"
    by_hand = actions.create_account(OPERATOR, "carl@us.test", "a passphrase")
    for model in (Mailbox, Subscription, Usage):
        rows = [model.objects.filter(account=one).count() for one in (anna, by_hand)]  # type: ignore[attr-defined]
        assert rows[0] == rows[1] > 0
    assert Entry.objects.filter(verb="create account").count() == 3


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("address,password\nanna@far.test,x\n", "Line 2: far.test is not a domain"),
        ("address,password\nanna@us.test,\n", "Line 2: A password is needed"),
        ("address,password\nnonsense,x\n", "Line 2: nonsense"),
        ("address,password\n@us.test,x\n", "Line 2: An account needs a name"),
        ("address,password\ntaken@us.test,x\n", "Line 2: taken@us.test is taken"),
        ("address,password\na@us.test,x\nA@us.test,x\n", "Line 3: a@us.test stands in line 2, too"),
        ("address,password,aliases\na@us.test,x,taken@us.test\n", "Line 2: taken@us.test is taken"),
        ("address;password;quota_mb\na@us.test;x;much\n", "Line 2: the quota"),
    ],
)
def test_what_speaks_against_a_row_is_said_with_its_line(table: str, words: str) -> None:
    actions.create_account(OPERATOR, "taken@us.test", "a passphrase")
    job = importing.prepare_import(OPERATOR, table)
    assert any(error.startswith(words) for error in job.errors), job.errors
    with pytest.raises(ValidationError, match="First mend"):
        importing.begin_import(OPERATOR, job)
    assert Account.objects.count() == 1


@pytest.mark.parametrize(
    "table", ["", "name,address\na,b\n", "address,password,colour\na,b,c\n", "address,password\n", "x" * 5_000_000]
)
def test_what_is_no_such_table_is_refused(table: str) -> None:
    with pytest.raises(ValidationError):
        importing.prepare_import(OPERATOR, table)


def test_nothing_is_made_where_one_is_taken_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "AT_ONCE", 1)
    job = importing.begin_import(OPERATOR, importing.prepare_import(OPERATOR, TABLE))
    assert running._step(job.pk)
    actions.create_account(OPERATOR, "bob@us.test", "a passphrase")
    finish(job)
    assert (job.state, job.done) == ("failed", 2)
    assert job.errors == ["Line 3: bob@us.test is taken."]
    assert not Account.objects.filter(address="anna@us.test").exists()
    with pytest.raises(ValidationError, match="begun already"):
        importing.begin_import(OPERATOR, job)


def test_by_page(client: Client) -> None:
    client.force_login(create_administrator("root", "a long passphrase"))
    answer = client.post("/accounts/import/", {"table": "address\nx\n"})
    assert b"password is missing" in answer.content
    answer = client.post("/accounts/import/", {"file": SimpleUploadedFile("a.csv", b"\xff\xfe")})
    assert b"UTF-8" in answer.content
    answer = client.post("/accounts/import/", {"file": SimpleUploadedFile("a.csv", TABLE.encode())}, follow=True)
    page, (address, _) = answer.content.decode(), answer.redirect_chain[-1]
    assert "anna@us.test" in page
    assert "passphrase" not in page
    answer = client.post(address)
    job = Job.objects.get()
    assert answer["Location"] == f"/jobs/{job.pk}/"
    assert client.get(address)["Location"] == f"/jobs/{job.pk}/"
    assert finish(job).state == "done"
    assert b"2 accounts are made." in client.get(f"/jobs/{job.pk}/").content
