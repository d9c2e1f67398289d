"""All that a reviewer must know of a plan, as plain data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from tools.review.behaviour import NewPipeline, SettingChange, new_pipelines, setting_changes
from tools.review.dangers import Danger, Kind, dangers
from tools.review.drift import Drift, drifts
from tools.review.permissions import PolicyChange, policy_changes
from tools.review.plan import Action, Check, Deferred, Invocation, Plan
from tools.review.rest import Rest, rest
from tools.review.subject import NOUNS
from tools.review.what_if import with_forecasts

QUIET = frozenset({Action.NO_OP, Action.READ})


@dataclass(frozen=True)
class Review:
    """The findings, in the order in which they are shown.

    Attributes:
        stack: the environment; None where it is not known.
        commit: what was planned; None where it is not known.
        counts: resources by what happens to them.
        complete: False where Terraform put changes off to a later plan.
        invocations, checks, deferred, unknown_parts: as in the plan.
        unknown_types: for each resource type that no stack here makes, what happens to how many.
        stack_file: the synthesized stack from which open values are shown; None for no file.
    """

    stack: str | None
    commit: str | None
    dangers: tuple[Danger, ...]
    counts: Mapping[Action, int]
    complete: bool
    policies: tuple[PolicyChange, ...]
    settings: tuple[SettingChange, ...]
    new_pipelines: tuple[NewPipeline, ...]
    drifts: tuple[Drift, ...]
    rest: Rest
    invocations: tuple[Invocation, ...] = ()
    checks: tuple[Check, ...] = ()
    deferred: tuple[Deferred, ...] = ()
    unknown_parts: Mapping[str, int] = field(default_factory=dict)
    unknown_types: Mapping[str, Mapping[Action, int]] = field(default_factory=dict)
    stack_file: str | None = None

    @property
    def loses_data(self) -> bool:
        """Whether data would go."""
        return any(danger.kind is Kind.DATA for danger in self.dangers)

    @property
    def widens(self) -> bool:
        """Whether permissions would become wide, or nobody can say because one cannot be read."""
        wide = any(danger.kind is Kind.PERMISSIONS for danger in self.dangers)
        return wide or bool(self.unreadable_policies)

    @property
    def unreadable_policies(self) -> tuple[PolicyChange, ...]:
        """Policies of which the plan does not say what they will permit."""
        return tuple(policy for policy in self.policies if policy.unreadable)

    @property
    def changes_anything(self) -> bool:
        """Whether an apply would do anything."""
        changed = any(n for action, n in self.counts.items() if action not in QUIET)
        return changed or bool(self.rest.parts or self.rest.outputs or self.invocations)

    @property
    def knows_all(self) -> bool:
        """Whether there is nothing in the plan that this review, or Terraform, cannot judge."""
        unknown = (self.unknown_parts, self.unknown_types, self.unreadable_policies, self.deferred)
        return self.complete and not self.checks and not any(unknown)


def review(
    plan: Plan,
    *,
    stack: str | None = None,
    commit: str | None = None,
    stack_file: str | None = None,
) -> Review:
    """Look at a plan; ``stack`` goes before the name that the plan itself gives."""
    warnings = dangers(plan)
    warned = {(d.subject.address, cause.path) for d in warnings for cause in d.causes}
    return Review(
        stack=stack or plan.stack,
        commit=commit,
        dangers=warnings,
        counts=Counter(change.action for change in plan.changes),
        complete=plan.complete,
        policies=policy_changes(plan),
        settings=with_forecasts(
            (
                item
                for item in setting_changes(plan)
                if (item.subject.address, item.path) not in warned
            ),
            plan,
            stack or plan.stack,
        ),
        new_pipelines=new_pipelines(plan),
        drifts=drifts(plan),
        rest=rest(plan),
        invocations=plan.invocations,
        checks=plan.checks,
        deferred=plan.deferred,
        unknown_parts=plan.unknown_parts,
        unknown_types=_unknown_types(plan),
        stack_file=stack_file,
    )


def _unknown_types(plan: Plan) -> dict[str, Counter[Action]]:
    found: dict[str, Counter[Action]] = {}
    for change in plan.changes:
        if change.type not in NOUNS and change.action not in QUIET:
            found.setdefault(change.type, Counter())[change.action] += 1
    return dict(sorted(found.items()))
