"""For all tests: fast bindings from the start, rooms that stay together, and no silent skips."""

from __future__ import annotations

import gc
import os
import signal
from typing import Any

import pytest

import stacks  # noqa: F401 - first, because jsii starts Node on the first import of cdktf.
from tests import example, rooms

example.use_its_transform()
example.guard_the_users()
pytest_plugins = ["tests.hypothesis_profiles", "tests.long_proofs", "tests.spark"]

# What the tests import they keep, so nobody need look for garbage in it, now or later.
gc.disable()

# A shell lets what it starts in the background ignore Ctrl-C, and every process that a test starts
# would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Terraform reads the provider's schema, which is large, at every call, and a fifth of its time is
# spent on looking for garbage in it. Not looking at all takes 2 GB for each of ten processes.
os.environ.setdefault("GOGC", "400")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """A name for compressed bytes: they tell the time, and every process must name a test alike."""
    return f"{argname} gzipped" if isinstance(val, bytes) and b"\x1f\x8b" in val else None


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> rooms.Rooms:
    return rooms.scheduler(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that take longest. Here are only processes that run tests."""
    from tests import kept

    kept.keep()
    items.sort(key=lambda item: rooms.place(item.nodeid))


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()
    # Python's own (700, 10, 10) look for garbage so often that it is a sixth of all tests' time.
    gc.set_threshold(100_000, 50, 100)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """With BURST_NO_SKIPS=1 a skipped test fails the session."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("BURST_NO_SKIPS") == "1" and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if os.environ.get("BURST_NO_SKIPS") == "1" and terminalreporter.stats.get("skipped"):
        terminalreporter.write_line("BURST_NO_SKIPS=1: skipped tests count as failed.", red=True)
