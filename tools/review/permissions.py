"""Changes of IAM and resource policies: who may do what on what, afterwards and before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tools.review.belonging import goes_with_its_owner
from tools.review.difference import Difference, differences
from tools.review.plan import Action, Plan, ResourceChange, Sensitive, Unknown
from tools.review.statements import Statement, StatementChange, compare, policy_document
from tools.review.subject import Subject, subject_of
from tools.review.synthesized import unresolved

# The attribute in which a resource type keeps its policy.
POLICIES: Mapping[str, str] = {
    "aws_iam_policy": "policy",
    "aws_iam_role": "assume_role_policy",
    "aws_iam_role_policy": "policy",
    "aws_kms_key": "policy",
    "aws_s3_bucket_policy": "policy",
    "aws_sns_topic_policy": "policy",
    "aws_sqs_queue_policy": "policy",
}
# Attributes in which the provider repeats what another resource manages: the type of that
# resource, and which of its attributes names this one.
MIRRORS: Mapping[tuple[str, str], tuple[str, str]] = {
    ("aws_iam_role", "inline_policy"): ("aws_iam_role_policy", "role"),
    ("aws_iam_role", "managed_policy_arns"): ("aws_iam_role_policy_attachment", "role"),
    ("aws_s3_bucket", "lifecycle_rule"): ("aws_s3_bucket_lifecycle_configuration", "bucket"),
    ("aws_s3_bucket", "policy"): ("aws_s3_bucket_policy", "bucket"),
    ("aws_s3_bucket", "server_side_encryption_configuration"): (
        "aws_s3_bucket_server_side_encryption_configuration",
        "bucket",
    ),
    ("aws_s3_bucket", "versioning"): ("aws_s3_bucket_versioning", "bucket"),
    ("aws_sns_topic", "policy"): ("aws_sns_topic_policy", "arn"),
    ("aws_sqs_queue", "policy"): ("aws_sqs_queue_policy", "queue_url"),
}
# What else grants or limits permissions.
GRANTS = "aws_iam_"


@dataclass(frozen=True)
class PolicyChange:
    """How one policy changes.

    Attributes:
        attribute: where the resource keeps it; "" for a grant that is no policy document.
        name: what an inline policy is called, else None.
        holder: the name in AWS of what holds it, where the policy has another name.
        statements: what differs. Empty where it is not known: then ``unreadable`` says why,
            and ``now`` which statements it has.
        refers_to: what in it is known only after the apply, like `aws_s3_bucket.landing.arn`.
        details: attributes that differ, of a grant that is no policy document.
        widens: a grant that permits more than before.
    """

    subject: Subject
    action: Action
    attribute: str
    holder: str | None
    name: str | None = None
    statements: tuple[StatementChange, ...] = ()
    details: tuple[Difference, ...] = ()
    unreadable: str | None = None
    refers_to: tuple[str, ...] = ()
    now: tuple[str, ...] = ()
    widens: bool = False

    @property
    def widened(self) -> bool:
        """Whether anything is permitted that was not before."""
        return self.widens or any(change.widened for change in self.statements)


def policy_changes(plan: Plan) -> tuple[PolicyChange, ...]:
    """All of them; those that permit more than before come first."""
    found = [
        change
        for resource in plan.changes
        if resource.action not in (Action.NO_OP, Action.READ, Action.FORGET)
        for change in policies_of(resource, plan)
    ]
    return tuple(sorted(found, key=_importance))


def policies_of(resource: ResourceChange, plan: Plan) -> Iterator[PolicyChange]:
    """What a resource's change does to its policies and to the rights that it grants."""
    own = POLICIES.get(resource.type)
    if own is not None:
        before, after = resource.before.get(own), resource.after.get(own)
        # A document with references was filled in, so it is one that the plan changes.
        changes = before != after or unresolved(after)
        if changes and not mirrored(resource, own, plan.changes):
            yield _policy_change(resource, own, before, after, plan)
    if resource.type == "aws_iam_role":
        yield from _inline_policies(resource, plan)
    elif own is None:
        yield from _policies_elsewhere(resource, plan)
    if resource.type.startswith(GRANTS):
        grant = _grant(resource, own, plan)
        if grant is not None:
            yield grant


def reported_attributes(resource: ResourceChange, plan: Plan) -> set[str]:
    """The attributes whose change `policies_of` reports."""
    reported = {change.attribute for change in policies_of(resource, plan)} - {""}
    details = [item for change in policies_of(resource, plan) for item in change.details]
    return reported | {str(item.path[0]) for item in details}


def mirrored(resource: ResourceChange, attribute: str, others: Iterable[ResourceChange]) -> bool:
    """Whether the attribute only repeats what another resource of the plan manages."""
    owner = MIRRORS.get((resource.type, attribute))
    if owner is None:
        return False
    own = {
        value
        for side in (resource.before, resource.after)
        for name in ("id", "bucket", "name", "url", "arn", "key_id")
        if isinstance(value := side.get(name), str)
    }
    return any(
        other.type == owner[0]
        and (own & {str(other.before.get(owner[1])), str(other.after.get(owner[1]))})
        for other in others
    )


