"""What a run printed, from CloudWatch Logs: its two log groups as one sequence of lines.

Glue 5 writes what the script prints to `<prefix>/output` and what Spark and Glue say to
`<prefix>/error`, in streams whose names begin with the id of the job run (AWS Glue user guide,
"Logging for AWS Glue jobs").
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from botocore.exceptions import ClientError

from tools.operate import ids, runs
from tools.operate.connection import Connection
from tools.operate.deployment import DeployedPipeline, Deployment
from tools.operate.errors import OperateError
from tools.operate.inspection import no_batch
from tools.operate.ledger import PipelineLedger

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

Kind = Literal["output", "error"]
KINDS: tuple[Kind, ...] = ("output", "error")
LOOK_EVERY_SECONDS = 2.0
# How long lines are still looked for once the run has ended: they arrive late.
LAST_LOOK_SECONDS = 6.0
# From one look to the next, how far back lines are asked for again: CloudWatch Logs shows them in
# the order of their times, and not in that of their arrival.
LOOK_BACK_MILLISECONDS = 60_000
# CloudWatch Logs API reference, FilterLogEvents: names of streams in one call.
MOST_STREAMS = 100


@dataclass(frozen=True)
class LogLine:
    """One line. kind: of the log group; stream: the driver's or that of an executor."""

    at: datetime
    kind: Kind
    stream: str
    text: str


def run_of(
    connection: Connection, deployment: Deployment, pipeline: DeployedPipeline, text: str | None
) -> runs.Run:
    """The run with this id, with the batch of this id, or the newest: ids may be shortened.

    Raises `OperateError` where there is none, and `InputError` where there are several.
    """
    if text is None:
        newest = runs.last_runs(connection.glue, pipeline, last=1)
        if not newest:
            raise OperateError(f"The job {pipeline.job_name} has not run yet: it has no logs.")
        return newest[0]
    if ids.means_a_batch(text):
        text = _run_of_batch(connection, deployment, pipeline, text)
    return runs.find_run(connection.glue, deployment, pipeline, text)


def _run_of_batch(
    connection: Connection, deployment: Deployment, pipeline: DeployedPipeline, text: str
) -> str:
    ledger = PipelineLedger.of(connection.s3, deployment, pipeline)
    batch = ledger.find(text)
    records = ledger.records(batch)
    if records is None:
        raise no_batch(connection.s3, deployment, pipeline, batch)
    last = records.done or records.result or records.plan
    if not last.origin.job_run_id:
        raise OperateError(
            f"The ledger does not say which run batch {batch} belongs to; `burst status "
            f"{deployment.environment}` shows the last runs."
        )
    return last.origin.job_run_id


@dataclass
class RunLog:
    """The lines of one run. Each call of `new_lines` gives those that no call gave before."""

    logs: CloudWatchLogsClient
    group_prefix: str
    run_id: str
    kinds: Sequence[Kind] = KINDS
    _seen: set[str] = field(default_factory=set, repr=False)
    _newest: int = 0

    def new_lines(self) -> list[LogLine]:
        """In the order of their times; of lines of one time, in the order of CloudWatch Logs."""
        since = max(0, self._newest - LOOK_BACK_MILLISECONDS)
        found = [line for kind in self.kinds for line in self._lines(kind, since)]
        return sorted(found, key=lambda line: line.at)

    def _lines(self, kind: Kind, since: int) -> Iterator[LogLine]:
        group = f"{self.group_prefix}/{kind}"
        streams = self._streams(group)
        for start in range(0, len(streams), MOST_STREAMS):
            pages = self.logs.get_paginator("filter_log_events").paginate(
                logGroupName=group,
                logStreamNames=streams[start : start + MOST_STREAMS],
                startTime=since,
            )
            for page in pages:
                for event in page["events"]:
                    identity = f"{kind} {event['logStreamName']} {event['eventId']}"
                    if identity not in self._seen:
                        self._seen.add(identity)
                        self._newest = max(self._newest, event["timestamp"])
                        yield LogLine(
                            datetime.fromtimestamp(event["timestamp"] / 1000, UTC),
                            kind,
                            event["logStreamName"],
                            event["message"].rstrip("\n"),
                        )

    def _streams(self, group: str) -> list[str]:
        pages = self.logs.get_paginator("describe_log_streams").paginate(
            logGroupName=group, logStreamNamePrefix=self.run_id
        )
        return [stream["logStreamName"] for page in pages for stream in page["logStreams"]]


def followed_lines(
    log: RunLog,
    is_active: Callable[[], bool],
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[LogLine]:
    """The lines as they come, until the run has ended and its last lines had time to arrive."""
    ended_at: float | None = None
    while True:
        yield from log.new_lines()
        if ended_at is None and not is_active():
            ended_at = clock()
        elif ended_at is not None and clock() - ended_at >= LAST_LOOK_SECONDS:
            return
        sleep(LOOK_EVERY_SECONDS)


def is_active(connection: Connection, pipeline: DeployedPipeline, run_id: str) -> bool:
    """Whether the run may still print something."""
    answer = connection.glue.get_job_run(JobName=pipeline.job_name, RunId=run_id)
    return answer["JobRun"]["JobRunState"] in runs.ACTIVE


def missing_group(error: ClientError, pipeline: DeployedPipeline) -> OperateError | None:
    """The sentence for a log group that is not there; None for any other refusal."""
    if error.response["Error"]["Code"] != "ResourceNotFoundException":
        return None
    return OperateError(
        f"There is no log group below {pipeline.log_group_prefix}: the stack makes the groups "
        "`error` and `output` there, so somebody has deleted them. `terraform plan` shows it."
    )
