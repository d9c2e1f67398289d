"""One sentence on stderr when a part is off, and only one for each."""

from __future__ import annotations

import sys

_noted: set[str] = set()


def half_is_off(half: str, reason: str) -> None:
    """Say which half is off and why. Everything still works, only slower."""
    note(f"the {half} half is off, the AWS bindings load the slow way", reason)


def note(what: str, reason: str) -> None:
    """Say once what is slower than it could be, and why."""
    if what in _noted:
        return
    _noted.add(what)
    print(f"lazy_bindings: {what}: {reason}.", file=sys.stderr)
