"""What EventBridge makes of an event before it hands it to a target.

Facts from the EventBridge user guide, "Input transformation": a variable between quotes is put in
as it is, without being escaped; elsewhere in the template it becomes JSON, with its quotes if it
is a text; one whose path is not in the event leaves nothing; the JSON that the target gets is
minified. A template that is no JSON afterwards is not delivered.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_PART = re.compile(r'<(?P<variable>[\w-]+)>|(?P<escaped>\\.)|(?P<quote>")', re.DOTALL)
_MISSING = object()


def transformed(target: Mapping[str, Any], event: Mapping[str, Any]) -> str:
    """The text that a target gets for an event, as its input transformer says.

    Raises ValueError when what the template gives is no JSON.
    """
    transformer = target.get("InputTransformer")
    if not transformer:
        return json.dumps(event, separators=(",", ":"))
    paths: Mapping[str, str] = transformer.get("InputPathsMap") or {}
    values = {name: _at(path, event) for name, path in paths.items()}
    text = _filled(transformer["InputTemplate"], values)
    try:
        return json.dumps(json.loads(text), separators=(",", ":"), ensure_ascii=False)
    except ValueError as error:
        raise ValueError(f"the input template gives no JSON: {text}") from error


def _filled(template: str, values: Mapping[str, Any]) -> str:
    quoted = False

    def put(found: re.Match[str]) -> str:
        nonlocal quoted
        if found["quote"]:
            quoted = not quoted
        if found["variable"] not in values:
            return found[0]
        value = values[found["variable"]]
        if value is _MISSING:
            return ""
        return str(value) if quoted else json.dumps(value)

    return _PART.sub(put, template)


def _at(path: str, event: Mapping[str, Any]) -> Any:
    """The value at a path in dot notation, like `$.detail.object.key`."""
    value: Any = event
    for name in path.removeprefix("$").lstrip(".").split("."):
        if not isinstance(value, Mapping) or name not in value:
            return _MISSING
        value = value[name]
    return value
