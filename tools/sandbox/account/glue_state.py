"""Glue as moto keeps it: what is deployed, and the runs that its API shows."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from moto.glue.models import (
    FakeJob,
    FakeJobRun,
    FakeTrigger,
    FakeWorkflow,
    FakeWorkflowRun,
    GlueBackend,
)

from tools.sandbox.glue.batches import Reason
from tools.sandbox.glue.definitions import Action, EventTrigger, Job, Workflow
from tools.sandbox.glue.runs import JOB_OCCUPIES, JobRun, WorkflowRun

DEFAULT_LOG_GROUP = "/aws-glue/jobs"


class GlueState:
    """Reads moto's definitions and keeps its records of runs; a `GlueAccount`.

    Args:
        backend: returns moto's Glue of the account and region.
    """

    def __init__(self, backend: Callable[[], GlueBackend]) -> None:
        self._backend = backend

    def workflow(self, name: str) -> Workflow | None:
        """The workflow, or None if there is none."""
        found = self._backend().workflows.get(name)
        if found is None:
            return None
        limit = found.max_concurrent_runs
        return Workflow(name, int(limit) if limit else None, found.default_run_properties or {})

    def event_trigger(self, workflow_name: str) -> EventTrigger | None:
        """The EVENT trigger of the workflow, or None if it has none."""
        for trigger in list(self._backend().triggers.values()):
            if trigger.workflow_name == workflow_name and trigger.trigger_type == "EVENT":
                return _event_trigger(trigger)
        return None

    def job(self, name: str) -> Job | None:
        """The job, or None if there is none."""
        found = self._backend().jobs.get(name)
        if found is None:
            return None
        command: Any = found.command
        timeout: Any = found.timeout
        return Job(
            name=found.name,
            role=str(found.role),
            script_location=str(command["ScriptLocation"]),
            default_arguments=found.default_arguments or {},
            non_overridable_arguments=found.non_overridable_arguments or {},
            timeout=timeout,
            max_concurrent_runs=int(found.execution_property.get("MaxConcurrentRuns") or 1),
            queuing_enabled=bool(getattr(found, "job_run_queuing_enabled", False)),
            security_configuration=str(found.security_configuration or ""),
            glue_version=str(found.glue_version or ""),
        )

    def show_workflow_run(self, run: WorkflowRun) -> None:
        """Makes the Glue API show the run as it is now."""
        workflow = self._backend().workflows.get(run.workflow)
        if workflow is None:
            return
        record = workflow.runs.get(run.run_id)
        if isinstance(record, _WorkflowRunRecord):
            record.show(run)
            return
        # A new mapping, because another thread may be listing the old one.
        record = _WorkflowRunRecord(run)
        workflow.runs = OrderedDict(workflow.runs) | {run.run_id: record}

    def show_job_run(self, run: JobRun) -> None:
        """Makes the Glue API show the run as it is now."""
        job = self._backend().jobs.get(run.job)
        if job is None:
            return
        for record in job.job_runs:
            if isinstance(record, _JobRunRecord) and record.run.run_id == run.run_id:
                record.run = run
                return
        record = _JobRunRecord(run, job)
        job.job_runs.append(record)
        workflow_run = self._workflow_run_record(run)
        if workflow_run is not None:
            workflow_run.job_runs.append(record)

    def _workflow_run_record(self, run: JobRun) -> _WorkflowRunRecord | None:
        for workflow in list(self._backend().workflows.values()):
            record = workflow.runs.get(run.workflow_run_id or "")
            if isinstance(record, _WorkflowRunRecord):
                return record
        return None


def workflow_run_graph(workflow: FakeWorkflow, run_id: str) -> dict[str, Any] | None:
    """The graph of a run of the engine; None for a run that is moto's own."""
    record = workflow.runs[run_id]
    return record.graph() if isinstance(record, _WorkflowRunRecord) else None


def _event_trigger(trigger: FakeTrigger) -> EventTrigger:
    return EventTrigger(
        name=trigger.name,
        state=trigger.state,
        batching_condition=trigger.event_batching_condition,
        actions=tuple(_action(action) for action in trigger.actions),
        definition=trigger.as_dict(),
    )


def _action(action: Any) -> Action:
    return Action(
        job_name=str(action.job_name or ""),
        other=str(action.crawler_name or ""),
        arguments=action.arguments or {},
        timeout=action.timeout,
    )


