"""What differs between two values of a plan, attribute by attribute."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tools.review.plan import Path, Sensitive, Unknown


@dataclass(frozen=True)
class Difference:
    """One attribute with another value; None where it is not set."""

    path: Path
    before: Any
    after: Any

    @property
    def setting(self) -> str:
        """The path without the places in lists, like `event_batching_condition.batch_size`."""
        return ".".join(part for part in self.path if isinstance(part, str))


def differences(before: Any, after: Any, path: Path = ()) -> Iterator[Difference]:
    """Every difference, as deep as both sides have the same shape.

    Text that is a JSON object or list on both sides is compared by what it says, so an order of
    keys or spaces is no difference. Attributes that are not set count as None.
    """
    if _same(before, after):
        return
    left, right = _opened(before), _opened(after)
    if isinstance(left, dict) and isinstance(right, dict):
        for key in dict.fromkeys((*left, *right)):
            yield from differences(left.get(key), right.get(key), (*path, key))
    elif _blocks(left) and _blocks(right) and (left or right):
        for i in range(max(len(left), len(right))):
            one = left[i] if i < len(left) else None
            other = right[i] if i < len(right) else None
            yield from differences(one, other, (*path, i))
    elif not _same(left, right):
        yield Difference(path, before, after)


def differing(before: Any, after: Any) -> bool:
    """Whether there is any difference."""
    return next(differences(before, after), None) is not None


def follow(value: Any, path: Path) -> Any:
    """The value at the path; None where there is none."""
    for part in path:
        if isinstance(part, str) and isinstance(value, dict):
            value = value.get(part)
        elif isinstance(part, int) and isinstance(value, list) and part < len(value):
            value = value[part]
        else:
            # A mark or an unknown covers all that is below it.
            return (
                value if isinstance(value, Unknown) or not isinstance(value, dict | list) else None
            )
    return value


def path_text(path: Path) -> str:
    """An attribute's path as Terraform writes it, like `rule[0].expiration`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


def value_text(value: Any) -> str:
    """A value on one line: text as it is (quoted where it would be invisible), the rest as JSON."""
    if value is None:
        return "(not set)"
    if isinstance(value, Unknown | Sensitive):
        return str(value)
    if isinstance(value, str):
        return value if value and value == value.strip() else json.dumps(value)
    return json.dumps(value, ensure_ascii=False, default=str)


def quoted(value: Any) -> str:
    """The same for the middle of a sentence: text with blanks in it is quoted."""
    return name_text(value) if isinstance(value, str) and " " in value else value_text(value)


def name_text(name: str) -> str:
    """A name in a list of names: quoted where a blank or a comma is in it."""
    return json.dumps(name, ensure_ascii=False) if re.search(r"[\s,]", name) else name


def is_set(value: Any) -> bool:
    """Whether the value is more than one of the ways to say nothing.

    The provider writes what is not set as null, as empty, as 0 or as false, not always alike.
    """
    return value not in (None, "", 0, False) and value != [] and value != {}


def _same(before: Any, after: Any) -> bool:
    if isinstance(before, Unknown) or isinstance(after, Unknown):
        return False
    if isinstance(before, dict) and isinstance(after, dict):
        return all(_same(before.get(key), after.get(key)) for key in {*before, *after})
    if isinstance(before, list) and isinstance(after, list):
        return len(before) == len(after) and all(map(_same, before, after))
    # Python's 1 == True, which is a difference in a plan.
    return type(before) is type(after) and bool(before == after)


def _opened(value: Any) -> Any:
    if not isinstance(value, str) or not value.lstrip().startswith(("{", "[")):
        return value
    try:
        opened = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return opened if isinstance(opened, dict | list) else value


def _blocks(value: Any) -> bool:
    """Whether it is a list of nested blocks, which are compared one by one."""
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)
