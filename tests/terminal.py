"""A terminal, for what a command does on one: its width, its Ctrl-C, its being closed."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.patience import PATIENCE

CTRL_C = "\x03"


class Terminal:
    """A program on a pseudo terminal of its own; what it prints is in `text`, with its escapes."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        columns: int = 80,
        cwd: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._master, inside = os.openpty()
        fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        self.text = ""
        self.process = subprocess.Popen(
            command,
            cwd=cwd,
            env={k: v for k, v in (environment or os.environ).items() if k != "COLUMNS"}
            | {"TERM": "xterm-256color"},
            stdin=inside,
            stdout=inside,
            stderr=inside,
            start_new_session=True,
            preexec_fn=_on_a_terminal,
        )
        os.close(inside)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def type(self, keys: str) -> None:
        """Type keys; a Ctrl-C reaches every process of the terminal's foreground."""
        os.write(self._master, keys.encode())

    def close(self) -> None:
        """Close the window."""
        with suppress(OSError):
            os.close(self._master)

    def wait_for(self, text: str, *, within: float = PATIENCE) -> None:
        """Read until the text was printed after what was waited for before."""
        start = len(self.text)
        deadline = time.monotonic() + within
        while text not in self.text[start:]:
            left = deadline - time.monotonic()
            assert left > 0, f"{text!r} was not printed within {within} s:\n{self.text}"
            assert self._read(left), f"{text!r} was not printed:\n{self.text}"

    def end(self, *, within: float = PATIENCE) -> int:
        """Read to the end; the exit code."""
        deadline = time.monotonic() + within
        while self._read(max(0.0, deadline - time.monotonic())):
            pass
        return self.process.wait(max(0.1, deadline - time.monotonic()))

    def _read(self, seconds: float) -> bool:
        """False at the end, and where nothing is printed for that long."""
        try:
            if not select.select([self._master], [], [], seconds)[0]:
                return False
            read = os.read(self._master, 65_536)
        except OSError:  # Linux says EIO once the last process has closed the terminal.
            return False
        self.text += read.decode(errors="replace")
        return bool(read)


def _on_a_terminal() -> None:
    """The program hears that its terminal is closed, also where `nohup` started the tests."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
