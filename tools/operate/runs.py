"""The last runs of a pipeline's job, and what started them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from tools.operate import ids
from tools.operate.connection import THREADS
from tools.operate.deployment import DeployedPipeline, Deployment
from tools.operate.errors import InputError
from tools.operate.history import Batch
from tools.operate.ledger import planned_at
from tools.operate.probes import BAD_ARGUMENT
from tools.operate.words import count

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient

# Glue API, JobRun.JobRunState.
ACTIVE = frozenset({"STARTING", "RUNNING", "STOPPING", "WAITING"})
FAILED = frozenset({"FAILED", "TIMEOUT", "ERROR", "EXPIRED"})

# Among which the one that runs is looked for.
LAST_RUNS = 10
BY_HAND = "by hand"
BY_CHECK = "burst check"
SWEEP = "sweep"
# From S3 to Glue by EventBridge: seconds as a rule, this for certain.
EVENTS_TAKE = timedelta(minutes=2)
EVENT_IDS = "aws:eventIds"


@dataclass(frozen=True)
class Run:
    """One run of the job.

    seconds: that Glue bills (JobRun.ExecutionTime: without the start of the workers), and not how
    long it took. started_by: None where unknown. files: in its committed batches, None where they
    were not read; more_files: it has committed earlier batches, too, or may have. of_check: whether
    `burst check` started it so that it fails.
    """

    run_id: str
    state: str
    started_at: datetime
    ended_at: datetime | None
    seconds: int
    error: str | None
    workflow_run_id: str | None
    started_by: str | None = None
    files: int | None = None
    more_files: bool = False
    of_check: bool = False

    def took(self, now: datetime) -> float:
        """Seconds from its start to its end, or until now."""
        return max(0.0, ((self.ended_at or now) - self.started_at).total_seconds())

    @property
    def by_somebody(self) -> str:
        """Who started it, where no workflow did."""
        return BY_CHECK if self.of_check else BY_HAND

    @property
    def shown_id(self) -> str:
        """Its id as people see it: that of its workflow run, where it has one."""
        return ids.short(self.workflow_run_id or self.run_id)


@dataclass(frozen=True)
class RefusedRun:
    """A firing that Glue refused, which costs nothing: a run that waits takes its files."""

    run_id: str
    started_at: datetime
    error: str


@dataclass(frozen=True)
class Start:
    """What started a workflow run: enough events, or the end of the batch window.

    events: 0 for a run that somebody started. window_seconds: 0 unless the window's end started it.
    """

    at: datetime
    events: int
    window_seconds: int

    @property
    def words(self) -> str:
        if not self.events:
            return BY_HAND
        limit = "window" if self.window_seconds else "size"
        return f"{limit} ({count(self.events, 'event')})"

    def is_sweep(self, newest_arrival: datetime) -> bool:
        """Whether no file can have sent the one event that opened the window: all came before.

        The sweep sends an event like any other, so only a run that found files shows it.
        """
        opened = self.at - timedelta(seconds=self.window_seconds) - EVENTS_TAKE
        return self.events == 1 and newest_arrival < opened


def last_runs(glue: GlueClient, pipeline: DeployedPipeline, *, last: int) -> tuple[Run, ...]:
    """The newest runs of the job, newest first (Glue API, GetJobRuns)."""
    answer = glue.get_job_runs(JobName=pipeline.job_name, MaxResults=last)
    found = sorted(map(_run, answer["JobRuns"]), key=lambda run: run.started_at, reverse=True)
    return tuple(found[:last])


def with_files(found: Sequence[Run], batches: Sequence[Batch], *, all_read: bool) -> list[Run]:
    """The runs with the files of these batches, the last ones of the ledger, newest first.

    all_read: whether there are no earlier batches.
    """
    files: Counter[str | None] = Counter()
    for batch in batches:
        files[batch.job_run_id] += batch.files
    oldest = batches[-1] if batches else None
    known = []
    for run in found:
        if all_read or (oldest and run.started_at > planned_at(oldest.batch)):
            known.append(replace(run, files=files[run.run_id]))
        elif oldest and run.run_id == oldest.job_run_id:
            known.append(replace(run, files=files[run.run_id], more_files=True))
        else:
            known.append(run)
    return known


def find_run(
    glue: GlueClient, deployment: Deployment, pipeline: DeployedPipeline, text: str
) -> Run:
    """The job run whose id, or whose workflow run's id, begins like this.

    Raises `InputError` where there is none, and where there are several.
    """
    by_id = _runs_by_id(glue, pipeline)
    if not any(id_.startswith(text) for id_ in by_id):
        for other in deployment.pipelines.values():
            if other != pipeline and any(id_.startswith(text) for id_ in _runs_by_id(glue, other)):
                raise InputError(
                    f"{text} is a run of the pipeline {other.name}: type {other.name} in place of "
                    f"{pipeline.name}."
                )
    where = f"the job {pipeline.job_name}, of those that Glue remembers"
    return by_id[ids.the_one(text, by_id, what="run", where=where)]


def _runs_by_id(glue: GlueClient, pipeline: DeployedPipeline) -> dict[str, Run]:
    pages = glue.get_paginator("get_job_runs").paginate(JobName=pipeline.job_name)
    found = [_run(answer) for page in pages for answer in page["JobRuns"]]
    return {id_: run for run in found for id_ in (run.run_id, run.workflow_run_id) if id_}


def run_ahead(glue: GlueClient, pipeline: DeployedPipeline, workflow_run_id: str) -> str | None:
    """The workflow run whose job runs, so that the job of this one waits (job run queuing)."""
    for run in last_runs(glue, pipeline, last=LAST_RUNS):
        if run.state == "RUNNING" and run.workflow_run_id not in (None, workflow_run_id):
            return run.workflow_run_id
    return None


def refused_runs(
    glue: GlueClient, pipeline: DeployedPipeline, *, since: datetime
) -> tuple[RefusedRun, ...]:
    """Workflow runs that met the workflow's limit of concurrent runs (Glue API, WorkflowRun).

    In which order GetWorkflowRuns answers is not documented, so every page is read.
    """
    return tuple(
        RefusedRun(run["WorkflowRunId"], run["StartedOn"], run.get("ErrorMessage", ""))
        for run in workflow_runs(glue, pipeline)
        if run.get("Status") == "ERROR" and run["StartedOn"] >= since
    )


def workflow_runs(glue: GlueClient, pipeline: DeployedPipeline) -> Iterator[Mapping[str, Any]]:
    """Every run of the workflow that Glue remembers, from all pages of its answer."""
    pages = glue.get_paginator("get_workflow_runs").paginate(Name=pipeline.workflow_name)
    for page in pages:
        yield from page.get("Runs", [])


def starts_of(
    glue: GlueClient, pipeline: DeployedPipeline, workflow_runs: Iterable[str | None]
) -> dict[str, Start]:
    """What started each of these workflow runs, but for those that Glue has forgotten."""
    wanted = sorted({run for run in workflow_runs if run})
    with ThreadPoolExecutor(THREADS) as threads:
        found = threads.map(lambda run: _workflow_run(glue, pipeline, run), wanted)
        return {run: start_of(answer) for run, answer in zip(wanted, found, strict=True) if answer}


def start_of(workflow_run: Mapping[str, Any]) -> Start:
    """What GetWorkflowRun says of the start.

    `StartingEventBatchCondition` names the limit that was met first; a batch size of one has no
    such condition, and then the number of event ids counts (AWS Glue developer guide, "Viewing the
    EventBridge events that started a workflow").
    """
    condition = workflow_run.get("StartingEventBatchCondition") or {}
    properties = workflow_run.get("WorkflowRunProperties") or {}
    events = [event for event in properties.get(EVENT_IDS, "").strip("[] ").split(",") if event]
    return Start(
        at=workflow_run["StartedOn"],
        events=condition.get("BatchSize") or len(events),
        window_seconds=condition.get("BatchWindow") or 0,
    )


def _workflow_run(
    glue: GlueClient, pipeline: DeployedPipeline, run_id: str
) -> Mapping[str, Any] | None:
    try:
        return glue.get_workflow_run(Name=pipeline.workflow_name, RunId=run_id)["Run"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "EntityNotFoundException":
            raise
        return None


def _run(answer: Mapping[str, Any]) -> Run:
    arguments = answer.get("Arguments") or {}
    return Run(
        run_id=answer["Id"],
        state=answer["JobRunState"],
        started_at=answer["StartedOn"],
        ended_at=answer.get("CompletedOn"),
        seconds=answer.get("ExecutionTime", 0),
        error=answer.get("ErrorMessage"),
        workflow_run_id=arguments.get("--WORKFLOW_RUN_ID"),
        of_check=BAD_ARGUMENT.items() <= arguments.items(),
    )
