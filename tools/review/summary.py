"""Long JSON values in a few words: the dashboard by its widgets, outputs by their entries."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tools.review.difference import differing

DASHBOARD = "aws_cloudwatch_dashboard"
BODY = "dashboard_body"


@dataclass(frozen=True)
class Entries:
    """Named parts of a value that are added, removed or changed."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


def widgets(before: Any, after: Any) -> Entries | None:
    """How the widgets of a dashboard change, by their titles; None where one cannot be read.

    A widget that only moves is no change.
    """
    old, new = _widgets(before), _widgets(after)
    if old is None or new is None:
        return None
    return entries(old, new)


def entries(before: Mapping[str, Any], after: Mapping[str, Any]) -> Entries:
    """The names whose values differ."""
    return Entries(
        added=tuple(name for name in after if name not in before),
        removed=tuple(name for name in before if name not in after),
        changed=tuple(
            name for name in after if name in before and differing(before[name], after[name])
        ),
    )


def _widgets(body: Any) -> dict[str, Any] | None:
    """Each widget's properties by its title, or by its text where it has no title."""
    if not isinstance(body, str):
        return None
    try:
        found = json.loads(body)["widgets"]
        return dict(_named(found))
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _named(found: list[dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    seen: dict[str, int] = {}
    for widget in found:
        properties = widget.get("properties") or {}
        title = str(properties.get("title") or widget.get("type") or "widget")
        seen[title] = seen.get(title, 0) + 1
        yield (title if seen[title] == 1 else f"{title} ({seen[title]})"), properties
