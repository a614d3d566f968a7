"""What became of the recipients of each destination, and why not; kept to what somebody reaches."""

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from webadmin.audit.record import OPERATOR, Actor
from webadmin.directory import actions
from webadmin.directory.administrators import create_administrator
from webadmin.directory.models import Account, Role
from webadmin.queue.models import Attempt, Message, Recipient
from webadmin.reports.deliverability import Row, by_destination

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_is_kept() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def sent(account: Account, destination: str, state: str, about: str = "", days: float = 0.5, **more: Any) -> None:
    settled = None if state in ("waiting", "held") else timezone.now() - timedelta(days=days)
    message = Message.objects.create(
        message_id=uuid.uuid4(), sender=account.address, size=1, account_id=account.pk, blob_id=uuid.uuid4(),
        expires_at=timezone.now() + timedelta(days=5), prefix=b"", header=b"",
    )  # fmt: skip
    recipient = Recipient.objects.create(
        message=message, address=f"a@{destination}", destination=destination, state=state, settled_at=settled,
        attempts=1, **more,
    )  # fmt: skip
    if about:
        Attempt.objects.create(recipient=recipient, seconds=1, outcome="failed", stage="rcpt", about=about)


@pytest.fixture
def anna(db: None) -> Account:
    actions.create_domain(OPERATOR, "example.org")
    anna = actions.create_account(OPERATOR, "anna@example.org", "pw1")
    for _ in range(3):
        sent(anna, "far.test", "relayed")
    sent(anna, "far.test", "failed", "mailbox")
    sent(anna, "far.test", "expired", "network", days=3)
    sent(anna, "far.test", "waiting")
    sent(anna, "far.test", "relayed", days=20)
    sent(anna, "good.test", "relayed")
    actions.create_domain(OPERATOR, "other.test")
    sent(actions.create_account(OPERATOR, "x@other.test", "pw1"), "secret.test", "failed", "policy")
    return anna


def test_each_destination(anna: Account) -> None:
    far, good, secret = by_destination(OPERATOR, 7)
    reasons = (("mailbox", 1), ("network", 1))
    assert far == Row("far.test", 6, taken=3, failed=2, waiting=1, tries=6, reasons=reasons)
    assert (far.percent, good.percent, secret.percent) == (60, 100, 0)
    assert by_destination(OPERATOR, 1)[0].failed == 1
    assert by_destination(OPERATOR, 30)[0].taken == 4


def test_nobody_sees_what_is_beyond_reach(anna: Account) -> None:
    who = create_administrator("dora", "a long passphrase", role=Role.DOMAIN, domains=[anna.domain])
    assert [row.destination for row in by_destination(Actor(who), 7)] == ["far.test", "good.test"]


def test_on_a_page_and_over_rest(client: Client, anna: Account) -> None:
    client.force_login(create_administrator("root", "a long passphrase"))
    shown = client.get("/reports/delivery/?days=7").content.decode()
    assert "far.test" in shown
    assert "mailbox" in shown
    far = client.get("/api/v1/deliverability/").json()[0]
    assert (far["destination"], far["percent"], far["reasons"][0]) == ("far.test", 60, ["mailbox", 1])
    assert client.get("/api/v1/deliverability/?days=5").status_code == 400
