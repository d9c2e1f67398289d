"""Copies inside S3: one exact object, to a key that has nothing yet."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from burst.s3.errors import is_conflict, is_gone
from burst.s3.retry import ATTEMPTS, FIRST_WAIT_SECONDS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# CopyObject takes up to 5 GB.
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
MAX_COPY_BYTES = 5 * 1000**3
# Copying happens inside S3, so a part takes no memory here: large ones, few requests.
PART_BYTES = 256 * 1024**2
# What CopyObject keeps by itself, apart from the tags.
KEPT = (
    "Metadata",
    "ContentType",
    "CacheControl",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "Expires",
)
# What is kept is named in the request, so the newer s3transfer, which looks by itself, need not.
_NO_TAKING_OVER = {"MetadataDirective": "REPLACE", "TaggingDirective": "REPLACE"}


def copy_new(
    s3: S3Client, source: dict[str, str], bucket: str, key: str, *, etag: str, size: int
) -> None:
    """Copy the source, which must have this etag, to a key at which nothing lies.

    source: Bucket, Key and perhaps VersionId. Raises ClientError: PreconditionFailed when the
    source has another etag, or when something lies at the key.
    """
    quoted = f'"{etag}"'
    if size > MAX_COPY_BYTES:
        # s3transfer knows no condition on the target.
        if not exists(s3, bucket, key):
            _copy_in_parts(s3, source, bucket, key, quoted)
        return
    for attempt in range(ATTEMPTS):
        try:
            s3.copy_object(
                Bucket=bucket,
                Key=key,
                CopySource=source,  # type: ignore[arg-type]
                CopySourceIfMatch=quoted,
                IfNoneMatch="*",
            )
            return
        except ClientError as error:
            if not is_conflict(error) or attempt == ATTEMPTS - 1:
                raise
        time.sleep(FIRST_WAIT_SECONDS * 2**attempt)


def exists(s3: S3Client, bucket: str, key: str) -> bool:
    """Whether something lies at this key."""
    try:
        s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if not is_gone(error):
            raise
        return False
    return True


def _copy_in_parts(s3: S3Client, source: dict[str, str], bucket: str, key: str, etag: str) -> None:
    # A copy in parts is a new upload, of which S3 takes over nothing but the bytes; and the
    # s3transfer of Glue leaves it at that (https://github.com/boto/s3transfer/pull/392).
    head = s3.head_object(**source, IfMatch=etag)  # type: ignore[arg-type]
    tags = s3.get_object_tagging(**source)["TagSet"]  # type: ignore[arg-type]
    kept: dict[str, Any] = {name: head[name] for name in KEPT if name in head}  # type: ignore[literal-required]
    if tags:
        pairs = [(tag["Key"], tag["Value"]) for tag in tags]
        kept["Tagging"] = urlencode(pairs, quote_via=quote)
    # Whatever comes here goes in parts: the threshold is the smallest there is.
    parts = TransferConfig(multipart_threshold=1, multipart_chunksize=PART_BYTES, max_concurrency=4)
    s3.copy(
        source,  # type: ignore[arg-type]
        bucket,
        key,
        ExtraArgs={**_NO_TAKING_OVER, **kept, "CopySourceIfMatch": etag},
        Config=parts,
    )
