"""Administrators see which keys end, before they do, and whose mail could not be encrypted."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.private_keys import in_use
from webadmin.audit.record import OPERATOR, Actor
from webadmin.dashboard.alerts import alerts
from webadmin.directory import actions as directory
from webadmin.directory.administrators import create_administrator
from webadmin.directory.models import Role
from webadmin.privacy.models import Key, Notice

pytestmark = pytest.mark.django_db


def test_what_ends_is_told_to_whom_it_concerns() -> None:
    domain = directory.create_domain(OPERATOR, "example.org")
    elsewhere = directory.create_domain(OPERATOR, "elsewhere.test")
    alice = directory.create_account(OPERATOR, "alice@example.org", "pw1")
    keys = [in_use(alice, "alice@example.org") for _ in range(4)]
    dora = Actor(create_administrator("dora", "a long passphrase", role=Role.DOMAIN, domains=[domain]))
    other = Actor(create_administrator("other", "a long passphrase", role=Role.DOMAIN, domains=[elsewhere]))
    assert [one.words for one in alerts(dora)] == []
    for key, days in zip(keys, (-1, 29, 31, 5), strict=True):
        Key.objects.filter(pk=key.pk).update(expires_at=timezone.now() + timedelta(days=days))
    # What is in no use may end.
    Key.objects.filter(pk=keys[3].pk).update(signs=False, encrypts=False)
    told = [one for one in alerts(dora) if "The key of" in one.words]
    assert [(one.url, one.severe) for one in told] == [
        (f"/keys/{keys[0].pk}/", True),
        (f"/keys/{keys[1].pk}/", False),
    ]
    Notice.objects.create(account=alice, about=Notice.BROKEN)
    assert any(one.url == f"/accounts/{alice.pk}/private/" and one.severe for one in alerts(dora))
    assert [one.words for one in alerts(other)] == []
