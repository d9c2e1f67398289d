"""For all tests: fast bindings from the start, two rooms at once, and no silent skips."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

import stacks  # noqa: F401 - first, because jsii starts Node on the first import of cdktf.

# How long an example takes says more about the machine than about the code.
settings.register_profile("burst", deadline=None)
settings.load_profile("burst")

# One apply, one Spark session and one emulated account serve a whole room, so with
# `--dist loadgroup` a room stays in one process. The longest comes first.
ROOMS = ("deploy", "jobs", "tools")


# First, because xdist looks for groups in a hook of the same name.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of a room together, and begin with those that take longest."""
    tests = Path(__file__).parent

    def place(item: pytest.Item) -> int:
        room = item.path.relative_to(tests).parts[0]
        return ROOMS.index(room) if room in ROOMS else len(ROOMS)

    items.sort(key=place)
    for item in items:
        if place(item) < len(ROOMS):
            item.add_marker(pytest.mark.xdist_group(ROOMS[place(item)]))


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """With BURST_NO_SKIPS=1 a skipped test fails the session."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("BURST_NO_SKIPS") == "1" and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if os.environ.get("BURST_NO_SKIPS") == "1" and terminalreporter.stats.get("skipped"):
        terminalreporter.write_line("BURST_NO_SKIPS=1: skipped tests count as failed.", red=True)
