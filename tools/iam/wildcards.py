"""IAM's wildcards: `*` is any text, `?` is any one character."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

ARN_PARTS = 6


def matches(pattern: str, value: str, *, ignore_case: bool = False) -> bool:
    """Whether the pattern takes the whole value in; as in `Action` and `StringLike`.

    IAM user guide, "IAM JSON policy elements: Action", "String condition operators".
    """
    return _compiled(pattern, ignore_case).fullmatch(value) is not None


@cache
def takes_in_action(pattern: str, action: str) -> bool:
    """Whether a pattern of an `Action` element takes the action in, of which there are few."""
    return matches(pattern, action, ignore_case=True)


def any_takes_in_action(patterns: Sequence[str], action: str) -> bool:
    """Whether one of the patterns does."""
    return _any_takes_in_action(tuple(patterns), action)


@cache
def _any_takes_in_action(patterns: tuple[str, ...], action: str) -> bool:
    return any(takes_in_action(pattern, action) for pattern in patterns)


def matches_arn(pattern: str, value: str) -> bool:
    """Whether the ARN pattern of a `Resource` element takes the value in.

    A `*` at the end of a segment goes beyond the colon that follows; any other one stays within
    its segment (IAM user guide, "IAM JSON policy elements: Resource").
    """
    return _compiled_resource(pattern).fullmatch(value) is not None


def matches_arn_by_parts(pattern: str, value: str) -> bool:
    """Whether the ARN operators of a condition find the value equal to the pattern.

    Each of the six parts of an ARN is compared alone, so no wildcard reaches beyond its part
    (IAM user guide, "ARN condition operators").
    """
    patterns, values = (text.split(":", ARN_PARTS - 1) for text in (pattern, value))
    return len(patterns) == len(values) and all(map(matches, patterns, values))


@cache
def _compiled(pattern: str, ignore_case: bool) -> re.Pattern[str]:
    parts = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    return re.compile("".join(parts), re.DOTALL | (re.IGNORECASE if ignore_case else 0))


@cache
def _compiled_resource(pattern: str) -> re.Pattern[str]:
    parts = []
    for position, character in enumerate(pattern):
        if character == "*":
            ends_its_segment = pattern[position + 1 : position + 2] in ("", ":")
            parts.append(".*" if ends_its_segment else "[^:]*")
        else:
            parts.append("." if character == "?" else re.escape(character))
    return re.compile("".join(parts), re.DOTALL)
