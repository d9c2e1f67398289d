"""What waits in landing: every version that no run has taken yet, and what no run can take."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from tools.operate.deployment import DeployedPipeline, Deployment
from tools.operate.ledger import PipelineLedger, UnreadableFile

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# A hundred pages of 1,000: half a minute at most, and more than any run takes at once.
MOST_VERSIONS = 100_000


@dataclass(frozen=True)
class Waiting:
    """The outstanding versions of a pipeline. bytes as stored; capped: there are more than these.

    oldest: when the oldest of them arrived, UTC; None where nothing waits. unreadable: versions
    that S3 refused to the last run. Neither they nor files that are loaded and that S3 does not
    let go are counted.
    """

    files: int
    bytes: int
    oldest: datetime | None
    capped: bool
    unreadable: tuple[UnreadableFile, ...] = ()

    def age_seconds(self, now: datetime) -> float:
        """Seconds since the oldest arrived; 0 where nothing waits."""
        return max(0.0, (now - self.oldest).total_seconds()) if self.oldest else 0.0


def outstanding(
    s3: S3Client, deployment: Deployment, pipeline: DeployedPipeline
) -> set[tuple[str, str]]:
    """Key and version id of all that waits, with what S3 refuses to return.

    A file that is loaded and that S3 does not let go waits for nothing.
    """
    loaded = PipelineLedger.of(s3, deployment, pipeline).all_unsettled()
    pages = s3.get_paginator("list_object_versions").paginate(
        Bucket=deployment.landing_bucket, Prefix=pipeline.prefix
    )
    return {
        identity
        for page in pages
        for version in page.get("Versions", [])
        if (identity := (version["Key"], version["VersionId"])) not in loaded
        and pipeline.owns(version["Key"])
    }


def look(
    s3: S3Client, deployment: Deployment, pipeline: DeployedPipeline, *, most: int = MOST_VERSIONS
) -> Waiting:
    """Count what waits, up to ``most`` versions of the pipeline's prefix."""
    ledger = PipelineLedger.of(s3, deployment, pipeline)
    refused = {file.identity: file for file in ledger.unreadable_files()}
    loaded = ledger.all_unsettled()
    here: list[UnreadableFile] = []
    files = size = seen = 0
    oldest: datetime | None = None
    pages = s3.get_paginator("list_object_versions").paginate(
        Bucket=deployment.landing_bucket, Prefix=pipeline.prefix
    )
    for page in pages:
        for version in page.get("Versions", []):
            identity = (version["Key"], version["VersionId"])
            if identity in refused:
                here.append(refused[identity])
            elif identity not in loaded and pipeline.owns(version["Key"]):
                files, size = files + 1, size + version["Size"]
                arrived = version["LastModified"]
                oldest = arrived if oldest is None else min(oldest, arrived)
        seen += len(page.get("Versions", []))
        if seen >= most and page.get("IsTruncated"):
            return Waiting(files, size, oldest, capped=True, unreadable=tuple(here))
    return Waiting(files, size, oldest, capped=False, unreadable=tuple(here))
