"""Writes that succeed only where an object is still as the writer knows it.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from burst.s3.errors import is_changed, is_conflict, is_gone
from burst.s3.retry import ATTEMPTS, FIRST_WAIT_SECONDS, repeated

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class Stored:
    """The bytes of a small object and the etag that proves them."""

    body: bytes
    etag: str


class ChangedError(Exception):
    """The object is not as the writer knew it. found: what is there now, None where nothing is."""

    def __init__(self, key: str, found: Stored | None) -> None:
        super().__init__(f"{key} was changed by somebody else")
        self.found = found


def read_stored(s3: S3Client, bucket: str, key: str) -> Stored | None:
    """The object, or None where there is none; raises what GetObject raises."""

    def read() -> Stored:
        answer = s3.get_object(Bucket=bucket, Key=key)
        return Stored(answer["Body"].read(), answer["ETag"])

    try:
        return repeated(read)
    except ClientError as error:
        if not is_gone(error):
            raise
        return None


def write_if(s3: S3Client, bucket: str, key: str, body: bytes, *, replaces: str | None) -> str:
    """Write a small object and return its etag.

    replaces: the etag of what is to be replaced; None where nothing must be there yet. A write that
    S3 carried out, and whose answer was lost, is refused when botocore repeats it. So a refusal
    counts only where other bytes are found: then ChangedError is raised.
    """
    condition: dict[str, Any] = {"IfMatch": replaces} if replaces else {"IfNoneMatch": "*"}
    for attempt in range(ATTEMPTS):
        try:
            return s3.put_object(
                Bucket=bucket, Key=key, Body=body, ContentType="application/json", **condition
            )["ETag"]
        except ClientError as error:
            if not (is_conflict(error) or is_changed(error) or is_gone(error)):
                raise
            found = read_stored(s3, bucket, key)
            if found and found.body == body:
                return found.etag
            if (found.etag if found else None) != replaces:
                raise ChangedError(key, found) from error
            if attempt == ATTEMPTS - 1:
                raise
        time.sleep(FIRST_WAIT_SECONDS * 2**attempt)
    raise AssertionError("the last attempt returns or raises")
