"""The landing bucket: which versions are outstanding, and how a version leaves."""

from __future__ import annotations

import glob
import json
import shlex
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from burst.batch import InputFile
from burst.contract import REASON_SUFFIX
from burst.errors import LandingError, SettleError
from burst.ledger import FileResult, ResultRecord
from burst.s3 import is_gone, refusal

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

# Facts of the S3 API: CopyObject takes up to 5 GB, DeleteObjects up to 1,000 keys.
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
MAX_COPY_BYTES = 5 * 1000**3
MAX_DELETE_KEYS = 1000
COPY_THREADS = 16
# Copying happens inside S3, so a part takes no memory here: large ones, few requests.
PART_BYTES = 256 * 1024**2
# What CopyObject takes over by itself, besides the tags.
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


@dataclass(frozen=True)
class Listing:
    """One look at landing: the outstanding versions, and how many delete markers lie there.

    A delete marker is no input: it has no bytes, and the versions beneath it are still read.
    """

    files: tuple[InputFile, ...]
    delete_markers: int


@dataclass(frozen=True)
class Landing:
    """The part of the landing bucket under a pipeline's prefix and suffix ("" is any).

    With a suffix, folder markers (`orders/2025/`) do not belong to it: no event tells of them, and
    they stay where whoever made them wants to see them.
    """

    s3: S3Client
    bucket: str
    prefix: str
    suffix: str

    def must_be_versioned(self) -> None:
        """Raise LandingError unless every upload is a version of its own.

        Without versions a file that is overwritten while a run reads its key would be deleted
        unread: the batch protocol lists, reads and deletes by version id.
        """
        answer = self.s3.get_bucket_versioning(Bucket=self.bucket)
        status = answer.get("Status", "never enabled")
        if status != "Enabled":
            raise LandingError(
                f"Versioning of the landing bucket {self.bucket} is not Enabled (it is {status}), "
                "so a file that is overwritten while a run reads it would be lost. Enable it "
                f"(aws s3api put-bucket-versioning --bucket {self.bucket} "
                "--versioning-configuration Status=Enabled) and start the job again. Nothing was "
                "read or moved."
            )

    def list_outstanding(self) -> Listing:
        """Every version that is still there, also several of one key."""
        files: list[InputFile] = []
        markers = 0
        pages = self.s3.get_paginator("list_object_versions").paginate(
            Bucket=self.bucket, Prefix=self.prefix
        )
        for page in pages:
            files += [
                InputFile(
                    key=version["Key"],
                    version_id=version["VersionId"],
                    etag=version["ETag"].strip('"'),
                    size=version["Size"],
                    last_modified=version["LastModified"],
                )
                for version in page.get("Versions", [])
                if version["Key"].endswith(self.suffix)
            ]
            markers += len(page.get("DeleteMarkers", []))
        return Listing(tuple(files), markers)

    def settle(self, result: ResultRecord, *, lake_bucket: str, now: datetime) -> tuple[str, ...]:
        """Move every file of the batch to its destination: copy all, then delete all.

        May be repeated: a version which is gone but has arrived is settled. Returns the
        destinations of versions which are gone and have not arrived, because someone else
        deleted them. Raises SettleError when S3 refuses to delete.
        """
        files = [file for file in result.files if file.destination is not None]
        with ThreadPoolExecutor(COPY_THREADS) as threads:
            copied = list(
                threads.map(lambda file: self._copy(file, result, lake_bucket, now), files)
            )
        present = [file for file, here in zip(files, copied, strict=True) if here]
        self._delete(present)
        vanished = [file for file, here in zip(files, copied, strict=True) if not here]
        return tuple(
            file.destination
            for file in vanished
            if file.destination and not self._exists(lake_bucket, file.destination)
        )

    def _copy(
        self, file: FileResult, result: ResultRecord, lake_bucket: str, now: datetime
    ) -> bool:
        """Copy one version to its destination; False when the version is not there any more."""
        destination = file.destination or ""
        source = {"Bucket": self.bucket, "Key": file.key, "VersionId": file.version_id}
        try:
            if file.size > MAX_COPY_BYTES:
                self._copy_in_parts(source, lake_bucket, destination)
            else:
                self.s3.copy_object(Bucket=lake_bucket, Key=destination, CopySource=source)  # type: ignore[arg-type]
        except ClientError as error:
            if is_gone(error):
                return False
            if refusal(error):
                raise SettleError(
                    f"{file.key!r} ({file.version_id}) was read but cannot be copied from "
                    f"{self.bucket} to {lake_bucket}/{destination}: {error}. Its batch "
                    f"{result.origin.batch} is committed; correct the cause, and the next run "
                    "settles it."
                ) from error
            raise
        if file.outcome == "quarantined":
            self.s3.put_object(
                Bucket=lake_bucket,
                Key=destination + REASON_SUFFIX,
                Body=self._reason(file, result, now),
                ContentType="application/json",
            )
        return True

    def _copy_in_parts(self, source: dict[str, str], bucket: str, key: str) -> None:
        # A copy in parts is a new upload, of which S3 takes over nothing but the bytes; and the
        # s3transfer of Glue leaves it at that (https://github.com/boto/s3transfer/pull/392).
        head = self.s3.head_object(**source)  # type: ignore[arg-type]
        tags = self.s3.get_object_tagging(**source)["TagSet"]  # type: ignore[arg-type]
        kept: dict[str, Any] = {name: head[name] for name in KEPT if name in head}  # type: ignore[literal-required]
        if tags:
            pairs = [(tag["Key"], tag["Value"]) for tag in tags]
            kept["Tagging"] = urlencode(pairs, quote_via=quote)
        # Whatever comes here goes in parts: the threshold is the smallest there is.
        parts = TransferConfig(
            multipart_threshold=1, multipart_chunksize=PART_BYTES, max_concurrency=4
        )
        self.s3.copy(source, bucket, key, ExtraArgs={**_NO_TAKING_OVER, **kept}, Config=parts)  # type: ignore[arg-type]

    def _reason(self, file: FileResult, result: ResultRecord, now: datetime) -> bytes:
        origin = result.origin
        fields = {
            "key": file.key,
            "version_id": file.version_id,
            "size": file.size,
            "reason": file.reason,
            "environment": origin.environment,
            "pipeline": origin.pipeline,
            "batch": origin.batch,
            "job_run_id": origin.job_run_id,
            "at": now.isoformat(),
            # A key is a pattern there, and a word of the shell.
            "replay": (
                "Correct the pipeline's columns, or the file (then add --with FILE): pipenv run "
                f"burst replay {origin.environment} {origin.pipeline} --quarantine "
                f"--batch {origin.batch} --key {shlex.quote(glob.escape(file.key))}"
            ),
        }
        return (json.dumps(fields, indent=1, ensure_ascii=False) + "\n").encode()

    def _delete(self, files: Sequence[FileResult]) -> None:
        for start in range(0, len(files), MAX_DELETE_KEYS):
            group = files[start : start + MAX_DELETE_KEYS]
            objects: list[ObjectIdentifierTypeDef] = [
                {"Key": file.key, "VersionId": file.version_id} for file in group if _plain(file)
            ]
            errors = []
            if objects:
                answer = self.s3.delete_objects(
                    Bucket=self.bucket, Delete={"Objects": objects, "Quiet": True}
                )
                errors = answer.get("Errors", [])
            if errors:
                first = errors[0]
                raise SettleError(
                    f"S3 refused to delete {len(errors)} of {len(objects)} archived versions from "
                    f"{self.bucket}, the first is {first.get('Key')!r}: {first.get('Code')} "
                    f"{first.get('Message')}. Their rows are committed; the next run settles them."
                )
            for file in group:
                if not _plain(file):
                    self.s3.delete_object(
                        Bucket=self.bucket, Key=file.key, VersionId=file.version_id
                    )

    def _exists(self, bucket: str, key: str) -> bool:
        try:
            self.s3.head_object(Bucket=bucket, Key=key)
        except ClientError as error:
            if not is_gone(error):
                raise
            return False
        return True


def _plain(file: FileResult) -> bool:
    # The body of DeleteObjects is XML, which has no way to write control characters.
    return file.key.isprintable()
