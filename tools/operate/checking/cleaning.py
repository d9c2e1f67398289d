"""Takes away what the probes left, and nothing of anybody else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from burst.contract import REASON_SUFFIX

from tools.operate import routing
from tools.operate.connection import Connection
from tools.operate.deployment import DeployedPipeline, Deployment
from tools.operate.errors import OperateError
from tools.operate.ledger import FileResult, ResultRecord
from tools.operate.probes import is_probe
from tools.operate.refusals import Unavailable, known_or_why
from tools.operate.replays import curated
from tools.operate.replays.selection import Output

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# Hidden from others while the probes' own are looked for; the others show up again at once.
_HIDE_SECONDS = 120
_MOST_LETTERS = 1_000


@dataclass(frozen=True)
class Traces:
    """Where the probes are. results: of the batches that took one."""

    keys: Sequence[str]
    results: Sequence[ResultRecord]

    @property
    def files(self) -> Iterator[FileResult]:
        """What became of each probe."""
        keys = set(self.keys)
        return (file for result in self.results for file in result.files if file.key in keys)


def clean(
    connection: Connection, deployment: Deployment, pipeline: DeployedPipeline, traces: Traces
) -> list[str]:
    """Remove the probes from landing, archive, quarantine, curated and the dead-letter queue.

    Returns a sentence for each thing that stays.
    """
    s3, left = connection.s3, list(rows_that_stay(traces, deployment.environment, pipeline))
    steps: list[Callable[[], object]] = [
        *(lambda key=key: erase(s3, deployment.landing_bucket, [key]) for key in traces.keys),
        *(
            lambda file=file: erase(
                s3,
                deployment.lake_bucket,
                [str(file.destination), f"{file.destination}{REASON_SUFFIX}"],
            )
            for file in traces.files
            if file.destination
        ),
        *(
            lambda output=output: _remove_rows(s3, deployment, pipeline, output)
            for output in rows_to_remove(traces)
        ),
        lambda: _remove_letters(connection, pipeline, traces.keys),
    ]
    for step in steps:
        why = _done_or_why(step)
        if why is not None:
            left.append(why)
    return left


def rows_to_remove(traces: Traces) -> Iterator[Output]:
    """The output of the batches that hold the probes' rows and nobody else's."""
    for result in traces.results:
        if result.output and _is_ours_alone(result):
            yield Output(result.origin.batch, result.output)


def rows_that_stay(traces: Traces, environment: str, pipeline: DeployedPipeline) -> Iterator[str]:
    """The rows of probes whose batch also holds files of producers: a batch is never rewritten."""
    keys = set(traces.keys)
    for result in traces.results:
        if _is_ours_alone(result):
            continue
        for file in result.files:
            if file.key in keys and file.rows:
                yield (
                    f"1 row of {file.key} stays in curated, in batch {result.origin.batch}: files "
                    "of producers came into the same batch. Leave it out by its `_source_key`; "
                    f"`burst replay {environment} {pipeline.name} --archive --batch "
                    f"{result.origin.batch} --replace` loads the batch again without it."
                )


def _is_ours_alone(result: ResultRecord) -> bool:
    return all(is_probe(file.key) for file in result.files)


def erase(s3: S3Client, bucket: str, keys: Sequence[str]) -> None:
    """Delete every version and delete marker of exactly these keys."""
    for key in keys:
        erase_under(s3, bucket, key, exactly=True)


def erase_under(s3: S3Client, bucket: str, prefix: str, *, exactly: bool = False) -> None:
    """Delete every version and delete marker of the keys that begin so, or of this key alone."""
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix)
    for page in pages:
        for item in (*page.get("Versions", []), *page.get("DeleteMarkers", [])):
            if not exactly or item["Key"] == prefix:
                s3.delete_object(Bucket=bucket, Key=item["Key"], VersionId=item["VersionId"])


def _remove_rows(
    s3: S3Client, deployment: Deployment, pipeline: DeployedPipeline, output: Output
) -> None:
    # Makes sure that it is the folder of this batch, and nothing else.
    curated.remove(s3, deployment, pipeline, output)
    address = urlsplit(output.uri)
    if address.scheme == "s3":
        erase_under(s3, address.netloc, f"{address.path.lstrip('/')}/")


def _remove_letters(
    connection: Connection, pipeline: DeployedPipeline, keys: Sequence[str]
) -> None:
    if not routing.depth(connection.sqs, pipeline):
        return
    found = list(
        routing.receive(connection.sqs, pipeline, most=_MOST_LETTERS, hide_seconds=_HIDE_SECONDS)
    )
    own = [letter for letter in found if letter.key in keys]
    routing.delete(connection.sqs, pipeline, own)
    routing.put_back(connection.sqs, pipeline, [letter for letter in found if letter not in own])


def _done_or_why(step: Callable[[], object]) -> str | None:
    try:
        done = known_or_why(step)
    except OperateError as error:
        return str(error)
    return done.reason if isinstance(done, Unavailable) else None
