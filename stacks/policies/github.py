"""Policies of the roles that a repository's workflows assume: to plan, to deploy, and no more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from burst.contract import ARTIFACTS, METRICS_NAMESPACE

from stacks.policies.statement import Statement, allow, document

ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"


@dataclass(frozen=True)
class Place:
    """Where an environment is: what the ARNs of its parts have in common."""

    partition: str
    services_suffix: str
    region: str
    account_id: str
    environment: str

    def arn(self, name: str) -> str:
        """The ARN of ``service:resource``, with the environment's name where it says so."""
        service, _, resource = name.partition(":")
        is_global = service in ("iam", "s3") or resource.startswith("dashboard/")
        region = "" if is_global else self.region
        account = "" if service == "s3" else self.account_id
        resource = resource.format(
            environment=self.environment, database=self.environment.replace("-", "_")
        )
        return f"arn:{self.partition}:{service}:{region}:{account}:{resource}"


@dataclass(frozen=True)
class Part:
    """What Terraform calls for some types of resources: to read them, and to change them.

    ``resources`` are patterns of names, as `Place.arn` takes them; everything that the stacks
    make has a name that begins with ``burst-<environment>-``. ``("*",)`` stands where AWS knows
    no resource for the actions (Service Authorization Reference of the service).
    """

    sid: str
    types: tuple[str, ...]
    resources: tuple[str, ...]
    read: tuple[str, ...] = ()
    change: tuple[str, ...] = ()
    condition: Any = None
    needs_key: bool = False


# An environment's own mark on what has no name: a KMS key has an id that nobody can foresee.
_OWN_TAGS = {"aws:ResourceTag/project": "burst", "aws:ResourceTag/environment": "{environment}"}
_NEW_TAGS = {"aws:RequestTag/project": "burst", "aws:RequestTag/environment": "{environment}"}

