"""The runs that the engine records in moto's Glue, so that the Glue API tells the truth."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from moto.core.utils import utcnow
from moto.glue.models import FakeJob, FakeJobRun, FakeWorkflowRun

JOB_FINISHED = frozenset({"SUCCEEDED", "FAILED", "TIMEOUT", "STOPPED", "ERROR"})
JOB_OCCUPIES = frozenset({"STARTING", "RUNNING", "STOPPING"})
DEFAULT_LOG_GROUP = "/aws-glue/jobs"


class RecordedJobRun(FakeJobRun):
    """A job run as GetJobRun and GetJobRuns answer it."""

    def __init__(
        self,
        job: FakeJob,
        *,
        arguments: Mapping[str, str],
        timeout: int | None,
        queuing_enabled: bool,
        trigger_name: str | None = None,
    ) -> None:
        super().__init__(
            job_name=job.name,
            arguments=dict(arguments),
            allocated_capacity=job.allocated_capacity,
            max_capacity=job.max_capacity,
            timeout=timeout,
            worker_type=job.worker_type,
            notification_property=job.notification_property,
            security_configuration=job.security_configuration,
            number_of_workers=job.number_of_workers,
        )
        self.queuing_enabled = queuing_enabled
        self.trigger_name = trigger_name
        self.state_detail: str | None = None
        self.error_message: str | None = None
        self.running_since: datetime | None = None
        self.finished_on: datetime | None = None
        self._glue_version = job.glue_version
        self._execution_class = job.execution_class or "STANDARD"
        self._state = "STARTING"

    @property
    def status(self) -> str:
        """The state; moto's own state machine has no part in it."""
        return self._state

    @status.setter
    def status(self, value: str) -> None:
        self._state = value
        self.modified_on = utcnow()
        if value == "RUNNING":
            self.running_since = self.modified_on
        if value in JOB_FINISHED:
            self.finished_on = self.modified_on
        if value != "WAITING":
            self.state_detail = None

    @property
    def execution_seconds(self) -> int:
        """How long it has consumed resources."""
        if self.running_since is None:
            return 0
        return int(((self.finished_on or utcnow()) - self.running_since).total_seconds())

    def as_dict(self) -> dict[str, Any]:
        answer = {
            "Id": self.job_run_id,
            "Attempt": 0,
            "JobName": self.job_name,
            "TriggerName": self.trigger_name,
            "JobRunState": self.status,
            "StateDetail": self.state_detail,
            "ErrorMessage": self.error_message,
            "JobRunQueuingEnabled": self.queuing_enabled,
            "StartedOn": self.started_on,
            "LastModifiedOn": self.modified_on,
            "CompletedOn": self.finished_on,
            "ExecutionTime": self.execution_seconds,
            "Timeout": self.timeout,
            "Arguments": self.arguments,
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


class RecordedWorkflowRun(FakeWorkflowRun):
    """A workflow run as GetWorkflowRun and GetWorkflowRuns answer it."""

    def __init__(
        self,
        workflow_name: str,
        *,
        previous_run_id: str | None,
        properties: Mapping[str, str],
        starting_condition: Mapping[str, int] | None,
        trigger: Mapping[str, Any] | None,
    ) -> None:
        super().__init__(workflow_name, previous_run_id, dict(properties))
        self.starting_condition = starting_condition
        self.error_message: str | None = None
        self.job_runs: list[RecordedJobRun] = []
        self._trigger = trigger

    def finish(self, status: str, error_message: str | None = None) -> None:
        """The run ends."""
        self.status = status
        self.error_message = error_message
        self.completed_on = utcnow()

    def as_dict(self) -> dict[str, Any]:
        answer: dict[str, Any] = {**super().as_dict(), "Statistics": self._statistics()}
        if self.error_message:
            answer["ErrorMessage"] = self.error_message
        if self.starting_condition:
            answer["StartingEventBatchCondition"] = dict(self.starting_condition)
        return answer

    def graph(self) -> dict[str, Any]:
        """The trigger, the jobs that it started with their runs, and the edges between them."""
        nodes: list[dict[str, Any]] = []
        edges: list[dict[str, str]] = []
        trigger_id = f"{self.run_id}-trigger"
        if self._trigger is not None:
            trigger = {"TriggerDetails": {"Trigger": dict(self._trigger)}}
            nodes.append(_node("TRIGGER", self._trigger["Name"], trigger_id, trigger))
        for number, run in enumerate(self.job_runs):
            job_id = f"{self.run_id}-job-{number}"
            job = {"JobDetails": {"JobRuns": [run.as_dict()]}}
            nodes.append(_node("JOB", run.job_name, job_id, job))
            if self._trigger is not None:
                edges.append({"SourceId": trigger_id, "DestinationId": job_id})
        return {"Nodes": nodes, "Edges": edges}

    def _statistics(self) -> dict[str, int]:
        count = Counter(run.status for run in self.job_runs)
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


def _node(kind: str, name: str, unique_id: str, details: Mapping[str, Any]) -> dict[str, Any]:
    return {"Type": kind, "Name": name, "UniqueId": unique_id, **details}
