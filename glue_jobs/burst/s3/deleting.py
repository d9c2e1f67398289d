"""Deleting many objects, with an answer for each of them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from burst.s3.errors import is_gone, is_throttled, reason_against
from burst.s3.retry import ATTEMPTS, FIRST_WAIT_SECONDS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

# https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
MAX_DELETE_KEYS = 1000

# Key and version id; None for the newest version, which then gets a delete marker.
Name = tuple[str, str | None]


def delete(s3: S3Client, bucket: str, names: Sequence[Name]) -> dict[Name, str]:
    """Delete these objects; returns why S3 refuses those that it does not delete.

    Raises ClientError when the error is about the run and not about an object.
    """
    refused: dict[Name, str] = {}
    # The body of DeleteObjects is XML, which has no way to write control characters.
    plain = [name for name in names if name[0].isprintable()]
    for start in range(0, len(plain), MAX_DELETE_KEYS):
        refused |= _delete_group(s3, bucket, plain[start : start + MAX_DELETE_KEYS])
    for key, version in names:
        if not key.isprintable():
            refused |= _delete_one(s3, bucket, key, version)
    return refused


def _delete_group(s3: S3Client, bucket: str, names: Sequence[Name]) -> dict[Name, str]:
    refused: dict[Name, str] = {}
    left = list(names)
    for attempt in range(ATTEMPTS):
        objects: list[ObjectIdentifierTypeDef] = [_identifier(*name) for name in left]
        try:
            answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
        except ClientError as error:
            reason = reason_against(error)
            if reason is None:
                raise
            return refused | dict.fromkeys(left, reason)
        left = []
        for item in answer.get("Errors", []):
            name = (item.get("Key", ""), item.get("VersionId"))
            code = item.get("Code", "")
            if is_throttled(code) and attempt < ATTEMPTS - 1:
                left.append(name)
            elif code not in ("NoSuchVersion", "NoSuchKey"):
                refused[name] = f"S3 says {code}: {item.get('Message', '').rstrip('.')}."
        if not left:
            break
        time.sleep(FIRST_WAIT_SECONDS * 2**attempt)
    return refused


def _delete_one(s3: S3Client, bucket: str, key: str, version: str | None) -> dict[Name, str]:
    try:
        if version is None:
            s3.delete_object(Bucket=bucket, Key=key)
        else:
            s3.delete_object(Bucket=bucket, Key=key, VersionId=version)
    except ClientError as error:
        if is_gone(error):
            return {}
        reason = reason_against(error)
        if reason is None:
            raise
        return {(key, version): reason}
    return {}


def _identifier(key: str, version: str | None) -> ObjectIdentifierTypeDef:
    return {"Key": key} if version is None else {"Key": key, "VersionId": version}
