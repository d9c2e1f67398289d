"""What AWS refuses, and what goes wrong on the way to it, as sentences that say what to do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    CredentialRetrievalError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    TokenRetrievalError,
)
from burst.errors import BurstError
from urllib3.exceptions import HTTPError

from tools.operate.deployment import LEAVE_SANDBOX
from tools.operate.errors import InputError, OperateError

T = TypeVar("T")

_DENIED = {
    "AccessDenied",
    "AccessDeniedException",
    "403",
    "AuthorizationError",
    "UnauthorizedOperation",
    "Forbidden",
}
_EXPIRED = {
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
    "TokenRefreshRequired",
}
_THROTTLED = {"Throttling", "ThrottlingException", "SlowDown", "RequestLimitExceeded", "503"}
_MISSING = {
    "NoSuchBucket",
    "EntityNotFoundException",
    "ResourceNotFoundException",
    "AWS.SimpleQueueService.NonExistentQueue",
    "QueueDoesNotExist",
}
# Operations whose permission has another name (Service Authorization Reference, Amazon S3: "s3:
# ListBucketVersions ... ListObjectVersions"; Amazon SQS: batches count as their single action).
_ACTIONS = {
    "ListObjectsV2": "s3:ListBucket",
    "ListObjectVersions": "s3:ListBucketVersions",
    "HeadObject": "s3:GetObject",
    "HeadBucket": "s3:ListBucket",
    "GetBucketNotificationConfiguration": "s3:GetBucketNotification",
    "GetBucketVersioning": "s3:GetBucketVersioning",
    "CreateMultipartUpload": "s3:PutObject",
    "UploadPart": "s3:PutObject",
    "UploadPartCopy": "s3:PutObject (and s3:GetObject on the file in the lake)",
    "CompleteMultipartUpload": "s3:PutObject",
    "DeleteObjects": "s3:DeleteObject",
    "DeleteMessageBatch": "sqs:DeleteMessage",
    "ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
}
_SERVICES = {
    "Queue": "sqs",
    "Message": "sqs",
    "Rule": "events",
    "Target": "events",
    "Log": "logs",
    "EventPattern": "events",
    "Topic": "sns",
    "ubscri": "sns",
    "Alarms": "cloudwatch",
    "Metric": "cloudwatch",
    "Role": "iam",
    "PrincipalPolicy": "iam",
    "KeyPolicy": "kms",
}
_NAMED = re.compile(r"not authorized to perform:? ([a-z0-9-]+:[A-Za-z]+)")
_NO_CREDENTIALS = (
    NoCredentialsError,
    PartialCredentialsError,
    CredentialRetrievalError,
    TokenRetrievalError,
)
_WHERE_CREDENTIALS = (
    "Set AWS_PROFILE or the variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or sign in "
    "(`aws sso login`); for the sandbox, run the line that `burst sandbox` prints."
)


@dataclass(frozen=True)
class Unavailable:
    """A part of an answer that AWS did not give, and why."""

    reason: str


def known_or_why(read: Callable[[], T]) -> T | Unavailable:
    """What ``read`` returns, or why AWS refuses just this part: the others can still be shown.

    What concerns every call (no credentials, no network) is raised as `OperateError`.
    """
    try:
        return read()
    except ClientError as error:
        if _code(error) in _EXPIRED:
            raise InputError(sentence(error)) from error
        return Unavailable(sentence(error))


@contextmanager
def explained() -> Iterator[None]:
    """Turn what boto3 raises into an `OperateError` with one sentence."""
    try:
        yield
    except (*_NO_CREDENTIALS, ProfileNotFound) as error:
        raise InputError(sentence(error)) from error
    except ClientError as error:
        kind = InputError if _code(error) in _EXPIRED else OperateError
        raise kind(sentence(error)) from error
    except (BotoCoreError, HTTPClientError, HTTPError) as error:
        raise OperateError(sentence(error)) from error
    except BurstError as error:
        raise OperateError(str(error)) from error


def sentence(error: Exception) -> str:
    """The error as a sentence that says what to do."""
    if isinstance(error, ClientError):
        return _refusal(error)
    if isinstance(error, _NO_CREDENTIALS):
        return f"There are no AWS credentials ({_first_line(error)}). {_WHERE_CREDENTIALS}"
    if isinstance(error, ProfileNotFound):
        return f"{_first_line(error)} Set AWS_PROFILE to one that is in ~/.aws/config."
    if isinstance(error, EndpointConnectionError | ConnectionError | HTTPClientError):
        return (
            f"AWS cannot be reached: {_first_line(error)} Look at the network, at AWS_ENDPOINT_URL "
            "and --endpoint-url; an endpoint of the sandbox is gone once the "
            f"sandbox ends (`{LEAVE_SANDBOX}` gives its shell back)."
        )
    return f"A call to AWS failed: {_first_line(error)}"


def _refusal(error: ClientError) -> str:
    code, said = _code(error), _message(error)
    if code in _DENIED:
        return (
            f"Access denied: these credentials lack the permission {_action(error)}. "
            f"AWS said: {said}"
        )
    if code in _EXPIRED:
        return f"AWS does not accept these credentials ({code}). {_WHERE_CREDENTIALS}"
    if code in _THROTTLED:
        return f"AWS still asks to slow down after several attempts ({code}): try again later."
    if code in _MISSING:
        return (
            f"What the outputs name is not there ({error.operation_name}: {code}, {said}). Either "
            "it was destroyed, or these credentials belong to another account: look at "
            "`aws sts get-caller-identity` and AWS_PROFILE."
        )
    return f"AWS refused {error.operation_name}: {code}: {said}"


def _action(error: ClientError) -> str:
    """The IAM action that is missing: AWS often names it, else it follows from the operation."""
    named = _NAMED.search(_message(error))
    if named:
        return named[1]
    operation = error.operation_name
    if operation in _ACTIONS:
        return _ACTIONS[operation]
    if operation.endswith(("Object", "Part", "Upload", "Bucket", "Objects", "Parts")):
        return f"s3:{operation}"
    service = next((name for part, name in _SERVICES.items() if part in operation), "glue")
    return f"{service}:{operation}"


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _message(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Message", "")).strip() or "nothing more"


def _first_line(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return (text[0] if text else type(error).__name__).rstrip(".") + "."
