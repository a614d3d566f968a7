"""When something that the web needs is away: 503 and when to try again, without a word of what happened inside."""

import dataclasses
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client, RequestFactory

from webadmin import outage
from webadmin.directory import actions

pytestmark = pytest.mark.django_db


@pytest.fixture
def no_redis(settings: Any) -> None:
    backend, nowhere = "django.core.cache.backends.redis.RedisCache", "redis://127.0.0.1:1/0"
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": nowhere}}
    settings.CONFIG = dataclasses.replace(settings.CONFIG, redis_url=nowhere)


def test_signing_in_does_without_redis(no_redis: None) -> None:
    """Limits are each process's own then, as the mail servers' are."""
    actions.create_administrator("root", "a long passphrase")
    client = Client()
    assert client.post("/sign-in/", {"login": "root", "password": "wrong"}).status_code == 200
    assert client.post("/sign-in/", {"login": "root", "password": "a long passphrase"}).status_code == 302
    assert client.get("/domains/").status_code == 200
    guesses = [Client().post("/sign-in/", {"login": "other", "password": "wrong"}).status_code for _ in range(12)]
    assert guesses == [200] * 11 + [429]


def test_a_page_that_needs_redis_says_so(no_redis: None) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(actions.create_administrator("root", "a long passphrase"))
    answer = client.get("/sign-ins/")
    assert answer.status_code == 503
    assert answer["Retry-After"] == "5"
    assert b"try again in a moment" in answer.content
    assert b"redis" not in answer.content.lower()


def test_the_api_says_so_as_problem_json(no_redis: None) -> None:
    administrator = actions.create_administrator("root", "a long passphrase")
    _, token = actions.create_token(administrator, "test")
    answer = Client(raise_request_exception=False).post(
        "/api/v1/domains/", {"name": "a.test"}, "application/json",
        headers={"Authorization": f"Bearer {token}", "Idempotency-Key": "1"},
    )  # fmt: skip
    assert answer.status_code == 503
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == 503


@pytest.mark.parametrize(
    ("error", "status"), [(OperationalError("password of facteur"), 503), (ValueError("secret"), 500)]
)
@pytest.mark.parametrize("path", ["/domains/", "/api/v1/domains/"])
def test_no_cause_is_told(error: Exception, status: int, path: str) -> None:
    request = RequestFactory().get(path)
    try:
        raise error
    except type(error):
        answer = outage.server_error(request)
    assert answer.status_code == status
    assert str(error).encode() not in answer.content
    assert answer.has_header("Retry-After") is (status == 503)
