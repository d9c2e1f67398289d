"""Standard streams that the caller closed, and those that nobody reads any more."""

from __future__ import annotations

import errno
import os
import sys

STANDARD_STREAMS = ("stdin", "stdout", "stderr")
# As a shell says it of a program that SIGPIPE ended (128 + 13).
NOBODY_READS = 141
_closed: set[str] = set()


def open_closed() -> None:
    """Open what is closed on the null device, so that no command has to ask whether it is open.

    Python leaves None where a stream was closed (`<&-`), and the next file that is opened takes
    its number: what a child process prints would go there.
    """
    for number, name in enumerate(STANDARD_STREAMS):
        if getattr(sys, name) is not None:
            continue
        _closed.add(name)
        opened = os.open(os.devnull, os.O_RDONLY if name == "stdin" else os.O_WRONLY)
        if opened != number and not _is_open(number):
            os.dup2(opened, number, inheritable=True)
            os.close(opened)
            opened = number
        os.set_inheritable(opened, True)
        setattr(sys, name, os.fdopen(opened, "r" if name == "stdin" else "w", encoding="utf-8"))


def input_was_closed() -> bool:
    """Whether there never was a standard input."""
    return "stdin" in _closed


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def ended_by_a_pipe(error: BaseException) -> bool:
    """Whether this came of printing into a pipe that nobody reads any more."""
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, OSError) and found.errno == errno.EPIPE:
            return True
        found = found.__context__
    return False


def printed() -> bool:
    """Send what is not printed yet; False where nobody reads it any more."""
    try:
        sys.stdout.flush()
    except OSError as error:
        if error.errno != errno.EPIPE:
            raise
        forget()
        return False
    return True


def forget() -> None:
    """Let nothing that is still to be printed fail: it goes to the null device."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)
