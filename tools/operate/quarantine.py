"""The files in quarantine, and which of them still need attention."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING

from burst.contract import REASON_SUFFIX, Area, folder

from tools.operate.deployment import DeployedPipeline, Deployment
from tools.operate.ledger import FileResult, PipelineLedger, ResultRecord

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# Two objects a file: a bad file and its reason.
MOST_OBJECTS = 200_000
SHOWN = 5


@dataclass(frozen=True)
class BadFile:
    """A file in quarantine that was not replayed. at: where its bytes are in the lake bucket."""

    key: str
    batch: str
    reason: str
    size: int
    at: str


@dataclass(frozen=True)
class Quarantine:
    """files: how many were not replayed; replayed: how many were and are still there.

    newest: some of the files with their reasons; capped: there are more than could be counted.
    """

    files: int
    replayed: int
    newest: tuple[BadFile, ...]
    capped: bool


def look(
    s3: S3Client,
    deployment: Deployment,
    pipeline: DeployedPipeline,
    *,
    replayed: Set[str],
    show: int = SHOWN,
    most: int = MOST_OBJECTS,
) -> Quarantine:
    """Count what lies in quarantine, and read the reasons of the newest few.

    replayed: keys of the lake bucket whose files were brought back to landing. A file that somebody
    removed from quarantine is not counted: that is how to give one up.
    """
    found, capped = copies(s3, deployment, pipeline, "quarantine", most=most)
    waiting = {
        batch: left
        for batch, places in found.items()
        if (left := {place for place in places if place not in replayed})
    }
    ledger = PipelineLedger.of(s3, deployment, pipeline)
    return Quarantine(
        files=sum(map(len, waiting.values())),
        replayed=sum(map(len, found.values())) - sum(map(len, waiting.values())),
        newest=tuple(_newest(ledger, waiting, show)),
        capped=capped,
    )


def copies(
    s3: S3Client,
    deployment: Deployment,
    pipeline: DeployedPipeline,
    area: Area,
    *,
    batch: str | None = None,
    most: int | None = None,
) -> tuple[dict[str, dict[str, str]], bool]:
    """The keys of the files in an area of the lake by batch, and whether there are more.

    Each key with its storage class (S3 API, ListObjectsV2).

    A key that ends like a reason is one only if the key without that end is there as well.
    """
    prefix = folder(area, pipeline.name)
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=deployment.lake_bucket, Prefix=f"{prefix}{batch}/" if batch else prefix
    )
    keys: dict[str, str] = {}
    capped = False
    for page in pages:
        keys |= {
            item["Key"]: item.get("StorageClass", "STANDARD") for item in page.get("Contents", [])
        }
        if most is not None and len(keys) >= most and page.get("IsTruncated"):
            capped = True
            break
    found: dict[str, dict[str, str]] = {}
    for key, storage_class in keys.items():
        if area == "quarantine" and _is_reason(key, keys.keys()):
            continue
        found.setdefault(key.removeprefix(prefix).partition("/")[0], {})[key] = storage_class
    return dict(sorted(found.items())), capped


def _is_reason(key: str, everything: Set[str]) -> bool:
    return key.endswith(REASON_SUFFIX) and key.removesuffix(REASON_SUFFIX) in everything


def _newest(
    ledger: PipelineLedger, waiting: Mapping[str, Set[str]], show: int
) -> Iterator[BadFile]:
    """Newest batch first; one record is read for each batch until there are enough."""
    left = show
    for batch in sorted(waiting, reverse=True):
        if left <= 0:
            return
        [result] = ledger.results([batch])
        for file in bad_files(result, waiting[batch])[:left]:
            left -= 1
            yield file


def bad_files(result: ResultRecord, places: Set[str]) -> Sequence[BadFile]:
    """The quarantined files of a batch that are at these places."""
    return [
        _bad_file(file, result.origin.batch)
        for file in result.files
        if file.outcome == "quarantined" and file.destination in places
    ]


def _bad_file(file: FileResult, batch: str) -> BadFile:
    return BadFile(
        key=file.key,
        batch=batch,
        reason=file.reason or "",
        size=file.size,
        at=file.destination or "",
    )
