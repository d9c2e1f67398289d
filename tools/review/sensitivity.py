"""Keeps what Terraform marks as sensitive out of everything that is printed.

The marks (`before_sensitive`, `after_sensitive`) have the shape of the values: `true` covers all
that is below (Terraform documentation, "JSON Output Format", change representation). A marked
value is replaced by a `Sensitive` when the plan is read, so nothing behind that can print it. The
same text may also occur without a mark, and in the plan's text: there it is redacted.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from secrets import token_bytes
from typing import Any

from tools.review.plan import UNKNOWN, Sensitive

REDACTED = "(sensitive value)"
# A shorter text, like "true" or "dev", occurs in too many places where it is no secret.
SHORTEST = 8
_KEY = token_bytes(32)


def sensitive_texts(value: Any, marks: Any) -> Iterator[str]:
    """Every text below a mark."""
    if marks is True:
        yield from _texts(value)
    elif isinstance(marks, dict) and isinstance(value, dict):
        for key, below in marks.items():
            yield from sensitive_texts(value.get(key), below)
    elif isinstance(marks, list) and isinstance(value, list):
        for item, below in zip(value, marks, strict=False):
            yield from sensitive_texts(item, below)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


class Redactor:
    """Replaces secret texts wherever they occur: whole, line by line, or escaped as in JSON."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        forms: set[str] = set()
        for text in texts:
            for part in {text, *text.splitlines()}:
                stripped = part.strip()
                # Terraform's text is HCL, which escapes like JSON but leaves what is not ASCII.
                escaped = (json.dumps(stripped, ensure_ascii=a)[1:-1] for a in (True, False))
                forms |= {form for form in (stripped, *escaped) if len(form) >= SHORTEST}
        longest_first = sorted(forms, key=lambda form: (-len(form), form))
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if forms else None

    def __call__(self, text: str) -> str:
        """The text without them."""
        return self._pattern.sub(REDACTED, text) if self._pattern else text


def masked(value: Any, unknown: Any, marks: Any, redact: Redactor) -> Any:
    """The value with `Sensitive` and `Unknown` in place of what may not or cannot be shown.

    ``unknown`` (Terraform's `after_unknown`) and ``marks`` have the shape of the value. What is
    unknown is left out of the value itself.
    """
    if marks is True and (value is not None or unknown):
        return Sensitive(_fingerprint([value, unknown]))
    if unknown is True:
        return UNKNOWN
    if isinstance(value, dict) or (value is None and isinstance(unknown, dict) and unknown):
        there = value or {}
        extra = [key for key in _mapping(unknown) if key not in there]
        return {
            redact(key): masked(
                there.get(key), _mapping(unknown).get(key), _mapping(marks).get(key), redact
            )
            for key in (*there, *extra)
        }
    if isinstance(value, list):
        length = max(len(value), len(unknown) if isinstance(unknown, list) else 0)
        return [
            masked(_at(value, i), _at(unknown, i), _at(marks, i), redact) for i in range(length)
        ]
    return redact(value) if isinstance(value, str) else value


def _mapping(shape: Any) -> dict[str, Any]:
    return shape if isinstance(shape, dict) else {}


def _at(items: Any, index: int) -> Any:
    return items[index] if isinstance(items, list) and index < len(items) else None


def _fingerprint(value: Any) -> str:
    text = json.dumps(value, sort_keys=True)
    return hashlib.blake2b(text.encode(), key=_KEY, digest_size=16).hexdigest()
