"""Corrections of moto's IAM."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from unittest.mock import patch

from moto.core.responses import ActionResult
from moto.iam.exceptions import NotFoundException, ValidationError
from moto.iam.models import Role
from moto.iam.responses import IamResponse

from tools.iam import (
    Document,
    Identity,
    Outcome,
    Principal,
    Request,
    UnsupportedPolicyError,
    decide,
)
from tools.sandbox.account.corrections.base import Hooks, correction

# API reference, EvaluationResult, EvalDecision.
DECISIONS = {
    Outcome.ALLOWED: "allowed",
    Outcome.DENIED_EXPLICITLY: "explicitDeny",
    Outcome.DENIED_IMPLICITLY: "implicitDeny",
}


@correction
def policies_of_roles_can_be_simulated(hooks: Hooks) -> Iterator[None]:
    """AWS: SimulatePrincipalPolicy says for each action and resource whether the policies and the
    boundary of a role allow it; it calls nothing (API reference, SimulatePrincipalPolicy).
    moto 5.2.5: does not have the action.
    Goes when moto has it. Policies of resources, which a caller may pass along, are not looked at;
    for roles AWS does not support them either.
    """

    def simulate_principal_policy(response: IamResponse) -> ActionResult:
        arn = response._get_param("PolicySourceArn")
        identity = _identity(response, arn)
        context = {
            entry["ContextKeyName"]: entry["ContextKeyValues"]
            for entry in response._get_param("ContextEntries", [])
        }
        results = [
            _result(identity, Request(action, resource, context))
            for action in response._get_param("ActionNames", [])
            for resource in response._get_param("ResourceArns", ["*"])
        ]
        return ActionResult({"EvaluationResults": results, "IsTruncated": False})

    with patch.object(
        IamResponse, "simulate_principal_policy", simulate_principal_policy, create=True
    ):
        yield


def _identity(response: IamResponse, arn: str) -> Identity:
    backend = response.backend
    role: Role | None = next((r for r in backend.roles.values() if r.arn == arn), None)
    if role is None:
        raise NotFoundException(f"No role with the ARN {arn} can be found.")
    policies: Sequence[Document] = [
        *role.policies.values(),
        *(_default_version(policy) for policy in role.managed_policies.values()),
    ]
    bounded: Mapping[str, Any] = role.permissions_boundary or {}
    boundary = bounded.get("PermissionsBoundaryArn")
    bounds = _default_version(backend.managed_policies[boundary]) if boundary else None
    return Identity(Principal.aws(arn), policies, bounds)


def _default_version(policy: Any) -> str:
    return str(next(version.document for version in policy.versions if version.is_default))


def _result(identity: Identity, request: Request) -> dict[str, Any]:
    try:
        decision = decide(request, identity)
    except UnsupportedPolicyError as error:
        raise ValidationError(f"The sandbox cannot simulate it: {error}") from error
    return {
        "EvalActionName": request.action,
        "EvalResourceName": request.resource,
        "EvalDecision": DECISIONS[decision.outcome],
        "MatchedStatements": [],
        "MissingContextValues": [],
    }
