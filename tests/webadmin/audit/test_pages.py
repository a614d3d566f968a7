"""The audit: it is only added to, and found by whatever one knows of an entry."""

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from webadmin.audit.models import Entry
from webadmin.audit.record import OPERATOR, Actor
from webadmin.directory import actions, administrators

pytestmark = pytest.mark.django_db
PASSWORD = "a long passphrase"


def test_entries_are_only_added() -> None:
    with connection.cursor() as cursor:
        actions.create_domain(OPERATOR, "example.org")
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for statement in ("UPDATE audit_entry SET verb = 'x'", "DELETE FROM audit_entry", "TRUNCATE audit_entry"):
            with pytest.raises(DatabaseError, match="only added"), transaction.atomic():
                cursor.execute(statement)
    assert Entry.objects.get().verb == "create domain"


def test_entries_outlive_their_administrator() -> None:
    root = administrators.create_administrator("root", PASSWORD)
    actions.create_domain(Actor(root, "192.0.2.1"), "example.org")
    administrators.delete_administrator(OPERATOR, root)
    entry = Entry.objects.get(verb="create domain")
    assert (entry.username, entry.administrator) == ("root", None)


def test_entries_are_found() -> None:
    root = administrators.create_administrator("root", PASSWORD)
    domain = actions.create_domain(Actor(root, "192.0.2.1"), "example.org")
    actions.change_domain(Actor(root, "192.0.2.1"), domain, active=False)
    actions.create_domain(OPERATOR, "other.test")
    client, page = APIClient(), Client()
    client.force_login(root)
    page.force_login(root)
    today = timezone.now().date().isoformat()
    for query, count in {
        "": 4, "who=root": 2, "what=delete": 0, "what=change+domain": 1, "subject=other": 1, "from=192.0.2.": 2,
        f"since={today}&until={today}": 4, "since=2001-01-01&until=2001-02-01": 0, "since=nonsense": 4,
        "since=2001-13-01": 4, "who=root&what=create": 1,
    }.items():  # fmt: skip
        assert len(client.get(f"/api/v1/audit/?{query}").json()["results"]) == count, query
        assert page.get(f"/audit/?{query}").content.count(b"text-nowrap") == count, query
    shown = page.get("/audit/?what=change+domain").content.decode()
    assert "<del>True</del> False" in shown
