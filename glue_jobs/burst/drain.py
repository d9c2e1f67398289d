"""Drain landing: batch after batch, until there is nothing left to take.

    resume    finish what an earlier run began
    list      every version that lies in landing
    plan      a record of what the next batch reads
    read      one pass over the files: rows, and a verdict on each file
    judge     too many bad files stop the run
    write     transform, Parquet
    commit    a record of what became of each file: from here on the batch counts
    settle    the files leave landing; a record says so

What S3 does not hand out stays in landing and on record, and stops nothing (unreadable.py).

Every step may be repeated any number of times, and each run begins with the step where the one
before it was interrupted.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from burst.batch import InputFile, batch_id, batches, destination, output_uri
from burst.contract import JobSpec
from burst.errors import SettleError, TooManyBadFilesError, TooManyUnreadableFilesError
from burst.landing import Landing
from burst.ledger import (
    Checkpoint,
    DoneRecord,
    FileResult,
    Ledger,
    Origin,
    Outcome,
    PlanRecord,
    ResultRecord,
    Unreadable,
)
from burst.metrics import BatchMetrics, Metrics, NoMetrics, waiting
from burst.row_engine import FileOutcome, ReadBatch, RowEngine
from burst.time_budget import TimeBudget

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

log = logging.getLogger("burst")

Clock = Callable[[], datetime]

# The log names so many unreadable files at most; their record names all.
MAX_NAMED = 10


def utc_now() -> datetime:
    """The time of day, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Summary:
    """What a run did. bytes as stored in S3; resumed counts batches that an earlier run began.

    unreadable_files: what the run's batches held that S3 did not hand out.
    left_unreadable: what of that kind lies in landing now, found by whichever run.
    waiting_files, waiting_bytes: what the last listing held that the run had no time for.
    """

    batches: tuple[str, ...] = ()
    resumed: int = 0
    files: int = 0
    rows: int = 0
    bytes: int = 0
    bad_files: int = 0
    unreadable_files: int = 0
    left_unreadable: int = 0
    delete_markers: int = 0
    waiting_files: int = 0
    waiting_bytes: int = 0

    def plus(self, result: ResultRecord) -> Summary:
        return replace(
            self,
            batches=(*self.batches, result.origin.batch),
            files=self.files + len(result.files),
            rows=self.rows + result.rows,
            bytes=self.bytes + result.bytes,
            bad_files=self.bad_files + _count(result, "quarantined"),
            unreadable_files=self.unreadable_files + _count(result, "unreadable"),
        )


def drain(
    args: JobSpec,
    *,
    s3: S3Client,
    engine: RowEngine,
    clock: Clock = utc_now,
    metrics: Metrics | None = None,
) -> Summary:
    """Take everything that lies in landing, and what arrives meanwhile.

    Returns when a listing of landing shows nothing that can be read, or when there is no time for
    another batch: the summary says how much waits then. Raises BurstError when the run has to stop;
    what was committed until then stays, and the next run goes on from there.
    """
    job = _Job(
        args=args,
        engine=engine,
        clock=clock,
        metrics=metrics or NoMetrics(),
        budget=TimeBudget(args.time, clock()),
        ledger=Ledger(s3, args.lake_bucket, args.pipeline, args.environment),
        checkpoint=Checkpoint(s3, args.lake_bucket, args.pipeline, args.environment),
        landing=Landing(s3, args.landing_bucket, args.prefix, args.suffix),
        unreadable=Unreadable(
            s3, args.landing_bucket, args.lake_bucket, args.pipeline, args.environment
        ),
    )
    job.landing.must_be_versioned()
    summary = job.resume_all()
    summary, left = job.take_all(summary)
    job.log("out_of_time" if left else "drained", **_counts(summary))
    job.judge_unreadable(summary)
    return summary


