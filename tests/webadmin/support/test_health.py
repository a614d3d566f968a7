"""Settings and who changed them; how the appliance fares; a bundle without secrets or people."""

import dataclasses
import json
import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from appliance import ROOT
from mailservices.config import PREFIX
from webadmin.audit.models import Entry
from webadmin.audit.record import OPERATOR
from webadmin.directory import actions as directory
from webadmin.directory.administrators import create_administrator
from webadmin.policy import actions as policy
from webadmin.queue.models import Lane, Message, Recipient
from webadmin.support import environment, health, told
from webadmin.trace.models import TraceCount

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(create_administrator("root", "a long passphrase"))
    return client


def test_every_setting_of_the_manual_is_told_in_its_words() -> None:
    rows = re.findall(
        r"^\| (`FACTEUR_[^|]+) \| ([^|]+) \| ([^|]+) \|$", (ROOT / "docs/operating.md").read_text(), re.MULTILINE
    )
    manual = {
        (name, default.replace("`", "").strip(), meaning.replace("`", "").strip())
        for names, default, meaning in rows
        for name in re.findall(rf"`{PREFIX}([A-Z_]+)`", names)
        if "`make run` only" not in meaning
    }
    assert set(environment.SETTINGS) == manual


def test_secrets_are_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_PASSWORD_FILE", "REDIS_PASSWORD_FILE", "SECRET_KEY_FILE"):
        monkeypatch.delenv(PREFIX + name, raising=False)
    monkeypatch.setenv("FACTEUR_SECRET_KEY", "very secret")
    monkeypatch.setenv("FACTEUR_REDIS_PASSWORD_FILE", "/run/secrets/redis")
    monkeypatch.setenv("FACTEUR_DATABASE_URL", "postgresql://anna:hidden@db:5432/mail")
    found = {one.name: one.value for one in environment.settings()}
    assert found["FACTEUR_SECRET_KEY"] == "(set)"
    assert found["FACTEUR_REDIS_PASSWORD"] == "(in a file)"
    assert found["FACTEUR_DATABASE_URL"] == "postgresql://anna:…@db:5432/mail"
    assert found["FACTEUR_LOG_LEVEL"] == ""


def test_what_was_changed_says_by_whom() -> None:
    assert not [one for one in told.told() if one.changed or one.value != one.default]
    policy.change_inbound(OPERATOR, None, spf="refuse")
    policy.change_limit(OPERATOR, "messages", 77)
    changed = {
        one.meaning: (one.value, one.changed and one.changed.username)
        for one in told.told()
        if one.value != one.default
    }
    assert changed == {
        told.MEANINGS["spf"]: ("refuse", "command line"),
        "Messages that one address may have a minute": (77, "command line"),
    }  # fmt: skip


def states() -> dict[str, str]:
    return {part.name: part.state for part in health.parts()}


def test_what_is_wrong_is_told(settings: Settings) -> None:
    directory.create_domain(OPERATOR, "us.test")
    TraceCount.objects.create(hour=timezone.now() - timedelta(hours=1), kind="", events=0)
    found = states()
    assert {found[name] for name in ("PostgreSQL", "Schema", "Redis", "Secret key", "Workers", "Queue")} == {
        "well"
    }
    message = Message.objects.create(
        message_id=uuid.uuid4(), expires_at=timezone.now(), sender="", size=1, prefix=b"", header=b"",
        blob_id=uuid.uuid4(),
    )  # fmt: skip
    late = timezone.now() - timedelta(hours=1)
    for name in ("far", "down"):
        Recipient.objects.create(
            message=message, address=f"x@{name}.test", destination=f"{name}.test", next_attempt_at=late
        )
    Lane.objects.create(lane="down.test", failures=1, down_until=timezone.now() + timedelta(hours=1))
    TraceCount.objects.update(hour=timezone.now() - timedelta(days=1))
    settings.CONFIG = dataclasses.replace(settings.CONFIG, sealing_key=bytes(32))
    found = states()
    assert (found["Queue"], found["Workers"], found["Secret key"]) == ("look", "look", "bad")
    (queue,) = [part for part in health.parts() if part.name == "Queue"]
    assert queue.words.startswith("1 recipients are due")


def test_a_part_that_does_not_answer_is_bad(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any) -> None:
        raise ConnectionError

    monkeypatch.setattr(health.cache, "get", away)
    assert states()["Redis"] == "bad"


def test_the_bundle_has_neither_secrets_nor_people(admin: Client, settings: Settings) -> None:
    directory.create_domain(OPERATOR, "us.test")
    directory.create_account(OPERATOR, "anna@us.test", "a passphrase")
    answer = admin.get("/health/bundle/")
    assert answer["Content-Disposition"].endswith('.json"')
    text = answer.content.decode()
    told_of = json.loads(text)
    assert told_of["counts"]["accounts"] == 1
    assert told_of["versions"]["facteur"] == settings.VERSION
    assert (
        any(row["table"] == "directory_account" for row in told_of["tables"])
        or len(told_of["tables"]) == health.TABLES
    )
    config = settings.CONFIG
    for secret in (config.secret_key, config.database.password, "us.test", "anna", "root"):
        assert secret not in text.replace("/root", "")
    assert Entry.objects.filter(verb="take support bundle").exists()


def test_the_pages_and_the_api_show_them(admin: Client) -> None:
    assert b"FACTEUR_HOSTNAME" in admin.get("/settings/").content
    assert b"All migrations are applied." in admin.get("/health/").content
    assert {row["name"] for row in admin.get("/api/v1/settings/").json()} >= {"FACTEUR_HOSTNAME"}
    assert admin.get("/api/v1/health/").json()[0]["name"] == "PostgreSQL"
