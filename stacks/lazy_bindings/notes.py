"""One sentence on stderr when a half is off, and only one for each."""

from __future__ import annotations

import sys

_noted: set[str] = set()


def half_is_off(half: str, reason: str) -> None:
    """Say once which half is off and why. Everything still works, only slower."""
    if half in _noted:
        return
    _noted.add(half)
    print(
        f"lazy_bindings: the {half} half is off, the AWS bindings load the slow way: {reason}.",
        file=sys.stderr,
    )
