"""The policy of the environment's key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stacks.policies.statement import Statement, document

# What an administrator does with a key (Service Authorization Reference, AWS KMS): without the
# cryptographic operations, and without what only other kinds of keys need.
ADMINISTRATION = (
    "kms:CancelKeyDeletion",
    "kms:CreateAlias",
    "kms:DeleteAlias",
    "kms:DescribeKey",
    "kms:DisableKey",
    "kms:DisableKeyRotation",
    "kms:EnableKey",
    "kms:EnableKeyRotation",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListGrants",
    "kms:ListKeyPolicies",
    "kms:ListKeyRotations",
    "kms:ListResourceTags",
    "kms:PutKeyPolicy",
    "kms:RevokeGrant",
    "kms:RotateKeyOnDemand",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateAlias",
    "kms:UpdateKeyDescription",
)
ENVELOPE = ("kms:Decrypt", "kms:GenerateDataKey")


def key(
    *,
    environment: str,
    region: str,
    account_id: str,
    partition: str,
    services_suffix: str,
    producers: Sequence[str],
    trail: str | None,
) -> str:
    """Key policy: the account administers the key, and services use it for what they store.

    ``*`` as resource is the key itself (KMS developer guide, "Key policies"). People and roles of
    the account need an IAM policy as well, and use the key only by way of a service that stores
    something here, so nobody takes ciphertext to KMS directly.

    The key exists before everything that it encrypts, so conditions name those by the beginning
    of their names. Where AWS says what each service needs:

    - EventBridge and an encrypted queue: Amazon SQS developer guide, "Key management", which lists
      CloudWatch Events among the services that send ``aws:SourceArn``.
    - EventBridge and an encrypted topic: Amazon SNS developer guide, "Key management". It says that
      source conditions are not supported in this case, and with one no alert would arrive; so the
      encryption context, which holds the topic's ARN, narrows it.
    - CloudWatch alarms and an encrypted topic: the same page, with source conditions.
    - CloudWatch Logs: its user guide, "Encrypt log data in CloudWatch Logs using AWS KMS".
    - Producers and an encrypted landing bucket: Amazon S3 user guide, "Multipart upload API and
      permissions". The encryption context is the bucket (or the object, for an upload without a
      bucket key), so the key opens nothing of the lake to them.
    - CloudTrail, where there is a trail: its user guide, "Configure AWS KMS key policies for
      CloudTrail"; ``kms:Decrypt`` is for a bucket with a bucket key.
    """

    def arns(service: str, names: str) -> str:
        return f"arn:{partition}:{service}:{region}:{account_id}:{names}"

    via = [f"{service}.{region}.{services_suffix}" for service in ("s3", "sqs", "sns", "logs")]
    root = {"AWS": f"arn:{partition}:iam::{account_id}:root"}
    mine = f"burst-{environment}-*"
    this_account = {"aws:SourceAccount": account_id}
    optional = []
    if producers:
        optional.append(
            _allow(
                "EncryptFilesOfProducers",
                {"AWS": sorted(set(producers))},
                ENVELOPE,
                {
                    "StringEquals": {"kms:ViaService": f"s3.{region}.{services_suffix}"},
                    "ArnLike": {
                        "kms:EncryptionContext:aws:s3:arn": f"arn:{partition}:s3:::"
                        f"burst-{environment}-landing-*"
                    },
                },
            )
        )
    if trail:
        optional.append(
            _allow(
                "EncryptFilesOfTheTrail",
                {"Service": "cloudtrail.amazonaws.com"},
                (*ENVELOPE, "kms:DescribeKey"),
                {"StringEquals": {"aws:SourceArn": arns("cloudtrail", f"trail/{trail}")}},
            )
        )
    return document(
        _allow("AdministeredThroughIam", root, ADMINISTRATION),
        _allow(
            "UsedThroughIamByWayOfServices",
            root,
            ENVELOPE,
            {"StringEquals": {"kms:ViaService": via}},
        ),
        _allow(
            "EncryptUndeliveredEvents",
            {"Service": "events.amazonaws.com"},
            ENVELOPE,
            {"ArnLike": {"aws:SourceArn": arns("events", f"rule/{mine}")}},
        ),
        _allow(
            "EncryptEventsForTheTopic",
            {"Service": "events.amazonaws.com"},
            ENVELOPE,
            {"ArnLike": {"kms:EncryptionContext:aws:sns:topicArn": arns("sns", mine)}},
        ),
        _allow(
            "EncryptAlarmsForTheTopic",
            {"Service": "cloudwatch.amazonaws.com"},
            ENVELOPE,
            {
                "StringEquals": this_account,
                "ArnLike": {"aws:SourceArn": arns("cloudwatch", f"alarm:{mine}")},
            },
        ),
        _allow(
            "EncryptLogs",
            {"Service": f"logs.{region}.{services_suffix}"},
            (
                "kms:Encrypt",
                "kms:Decrypt",
                "kms:ReEncryptFrom",
                "kms:ReEncryptTo",
                "kms:GenerateDataKey",
                "kms:GenerateDataKeyWithoutPlaintext",
                "kms:DescribeKey",
            ),
            {
                "ArnLike": {
                    "kms:EncryptionContext:aws:logs:arn": arns(
                        "logs", f"log-group:/burst/{environment}/*"
                    )
                }
            },
        ),
        *optional,
    )


def _allow(
    sid: str,
    principal: Mapping[str, str | Sequence[str]],
    actions: Sequence[str],
    condition: Any = None,
) -> Statement:
    statement = {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": principal,
        "Action": list(actions),
        "Resource": "*",
    }
    return statement | ({"Condition": condition} if condition else {})
