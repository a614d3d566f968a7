"""The master key is changed, a backup is put back: whatever lies sealed opens as before."""

import dataclasses
import io
import subprocess
from pathlib import Path
from typing import Any

import psycopg
import pytest
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from django.apps import apps
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import models
from pytest_django import Settings

from appliance import programs
from mailservices.config import Config
from mailservices.mail import sealing
from mailservices.mail.openpgp import keys as openpgp
from tests.certificates import Authority
from tests.mail_certificates import MailAuthority
from webadmin.audit.models import Entry
from webadmin.audit.record import OPERATOR, Actor
from webadmin.certificates import actions as certificates
from webadmin.directory import actions, importing, signin
from webadmin.directory.administrators import create_administrator
from webadmin.privacy import actions as privacy
from webadmin.privacy import keeping, requests
from webadmin.privacy.models import Key
from webadmin.queue import routes
from webadmin.support.resealing import PLACES, reseal
from webadmin.webhooks import actions as webhooks

pytestmark = pytest.mark.django_db
NEW = sealing.derive("another secret key", b"sealing")
#: What columns of sealed octets are called.
NAMES = ("sealed", "secret", "scram", "client_secret")


@pytest.fixture
def world(tmp_path: Path) -> None:
    """One of everything that is sealed."""
    actions.create_domain(OPERATOR, "example.org")
    alice = actions.create_account(OPERATOR, "alice@example.org", "pw1")
    certificates.add_certificate(OPERATOR, *Authority(tmp_path / "tls.pem").for_hosts("mail.example.org"))
    routes.create_route(OPERATOR, recipient="far.test", host="relay.test", username="us", secret="pw")
    webhooks.create_webhook(OPERATOR, url="https://hooks.example.org/")
    signin.create_issuer(
        OPERATOR, "https://a.test", "mail", introspection_url="https://a.test/ask", client_id="us",
        client_secret="pw",
    )  # fmt: skip
    signin.create_app_password(OPERATOR, alice, "phone", readable=True)
    privacy.generate(OPERATOR, alice, "alice@example.org")
    privacy.upload(OPERATOR, alice, MailAuthority().issue("alice@example.org").pem.encode())
    requests.request_certificate(OPERATOR, alice, "alice@example.org", "EC P-256")


def opened(key: bytes) -> dict[tuple[str, Any], bytes]:
    """All that is sealed, by this key."""
    found = {}
    for place in PLACES:
        rows = place.model._default_manager.exclude(**{f"{place.column}__isnull": True})
        assert rows, place
        for row in rows:
            name = f"{place.model.__name__}.{place.column}", row.pk
            found[name] = sealing.unseal(key, bytes(getattr(row, place.column)), place.context(row))
    return found


def test_whatever_is_sealed_is_in_the_list() -> None:
    columns = {
        (model, field.name)
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if isinstance(field, models.BinaryField) and field.name in NAMES
    }
    assert columns == {(place.model, place.column) for place in PLACES}


def test_nothing_becomes_unreadable(world: None) -> None:
    before = opened(settings.CONFIG.sealing_key)
    told = reseal(settings.CONFIG.sealing_key, NEW)
    assert opened(NEW) == before
    assert (told.resealed, told.were, told.unreadable) == (len(before), 0, [])
    assert Entry.objects.get(verb="change secret key").after == {"resealed": len(before)}
    # Done again, it changes nothing.
    told = reseal(settings.CONFIG.sealing_key, NEW)
    assert (told.resealed, told.were, told.unreadable) == (0, len(before), [])


def test_keys_work_under_the_new_key(world: None, settings: Settings) -> None:
    reseal(settings.CONFIG.sealing_key, NEW)
    settings.CONFIG = dataclasses.replace(settings.CONFIG, sealing_key=NEW)
    key = Key.objects.get(kind="openpgp")
    assert openpgp.read(keeping.opened(key)).secret
    assert privacy.renew(OPERATOR, key).expires_at


