"""A line now and then that says how far the tests are, room by room, in place of dots."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from tests.rooms import folder

EVERY_SECONDS = 15.0


class Progress:
    """Counts what is done of each room. A failed test is named at once."""

    def __init__(self, reporter: Any) -> None:
        self._reporter = reporter
        self._all: Counter[str] = Counter()
        self._done: Counter[str] = Counter()
        self._started = self._said = time.monotonic()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._expect([item.nodeid for item in session.items])

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        # Every process collects all tests.
        self._expect(ids)

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(
        self, report: pytest.CollectReport | pytest.TestReport
    ) -> tuple[str, str, str] | None:
        if report.passed and report.when == "call":
            return "passed", "", ""
        return None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._reporter.write_line(f"FAILED {report.nodeid} ({report.when})", red=True)
        if report.when != "teardown":
            return
        room = folder(report.nodeid)
        self._done[room] += 1
        now = time.monotonic()
        if self._done[room] == self._all[room] or now - self._said > EVERY_SECONDS:
            self._said = now
            self._reporter.write_line(self._line(int(now - self._started)))

    def _expect(self, ids: Sequence[str]) -> None:
        self._all = Counter(map(folder, ids))

    def _line(self, seconds: int) -> str:
        """Like ` 1:05  310 of 3,470  deploy 4/86  jobs 40/310`: the rooms that are being run."""
        running = [
            f"{room} {self._done[room]}/{count}"
            for room, count in self._all.items()
            if 0 < self._done[room] < count
        ]
        whole = f"{self._done.total():,} of {self._all.total():,}"
        return "  ".join([f"{seconds // 60:2}:{seconds % 60:02}", whole, *running])


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        config.pluginmanager.register(Progress(reporter))
