"""What a command starts, and how a signal ends it: gently at first, at once when it comes again.

Each program runs in its own session. So the Ctrl-C of a terminal reaches this process alone, which
then ends the programs in its own order; and everything that a program starts (the provider of
Terraform, Spark's JVM and its Python workers) can be found, ended and looked for by that session.
"""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

PROC = Path("/proc")
LOOK_EVERY_SECONDS = 0.02
# What to send, and for how many seconds to wait afterwards.
AT_ONCE = ((signal.SIGKILL, 5.0),)
SOON = ((signal.SIGTERM, 3.0), *AT_ONCE)
SPEAK_SECONDS = 1.0
# A program that wraps this one may pass on the Ctrl-C that the terminal sends to both.
ONE_PRESS_SECONDS = 0.2
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
OF_A_SIGNAL = 128


class Running(ABC):
    """Something that was started and that may still run.

    name: what it is, for people. patience: seconds that it gets to end by itself.
    """

    def __init__(self, name: str, patience: float = 0.0) -> None:
        self.name = name
        self.patience = patience

    @abstractmethod
    def living(self) -> list[int]:
        """The ids of its processes that live."""

    def end(self, *steps: tuple[signal.Signals, float]) -> None:
        """Send a signal to every process and wait that many seconds; go on while one lives.

        May be called at any time, from any thread, and again.
        """
        for number, seconds in steps:
            _send(number, self.living())
            if self._is_gone_within(seconds):
                return

    def _is_gone_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self.living():
            if time.monotonic() >= deadline:
                return False
            time.sleep(LOOK_EVERY_SECONDS)
        return True


class Session(Running):
    """A program as the first process of its own session, with everything that it starts.

    Attributes:
        popen: the program itself.
    """

    def __init__(
        self, name: str, command: Sequence[str], *, patience: float = 0.0, **options: Any
    ) -> None:
        super().__init__(name, patience)
        self._gone = False
        # A signal between the start and the note of it would leave the program to itself.
        with _signals.held(raise_after=False):
            self.popen: subprocess.Popen[Any] = subprocess.Popen(  # noqa: S603 - no shell.
                command, stdin=subprocess.DEVNULL, start_new_session=True, **options
            )
            _started.append(self)

    @property
    def pid(self) -> int:
        """The id of the program, which is that of its session."""
        return self.popen.pid

    def interrupt(self, seconds: float) -> None:
        """Ask the program itself to end, by one SIGINT; what lives after that time is killed."""
        with contextlib.suppress(ProcessLookupError):
            self.popen.send_signal(signal.SIGINT)
        deadline = time.monotonic() + seconds
        while self.popen.poll() is None and time.monotonic() < deadline:
            # Reads what it still prints: a full pipe would keep it from ending.
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.popen.communicate(timeout=LOOK_EVERY_SECONDS)
        self.end(*AT_ONCE)

    def living(self) -> list[int]:
        """Every living process of the session.

        The process group is not enough: PySpark's daemon makes its own group, but no session.
        Where there is no /proc (macOS) there is only the group to go by.
        """
        if self._gone:
            return []
        # Reaps the program itself: one that has ended but is not reaped is no longer counted.
        ended = self.popen.poll() is not None
        found = self._group()
        if (PROC / "self" / "stat").exists():
            found = [p for p in _pids() if (known := _stat(p)) and known.session == self.pid]
        # Nobody can enter a session that is empty, but its number will be given to another one.
        self._gone = ended and not found
        return found

    def _group(self) -> list[int]:
        try:
            os.killpg(self.pid, 0)
        except (ProcessLookupError, PermissionError):
            return []
        return [-self.pid]