def _importance(change: PolicyChange) -> tuple[bool, bool, int, str]:
    order = [Action.CHANGE, Action.REPLACE, Action.ADD, Action.DESTROY]
    return (
        not change.widened,
        change.unreadable is None,
        order.index(change.action),
        change.subject.address,
    )


def _policy_change(
    resource: ResourceChange,
    attribute: str,
    before: Any,
    after: Any,
    plan: Plan,
    name: str | None = None,
) -> PolicyChange:
    subject = subject_of(resource)
    unreadable = _unreadable(before, after)
    unknown = isinstance(after, Unknown)
    references = (
        dict.fromkeys(plan.references.get((resource.address, attribute), ()))
        if unknown
        else unresolved(after)
    )
    return PolicyChange(
        subject=subject,
        action=resource.action,
        attribute=attribute,
        holder=_holder(resource, subject),
        name=name,
        statements=() if unreadable else _compared(resource, before, after, plan),
        unreadable=unreadable,
        # Terraform names an attribute and then, once more, its resource.
        refers_to=tuple(r for r in references if r.count(".") > 1),
        now=tuple(s.sid or "(no Sid)" for s in _statements(before)) if unknown else (),
    )


def _compared(
    resource: ResourceChange, before: Any, after: Any, plan: Plan
) -> tuple[StatementChange, ...]:
    changes = compare(_statements(before), _statements(after))
    if resource.action is Action.DESTROY and goes_with_its_owner(resource, plan.changes):
        return tuple(replace(change, widened=()) for change in changes)
    return changes


def _statements(value: Any) -> Sequence[Statement]:
    return policy_document(value) or ()


def _unreadable(before: Any, after: Any) -> str | None:
    if isinstance(before, Sensitive) or isinstance(after, Sensitive):
        return "Terraform marks it as sensitive, so it is not shown"
    if isinstance(after, Unknown):
        return "it cannot be read yet"
    for value in (before, after):
        if value not in (None, "") and policy_document(value) is None:
            return "it is no policy document that can be read"
    return None


def _holder(resource: ResourceChange, subject: Subject) -> str | None:
    for name in ("role", "bucket", "user", "group", "key_id"):
        for side in (resource.after, resource.before):
            value = side.get(name)
            if isinstance(value, str) and value and value != subject.name:
                return value
    return None


def _inline_policies(resource: ResourceChange, plan: Plan) -> Iterator[PolicyChange]:
    """Policies inside a role, without those that another resource manages."""
    managed = {
        str(side.get("name"))
        for other in plan.changes
        if other.type == "aws_iam_role_policy"
        for side in (other.before, other.after)
        if side.get("role") in (resource.known.get("name"), resource.known.get("id"))
    }
    before = _by_name(resource.before.get("inline_policy"))
    after = _by_name(resource.after.get("inline_policy"))
    for name in dict.fromkeys((*before, *after)):
        if name not in managed and before.get(name) != after.get(name):
            yield _policy_change(
                resource, "inline_policy", before.get(name), after.get(name), plan, name
            )


def _by_name(policies: Any) -> dict[str, Any]:
    if not isinstance(policies, list):
        return {}
    named = [policy for policy in policies if isinstance(policy, dict)]
    return {str(policy.get("name")): policy.get("policy") for policy in named}


def _policies_elsewhere(resource: ResourceChange, plan: Plan) -> Iterator[PolicyChange]:
    """Policy documents in attributes of types that this review does not know."""
    for name in dict.fromkeys((*resource.before, *resource.after)):
        before, after = resource.before.get(name), resource.after.get(name)
        is_policy = policy_document(before) is not None or policy_document(after) is not None
        if is_policy and before != after and not mirrored(resource, name, plan.changes):
            yield _policy_change(resource, name, before, after, plan)


def _grant(resource: ResourceChange, own: str | None, plan: Plan) -> PolicyChange | None:
    """What an IAM resource changes beside a policy document."""
    reported = {own, "inline_policy", "id", "arn", "unique_id", "create_date", "tags", "tags_all"}
    reported |= {
        "description",
        "force_detach_policies",
        "policy_id",
        "attachment_count",
        "name_prefix",
    }
    details = tuple(
        item
        for item in differences(resource.before, resource.after)
        if item.path[0] not in reported
        and not isinstance(item.after, Unknown)
        and not mirrored(resource, str(item.path[0]), plan.changes)
    )
    # A role that is added or removed is shown by its trust policy, a policy by its statements.
    if own is not None and resource.action is not Action.CHANGE:
        return None
    if not details:
        return None
    subject = subject_of(resource)
    return PolicyChange(
        subject=subject,
        action=resource.action,
        attribute="",
        holder=_holder(resource, subject),
        details=details,
        widens=resource.action is Action.ADD or any(map(_loosens, details)),
    )


def _loosens(item: Difference) -> bool:
    return (
        (item.setting == "permissions_boundary" and bool(item.before))
        or item.setting in ("managed_policy_arns", "policy_arn", "client_id_list", "url")
        or item.setting in ("operations", "permissions", "principal")
    )