PARTS = (
    Part(
        "Buckets",
        (
            "aws_s3_bucket",
            "aws_s3_bucket_lifecycle_configuration",
            "aws_s3_bucket_logging",
            "aws_s3_bucket_notification",
            "aws_s3_bucket_ownership_controls",
            "aws_s3_bucket_policy",
            "aws_s3_bucket_public_access_block",
            "aws_s3_bucket_server_side_encryption_configuration",
            "aws_s3_bucket_versioning",
        ),
        ("s3:burst-{environment}-*",),
        read=(
            "s3:GetAccelerateConfiguration",
            "s3:GetBucketAcl",
            "s3:GetBucketCORS",
            "s3:GetBucketLocation",
            "s3:GetBucketLogging",
            "s3:GetBucketNotification",
            "s3:GetBucketObjectLockConfiguration",
            "s3:GetBucketOwnershipControls",
            "s3:GetBucketPolicy",
            "s3:GetBucketPublicAccessBlock",
            "s3:GetBucketRequestPayment",
            "s3:GetBucketTagging",
            "s3:GetBucketVersioning",
            "s3:GetBucketWebsite",
            "s3:GetEncryptionConfiguration",
            "s3:GetLifecycleConfiguration",
            "s3:GetReplicationConfiguration",
            "s3:ListBucket",
        ),
        change=(
            "s3:CreateBucket",
            "s3:DeleteBucket",
            "s3:DeleteBucketPolicy",
            "s3:PutBucketLogging",
            "s3:PutBucketNotification",
            "s3:PutBucketOwnershipControls",
            "s3:PutBucketPolicy",
            "s3:PutBucketPublicAccessBlock",
            "s3:PutBucketTagging",
            "s3:PutBucketVersioning",
            "s3:PutEncryptionConfiguration",
            "s3:PutLifecycleConfiguration",
        ),
    ),
    Part(
        "Code",
        ("aws_s3_object",),
        (f"s3:burst-{{environment}}-lake-*/{ARTIFACTS}/*",),
        read=("s3:GetObject", "s3:GetObjectTagging", "s3:GetObjectVersion"),
        change=(
            "s3:PutObject",
            "s3:PutObjectTagging",
            "s3:DeleteObject",
            "s3:DeleteObjectVersion",
        ),
    ),
    Part(
        "Jobs",
        ("aws_glue_job", "aws_glue_trigger", "aws_glue_workflow"),
        (
            "glue:job/burst-{environment}-*",
            "glue:trigger/burst-{environment}-*",
            "glue:workflow/burst-{environment}-*",
        ),
        read=("glue:GetJob", "glue:GetTags", "glue:GetTrigger", "glue:GetWorkflow"),
        change=(
            "glue:CreateJob",
            "glue:CreateTrigger",
            "glue:CreateWorkflow",
            "glue:DeleteJob",
            "glue:DeleteTrigger",
            "glue:DeleteWorkflow",
            "glue:TagResource",
            "glue:UntagResource",
            "glue:UpdateJob",
            "glue:UpdateTrigger",
            "glue:UpdateWorkflow",
        ),
    ),
    Part(
        "SecurityConfigurations",
        ("aws_glue_security_configuration",),
        ("*",),
        read=("glue:GetSecurityConfiguration",),
        change=("glue:CreateSecurityConfiguration", "glue:DeleteSecurityConfiguration"),
    ),
    Part(
        "Tables",
        ("aws_glue_catalog_database", "aws_glue_catalog_table"),
        (
            "glue:catalog",
            "glue:database/burst_{database}",
            "glue:table/burst_{database}/*",
            # Deleting a database asks for this as well, though a catalog may have none.
            "glue:userDefinedFunction/burst_{database}/*",
        ),
        read=(
            "glue:GetDatabase",
            "glue:GetPartitionIndexes",
            "glue:GetTable",
            "glue:GetTags",
        ),
        change=(
            "glue:CreateDatabase",
            "glue:CreateTable",
            "glue:DeleteDatabase",
            "glue:DeleteTable",
            "glue:UpdateDatabase",
            "glue:UpdateTable",
        ),
    ),
    Part(
        "Rules",
        ("aws_cloudwatch_event_rule", "aws_cloudwatch_event_target"),
        ("events:rule/burst-{environment}-*",),
        read=("events:DescribeRule", "events:ListTagsForResource", "events:ListTargetsByRule"),
        change=(
            "events:DeleteRule",
            "events:DisableRule",
            "events:EnableRule",
            "events:PutRule",
            "events:PutTargets",
            "events:RemoveTargets",
            "events:TagResource",
            "events:UntagResource",
        ),
    ),
    Part(
        "Queues",
        ("aws_sqs_queue", "aws_sqs_queue_policy"),
        ("sqs:burst-{environment}-*",),
        read=("sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ListQueueTags"),
        change=(
            "sqs:CreateQueue",
            "sqs:DeleteQueue",
            "sqs:SetQueueAttributes",
            "sqs:TagQueue",
            "sqs:UntagQueue",
        ),
    ),
    Part(
        "Topics",
        ("aws_sns_topic", "aws_sns_topic_policy", "aws_sns_topic_subscription"),
        ("sns:burst-{environment}-*",),
        read=(
            "sns:GetTopicAttributes",
            "sns:ListSubscriptionsByTopic",
            "sns:ListTagsForResource",
        ),
        change=(
            "sns:CreateTopic",
            "sns:DeleteTopic",
            "sns:SetTopicAttributes",
            "sns:Subscribe",
            "sns:TagResource",
            "sns:UntagResource",
        ),
    ),
    Part(
        "Subscriptions",
        ("aws_sns_topic_subscription",),
        ("*",),
        read=("sns:GetSubscriptionAttributes",),
        change=("sns:Unsubscribe",),
    ),
    Part(
        "Logs",
        ("aws_cloudwatch_log_group",),
        ("logs:log-group:/burst/{environment}/*",),
        read=("logs:ListTagsForResource",),
        change=(
            "logs:AssociateKmsKey",
            "logs:CreateLogGroup",
            "logs:DeleteLogGroup",
            "logs:DeleteRetentionPolicy",
            "logs:DisassociateKmsKey",
            "logs:PutRetentionPolicy",
            "logs:TagResource",
            "logs:UntagResource",
        ),
    ),
    Part(
        "LogGroups",
        ("aws_cloudwatch_log_group",),
        ("*",),
        read=("logs:DescribeLogGroups",),
    ),
    Part(
        "Alarms",
        ("aws_cloudwatch_metric_alarm", "aws_cloudwatch_dashboard"),
        ("cloudwatch:alarm:burst-{environment}-*", "cloudwatch:dashboard/burst-{environment}*"),
        read=(
            "cloudwatch:DescribeAlarms",
            "cloudwatch:GetDashboard",
            "cloudwatch:ListTagsForResource",
        ),
        change=(
            "cloudwatch:DeleteAlarms",
            "cloudwatch:DeleteDashboards",
            "cloudwatch:PutDashboard",
            "cloudwatch:PutMetricAlarm",
            "cloudwatch:TagResource",
            "cloudwatch:UntagResource",
        ),
    ),
    Part(
        "Trails",
        ("aws_cloudtrail",),
        ("cloudtrail:trail/burst-{environment}-*",),
        read=(
            "cloudtrail:GetEventSelectors",
            "cloudtrail:GetInsightSelectors",
            "cloudtrail:GetTrail",
            "cloudtrail:GetTrailStatus",
            "cloudtrail:ListTags",
        ),
        change=(
            "cloudtrail:AddTags",
            "cloudtrail:CreateTrail",
            "cloudtrail:DeleteTrail",
            "cloudtrail:PutEventSelectors",
            "cloudtrail:RemoveTags",
            "cloudtrail:StartLogging",
            "cloudtrail:StopLogging",
            "cloudtrail:UpdateTrail",
        ),
    ),
    Part(
        "TrailNames",
        ("aws_cloudtrail",),
        ("*",),
        read=("cloudtrail:DescribeTrails",),
    ),
    Part(
        "Keys",
        ("aws_kms_key", "aws_kms_alias"),
        ("kms:key/*",),
        read=(
            "kms:DescribeKey",
            "kms:GetKeyPolicy",
            "kms:GetKeyRotationStatus",
            "kms:ListResourceTags",
        ),
        change=(
            "kms:CreateAlias",
            "kms:DeleteAlias",
            "kms:DisableKeyRotation",
            "kms:EnableKeyRotation",
            "kms:PutKeyPolicy",
            "kms:ScheduleKeyDeletion",
            "kms:UntagResource",
            "kms:UpdateAlias",
            "kms:UpdateKeyDescription",
        ),
        condition={"StringEquals": _OWN_TAGS},
        needs_key=True,
    ),
    Part(
        "KeyOfTheCode",
        ("aws_s3_object",),
        ("kms:key/*",),
        read=("kms:Decrypt",),
        change=("kms:GenerateDataKey",),
        condition={"StringEquals": _OWN_TAGS | {"kms:ViaService": "{s3_service}"}},
        needs_key=True,
    ),
    Part(
        "KeyAliases",
        ("aws_kms_alias",),
        ("kms:alias/burst-{environment}",),
        change=("kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias"),
        needs_key=True,
    ),
    Part("AliasNames", ("aws_kms_alias",), ("*",), read=("kms:ListAliases",), needs_key=True),
    Part(
        "NewKeys",
        ("aws_kms_key",),
        ("*",),
        # A new key is tagged before it has an ARN, so both know no resource yet.
        change=("kms:CreateKey", "kms:TagResource"),
        condition={"StringEquals": _NEW_TAGS},
        needs_key=True,
    ),
    Part(
        "Roles",
        ("aws_iam_role", "aws_iam_role_policy"),
        ("iam:role/burst-{environment}-*",),
        read=(
            "iam:GetRole",
            "iam:GetRolePolicy",
            "iam:ListAttachedRolePolicies",
            "iam:ListInstanceProfilesForRole",
            "iam:ListRolePolicies",
        ),
        change=(
            "iam:DeleteRole",
            "iam:TagRole",
            "iam:UntagRole",
            "iam:UpdateAssumeRolePolicy",
            "iam:UpdateRole",
            "iam:UpdateRoleDescription",
        ),
    ),
)

