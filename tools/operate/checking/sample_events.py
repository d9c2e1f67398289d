"""Events as AWS puts them on the bus, to ask EventBridge what a pattern makes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from tools.operate.checking.facts import Place, is_about_cloudtrail


def sample_event(place: Place, pattern: str, bucket: str, key: str) -> dict[str, Any]:
    """What arrives on the bus for an upload: S3's own event, or CloudTrail's where the rule listens
    to that (Amazon S3 user guide, "EventBridge event message structure"; EventBridge events
    reference, "Amazon S3 events")."""
    if is_about_cloudtrail(pattern):
        return event(
            place,
            "aws.s3",
            "AWS API Call via CloudTrail",
            {
                "eventSource": "s3.amazonaws.com",
                "eventName": "CompleteMultipartUpload",
                "requestParameters": {"bucketName": bucket, "key": key},
            },
        )
    detail = {
        "version": "0",
        "bucket": {"name": bucket},
        "object": {"key": key, "size": 1, "etag": "0", "version-id": "0", "sequencer": "0"},
        "reason": "CompleteMultipartUpload",
    }
    return event(place, "aws.s3", "Object Created", detail, [place.bucket_arn(bucket)])


def event(
    place: Place,
    source: str,
    detail_type: str,
    detail: Mapping[str, Any],
    resources: Sequence[str] = (),
) -> dict[str, Any]:
    """An event as EventBridge describes it; TestEventPattern asks for each of these fields."""
    return {
        "version": "0",
        "id": "00000000-0000-0000-0000-000000000000",
        "account": place.account_id,
        "source": source,
        "time": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "region": place.region,
        "resources": list(resources),
        "detail-type": detail_type,
        "detail": detail,
    }


def failed_run(place: Place, job: str) -> dict[str, Any]:
    """A run that failed (Glue developer guide, "Automating AWS Glue with EventBridge")."""
    detail = {
        "jobName": job,
        "severity": "ERROR",
        "state": "FAILED",
        "jobRunId": "jr",
        "message": "",
    }
    return event(place, "aws.glue", "Glue Job State Change", detail)
