"""Changes or removes one value in a JSON text and leaves every other character as it is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from stacks.settings.document import Member
from stacks.settings.document import members as parts


def with_member(text: str, path: Sequence[str], name: str, value: Any) -> str:
    """The text with ``name`` set to ``value`` in the object at ``path``.

    A new member comes first in its object and is set off as its neighbour is. Raises KeyError
    when there is no object at that path.
    """
    return with_text(text, path, name, json.dumps(value))


def with_text(text: str, path: Sequence[str], name: str, shown: str) -> str:
    """The same with the JSON text of the value, as it is to stand there."""
    start = _object_at(text, path)
    found = list(members(text, start))
    for member in found:
        if member.key == name:
            return text[: member.start] + shown + text[member.end :]
    if not found:
        return f"{text[: start + 1]}{json.dumps(name)}: {shown}{text[start + 1 :]}"
    first = found[0].key_start
    gap = text[start + 1 : first] or " "
    return f"{text[:first]}{json.dumps(name)}: {shown},{gap}{text[first:]}"


def without_member(text: str, path: Sequence[str], name: str) -> str:
    """The text without the member ``name`` of the object at ``path``, and without its line.

    Raises KeyError when there is no object at that path, or no such member in it.
    """
    found = list(members(text, _object_at(text, path)))
    position = next((i for i, member in enumerate(found) if member.key == name), None)
    if position is None:
        raise KeyError(name)
    if position + 1 < len(found):
        return text[: found[position].key_start] + text[found[position + 1].key_start :]
    start = found[position - 1].end if position else found[position].key_start
    return text[:start] + text[found[position].end :]


def indentation(text: str, path: Sequence[str]) -> str | None:
    """What is in front of the members of the object at ``path``; None where they share a line.

    Raises KeyError when there is no object at that path.
    """
    start = _object_at(text, path)
    first = next(members(text, start), None)
    gap = text[start + 1 : first.key_start] if first else ""
    return gap.rpartition("\n")[2] if "\n" in gap else None


def _object_at(text: str, path: Sequence[str]) -> int:
    """Where the object at this path begins."""
    start = len(text) - len(text.lstrip())
    for key in path:
        start = next((m.start for m in members(text, start) if m.key == key), -1)
        if start < 0:
            raise KeyError(key)
    return start


def members(text: str, start: int) -> Iterator[Member]:
    """The members of the object that begins at ``start``; KeyError where there is no object."""
    if text[start : start + 1] != "{":
        raise KeyError("not an object")
    return parts(text, start)