# What a role may do with files, where it may at all.
_FILES = (
    "s3:AbortMultipartUpload",
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:GetBucketVersioning",
    "s3:GetObject",
    "s3:GetObjectVersion",
    "s3:GetObjectVersionTagging",
    "s3:ListBucket",
    "s3:ListBucketVersions",
    "s3:PutObject",
    "s3:PutObjectTagging",
)

# What the roles of an environment's own parts may ever be allowed, whoever writes their policies.
BOUNDS = (
    Part("Files", (), ("s3:burst-{environment}-*",), change=_FILES),
    Part(
        "Logs",
        (),
        ("logs:log-group:/burst/{environment}/*",),
        change=(
            "logs:AssociateKmsKey",
            "logs:CreateLogGroup",
            "logs:CreateLogStream",
            "logs:PutLogEvents",
        ),
    ),
    Part("Workflows", (), ("glue:workflow/burst-{environment}-*",), change=("glue:notifyEvent",)),
    Part(
        "Metrics",
        (),
        ("*",),
        change=("cloudwatch:PutMetricData",),
        condition={"StringEquals": {"cloudwatch:namespace": ["Glue", METRICS_NAMESPACE]}},
    ),
    Part(
        "Keys",
        (),
        ("kms:key/*",),
        change=("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"),
    ),
)


def parts_of(*, with_key: bool) -> Sequence[Part]:
    """The parts that an environment has: only one with a key of its own reaches keys at all."""
    return [part for part in PARTS if with_key or not part.needs_key]


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
        *_state(place, state, can_write=False),
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
    section on delegating). Nothing lets it take the boundary off again, or change it.
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
        *_state(place, state, can_write=True),
    )


def role_boundary(place: Place, landing: ExistingLanding | None) -> str:
    """The most that any role of the environment may do, whatever its own policy says."""
    bounds = [_allow(place, part, f"Bound{part.sid}", part.change) for part in BOUNDS]
    if landing:
        bucket = place.arn(f"s3:{landing.bucket}")
        bounds.append(allow("BoundExistingLanding", _FILES, [bucket, f"{bucket}/*"]))
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
            s3_service=f"s3.{place.region}.{place.services_suffix}",
        )
    if isinstance(condition, dict):
        return {key: _filled(value, place) for key, value in condition.items()}
    return condition


def _state(place: Place, state: StateObject, *, can_write: bool) -> Iterator[Statement]:
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
    if can_write:
        yield allow("WriteTheState", ["s3:PutObject"], [key])
    if state.kms_key_arn:
        yield allow(
            "UseTheKeyOfTheState", ["kms:Decrypt", "kms:GenerateDataKey"], [state.kms_key_arn]
        )


def _empty_buckets(place: Place) -> Iterator[Statement]:
    buckets = place.arn("s3:burst-{environment}-*")
    yield allow(
        "EmptyBuckets",
        ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:ListBucketVersions"],
        [buckets, f"{buckets}/*"],
    )
