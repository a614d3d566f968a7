"""An address that is shut out is not even greeted on port 25."""

import time
from collections.abc import Iterator

import pytest

from mailservices.store.policy import KEPT_SECONDS
from tests.e2e.test_policy import greeting
from tests.services import Services, until
from webadmin.audit.record import OPERATOR
from webadmin.directory.models import Domain
from webadmin.security import actions
from webadmin.security.models import AccessRule

ADDRESS = "198.51.100.77"


@pytest.fixture(autouse=True)
def _tidy(domain: Domain) -> Iterator[None]:
    yield
    AccessRule.objects.all().delete()
    time.sleep(KEPT_SECONDS)


def test_whoever_is_shut_out_is_not_greeted(world: Services) -> None:
    assert greeting(world, ADDRESS).startswith("220")
    actions.set_access(OPERATOR, ADDRESS, "deny")
    until(lambda: greeting(world, ADDRESS).startswith("554"))
    assert greeting(world, "198.51.100.78").startswith("220")
