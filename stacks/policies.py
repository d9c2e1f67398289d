"""Every IAM and resource policy of the project, as data.

One function a policy, one statement a purpose, with a ``Sid`` that says it. The functions take
plain values (Terraform references are strings too) and return a policy document as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

Statement = dict[str, Any]

# What the job publishes under (glue_jobs/burst/metrics.py).
METRICS_NAMESPACE = "Burst"


def assumed_by_eventbridge(account_id: str) -> str:
    """Trust policy of a rule's role: EventBridge may assume it, only on behalf of this account.

    There is no ``aws:SourceArn`` condition: the documentation describes it for resource policies,
    not for a role that a rule assumes, and a condition that is never met would send every event
    to the dead-letter queue.
    """
    return _document(
        _assumed_by("events.amazonaws.com")
        | {"Condition": {"StringEquals": {"aws:SourceAccount": account_id}}}
    )


def assumed_by_glue() -> str:
    """Trust policy of a job's role: Glue may assume it.

    No page says that Glue sends ``aws:SourceAccount`` when it assumes the role of a job, and
    without it no run would start; only those who may pass the role can give it to a job.
    """
    return _document(_assumed_by("glue.amazonaws.com"))


def only_over_tls(bucket_arn: str) -> str:
    """Bucket policy: nobody reaches the bucket or its objects without TLS."""
    return _document(_deny_without_tls("s3:*", [bucket_arn, f"{bucket_arn}/*"]))


def notify_workflow(workflow_arn: str) -> str:
    """What EventBridge may do with the target's role: hand events to one workflow."""
    return _document(_allow("NotifyTheWorkflow", ["glue:notifyEvent"], [workflow_arn]))


def dead_letter_queue(queue_arn: str, rule_arn: str) -> str:
    """Queue policy: only EventBridge may send, only for one rule, and everyone only over TLS."""
    return _document(
        {
            "Sid": "TakeUndeliveredEventsOfTheRule",
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": queue_arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": rule_arn}},
        },
        _deny_without_tls("sqs:*", [queue_arn]),
    )


def job(
    *,
    pipeline: str,
    prefix: str,
    landing_arn: str,
    lake_arn: str,
    code_arns: Sequence[str],
    log_group_arns: Sequence[str],
) -> str:
    """What the job may do: drain its prefix of landing, write its own folders of the lake.

    Listing is allowed for the pipeline's own prefixes, and for a request that names no prefix: S3
    answers for an object that is not there with 404 only where ListBucket is allowed, else with
    403 (Amazon S3 API reference, GetObject and HeadObject). Spark asks for such objects before it
    writes, and the job must tell a version that somebody deleted from one that it may not read.
    ``cloudwatch:PutMetricData`` knows no resources (Service Authorization Reference, Amazon
    CloudWatch), so the namespaces narrow it instead: the one that Glue uses and the project's.
    """
    moved = [f"{lake_arn}/archive/{pipeline}/*", f"{lake_arn}/quarantine/{pipeline}/*"]
    curated = f"{lake_arn}/curated/{pipeline}"
    return _document(
        _allow(
            "ListWhatWaitsInLanding",
            ["s3:ListBucket", "s3:ListBucketVersions"],
            [landing_arn],
            {"StringLikeIfExists": {"s3:prefix": f"{prefix}*"}},
        ),
        _allow(
            "ReadAndSettleWhatWaitsInLanding",
            ["s3:GetObjectVersion", "s3:GetObjectVersionTagging", "s3:DeleteObjectVersion"],
            [f"{landing_arn}/{prefix}*"],
        ),
        _allow(
            "MoveFilesToArchiveAndQuarantine",
            ["s3:PutObject", "s3:PutObjectTagging", "s3:AbortMultipartUpload"],
            moved,
        ),
        _allow(
            "KeepTheLedger",
            ["s3:GetObject", "s3:PutObject"],
            [f"{lake_arn}/ledger/{pipeline}/*"],
        ),
        _allow(
            "WriteCurated",
            ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"],
            [f"{curated}/*"],
        ),
        _allow(
            # Spark's S3 file system on Glue marks the folders above its output with these objects.
            "MarkCuratedFolders",
            ["s3:PutObject"],
            [f"{curated}_$folder$", f"{lake_arn}/curated_$folder$"],
        ),
        _allow(
            "ListOwnFoldersOfTheLake",
            ["s3:ListBucket"],
            [lake_arn],
            {
                "StringLikeIfExists": {
                    "s3:prefix": [
                        f"curated/{pipeline}",
                        f"curated/{pipeline}/*",
                        f"ledger/{pipeline}/*",
                    ]
                }
            },
        ),
        _allow("ReadItsCode", ["s3:GetObject"], code_arns),
        _allow(
            "WriteItsLogs",
            ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
            [part for arn in log_group_arns for part in (arn, f"{arn}:log-stream:*")],
        ),
        _allow(
            "PublishMetrics",
            ["cloudwatch:PutMetricData"],
            ["*"],
            {"StringEquals": {"cloudwatch:namespace": ["Glue", METRICS_NAMESPACE]}},
        ),
    )


def _allow(
    sid: str, actions: Sequence[str], resources: Sequence[str], condition: Any = None
) -> Statement:
    statement = {
        "Sid": sid,
        "Effect": "Allow",
        "Action": list(actions),
        "Resource": list(resources),
    }
    return statement | ({"Condition": condition} if condition else {})


def _assumed_by(service: str) -> Statement:
    return {
        "Sid": "AssumedByTheService",
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
    }


def _deny_without_tls(actions: str, resources: Sequence[str]) -> Statement:
    return {
        "Sid": "DenyWithoutTls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": actions,
        "Resource": list(resources),
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def _document(*statements: Statement) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
