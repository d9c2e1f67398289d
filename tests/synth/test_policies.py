"""Every policy of every environment: who may do what on what, and nothing beyond."""

from __future__ import annotations

from typing import Any

from tests.synth.synthesized import Synthesized

ORDERS = "pipeline-orders"


def granted(stack: Synthesized, resource: str) -> dict[str, tuple[set[str], set[str], Any]]:
    """The statements of one role's policy by Sid: actions, resources and condition."""
    (policy,) = [item for item in stack.policies() if item.resource == resource]
    assert all(statement["Effect"] == "Allow" for statement in policy.statements)
    return {
        statement["Sid"]: (
            set(statement["Action"]),
            set(statement["Resource"]),
            statement.get("Condition"),
        )
        for statement in policy.statements
    }


def arn(stack: Synthesized, kind: str, path: str) -> str:
    return f"${{{stack.address(kind, path)}.arn}}"


def test_only_the_service_itself_may_assume_a_role(stack: Synthesized) -> None:
    roles = {
        policy.resource: policy.statements
        for policy in stack.policies()
        if policy.attribute == "assume_role_policy"
    }
    assert roles == {
        f"{ORDERS}/routing/role": (
            {
                "Sid": "AssumedByTheService",
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {
                    "StringEquals": {
                        "aws:SourceAccount": "${data.aws_caller_identity.current.account_id}"
                    }
                },
            },
        ),
        f"{ORDERS}/job/role": (
            {
                "Sid": "AssumedByTheService",
                "Effect": "Allow",
                "Principal": {"Service": "glue.amazonaws.com"},
                "Action": "sts:AssumeRole",
            },
        ),
    }


def test_eventbridge_may_only_notify_the_one_workflow(stack: Synthesized) -> None:
    assert granted(stack, f"{ORDERS}/routing/permission") == {
        "NotifyTheWorkflow": (
            {"glue:notifyEvent"},
            {arn(stack, "aws_glue_workflow", f"{ORDERS}/workflow/workflow")},
            None,
        )
    }


def test_job_reaches_only_its_prefix_of_landing_and_its_folders_of_the_lake(
    stack: Synthesized,
) -> None:
    landing = arn(stack, "aws_s3_bucket", "landing/bucket")
    lake = arn(stack, "aws_s3_bucket", "lake/bucket")
    keys = [
        f"{lake}/${{{stack.address('aws_s3_object', path)}.key}}"
        for path in ("code/script", "code/package")
    ]
    logs = [
        arn(stack, "aws_cloudwatch_log_group", f"{ORDERS}/job/log-{kind}")
        for kind in ("error", "output")
    ]
    assert granted(stack, f"{ORDERS}/job/permission") == {
        "CheckThatLandingIsVersioned": ({"s3:GetBucketVersioning"}, {landing}, None),
        "ListWhatWaitsInLanding": (
            {"s3:ListBucket", "s3:ListBucketVersions"},
            {landing},
            {"StringLikeIfExists": {"s3:prefix": "orders/*"}},
        ),
        "ReadAndSettleWhatWaitsInLanding": (
            {
                "s3:GetObjectVersion",
                "s3:GetObjectVersionTagging",
                "s3:DeleteObject",
                "s3:DeleteObjectVersion",
            },
            {f"{landing}/orders/*"},
            None,
        ),
        "MoveFilesToArchiveAndQuarantine": (
            {
                "s3:GetObject",
                "s3:PutObject",
                "s3:PutObjectTagging",
                "s3:AbortMultipartUpload",
            },
            {f"{lake}/archive/orders/*", f"{lake}/quarantine/orders/*"},
            None,
        ),
        "KeepTheLedger": (
            {"s3:GetObject", "s3:PutObject"},
            {f"{lake}/ledger/orders/*"},
            None,
        ),
        "WriteCurated": (
            {
                "s3:GetObject",
                "s3:PutObject",
                "s3:DeleteObject",
                "s3:AbortMultipartUpload",
                "s3:ListMultipartUploadParts",
            },
            {f"{lake}/curated/orders/*"},
            None,
        ),
        "MarkCuratedFolders": (
            {"s3:PutObject"},
            {f"{lake}/curated/orders_$folder$", f"{lake}/curated_$folder$"},
            None,
        ),
        "ListOwnFoldersOfTheLake": (
            {"s3:ListBucket"},
            {lake},
            {
                "StringLikeIfExists": {
                    "s3:prefix": [
                        "archive/orders/*",
                        "curated/orders",
                        "curated/orders/*",
                        "ledger/orders/*",
                        "quarantine/orders/*",
                    ]
                }
            },
        ),
        "LookAfterItsUploads": (
            {"s3:GetBucketLocation", "s3:ListBucketMultipartUploads"},
            {lake},
            None,
        ),
        "ReadItsCode": ({"s3:GetObject"}, set(keys), None),
        "WriteItsLogs": (
            {"logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"},
            {*logs, *(f"{group}:log-stream:*" for group in logs)},
            None,
        ),
        "PublishMetrics": (
            {"cloudwatch:PutMetricData"},
            {"*"},
            {"StringEquals": {"cloudwatch:namespace": ["Glue", "Burst"]}},
        ),
    }


def test_every_bucket_and_queue_refuses_whoever_comes_without_tls(stack: Synthesized) -> None:
    guarded = {}
    for kind in ("aws_s3_bucket_policy", "aws_sqs_queue_policy"):
        for path in stack.resources(kind):
            (policy,) = [item for item in stack.policies() if item.resource == path]
            (deny,) = [item for item in policy.statements if item["Effect"] == "Deny"]
            guarded[path] = deny
    queue = arn(stack, "aws_sqs_queue", f"{ORDERS}/routing/undelivered")
    expected = {
        f"{bucket}/policy": (
            "s3:*",
            [
                arn(stack, "aws_s3_bucket", f"{bucket}/bucket"),
                f"{arn(stack, 'aws_s3_bucket', f'{bucket}/bucket')}/*",
            ],
        )
        for bucket in ("landing", "lake")
    } | {f"{ORDERS}/routing/undelivered-policy": ("sqs:*", [queue])}
    assert guarded == {
        path: {
            "Sid": "DenyWithoutTls",
            "Effect": "Deny",
            "Principal": "*",
            "Action": action,
            "Resource": resources,
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
        for path, (action, resources) in expected.items()
    }


def test_dead_letter_queue_takes_messages_only_from_eventbridge_for_the_rules(
    stack: Synthesized,
) -> None:
    (policy,) = [
        item for item in stack.policies() if item.resource == f"{ORDERS}/routing/undelivered-policy"
    ]
    (allow,) = [item for item in policy.statements if item["Effect"] == "Allow"]
    assert allow == {
        "Sid": "TakeUndeliveredEventsOfTheRules",
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn(stack, "aws_sqs_queue", f"{ORDERS}/routing/undelivered"),
        "Condition": {
            "ArnEquals": {
                "aws:SourceArn": [
                    arn(stack, "aws_cloudwatch_event_rule", f"{ORDERS}/routing/{rule}")
                    for rule in ("rule", "sweep")
                ]
            }
        },
    }
