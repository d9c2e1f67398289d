"""Policy documents as IAM takes them, read into statements.

IAM user guide, "IAM JSON policy elements reference" and "Grammar of the IAM JSON policy language".
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

Document = str | Mapping[str, Any]
Statement = Mapping[str, Any]

ELEMENTS = frozenset(
    {
        "Sid",
        "Effect",
        "Principal",
        "NotPrincipal",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Condition",
    }
)


class UnsupportedPolicyError(Exception):
    """A policy says something that the evaluator does not know; the message names it."""


def statements_of(documents: Iterable[Document]) -> list[Statement]:
    """The statements of all documents.

    Raises:
        UnsupportedPolicyError: a statement has an element, an effect or a policy variable that
            the evaluator does not know.
    """
    return [statement for document in documents for statement in _statements(document)]


def as_list(value: Any) -> list[Any]:
    """IAM takes one value in place of a list of one."""
    return value if isinstance(value, list) else [value]


def _statements(document: Document) -> list[Statement]:
    return _parsed(document) if isinstance(document, str) else _checked(document)


@lru_cache(maxsize=256)
def _parsed(document: str) -> list[Statement]:
    return _checked(json.loads(document))


def _checked(parsed: Mapping[str, Any]) -> list[Statement]:
    statements = as_list(parsed.get("Statement", []))
    for statement in statements:
        _check(statement)
    return statements


def _check(statement: Any) -> None:
    if not isinstance(statement, Mapping):
        raise UnsupportedPolicyError(f"A statement is no object: {statement!r}.")
    name = statement.get("Sid") or statement
    unknown = sorted(set(statement) - ELEMENTS)
    if unknown:
        raise UnsupportedPolicyError(f"Statement {name} has the element {unknown[0]!r}.")
    if statement.get("Effect") not in ("Allow", "Deny"):
        raise UnsupportedPolicyError(f"Statement {name} has the Effect {statement.get('Effect')}.")
    if "${" in json.dumps(statement):
        raise UnsupportedPolicyError(f"Statement {name} has a policy variable.")
