"""What the ledger says about a pipeline: its open batches and the last committed ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from burst import drift

from tools.operate.ledger import (
    AttemptsRecord,
    BadFile,
    PipelineLedger,
    ResultRecord,
    UnsettledFile,
    planned_at,
)


@dataclass(frozen=True)
class Batch:
    """One committed batch. bytes as stored; seconds: of work, all phases together.

    gone_files: what somebody deleted before the job read it. newest_arrival: of its files; None
    where the plan was not read. rescued: by name in the files, how many rows have a value in
    `_rescued`. started_by: None until Glue was asked.
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
    rescued: Mapping[str, int] = field(default_factory=dict)

    @property
    def took(self) -> float:
        """Seconds from its planning until its rows counted, whatever lay in between."""
        return (self.committed_at - planned_at(self.batch)).total_seconds()


@dataclass(frozen=True)
class OpenBatch:
    """A batch that a run began and that is not done.

    committed: its rows are in curated. unsettled: the files that S3 does not let go from landing.
    error: how its last attempt failed. bad: the files that are known to be bad, where it stopped.
    """

    batch: str
    files: int
    committed: bool
    unsettled: tuple[UnsettledFile, ...] = ()
    error: str | None = None
    bad: tuple[BadFile, ...] = ()


@dataclass(frozen=True)
class History:
    """The end of the ledger, newest batch first."""

    open: tuple[OpenBatch, ...]
    last: tuple[Batch, ...]


def look(ledger: PipelineLedger, *, last: int, now: datetime) -> History:
    """The open batches and the ``last`` committed ones; raises `LedgerError` on damaged records."""
    open_batches = ledger.open_batches()
    names = ledger.newest(last, now)
    committed = [batch for batch, records in names.items() if "result" in records][::-1][:last]
    results = [item for item in ledger.results(committed) if item.replaced_by is None]
    plans = ledger.plans([result.origin.batch for result in results])
    return History(
        open=tuple(
            _open(
                plan.origin.batch,
                len(plan.inputs),
                unsettled=ledger.unsettled_files(plan.origin.batch) if result else None,
                attempts=None if result else ledger.attempts(plan.origin.batch),
            )
            for plan, result in open_batches
        ),
        last=tuple(
            replace(
                summary(result, settled="done" in names[result.origin.batch]),
                newest_arrival=max(file.last_modified for file in plan.inputs),
            )
            for result, plan in zip(results, plans, strict=True)
        ),
    )


def _open(
    batch: str,
    files: int,
    *,
    unsettled: tuple[UnsettledFile, ...] | None,
    attempts: AttemptsRecord | None,
) -> OpenBatch:
    """unsettled: None where the batch is not committed."""
    if unsettled is not None:
        return OpenBatch(batch, files, committed=True, unsettled=unsettled)
    if attempts is None:
        return OpenBatch(batch, files, committed=False)
    return OpenBatch(batch, files, committed=False, error=attempts.error, bad=attempts.files)


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
        rescued=drift.rescued(result),
    )
