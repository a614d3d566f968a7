"""What the operator does at the machine itself."""

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command

from webadmin.audit.models import Entry
from webadmin.directory import administrators

pytestmark = pytest.mark.django_db


def test_lost_second_factors_are_forgotten(capsys: pytest.CaptureFixture[str]) -> None:
    root = administrators.create_administrator("root", "a long passphrase")
    Authenticator.objects.create(user=root, type="totp", data={})
    call_command("forget_factors", "root")
    assert "root signs in by the password alone; 1 factors" in capsys.readouterr().out
    assert not Authenticator.objects.exists()
    assert Entry.objects.get(verb="forget second factors").username == "command line"
    for nobody in ("somebody", "a@b.test"):
        with pytest.raises(CommandError, match="Nobody called"):
            call_command("forget_factors", nobody)
