"""What S3's errors say: a version is gone, S3 refuses it, or the error is about the whole run."""

from __future__ import annotations

from collections.abc import Mapping

from botocore.exceptions import ClientError

_ARCHIVED = (
    "It is in an archive storage class: restore it (RestoreObject), or upload it again in another"
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


# These 4xx codes are about the caller, the clock or the bucket: every other request would get them.
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
_ABOUT_THE_RUN = frozenset(
    {
        "ExpiredToken",
        "InvalidAccessKeyId",
        "InvalidToken",
        "NoSuchBucket",
        "RequestTimeTooSkewed",
        "RequestTimeout",
        "SignatureDoesNotMatch",
        "TokenRefreshRequired",
        "UnrecognizedClientException",
    }
)


def code_of(error: ClientError) -> str:
    """The code of an error, or "" where it has none."""
    return str(error.response.get("Error", {}).get("Code", ""))


def is_gone(error: ClientError) -> bool:
    """True when S3 says that this version, or this key, does not exist."""
    return code_of(error) in ("NoSuchVersion", "NoSuchKey", "404")


def refusal(error: ClientError) -> str | None:
    """Why S3 refuses this version, and what to do; None when the error is about something else."""
    answer = error.response.get("Error", {})
    reason = _REASONS.get(answer.get("Code", ""))
    if reason is None:
        return None
    return f"{reason}. S3 says {answer.get('Code')}: {answer.get('Message', '').rstrip('.')}."


def is_conflict(error: ClientError) -> bool:
    """True when another write of the same key was under way: S3 asks to try again."""
    return code_of(error) in ("ConditionalRequestConflict", "OperationAborted", "409")


def is_changed(error: ClientError) -> bool:
    """True when S3 says that the object is not the one that the request expects."""
    return code_of(error) in ("PreconditionFailed", "412")


def reason_against(error: ClientError) -> str | None:
    """Why S3 refuses to copy, tag or delete this one object; None when the error is about the run.

    Other than for reading, any refusal will do: Object Lock, a deny in a policy, a key that is too
    long, a storage class.
    """
    if reason := refusal(error):
        return reason
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
    if status >= 500 or status == 429 or is_throttled(code_of(error)):
        return None
    if code_of(error) in _ABOUT_THE_RUN:
        return None
    message = str(error.response.get("Error", {}).get("Message", "")).rstrip(".")
    return f"S3 says {code_of(error)}: {message}."


def is_throttled(code: str) -> bool:
    """True for the codes that ask to try again later."""
    return code in (
        "InternalError",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "503",
        "500",
    )
