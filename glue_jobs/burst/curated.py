"""Where rows become visible: staged by an attempt, then published under their final names.

    <curated>/_staging/<batch>/<attempt>/part-...   written by Spark, seen by no reader
    <curated>/<partitions>/part-...                  what the result names, and nothing else

Athena, Glue and Spark do not read names that begin with an underscore
(https://docs.aws.amazon.com/athena/latest/ug/tables-location-format.html).

Publishing may be repeated by any run. It ends with the removal of the stage, and that is a fence:
a copy that a dead run asked for, and that reaches S3 later, finds nothing to copy. So rows that
somebody removed from curated afterwards do not come back.

A table format with atomic commits would be another implementation of `Curated`.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit
from urllib.request import url2pathname

from botocore.exceptions import ClientError

from burst.batch import output_uri, stage_uri
from burst.contract import STAGING
from burst.errors import PublishError
from burst.ledger import StagedFile
from burst.s3 import copy_new, delete, exists, is_changed, is_gone, threads_each

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectTypeDef


class Curated(Protocol):
    """The rows of one pipeline. uri: of the folder, without a slash at its end."""

    @property
    def uri(self) -> str: ...

    def staged(self, batch: str, attempt: str) -> tuple[StagedFile, ...]:
        """The files that this attempt wrote, by name."""

    def publish(self, batch: str, attempt: str, files: Sequence[StagedFile]) -> list[str]:
        """Put these files under their final names. May be repeated.

        Returns the names of those that are neither staged nor published: somebody removed them.
        """

    def clear(self, batch: str) -> None:
        """Remove everything that any attempt staged for this batch, which must be published."""

    def stages(self) -> list[str]:
        """The batches of which something is staged."""

    def remove_published(self, batch: str) -> None:
        """Remove what lies under the final names of a batch that is not committed."""


def curated_at(uri: str, s3: S3Client) -> Curated:
    """The rows at this URI: s3: on AWS, file: where Spark has no S3."""
    if urlsplit(uri).scheme == "file":
        return CuratedFolder(uri)
    return CuratedBucket(s3, uri)


def is_data(name: str) -> bool:
    """Whether a file holds rows. Spark also writes _SUCCESS, checksums and folder markers."""
    return bool(name) and not name.startswith(("_", ".")) and not name.endswith(("/", "_$folder$"))


@dataclass(frozen=True)
class CuratedBucket:
    """Rows in S3."""

    s3: S3Client
    uri: str

    @property
    def bucket(self) -> str:
        return urlsplit(self.uri).netloc

    def staged(self, batch: str, attempt: str) -> tuple[StagedFile, ...]:
        prefix = _key(stage_uri(self.uri, batch, attempt)) + "/"
        return tuple(
            StagedFile(name, item["Size"], item["ETag"].strip('"'))
            for item in self._under(prefix)
            if is_data(name := item["Key"].removeprefix(prefix))
        )

    def publish(self, batch: str, attempt: str, files: Sequence[StagedFile]) -> list[str]:
        source = _key(stage_uri(self.uri, batch, attempt))
        target = _key(output_uri(self.uri, batch))

        def is_published(file: StagedFile) -> bool:
            return self._copy(f"{source}/{file.name}", f"{target}/{file.name}", file)

        with ThreadPoolExecutor(threads_each(1)) as threads:
            there = list(threads.map(is_published, files))
        return [file.name for file, here in zip(files, there, strict=True) if not here]

    def clear(self, batch: str) -> None:
        self._delete(_key(f"{self.uri}/{STAGING}/{batch}/"))

    def stages(self) -> list[str]:
        prefix = _key(f"{self.uri}/{STAGING}/")
        return _unique(item["Key"].removeprefix(prefix) for item in self._under(prefix))

    def remove_published(self, batch: str) -> None:
        self._delete(_key(output_uri(self.uri, batch)) + "/")

    def _copy(self, source: str, target: str, file: StagedFile) -> bool:
        named = {"Bucket": self.bucket, "Key": source}
        try:
            copy_new(self.s3, named, self.bucket, target, etag=file.etag, size=file.size)
        except ClientError as error:
            if is_gone(error) or is_changed(error):
                # It may have been published already.
                return exists(self.s3, self.bucket, target)
            raise PublishError(
                f"The committed rows in s3://{self.bucket}/{source} cannot be copied to {target}: "
                f"{error}. Nothing is lost; correct the cause, and the next run publishes them."
            ) from error
        return True

    def _delete(self, prefix: str) -> None:
        names = [(item["Key"], None) for item in self._under(prefix)]
        if refused := delete(self.s3, self.bucket, names):
            (key, _), reason = next(iter(refused.items()))
            raise PublishError(
                f"S3 refused to delete {len(refused)} objects under s3://{self.bucket}/{prefix}, "
                f"the first is {key!r}: {reason} Correct the cause; the next run goes on from here."
            )

    def _under(self, prefix: str) -> Iterator[ObjectTypeDef]:
        listing = self.s3.get_paginator("list_objects_v2")
        for page in listing.paginate(Bucket=self.bucket, Prefix=prefix):
            yield from page.get("Contents", [])


@dataclass(frozen=True)
class CuratedFolder:
    """Rows in a folder of this machine, where a file moves in one step."""

    uri: str

    def staged(self, batch: str, attempt: str) -> tuple[StagedFile, ...]:
        folder = _path(stage_uri(self.uri, batch, attempt))
        files = sorted(folder.rglob("*")) if folder.exists() else []
        named = [(file, file.relative_to(folder).as_posix()) for file in files if file.is_file()]
        return tuple(
            StagedFile(name, file.stat().st_size, "") for file, name in named if is_data(name)
        )

    def publish(self, batch: str, attempt: str, files: Sequence[StagedFile]) -> list[str]:
        source = _path(stage_uri(self.uri, batch, attempt))
        target = _path(output_uri(self.uri, batch))
        missing = []
        for file in files:
            place = target / file.name
            place.parent.mkdir(parents=True, exist_ok=True)
            try:
                (source / file.name).replace(place)
            except FileNotFoundError:
                if not place.exists():
                    missing.append(file.name)
        return missing

    def clear(self, batch: str) -> None:
        shutil.rmtree(_path(f"{self.uri}/{STAGING}/{batch}"), ignore_errors=True)

    def stages(self) -> list[str]:
        folder = _path(f"{self.uri}/{STAGING}")
        return sorted(batch.name for batch in folder.iterdir()) if folder.exists() else []

    def remove_published(self, batch: str) -> None:
        shutil.rmtree(_path(output_uri(self.uri, batch)), ignore_errors=True)


def _path(uri: str) -> Path:
    return Path(url2pathname(urlsplit(uri).path))


def _key(uri: str) -> str:
    return urlsplit(uri).path.lstrip("/")


def _unique(names: Iterator[str]) -> list[str]:
    return sorted({name.partition("/")[0] for name in names} - {""})
