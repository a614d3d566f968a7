"""What was deleted comes back: by the verb that the owner's page calls, and seen by her mail program."""

import imaplib
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from rest_framework.test import APIClient

from tests.conftest import Person
from tests.e2e.test_leading import count, deliver
from tests.services import Services
from webadmin.audit.record import OPERATOR, Actor
from webadmin.directory import actions
from webadmin.directory.models import Account
from webadmin.identity import owner_of
from webadmin.mailstore.models import Usage
from webadmin.own import undelete


def test_deleted_messages_come_back(services: Services, alice: Person, bob: Person) -> None:
    account = Account.objects.get(pk=alice.account_id)
    who = Actor(owner_of(account))
    for subject in ("one", "two", "moved"):
        assert deliver(services, alice.address, subject=subject)[0] == 250
    before = Usage.objects.get(account=account)
    with imaplib.IMAP4("127.0.0.1", services.ports["imap"], timeout=20) as client:
        client.login(alice.address, alice.password)
        client.select("INBOX")
        original = client.fetch("1", "(BODY.PEEK[])")[1][0]
        assert isinstance(original, tuple)
        client.uid("MOVE", "3", "Trash")
        client.store("1:2", "+FLAGS", r"\Deleted")
        client.expunge()
        # What was only moved is not among them.
        rows = undelete.told(account, list(undelete.removed_of(account)))
        assert sorted((one.subject, one.folder) for one in rows) == [("one", "INBOX"), ("two", "INBOX")]
        ids = [one.content_id for one in rows]
        assert undelete.undelete(who, account, [*ids, uuid4()], "Archive") == 2
        assert undelete.undelete(who, account, ids, "Archive") == 0
        assert (client.select("Archive")[1], count(services, alice)) == ([b"2"], 0)
        found = [one for one in client.fetch("1:2", "(FLAGS BODY.PEEK[])")[1] if isinstance(one, tuple)]
        assert original[1] in [octets for _, octets in found]
        assert all(rb"\Seen" in told for told, _ in found)
        # Once more, from there.
        client.store("1", "+FLAGS", r"\Deleted")
        client.expunge()
        assert undelete.removed_of(account).count() == 1
        # The same over REST.
        api = APIClient()
        api.force_login(owner_of(account))
        address = f"/api/v1/removed-messages/{account.pk}/"
        (told,) = api.get(address).json()["results"]
        assert (told["folder"], told["subject"] in ("one", "two")) == ("Archive", True)
        back = api.post(f"{address}put_back/", {"contents": [told["content_id"]], "folder": "Junk"}, format="json")
        assert (back.status_code, back.json(), api.get(address).json()["results"]) == (200, {"messages": 1}, [])
        assert client.select("Junk")[1] == [b"1"]
        client.store("1", "+FLAGS", r"\Deleted")
        client.expunge()
    after = Usage.objects.get(account=account)
    assert (before.messages, after.messages) == (3, 2)
    [row] = undelete.told(account, list(undelete.removed_of(account)))
    with pytest.raises(ValidationError, match="no folder"):
        undelete.undelete(who, account, [row.content_id], "Nowhere")
    with pytest.raises(ValidationError, match="Tick some"):
        undelete.undelete(who, account, [], "INBOX")
    with pytest.raises(PermissionDenied):
        undelete.undelete(Actor(owner_of(Account.objects.get(pk=bob.account_id))), account, ids, "INBOX")
    actions.change_account(OPERATOR, account, quota_messages=2)
    with pytest.raises(ValidationError, match="full"):
        undelete.undelete(who, account, [row.content_id], "INBOX")
    actions.change_account(OPERATOR, account, quota_messages=None)
    assert undelete.undelete(who, account, [row.content_id], "INBOX") == 1
    assert count(services, alice) == 1