class _JobRunRecord(FakeJobRun):
    """A job run as GetJobRun and GetJobRuns answer it."""

    def __init__(self, run: JobRun, job: FakeJob) -> None:
        super().__init__(
            job_name=job.name,
            arguments=dict(run.arguments),
            allocated_capacity=job.allocated_capacity,
            max_capacity=job.max_capacity,
            timeout=run.timeout,
            worker_type=job.worker_type,
            notification_property=job.notification_property,
            security_configuration=job.security_configuration,
            number_of_workers=job.number_of_workers,
        )
        self.run = run
        self.job_run_id = run.run_id
        self._glue_version = job.glue_version
        self._execution_class = job.execution_class or "STANDARD"

    @property
    def status(self) -> str:
        """The state; moto's own state machine has no part in it."""
        return self.run.state

    @status.setter
    def status(self, value: str) -> None:
        """moto sets one when it makes the record; the run's own counts."""

    def as_dict(self) -> dict[str, Any]:
        run = self.run
        answer = {
            "Id": run.run_id,
            "Attempt": 0,
            "JobName": run.job,
            "TriggerName": run.trigger_name,
            "JobRunState": run.state,
            "StateDetail": run.state_detail,
            "ErrorMessage": run.error_message,
            "JobRunQueuingEnabled": run.queuing_enabled,
            "StartedOn": _naive(run.started_on),
            "LastModifiedOn": _naive(run.modified_on),
            "CompletedOn": _naive(run.completed_on),
            "ExecutionTime": _execution_seconds(run),
            "Timeout": run.timeout,
            "Arguments": dict(run.arguments),
            "PredecessorRuns": [],
            "WorkerType": self.worker_type,
            "NumberOfWorkers": self.number_of_workers,
            "AllocatedCapacity": self.allocated_capacity,
            "MaxCapacity": self.max_capacity,
            "SecurityConfiguration": self.security_configuration,
            "NotificationProperty": self.notification_property,
            "GlueVersion": self._glue_version,
            "ExecutionClass": self._execution_class,
            "LogGroupName": DEFAULT_LOG_GROUP,
        }
        return {field: value for field, value in answer.items() if value is not None}


class _WorkflowRunRecord(FakeWorkflowRun):
    """A workflow run as GetWorkflowRun and GetWorkflowRuns answer it."""

    def __init__(self, run: WorkflowRun) -> None:
        super().__init__(run.workflow, run.previous_run_id, dict(run.properties))
        self.job_runs: list[_JobRunRecord] = []
        self.run_id = run.run_id
        self.started_on = run.started_on.replace(tzinfo=None)
        self.show(run)

    def show(self, run: WorkflowRun) -> None:
        """From now on the record shows the run like this."""
        self._run = run
        self.status = run.status
        self.completed_on = _naive(run.completed_on)

    def as_dict(self) -> dict[str, Any]:
        answer: dict[str, Any] = {**super().as_dict(), "Statistics": self._statistics()}
        if self._run.error_message:
            answer["ErrorMessage"] = self._run.error_message
        condition = _starting_condition(self._run)
        if condition:
            answer["StartingEventBatchCondition"] = condition
        return answer

    def graph(self) -> dict[str, Any]:
        """The trigger, the jobs that it started with their runs, and the edges between them."""
        nodes: list[dict[str, Any]] = []
        edges: list[dict[str, str]] = []
        trigger, trigger_id = self._run.trigger, f"{self.run_id}-trigger"
        if trigger is not None:
            details = {"TriggerDetails": {"Trigger": dict(trigger)}}
            nodes.append(_node("TRIGGER", trigger["Name"], trigger_id, details))
        for number, record in enumerate(self.job_runs):
            job_id = f"{self.run_id}-job-{number}"
            job = {"JobDetails": {"JobRuns": [record.as_dict()]}}
            nodes.append(_node("JOB", record.job_name, job_id, job))
            if trigger is not None:
                edges.append({"SourceId": trigger_id, "DestinationId": job_id})
        return {"Nodes": nodes, "Edges": edges}

    def _statistics(self) -> dict[str, int]:
        count = Counter(record.run.state for record in self.job_runs)
        return {
            "TotalActions": len(self.job_runs),
            "SucceededActions": count["SUCCEEDED"],
            "FailedActions": count["FAILED"],
            "TimeoutActions": count["TIMEOUT"],
            "StoppedActions": count["STOPPED"],
            "RunningActions": sum(count[state] for state in JOB_OCCUPIES),
            "ErroredActions": count["ERROR"],
            "WaitingActions": count["WAITING"],
        }


def _starting_condition(run: WorkflowRun) -> dict[str, int] | None:
    """`StartingEventBatchCondition`: the one of the two limits that started the run."""
    firing = run.firing
    if firing is None:
        return None
    if firing.reason is Reason.SIZE:
        return {"BatchSize": len(firing.event_ids)}
    return {"BatchWindow": round(firing.fired_at - firing.opened_at)}


def _execution_seconds(run: JobRun) -> int:
    """How long the run has consumed resources."""
    if run.running_since is None:
        return 0
    return int(((run.completed_on or datetime.now(UTC)) - run.running_since).total_seconds())


def _naive(moment: datetime | None) -> datetime | None:
    """moto takes its times as UTC without a zone."""
    return None if moment is None else moment.replace(tzinfo=None)


def _node(kind: str, name: str, unique_id: str, details: Mapping[str, Any]) -> dict[str, Any]:
    return {"Type": kind, "Name": name, "UniqueId": unique_id, **details}
