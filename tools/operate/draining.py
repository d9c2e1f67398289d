"""Starts a run and follows it to its end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from tools.operate import history, ids, runs, waiting
from tools.operate.connection import CLOCKS_APART, Connection
from tools.operate.deployment import DeployedPipeline, Deployment
from tools.operate.errors import SIGNALLED, StoppedError
from tools.operate.ledger import PipelineLedger, planned_at

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient

LOOK_EVERY_SECONDS = 2.0
# Glue API, StartWorkflowRun: the workflow's limit of concurrent runs.
_FULL = "ConcurrentRunsExceededException"
# Glue API, WorkflowRun.Status.
_ACTIVE = frozenset({"RUNNING", "STOPPING"})


@dataclass(frozen=True)
class RunProgress:
    """A run on its way. state: of the job; files: in the batches committed so far.

    seconds: since its start. waited: files that waited when it began, up to the number that is
    counted. behind: the run for whose end it waits, if it does.
    """

    workflow_run_id: str
    state: str
    seconds: float
    batches: int
    files: int
    waited: int
    behind: str | None = None


@dataclass(frozen=True)
class Drained:
    """How a run ended.

    seconds: from its start to its end, as Glue says. left: files that wait now, because they came
    late or time was up. ahead: batches of the run for whose end it waited, committed meanwhile.
    """

    workflow_run_id: str
    state: str
    error: str | None
    seconds: float
    batches: tuple[history.Batch, ...]
    left: int
    ahead: tuple[history.Batch, ...] = ()

    @property
    def succeeded(self) -> bool:
        return self.state == "SUCCEEDED"

    @property
    def clean(self) -> bool:
        """Whether it succeeded, and no file went bad, in it or in the run that was before it."""
        return self.succeeded and not self.bad_files and not self.bad_ahead

    @property
    def files(self) -> int:
        return sum(batch.files for batch in self.batches)

    @property
    def rows(self) -> int:
        return sum(batch.rows for batch in self.batches)

    @property
    def bad_files(self) -> int:
        return sum(batch.bad_files for batch in self.batches)

    @property
    def bad_ahead(self) -> int:
        """Files that went bad in the run for whose end it waited: they waited as this one began."""
        return sum(batch.bad_files for batch in self.ahead)

    @property
    def gone_files(self) -> int:
        return sum(batch.gone_files for batch in self.batches)


Report = Callable[[RunProgress], None]
Say = Callable[[str], None]


def ignore_progress(progress: RunProgress) -> None:
    """For callers that do not show it."""


def say_nothing(text: str) -> None:
    """For callers that do not print it."""


@dataclass(frozen=True)
class Drain:
    """One run of a pipeline, started by hand. say: reports what happens around the run."""

    connection: Connection
    deployment: Deployment
    pipeline: DeployedPipeline
    clock: Callable[[], datetime]
    report: Report = ignore_progress
    say: Say = say_nothing
    sleep: Callable[[float], None] = time.sleep

    def start(self) -> str:
        """Start a run; while the workflow is full, wait for one of its runs to end."""
        glue = self.connection.glue
        while True:
            try:
                return glue.start_workflow_run(Name=self.pipeline.workflow_name)["RunId"]
            except ClientError as error:
                if error.response["Error"]["Code"] != _FULL:
                    raise
            self._wait_for_room()

    def follow(self, run_id: str) -> Drained:
        """Look at the run until it ends. Raises `StoppedError` on a signal; the run goes on."""
        try:
            # Said in here: from now on Ctrl-C has an answer that names the run.
            self.say(f"Started the run {ids.short(run_id)}. Ctrl-C stops following, not the run.")
            return self._follow(run_id)
        except SIGNALLED as stop:
            raise StoppedError(
                f"Stopped following. The run {ids.short(run_id)} goes on; `burst inspect "
                f"{self.deployment.environment} {self.pipeline.name} {ids.short(run_id)}` shows "
                "how it ends.",
                stop,
            ) from None

    def _follow(self, run_id: str) -> Drained:
        s3 = self.connection.s3
        since = self._since()
        waited = waiting.look(s3, self.deployment, self.pipeline).files
        committed: dict[str, history.Batch] = {}
        behind: str | None = None
        while True:
            run = self._workflow_run(run_id)
            self._add_committed(committed, since)
            state, error = job_state(run)
            seconds = took(run, self.clock())
            own = _of(committed, run_id)
            batches = tuple(replace(batch, started_by=runs.BY_HAND) for batch in own)
            files = sum(batch.files for batch in batches)
            waits = state == "WAITING"
            if waits:
                behind = runs.run_ahead(self.connection.glue, self.pipeline, run_id) or behind
            self.report(
                RunProgress(
                    run_id, state, seconds, len(batches), files, waited, behind if waits else None
                )
            )
            if run["Status"] not in _ACTIVE:
                left = waiting.look(s3, self.deployment, self.pipeline).files
                ahead = _of(committed, behind) if behind else ()
                return Drained(run_id, state, error, round(seconds, 1), batches, left, ahead)
            self.sleep(LOOK_EVERY_SECONDS)

    def _since(self) -> datetime:
        """When the oldest batch was planned that this run may finish."""
        begun = [planned_at(plan.origin.batch) for plan, _ in self._ledger.open_batches()]
        return min([self.clock() - CLOCKS_APART, *begun])

    def _add_committed(self, committed: dict[str, history.Batch], since: datetime) -> None:
        names = self._ledger.batches(since=since)
        new = [
            name for name, records in names.items() if "result" in records and name not in committed
        ]
        for result in self._ledger.results(new):
            if result.replaced_by is None:
                settled = "done" in names[result.origin.batch]
                batch = history.summary(result, settled=settled)
                committed[batch.batch] = batch

    @property
    def _ledger(self) -> PipelineLedger:
        return PipelineLedger.of(self.connection.s3, self.deployment, self.pipeline)

    def _workflow_run(self, run_id: str) -> Mapping[str, Any]:
        return self.connection.glue.get_workflow_run(
            Name=self.pipeline.workflow_name, RunId=run_id, IncludeGraph=True
        )["Run"]

    def _wait_for_room(self) -> None:
        active = _active(self.connection.glue, self.pipeline)
        self.say(
            f"The workflow {self.pipeline.workflow_name} has as many runs as it may have"
            + (f" ({', '.join(map(ids.short, active))})" if active else "")
            + ": waiting for one to end."
        )
        while active and set(active) <= set(_active(self.connection.glue, self.pipeline)):
            self.sleep(LOOK_EVERY_SECONDS)
        if not active:
            self.sleep(LOOK_EVERY_SECONDS)


def _of(committed: Mapping[str, history.Batch], run_id: str) -> tuple[history.Batch, ...]:
    return tuple(batch for batch in committed.values() if batch.workflow_run_id == run_id)


def _active(glue: GlueClient, pipeline: DeployedPipeline) -> list[str]:
    found = runs.workflow_runs(glue, pipeline)
    return [run["WorkflowRunId"] for run in found if run.get("Status") in _ACTIVE]


def job_state(workflow_run: Mapping[str, Any]) -> tuple[str, str | None]:
    """The state of the run's job, and why it failed.

    A workflow run is COMPLETED also when its job failed, so the job is what counts. Without a job
    run the state is the workflow's own.
    """
    jobs = list(_job_runs(workflow_run))
    if not jobs:
        return str(workflow_run["Status"]), workflow_run.get("ErrorMessage")
    worst = next((job for job in jobs if job["JobRunState"] in runs.FAILED), jobs[-1])
    return str(worst["JobRunState"]), worst.get("ErrorMessage")


def took(workflow_run: Mapping[str, Any], now: datetime) -> float:
    """Seconds from the start of the run's job to its end, or until now.

    Of the job, as `burst status` and `burst inspect` count; a workflow that has started none by now
    counts by itself.
    """
    jobs = list(_job_runs(workflow_run)) or [workflow_run]
    starts: list[datetime] = [job["StartedOn"] for job in jobs]
    ends: list[datetime] = [job.get("CompletedOn") or now for job in jobs]
    return max(0.0, (max(ends) - min(starts)).total_seconds())


def _job_runs(workflow_run: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for node in (workflow_run.get("Graph") or {}).get("Nodes", []):
        yield from (node.get("JobDetails") or {}).get("JobRuns", [])
