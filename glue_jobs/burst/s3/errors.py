"""What S3's errors say about one version: it is gone, or S3 does not hand it out.

Every other error is about the run: SlowDown, InternalError, ExpiredToken, NoSuchBucket ...
"""

from __future__ import annotations

from collections.abc import Mapping

from botocore.exceptions import ClientError

_ARCHIVED = (
    "It lies in an archive storage class: restore it (RestoreObject), or upload it again in another"
)
_KMS_KEY = "The KMS key that encrypts it cannot be used: enable the key, or upload the file again"
_REASONS: Mapping[str, str] = {
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html, "Errors"
    "InvalidObjectState": _ARCHIVED,
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html, "Errors"
    "ObjectNotInActiveTierError": _ARCHIVED,
    # Of a GET that asks for nothing but a version, S3 says so where the object needs the
    # producer's own key (SSE-C): "The object was stored using a form of Server Side Encryption.
    # The correct parameters must be provided to retrieve the object."
    "InvalidRequest": (
        "Probably it is encrypted with a key that only the producer has (SSE-C): upload it without"
    ),
    # S3 does not tell a role that may not read the object from one that may not use its KMS key
    # (https://github.com/boto/boto3/issues/2952).
    "AccessDenied": (
        "The job's role may not read it, or may not use the KMS key that encrypts it: allow "
        "kms:Decrypt on that key, or upload the file with the bucket's own encryption"
    ),
    # What KMS answers comes with its name in front.
    "KMS.DisabledException": _KMS_KEY,
    "KMS.KMSInvalidStateException": _KMS_KEY,
    "KMS.NotFoundException": _KMS_KEY,
}


def is_gone(error: ClientError) -> bool:
    """True when S3 says that this version, or this key, does not exist."""
    return error.response.get("Error", {}).get("Code") in ("NoSuchVersion", "NoSuchKey", "404")


def refusal(error: ClientError) -> str | None:
    """Why S3 does not hand out this version, and what to do; None when the error says otherwise."""
    answer = error.response.get("Error", {})
    reason = _REASONS.get(answer.get("Code", ""))
    if reason is None:
        return None
    return f"{reason}. S3 says {answer.get('Code')}: {answer.get('Message', '').rstrip('.')}."
