"""What Terraform, and the roles that it makes, call in an environment: data for the GitHub roles.

One entry per purpose. ``stacks.policies.github`` makes policies of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from burst.contract import ARTIFACTS, METRICS_NAMESPACE


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
        # Deleting an object whose version Terraform knows, also one that is replaced, deletes its
        # versions one by one (provider source, s3/object.go).
        "CodeVersions",
        ("aws_s3_object",),
        ("s3:burst-{environment}-lake-*",),
        change=("s3:ListBucketVersions",),
        condition={"StringLike": {"s3:prefix": f"{ARTIFACTS}/*"}},
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
        needs_key=True,
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
            # Of a database: the provider gives it its tags when it makes it.
            "glue:TagResource",
            "glue:UntagResource",
            "glue:UpdateDatabase",
            "glue:UpdateTable",
        ),
    ),
    Part(
        "Rules",
        ("aws_cloudwatch_event_rule", "aws_cloudwatch_event_target"),
        # With a dot those that send to the topic.
        ("events:rule/burst-{environment}-*", "events:rule/burst-{environment}.*"),
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
        "AlarmNames",
        ("aws_cloudwatch_metric_alarm",),
        ("*",),
        read=("cloudwatch:DescribeAlarms",),
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
        # S3 calls KMS for the code. CloudWatch Logs calls it in the name of whoever gives a group
        # its key (its user guide, "Encrypt log data in CloudWatch Logs using AWS KMS"). Both are
        # one statement, because an attached policy has 6,144 characters.
        "KeyOfCodeAndLogs",
        ("aws_cloudwatch_log_group", "aws_s3_object"),
        ("kms:key/*",),
        read=("kms:Decrypt",),
        change=("kms:Encrypt", "kms:GenerateDataKey"),
        condition={
            "StringEquals": _OWN_TAGS | {"kms:ViaService": ["{s3_service}", "{logs_service}"]}
        },
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
            "iam:ListRolePolicies",
        ),
        change=(
            "iam:DeleteRole",
            # Before it deletes a role.
            "iam:ListInstanceProfilesForRole",
            "iam:TagRole",
            "iam:UntagRole",
            "iam:UpdateAssumeRolePolicy",
            "iam:UpdateRole",
            "iam:UpdateRoleDescription",
        ),
    ),
)

# What a job does with files in landing, and what any role does with files in the lake.
LANDING_FILES = (
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:GetBucketVersioning",
    "s3:GetObjectVersion",
    "s3:GetObjectVersionTagging",
    "s3:ListBucket",
    "s3:ListBucketVersions",
)
FILES = (
    "s3:AbortMultipartUpload",
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:GetBucketLocation",
    "s3:GetBucketVersioning",
    "s3:GetObject",
    "s3:GetObjectVersion",
    "s3:GetObjectVersionTagging",
    "s3:ListBucket",
    "s3:ListBucketMultipartUploads",
    "s3:ListBucketVersions",
    "s3:ListMultipartUploadParts",
    "s3:PutObject",
    "s3:PutObjectTagging",
)

# The most that the roles of an environment's own parts may do, whatever their policies say.
BOUNDS = (
    Part("Files", (), ("s3:burst-{environment}-*",), change=FILES),
    Part(
        "Logs",
        (),
        ("logs:log-group:/burst/{environment}/*",),
        change=(
            "logs:CreateLogGroup",
            "logs:CreateLogStream",
            "logs:PutLogEvents",
        ),
    ),
    Part(
        "KeyOfLogs",
        (),
        ("logs:log-group:/burst/{environment}/*",),
        change=("logs:AssociateKmsKey",),
        needs_key=True,
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
        needs_key=True,
    ),
)
