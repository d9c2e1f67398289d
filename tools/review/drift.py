"""What changed outside of Terraform since the last apply, as the plan found it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tools.review.difference import Difference, differences, is_set
from tools.review.permissions import PolicyChange, mirrored, policies_of
from tools.review.plan import Action, Path, Plan, ResourceChange
from tools.review.subject import Subject, subject_of


@dataclass(frozen=True)
class Drift:
    """One resource that is not as Terraform left it.

    Attributes:
        gone: somebody deleted it.
        differences: attributes as Terraform left them and as they are now.
        policies: the same of its policies.
        undone: whether the plan changes it back; False where it stays as it is now.
    """

    subject: Subject
    gone: bool
    differences: tuple[Difference, ...]
    policies: tuple[PolicyChange, ...]
    undone: bool


def drifts(plan: Plan) -> tuple[Drift, ...]:
    """Every real drift: without what the provider only writes differently.

    After an apply the provider reads null as empty, and repeats in a bucket, a role or a queue
    what other resources manage; Terraform calls that drift as well.
    """
    found = [drift for change in plan.drift for drift in _drift(change, plan)]
    return tuple(sorted(found, key=lambda drift: (not drift.gone, not drift.policies)))


def _drift(change: ResourceChange, plan: Plan) -> Iterator[Drift]:
    subject = subject_of(change)
    planned = next((c for c in plan.changes if c.address == change.address), None)
    if change.action is Action.DESTROY:
        again = planned is not None and planned.action in (Action.ADD, Action.REPLACE)
        yield Drift(subject, True, (), (), again)
        return
    policies = tuple(policies_of(change, plan))
    reported = {policy.attribute for policy in policies} | {"inline_policy"}
    reported |= {str(item.path[0]) for policy in policies for item in policy.details}
    real = tuple(
        item
        for item in differences(change.before, change.after)
        if (is_set(item.before) or is_set(item.after))
        and item.path[0] not in reported
        # The provider says `state` in this older way as well.
        and item.path != ("is_enabled",)
        and not mirrored(change, str(item.path[0]), plan.changes)
    )
    if real or policies:
        paths = [item.path for item in real]
        paths += [(policy.attribute,) for policy in policies if policy.attribute]
        paths += [item.path for policy in policies for item in policy.details]
        undone = planned is not None and all(_undone(path, change, planned) for path in paths)
        yield Drift(subject, False, real, policies, undone)


def _undone(path: Path, change: ResourceChange, planned: ResourceChange) -> bool:
    if planned.action not in (Action.CHANGE, Action.REPLACE):
        return False
    key = path[0]
    touched = [item.path for item in differences(planned.before, planned.after)]
    return any(item[0] == key and item[: len(path)] == path[: len(item)] for item in touched)
