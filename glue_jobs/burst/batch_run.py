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
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from burst.batch import InputFile, batch_id, destination, output_uri, stage_uri
from burst.contract import JobSpec
from burst.curated import Curated
from burst.drift import Drift, rescued
from burst.errors import (
    ConnectionFailedError,
    EngineLostError,
    PublishError,
    RowEngineError,
    SettleError,
    TakenOverError,
    TooManyBadFilesError,
    TransformError,
)
from burst.ledger import (
    AttemptsRecord,
    BadFile,
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
from burst.report import MAX_NAMED, Report, Watch, count
from burst.row_engine import FileOutcome, ReadBatch, RowEngine
from burst.s3 import ChangedError, threads_each
from burst.settle import Move, Moved, Mover
from burst.suspects import Step, Suspect, Suspects, is_suspect

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# From this many files on it is worth sending the copies to Spark's workers.
SPREAD_FILES = 1000
PART_FILES = 500
# An error names at most this many files.
MAX_SHOWN = 5
_SILENT_END = (
    "Each run that worked on it ended without an error, perhaps for lack of memory or time."
)


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
    suspects: Suspects = field(default_factory=Suspects)
    unsettled: dict[tuple[str, str, str], tuple[InputFile, str]] = field(default_factory=dict)
    new_unsettled: list[tuple[InputFile, str]] = field(default_factory=list)

    def begin(self, inputs: Sequence[InputFile]) -> ResultRecord | None:
        """Plan these inputs and take them; returns the result that counts, None if it failed."""
        batch = batch_id(inputs, self.report.clock(), self.claim.moment)
        plan = PlanRecord(self.origin(batch), tuple(inputs))
        try:
            self.ledger.write(plan)
            self.claim.change((*self.claim.open, batch))
        except ChangedError as error:
            raise self.taken_over(None) from error
        return self.take(plan)

    def resume(self, batch: str) -> ResultRecord | None:
        """Finish a batch that an earlier run began; None if it failed, or failed too often."""
        entry = self.ledger.entry(batch)
        at = "read" if entry.result is None else "settle"
        self.report.say("resumed", batch=batch, at=at)
        if entry.result is None:
            return self.try_again(entry.plan)
        if entry.done is not None:
            self.free(entry.result)
            return entry.result
        before = self.ledger.find_unsettled(batch)
        watch = Watch(dict(entry.result.seconds))
        return self.finish(entry.plan, entry.result, watch, before=before)

    def try_again(self, plan: PlanRecord) -> ResultRecord | None:
        """Take a batch that a run did not finish, unless that happened too often."""
        batch = plan.origin.batch
        # The first attempt of a batch leaves no record; a part of one has had none yet.
        attempts = self.ledger.find_attempts(batch) or AttemptsRecord(
            self.origin(batch), begun=0 if plan.part_of else 1
        )
        if is_suspect(plan, attempts.begun):
            self.suspects.add(Suspect(plan, attempts, self._set_aside_by(plan)))
            return None
        return self.take(plan, self._begun(plan, attempts))

    def take(self, plan: PlanRecord, attempts: AttemptsRecord | None = None) -> ResultRecord | None:
        """Read, write, commit and settle; None when it failed, and is one of the suspects now.

        attempts: with the one that begins now; None for the first.
        """
        watch, age = Watch(), self.report.age(plan.inputs)
        attempts = attempts or AttemptsRecord(self.origin(plan.origin.batch), begun=1)
        while True:
            try:
                result = self.attempt(plan, attempts, watch)
                break
            except (TransformError, EngineLostError, ConnectionFailedError):
                # It says nothing about the files.
                self.ledger.replace(replace(attempts, begun=attempts.begun - 1))
                raise
            except RowEngineError as error:
                attempts = self._failed(plan, attempts, error)
                if is_suspect(plan, attempts.begun):
                    suspect = Suspect(plan, attempts, tried=True)
                    self.suspects.add(suspect)
                    return None
                attempts = self._begun(plan, attempts)
        committed = self.commit(result)
        if committed is result and result.rows:
            self.suspects.loaded = True
        return self.finish(plan, committed, watch, age=age)

    def attempt(self, plan: PlanRecord, attempts: AttemptsRecord, watch: Watch) -> ResultRecord:
        """Read and stage the batch; returns what is to be committed."""
        with watch.phase("read"):
            read = self.engine.read(plan.origin.batch, plan.inputs)
        try:
            self.judge(plan, read, attempts)
            with watch.phase("write"):
                stage = self.stage(read)
        finally:
            self.engine.release(read)
        return self.result(plan, read, stage, watch)

    def investigate(self, suspect: Suspect, step: Step) -> ResultRecord | None:
        """One step with a batch that failed; returns its result, None if it has none yet."""
        if step == "probe":
            self._probe(suspect.plan.origin.batch)
            return None
        self.suspects.remove(suspect.plan.origin.batch)
        if step == "halve":
            return self._halve(suspect)
        if step == "convict":
            return self._convict(suspect)
        return self.take(suspect.plan, self._begun(suspect.plan, suspect.attempts))

    def judge(self, plan: PlanRecord, read: ReadBatch, attempts: AttemptsRecord) -> None:
        """Raise when so many files are bad that the columns are probably wrong."""
        bad = tuple(
            BadFile(file.key, file.version_id, outcome.reason)
            for file, outcome in zip(plan.inputs, read.outcomes, strict=True)
            if outcome.reason and not outcome.unread
        )
        if not self.args.bounds.are_exceeded_by(len(bad), len(plan.inputs)):
            return
        batch = plan.origin.batch
        left = self._not_set_aside(bad, (batch, plan.family))
        if not self.args.bounds.are_exceeded_by(len(left), len(plan.inputs)):
            return
        # The attempt came to an end, so it does not count as one that failed.
        self.ledger.replace(AttemptsRecord(attempts.origin, begun=0, files=bad))
        raise self._too_many(batch, bad, len(plan.inputs), "Nothing of it was loaded or moved.")

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
        self.tell_of_drift(result)
        with watch.phase("settle"):
            # The record says that the rows are published, and since then perhaps removed again.
            if before is None:
                self.publish(result)
            self.settle(plan, result, before)
        self.report.batch(result, watch, age)
        return result

    def tell_of_drift(self, result: ResultRecord) -> None:
        """Once a day, the names of what the columns do not take: before the batch is settled, so
        that a run which dies is followed by one that tells."""
        told = Drift(self.s3, self.args.lake_bucket, self.args.pipeline)
        if told.tell(result, self.report.clock()):
            self.report.say("drift", batch=result.origin.batch, rows=rescued(result))

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
        self.free(result)

    def free(self, result: ResultRecord) -> None:
        """The head names this batch no longer, and in its place the parts that replace it."""
        batch = result.origin.batch
        others = tuple(name for name in self.claim.open if name != batch)
        left = (*others, *(result.replaced_by or ()))
        try:
            self.claim.change(left)
        except ChangedError as error:
            raise self.taken_over(batch) from error
        for part in result.replaced_by or ():
            self.resume(part)

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
            return mover.move(self.s3, moves, threads_each(1))
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
            self.ledger.replace(record)
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

    def _begun(self, plan: PlanRecord, attempts: AttemptsRecord) -> AttemptsRecord:
        """Put on record that one more attempt begins, as the run may not survive it."""
        files = attempts.files
        if len(plan.inputs) == 1 and attempts.begun and not files:
            [file] = plan.inputs
            files = (BadFile(file.key, file.version_id, _SILENT_END),)
        record = replace(
            attempts,
            origin=self.origin(plan.origin.batch),
            begun=attempts.begun + 1,
            proven=attempts.proven or self.suspects.works,
            files=files,
        )
        self.ledger.replace(record)
        return record

    def _failed(
        self, plan: PlanRecord, attempts: AttemptsRecord, error: RowEngineError
    ) -> AttemptsRecord:
        """Put on record that an attempt ended with an error."""
        files: tuple[BadFile, ...] = ()
        if len(plan.inputs) == 1:
            [file] = plan.inputs
            files = (BadFile(file.key, file.version_id, error.cause),)
        record = replace(attempts, failed=attempts.failed + 1, error=error.cause, files=files)
        self.ledger.replace(record)
        self.report.say(
            "failed",
            batch=plan.origin.batch,
            files=len(plan.inputs),
            attempts=record.begun,
            error=error.cause,
        )
        return record

    def _probe(self, batch: str) -> None:
        """Find out whether this run can load anything, with a row that was made up.

        What it stages lies with what the batch's attempts staged, and is removed with it.
        """
        target = stage_uri(self.args.curated_uri, batch, secrets.token_hex(8))
        error = None
        try:
            read = self.engine.made_up(batch)
            try:
                self.engine.write(read, target)
            finally:
                self.engine.release(read)
        except ConnectionFailedError:
            raise
        except RowEngineError as failed:
            error = failed.cause
        self.suspects.probed, self.suspects.probe_error = error is None, error
        self.report.say("probed", batch=batch, loaded=error is None, error=error)

    def _halve(self, suspect: Suspect) -> ResultRecord:
        """Two batches take the place of this one: both are planned before it is closed."""
        plan, middle = suspect.plan, len(suspect.plan.inputs) // 2
        batch, parts = plan.origin.batch, []
        for inputs in (plan.inputs[:middle], plan.inputs[middle:]):
            part = batch_id(inputs, self.report.clock(), self.claim.run)
            self.ledger.write(
                PlanRecord(
                    self.origin(part),
                    inputs,
                    part_of=plan.family,
                    part_of_files=plan.family_files,
                )
            )
            parts.append(part)
        self.report.say("halved", batch=batch, parts=parts, error=suspect.attempts.error)
        closed = ResultRecord(
            self.origin(batch), None, 0, 0, {}, files=(), replaced_by=tuple(parts)
        )
        return self.finish(plan, self.commit(closed), Watch())

    def _convict(self, suspect: Suspect) -> ResultRecord:
        """The single file of this batch goes to quarantine."""
        plan, attempts = suspect.plan, suspect.attempts
        [file] = plan.inputs
        reason = f"This file cannot be loaded: {attempts.error or _SILENT_END} " + (
            f"{suspect.set_aside_by} set it aside."
            if suspect.set_aside_by
            else f"It was tried alone, {attempts.begun} times with its batch, also by a run that "
            "could load other rows. A file that needs more memory or time than the job has fails "
            f"like this, too; this one has {file.size} bytes."
        )
        self._must_not_be_one_of_many(suspect, BadFile(file.key, file.version_id, reason))
        batch = plan.origin.batch
        self.report.say("set_aside", batch=batch, key=file.key, reason=reason)
        result = ResultRecord(
            origin=self.origin(batch),
            output=None,
            rows=0,
            bytes=file.size,
            seconds={},
            files=(self._file_result(batch, file, FileOutcome(0, reason)),),
            rows_written=0,
        )
        return self.finish(plan, self.commit(result), Watch())

    def _must_not_be_one_of_many(self, suspect: Suspect, bad: BadFile) -> None:
        """Raise when so many files of the batch as it was planned failed alone that it is rather
        the transform that is wrong."""
        plan, family = suspect.plan, suspect.plan.family
        before = self.ledger.find_attempts(family) or AttemptsRecord(self.origin(family), begun=1)
        found = {file.identity: file for file in (*before.files, bad)}
        files = tuple(found.values())
        if plan.part_of and files != before.files:
            self.ledger.replace(replace(before, files=files))
        left = [] if suspect.set_aside_by else self._not_set_aside(files, (family,))
        if self.args.bounds.are_exceeded_by(len(left), plan.family_files):
            others = "Those that could be loaded are loaded."
            raise self._too_many(family, files, plan.family_files, others)

    def _too_many(
        self, batch: str, bad: Sequence[BadFile], files: int, rest: str
    ) -> TooManyBadFilesError:
        record = f"s3://{self.args.lake_bucket}/{self.ledger.key(batch, 'attempts')}"
        named = [vars(file) for file in bad[:MAX_NAMED]]
        self.report.say("stopped", batch=batch, count=len(bad), files=named, all=record)
        shown = "; ".join(f"{file.key}: {file.reason:.200}" for file in bad[:MAX_SHOWN])
        more = f"; and {len(bad) - MAX_SHOWN} more, listed in {record}" if bad[MAX_SHOWN:] else ""
        where = f"{self.args.environment} {self.args.pipeline}"
        return TooManyBadFilesError(
            f"{len(bad)} of {files} files of batch {batch} are bad: {shown}{more}. {rest} If the "
            f"columns or the transform of pipeline {self.args.pipeline} are wrong, correct them "
            f"and deploy. If the files are wrong: `burst set-aside {where} --batch {batch}`. The "
            "next run starts the batch again."
        )

    def _not_set_aside(self, bad: Sequence[BadFile], batches: Sequence[str]) -> list[BadFile]:
        """Those of these files that nobody has given up."""
        records = [self.ledger.find_set_aside(batch) for batch in dict.fromkeys(batches)]
        given_up = {file for record in records if record for file in record.files}
        return [file for file in bad if file.identity not in given_up]

    def _set_aside_by(self, plan: PlanRecord) -> str | None:
        """Who gave up the single file of this batch."""
        if len(plan.inputs) > 1:
            return None
        for batch in dict.fromkeys((plan.origin.batch, plan.family)):
            record = self.ledger.find_set_aside(batch)
            if record and plan.inputs[0].identity in record.files:
                return record.by
        return None

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
            rescued={} if outcome.reason else outcome.rescued,
        )
