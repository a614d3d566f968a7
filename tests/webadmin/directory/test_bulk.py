"""One change for many accounts: the ticked, all that a search finds, and very many in steps."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from webadmin.audit.record import OPERATOR
from webadmin.directory import actions, bulk
from webadmin.directory.administrators import create_administrator
from webadmin.directory.models import Account
from webadmin.jobs import running
from webadmin.jobs.models import Job
from webadmin.security.models import SignOut

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> list[Account]:
    for name in ("us.test", "them.test"):
        actions.create_domain(OPERATOR, name)
    addresses = ("anna@us.test", "bob@us.test", "carl@them.test")
    return [actions.create_account(OPERATOR, address, "a passphrase") for address in addresses]


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(create_administrator("root", "a long passphrase"))
    return client


def active() -> set[str]:
    return set(Account.objects.filter(active=True).values_list("address", flat=True))


def test_the_ticked_and_the_found_are_changed(admin: Client, people: list[Account]) -> None:
    anna, bob, _ = people
    asked: dict[str, Any] = {"what": "suspend", "whom": "ticked", "ids": [anna.pk]}
    answer = admin.post("/accounts/act/", asked)
    assert b"Suspend 1 account?" in answer.content
    assert anna.address in active()
    admin.post("/accounts/act/", {**asked, "sure": "yes"})
    assert active() == {"bob@us.test", "carl@them.test"}
    admin.post("/accounts/act/", {"what": "resume", "whom": "all", "domain": "us.test"})
    admin.post("/accounts/act/", {"what": "quota", "whom": "all", "q": "bob", "quota": "2.5"})
    bob.refresh_from_db()
    assert bob.quota_bytes == 2684354560
    admin.post("/accounts/act/", {"what": "sign-out", "whom": "ticked", "ids": [bob.pk]})
    assert SignOut.objects.filter(account_id=bob.pk).exists()
    admin.post("/accounts/act/", {"what": "delete", "whom": "all", "domain": "us.test", "sure": "yes"})
    assert active() == {"carl@them.test"}
    assert admin.get("/accounts/deleted/").content.count(b"Bring it back") == 2
    admin.post(f"/accounts/deleted/{anna.pk}/")
    assert "anna@us.test" in active()
    assert admin.post("/accounts/deleted/999999/").status_code == 404


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"what": "resume", "whom": "ticked"}, b"Say which"),
        ({"what": "resume", "whom": "all"}, b"Say which"),
        ({"what": "burn", "whom": "all", "q": "a"}, b"One of suspend"),
        ({"what": "quota", "whom": "all", "q": "a", "quota": "much"}, b"a number of GiB"),
    ],
)
def test_what_is_not_said_clearly_is_objected_to(
    admin: Client, people: list[Account], asked: dict[str, str], words: bytes
) -> None:
    assert words in admin.post("/accounts/act/", asked, follow=True).content
    assert len(active()) == len(people)


def test_very_many_are_a_job_and_one_that_objects_stops_no_other(
    people: list[Account], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "AT_ONCE", 1)

    def change(actor: object, what: str, account: Account, quota: object) -> None:
        if account == people[0]:
            raise ValidationError("Not her.")
        actions.change_account(OPERATOR, account, active=False)

    monkeypatch.setattr(bulk, "_change", change)
    job = bulk.change_many(OPERATOR, "suspend", {"domain": "us.test"})
    assert isinstance(job, Job)
    running.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.done, job.outcome) == ("done", 2, "1 accounts are suspended.")
    assert job.errors == ["anna@us.test: Not her."]
    assert active() == {"anna@us.test", "carl@them.test"}


def test_an_account_page_renames_and_signs_out(admin: Client, people: list[Account]) -> None:
    anna = people[0]
    answer = admin.post(f"/accounts/{anna.pk}/rename/", {"address": "bob@us.test", "still": "on"})
    assert b"is taken" in answer.content
    assert b'value="bob@us.test"' in answer.content
    admin.post(f"/accounts/{anna.pk}/rename/", {"address": "smith@us.test", "still": "on"})
    admin.post(f"/accounts/{anna.pk}/sign-out/")
    page = admin.get(f"/accounts/{anna.pk}/").content.decode()
    assert "smith@us.test" in page
    assert "anna@us.test" in page
    assert SignOut.objects.get().account_id == anna.pk


def test_all_of_it_over_rest(admin: Client, people: list[Account]) -> None:
    def post(path: str, **body: Any) -> Any:
        return admin.post(f"/api/v1/{path}/", body, content_type="application/json")

    anna = people[0]
    answer = post(f"account-lives/{anna.pk}/rename", address="smith@us.test", keep=False)
    assert (answer.status_code, answer.json()["address"]) == (200, "smith@us.test")
    assert post(f"account-lives/{anna.pk}/rename", address="bob@us.test").status_code == 400
    assert post(f"account-lives/{anna.pk}/sign_out").status_code == 204
    assert post("account-lives/change_many", what="suspend", domain="us.test").json() == {"accounts": 2}
    assert post("account-lives/change_many", what="resume", ids=[anna.pk]).json() == {"accounts": 1}
    assert post("account-lives/change_many", what="resume").status_code == 400
    assert post("account-lives/change_many", what="delete", search="smith").json() == {"accounts": 1}
    (row,) = admin.get("/api/v1/deleted-accounts/").json()["results"]
    assert row["address"] == "smith@us.test"
    assert post(f"deleted-accounts/{anna.pk}/undelete").json()["active"]
    job = post("account-imports", table="address,password\nnew@us.test,a passphrase\n").json()
    assert (job["state"], job["errors"]) == ("prepared", [])
    assert post(f"account-imports/{job['id']}/begin").status_code == 202
    running.run(job["id"])
    assert Account.objects.filter(address="new@us.test").exists()
    assert post(f"account-imports/{job['id']}/begin").status_code == 400
    assert post("account-imports", table="x").status_code == 400