@dataclass(frozen=True)
class _Job:
    args: JobSpec
    engine: RowEngine
    clock: Clock
    metrics: Metrics
    budget: TimeBudget
    ledger: Ledger
    checkpoint: Checkpoint
    landing: Landing
    unreadable: Unreadable

    def resume_all(self) -> Summary:
        """Finish every batch that an earlier run began."""
        summary = Summary()
        found = self.ledger.batches(after=self.checkpoint.load())
        for plan, result in self.ledger.open_batches(found):
            summary = summary.plus(self.resume(plan, result))
        self.checkpoint.advance(found)
        return replace(summary, resumed=len(summary.batches))

    def take_all(self, summary: Summary) -> tuple[Summary, tuple[InputFile, ...]]:
        """Batch after batch until a listing is empty or time is up; and what is left then."""
        left: tuple[InputFile, ...] = ()
        taken: set[InputFile] = set()
        while not left:
            listing = self.landing.list_outstanding()
            fresh, unreadable = self.unreadable.split(listing.files)
            if not fresh:
                break
            self._must_be_new(fresh, taken)
            taken.update(fresh)
            bounds = self.args.bounds
            for inputs in batches(fresh, max_files=bounds.max_files, max_bytes=bounds.max_bytes):
                if left or self.budget.is_spent(self.clock()):
                    left += inputs
                else:
                    summary = summary.plus(self.run(self.plan(inputs)))
        self.unreadable.keep(listing.files)
        self.report_rest(left, unreadable)
        summary = replace(
            summary,
            left_unreadable=len(unreadable),
            delete_markers=listing.delete_markers,
            waiting_files=len(left),
            waiting_bytes=sum(file.size for file in left),
        )
        return summary, left

    def _must_be_new(self, files: Sequence[InputFile], taken: set[InputFile]) -> None:
        """Raise when landing still lists what this run took, or it would take it for ever."""
        if back := [file for file in files if file in taken]:
            raise SettleError(
                f"{len(back)} versions are still in {self.args.landing_bucket} although this run "
                f"settled them, the first is {back[0].key!r} ({back[0].version_id}): S3 lists them "
                "but says that they do not exist. Look at these objects, then start the job again."
            )

    def resume(self, plan: PlanRecord, result: ResultRecord | None) -> ResultRecord:
        self.log("resumed", batch=plan.origin.batch, at="read" if result is None else "settle")
        if result is None:
            return self.run(plan, again=True)
        watch = _Watch(dict(result.seconds))
        age = self.age(plan.inputs)
        with watch.phase("settle"):
            self.settle(result)
        self.report(result, watch, age)
        return result

    def run(self, plan: PlanRecord, *, again: bool = False) -> ResultRecord:
        watch = _Watch()
        age = self.age(plan.inputs)
        with watch.phase("read"):
            read = self.engine.read(plan.origin.batch, plan.inputs)
        try:
            self.judge(plan, read)
            with watch.phase("write"):
                output = self.write(read, again=again)
        finally:
            self.engine.release(read)
        result = self.commit(plan, read, output, watch)
        with watch.phase("settle"):
            self.settle(result)
        self.report(result, watch, age)
        return result

    def report(self, result: ResultRecord, watch: _Watch, age: float) -> None:
        """The batch's figures, as a line in the log and as metrics."""
        figures = BatchMetrics(
            files=len(result.files),
            bad_files=_count(result, "quarantined"),
            rows=result.rows,
            bytes=result.bytes,
            seconds=watch.seconds,
            oldest_seconds=age,
        )
        self.log("batch", batch=result.origin.batch, **vars(figures))
        self.metrics.publish(figures.values())

    def report_rest(self, left: Sequence[InputFile], unreadable: Sequence[InputFile]) -> None:
        """What lies in landing at the end of the run, and how long: for lack of time, or for good
        if nobody does anything."""
        if unreadable:
            self.log(
                "unreadable",
                count=len(unreadable),
                files=[
                    {
                        "key": file.key,
                        "version_id": file.version_id,
                        "reason": self.unreadable.reason(file),
                    }
                    for file in unreadable[:MAX_NAMED]
                ],
                all=f"s3://{self.args.lake_bucket}/{self.unreadable.key}",
            )
        if rest := [*left, *unreadable]:
            self.metrics.publish(waiting(self.age(rest), unreadable=len(unreadable)))

    def age(self, files: Sequence[InputFile]) -> float:
        """Seconds since the oldest of these came; by S3's clock and ours, so never below 0."""
        oldest = min(file.last_modified for file in files)
        return max(0.0, round((self.clock() - oldest).total_seconds(), 3))

    def plan(self, inputs: Sequence[InputFile]) -> PlanRecord:
        batch = batch_id(inputs, self.clock(), self.args.job_run_id)
        plan = PlanRecord(self._origin(batch), tuple(inputs))
        self.checkpoint.make_room_for(plan.origin.batch)
        self.ledger.write(plan)
        return plan

    def judge(self, plan: PlanRecord, read: ReadBatch) -> None:
        """Raise when so many files are bad that it is rather the columns that are wrong."""
        bounds = self.args.bounds
        bad = [
            (file, outcome)
            for file, outcome in zip(plan.inputs, read.outcomes, strict=True)
            if outcome.reason and not outcome.unread
        ]
        if len(bad) < bounds.min_bad_files:
            return
        if len(bad) <= bounds.max_bad_fraction * len(plan.inputs):
            return
        file, outcome = bad[0]
        raise TooManyBadFilesError(
            f"{len(bad)} of {len(plan.inputs)} files of batch {plan.origin.batch} are bad, the "
            f"first is {file.key}: {outcome.reason} Nothing was loaded or moved. Correct the "
            f"columns of pipeline {self.args.pipeline} and deploy, or delete these versions from "
            "landing by their ids (without one, S3 keeps them and they are read again); the next "
            "run starts the batch again."
        )

    def judge_unreadable(self, summary: Summary) -> None:
        """Raise when S3 did not hand out so many files that the job's permissions are wrong.

        The bounds are those of bad files, but here nothing is stopped: what could be read is loaded
        and settled, the rest is on record.
        """
        bounds, count = self.args.bounds, summary.unreadable_files
        if count >= bounds.min_bad_files and count > bounds.max_bad_fraction * summary.files:
            raise TooManyUnreadableFilesError(
                f"S3 did not hand out {count} of {summary.files} files. They stay in landing, with "
                f"their reasons in s3://{self.args.lake_bucket}/{self.unreadable.key}; the other "
                "files are loaded. Correct the cause, most likely the permissions of the job's "
                "role; each run tries them again."
            )

    def write(self, read: ReadBatch, *, again: bool) -> str | None:
        # An earlier try may have left rows, so a batch that is run again always replaces them.
        if not again and not any(outcome.rows for outcome in read.outcomes):
            return None
        target = output_uri(self.args.curated_uri, read.batch)
        self.engine.write(read, target)
        return target

    def commit(
        self, plan: PlanRecord, read: ReadBatch, output: str | None, watch: _Watch
    ) -> ResultRecord:
        files = tuple(
            self._file_result(plan.origin.batch, file, outcome)
            for file, outcome in zip(plan.inputs, read.outcomes, strict=True)
        )
        result = ResultRecord(
            origin=self._origin(plan.origin.batch),
            output=output,
            rows=sum(file.rows for file in files),
            bytes=read.bytes,
            seconds=dict(watch.seconds),
            files=files,
        )
        self.ledger.write(result)
        return result

    def settle(self, result: ResultRecord) -> None:
        missing = self.landing.settle(result, lake_bucket=self.args.lake_bucket, now=self.clock())
        if missing:
            self.log("missing", batch=result.origin.batch, destinations=list(missing))
        self.unreadable.update(result, self.clock())
        outcomes = [file.outcome for file in result.files]
        self.ledger.write(
            DoneRecord(
                origin=self._origin(result.origin.batch),
                archived=outcomes.count("curated"),
                quarantined=outcomes.count("quarantined"),
                gone=outcomes.count("gone"),
                unreadable=outcomes.count("unreadable"),
                missing=missing,
            )
        )

    def _file_result(self, batch: str, file: InputFile, outcome: FileOutcome) -> FileResult:
        place = None
        if not outcome.unread:
            place = destination(
                "quarantine" if outcome.reason else "archive",
                pipeline=self.args.pipeline,
                batch=batch,
                key=file.key,
                version_id=file.version_id,
            )
        return FileResult(
            key=file.key,
            version_id=file.version_id,
            size=file.size,
            outcome=outcome.unread or ("quarantined" if outcome.reason else "curated"),
            rows=outcome.rows,
            reason=outcome.reason,
            destination=place,
        )

    def _origin(self, batch: str) -> Origin:
        return Origin(
            batch=batch,
            pipeline=self.args.pipeline,
            environment=self.args.environment,
            transform=self.args.transform,
            job_run_id=self.args.job_run_id,
            workflow_run_id=self.args.workflow_run_id,
            at=self.clock(),
        )

    def log(self, event: str, **fields: object) -> None:
        """One line of JSON, for people and for queries on the log group."""
        where = {"environment": self.args.environment, "pipeline": self.args.pipeline}
        log.info(json.dumps({"event": event, **where, **fields}, ensure_ascii=False))


def _counts(summary: Summary) -> dict[str, int]:
    return {**vars(summary), "batches": len(summary.batches)}


def _count(result: ResultRecord, outcome: Outcome) -> int:
    return sum(file.outcome == outcome for file in result.files)


@dataclass(frozen=True)
class _Watch:
    """Seconds per phase, for the result record and the log."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - start, 3)