class Descendants(Running):
    """Whatever this process itself has started, and what came of that: Spark's JVM for one."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._seen: dict[int, _Stat] = {}

    def living(self) -> list[int]:
        """Also those whose parent has ended since they were seen."""
        now = {pid: known for pid in _pids() if (known := _stat(pid))}
        found = {os.getpid()}
        while more := {pid for pid, known in now.items() if known.parent in found} - found:
            found |= more
        # By the time of its start, too: the number of one that has ended is given to another one.
        self._seen |= {pid: now[pid] for pid in found - {os.getpid()}}
        return sorted(
            pid for pid, seen in self._seen.items() if pid in now and now[pid].start == seen.start
        )


@contextmanager
def started(
    name: str, command: Sequence[str], *, patience: float, **options: Any
) -> Iterator[subprocess.Popen[Any]]:
    """Run a program while the block runs; wait for it at the end.

    Where the block is left by an exception, the program gets one SIGINT and ``patience`` seconds.
    Nothing that it has started outlives it.
    """
    session = Session(name, command, patience=patience, **options)
    try:
        _signals.raise_once()
        yield session.popen
        session.popen.communicate()
    except BaseException:
        session.interrupt(patience)
        raise
    finally:
        session.end(*AT_ONCE)
        for pipe in (session.popen.stdout, session.popen.stderr):
            if pipe:
                pipe.close()


def run(
    name: str, command: Sequence[str], *, patience: float, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end and return what it printed."""
    pipe = subprocess.PIPE
    with started(
        name, command, patience=patience, env=env, stdout=pipe, stderr=pipe, text=True
    ) as popen:
        output, errors = popen.communicate()
    return subprocess.CompletedProcess(command, popen.returncode, output, errors)


@contextmanager
def descendants(name: str) -> Iterator[None]:
    """For a library that starts processes by itself: where the block fails, they are killed."""
    running = Descendants(name)
    _started.append(running)
    try:
        yield
    except BaseException:
        # Spark's JVM would tell of its own end in a hundred lines, if it were only asked.
        running.end(*AT_ONCE)
        raise


def handle_signals() -> None:
    """Take the signals back from a library that has put its own handler in the place of ours."""
    _signals.install()


def living() -> dict[int, str]:
    """What each process is that was started and lives, by its id."""
    return {pid: running.name for running in list(_started) for pid in running.living()}


def verdict() -> str:
    """What became of everything that was started, by looking for it."""
    if not _started:
        return "Stopped."
    if not (left := living()):
        return "Stopped; nothing that was started is left running."
    names = ", ".join(f"{abs(pid)} ({name})" for pid, name in left.items())
    return (
        f"Stopped, but these processes do not end: {names}. "
        f"`kill -9 {' '.join(map(str, left))}` ends them."
    )


@contextmanager
def drawn_live(end: Callable[[], object]) -> Iterator[None]:
    """While a live view is drawn: a signal ends it, before it is said what is stopped.

    end: leaves the last picture on the screen; may be called from a thread, and again.
    """
    _ends_of_views.append(end)
    try:
        yield
    finally:
        _ends_of_views.remove(end)


def held() -> contextlib.AbstractContextManager[None]:
    """Let a signal that comes in the block wait for its end, for what must be done in full."""
    return _signals.held()


