"""Whether a call is allowed: identity policies, boundary, resource policy, both sides' accounts.

Follows the IAM user guide, "Policy evaluation logic", "Policy evaluation for requests within a
single account", "Cross-account policy evaluation logic" and "Permissions boundaries for IAM
entities", and the KMS developer guide, "Key policies in AWS KMS". Service control policies,
resource control policies and session policies are not part of it: nothing here has one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tools.iam.conditions import Context, conditions_hold
from tools.iam.documents import Document, Statement, UnsupportedPolicyError, as_list, statements_of
from tools.iam.wildcards import any_takes_in_action, matches_arn

IDENTITY, BOUNDARY = "identity-based policy", "permissions boundary"
RESOURCE = "resource-based policy"
ARTICLES = {IDENTITY: "an", BOUNDARY: "a", RESOURCE: "a"}


class Outcome(StrEnum):
    """What comes of a request."""

    ALLOWED = "allowed"
    DENIED_EXPLICITLY = "denied by a statement"
    DENIED_IMPLICITLY = "allowed by no statement"


@dataclass(frozen=True)
class Principal:
    """Who asks.

    Attributes:
        kind: `AWS`, `Service` or `Federated`, as in the Principal element.
        name: ARN of a role, user or account root; name of a service or provider.
        account: the account of an `AWS` principal; None for a service.
    """

    kind: str
    name: str
    account: str | None = None

    @classmethod
    def service(cls, name: str) -> Principal:
        """A service, such as `events.amazonaws.com`."""
        return cls("Service", name)

    @classmethod
    def aws(cls, arn: str) -> Principal:
        """A role, a user or an account root by its ARN."""
        return cls("AWS", arn, arn.split(":")[4])


@dataclass(frozen=True)
class Request:
    """One call that wants to be allowed.

    Attributes:
        action: such as `glue:notifyEvent`; case does not matter.
        resource: ARN, or `*` for an action that knows no resources; None for a role's trust
            policy, which names none.
        context: condition keys and their values.
    """

    action: str
    resource: str | None = None
    context: Context = field(default_factory=dict)


@dataclass(frozen=True)
class Identity:
    """The caller with what its own account allows it.

    Attributes:
        policies: its inline and attached policies.
        boundary: its permissions boundary, if it has one.
    """

    principal: Principal
    policies: Sequence[Document] = ()
    boundary: Document | None = None


@dataclass(frozen=True)
class Decision:
    """The outcome and its reason.

    Attributes:
        reason: as AWS words it at the end of "is not authorized to perform ..." (IAM user guide,
            "Troubleshoot access denied error messages"); empty where the request is allowed.
        statement: the Sid of the statement that made the decision, if it is one that did.
    """

    outcome: Outcome
    reason: str = ""
    statement: str | None = None

    @property
    def allowed(self) -> bool:
        """Whether the call goes through."""
        return self.outcome is Outcome.ALLOWED


def decide(
    request: Request,
    identity: Identity,
    *,
    resource_policy: Document | None = None,
    resource_account: str | None = None,
    resource_policy_decides: bool = False,
) -> Decision:
    """Whether AWS would let the caller do this.

    Args:
        resource_policy: the policy of the resource, if it has one.
        resource_account: the account that owns the resource; None for the caller's.
        resource_policy_decides: for KMS keys and for assuming a role: identity policies count
            only where the resource's policy lets them, by naming the account.

    Raises:
        UnsupportedPolicyError: one of the policies says something that is not known here.
    """
    caller = identity.principal
    own = _applying(identity.policies, request, caller=None)
    boundary = [] if identity.boundary is None else [identity.boundary]
    bounds = _applying(boundary, request, caller=None)
    theirs = _applying([] if resource_policy is None else [resource_policy], request, caller=caller)
    for where, found in ((IDENTITY, own), (BOUNDARY, bounds), (RESOURCE, theirs)):
        denial = next((s for s in found if s["Effect"] == "Deny"), None)
        if denial is not None:
            reason = f"with an explicit deny in {ARTICLES[where]} {where}"
            return Decision(Outcome.DENIED_EXPLICITLY, reason, _name(denial))
    by_identity = next((s for s in own if s["Effect"] == "Allow"), None)
    in_bounds = identity.boundary is None or any(s["Effect"] == "Allow" for s in bounds)
    grants = [s for s in theirs if s["Effect"] == "Allow"]
    direct = next((s for s in grants if _names_directly(s.get("Principal"), caller)), None)
    other_account = caller.account is not None and resource_account not in (None, caller.account)
    # A role that a resource policy names is still limited by its boundary.
    if direct is not None and (in_bounds or caller.kind != "AWS") and not other_account:
        return Decision(Outcome.ALLOWED, statement=_name(direct))
    if by_identity is None:
        return _not_allowed_by(IDENTITY, request)
    if not in_bounds:
        return _not_allowed_by(BOUNDARY, request)
    if (other_account or resource_policy_decides) and not grants:
        return _not_allowed_by(RESOURCE, request)
    return Decision(Outcome.ALLOWED, statement=_name(by_identity))


def _not_allowed_by(where: str, request: Request) -> Decision:
    reason = f"because no {where} allows the {request.action} action"
    return Decision(Outcome.DENIED_IMPLICITLY, reason)


def allows(documents: Sequence[Document], request: Request) -> bool:
    """Whether identity policies alone allow the request: one allows and none denies."""
    found = _applying(documents, request, caller=None)
    effects = {statement["Effect"] for statement in found}
    return effects == {"Allow"}


def _applying(
    documents: Sequence[Document], request: Request, *, caller: Principal | None
) -> list[Statement]:
    return [s for s in statements_of(documents) if _applies(s, request, caller)]


def _applies(statement: Statement, request: Request, caller: Principal | None) -> bool:
    return (
        _takes_in_action(statement, request.action)
        and (request.resource is None or _takes_in_resource(statement, request.resource))
        and (caller is None or _takes_in_principal(statement, caller))
        and conditions_hold(statement, request.context)
    )


def _takes_in_action(statement: Statement, action: str) -> bool:
    if "Action" in statement:
        return any_takes_in_action(as_list(statement["Action"]), action)
    return "NotAction" in statement and not any_takes_in_action(
        as_list(statement["NotAction"]), action
    )


def _takes_in_resource(statement: Statement, resource: str) -> bool:
    def found(patterns: Any) -> bool:
        return any(matches_arn(pattern, resource) for pattern in as_list(patterns))

    if "Resource" in statement:
        return found(statement["Resource"])
    return "NotResource" in statement and not found(statement["NotResource"])


def _takes_in_principal(statement: Statement, caller: Principal) -> bool:
    """Whether the statement of a resource policy is about the caller or its whole account."""
    if "NotPrincipal" in statement:
        if statement["Effect"] == "Allow":
            raise UnsupportedPolicyError(
                f"Statement {_name(statement)} allows everybody but its NotPrincipal."
            )
        named = statement["NotPrincipal"]
        spared = _names_directly(named, caller)
        if caller.kind == "AWS":
            # Its account must be named as well (IAM user guide, "NotPrincipal").
            spared = spared and _names_account(named, caller)
        return not spared
    named = statement.get("Principal")
    return _names_directly(named, caller) or _names_account(named, caller)


def _names_directly(named: Any, caller: Principal) -> bool:
    if named == "*":
        return True
    if not isinstance(named, Mapping):
        if named is None:
            return False
        raise UnsupportedPolicyError(f"The Principal {named!r} is not known here.")
    names = as_list(named.get(caller.kind, []))
    everyone = "*" in as_list(named.get("AWS", []))
    return everyone or caller.name in names


def _names_account(named: Any, caller: Principal) -> bool:
    """Whether the account of the caller is named: then its identity policies decide."""
    if not isinstance(named, Mapping) or caller.account is None:
        return False
    return any(
        name == caller.account or name.endswith(f"::{caller.account}:root")
        for name in as_list(named.get("AWS", []))
    )


def _name(statement: Statement) -> str:
    return str(statement.get("Sid") or "a statement without a Sid")
