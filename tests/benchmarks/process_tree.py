"""Seconds, CPU seconds and peak memory of a program and everything that it starts."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
SAMPLE_SECONDS = 0.02


@dataclass(frozen=True)
class Command:
    """A program as it is to be started."""

    arguments: Sequence[str]
    environment: Mapping[str, str]
    folder: Path


@dataclass(frozen=True)
class Cost:
    """What one run took: wall clock, and processor time of all its processes."""

    seconds: float
    cpu_seconds: float


@dataclass(frozen=True)
class Measured:
    """One sampled run: wall clock, the highest memory of all its processes in bytes (what they
    share is counted once; None where the system has no such figure), and what it printed."""

    seconds: float
    peak_bytes: int | None
    output: str


def measure_time(command: Command) -> Cost:
    """Run it once, undisturbed."""
    started = time.perf_counter()
    process = _start(command)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    _check(process)
    return Cost(seconds, usage.ru_utime + usage.ru_stime)


def measure_memory(command: Command) -> int | None:
    """Run it once more and sample it: the highest sum of all its processes, in bytes.

    What processes share is counted once (Linux: proportional set size). Sampling slows them
    down, so this is a separate run. None where the system has no such figure.
    """
    process = _start(command)
    peak = 0
    while process.poll() is None:
        peak = max(peak, sum(_memory(pid) for pid in processes(process.pid)))
        time.sleep(SAMPLE_SECONDS)
    _check(process)
    return peak or None


def measure(command: Command, sample_seconds: float) -> Measured:
    """Run it once, sampled so rarely that its time counts as well.

    A sample of a Spark program takes about 10 milliseconds of one core.
    """
    started = time.perf_counter()
    process = _start(command, subprocess.PIPE)
    peak = 0
    done = threading.Event()

    def sample() -> None:
        nonlocal peak
        while not done.wait(sample_seconds):
            peak = max(peak, sum(_memory(pid) for pid in processes(process.pid)))

    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        output, _ = process.communicate()
        seconds = time.perf_counter() - started
    finally:
        done.set()
        sampler.join()
        process.kill()
    _check(process)
    return Measured(seconds, peak or None, output.decode())


def processor_seconds(root: int) -> float:
    """Processor time that a living process and everything under it has taken so far."""
    ticks = 0
    for pid in processes(root):
        try:
            fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # ended meanwhile
        # utime, stime, and both of children that have ended (proc(5), fields 14 to 17).
        ticks += sum(int(field) for field in fields[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


def _start(command: Command, stdout: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command.arguments,
        env=dict(command.environment),
        cwd=command.folder,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
    )


def _check(process: subprocess.Popen[bytes]) -> None:
    if process.returncode != 0:
        raise RuntimeError(f"{process.args!r} ended with {process.returncode}.")


def processes(root: int) -> list[int]:
    """A process and everything under it."""
    children: dict[int, list[int]] = defaultdict(list)
    for folder in PROC.glob("[0-9]*"):
        try:
            # The name, in parentheses, may hold anything; the parent is the second field after it.
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # ended meanwhile
        children[int(fields[1])].append(int(folder.name))
    found, pending = [], [root]
    while pending:
        pid = pending.pop()
        found.append(pid)
        pending += children[pid]
    return found


def _memory(pid: int) -> int:
    try:
        lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
