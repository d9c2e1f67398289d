"""Permissions that become wide: wildcards, other principals, administration.

Every permission that is wider than before is marked where its policy is shown. These here are the
ones that nobody may overlook. A policy that is new with its role or queue may name every resource,
because AWS asks for that with actions such as `cloudwatch:PutMetricData`. It may not allow a whole
service.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tools.iam import matches
from tools.review.permissions import PolicyChange
from tools.review.plan import Action, Plan
from tools.review.statements import Statement, StatementChange, covers, is_everything

# Actions by which a principal can give itself or others more (AWS Well-Architected and the IAM user
# guide, "Actions, resources, and condition keys for AWS Identity and Access Management").
ADMINISTRATION = (
    "iam:AddUserToGroup",
    "iam:AttachRolePolicy",
    "iam:AttachUserPolicy",
    "iam:CreateAccessKey",
    "iam:CreatePolicyVersion",
    "iam:CreateRole",
    "iam:DeleteRolePermissionsBoundary",
    "iam:PassRole",
    "iam:PutRolePermissionsBoundary",
    "iam:PutRolePolicy",
    "iam:PutUserPolicy",
    "iam:SetDefaultPolicyVersion",
    "iam:UpdateAssumeRolePolicy",
    "organizations:*",
    "sts:AssumeRole",
)
# AWS managed policies that administer (AWS Managed Policy Reference Guide).
_ADMINISTRATORS = re.compile(r"arn:[^:]+:iam::aws:policy/.*(Admin|FullAccess|PowerUser).*")
_ACCOUNT = re.compile(r"AWS (?:arn:[^:]+:[^:]+:[^:]*:)?(\d{12})(?::.*)?")
_WHOLE_SERVICE = re.compile(r"[a-z0-9-]+:\*|\*", re.IGNORECASE)


@dataclass(frozen=True)
class Wide:
    """A permission that becomes wide; where: its statement with the values because of which."""

    consequence: str
    where: str


def own_account(plan: Plan) -> str | None:
    """The account that is planned for, by the plan's own data sources."""
    for address, values in plan.data.items():
        account = values.get("account_id")
        if address.startswith("data.aws_caller_identity.") and isinstance(account, str):
            return account
    return None


def wide_permissions(change: PolicyChange, account: str | None) -> Iterator[Wide]:
    """What becomes wide by the change of one policy or grant; nothing where it only shrinks."""
    for detail in change.details:
        policy = detail.after if detail.setting == "policy_arn" else None
        if isinstance(policy, str) and _ADMINISTRATORS.fullmatch(policy):
            yield Wide("This managed policy of AWS gives administration of whole services.", policy)
        if detail.setting == "permissions_boundary" and detail.before:
            yield Wide("The boundary that limited the role changes or goes.", str(detail.before))
    existed = change.action is not Action.ADD
    for statement in change.statements:
        if statement.after is not None and statement.after.allows:
            found = list(_wide(statement, statement.after, existed, account))
            if found:
                name = statement.sid or "a statement without a Sid"
                values = ", ".join(dict.fromkeys(value for _, value in found))
                consequences = " ".join(dict.fromkeys(consequence for consequence, _ in found))
                yield Wide(consequences, f"{name}: {values}")


def _wide(
    change: StatementChange, after: Statement, existed: bool, account: str | None
) -> Iterator[tuple[str, str]]:
    yield from _principals(change, after, existed, account)
    delegates = _delegates_to_iam(after, account)
    for action in _new(change, "action", "Action"):
        if _WHOLE_SERVICE.fullmatch(action):
            if not delegates:
                yield "Every action of the service is allowed.", action
        elif existed and "*" in action:
            yield "A wildcard of actions is allowed.", action
        elif existed and _administers(action):
            yield "It allows administration of permissions.", action
    for resource in _new(change, "resource", "Resource"):
        if existed and is_everything(resource) and not delegates:
            yield "It is allowed on everything.", resource
    if change.before is not None:
        for condition in sorted(change.before.condition_keys - after.condition_keys):
            yield "A condition no longer limits it.", condition
    for element in ("NotAction", "NotResource", "NotPrincipal"):
        for value in _new(change, "", element):
            yield f"Everything but this is allowed ({element}).", value


def _administers(action: str) -> bool:
    return any(
        matches(one, other, ignore_case=True)
        for known in ADMINISTRATION
        for one, other in ((action, known), (known, action))
    )


def _principals(
    change: StatementChange, after: Statement, existed: bool, account: str | None
) -> Iterator[tuple[str, str]]:
    if after.open_to_everyone and not (change.before and change.before.open_to_everyone):
        yield "Everyone in the world is let in, without a condition.", _who(after)
        return
    for who in _new(change, "principal", "Principal"):
        found = _ACCOUNT.fullmatch(who)
        if who in ("*", "AWS *"):
            yield "Everyone who meets its conditions is let in.", who
        elif found and account and found[1] != account:
            yield "Another account is allowed.", who
        elif existed:
            yield "Another principal is allowed.", who


def _who(statement: Statement) -> str:
    return ", ".join(statement["Principal"] or statement["NotPrincipal"])


def _new(change: StatementChange, kind: str, element: str) -> list[str]:
    """Values of an element that the statement did not take in before."""
    before = change.before[element] if change.before else ()
    after = change.after[element] if change.after else ()
    return [value for value in after if not any(covers(kind, old, value) for old in before)]


def _delegates_to_iam(statement: Statement, account: str | None) -> bool:
    """Whether it names the own account only, which leaves the decision to IAM policies.

    The statement that every KMS key needs (AWS KMS developer guide, "Allows access to the AWS
    account and enables IAM policies").
    """
    names = [_ACCOUNT.fullmatch(who) for who in statement["Principal"]]
    return bool(names) and all(
        name is not None and name[0].endswith(":root") and name[1] == (account or name[1])
        for name in names
    )
