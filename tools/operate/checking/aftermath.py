"""What the probes left behind: copies, rows, metrics and messages."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError
from burst.contract import METRICS_NAMESPACE, REASON_SUFFIX, MetricName, metric_dimensions
from burst.s3 import is_gone

from tools.operate.checking.flight import Seen
from tools.operate.connection import Connection
from tools.operate.deployment import DeployedPipeline, Deployment
from tools.operate.errors import InputError
from tools.operate.refusals import Unavailable, known_or_why
from tools.operate.rows import rows_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# Standard metrics are there within a minute or two; nothing promises more.
METRIC_SECONDS = 180.0
LOOK_EVERY_SECONDS = 2.0
_PERIOD = 60
_MOST_ROWS = 10


@dataclass(frozen=True)
class Aftermath:
    """archived, quarantined: bytes of the copy; None where there is none, or no such file.

    reason: what is written beside the file in quarantine. rows: of the good probe that are in
    curated. metric: how many files the job counted since the upload.
    """

    archived: int | Unavailable | None = None
    quarantined: int | Unavailable | None = None
    reason: str | Unavailable | None = None
    rows: int | Unavailable | None = None
    metric: int | Unavailable = 0


def look_back(
    connection: Connection,
    deployment: Deployment,
    pipeline: DeployedPipeline,
    seen: Seen,
    pause: Callable[[float], None],
) -> Aftermath:
    """Look at everything that the loaded probes should have left."""
    s3, lake = connection.s3, deployment.lake_bucket
    good, bad = seen.result_of("good"), seen.result_of("bad")
    archived = quarantined = reason = rows = None
    if good is not None and good[0].outcome == "curated":
        file, result = good
        archived = known_or_why(lambda: _size(s3, lake, str(file.destination)))
        if result.output and file.rows:
            rows = _rows(s3, result.output, file.key, file.version_id)
    if bad is not None and bad[0].outcome == "quarantined":
        place = str(bad[0].destination)
        quarantined = known_or_why(lambda: _size(s3, lake, place))
        reason = known_or_why(lambda: _reason(s3, lake, f"{place}{REASON_SUFFIX}"))
    metric = _metric(connection, deployment, pipeline, seen, pause) if seen.results else 0
    return Aftermath(archived, quarantined, reason, rows, metric)


def _size(s3: S3Client, bucket: str, key: str) -> int | None:
    try:
        return s3.head_object(Bucket=bucket, Key=key)["ContentLength"]
    except ClientError as error:
        if not is_gone(error):
            raise
        return None


def _reason(s3: S3Client, bucket: str, key: str) -> str | None:
    if _size(s3, bucket, key) is None:
        return None
    body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    return str(json.loads(body).get("reason", ""))


def _rows(s3: S3Client, output: str, key: str, version_id: str) -> int | Unavailable:
    try:
        found = known_or_why(
            lambda: rows_of(s3, output, key=key, version_id=version_id, most=_MOST_ROWS)
        )
    except InputError:
        return Unavailable("Rows are read with pyarrow: run `pipenv sync --dev`.")
    return found if isinstance(found, Unavailable) else int(found.num_rows)


def _metric(
    connection: Connection,
    deployment: Deployment,
    pipeline: DeployedPipeline,
    seen: Seen,
    pause: Callable[[float], None],
) -> int | Unavailable:
    """How many files the job says that it took, once CloudWatch knows of the probes."""
    deadline = time.monotonic() + METRIC_SECONDS
    while True:
        counted = known_or_why(lambda: _files(connection, deployment, pipeline, seen.sent_at))
        enough = not isinstance(counted, Unavailable) and counted >= len(seen.files)
        if isinstance(counted, Unavailable) or enough or time.monotonic() > deadline:
            return counted
        pause(LOOK_EVERY_SECONDS)


def _files(
    connection: Connection, deployment: Deployment, pipeline: DeployedPipeline, since: datetime
) -> int:
    dimensions = metric_dimensions(deployment.environment, pipeline.name)
    answer = connection.cloudwatch.get_metric_statistics(
        Namespace=METRICS_NAMESPACE,
        MetricName=MetricName.FILES,
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        StartTime=since.replace(second=0, microsecond=0),
        EndTime=since + timedelta(hours=24),
        Period=_PERIOD,
        Statistics=["Sum"],
    )
    return round(sum(point["Sum"] for point in answer["Datapoints"]))
