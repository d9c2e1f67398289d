"""What becomes of a run: is it started, does it wait, is it refused, how does it end.

Pure: no clock, no thread, no account. The engine asks these functions about processes that run;
a forecast may ask them about runs in virtual time.

Facts, from the Glue API reference: a workflow run beyond the workflow's `MaxConcurrentRuns` is
refused (`CreateWorkflow`); a job run beyond the job's `ExecutionProperty.MaxConcurrentRuns` waits
where `JobRunQueuingEnabled` is set and is refused otherwise (`StartJobRun`). A workflow run is
COMPLETED also where its job failed; `Statistics` says how its actions ended (`WorkflowRun`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from tools.sandbox.glue.runs import JOB_FINISHED


class Admission(StrEnum):
    """What happens to a run that is requested."""

    STARTED = "started"
    WAITING = "waiting"
    REFUSED = "refused"


def admit_workflow_run(active_runs: int, limit: int | None) -> Admission:
    """Whether a workflow run starts. Workflow runs never wait.

    Args:
        active_runs: runs of the workflow that are RUNNING or STOPPING.
        limit: the workflow's `MaxConcurrentRuns`; None or 0 for no limit.
    """
    return Admission.REFUSED if limit and active_runs >= limit else Admission.STARTED


@dataclass(frozen=True)
class JobQueue:
    """The runs of one job that occupy a place or wait for one, each in the order of arrival.

    Every method returns the next queue. The limit is an argument because it is whatever is
    deployed at that moment.
    """

    occupying: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()

    def submit(self, run_id: str, *, limit: int, queuing: bool) -> tuple[JobQueue, Admission]:
        """A run is requested. Runs that already wait go first."""
        if len(self.occupying) < limit and not self.waiting:
            return replace(self, occupying=(*self.occupying, run_id)), Admission.STARTED
        if queuing:
            return replace(self, waiting=(*self.waiting, run_id)), Admission.WAITING
        return self, Admission.REFUSED

    def promote(self, *, limit: int) -> tuple[JobQueue, tuple[str, ...]]:
        """The waiting runs that there is room for take their places.

        Returns:
            The next queue and the runs that start now.
        """
        room = max(0, limit - len(self.occupying))
        started, waiting = self.waiting[:room], self.waiting[room:]
        return JobQueue((*self.occupying, *started), waiting), started

    def leave(self, run_id: str) -> JobQueue:
        """A run has ended or has given up waiting."""
        return JobQueue(
            tuple(run for run in self.occupying if run != run_id),
            tuple(run for run in self.waiting if run != run_id),
        )


@dataclass(frozen=True)
class Ending:
    """How a run ends: its last state and its error message."""

    state: str
    error_message: str | None = None


def job_run_ending(
    exit_code: int | None, *, error_message: str, timeout: int | None, stop_requested: bool
) -> Ending:
    """How a job run ends.

    Args:
        exit_code: of the job's process; None for a process that its timeout ended.
        error_message: of the exception that ended the job.
        timeout: minutes.
        stop_requested: whether it was asked to stop. A run that succeeds all the same has
            succeeded.
    """
    if exit_code == 0:
        return Ending("SUCCEEDED")
    if stop_requested:
        return Ending("STOPPED")
    if exit_code is None:
        return Ending("TIMEOUT", f"The job run exceeded its timeout of {timeout} minutes.")
    return Ending("FAILED", error_message)


def workflow_run_ending(job_states: Iterable[str], *, stop_requested: bool) -> str | None:
    """The last status of a workflow run, or None while one of its jobs has not ended."""
    if any(state not in JOB_FINISHED for state in job_states):
        return None
    return "STOPPED" if stop_requested else "COMPLETED"
