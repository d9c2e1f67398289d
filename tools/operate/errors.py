"""How a command ends when it cannot do what it was asked for. Each error is a sentence."""

from __future__ import annotations

DONE, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130


class OperateError(Exception):
    """The command cannot go on; the text says what happened and what to do."""

    exit_code = FAILED


class InputError(OperateError):
    """What was typed, or what is set up on this machine, cannot be used."""

    exit_code = BAD_INPUT


class NotDeployedError(InputError):
    """Nothing is deployed from this project; a sandbox may be what is meant."""


# What a signal raises: Ctrl-C the one, SIGTERM and SIGHUP the other, with their exit code.
SIGNALLED = (KeyboardInterrupt, SystemExit)


class StoppedError(OperateError):
    """A signal: the text says what was done until then, and what goes on without us.

    stop: what the signal raised; Ctrl-C if left out.
    """

    exit_code = INTERRUPTED

    def __init__(self, text: str, stop: BaseException | None = None) -> None:
        super().__init__(text)
        if isinstance(stop, SystemExit) and isinstance(stop.code, int):
            self.exit_code = stop.code
