"""What the synthesized stack says of values that a plan does not know yet.

A policy that names a bucket which is still to be made is unknown in the plan as a whole. The stack
that was planned says it all but the bucket's ARN, so a reviewer can read it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from tools.review.errors import PlanError
from tools.review.plan import Action, Plan, ResourceChange, Unknown
from tools.review.sensitivity import Redactor

STACK_FILE = "cdk.tf.json"
_REFERENCE = re.compile(r"(?<!\$)\$\{([A-Za-z0-9_.-]+)\}")


def read_stack(content: bytes, *, source: str) -> Mapping[str, Any]:
    """The resources of a `cdk.tf.json`; raises `PlanError` where it is none."""
    try:
        stack = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise PlanError(f"{source} is not JSON: give me the stack's cdk.tf.json.") from error
    resources = stack.get("resource") if isinstance(stack, dict) else None
    if not isinstance(resources, dict):
        raise PlanError(f"{source} holds no stack: give me the cdk.tf.json that was planned.")
    return resources


def is_of(plan: Plan, resources: Mapping[str, Any]) -> bool:
    """Whether the plan was made from this stack, as far as the plan can tell.

    Both must have the same resources, and every open value must refer to the same ones. What a
    policy says beyond that is not in the plan.
    """
    written = {
        f"{kind}.{name}": attributes
        for kind, named in resources.items()
        if isinstance(named, dict)
        for name, attributes in named.items()
        if isinstance(attributes, dict)
    }
    if written.keys() != {a for a in plan.configured if not a.startswith("data.")}:
        return False
    return all(
        set(unresolved(written.get(address, {}).get(attribute))) <= set(references)
        for (address, attribute), references in plan.references.items()
    )


def filled(plan: Plan, resources: Mapping[str, Any], redact: Redactor) -> Plan:
    """The plan with documents and maps from the stack where the plan does not know the value.

    References that the plan knows are replaced by their values; those known only after the apply
    stay as `${...}`. Where the former attribute has the former value of such a reference, it is
    written as the same `${...}`: then only real changes differ, and not every mention of a
    resource that is created again.
    """
    known = {change.address: change.after for change in plan.changes} | dict(plan.data)
    former = {
        change.address: change.before for change in (*plan.drift, *plan.changes) if change.before
    }
    return replace(
        plan,
        changes=tuple(_filled(change, resources, known, former, redact) for change in plan.changes),
    )


def unresolved(value: Any) -> tuple[str, ...]:
    """What a filled text refers to that is known only after the apply."""
    return tuple(dict.fromkeys(_REFERENCE.findall(value))) if isinstance(value, str) else ()


def _filled(
    change: ResourceChange,
    resources: Mapping[str, Any],
    known: Mapping[str, Mapping[str, Any]],
    former: Mapping[str, Mapping[str, Any]],
    redact: Redactor,
) -> ResourceChange:
    stack = resources.get(change.type, {})
    written = stack.get(change.name, {}) if isinstance(stack, dict) else {}
    if change.action in (Action.NO_OP, Action.READ, Action.DESTROY) or not isinstance(
        written, dict
    ):
        return change
    before, after = dict(change.before), dict(change.after)
    for name, value in change.after.items():
        template = written.get(name)
        if not isinstance(value, Unknown) or not _says_more(template):
            continue
        after[name] = _each(template, lambda text: redact(_resolved(text, known)))
        names = {ref for text in _texts(after[name]) for ref in unresolved(text)}
        if name in before:
            replaced = _former(names, former)
            before[name] = _each(before[name], lambda text, r=replaced: _renamed(text, r))
    return replace(change, before=before, after=after)


def _says_more(template: Any) -> bool:
    """Whether it is more than a mere reference: a map, or a document in JSON."""
    return isinstance(template, dict) or (
        isinstance(template, str) and template.lstrip().startswith("{")
    )


def _each(value: Any, change: Any) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: _each(item, change) for key, item in value.items()}
    return [_each(item, change) for item in value] if isinstance(value, list) else value


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    for item in (
        value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    ):
        yield from _texts(item)


def _resolved(text: str, known: Mapping[str, Mapping[str, Any]]) -> str:
    is_json = text.lstrip().startswith(("{", "["))

    def value_of(match: re.Match[str]) -> str:
        value = _attribute(match[1], known)
        if value is None:
            return match[0]
        return json.dumps(value)[1:-1] if is_json else value

    # What Terraform must not take for a reference, like a policy variable, has a second dollar.
    return _REFERENCE.sub(value_of, text).replace("$${", "${")


def _attribute(reference: str, values: Mapping[str, Mapping[str, Any]]) -> str | None:
    """The text that `type.name.attribute` refers to, where it is known."""
    address, _, name = reference.rpartition(".")
    value = values.get(address, {}).get(name)
    return value if isinstance(value, str) else None


def _former(
    references: Iterable[str], former: Mapping[str, Mapping[str, Any]]
) -> list[tuple[str, str]]:
    found = [(_attribute(reference, former), reference) for reference in references]
    pairs = [(value, f"${{{reference}}}") for value, reference in found if value]
    return sorted(pairs, key=lambda pair: -len(pair[0]))


def _renamed(text: str, replaced: Iterable[tuple[str, str]]) -> str:
    for value, reference in replaced:
        text = text.replace(value, reference)
    return text
