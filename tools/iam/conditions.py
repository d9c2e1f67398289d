"""The Condition element: operators, set operators, IfExists and Null.

IAM user guide, "IAM JSON policy elements: Condition operators" and "Set operators for multivalued
context keys".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tools.iam.documents import Statement, UnsupportedPolicyError, as_list
from tools.iam.wildcards import matches, matches_arn_by_parts

# Condition keys of a request with their values; several values for a multivalued key. A key that
# the request does not have is absent. Keys are compared without case.
Context = Mapping[str, str | Sequence[str]]

ALL, ANY = "ForAllValues:", "ForAnyValue:"
IF_EXISTS = "IfExists"

# Operator: (comparison of a policy's value with a request's, whether it is negated).
_OPERATORS: Mapping[str, tuple[Callable[[str, str], bool], bool]] = {
    "StringEquals": (str.__eq__, False),
    "StringNotEquals": (str.__eq__, True),
    "StringEqualsIgnoreCase": (lambda own, asked: own.lower() == asked.lower(), False),
    "StringNotEqualsIgnoreCase": (lambda own, asked: own.lower() == asked.lower(), True),
    "StringLike": (matches, False),
    "StringNotLike": (matches, True),
    # ArnEquals and ArnLike behave identically, and so do ArnNotEquals and ArnNotLike.
    "ArnEquals": (matches_arn_by_parts, False),
    "ArnLike": (matches_arn_by_parts, False),
    "ArnNotEquals": (matches_arn_by_parts, True),
    "ArnNotLike": (matches_arn_by_parts, True),
    "Bool": (lambda own, asked: own.lower() == asked.lower(), False),
}


def conditions_hold(statement: Statement, context: Context) -> bool:
    """Whether every condition of the statement is fulfilled by the request.

    Raises:
        UnsupportedPolicyError: an operator is not known here.
    """
    asked = {key.lower(): _values(value) for key, value in context.items()}
    return all(
        _holds(operator, asked.get(key.lower()), [_text(value) for value in as_list(own)])
        for operator, pairs in (statement.get("Condition") or {}).items()
        for key, own in pairs.items()
    )


def _holds(operator: str, asked: Sequence[str] | None, own: Sequence[str]) -> bool:
    if operator == "Null":
        return (asked is None) == ("true" in own)
    quantifier = next((name for name in (ALL, ANY) if operator.startswith(name)), "")
    name = operator.removeprefix(quantifier)
    if_exists = name.endswith(IF_EXISTS)
    known = _OPERATORS.get(name.removesuffix(IF_EXISTS))
    if known is None:
        raise UnsupportedPolicyError(f"The condition operator {operator} is not known here.")
    compare, negated = known
    if not asked:
        return _holds_without_value(quantifier, negated=negated, if_exists=if_exists)

    def one_holds(value: str) -> bool:
        return any(compare(pattern, value) for pattern in own) != negated

    if quantifier == ALL:
        return all(map(one_holds, asked))
    if quantifier == ANY:
        return any(map(one_holds, asked))
    if len(asked) > 1:
        raise UnsupportedPolicyError(
            f"{operator} compares one value, and the request has several: {', '.join(asked)}."
        )
    return one_holds(asked[0])


def _holds_without_value(quantifier: str, *, negated: bool, if_exists: bool) -> bool:
    """A key that the request does not have: false, but for a negated operator and IfExists.

    ForAllValues is true of no values, ForAnyValue is false of no values.
    """
    if quantifier:
        return quantifier == ALL or if_exists
    return negated or if_exists


def _values(value: str | Sequence[str]) -> Sequence[str]:
    return [value] if isinstance(value, str) else list(value)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
