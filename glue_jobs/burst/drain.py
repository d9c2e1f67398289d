"""Drain landing: batch after batch, until there is nothing left to take.

    look      which batches an earlier run left open: one record says so
    resume    finish them
    list      every version that lies in landing
    take      batch after batch, see batch_run.py
    look into which file is it? For batches that failed, when all others are done; suspects.py

What S3 refuses stays in landing, is recorded, and stops nothing. Every step may be repeated any
number of times, by any run: each run begins where the one before it was interrupted, and a run
whose place another one has taken can do no harm.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from burst.batch import InputFile, batches
from burst.batch_run import BatchRun
from burst.contract import LEDGER, JobSpec, folder
from burst.curated import curated_at
from burst.errors import RowEngineError, SettleError, TooManyUnreadableFilesError
from burst.landing import Landing, Listing, joined
from burst.ledger import Claim, Ledger, Origin, ResultRecord, Unreadable
from burst.metrics import Metrics, NoMetrics
from burst.report import Report, Summary
from burst.row_engine import RowEngine
from burst.time_budget import TimeBudget

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_DIED = "Each run that worked on them died."

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The time of day, in UTC."""
    return datetime.now(UTC)


def drain(
    args: JobSpec,
    *,
    s3: S3Client,
    engine: RowEngine,
    clock: Clock = utc_now,
    metrics: Metrics | None = None,
) -> Summary:
    """Take everything that lies in landing, and what arrives meanwhile.

    Returns when a listing of landing shows nothing that can be taken, or when there is no time for
    another batch: the summary says how much waits then. Raises BurstError when the run has to stop;
    what was committed until then stays, and the next run goes on from there.
    """
    landing = Landing(s3, args.landing_bucket, args.prefix, args.suffix)
    landing.must_be_versioned()
    return _Drain(_batch_run(args, s3, engine, clock, metrics or NoMetrics()), landing).run()


def _batch_run(
    args: JobSpec, s3: S3Client, engine: RowEngine, clock: Clock, metrics: Metrics
) -> BatchRun:
    def origin(batch: str) -> Origin:
        return Origin(
            batch=batch,
            pipeline=args.pipeline,
            environment=args.environment,
            transform=args.transform,
            job_run_id=args.job_run_id,
            workflow_run_id=args.workflow_run_id,
            at=clock(),
        )

    ledger = Ledger(s3, args.lake_bucket, args.pipeline, args.environment)
    return BatchRun(
        args=args,
        s3=s3,
        engine=engine,
        origin=origin,
        report=Report(args.environment, args.pipeline, metrics, clock),
        ledger=ledger,
        claim=Claim(ledger, origin, uuid.uuid4().hex),
        curated=curated_at(args.curated_uri, s3),
        unreadable=Unreadable(
            s3, args.landing_bucket, args.lake_bucket, args.pipeline, args.environment
        ),
    )


@dataclass(frozen=True)
class _Look:
    """What a look at landing found, and what of it S3 refuses to give or to let go."""

    listing: Listing
    unreadable: tuple[InputFile, ...] = ()
    unsettled: tuple[InputFile, ...] = ()


