"""The overview: its figures are those of the rows, its alerts say what to do, and it lives without Redis."""

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from mailservices.mail.vocabulary import Event
from mailservices.store.ids import new_id, oldest_id
from webadmin.audit.record import OPERATOR
from webadmin.dashboard import figures
from webadmin.dashboard.alerts import alerts
from webadmin.directory import actions
from webadmin.mailstore.models import Usage
from webadmin.policy.models import Notice
from webadmin.queue.models import Lane, Message, Recipient
from webadmin.records.models import LastLook
from webadmin.security.models import SignIn
from webadmin.signing.models import DkimKey
from webadmin.trace.models import TraceCount, TraceEvent

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_is_kept() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(actions.create_administrator("root", "a long passphrase"))
    return client


def queued(address: str, age: timedelta, **values: Any) -> None:
    came = timezone.now() - age
    message = Message.objects.create(
        message_id=uuid.UUID(int=oldest_id(came.timestamp()).int | Message.objects.count()), sender="", size=1,
        expires_at=came + timedelta(days=5), prefix=b"", header=b"", blob_id=uuid.uuid4(),
    )  # fmt: skip
    Recipient.objects.create(message=message, address=address, destination=address.partition("@")[2], **values)


def event(kind: str, age: timedelta) -> None:
    TraceEvent.objects.create(trace_id=new_id(), kind=kind, service="smtp", at=timezone.now() - age)


def test_what_waits_is_told_by_age_and_destination(admin: Client) -> None:
    for age in (timedelta(days=4), timedelta(hours=2), timedelta(hours=2), timedelta(minutes=5)):
        queued("a@far.test", age)
    queued("b@other.test", timedelta(days=2))
    queued("c@other.test", timedelta(days=2), state="held")
    found = figures.all_figures(OPERATOR)
    assert dict(found["ages"]) == {
        "less than an hour": 1, "1 to 6 hours": 2, "6 to 24 hours": 0, "1 to 3 days": 1, "more than 3 days": 1,
    }  # fmt: skip
    assert [(row["destination"], row["waiting"]) for row in found["destinations"]] == [
        ("far.test", 4), ("other.test", 1),
    ]  # fmt: skip
    assert timezone.now() - found["destinations"][0]["since"] > timedelta(days=3, hours=23)
    assert b"far.test" in admin.get("/").content


def test_hours_that_were_counted_are_not_counted_again() -> None:
    now = timezone.now()
    hour = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)
    event(Event.DELIVERED, now - hour)
    event(Event.REFUSED, timedelta())
    assert sum(figures.hourly(OPERATOR, hour).values()) == 2
    TraceCount.objects.create(hour=hour, kind="", events=8)
    TraceCount.objects.create(hour=hour, kind=Event.DELIVERED, events=7)
    TraceCount.objects.create(hour=hour, kind=Event.ACCEPTED, events=1)
    found = figures.hourly(OPERATOR, hour)
    assert found[hour, Event.DELIVERED] == 7
    assert sum(count for (_, kind), count in found.items() if kind == Event.REFUSED) == 1
    chart = figures.chart(OPERATOR, 24)
    assert len(chart["times"]) == 24
    assert sum(chart["series"]["Delivered here"]) == 7
    assert sum(chart["series"]["Refused"]) == 1


def test_storage_and_sign_ins_are_told(admin: Client) -> None:
    actions.create_domain(OPERATOR, "us.test")
    account = actions.create_account(OPERATOR, "a@us.test", "a passphrase", 1000)
    Usage.objects.filter(account=account).update(bytes=900, messages=3)
    told = {"name": "a@us.test", "protocol": "imap"}
    SignIn.objects.create(outcome="accepted", times=5, **told)
    SignIn.objects.create(outcome="refused", times=2, **told)
    SignIn.objects.create(outcome="blocked", at=timezone.now() - timedelta(days=2), **told)
    found = figures.all_figures(OPERATOR)
    assert (found["stored"], found["letters"]) == (900, 3)
    assert found["database"] > 1_000_000
    assert found["sign_ins"] == {"accepted": {"imap": 5}, "failed": 2}
    assert found["fullest"][0]["address"] == "a@us.test"
    assert b"a@us.test" in admin.get("/").content


def test_alerts_say_what_is_wrong_and_lead_there() -> None:
    assert alerts(OPERATOR) == []
    domain = actions.create_domain(OPERATOR, "us.test")
    account = actions.create_account(OPERATOR, "a@us.test", "a passphrase")
    queued("c@other.test", timedelta(), state="held")
    Notice.objects.create(name=f"sending {account.pk}", detail="a@us.test: much")
    Notice.objects.create(name="gateway", detail="172.18.0.1")
    hour = timedelta(hours=2)
    Lane.objects.create(lane="far.test", failures=2, down_since=timezone.now() - hour, reason="nobody there")
    Lane.objects.create(lane="new.test", failures=1, down_since=timezone.now(), reason="just now")
    DkimKey.objects.update(asked_at=timezone.now())
    LastLook.objects.create(domain=domain, problems=["MX missing"])
    TraceCount.objects.create(hour=timezone.now() - timedelta(days=1), kind="", events=0)
    event(Event.DELIVERED, timedelta())
    cache.clear()
    found = alerts(OPERATOR)
    assert [one.severe for one in found] == sorted((one.severe for one in found), reverse=True)
    words = " | ".join(f"{one.title} {one.words} {one.url}" for one in found)
    for part in (
        "All mail seems to come from one address",
        "No worker has done its rounds", "to 1 recipient is held", f"/accounts/{account.pk}/",
        "at far.test since", "The key that signs the mail of us.test", "DNS of us.test: MX missing",
    ):  # fmt: skip
        assert part in words, part
    assert "new.test" not in words
    assert len(found) == 7


def test_it_is_asked_for_again_in_part_and_kept_for_a_moment(admin: Client) -> None:
    part = admin.get("/", headers={"X-Part": "yes"}).content
    assert b"<html" not in part
    queued("a@far.test", timedelta())
    assert b"far.test" not in admin.get("/").content
    cache.clear()
    assert b"far.test" in admin.get("/").content


def test_without_redis_figures_are_found_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any) -> None:
        raise ConnectionError

    monkeypatch.setattr(cache, "get", away)
    assert figures.kept(OPERATOR, "x", lambda: 5) == 5


def test_the_chart_has_three_spans(admin: Client) -> None:
    for hours, points in (("24", 24), ("168", 168), ("720", 720), ("nonsense", 24)):
        assert len(admin.get(f"/traffic.json?hours={hours}").json()["times"]) == points
