"""For all tests: fast bindings from the start, two rooms at once, and no silent skips."""

from __future__ import annotations

import gc
import os
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

import stacks  # noqa: F401 - first, because jsii starts Node on the first import of cdktf.
from tests import example

example.use_its_transform()
pytest_plugins = ["tests.spark"]

# What the tests import they keep, so nobody need look for garbage in it, now or later.
gc.disable()

# How long an example takes says more about the machine than about the code. The gate looks for
# longer (`--hypothesis-profile thorough`) than somebody does who has just changed something.
settings.register_profile("quick", deadline=None, max_examples=20)
settings.register_profile("few", deadline=None, max_examples=2)
settings.register_profile("thorough", deadline=None, max_examples=200)
settings.load_profile("quick")

# One apply, one Spark session and one emulated account serve a whole room, so a room stays in one
# process. Everywhere else a file does.
ROOMS = ("tests/deploy/test", "tests/jobs/", "tests/tools/")
# What takes longest.
FIRST = ("tests/deploy/test", "tests/deploy/alone/", "tests/jobs/", "tests/tools/")


def room_of(nodeid: str) -> str:
    """What the ids of all tests of a room begin with."""
    file = nodeid.split("::")[0]
    return next((room for room in ROOMS if file.startswith(room)), file)


class Rooms(LoadScopeScheduling):
    """Deals whole rooms out to the processes of xdist, whose own groups pytest 9.2 ignores."""

    def _split_scope(self, nodeid: str) -> str:
        return room_of(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Rooms:
    """In the order of collection: xdist would begin with whatever has the most tests."""
    config.option.loadscopereorder = False
    return Rooms(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that take longest."""

    def place(item: pytest.Item) -> int:
        begin = [item.nodeid.startswith(start) for start in FIRST]
        return begin.index(True) if any(begin) else len(FIRST)

    items.sort(key=place)


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """With BURST_NO_SKIPS=1 a skipped test fails the session."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("BURST_NO_SKIPS") == "1" and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if os.environ.get("BURST_NO_SKIPS") == "1" and terminalreporter.stats.get("skipped"):
        terminalreporter.write_line("BURST_NO_SKIPS=1: skipped tests count as failed.", red=True)
