"""How a command ends what it has started: real processes, a terminal, and signals."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.patience import PATIENCE
from tests.screen import Screen
from tests.terminal import CTRL_C, Terminal
from tools import processes

PROJECT_FOLDER = Path(__file__).resolve().parents[2]
# A program that takes its time to end after a first SIGINT, with a child that ignores every signal
# that can be ignored, as Terraform with its provider.
PROGRAM = """
import os, signal, subprocess, sys, time
seconds, pids = float(sys.argv[1]), sys.argv[2]
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
asked = []
signal.signal(signal.SIGINT, lambda *_: asked.append(time.monotonic()))
open(pids + ".new", "w").write(f"{os.getpid()} {child.pid}")
os.rename(pids + ".new", pids)
print("working", flush=True)
while not asked or time.monotonic() < asked[0] + seconds:
    time.sleep(0.02)
child.kill()
"""
COMMAND = """
import subprocess, sys
from tools import processes

def work(
    program: str,
    seconds: str,
    patience: float,
    pids: str,
    library: bool = False,
    live: bool = False,
) -> None:
    command = [sys.executable, program, seconds, pids]
    if live:
        from rich.console import Console
        from tools.sandbox.command import live_steps
        with live_steps(Console()) as shown:
            shown.begin("First step")
            shown.begin("Second step", "something that takes long")
            quiet = {"stdout": subprocess.DEVNULL}
            with processes.started("the work", command, patience=patience, **quiet) as popen:
                popen.wait()
    if library:
        with processes.descendants("Spark"):
            subprocess.Popen(command).wait()
    with processes.started("the work", command, patience=patience) as popen:
        popen.wait()
"""
BURST = """
import sys
from tools import cli

cli.COMMANDS["work"] = ("work_command", "work")
sys.exit(cli.main())
"""


class Work:
    """The burst command line with a command that starts the program above."""

    def __init__(self, folder: Path) -> None:
        self._pids = folder / "pids"
        self._program = folder / "program.py"
        self._program.write_text(PROGRAM, encoding="utf-8")
        (folder / "work_command.py").write_text(COMMAND, encoding="utf-8")
        self.environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(PROJECT_FOLDER), str(folder)]),
        }

    def command(self, *options: str, takes: float, patience: float) -> list[str]:
        arguments = [str(self._program), str(takes), str(patience), str(self._pids), *options]
        return [sys.executable, "-c", BURST, "work", *arguments]

    def on_a_terminal(self, *options: str, takes: float, patience: float) -> Terminal:
        command = self.command(*options, takes=takes, patience=patience)
        return Terminal(command, environment=self.environment)

    def wait_until_it_runs(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while not self._pids.exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)

    @property
    def living(self) -> list[int]:
        pids = [int(pid) for pid in self._pids.read_text(encoding="utf-8").split()]
        assert len(pids) == 2
        return [pid for pid in pids if _lives(pid)]


@pytest.fixture
def work(tmp_path: Path) -> Iterator[Work]:
    started = Work(tmp_path)
    yield started
    for pid in started.living:
        os.kill(pid, signal.SIGKILL)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_one_ctrl_c_says_at_once_what_is_being_stopped_and_waits_for_it(work: Work) -> None:
    with work.on_a_terminal(takes=1.0, patience=PATIENCE) as terminal:
        work.wait_until_it_runs()
        terminal.type(CTRL_C)
        limit = f"(at most {PATIENCE:.0f} s)"
        terminal.wait_for(f"Stopping the work {limit} ... Ctrl-C again ends it at once.")
        assert len(work.living) == 2
        assert terminal.end() == 130
        assert "Stopped; nothing that was started is left running." in terminal.text
        assert "Traceback" not in terminal.text
    assert work.living == []


def test_ctrl_c_leaves_the_steps_of_a_live_view_and_speaks_below_them(work: Work) -> None:
    with work.on_a_terminal("--live", takes=0.5, patience=20) as terminal:
        work.wait_until_it_runs()
        terminal.wait_for("something that takes long")
        terminal.type(CTRL_C)
        assert terminal.end() == 130
    first, second, *words = Screen.of(terminal.text.replace("^C", "")).lines
    assert re.match(r"✓ First step +━+ +\d:\d\d:\d\d$", first)
    assert re.match(r"✗ Second step +━+ +\d:\d\d:\d\d$", second)
    assert words == [
        "Stopping the work (at most 20 s) ... Ctrl-C again ends it at once.",
        "Stopped; nothing that was started is left running.",
    ]


def test_second_ctrl_c_ends_the_whole_group_at_once(work: Work) -> None:
    with work.on_a_terminal(takes=600, patience=600) as terminal:
        work.wait_until_it_runs()
        terminal.type(CTRL_C)
        terminal.wait_for("Stopping the work")
        time.sleep(processes.ONE_PRESS_SECONDS)
        terminal.type(CTRL_C)
        assert terminal.end() == 130
        assert "Ending at once: the work." in terminal.text
        assert "Stopped; nothing that was started is left running." in terminal.text
        assert "Traceback" not in terminal.text
    assert work.living == []


def test_program_that_does_not_end_in_time_is_killed_with_what_it_started(work: Work) -> None:
    with work.on_a_terminal(takes=600, patience=0.2) as terminal:
        work.wait_until_it_runs()
        terminal.type(CTRL_C)
        assert terminal.end() == 130
    assert work.living == []


def test_what_a_library_has_started_is_ended_with_its_children(work: Work) -> None:
    with work.on_a_terminal("--library", takes=600, patience=600) as terminal:
        work.wait_until_it_runs()
        terminal.type(CTRL_C)
        terminal.wait_for("Stopping Spark ...")
        assert terminal.end() == 130
        assert "Stopped; nothing that was started is left running." in terminal.text
    assert work.living == []


def test_closed_terminal_ends_everything(work: Work) -> None:
    with work.on_a_terminal(takes=0.2, patience=PATIENCE) as terminal:
        work.wait_until_it_runs()
        terminal.close()
        assert terminal.process.wait(PATIENCE) == 128 + signal.SIGHUP
    assert work.living == []


def test_sigterm_ends_everything_where_the_parent_has_switched_sigint_off(work: Work) -> None:
    process = subprocess.Popen(
        ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *work.command(takes=0.2, patience=PATIENCE)],
        env=work.environment,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    work.wait_until_it_runs()
    process.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
    assert len(work.living) == 2
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 143
    assert re.search(r"^Stopping the work \(at most \d+ s\) \.\.\.$", errors, re.MULTILINE)
    assert "Stopped; nothing that was started is left running." in errors
    assert work.living == []


def test_signal_that_comes_while_something_must_be_done_in_full_waits_for_it() -> None:
    done = []

    def do_in_full() -> None:
        with processes.held():
            os.kill(os.getpid(), signal.SIGINT)
            done.append("in full")
        done.append("never")

    with processes.signals(), pytest.raises(KeyboardInterrupt):
        do_in_full()
    assert done == ["in full"]


def test_what_still_runs_is_named_and_not_called_stopped() -> None:
    with processes.signals():
        assert processes.verdict() == "Stopped."
        session = processes.Session("the work", ["sleep", "600"])
        try:
            said = processes.verdict()
        finally:
            session.end(*processes.AT_ONCE)
        assert processes.verdict() == "Stopped; nothing that was started is left running."
    assert f"these processes do not end: {session.pid} (the work)." in said
    assert f"`kill -9 {session.pid}`" in said
