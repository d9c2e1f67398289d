"""One batch, from its plan to the end: each step may be repeated by any run, at any time.

    read      one pass over the files: rows, and a verdict on each file
    judge     too many bad files stop the run
    stage     transform, Parquet in a folder that no reader sees
    commit    a record of what became of each file: from here on the batch counts
    publish   the rows get their final names
    settle    the files leave landing, one by one
    done      a record says so, and the head names the batch no longer

Two runs may do this to one batch at the same time. Whichever commits first decides, and both go on
from what was decided, or the one that no longer holds the head stops.
"""

from __future__ import annotations

import glob
import json
import secrets
import shlex
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from burst.batch import InputFile, batch_id, destination, output_uri, stage_uri
from burst.contract import JobSpec
from burst.curated import Curated
from burst.errors import PublishError, SettleError, TakenOverError, TooManyBadFilesError
from burst.ledger import (
    Claim,
    DoneRecord,
    FileResult,
    Ledger,
    Origin,
    PlanRecord,
    ResultRecord,
    StagedFile,
    Unreadable,
    UnsettledFile,
    UnsettledRecord,
)
from burst.report import Report, Watch, count
from burst.row_engine import FileOutcome, ReadBatch, RowEngine
from burst.s3 import ChangedError
from burst.settle import Move, Moved, Mover

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# From this many files on it is worth sending the copies to Spark's workers.
SPREAD_FILES = 1000
PART_FILES = 250


@dataclass(frozen=True)
class Stage:
    """What one attempt has written: its name, its files and their rows; nothing without rows."""

    attempt: str | None = None
    files: tuple[StagedFile, ...] = ()
    rows: int = 0


