"""What an IAM policy document says about one action: allowed, denied, or nothing.

moto has an evaluation of its own, but it ignores most condition operators, answers "denied"
for an Allow whose condition does not hold, and knows no service principals. The sandbox
refuses an event because of a policy, so it must be right about it.

Follows the IAM user guide, "Policy evaluation logic" and "IAM JSON policy elements". A
condition operator that is not known here counts as not fulfilled in an Allow and as fulfilled
in a Deny: in doubt, no.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Document = str | Mapping[str, Any]


@dataclass(frozen=True)
class Request:
    """One call that wants to be allowed.

    Attributes:
        action: like `glue:notifyEvent`; case does not matter.
        resource: ARN; None in a role's trust policy, which names no resource.
        service: principal that asks, like `events.amazonaws.com`; None where the policy belongs
            to the caller (a role's permissions), which names no principal.
        context: condition keys and their values; keys are compared without case.
    """

    action: str
    resource: str | None = None
    service: str | None = None
    context: Mapping[str, str] = field(default_factory=dict)


def allows(documents: Iterable[Document], request: Request) -> bool:
    """True if one of the documents allows the request and none denies it."""
    statements = [statement for document in documents for statement in _statements(document)]
    denies = (_applies(s, request) for s in statements if s.get("Effect") == "Deny")
    grants = (_applies(s, request) for s in statements if s.get("Effect") == "Allow")
    return not any(denies) and any(grants)


def _statements(document: Document) -> list[Mapping[str, Any]]:
    parsed = json.loads(document) if isinstance(document, str) else document
    return [s for s in _as_list(parsed.get("Statement", [])) if isinstance(s, Mapping)]


def _applies(statement: Mapping[str, Any], request: Request) -> bool:
    return (
        _named(statement, "Action", request.action, ignore_case=True)
        and (request.resource is None or _named(statement, "Resource", request.resource))
        and (request.service is None or _principal(statement, request.service))
        and _conditions_hold(statement, request.context)
    )


def _named(
    statement: Mapping[str, Any], element: str, value: str, *, ignore_case: bool = False
) -> bool:
    def found(patterns: Any) -> bool:
        return any(_matches(p, value, ignore_case=ignore_case) for p in _as_list(patterns))

    if element in statement:
        return found(statement[element])
    if f"Not{element}" in statement:
        return not found(statement[f"Not{element}"])
    return False


def _principal(statement: Mapping[str, Any], service: str) -> bool:
    if "NotPrincipal" in statement:
        return not _principal_named(statement["NotPrincipal"], service)
    return _principal_named(statement.get("Principal"), service)


def _principal_named(principal: Any, service: str) -> bool:
    if isinstance(principal, Mapping):
        return service in _as_list(principal.get("Service", [])) or "*" in _as_list(
            principal.get("AWS", [])
        )
    return bool(principal == "*")


def _conditions_hold(statement: Mapping[str, Any], context: Mapping[str, str]) -> bool:
    known = {key.lower(): value for key, value in context.items()}
    is_deny = statement.get("Effect") == "Deny"
    conditions: Mapping[str, Mapping[str, Any]] = statement.get("Condition") or {}
    return all(
        _condition_holds(operator, known.get(key.lower()), _as_list(expected), unknown=is_deny)
        for operator, pairs in conditions.items()
        for key, expected in pairs.items()
    )


def _condition_holds(
    operator: str, actual: str | None, expected: list[Any], *, unknown: bool
) -> bool:
    """Whether one condition is fulfilled; a key that is absent fulfils only `...IfExists`,
    `Null` and the negated operators."""
    name, if_exists = operator.removesuffix("IfExists"), operator.endswith("IfExists")
    wanted = [_text(value) for value in expected]
    if name == "Null":
        return (actual is None) == ("true" in wanted)
    negated = name.replace("Not", "", 1) if "Not" in name else None
    compare = _COMPARISONS.get(negated or name)
    if compare is None:
        return unknown
    if actual is None:
        return if_exists or negated is not None
    return any(compare(pattern, actual) for pattern in wanted) != (negated is not None)


def _matches(pattern: str, value: str, *, ignore_case: bool = False) -> bool:
    """IAM's wildcards: `*` is any text, `?` is any one character."""
    parts = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    flags = re.DOTALL | (re.IGNORECASE if ignore_case else 0)
    return re.fullmatch("".join(parts), value, flags) is not None


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


_COMPARISONS: Mapping[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda pattern, actual: pattern == actual,
    "StringEqualsIgnoreCase": lambda pattern, actual: pattern.lower() == actual.lower(),
    "StringLike": _matches,
    # The four ARN operators accept the same wildcards (IAM user guide, "ARN condition operators").
    "ArnEquals": _matches,
    "ArnLike": _matches,
    "Bool": lambda pattern, actual: pattern.lower() == actual.lower(),
}
