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


class StoppedError(OperateError):
    """Ctrl-C: the text says what was done until then, and what goes on without us."""

    exit_code = INTERRUPTED
