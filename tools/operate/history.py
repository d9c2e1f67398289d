"""What the ledger tells: open batches, the last ones, and what became of one batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from burst.batch import ID_TIME
from burst.ledger import Checkpoint, Ledger, PlanRecord, ResultRecord

from tools.operate.connection import THREADS
from tools.operate.deployment import Deployment, Pipeline

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# How far back to look for the last batches before the whole ledger is listed.
STEPS_BACK = (timedelta(days=2), timedelta(days=30), timedelta(days=365))


@dataclass(frozen=True)
class Batch:
    """One committed batch. bytes as stored; seconds: of all phases together.

    gone_files: what somebody deleted before the job read it. newest_arrival: of its files; None
    where the plan was not read. started_by stays None until somebody asked Glue.
    """

    batch: str
    committed_at: datetime
    files: int
    rows: int
    bad_files: int
    gone_files: int
    bytes: int
    seconds: float
    settled: bool
    job_run_id: str | None
    workflow_run_id: str | None
    newest_arrival: datetime | None = None
    started_by: str | None = None


@dataclass(frozen=True)
class OpenBatch:
    """A batch that a run began and that is not done. committed: its rows are in curated."""

    batch: str
    files: int
    committed: bool


@dataclass(frozen=True)
class History:
    """The end of the ledger, newest batch first."""

    open: tuple[OpenBatch, ...]
    last: tuple[Batch, ...]


def ledger_of(s3: S3Client, deployment: Deployment, pipeline: Pipeline) -> Ledger:
    """The pipeline's ledger."""
    return Ledger(s3, deployment.lake_bucket, pipeline.name, deployment.environment)


def look(
    s3: S3Client, deployment: Deployment, pipeline: Pipeline, *, last: int, now: datetime
) -> History:
    """The open batches and the ``last`` committed ones; raises `LedgerError` on damaged records.

    Nothing is open up to the job's checkpoint, so a long ledger need not be listed as a whole.
    """
    ledger = ledger_of(s3, deployment, pipeline)
    mark = Checkpoint(s3, deployment.lake_bucket, pipeline.name, deployment.environment).load()
    unfinished = ledger.open_batches(ledger.batches(after=mark))
    names = _latest(ledger, mark, last, now)
    committed = [batch for batch, records in names.items() if "result" in records][::-1][:last]
    results, plans = read_results(ledger, committed), read_plans(ledger, committed)
    return History(
        open=tuple(
            OpenBatch(plan.origin.batch, len(plan.inputs), committed=result is not None)
            for plan, result in unfinished
        ),
        last=tuple(
            replace(
                summary(result, settled="done" in names[result.origin.batch]),
                newest_arrival=max(file.last_modified for file in plan.inputs),
            )
            for result, plan in zip(results, plans, strict=True)
        ),
    )


def summary(result: ResultRecord, *, settled: bool) -> Batch:
    """A result record in figures."""
    return Batch(
        batch=result.origin.batch,
        committed_at=result.origin.at,
        files=len(result.files),
        rows=result.rows,
        bad_files=sum(file.outcome == "quarantined" for file in result.files),
        gone_files=sum(file.outcome == "gone" for file in result.files),
        bytes=result.bytes,
        seconds=round(sum(result.seconds.values()), 3),
        settled=settled,
        job_run_id=result.origin.job_run_id,
        workflow_run_id=result.origin.workflow_run_id,
    )


def read_results(ledger: Ledger, batches: Sequence[str]) -> list[ResultRecord]:
    """The result records of these batches, in this order."""
    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(ledger.read_result, batches))


def read_plans(ledger: Ledger, batches: Sequence[str]) -> list[PlanRecord]:
    """The plan records of these batches, in this order."""
    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(ledger.read_plan, batches))


def batches_since(ledger: Ledger, since: datetime | None) -> dict[str, set[str]]:
    """The names of the records of every batch that was planned at or after ``since``."""
    return ledger.batches(after=None if since is None else just_before(since))


def planned_at(batch: str) -> datetime:
    """When a batch was planned: its id begins with that."""
    return datetime.strptime(batch.partition("-")[0], ID_TIME).replace(tzinfo=UTC)


def just_before(moment: datetime) -> str:
    """An id behind all batches that were planned before this moment."""
    before = moment.astimezone(UTC) - timedelta(seconds=1)
    return f"{before.strftime(ID_TIME)}-ffffffff"


def _latest(ledger: Ledger, mark: str | None, last: int, now: datetime) -> Mapping[str, set[str]]:
    """The newest batches, ``last`` or more where there are so many."""
    if mark is None:
        return ledger.batches()
    for back in STEPS_BACK:
        names = ledger.batches(after=min(mark, just_before(now - back)))
        if sum("result" in records for records in names.values()) >= last:
            return names
    return ledger.batches()
