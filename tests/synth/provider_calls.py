"""What Terraform's AWS provider calls for each type of resource, as data.

From the provider's documentation and the actions of the Service Authorization Reference. Names are
those of IAM, which differ from the operations here and there. `tests/deploy/alone/test_github.py`
holds the roles against the calls of a real plan and a real deployment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.synth.sample_arns import ACCOUNT, REGION

PHASES = ("read", "create", "update", "delete")


@dataclass(frozen=True)
class Calls:
    """What each phase calls, on which ARN; ``{name}`` is the resource's.

    ``context`` is sent with every call.
    """

    arn: str
    read: str = ""
    create: str = ""
    update: str = ""
    delete: str = ""
    context: Mapping[str, str] | None = None
    only_with_key: bool = False


BUCKET = "arn:aws:s3:::{name}"
OBJECT = "arn:aws:s3:::{name}/artifacts/burst-0123.zip"
HERE = f"{REGION}:{ACCOUNT}"
KEY = f"arn:aws:kms:{HERE}:key/0123"
OWN_KEY = {"aws:ResourceTag/project": "burst", "aws:ResourceTag/environment": "{environment}"}
NEW_KEY = {"aws:RequestTag/project": "burst", "aws:RequestTag/environment": "{environment}"}
PREFIX = {"s3:prefix": "artifacts/burst-0123.zip"}
S3 = {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}
LOGS = {"kms:ViaService": f"logs.{REGION}.amazonaws.com"}


def _bucket_part(read: str, create: str, delete: str = "") -> list[Calls]:
    return [Calls(BUCKET, read=read, create=create, update=create, delete=delete)]


CALLS: dict[str, list[Calls]] = {
    "aws_s3_bucket": [
        Calls(
            BUCKET,
            read="GetAccelerateConfiguration GetBucketAcl GetBucketCORS GetBucketLocation "
            "GetBucketLogging GetBucketObjectLockConfiguration GetBucketPolicy "
            "GetBucketRequestPayment GetBucketTagging GetBucketVersioning GetBucketWebsite "
            "GetEncryptionConfiguration GetLifecycleConfiguration GetReplicationConfiguration "
            "ListBucket",
            create="CreateBucket PutBucketTagging",
            update="PutBucketTagging",
            delete="DeleteBucket",
        )
    ],
    "aws_s3_bucket_lifecycle_configuration": _bucket_part(
        "GetLifecycleConfiguration", "PutLifecycleConfiguration", "PutLifecycleConfiguration"
    ),
    "aws_s3_bucket_notification": _bucket_part(
        "GetBucketNotification", "PutBucketNotification", "PutBucketNotification"
    ),
    "aws_s3_bucket_ownership_controls": _bucket_part(
        "GetBucketOwnershipControls", "PutBucketOwnershipControls", "PutBucketOwnershipControls"
    ),
    "aws_s3_bucket_policy": _bucket_part(
        "GetBucketPolicy", "PutBucketPolicy", "DeleteBucketPolicy"
    ),
    "aws_s3_bucket_public_access_block": _bucket_part(
        "GetBucketPublicAccessBlock", "PutBucketPublicAccessBlock", "PutBucketPublicAccessBlock"
    ),
    "aws_s3_bucket_server_side_encryption_configuration": _bucket_part(
        "GetEncryptionConfiguration", "PutEncryptionConfiguration", "PutEncryptionConfiguration"
    ),
    "aws_s3_bucket_versioning": _bucket_part(
        "GetBucketVersioning", "PutBucketVersioning", "PutBucketVersioning"
    ),
    # Code whose bytes change has another key, so it is made and its predecessor deleted, with all
    # versions that are listed.
    "aws_s3_object": [
        Calls(
            OBJECT,
            read="GetObject GetObjectTagging GetObjectVersion",
            create="PutObject PutObjectTagging",
            update="PutObject PutObjectTagging",
            delete="DeleteObject DeleteObjectVersion",
        ),
        Calls(BUCKET, delete="ListBucketVersions", context=PREFIX),
        Calls(KEY, read="Decrypt", create="GenerateDataKey", context=S3, only_with_key=True),
    ],
    "aws_glue_job": [
        Calls(
            f"arn:aws:glue:{HERE}:job/{{name}}",
            read="GetJob GetTags",
            create="CreateJob TagResource",
            update="UpdateJob TagResource UntagResource",
            delete="DeleteJob",
        )
    ],
    "aws_glue_trigger": [
        Calls(
            f"arn:aws:glue:{HERE}:trigger/{{name}}",
            read="GetTrigger GetTags",
            create="CreateTrigger TagResource",
            update="UpdateTrigger TagResource UntagResource",
            delete="DeleteTrigger",
        )
    ],
    "aws_glue_workflow": [
        Calls(
            f"arn:aws:glue:{HERE}:workflow/{{name}}",
            read="GetWorkflow GetTags",
            create="CreateWorkflow TagResource",
            update="UpdateWorkflow TagResource UntagResource",
            delete="DeleteWorkflow",
        )
    ],
    "aws_glue_security_configuration": [
        Calls(
            "glue:*",
            read="GetSecurityConfiguration",
            create="CreateSecurityConfiguration",
            delete="DeleteSecurityConfiguration",
        )
    ],
    # A call on a table is also one on its database and on the catalog.
    "aws_glue_catalog_database": [
        Calls(
            arn,
            read="GetDatabase GetTags",
            create="CreateDatabase",
            update="UpdateDatabase",
            delete="DeleteDatabase",
        )
        for arn in (f"arn:aws:glue:{HERE}:catalog", f"arn:aws:glue:{HERE}:database/{{name}}")
    ]
    + [
        Calls(
            f"arn:aws:glue:{HERE}:database/{{name}}",
            create="TagResource",
            update="TagResource UntagResource",
        )
    ]
    + [
        Calls(f"arn:aws:glue:{HERE}:{kind}/{{name}}/any", delete="DeleteDatabase")
        for kind in ("table", "userDefinedFunction")
    ],
    "aws_glue_catalog_table": [
        Calls(
            arn,
            read="GetTable GetPartitionIndexes",
            create="CreateTable",
            update="UpdateTable",
            delete="DeleteTable",
        )
        for arn in (
            f"arn:aws:glue:{HERE}:catalog",
            f"arn:aws:glue:{HERE}:database/burst_{{database}}",
            f"arn:aws:glue:{HERE}:table/burst_{{database}}/{{name}}",
        )
    ],
    "aws_cloudwatch_event_rule": [
        Calls(
            f"arn:aws:events:{HERE}:rule/{{name}}",
            read="DescribeRule ListTagsForResource",
            create="PutRule TagResource",
            update="PutRule TagResource UntagResource DisableRule EnableRule",
            delete="DeleteRule",
        )
    ],
    "aws_cloudwatch_event_target": [
        Calls(
            f"arn:aws:events:{HERE}:rule/{{name}}",
            read="ListTargetsByRule",
            create="PutTargets",
            update="PutTargets",
            delete="RemoveTargets",
        )
    ],
    "aws_sqs_queue": [
        Calls(
            f"arn:aws:sqs:{HERE}:{{name}}",
            read="GetQueueAttributes GetQueueUrl ListQueueTags",
            create="CreateQueue TagQueue",
            update="SetQueueAttributes TagQueue UntagQueue",
            delete="DeleteQueue",
        )
    ],
    "aws_sqs_queue_policy": [
        Calls(
            f"arn:aws:sqs:{HERE}:{{name}}",
            read="GetQueueAttributes",
            create="SetQueueAttributes",
            update="SetQueueAttributes",
            delete="SetQueueAttributes",
        )
    ],
    "aws_sns_topic": [
        Calls(
            f"arn:aws:sns:{HERE}:{{name}}",
            read="GetTopicAttributes ListTagsForResource",
            create="CreateTopic TagResource SetTopicAttributes",
            update="SetTopicAttributes TagResource UntagResource",
            delete="DeleteTopic",
        )
    ],
    "aws_sns_topic_policy": [
        Calls(
            f"arn:aws:sns:{HERE}:{{name}}",
            read="GetTopicAttributes",
            create="SetTopicAttributes",
            update="SetTopicAttributes",
            delete="SetTopicAttributes",
        )
    ],
    "aws_sns_topic_subscription": [
        Calls(f"arn:aws:sns:{HERE}:{{name}}", read="ListSubscriptionsByTopic", create="Subscribe"),
        Calls("sns:*", read="GetSubscriptionAttributes", delete="Unsubscribe"),
    ],
    "aws_cloudwatch_log_group": [
        Calls(
            arn,
            read="ListTagsForResource",
            create="CreateLogGroup PutRetentionPolicy TagResource AssociateKmsKey",
            update="PutRetentionPolicy DeleteRetentionPolicy TagResource UntagResource "
            "AssociateKmsKey DisassociateKmsKey",
            delete="DeleteLogGroup",
        )
        for arn in (f"arn:aws:logs:{HERE}:log-group:{{name}}{end}" for end in ("", ":*"))
    ]
    + [
        Calls("logs:*", read="DescribeLogGroups"),
        Calls(
            KEY,
            create="Encrypt Decrypt GenerateDataKey DescribeKey",
            update="Encrypt Decrypt GenerateDataKey DescribeKey",
            context=LOGS,
            only_with_key=True,
        ),
    ],
    "aws_cloudwatch_metric_alarm": [
        Calls("cloudwatch:*", read="DescribeAlarms"),
        Calls(
            f"arn:aws:cloudwatch:{HERE}:alarm:{{name}}",
            read="ListTagsForResource",
            create="PutMetricAlarm TagResource",
            update="PutMetricAlarm TagResource UntagResource",
            delete="DeleteAlarms",
        ),
    ],
    "aws_cloudwatch_dashboard": [
        Calls(
            f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/{{name}}",
            read="GetDashboard",
            create="PutDashboard",
            update="PutDashboard",
            delete="DeleteDashboards",
        )
    ],
    "aws_cloudtrail": [
        Calls(
            f"arn:aws:cloudtrail:{HERE}:trail/{{name}}",
            read="GetEventSelectors GetInsightSelectors GetTrail GetTrailStatus ListTags",
            create="CreateTrail AddTags PutEventSelectors StartLogging",
            update="UpdateTrail AddTags RemoveTags PutEventSelectors StartLogging StopLogging",
            delete="DeleteTrail",
        ),
        Calls("cloudtrail:*", read="DescribeTrails"),
    ],
    "aws_kms_key": [
        Calls("kms:*", create="CreateKey TagResource", context=NEW_KEY),
        Calls(
            KEY,
            read="DescribeKey GetKeyPolicy GetKeyRotationStatus ListResourceTags",
            create="EnableKeyRotation PutKeyPolicy",
            update="PutKeyPolicy UpdateKeyDescription EnableKeyRotation DisableKeyRotation "
            "UntagResource",
            delete="ScheduleKeyDeletion",
        ),
    ],
    "aws_kms_alias": [
        Calls("kms:*", read="ListAliases"),
        *(
            Calls(arn, create="CreateAlias", update="UpdateAlias", delete="DeleteAlias")
            for arn in (KEY, f"arn:aws:kms:{HERE}:{{name}}")
        ),
    ],
    "aws_iam_role": [
        Calls(
            f"arn:aws:iam::{ACCOUNT}:role/{{name}}",
            read="GetRole ListRolePolicies ListAttachedRolePolicies",
            create="CreateRole TagRole",
            update="UpdateRole UpdateRoleDescription UpdateAssumeRolePolicy TagRole UntagRole "
            "PutRolePermissionsBoundary",
            delete="ListInstanceProfilesForRole DeleteRole",
            context={"iam:PermissionsBoundary": "{boundary}"},
        ),
        Calls(
            f"arn:aws:iam::{ACCOUNT}:role/{{name}}",
            create="PassRole",
            update="PassRole",
            context={"iam:PassedToService": "glue.amazonaws.com"},
        ),
        Calls(
            f"arn:aws:iam::{ACCOUNT}:role/{{name}}",
            create="PassRole",
            update="PassRole",
            context={"iam:PassedToService": "events.amazonaws.com"},
        ),
    ],
    "aws_iam_role_policy": [
        Calls(
            f"arn:aws:iam::{ACCOUNT}:role/{{name}}",
            read="GetRolePolicy",
            create="PutRolePolicy",
            update="PutRolePolicy",
            delete="DeleteRolePolicy",
            context={"iam:PermissionsBoundary": "{boundary}"},
        )
    ],
}


@dataclass(frozen=True)
class Call:
    """One call in one phase; ``resource`` is an ARN or ``*``."""

    phase: str
    action: str
    resource: str
    context: Mapping[str, str]

    def __str__(self) -> str:
        return f"{self.phase}: {self.action} on {self.resource}"


def calls_for(
    kind: str, name: str, *, environment: str, boundary: str, with_key: bool
) -> Iterator[Call]:
    """Every call for one resource in every phase."""
    values = {
        "name": name,
        "environment": environment,
        "boundary": boundary,
        "database": environment.replace("-", "_"),
    }
    for calls in CALLS[kind]:
        if calls.only_with_key and not with_key:
            continue
        arn = calls.arn.format(**values)
        service = arn.split(":")[2] if arn.startswith("arn:") else arn.partition(":")[0]
        given: dict[str, Any] = dict(calls.context or {})
        if arn == KEY:
            given |= OWN_KEY
        context = {key: value.format(**values) for key, value in given.items()}
        for phase in PHASES:
            for action in getattr(calls, phase).split():
                yield Call(
                    phase,
                    f"{service}:{action}",
                    arn if arn.startswith("arn:") else "*",
                    context,
                )