@contextmanager
def signals() -> Iterator[None]:
    """Handle signals as this module says while the block runs."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    _started.clear()
    _signals.reset(active=True)
    _signals.install()
    try:
        yield
    finally:
        _signals.reset(active=False)
        for number, handler in before.items():
            signal.signal(number, handler)


class _Signals:
    """The first signal is raised as an exception, so that everything is ended on the way out.

    The next one kills what still lives, and one more ends this process. A signal that whoever
    started this process has switched off (`nohup`, `&` in a script) stays off.
    """

    def __init__(self) -> None:
        self._holding = 0
        self.reset(active=False)

    def reset(self, *, active: bool) -> None:
        """Forget what has come. active: whether these handlers are wanted."""
        self._active = active
        self._first: int | None = None
        self._raised = False
        self._killed = False
        self._last = 0.0

    def install(self) -> None:
        """Put the handlers in their place, where they are wanted."""
        if not self._active or threading.current_thread() is not threading.main_thread():
            return
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._handle)

    @contextmanager
    def held(self, *, raise_after: bool = True) -> Iterator[None]:
        """Let a signal wait; without ``raise_after`` until `raise_once` is called."""
        # Handlers run in the main thread only.
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        self._holding += 1
        try:
            yield
        finally:
            self._holding -= 1
        if raise_after:
            self.raise_once()

    def raise_once(self) -> None:
        """Raise the signal that has come, unless it was raised or is to wait."""
        if self._first is None or self._raised or self._holding:
            return
        self._raised = True
        raise _exception_of(self._first)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            _let_go_of_the_terminal()
        if self._first is None:
            self._first, self._last = number, time.monotonic()
            _say_what_is_stopped(at_terminal=number == signal.SIGINT)
            self.raise_once()
        # A closed terminal is told by the kernel and by its shell.
        elif number != signal.SIGHUP and time.monotonic() - self._last > ONE_PRESS_SECONDS:
            self._last = time.monotonic()
            self._again(number)

    def _again(self, number: int) -> None:
        left = living()
        if not left and not self._holding and not self._killed:
            raise _exception_of(number)
        if left:
            _say(f"Ending at once: {_names(left)}.")
            for running in list(_started):
                running.end(*AT_ONCE)
        if self._killed:
            _say(verdict())
            os._exit(OF_A_SIGNAL + number)
        self._killed = True


def _exception_of(number: int) -> BaseException:
    if number == signal.SIGINT:
        return KeyboardInterrupt()
    return SystemExit(OF_A_SIGNAL + number)


def _say_what_is_stopped(*, at_terminal: bool) -> None:
    if left := living():
        again = " Ctrl-C again ends it at once." if at_terminal else ""
        patience = max(running.patience for running in _started if running.living())
        limit = f" (at most {patience:.0f} s)" if patience >= 1 else ""
        _say(f"Stopping {_names(left)}{limit} ...{again}")


def _names(left: Mapping[int, str]) -> str:
    return " and ".join(dict.fromkeys(left.values()))


def _say(text: str) -> None:
    """Print a line, below what is drawn live, which ends with it.

    In a thread: a handler may have interrupted somebody who prints and has the locks for it.
    """
    speaker = threading.Thread(target=_print, args=(text,), daemon=True)
    speaker.start()
    speaker.join(SPEAK_SECONDS)


def _print(text: str) -> None:
    for end in list(_ends_of_views):
        with contextlib.suppress(Exception):
            end()
    with contextlib.suppress(OSError, ValueError):
        print(text, file=sys.stderr, flush=True)


def _let_go_of_the_terminal() -> None:
    """What is printed to a terminal that is gone would fail, and the ending with it."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        # A terminal that is gone no longer says that it is one.
        with contextlib.suppress(OSError):
            if stat.S_ISCHR(os.fstat(stream).st_mode):
                os.dup2(nowhere, stream)


def _send(number: signal.Signals, pids: Sequence[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _pids() -> Iterator[int]:
    for folder in PROC.iterdir() if PROC.exists() else ():
        if folder.name.isdigit():
            yield int(folder.name)


class _Stat(NamedTuple):
    """What /proc/<pid>/stat says of a living process. start: ticks since the machine started."""

    parent: int
    session: int
    start: int


def _stat(pid: int) -> _Stat | None:
    """None for a process that has ended."""
    try:
        # The second field is the program's name in brackets, which may hold anything.
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        parent, session, threads, start = (int(fields[at]) for at in (1, 3, 17, 19))
    except (OSError, ValueError, IndexError):
        return None
    # What has ended stays in the list until its parent has asked for it. A first thread may end
    # before the others do.
    return None if fields[0] in "ZX" and threads <= 1 else _Stat(parent, session, start)


_started: list[Running] = []
_ends_of_views: list[Callable[[], object]] = []
_signals = _Signals()
