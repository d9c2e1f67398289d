"""The policy of the environment's key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from stacks.policies.place import Place
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
LOG_ENCRYPTION = (
    "kms:Encrypt",
    "kms:Decrypt",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:DescribeKey",
)


def key(place: Place, *, producers: Sequence[str], trail: str | None) -> str:
    """Key policy: the account administers the key, and services use it for what they store.

    ``*`` as resource is the key itself (KMS developer guide, "Key policies"). The key exists
    before everything that it encrypts, so conditions name those resources by the beginning of
    their names.
    """
    statements = [*_account(place), *_events(place), *_alarms(place), *_logs(place)]
    if producers:
        statements.append(_producers(place, producers))
    if trail:
        statements.append(_trail(place, trail))
    return document(*statements)


def _account(place: Place) -> Iterator[Statement]:
    """People and roles of the account need an IAM policy as well. They use the key only by way of
    a service that stores something here, so nobody takes ciphertext to KMS directly."""
    root = {"AWS": place.arn("iam:root")}
    services = [place.service(name) for name in ("s3", "sqs", "sns", "logs")]
    yield _allow("AdministeredThroughIam", root, ADMINISTRATION)
    yield _allow(
        "UsedThroughIamByWayOfServices",
        root,
        ENVELOPE,
        {"StringEquals": {"kms:ViaService": services}},
    )
    # CloudWatch Logs also encrypts in the name of whoever gives a group its key.
    yield _allow(
        "EncryptedThroughIamByWayOfLogs",
        root,
        ("kms:Encrypt",),
        {"StringEquals": {"kms:ViaService": place.service("logs")}},
    )


def _events(place: Place) -> Iterator[Statement]:
    """EventBridge, for the encrypted queue and topic.

    The queue: Amazon SQS developer guide, "Key management", lists CloudWatch Events among the
    services that send ``aws:SourceArn``. The topic: Amazon SNS developer guide, "Key management",
    says that source conditions are not supported in this case, and with one no alert would arrive;
    so the encryption context, which holds the topic's ARN, narrows it.
    """
    eventbridge = {"Service": "events.amazonaws.com"}
    yield _allow(
        "EncryptUndeliveredEvents",
        eventbridge,
        ENVELOPE,
        {"ArnLike": {"aws:SourceArn": place.arn("events:rule/burst-{environment}-*")}},
    )
    yield _allow(
        "EncryptEventsForTheTopic",
        eventbridge,
        ENVELOPE,
        {
            "ArnLike": {
                "kms:EncryptionContext:aws:sns:topicArn": place.arn("sns:burst-{environment}-*")
            }
        },
    )


def _alarms(place: Place) -> Iterator[Statement]:
    """CloudWatch alarms, for the topic: the same page of SNS, with source conditions."""
    yield _allow(
        "EncryptAlarmsForTheTopic",
        {"Service": "cloudwatch.amazonaws.com"},
        ENVELOPE,
        {
            "StringEquals": {"aws:SourceAccount": place.account_id},
            "ArnLike": {"aws:SourceArn": place.arn("cloudwatch:alarm:burst-{environment}-*")},
        },
    )


def _logs(place: Place) -> Iterator[Statement]:
    """CloudWatch Logs: its user guide, "Encrypt log data in CloudWatch Logs using AWS KMS"."""
    groups = place.arn("logs:log-group:/burst/{environment}/*")
    yield _allow(
        "EncryptLogs",
        {"Service": place.service("logs")},
        LOG_ENCRYPTION,
        {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}},
    )


def _producers(place: Place, producers: Sequence[str]) -> Statement:
    """Producers, for landing (Amazon S3 user guide, "Multipart upload API and permissions").

    The encryption context is the bucket (or the object, for an upload without a bucket key), so
    the key opens nothing of the lake to them.
    """
    return _allow(
        "EncryptFilesOfProducers",
        {"AWS": sorted(set(producers))},
        ENVELOPE,
        {
            "StringEquals": {"kms:ViaService": place.service("s3")},
            "ArnLike": {
                "kms:EncryptionContext:aws:s3:arn": place.arn("s3:burst-{environment}-landing-*")
            },
        },
    )


def _trail(place: Place, trail: str) -> Statement:
    """CloudTrail user guide, "Configure AWS KMS key policies for CloudTrail".

    ``kms:Decrypt`` is for a bucket with a bucket key.
    """
    return _allow(
        "EncryptFilesOfTheTrail",
        {"Service": "cloudtrail.amazonaws.com"},
        (*ENVELOPE, "kms:DescribeKey"),
        {"StringEquals": {"aws:SourceArn": place.arn(f"cloudtrail:trail/{trail}")}},
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
