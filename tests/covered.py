"""A pytest plugin: the pure rooms are covered by their own tests, every line and every branch, or the run fails.

Only tests of tests/mail and tests/protocols are traced, so no other test is slower for it; what runs while modules
are imported counts too. Judged when all of those tests ran in this process: not with -k, nor under pytest-xdist.
"""

import io
import os
from collections.abc import Generator

import pytest
from coverage import Coverage

from appliance import ROOT

ROOMS = ("mail", "protocols")
TESTS = [ROOT / "tests" / room for room in ROOMS]

_coverage = Coverage(
    data_file=None,
    config_file=str(ROOT / "pyproject.toml"),
    source=[f"mailservices.{room}" for room in ROOMS],
    messages=False,
)


class Covered:
    """Starts and stops the tracer, and judges at the end."""

    def __init__(self) -> None:
        self._wanted = {path for tests in TESTS for path in tests.rglob("test_*.py")}
        self._judging = True
        _coverage.start()

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        _coverage.stop()
        self._wanted -= {item.path for item in session.items}
        self._judging = self._judging and not self._wanted and not session.config.option.collectonly

    def pytest_deselected(self) -> None:
        self._judging = False

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        pure = any(item.path.is_relative_to(tests) for tests in TESTS)
        if pure:
            _coverage.start()
        try:
            return (yield)
        finally:
            if pure:
                _coverage.stop()

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """A run that failed says so itself: its missing lines are no news."""
        if not self._judging or exitstatus != pytest.ExitCode.OK:
            return
        told = io.StringIO()
        if _coverage.report(file=told, show_missing=True, skip_covered=True) < 100:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
            self._told = told.getvalue()

    _told = ""

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._told:
            terminalreporter.section("mail/ and protocols/ are not covered by their own tests", red=True)
            terminalreporter.write(self._told)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Before Django is set up and the conftests are read: both import the rooms."""
    options = early_config.known_args_namespace
    elsewhere = getattr(options, "cov_source", None) or getattr(options, "numprocesses", None)
    if not elsewhere and "PYTEST_XDIST_WORKER" not in os.environ:
        early_config.pluginmanager.register(Covered())
