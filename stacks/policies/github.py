"""Policies of the roles that a repository's workflows assume: to plan, to deploy, and no more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from stacks.policies.permissions import BOUNDS, LANDING_FILES, PARTS, Part
from stacks.policies.place import Place
from stacks.policies.statement import Statement, allow, document

ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"


def parts_of(parts: Sequence[Part] = PARTS, *, with_key: bool) -> Sequence[Part]:
    """The parts that an environment has: only one with a key of its own reaches keys at all."""
    return [part for part in parts if with_key or not part.needs_key]


@dataclass(frozen=True)
class StateObject:
    """The object that holds the state of an environment, and the lock beside it."""

    bucket: str
    key: str
    kms_key_arn: str | None = None


@dataclass(frozen=True)
class ExistingLanding:
    """A landing bucket that is somebody else's: its name, the key that encrypts it, who sends.

    ``manages_events`` where the stack owns the bucket's notification configuration.
    """

    bucket: str
    kms_key_arn: str | None
    manages_events: bool


def assumed_by_workflow(provider_arn: str, subject: str) -> str:
    """Trust policy: a run of a workflow with this subject, and a token made for AWS.

    GitHub signs ``sub`` and ``aud`` (GitHub, "Configuring OpenID Connect in Amazon Web
    Services"); both are compared whole, so that no other repository, branch or environment fits.
    """
    return document(
        {
            "Sid": "AssumedByTheWorkflow",
            "Effect": "Allow",
            "Principal": {"Federated": provider_arn},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {
                "StringEquals": {f"{ISSUER}:aud": AUDIENCE, f"{ISSUER}:sub": subject},
            },
        }
    )


def plan_environment(
    place: Place, parts: Sequence[Part], state: StateObject, landing: ExistingLanding | None
) -> str:
    """What a plan needs: to read what Terraform manages, the state, and the state's lock."""
    bucket = [place.arn(f"s3:{landing.bucket}")] if landing else []
    return document(
        *(_allow(place, part, f"Read{part.sid}", part.read) for part in parts if part.read),
        *(
            [allow("FindExistingLanding", ["s3:GetBucketLocation", "s3:ListBucket"], bucket)]
            if landing
            else []
        ),
        *(
            [allow("ReadItsEvents", ["s3:GetBucketNotification"], bucket)]
            if landing and landing.manages_events
            else []
        ),
        *_state(place, state),
    )


def deploy_environment(
    place: Place,
    parts: Sequence[Part],
    landing: ExistingLanding | None,
    *,
    can_delete_data: bool,
) -> str:
    """What a deployment changes, beside what a plan reads.

    ``can_delete_data`` lets it empty the buckets, which only an ephemeral environment may.
    """
    return document(
        *(_allow(place, part, f"Change{part.sid}", part.change) for part in parts if part.change),
        *(
            [
                allow(
                    "ChangeItsEvents",
                    ["s3:PutBucketNotification"],
                    [place.arn(f"s3:{landing.bucket}")],
                )
            ]
            if landing and landing.manages_events
            else []
        ),
        *(_empty_buckets(place) if can_delete_data else ()),
    )


def deploy_roles(place: Place, boundary_arn: str, state: StateObject) -> str:
    """What a deployment does with roles, which would otherwise be a way to any right at all.

    It makes roles and gives them permissions only inside the boundary, and passes them to no
    other service than those that the pipelines use (IAM user guide, "Permissions boundaries",
    section on delegating). Nothing lets it take the boundary off again, or change it. It also
    writes the state, which it reads and locks as a plan does.
    """
    roles = place.arn("iam:role/burst-{environment}-*")
    return document(
        allow(
            "GiveRolesNoMoreThanTheBoundary",
            [
                "iam:CreateRole",
                "iam:DeleteRolePolicy",
                "iam:PutRolePermissionsBoundary",
                "iam:PutRolePolicy",
            ],
            [roles],
            {"ArnEquals": {"iam:PermissionsBoundary": boundary_arn}},
        ),
        allow(
            "PassRolesToThePipelinesServices",
            ["iam:PassRole"],
            [roles],
            {
                "StringEquals": {
                    "iam:PassedToService": ["events.amazonaws.com", "glue.amazonaws.com"]
                }
            },
        ),
        allow("WriteTheState", ["s3:PutObject"], [place.arn(f"s3:{state.bucket}/{state.key}")]),
    )


def role_boundary(place: Place, landing: ExistingLanding | None, *, with_key: bool) -> str:
    """The most that any role of the environment may do, whatever its own policy says."""
    parts = parts_of(BOUNDS, with_key=with_key)
    bounds = [_allow(place, part, f"Bound{part.sid}", part.change) for part in parts]
    if landing:
        bucket = place.arn(f"s3:{landing.bucket}")
        bounds.append(allow("BoundExistingLanding", LANDING_FILES, [bucket, f"{bucket}/*"]))
        if landing.kms_key_arn:
            bounds.append(allow("BoundItsKey", ["kms:Decrypt"], [landing.kms_key_arn]))
    return document(*bounds)


def _allow(place: Place, part: Part, sid: str, actions: Sequence[str]) -> Statement:
    resources = [name if name == "*" else place.arn(name) for name in part.resources]
    return allow(sid, actions, resources, _filled(part.condition, place))


def _filled(condition: Any, place: Place) -> Any:
    """The condition with the environment's own values in it."""
    if isinstance(condition, str):
        return condition.format(
            environment=place.environment,
            logs_service=place.service("logs"),
            s3_service=place.service("s3"),
        )
    if isinstance(condition, dict):
        return {key: _filled(value, place) for key, value in condition.items()}
    if isinstance(condition, list):
        return [_filled(value, place) for value in condition]
    return condition


def _state(place: Place, state: StateObject) -> Iterator[Statement]:
    bucket = place.arn(f"s3:{state.bucket}")
    key, lock = f"{bucket}/{state.key}", f"{bucket}/{state.key}.tflock"
    # S3 answers 404 for a state that is not there yet only where ListBucket is allowed without a
    # prefix as well; Terraform itself lists its workspaces, all of which it keeps below env:/.
    yield allow(
        "FindTheState",
        ["s3:ListBucket"],
        [bucket],
        {"StringLikeIfExists": {"s3:prefix": [f"{state.key}*", "env:/*"]}},
    )
    yield allow("ReadTheState", ["s3:GetObject"], [key])
    yield allow("LockTheState", ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"], [lock])
    if state.kms_key_arn:
        yield allow(
            "UseTheKeyOfTheState", ["kms:Decrypt", "kms:GenerateDataKey"], [state.kms_key_arn]
        )


def _empty_buckets(place: Place) -> Iterator[Statement]:
    # The pattern takes in what is in the buckets, because its star goes beyond the slash.
    yield allow(
        "EmptyBuckets",
        ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:ListBucketVersions"],
        [place.arn("s3:burst-{environment}-*")],
    )
