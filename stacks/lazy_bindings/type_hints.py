"""The type hints of the bindings, evaluated once for each function instead of at each call.

jsii's generated code checks the arguments of every call against the hints of a stub beside it, and
evaluates these hints anew each time. They never change.
"""

from __future__ import annotations

import typing
from typing import Any

# What jsii's generator calls every such stub, and nothing else.
STUB = "_typecheckingstub__"


def activate() -> None:
    """Have `typing.get_type_hints` remember what it says of the stubs."""
    evaluate = typing.get_type_hints
    if hasattr(evaluate, "hints_of_stubs"):
        return
    known: dict[Any, dict[str, Any]] = {}

    def get_type_hints(obj: Any, *arguments: Any, **options: Any) -> dict[str, Any]:
        if arguments or options or not getattr(obj, "__name__", "").startswith(STUB):
            return evaluate(obj, *arguments, **options)
        if obj not in known:
            known[obj] = evaluate(obj)
        return known[obj]

    get_type_hints.hints_of_stubs = known  # type: ignore[attr-defined]
    typing.get_type_hints = get_type_hints
