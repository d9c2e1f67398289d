"""Which tests share a process, and in which order they begin."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from xdist.scheduler import LoadScopeScheduling

# One apply, one emulated account, one Spark or one synth serves all tests of these files, so they
# stay in one process; everywhere else each file has its own.
SHARED: Mapping[str, tuple[str, ...]] = {
    "deploy, the rest": ("tests/deploy/test_",),
    "deploy, operating": (
        "tests/deploy/test_operate.py",
        "tests/deploy/test_demo_names_the_cause.py",
    ),
    "jobs, with Spark": (
        "tests/jobs/test_accounting.py",
        "tests/jobs/test_cases.py",
        "tests/jobs/test_drain.py",
        "tests/jobs/test_faults.py",
        "tests/jobs/test_orders.py",
        "tests/jobs/test_plain_row_engine.py",
        "tests/jobs/test_spark_faults.py",
        "tests/jobs/test_spark_halving.py",
        "tests/jobs/test_spark_readers.py",
        "tests/jobs/test_transforms.py",
        "tests/jobs/test_unreadable.py",
        "tests/yours/",
    ),
    "synth, every stack": (
        "tests/synth/test_addresses.py",
        "tests/synth/test_alerts.py",
        "tests/synth/test_every_permission.py",
        "tests/synth/test_existing_landing.py",
        "tests/synth/test_github_roles.py",
        "tests/synth/test_producers.py",
        "tests/synth/test_reviewed.py",
        "tests/synth/test_security.py",
        "tests/synth/test_trail.py",
    ),
}
# What takes longest begins first.
FIRST = (
    *("deploy, ", "jobs, with Spark", "tests/deploy/", "tests/copies/", "tests/tools/"),
    *("tests/jobs/", "tests/lazy_bindings/", "synth, ", "tests/synth/"),
)
# Whose tests have nothing in common and take a minute each.
ALONE = ("tests/copies/",)


def scope(nodeid: str) -> str:
    """What shares a process with this test: a name of `SHARED`, or else its file."""
    file = nodeid.split("::")[0]
    return nodeid if file.startswith(ALONE) else _scope_of_file(file)


@functools.cache
def _scope_of_file(file: str) -> str:
    found = [
        (len(start), name)
        for name, starts in SHARED.items()
        for start in starts
        if file.startswith(start)
    ]
    return max(found)[1] if found else file


def place(nodeid: str) -> int:
    """Where in the order of all tests it stands."""
    return _place_of_scope(scope(nodeid))


@functools.cache
def _place_of_scope(found: str) -> int:
    return next((at for at, begin in enumerate(FIRST) if found.startswith(begin)), len(FIRST))


def folder(nodeid: str) -> str:
    """The room of a test as people know it: the folder under `tests`."""
    parts = nodeid.split("::")[0].split("/")
    return parts[1] if len(parts) > 2 else parts[0]


class Rooms(LoadScopeScheduling):
    """Deals whole scopes out to the processes of xdist, whose own groups pytest 9.2 ignores."""

    def _split_scope(self, nodeid: str) -> str:
        return scope(nodeid)


def scheduler(config: Any, log: Any) -> Rooms:
    """In the order of collection: xdist would begin with whatever has the most tests."""
    config.option.loadscopereorder = False
    return Rooms(config, log)