def test_second_factors_and_imports_go_on(settings: Settings) -> None:
    root = create_administrator("root", "a long passphrase")
    actions.create_domain(OPERATOR, "example.org")
    adapter = get_adapter()
    totp = Authenticator.objects.create(user=root, type="totp", data={"secret": adapter.encrypt("TOTP")})
    codes = {"migrated_codes": [adapter.encrypt("one"), adapter.encrypt("two")], "used_mask": 0}
    recovery = Authenticator.objects.create(user=root, type="recovery_codes", data=codes)
    Authenticator.objects.create(user=root, type="webauthn", data={"name": "key", "credential": {"secret": 5}})
    job = importing.prepare_import(Actor(root), "address,password\nnew@example.org,x long one\n")
    told = reseal(settings.CONFIG.sealing_key, NEW)
    assert told.unreadable == []
    settings.CONFIG = dataclasses.replace(settings.CONFIG, sealing_key=NEW)
    totp.refresh_from_db()
    recovery.refresh_from_db()
    job.refresh_from_db()
    assert adapter.decrypt(totp.data["secret"]) == "TOTP"
    assert [adapter.decrypt(one) for one in recovery.data["migrated_codes"]] == ["one", "two"]
    assert importing._opened(job.told["sealed"])[0]["address"] == "new@example.org"


def test_what_neither_key_opens_is_named_and_left_alone(world: None) -> None:
    key = Key.objects.get(kind="openpgp")
    Key.objects.filter(pk=key.pk).update(secret=b"\x01nonsense")
    Authenticator.objects.create(
        user=create_administrator("root", "a long passphrase"), type="totp", data={"secret": "nonsense"}
    )
    told = reseal(settings.CONFIG.sealing_key, NEW)
    assert told.unreadable[0] == f"privacy_key {key.pk}"
    assert told.unreadable[1].startswith("second factor ")
    key.refresh_from_db()
    assert bytes(key.secret or b"") == b"\x01nonsense"


def test_the_command(world: None, settings: Settings) -> None:
    with pytest.raises(CommandError, match="Say the former key"):
        call_command("reseal")
    same = settings.CONFIG.secret_key
    settings.CONFIG = dataclasses.replace(settings.CONFIG, former_secret_key=same)
    with pytest.raises(CommandError, match="the same"):
        call_command("reseal")
    settings.CONFIG = dataclasses.replace(settings.CONFIG, secret_key="another secret key", sealing_key=NEW)
    said = io.StringIO()
    call_command("reseal", stdout=said)
    assert "secrets are sealed by the new key; 0 were already." in said.getvalue()
    Key.objects.update(secret=b"\x01nonsense")
    with pytest.raises(CommandError, match="sealed by neither key"):
        call_command("reseal", stdout=said)


@pytest.mark.django_db(transaction=True)
def test_a_backup_that_is_put_back_opens(world: None, config: Config, tmp_path: Path) -> None:
    before, server, there = opened(settings.CONFIG.sealing_key), programs.postgresql(), config.database
    assert server
    told = {"PGPASSWORD": there.password, "PGHOST": there.host, "PGPORT": str(there.port), "PGUSER": there.user}
    dump = tmp_path / "facteur.dump"
    subprocess.run([server["pg_dump"], "-Fc", f"--file={dump}", there.name], env=told, check=True, timeout=120)
    again = f"{there.name}_again"
    with psycopg.connect(_dsn(there), autocommit=True) as db:
        db.execute(f'CREATE DATABASE "{again}"')
    subprocess.run([server["pg_restore"], "--dbname", again, dump], env=told, check=True, timeout=120)
    with psycopg.connect(_dsn(dataclasses.replace(there, name=again))) as restored:
        for place in PLACES:
            table, column = place.model._meta.db_table, place.column
            rows = restored.execute(f"SELECT id, {column} FROM {table} WHERE {column} IS NOT NULL").fetchall()
            assert rows, place
            for pk, sealed in rows:
                row = place.model._default_manager.get(pk=pk)
                secret = sealing.unseal(settings.CONFIG.sealing_key, bytes(sealed), place.context(row))
                assert secret == before[f"{place.model.__name__}.{column}", pk]


def _dsn(there: Any) -> str:
    return f"host={there.host} port={there.port} user={there.user} password={there.password} dbname={there.name}"
