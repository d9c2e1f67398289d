"""The landing bucket: which versions are outstanding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from burst.batch import InputFile
from burst.errors import LandingError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class Listing:
    """One look at landing: the outstanding versions, and how many delete markers lie there.

    A delete marker is no input: it has no bytes, and the versions beneath it are still read.
    """

    files: tuple[InputFile, ...]
    delete_markers: int


def joined(pages: Iterable[Listing]) -> Listing:
    """All pages of a listing as one."""
    files: list[InputFile] = []
    markers = 0
    for page in pages:
        files += page.files
        markers += page.delete_markers
    return Listing(tuple(files), markers)


@dataclass(frozen=True)
class Landing:
    """The part of the landing bucket under a pipeline's prefix and suffix ("" is any).

    With a suffix, folder markers (`orders/2025/`) do not belong to it: no event tells of them, and
    they stay where the people who made them look for them.
    """

    s3: S3Client
    bucket: str
    prefix: str
    suffix: str

    def must_be_versioned(self) -> None:
        """Raise LandingError unless every upload is a separate version.

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

    def pages(self) -> Iterator[Listing]:
        """Every version that is still there, including several of one key; page by page, as S3
        gives them, with a thousand versions and markers each."""
        pages = self.s3.get_paginator("list_object_versions").paginate(
            Bucket=self.bucket, Prefix=self.prefix
        )
        for page in pages:
            files = (
                InputFile(
                    key=version["Key"],
                    version_id=version["VersionId"],
                    etag=version["ETag"].strip('"'),
                    size=version["Size"],
                    last_modified=version["LastModified"],
                )
                for version in page.get("Versions", [])
                if version["Key"].endswith(self.suffix)
            )
            yield Listing(tuple(files), len(page.get("DeleteMarkers", [])))
