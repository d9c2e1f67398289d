"""Which permissions a call to S3 needs.

From the S3 user guide, "Required permissions for Amazon S3 API operations", and the API reference
of each operation. Only operations that roles of this project call, or may be asked about, are
here; every other one raises `UnknownOperationError`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tools.iam.decision import Request


class UnknownOperationError(Exception):
    """Nobody has looked up which permissions this operation needs."""


@dataclass(frozen=True)
class ObjectName:
    """An object, or one version of it."""

    bucket: str
    key: str
    version_id: str | None = None


@dataclass(frozen=True)
class S3Call:
    """One call of the S3 API.

    Attributes:
        operation: as the API reference names it.
        key: empty for an operation on a bucket.
        source: the object that is copied, by CopyObject and UploadPartCopy.
        source_has_tags: whether that object has tags, which a copy takes over.
        parameters: query parameters and headers by their lower-case names.
    """

    operation: str
    bucket: str
    key: str = ""
    version_id: str | None = None
    source: ObjectName | None = None
    source_has_tags: bool = False
    parameters: Mapping[str, str] = field(default_factory=dict)


# On a bucket.
_BUCKET_ACTIONS: Mapping[str, str] = {
    "CreateBucket": "s3:CreateBucket",
    "DeleteBucket": "s3:DeleteBucket",
    "DeleteBucketEncryption": "s3:PutEncryptionConfiguration",
    "DeleteBucketLifecycle": "s3:PutLifecycleConfiguration",
    "DeleteBucketOwnershipControls": "s3:PutBucketOwnershipControls",
    "DeleteBucketPolicy": "s3:DeleteBucketPolicy",
    "DeletePublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "GetBucketAccelerateConfiguration": "s3:GetAccelerateConfiguration",
    "GetBucketAcl": "s3:GetBucketAcl",
    "GetBucketCors": "s3:GetBucketCORS",
    "GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "GetBucketLocation": "s3:GetBucketLocation",
    "GetBucketLogging": "s3:GetBucketLogging",
    "GetBucketNotificationConfiguration": "s3:GetBucketNotification",
    "GetBucketOwnershipControls": "s3:GetBucketOwnershipControls",
    "GetBucketPolicy": "s3:GetBucketPolicy",
    "GetBucketReplication": "s3:GetReplicationConfiguration",
    "GetBucketRequestPayment": "s3:GetBucketRequestPayment",
    "GetBucketTagging": "s3:GetBucketTagging",
    "GetBucketVersioning": "s3:GetBucketVersioning",
    "GetBucketWebsite": "s3:GetBucketWebsite",
    "GetObjectLockConfiguration": "s3:GetBucketObjectLockConfiguration",
    "GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "HeadBucket": "s3:ListBucket",
    "ListMultipartUploads": "s3:ListBucketMultipartUploads",
    "ListObjectVersions": "s3:ListBucketVersions",
    "ListObjects": "s3:ListBucket",
    "ListObjectsV2": "s3:ListBucket",
    "PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "PutBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
    "PutBucketNotificationConfiguration": "s3:PutBucketNotification",
    "PutBucketOwnershipControls": "s3:PutBucketOwnershipControls",
    "PutBucketPolicy": "s3:PutBucketPolicy",
    "PutBucketTagging": "s3:PutBucketTagging",
    "PutBucketVersioning": "s3:PutBucketVersioning",
    "PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
}
# On an object, and on a version of it where the call names one.
_OBJECT_ACTIONS: Mapping[str, tuple[str, str | None]] = {
    "AbortMultipartUpload": ("s3:AbortMultipartUpload", None),
    "CompleteMultipartUpload": ("s3:PutObject", None),
    "CopyObject": ("s3:PutObject", None),
    "CreateMultipartUpload": ("s3:PutObject", None),
    "DeleteObject": ("s3:DeleteObject", "s3:DeleteObjectVersion"),
    "GetObject": ("s3:GetObject", "s3:GetObjectVersion"),
    "GetObjectTagging": ("s3:GetObjectTagging", "s3:GetObjectVersionTagging"),
    "HeadObject": ("s3:GetObject", "s3:GetObjectVersion"),
    "ListParts": ("s3:ListMultipartUploadParts", None),
    "PutObject": ("s3:PutObject", None),
    "PutObjectTagging": ("s3:PutObjectTagging", "s3:PutObjectVersionTagging"),
    "UploadPart": ("s3:PutObject", None),
    "UploadPartCopy": ("s3:PutObject", None),
}
# Service Authorization Reference, "Condition keys for Amazon S3".
_LISTING_KEYS = ("prefix", "delimiter", "max-keys")
_WRITING_HEADERS = (
    "x-amz-acl",
    "x-amz-copy-source",
    "x-amz-metadata-directive",
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-storage-class",
)


def needed(call: S3Call, partition: str) -> tuple[Request, ...]:
    """Every permission that the call needs.

    Raises:
        UnknownOperationError: it is not known here what the operation needs.
    """
    context = _context(call)
    if call.operation in _BUCKET_ACTIONS:
        arn = f"arn:{partition}:s3:::{call.bucket}"
        return (Request(_BUCKET_ACTIONS[call.operation], arn, context),)
    if call.operation not in _OBJECT_ACTIONS:
        raise UnknownOperationError(
            f"It is not known here which permissions the operation {call.operation} of S3 needs."
        )
    plain, of_version = _OBJECT_ACTIONS[call.operation]
    action = of_version if of_version and call.version_id else plain
    arn = f"arn:{partition}:s3:::{call.bucket}/{call.key}"
    requests = [Request(action, arn, context)]
    if call.operation == "DeleteObject" and call.version_id:
        # API reference, DeleteObject and DeleteObjects: for a version, too, "you must always have
        # the s3:DeleteObject permission".
        requests.append(Request(plain, arn, context))
    if call.parameters.get("x-amz-tagging"):
        requests.append(Request("s3:PutObjectTagging", arn, context))
    if "if-match" in call.parameters and action in ("s3:PutObject", "s3:DeleteObject"):
        # S3 user guide, "How to prevent object overwrites with conditional writes": If-Match reads
        # the object's etag, so it takes s3:GetObject as well.
        requests.append(Request("s3:GetObject", arn, context))
    if call.source is not None:
        requests += _of_the_source(call, call.source, arn, partition)
    return tuple(requests)


def may_learn_absence(bucket: str, key: str, partition: str) -> Request:
    """The permission without which S3 answers 403 for an object that is not there, and not 404.

    API reference, GetObject and HeadObject. A condition on `s3:prefix` is held against the key.
    """
    return Request("s3:ListBucket", f"arn:{partition}:s3:::{bucket}", {"s3:prefix": key})


def _of_the_source(
    call: S3Call, source: ObjectName, destination_arn: str, partition: str
) -> list[Request]:
    arn = f"arn:{partition}:s3:::{source.bucket}/{source.key}"
    version = "Version" if source.version_id else ""
    requests = [Request(f"s3:GetObject{version}", arn)]
    replaces_tags = call.parameters.get("x-amz-tagging-directive", "COPY").upper() == "REPLACE"
    if call.operation == "CopyObject" and call.source_has_tags and not replaces_tags:
        # API reference, CopyObject: a copy takes over the tags, and needs to read and write them.
        requests += [
            Request(f"s3:GetObject{version}Tagging", arn),
            Request("s3:PutObjectTagging", destination_arn),
        ]
    return requests


def _context(call: S3Call) -> dict[str, str]:
    names = _LISTING_KEYS if call.operation in _BUCKET_ACTIONS else _WRITING_HEADERS
    context = {f"s3:{name}": call.parameters[name] for name in names if name in call.parameters}
    if call.version_id:
        context["s3:VersionId"] = call.version_id
    return context
