"""Workflow runs and job runs: each value is everything that is known of a run."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tools.sandbox.glue.batches import Firing, Reason

JOB_FINISHED = frozenset({"SUCCEEDED", "FAILED", "TIMEOUT", "STOPPED", "ERROR"})
JOB_OCCUPIES = frozenset({"STARTING", "RUNNING", "STOPPING"})
WORKFLOW_ACTIVE = frozenset({"RUNNING", "STOPPING"})
WAITING_DETAIL = "Waiting for a concurrent run of the job to end."


def new_job_run_id() -> str:
    """An id as Glue makes them."""
    return f"jr_{secrets.token_hex(32)}"


def new_workflow_run_id() -> str:
    """An id as Glue makes them."""
    return f"wr_{secrets.token_hex(32)}"


@dataclass(frozen=True, kw_only=True)
class WorkflowRun:
    """One workflow run.

    Attributes:
        firing: the batch that started it; None for a run that was started by hand.
        trigger: the trigger that started it, as the Glue API shows it.
        previous_run_id: the run before it of the same workflow.
    """

    run_id: str
    workflow: str
    started_on: datetime
    status: str = "RUNNING"
    properties: Mapping[str, str] = field(default_factory=dict)
    firing: Firing | None = None
    trigger: Mapping[str, Any] | None = None
    previous_run_id: str | None = None
    completed_on: datetime | None = None
    error_message: str | None = None

    @property
    def reason(self) -> Reason | None:
        """Why the trigger fired; None for a run that was started by hand."""
        return self.firing.reason if self.firing else None

    @property
    def event_ids(self) -> tuple[str, ...]:
        """The events that started it."""
        return self.firing.event_ids if self.firing else ()

    @property
    def active(self) -> bool:
        """Whether it counts for the workflow's limit."""
        return self.status in WORKFLOW_ACTIVE

    def with_status(self, status: str, error_message: str | None = None) -> WorkflowRun:
        """The run with another status; it has ended unless that status is an active one."""
        ended = None if status in WORKFLOW_ACTIVE else datetime.now(UTC)
        return replace(self, status=status, completed_on=ended, error_message=error_message)


@dataclass(frozen=True, kw_only=True)
class JobRun:
    """One job run.

    Attributes:
        arguments: what was passed to this run in addition to the job's arguments.
        timeout: minutes; None for no limit.
        log: the file with everything that the job printed.
        started_on: when the run was accepted.
        running_since: when its process started.
    """

    run_id: str
    job: str
    log: Path
    arguments: Mapping[str, str]
    timeout: int | None
    queuing_enabled: bool
    started_on: datetime
    modified_on: datetime
    state: str = "STARTING"
    workflow_run_id: str | None = None
    trigger_name: str | None = None
    running_since: datetime | None = None
    completed_on: datetime | None = None
    error_message: str | None = None

    @property
    def finished(self) -> bool:
        """Whether it has ended."""
        return self.state in JOB_FINISHED

    @property
    def state_detail(self) -> str | None:
        """What it waits for, while it waits."""
        return WAITING_DETAIL if self.state == "WAITING" else None

    def in_state(self, state: str, error_message: str | None = None) -> JobRun:
        """The run in another state, from now on."""
        now = datetime.now(UTC)
        return replace(
            self,
            state=state,
            error_message=error_message,
            modified_on=now,
            running_since=now if state == "RUNNING" else self.running_since,
            completed_on=now if state in JOB_FINISHED else None,
        )