@dataclass
class _Drain:
    """One run. taken: what it has planned so far."""

    batch_run: BatchRun
    landing: Landing
    summary: Summary = field(default=Summary(), init=False)
    taken: set[InputFile] = field(default_factory=set, init=False)
    left: tuple[InputFile, ...] = field(default=(), init=False)
    look: _Look = field(default=_Look(Listing((), 0)), init=False)

    def __post_init__(self) -> None:
        args = self.batch_run.args
        self.bounds = args.bounds
        self.claim = self.batch_run.claim
        self.report = self.batch_run.report
        self.unreadable = self.batch_run.unreadable
        self.suspects = self.batch_run.suspects
        self.budget = TimeBudget(args.time, self.report.clock())

    def run(self) -> Summary:
        self.claim.look()
        self.resume_all()
        while not self.left and (self.take_what_lies_there() or self.look_into_failures()):
            pass
        self.conclude(self.look)
        self.judge_failures()
        if self.claim.taken:
            self.batch_run.remove_leftovers()
        self.report.end(self.summary)
        self.judge_refusals()
        return self.summary

    def resume_all(self) -> None:
        """Finish every batch that an earlier run left open, as soon as the head is ours."""
        while (self.claim.open or self.claim.headless) and not self.claim.taken:
            self.claim.take()
        for batch in self.claim.open:
            if result := self.batch_run.resume(batch):
                self.count(result, resumed=True)

    def take_what_lies_there(self) -> bool:
        """One look at landing, and its batches; whether there may be more."""
        failed = {file.proof for file in self.suspects.inputs()}
        known = failed | set(self.batch_run.unsettled)
        listing = joined(self.pages(known))
        unsettled = [file for file in listing.files if file.proof in self.batch_run.unsettled]
        files = [file for file in listing.files if file.proof not in known]
        fresh, unreadable = self.unreadable.split(files)
        if fresh and not self.claim.taken and not self.claim.take():
            # Another run has been at work since the head was read, so the listing may be too old.
            self.resume_all()
            return True
        self._must_be_new(fresh)
        for inputs in batches(
            fresh, max_files=self.bounds.max_files, max_bytes=self.bounds.max_bytes
        ):
            if self.left or self.is_out_of_time():
                self.left += inputs
            else:
                self.begin(inputs)
        self.look = _Look(listing, unreadable, tuple(unsettled))
        return bool(fresh) and not self.left

    def pages(self, known: Set[tuple[str, str, str]]) -> Iterator[Listing]:
        """What lies in landing, page by page. Meanwhile the engine starts, where this run will
        take any of it. known: by identity and etag, the files that no new batch takes."""
        for page in self.landing.pages():
            fresh = (file for file in page.files if file.proof not in known)
            if any(file not in self.unreadable for file in fresh) and not self.is_out_of_time():
                self.batch_run.engine.warm_up()
            yield page

    def is_out_of_time(self) -> bool:
        """Whether there is no time for another batch."""
        return self.budget.is_spent(self.report.clock())

    def look_into_failures(self) -> bool:
        """Find the files for which batches failed; whether anything was done."""
        done = False
        while not self.left and (chosen := self.suspects.next()):
            if self.is_out_of_time():
                self.left = self.suspects.inputs()
                return False
            suspect, step = chosen
            self.settled(suspect.plan.inputs, self.batch_run.investigate(suspect, step))
            done = True
        return done

    def begin(self, inputs: Sequence[InputFile]) -> None:
        self.settled(inputs, self.batch_run.begin(inputs))

    def settled(self, inputs: Sequence[InputFile], result: ResultRecord | None) -> None:
        if result is None:
            return
        self.count(result)
        # A batch that was closed before its commit took nothing.
        if result.replaced_by is None:
            self.taken.update(inputs)

    def conclude(self, look: _Look) -> None:
        """What the last look at landing found that this run does not take."""
        unreadable, unsettled = look.unreadable, look.unsettled
        self.unreadable.keep(look.listing.files)
        self.summary = replace(
            self.summary,
            left_unreadable=len(unreadable),
            left_unsettled=len(unsettled),
            delete_markers=look.listing.delete_markers,
            waiting_files=len(self.left),
            waiting_bytes=sum(file.size for file in self.left),
        )
        if unreadable:
            reasons = [(file, self.unreadable.reason(file)) for file in unreadable]
            record = f"s3://{self.batch_run.args.lake_bucket}/{self.unreadable.key}"
            self.report.refused("unreadable", reasons, record)
        if unsettled:
            refused = [self.batch_run.unsettled[file.proof] for file in unsettled]
            self.report.refused("unsettled", refused, self._unsettled_records())
        failed = () if self.left else self.suspects.inputs()
        self.report.rest([*self.left, *failed], unreadable, unsettled)

    def count(self, result: ResultRecord, *, resumed: bool = False) -> None:
        before = len(self.summary.batches)
        self.summary = self.summary.plus(result)
        if resumed:
            added = len(self.summary.batches) - before
            self.summary = replace(self.summary, resumed=self.summary.resumed + added)

    def judge_failures(self) -> None:
        """Raise when batches failed, and no file is known to be why."""
        if self.left or not (suspects := self.suspects.all()):
            return
        args, last = self.batch_run.args, suspects[-1]
        batch = last.plan.origin.batch
        files = len(self.suspects.inputs())
        nothing_else = (
            f"Nor could a row that was made up ({self.suspects.probe_error}),"
            if self.suspects.probed is False
            else "No other file was loaded in their place,"
        )
        raise RowEngineError(
            f"{files} files could not be loaded: {last.attempts.error or _DIED} {nothing_else} "
            "so the cause is most likely not a file, and nothing was set aside. Correct the "
            "transform, the permissions or the job's size; the next run "
            f"tries them again. If the file of batch {batch} is wrong: `burst set-aside "
            f"{args.environment} {args.pipeline} --batch {batch}`."
        )

    def judge_refusals(self) -> None:
        """Raise for what a person must hear of: files that could not be removed from landing, or so
        many that cannot be read that the job's permissions are wrong.

        Here nothing is stopped: what could be read is loaded, the rest is on record.
        """
        if new := self.batch_run.new_unsettled:
            file, reason = new[0]
            raise SettleError(
                f"S3 does not let go {len(new)} files that are loaded, the first is {file.key!r} "
                f"({file.version_id}): {reason} All are listed in {self._unsettled_records()}. "
                "Nothing is lost and nothing else waits for them. Correct the cause; each run "
                "tries them again."
            )
        count = self.summary.unreadable_files
        if self.bounds.are_exceeded_by(count, self.summary.files):
            args = self.batch_run.args
            raise TooManyUnreadableFilesError(
                f"S3 refused to let the job read {count} of {self.summary.files} files. They stay "
                f"in landing, with their reasons in s3://{args.lake_bucket}/{self.unreadable.key}; "
                "the other files are loaded. Correct the cause, most likely the permissions of the "
                "job's role; each run tries them again."
            )

    def _unsettled_records(self) -> str:
        args = self.batch_run.args
        return f"s3://{args.lake_bucket}/{folder(LEDGER, args.pipeline)}<batch>/unsettled.json"

    def _must_be_new(self, files: Sequence[InputFile]) -> None:
        """Raise when landing still lists what this run took, or it would take it for ever."""
        if back := [file for file in files if file in self.taken]:
            bucket = self.batch_run.args.landing_bucket
            raise SettleError(
                f"{len(back)} versions are still in {bucket} although this run settled them, the "
                f"first is {back[0].key!r} ({back[0].version_id}): S3 lists them but says that "
                "they do not exist. Look at these objects, then start the job again."
            )
