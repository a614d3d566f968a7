"""Events of the overview: something new is told, streams end and give their places back, and there are few."""

from collections.abc import Iterator
from threading import BoundedSemaphore
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from webadmin.dashboard import figures, live
from webadmin.directory import actions
from webadmin.policy.models import Notice

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _soon(_no_streams: None, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.clear()
    monkeypatch.setattr(live, "_streams", BoundedSemaphore(live.STREAMS))
    monkeypatch.setattr(live, "LOOK", 0.01)
    monkeypatch.setattr(live, "LASTS", 600.0)
    monkeypatch.setattr(figures, "KEPT_SECONDS", 0)


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(actions.create_administrator("root", "a long passphrase"))
    return client


def opened(client: Client) -> tuple[Any, Iterator[bytes]]:
    answer: Any = client.get("/live/")
    return answer, iter(answer.streaming_content)


def test_what_is_new_is_told_and_nothing_else(admin: Client) -> None:
    answer, events = opened(admin)
    assert (answer["Content-Type"], answer["Cache-Control"]) == ("text/event-stream", "no-store")
    assert next(events) == b"retry: 1000\n\n"
    assert [next(events) for _ in range(3)] == [b":\n\n"] * 3
    Notice.objects.create(name="sending 1", detail="anna@example.org: 900 messages; mail is held.")
    assert next(events) == b"data: new\n\n"
    assert next(events) == b":\n\n"
    answer.close()


def test_a_stream_ends(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "LASTS", 0.0)
    _, events = opened(admin)
    assert list(events) == [b"retry: 1000\n\n"]


def test_few_are_given_and_each_gives_its_place_back(admin: Client) -> None:
    streams = [opened(admin) for _ in range(live.STREAMS)]
    assert admin.get("/live/").status_code == 204
    next(streams[0][1])
    for answer, _ in streams:
        # Whether it was read or not; and once, however often it is closed.
        answer.close()
        answer.close()
    again = [admin.get("/live/") for _ in range(live.STREAMS + 1)]
    assert [answer.status_code for answer in again] == [*[200] * live.STREAMS, 204]
    for answer in again:
        answer.close()


def test_nobody_else_hears_of_it(client: Client) -> None:
    assert client.get("/live/").status_code == 302
    # A browser's stream, of a page that was left open, ends for good.
    assert client.get("/live/", headers={"Accept": "text/event-stream"}).status_code == 204
