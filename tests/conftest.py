"""For all tests: fast bindings from the start, and no silent skips where it matters."""

from __future__ import annotations

import os
from typing import Any

import pytest

import stacks  # noqa: F401 - first, because jsii starts Node on the first import of cdktf.


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """With BURST_NO_SKIPS=1 a skipped test fails the session."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("BURST_NO_SKIPS") == "1" and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if os.environ.get("BURST_NO_SKIPS") == "1" and terminalreporter.stats.get("skipped"):
        terminalreporter.write_line("BURST_NO_SKIPS=1: skipped tests count as failed.", red=True)