@dataclass(frozen=True)
class BatchRun:
    """What a run needs to work on its batches.

    origin: of a record about this batch, written now.
    unsettled: the files that S3 did not let go in this run, by identity and etag, and why.
    """

    args: JobSpec
    s3: S3Client
    engine: RowEngine
    origin: Callable[[str], Origin]
    report: Report
    ledger: Ledger
    claim: Claim
    curated: Curated
    unreadable: Unreadable
    unsettled: dict[tuple[str, str, str], tuple[InputFile, str]] = field(default_factory=dict)
    new_unsettled: list[tuple[InputFile, str]] = field(default_factory=list)

    def begin(self, inputs: Sequence[InputFile]) -> ResultRecord:
        """Plan these inputs and take them; returns the result that counts."""
        batch = batch_id(inputs, self.report.clock(), self.claim.moment)
        plan = PlanRecord(self.origin(batch), tuple(inputs))
        try:
            self.ledger.write(plan)
            self.claim.change((*self.claim.open, batch))
        except ChangedError as error:
            raise self.taken_over(None) from error
        return self.take(plan)

    def resume(self, batch: str) -> ResultRecord:
        """Finish a batch that an earlier run began."""
        entry = self.ledger.entry(batch)
        at = "read" if entry.result is None else "settle"
        self.report.say("resumed", batch=batch, at=at)
        if entry.result is None:
            return self.take(entry.plan)
        if entry.done is not None:
            self.free(batch)
            return entry.result
        before = self.ledger.find_unsettled(batch)
        watch = Watch(dict(entry.result.seconds))
        return self.finish(entry.plan, entry.result, watch, before=before)

    def take(self, plan: PlanRecord) -> ResultRecord:
        watch = Watch()
        age = self.report.age(plan.inputs)
        with watch.phase("read"):
            read = self.engine.read(plan.origin.batch, plan.inputs)
        try:
            self.judge(plan, read)
            with watch.phase("write"):
                stage = self.stage(read)
        finally:
            self.engine.release(read)
        result = self.commit(self.result(plan, read, stage, watch))
        return self.finish(plan, result, watch, age=age)

    def judge(self, plan: PlanRecord, read: ReadBatch) -> None:
        """Raise when so many files are bad that it is rather the columns that are wrong."""
        bounds = self.args.bounds
        bad = [
            (file, outcome)
            for file, outcome in zip(plan.inputs, read.outcomes, strict=True)
            if outcome.reason and not outcome.unread
        ]
        if not bounds.are_exceeded_by(len(bad), len(plan.inputs)):
            return
        file, outcome = bad[0]
        raise TooManyBadFilesError(
            f"{len(bad)} of {len(plan.inputs)} files of batch {plan.origin.batch} are bad, the "
            f"first is {file.key}: {outcome.reason} Nothing was loaded or moved. Correct the "
            f"columns of pipeline {self.args.pipeline} and deploy, or delete these versions from "
            "landing by their ids (without one, S3 keeps them and they are read again); the next "
            "run starts the batch again."
        )

    def stage(self, read: ReadBatch) -> Stage:
        """Write the rows where no reader looks."""
        if not any(outcome.rows for outcome in read.outcomes):
            return Stage()
        attempt = secrets.token_hex(8)
        written = self.engine.write(read, stage_uri(self.args.curated_uri, read.batch, attempt))
        return Stage(attempt, self.curated.staged(read.batch, attempt), written.rows)

    def result(
        self,
        plan: PlanRecord,
        read: ReadBatch,
        stage: Stage,
        watch: Watch,
    ) -> ResultRecord:
        batch = plan.origin.batch
        files = tuple(
            self._file_result(batch, file, outcome)
            for file, outcome in zip(plan.inputs, read.outcomes, strict=True)
        )
        return ResultRecord(
            origin=self.origin(batch),
            output=output_uri(self.args.curated_uri, batch) if stage.attempt else None,
            rows=sum(file.rows for file in files),
            bytes=read.bytes,
            seconds=dict(watch.seconds),
            files=files,
            attempt=stage.attempt,
            staged=stage.files,
            rows_written=stage.rows,
        )

    def commit(self, result: ResultRecord) -> ResultRecord:
        """Write the result, unless another run has decided; returns the one that counts."""
        batch = result.origin.batch
        try:
            self.ledger.write(result)
        except ChangedError as error:
            if not self.claim.is_held():
                raise self.taken_over(batch) from error
            return self.ledger.read_result(batch)
        return result

    def finish(
        self,
        plan: PlanRecord,
        result: ResultRecord,
        watch: Watch,
        *,
        age: float | None = None,
        before: UnsettledRecord | None = None,
    ) -> ResultRecord:
        """Everything after the commit. before: what an earlier run could not settle."""
        batch = plan.origin.batch
        if result.replaced_by is not None:
            self.curated.remove_published(batch)
            self.curated.clear(batch)
            self.done(result, missing=())
            return result
        age = self.report.age(plan.inputs) if age is None else age
        with watch.phase("settle"):
            # The record says that the rows are published, and since then perhaps removed again.
            if before is None:
                self.publish(result)
            self.settle(plan, result, before)
        self.report.batch(result, watch, age)
        return result

    def publish(self, result: ResultRecord) -> None:
        """Put the rows where readers look, and remove what any attempt staged."""
        batch = result.origin.batch
        if result.attempt is None:
            self.curated.clear(batch)
            return
        missing = self.curated.publish(batch, result.attempt, result.staged)
        if missing:
            if self.ledger.find_done(batch):
                raise self.taken_over(batch)
            raise PublishError(
                f"{len(missing)} committed files of batch {batch} are neither staged nor in "
                f"{result.output}, the first is {missing[0]!r}: somebody removed them. Restore "
                "them there (the lake bucket keeps deleted objects as earlier versions), then "
                "start the job again."
            )
        self.curated.clear(batch)

    def settle(
        self, plan: PlanRecord, result: ResultRecord, before: UnsettledRecord | None
    ) -> None:
        """Move the batch's files out of landing, and end the batch unless S3 refuses some."""
        batch = result.origin.batch
        moves = [
            self._move(file, outcome, result)
            for file, outcome in zip(plan.inputs, result.files, strict=True)
            if outcome.destination is not None
        ]
        moved = self._moved(moves)
        missing = tuple(
            move.destination
            for move, end in zip(moves, moved, strict=True)
            if end.state == "missing"
        )
        if missing:
            self.report.say("missing", batch=batch, destinations=list(missing))
        self.unreadable.update(result, self.report.clock())
        inputs = {file.identity: file for file in plan.inputs}
        refused = [
            (inputs[move.key, move.version_id], end.reason or "")
            for move, end in zip(moves, moved, strict=True)
            if end.state == "refused"
        ]
        if refused:
            self._keep_open(result, refused, before)
        else:
            self.done(result, missing=missing)

    def done(self, result: ResultRecord, *, missing: tuple[str, ...]) -> None:
        """Say that nothing is left to do for this batch, and let go of it."""
        batch = result.origin.batch
        record = DoneRecord(
            origin=self.origin(batch),
            archived=count(result, "curated"),
            quarantined=count(result, "quarantined"),
            gone=count(result, "gone"),
            unreadable=count(result, "unreadable"),
            missing=missing,
        )
        # Where another run has done the same, the next step finds out who holds the head.
        with suppress(ChangedError):
            self.ledger.write(record)
        self.free(batch)

    def free(self, batch: str) -> None:
        """The head names this batch no longer."""
        left = tuple(name for name in self.claim.open if name != batch)
        try:
            self.claim.change(left)
        except ChangedError as error:
            raise self.taken_over(batch) from error

    def remove_leftovers(self) -> None:
        """Remove what dead attempts staged: only for batches that are done, whoever did them."""
        for batch in self.curated.stages():
            if batch not in self.claim.open and self.ledger.find_done(batch):
                self.curated.clear(batch)

    def taken_over(self, batch: str | None) -> TakenOverError:
        """Why this run stops: it no longer holds the head."""
        finished = batch is None or self.ledger.find_done(batch) is not None
        found = self.ledger.read_head()
        other = (found[0].job_run_id if found else None) or "unknown"
        left = (
            "Nothing that this run began is left."
            if finished
            else f"Its batch {batch} is not finished yet; the other run goes on with it."
        )
        return TakenOverError(
            f"Another run (job run {other}) has taken over pipeline {self.args.pipeline}, so this "
            f"run stops. {left}",
            finished=finished,
        )

    def _moved(self, moves: Sequence[Move]) -> list[Moved]:
        mover = Mover(self.args.landing_bucket, self.args.lake_bucket)
        if len(moves) < SPREAD_FILES:
            return mover.move(self.s3, moves)
        parts = [moves[start : start + PART_FILES] for start in range(0, len(moves), PART_FILES)]
        return [end for part in self.engine.spread(mover.move, parts) for end in part]

    def _keep_open(
        self,
        result: ResultRecord,
        refused: Sequence[tuple[InputFile, str]],
        before: UnsettledRecord | None,
    ) -> None:
        """Put on record what S3 does not let go. The batch stays open and blocks nothing."""
        since = {file.identity: file.since for file in before.files} if before else {}
        record = UnsettledRecord(
            self.origin(result.origin.batch),
            tuple(
                UnsettledFile(
                    file.key, file.version_id, reason, since.get(file.identity, self.report.clock())
                )
                for file, reason in refused
            ),
        )
        if before is None or before.files != record.files:
            self.ledger.write_unsettled(record)
        self.unsettled.update({file.proof: (file, reason) for file, reason in refused})
        self.new_unsettled.extend(item for item in refused if item[0].identity not in since)
        bounds, total = self.args.bounds, len(result.files)
        if bounds.are_exceeded_by(len(refused), total):
            file, reason = refused[0]
            raise SettleError(
                f"S3 does not let go {len(refused)} of {total} files of batch "
                f"{result.origin.batch}, the first is {file.key!r} ({file.version_id}): {reason} "
                "Their rows are committed and nothing is lost. Correct the cause, most likely the "
                "permissions of the job's role; the next run settles them before it takes more."
            )

    def _move(self, file: InputFile, outcome: FileResult, result: ResultRecord) -> Move:
        return Move(
            key=file.key,
            version_id=file.version_id,
            etag=file.etag,
            size=file.size,
            destination=outcome.destination or "",
            reason=self._reason(outcome, result) if outcome.outcome == "quarantined" else None,
        )

    def _reason(self, file: FileResult, result: ResultRecord) -> bytes:
        origin = result.origin
        fields = {
            "key": file.key,
            "version_id": file.version_id,
            "size": file.size,
            "reason": file.reason,
            "environment": origin.environment,
            "pipeline": origin.pipeline,
            "batch": origin.batch,
            "job_run_id": origin.job_run_id,
            "at": self.report.clock().isoformat(),
            # A key is a pattern there, and a word of the shell.
            "replay": (
                "Correct the pipeline's columns, or the file (then add --with FILE): pipenv run "
                f"burst replay {origin.environment} {origin.pipeline} --quarantine "
                f"--batch {origin.batch} --key {shlex.quote(glob.escape(file.key))}"
            ),
        }
        return (json.dumps(fields, indent=1, ensure_ascii=False) + "\n").encode()

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
