"""Where the seconds of the tests go, room by room: `pipenv run bench rooms [arguments of pytest]`.

All processes of the run are watched: what the tests themselves compute, moto's share of it, and
the programs that they start, by kind. What remains of a room's time it has waited, mostly for
Terraform's AWS provider, which sleeps between its looks at AWS. A process that lives for less than
a look of the watcher is missed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.process_tree import PROC, processes
from tests.rooms import folder
from tests.set_up import processes as test_processes

Rooms = defaultdict[str, Counter[str]]

LOOK_SECONDS = 0.5
TICKS = os.sysconf("SC_CLK_TCK")
# By the beginning of the name that the system shows; `worker` is Spark's, in Python.
KINDS = {"terraform": "terraform", "java": "spark"}
COLUMNS = {
    "tests": "tests",
    "seconds": "seconds",
    "waits": "waiting",
    "terraform": "Terraform and provider",
    "spark": "Spark's Java",
    "spark start": "of a start of Spark",
    "programs": "other programs",
    "own": "own process",
    "moto": "of that moto",
}


@dataclass
class Watcher:
    """Processor seconds, by kind, of every program under this process, also of those that ended."""

    _seconds: dict[int, tuple[str, float]] = field(default_factory=dict)
    _ended: Counter[str] = field(default_factory=Counter)

    def look(self) -> Counter[str]:
        now = {pid: _figures(pid) for pid in processes(os.getpid()) if pid != os.getpid()}
        alive = {pid: figures for pid, figures in now.items() if figures}
        for pid in self._seconds.keys() - alive.keys():
            kind, seconds = self._seconds[pid]
            self._ended[kind] += seconds  # type: ignore[assignment]
        self._seconds = alive
        total = Counter(self._ended)
        for kind, seconds in alive.values():
            total[kind] += seconds  # type: ignore[assignment]
        return total


def _figures(pid: int) -> tuple[str, float] | None:
    try:
        name, _, rest = (PROC / str(pid) / "stat").read_text().partition("(")[2].rpartition(")")
    except OSError:
        return None
    fields = rest.split()
    kind = next((kind for start, kind in KINDS.items() if name.startswith(start)), "programs")
    # utime and stime (proc(5), fields 14 and 15).
    return kind, (int(fields[11]) + int(fields[12])) / TICKS


class Meter:
    """Adds up what each room takes in this process, and gives it to the process that started it."""

    def __init__(self, rooms: Rooms) -> None:
        self.rooms = rooms
        self._room = ""
        self._watcher = Watcher()
        self._lock = threading.Lock()
        self._moto = 0.0
        self._done = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        before = self._watcher.look()
        while not self._done.wait(LOOK_SECONDS):
            now = self._watcher.look()
            taken = now - before
            before = now
            with self._lock:
                self.rooms[self._room].update(taken)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        before, self._room = self._own(), folder(item.nodeid)
        result = yield
        taken = self._own()
        taken.subtract(before)
        taken["tests"] = 1
        with self._lock:
            self.rooms[self._room].update(taken)
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Generator[None, Any, Any]:
        start = time.monotonic()
        result = yield
        if fixturedef.argname == "spark":
            self.rooms[self._room]["spark start"] += time.monotonic() - start  # type: ignore[assignment]
        return result

    def pytest_collection_finish(self) -> None:
        from moto.server import DomainDispatcherApplication

        answer: Callable[..., Any] = DomainDispatcherApplication.__call__

        def measured(*arguments: Any) -> Any:
            start = time.thread_time()
            try:
                return answer(*arguments)
            finally:
                self._moto += time.thread_time() - start

        DomainDispatcherApplication.__call__ = measured  # type: ignore[method-assign]

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        self._done.set()
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output["rooms"] = {room: dict(taken) for room, taken in self.rooms.items() if room}

    def _own(self) -> Counter[str]:
        own = {"seconds": time.monotonic(), "own": time.process_time(), "moto": self._moto}
        return Counter(own)


class Table:
    """Prints what the rooms took, in all processes together."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        for room, taken in getattr(node, "workeroutput", {}).get("rooms", {}).items():
            self._rooms[room].update(taken)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        terminalreporter.write_line("")
        for line in markdown(self._rooms):
            terminalreporter.write_line(line)


def markdown(rooms: Mapping[str, Counter[str]]) -> list[str]:
    """The rooms that take longest first, and their sum."""
    total: Counter[str] = Counter()
    for taken in rooms.values():
        computed = sum(taken[kind] for kind in ("terraform", "spark", "programs", "own"))
        taken["waits"] = max(0, taken["seconds"] - computed)
        total.update(taken)
    longest = sorted(rooms.items(), key=lambda room: -room[1]["seconds"])
    lines = [f"| room | {' | '.join(COLUMNS.values())} |", "|---" * (len(COLUMNS) + 1) + "|"]
    for room, taken in [*longest, ("all", total)]:
        cells = " | ".join(f"{taken[column]:,.0f}" for column in COLUMNS)
        lines.append(f"| {room} | {cells} |")
    return lines


def pytest_configure(config: pytest.Config) -> None:
    rooms: Rooms = defaultdict(Counter)
    if hasattr(config, "workerinput") or not config.option.numprocesses:
        config.pluginmanager.register(Meter(rooms))
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Table(rooms))


def main(arguments: list[str]) -> int:
    ours = ["-p", "tests.benchmarks.rooms", "-p", "tests.progress"]
    count = ["--numprocesses", str(test_processes())]
    command = [sys.executable, "-m", "pytest", *ours, *count, *arguments]
    return subprocess.run(command, cwd=Path(__file__).parents[2], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
