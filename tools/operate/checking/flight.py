"""Sends the probes of one pipeline and follows them; what was seen is returned, not judged."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tools.operate import ids, runs
from tools.operate.checking.cleaning import Traces
from tools.operate.checking.probe import ProbeFile
from tools.operate.connection import CLOCKS_APART, Connection
from tools.operate.deployment import DeployedPipeline, Deployment
from tools.operate.draining import job_state
from tools.operate.ledger import FileResult, PipelineLedger, ResultRecord
from tools.operate.probes import BAD_ARGUMENT
from tools.operate.putting import put_file
from tools.operate.refusals import Unavailable, known_or_why
from tools.operate.runs import Run

LOOK_EVERY_SECONDS = 2.0
# How long an event may take beyond the batch window until its run is there. CloudTrail's come
# later: "within an average of about 5 minutes", without a guarantee (AWS CloudTrail user guide).
EVENT_SECONDS = 120.0
TRAIL_SECONDS = 900.0
LAST_RUNS = 25
# Glue API, WorkflowRun.Status, and JobRun.JobRunState of a run that works.
_WORKFLOW_ENDED = frozenset({"COMPLETED", "STOPPED", "ERROR"})
_AT_WORK = frozenset({"STARTING", "RUNNING"})
WAITING = "WAITING"


@dataclass(frozen=True)
class Second:
    """The run that was started while another one was at work.

    waited: whether it was seen waiting. state: of its job, as it was last.
    """

    workflow_run_id: str
    waited: bool
    state: str
    error: str | None
    ended: bool


@dataclass(frozen=True)
class Failed:
    """The run that was meant to fail, as it was last."""

    run_id: str
    state: str
    error: str | None
    ended: bool


@dataclass(frozen=True)
class Seen:
    """What became of the probes of one pipeline, as far as it was followed.

    started: the run that events started after the upload, with what started it; None where none
        came in time. started_after: seconds from the upload to the first look that showed it.
    results: of the batches that took a probe. done: those that are settled.
    run: the run that loaded the probes, as it was last. runs: all since the upload.
    second: None where none was started, with the reason in `no_second`.
    to_fail: the run that was meant to fail; None as long as none was started.
    """

    files: tuple[ProbeFile, ...]
    sent_at: datetime
    started: Run | None = None
    started_after: float = 0.0
    results: tuple[ResultRecord, ...] = ()
    done: frozenset[str] = frozenset()
    run: Run | None = None
    runs: tuple[Run, ...] = ()
    second: Second | None = None
    no_second: str = "No run was at work behind which it could wait."
    to_fail: Failed | Unavailable | None = None

    @property
    def traces(self) -> Traces:
        return Traces([file.key for file in self.files], self.results)

    def result_of(self, kind: str) -> tuple[FileResult, ResultRecord] | None:
        """What became of the good or the bad file."""
        keys = {file.key for file in self.files if file.kind == kind}
        for result in self.results:
            for file in result.files:
                if file.key in keys:
                    return file, result
        return None

    @property
    def loaded(self) -> bool:
        """Whether every probe is in a batch that is settled."""
        found = {file.key for file in self.traces.files}
        settled = all(result.origin.batch in self.done for result in self.results)
        return settled and found == {file.key for file in self.files}

    @property
    def failed(self) -> Run | None:
        """A run since the upload that ended badly."""
        return next((run for run in self.runs if run.state in runs.FAILED), None)

    @property
    def active(self) -> bool:
        """Whether a run is at work or waits."""
        return any(run.state in runs.ACTIVE for run in self.runs)


@dataclass
class Flight:
    """One pipeline's probes on their way.

    window: of the trigger, in seconds. by_trail: whether CloudTrail sends the events.
    patience: seconds after which following ends.
    pause: sleeps; raises where the user has stopped the check.
    """

    connection: Connection
    deployment: Deployment
    pipeline: DeployedPipeline
    files: Sequence[ProbeFile]
    window: int
    by_trail: bool
    patience: float
    clock: Callable[[], datetime]
    pause: Callable[[float], None]
    say: Callable[[str], None]
    seen: Seen = field(init=False)
    _known: dict[str, ResultRecord] = field(default_factory=dict, init=False)
    _looked: set[str] = field(default_factory=set, init=False)
    _second: Second | None = field(default=None, init=False)
    _no_second: str = field(default=Seen.no_second, init=False)
    _to_fail: Failed | Unavailable | None = field(default=None, init=False)
    _started: tuple[Run, float] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.seen = Seen(tuple(self.files), self.clock())

    def send(self) -> None:
        """Upload the probes as a producer would, the bad one first: both wait for one run."""
        with tempfile.TemporaryDirectory() as folder:
            for file in reversed(self.files):
                path = Path(folder) / file.kind
                path.write_bytes(file.body)
                put_file(self.connection.s3, self.deployment, path, file.key)
                self.say(f"sent {file.key}")
        self.seen = Seen(tuple(self.files), self._arrived_at())
        # While the batch window is open, so that it costs no time, and no later run has failed.
        self._to_fail = known_or_why(self._start_run_that_fails)

    def _start_run_that_fails(self) -> Failed:
        run_id = self.connection.glue.start_job_run(
            JobName=self.pipeline.job_name, Arguments=BAD_ARGUMENT
        )["JobRunId"]
        self.say(f"started the run {ids.short(run_id)}, which is to fail")
        return Failed(run_id, "STARTING", None, ended=False)

    def _arrived_at(self) -> datetime:
        """When S3 took the first probe, by its clock and not by that of this machine."""
        found = [
            version["LastModified"]
            for file in self.files
            for version in self.connection.s3.list_object_versions(
                Bucket=self.deployment.landing_bucket, Prefix=file.key
            ).get("Versions", [])
        ]
        return min(found, default=self.clock())

    def follow(self) -> Seen:
        """Look until every probe is loaded and no run is left that has to do with it."""
        began = time.monotonic()
        while True:
            waited = time.monotonic() - began
            self._look(waited)
            if self._is_over(waited):
                return self.seen
            self.pause(LOOK_EVERY_SECONDS)

    # ---- one look ------------------------------------------------------------------------------

    def _look(self, waited: float) -> None:
        found = self._runs()
        self._note_start(found, waited)
        self._note_results()
        self._look_at_second(found)
        self._look_at_failing()
        loading = {result.origin.job_run_id for result in self._known.values()}
        before = self.seen
        self.seen = Seen(
            files=before.files,
            sent_at=before.sent_at,
            started=self._started[0] if self._started else None,
            started_after=self._started[1] if self._started else 0.0,
            results=tuple(self._known.values()),
            done=frozenset(self._ledger.done_batches(list(self._known))),
            run=next((run for run in found if run.run_id in loading), None),
            runs=found,
            second=self._second,
            no_second=self._no_second,
            to_fail=self._to_fail,
        )

    def _runs(self) -> tuple[Run, ...]:
        """The runs that may have to do with the probes: not those that had ended before."""
        found = runs.last_runs(self.connection.glue, self.pipeline, last=LAST_RUNS)
        since = self.seen.sent_at - CLOCKS_APART
        ours = self._to_fail.run_id if isinstance(self._to_fail, Failed) else None
        return tuple(
            run
            for run in found
            if run.run_id != ours
            and run.started_at >= since
            and (run.ended_at is None or run.ended_at >= self.seen.sent_at - timedelta(seconds=5))
        )

    def _note_start(self, found: Sequence[Run], waited: float) -> None:
        """Remember the first run since the upload that events started."""
        if self._started:
            return
        fresh = [
            run
            for run in found
            if run.workflow_run_id
            and run.started_at >= self.seen.sent_at - timedelta(seconds=5)
            and (self._second is None or run.workflow_run_id != self._second.workflow_run_id)
        ]
        starts = runs.starts_of(
            self.connection.glue, self.pipeline, [run.workflow_run_id for run in fresh]
        )
        for run in reversed(fresh):
            start = starts.get(run.workflow_run_id or "")
            if start is not None and start.events:
                self.say(f"the run {run.shown_id} was started by {start.words}")
                self._started = (replace(run, started_by=start.words), waited)
                return

    def _note_results(self) -> None:
        names = self._ledger.batches(since=self.seen.sent_at - CLOCKS_APART)
        new = [n for n, records in names.items() if "result" in records and n not in self._looked]
        keys = {file.key for file in self.files}
        for result in self._ledger.results(new):
            self._looked.add(result.origin.batch)
            ours = any(file.key in keys for file in result.files)
            if ours and result.replaced_by is None:
                self._known[result.origin.batch] = result
                self.say(f"committed in batch {result.origin.batch}")

    def _look_at_second(self, found: Sequence[Run]) -> None:
        """Start another run while one is at work, and see whether it waits."""
        if self._second is None:
            if not any(run.state in _AT_WORK for run in found) or self._no_second_may_start:
                return
            self._start_second()
            return
        if self._second.ended:
            return
        run = self.connection.glue.get_workflow_run(
            Name=self.pipeline.workflow_name,
            RunId=self._second.workflow_run_id,
            IncludeGraph=True,
        )["Run"]
        state, error = job_state(run)
        self._second = Second(
            self._second.workflow_run_id,
            waited=self._second.waited or state == WAITING,
            state=state,
            error=error,
            ended=run["Status"] in _WORKFLOW_ENDED,
        )

    def _look_at_failing(self) -> None:
        if not isinstance(self._to_fail, Failed) or self._to_fail.ended:
            return
        run: Mapping[str, Any] = self.connection.glue.get_job_run(
            JobName=self.pipeline.job_name, RunId=self._to_fail.run_id
        )["JobRun"]
        state = run["JobRunState"]
        ended = state not in runs.ACTIVE
        self._to_fail = Failed(self._to_fail.run_id, state, run.get("ErrorMessage"), ended)

    @property
    def _no_second_may_start(self) -> bool:
        return self._no_second != Seen.no_second

    def _start_second(self) -> None:
        started = known_or_why(
            lambda: self.connection.glue.start_workflow_run(Name=self.pipeline.workflow_name)
        )
        if isinstance(started, Unavailable):
            self._no_second = started.reason
            return
        run_id = started["RunId"]
        self.say("started a second run, to see whether it waits behind the first")
        self._second = Second(run_id, waited=False, state="STARTING", error=None, ended=False)

    # ---- the end -------------------------------------------------------------------------------

    def _is_over(self, waited: float) -> bool:
        seen = self.seen
        others_ended = all(
            run.ended for run in (seen.second, seen.to_fail) if isinstance(run, Second | Failed)
        )
        run_ended = seen.run is not None and seen.run.state not in runs.ACTIVE
        if seen.loaded and seen.started and run_ended and others_ended:
            return True
        if waited > self.patience:
            return True
        event_seconds = TRAIL_SECONDS if self.by_trail else EVENT_SECONDS
        if not seen.started and waited > self.window + event_seconds:
            return not seen.active and others_ended
        # Whatever began has ended, and the probes are where they were: nothing more will come.
        return bool(seen.started and not seen.active and others_ended)

    @property
    def _ledger(self) -> PipelineLedger:
        return PipelineLedger.of(self.connection.s3, self.deployment, self.pipeline)
