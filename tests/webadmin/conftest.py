"""What tests of pages share."""

from threading import Semaphore

import pytest

from webadmin.dashboard import live


@pytest.fixture(autouse=True)
def _no_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    """A browser's stream would outlive its test, and ask a database that is another test's by then."""
    monkeypatch.setattr(live, "_streams", Semaphore(0))
