"""What a resource is to a reader: which part of the design, of which pipeline, under which name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from tools.review.plan import ResourceChange


class Part(StrEnum):
    """The parts of the design, in the order of the data's way."""

    LANDING = "landing"
    LAKE = "lake"
    JOB = "job"
    WORKFLOW = "workflow"
    ROUTING = "routing"
    CATALOG = "catalog"
    ALERTS = "alerts"
    ENCRYPTION = "encryption"
    STATE = "state"
    CI_ROLES = "CI roles"
    OTHER = "other"


# The constructs' ids in `stacks`, of which cdktf makes the resources' names.
CONSTRUCTS: Mapping[str, Part] = {
    "landing": Part.LANDING,
    "lake": Part.LAKE,
    "code": Part.JOB,
    "job": Part.JOB,
    "workflow": Part.WORKFLOW,
    "routing": Part.ROUTING,
    "sweep": Part.ROUTING,
    "trail": Part.ROUTING,
    "catalog": Part.CATALOG,
    "alerts": Part.ALERTS,
    "encryption": Part.ENCRYPTION,
    "key": Part.ENCRYPTION,
    "state": Part.STATE,
    "github": Part.CI_ROLES,
    "boundary": Part.CI_ROLES,
    "read": Part.CI_ROLES,
    "change": Part.CI_ROLES,
    "plan-read": Part.CI_ROLES,
    "plan-role": Part.CI_ROLES,
    "deploy-change": Part.CI_ROLES,
    "deploy-read": Part.CI_ROLES,
    "deploy-role": Part.CI_ROLES,
    "deploy-roles": Part.CI_ROLES,
}
# For resources whose name does not say it.
TYPES: Mapping[str, Part] = {
    "aws_glue_catalog_": Part.CATALOG,
    "aws_glue_job": Part.JOB,
    "aws_glue_workflow": Part.WORKFLOW,
    "aws_glue_trigger": Part.WORKFLOW,
    "aws_cloudwatch_event_": Part.ROUTING,
    "aws_sqs_": Part.ROUTING,
    "aws_cloudwatch_dashboard": Part.ALERTS,
    "aws_cloudwatch_metric_alarm": Part.ALERTS,
    "aws_sns_": Part.ALERTS,
    "aws_kms_": Part.ENCRYPTION,
    "aws_iam_openid_connect_provider": Part.CI_ROLES,
}
NOUNS: Mapping[str, str] = {
    "aws_cloudtrail": "trail",
    "aws_cloudwatch_dashboard": "dashboard",
    "aws_cloudwatch_event_rule": "rule",
    "aws_cloudwatch_event_target": "target",
    "aws_cloudwatch_log_group": "log group",
    "aws_cloudwatch_metric_alarm": "alarm",
    "aws_glue_catalog_database": "catalog database",
    "aws_glue_catalog_table": "catalog table",
    "aws_glue_job": "job",
    "aws_glue_security_configuration": "security configuration",
    "aws_glue_trigger": "trigger",
    "aws_glue_workflow": "workflow",
    "aws_iam_openid_connect_provider": "identity provider",
    "aws_iam_policy": "managed policy",
    "aws_iam_role": "role",
    "aws_iam_role_policy": "role policy",
    "aws_iam_role_policy_attachment": "policy attachment",
    "aws_kms_alias": "key alias",
    "aws_kms_key": "KMS key",
    "aws_s3_bucket": "bucket",
    "aws_s3_bucket_lifecycle_configuration": "lifecycle rules",
    "aws_s3_bucket_notification": "notification",
    "aws_s3_bucket_ownership_controls": "ownership controls",
    "aws_s3_bucket_policy": "bucket policy",
    "aws_s3_bucket_public_access_block": "public access block",
    "aws_s3_bucket_server_side_encryption_configuration": "encryption",
    "aws_s3_bucket_versioning": "versioning",
    "aws_s3_object": "object",
    "aws_sns_topic": "topic",
    "aws_sns_topic_policy": "topic policy",
    "aws_sns_topic_subscription": "subscription",
    "aws_sqs_queue": "queue",
    "aws_sqs_queue_policy": "queue policy",
}
NAMES = ("bucket", "name", "key", "alarm_name", "rule", "policy_arn", "queue_url", "url", "arn")
PIPELINE = "pipeline-"


@dataclass(frozen=True)
class Subject:
    """A resource as a reader calls it.

    Attributes:
        noun: what it is, like "bucket", in words of ours.
        title: the same with whose it is, like "landing bucket" or "log group of pipeline orders":
            words of ours and a pipeline's name, which is letters, digits and hyphens.
        name: its name in AWS, or None where it is not known yet.
    """

    part: Part
    pipeline: str | None
    noun: str
    title: str
    name: str | None
    address: str


def subject_of(change: ResourceChange) -> Subject:
    """What a resource is, from its type, its name in Terraform and its attributes."""
    # cdktf writes the constructs' ids with "_" between them and a hash at the end.
    words = re.sub(r"_[0-9A-F]{8}$", "", change.name).split("_")
    pipeline = None
    if words[0].startswith(PIPELINE) and re.fullmatch(r"[a-z0-9-]+", words[0]):
        pipeline = words.pop(0).removeprefix(PIPELINE)
    part = CONSTRUCTS.get(words[0]) if words else None
    if part is None:
        part = next((p for kind, p in TYPES.items() if change.type.startswith(kind)), Part.OTHER)
    noun = _noun(change)
    return Subject(
        part, pipeline, noun, _title(noun, part, pipeline), _name(change), change.address
    )


def _noun(change: ResourceChange) -> str:
    if change.type == "aws_sqs_queue" and "undelivered" in change.name:
        return "dead-letter queue"
    if change.type.startswith("aws_cloudwatch_event_") and "sweep" in change.name:
        return f"sweep {NOUNS.get(change.type, 'event')}"
    known = re.sub(r"[^a-z0-9]+", " ", change.type.removeprefix("aws_")).strip()
    return NOUNS.get(change.type, known)


def _title(noun: str, part: Part, pipeline: str | None) -> str:
    if pipeline:
        return f"{noun} of pipeline {pipeline}"
    if part in (Part.LANDING, Part.LAKE, Part.STATE):
        return f"{part} {noun}"
    return noun


def _name(change: ResourceChange) -> str | None:
    for name in NAMES:
        value = change.known.get(name)
        if isinstance(value, str) and value:
            return value.rsplit("/", 1)[-1] if name in ("queue_url", "url") else value
    return None
