"""What is deployed in Glue, and the interface through which the engine reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tools.sandbox.glue.runs import JobRun, WorkflowRun

# An EVENT trigger stays CREATED all its life; AWS refuses to start or stop one
# (terraform-provider-aws #49407). An emulator may do it, and then the trigger must not fire.
LISTENING_STATES = frozenset({"CREATED", "ACTIVATED"})


@dataclass(frozen=True)
class Workflow:
    """A deployed workflow.

    Attributes:
        max_concurrent_runs: workflow runs that may be active at once; None for no limit.
    """

    name: str
    max_concurrent_runs: int | None
    default_run_properties: Mapping[str, str]


@dataclass(frozen=True)
class Action:
    """One thing that a trigger starts.

    Attributes:
        job_name: the job; empty where the action names none.
        other: what the action starts instead of a job, such as a crawler.
        timeout: minutes; None for the job's own timeout.
    """

    job_name: str
    other: str
    arguments: Mapping[str, str]
    timeout: int | None


@dataclass(frozen=True)
class EventTrigger:
    """The EVENT trigger of a workflow.

    Attributes:
        batching_condition: `EventBatchingCondition`; None where the trigger has none.
        definition: the trigger as the Glue API shows it.
    """

    name: str
    state: str
    batching_condition: Mapping[str, int] | None
    actions: Sequence[Action]
    definition: Mapping[str, Any]

    @property
    def listens(self) -> bool:
        """Whether events count for it."""
        return self.state in LISTENING_STATES


@dataclass(frozen=True)
class Job:
    """A deployed job.

    Attributes:
        role: name or ARN of the role whose permissions its runs have.
        timeout: minutes.
        max_concurrent_runs: job runs that may be active at once.
        queuing_enabled: whether a run beyond that limit waits.
        security_configuration: its name; "" where the job has none.
        glue_version: such as "5.1"; "" where the job states none.
    """

    name: str
    role: str
    script_location: str
    default_arguments: Mapping[str, str]
    non_overridable_arguments: Mapping[str, str]
    timeout: int | None
    max_concurrent_runs: int
    queuing_enabled: bool
    security_configuration: str = ""
    glue_version: str = ""


class GlueAccount(Protocol):
    """Glue as the account keeps it: definitions to read, and the records that its API shows."""

    def workflow(self, name: str) -> Workflow | None:
        """The workflow, or None if there is none."""

    def event_trigger(self, workflow_name: str) -> EventTrigger | None:
        """The EVENT trigger of the workflow, or None if it has none."""

    def job(self, name: str) -> Job | None:
        """The job, or None if there is none."""

    def show_workflow_run(self, run: WorkflowRun) -> None:
        """Makes the Glue API show the run as it is now."""

    def show_job_run(self, run: JobRun) -> None:
        """Makes the Glue API show the run as it is now."""
