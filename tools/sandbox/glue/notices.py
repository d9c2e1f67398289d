"""What the engine reports: notices as things happen, and a snapshot of now."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from tools.sandbox.glue.batches import Reason
from tools.sandbox.glue.runs import JobRun, WorkflowRun


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class Notice:
    """Something happened."""

    at: datetime = field(default_factory=_now)


@dataclass(frozen=True, kw_only=True)
class EventMatched(Notice):
    """A deployed rule matched an event and names a workflow as its target."""

    event_id: str
    rule_arn: str
    workflow_arn: str
    detail_type: str
    bucket: str | None
    key: str | None
    version_id: str | None


@dataclass(frozen=True, kw_only=True)
class EventUndelivered(Notice):
    """An event could not be delivered to its target.

    Attributes:
        code: the error code that EventBridge gives.
        lost: why the dead-letter queue does not have the event either; None if it has it.
    """

    event_id: str
    rule_arn: str
    workflow_arn: str
    code: str
    message: str
    lost: str | None


@dataclass(frozen=True, kw_only=True)
class MessagePublished(Notice):
    """A deployed rule sent a message to a topic."""

    topic_arn: str
    message: str


@dataclass(frozen=True, kw_only=True)
class WindowOpened(Notice):
    """The first event of a batch has arrived.

    Attributes:
        deadline: when the window ends, on the engine's clock.
    """

    workflow: str
    trigger: str
    batch_size: int
    batch_window: float
    deadline: float


@dataclass(frozen=True, kw_only=True)
class TriggerFired(Notice):
    """A batch is complete and starts a workflow run."""

    workflow: str
    trigger: str
    reason: Reason
    event_ids: tuple[str, ...]
    workflow_run_id: str


@dataclass(frozen=True, kw_only=True)
class WorkflowRunChanged(Notice):
    """A workflow run has another status."""

    workflow: str
    run_id: str
    status: str
    error_message: str | None


@dataclass(frozen=True, kw_only=True)
class JobRunChanged(Notice):
    """A job run has another state.

    Attributes:
        log: the file with everything that the job printed.
    """

    job: str
    run_id: str
    workflow_run_id: str | None
    state: str
    error_message: str | None
    log: str


@dataclass(frozen=True, kw_only=True)
class ProblemFound(Notice):
    """Something is deployed in a way that cannot work, or the sandbox failed."""

    message: str


@dataclass(frozen=True)
class OpenWindow:
    """A batch that is being collected.

    Attributes:
        seconds_left: until the window ends, when the snapshot was taken.
    """

    workflow: str
    trigger: str
    events: int
    batch_size: int
    batch_window: float
    deadline: float
    seconds_left: float


@dataclass(frozen=True)
class Snapshot:
    """Everything that the engine knows at one moment; runs in the order of their start."""

    matched_events: int
    undelivered_events: int
    windows: tuple[OpenWindow, ...]
    workflow_runs: tuple[WorkflowRun, ...]
    job_runs: tuple[JobRun, ...]
    problems: tuple[str, ...]

    @property
    def idle(self) -> bool:
        """True while no window is open and nothing runs or waits."""
        return not self.windows and all(run.completed_on for run in self.job_runs)
