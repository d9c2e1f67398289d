"""How a pipeline's new files look on the event bus: the patterns of its rule.

They hold documented operators only (EventBridge user guide, "Comparison operators for use in
event patterns"). Size is no criterion: an empty file is a file. Prefix and suffix together are one
``wildcard``, because the entries of a list in a pattern are alternatives.
"""

from __future__ import annotations

from typing import Any

# The calls that end with a new object (Amazon S3 user guide, "EventBridge event message structure",
# `reason`), as CloudTrail names them ("Amazon S3 CloudTrail events"). PostObject is a browser's
# form. UploadPart and UploadPartCopy make parts only; CompleteMultipartUpload makes the object.
CALLS_THAT_MAKE_OBJECTS = ("CompleteMultipartUpload", "CopyObject", "PostObject", "PutObject")

EventPattern = dict[str, Any]


def object_created(bucket: str, prefix: str, suffix: str | None) -> EventPattern:
    """The pattern of S3's own events (Amazon S3 user guide, "Using EventBridge")."""
    return {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": [bucket]}, "object": {"key": [_key(prefix, suffix)]}},
    }


def api_call_via_cloudtrail(bucket: str, prefix: str, suffix: str | None) -> EventPattern:
    """The pattern of CloudTrail's events (EventBridge events reference, "Amazon S3 events").

    A call that S3 refused is logged as well and has an ``errorCode``.
    """
    return {
        "source": ["aws.s3"],
        "detail-type": ["AWS API Call via CloudTrail"],
        "detail": {
            "eventSource": ["s3.amazonaws.com"],
            "eventName": list(CALLS_THAT_MAKE_OBJECTS),
            "errorCode": [{"exists": False}],
            "requestParameters": {"bucketName": [bucket], "key": [_key(prefix, suffix)]},
        },
    }


def _key(prefix: str, suffix: str | None) -> dict[str, str]:
    return {"prefix": prefix} if suffix is None else {"wildcard": f"{prefix}*{suffix}"}
