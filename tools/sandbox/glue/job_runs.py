"""Job runs: admitted within the job's limit, carried out by a process, ended with it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from tools.sandbox.glue.admission import Admission, Ending, JobQueue, job_run_ending
from tools.sandbox.glue.definitions import GlueAccount, Job
from tools.sandbox.glue.errors import ConcurrentRunsExceededError, EntityNotFoundError
from tools.sandbox.glue.job_process import LOG_NAME, JobRequest
from tools.sandbox.glue.notice_board import NoticeBoard
from tools.sandbox.glue.notices import JobRunChanged
from tools.sandbox.glue.runs import JobRun, new_job_run_id
from tools.sandbox.runtime import runtime_of


class Process(Protocol):
    """A job that is running."""

    @property
    def pid(self) -> int:
        """Its process id."""

    def wait(self, timeout: float | None = None) -> int | None:
        """The exit code once it has ended, or None after the timeout (seconds)."""

    def terminate(self) -> None:
        """Ends it and everything that it started. May be called at any time, and again."""

    def error_message(self) -> str:
        """What Glue shows as its `ErrorMessage`, once it has ended badly."""


@dataclass
class _Execution:
    """A job run and what carries it out."""

    run: JobRun
    job: Job
    process: Process | None = None
    thread: threading.Thread | None = None
    stop_requested: bool = False
    gives_up_at: float | None = None


class JobRuns:
    """The job runs of the account. The caller holds the lock, except for `end_process`.

    Args:
        changed: its lock guards everything here; the threads of the runs take it.
        launch: starts the process of a job.
        ended: is called with every run that has ended.
        work_folder: each run gets its own folder in it.
        clock: seconds on a scale that only grows; how long a run waits is on it.
        seconds_per_minute: length of a minute of a job's timeout; tests shorten it.
        gives_up_after: minutes for which a run waits behind others before Glue gives it up; None
            lets it wait for ever.
    """

    def __init__(
        self,
        glue: GlueAccount,
        board: NoticeBoard,
        changed: threading.Condition,
        *,
        launch: Callable[[JobRequest], Process],
        ended: Callable[[JobRun], None],
        work_folder: Path,
        clock: Callable[[], float],
        seconds_per_minute: float,
        gives_up_after: float | None,
    ) -> None:
        self._glue = glue
        self._board = board
        self._changed = changed
        self._launch = launch
        self._ended = ended
        self._work_folder = work_folder
        self._clock = clock
        self._seconds_per_minute = seconds_per_minute
        self._gives_up_after = gives_up_after
        self._executions: dict[str, _Execution] = {}
        self._queues: dict[str, JobQueue] = {}
        self._closed = False

    # ---- what is there ---------------------------------------------------------------------

    def all(self) -> tuple[JobRun, ...]:
        """Every run as it is now, in the order in which they were submitted."""
        return tuple(execution.run for execution in self._executions.values())

    def of_workflow_run(self, workflow_run_id: str) -> tuple[JobRun, ...]:
        """The job runs of one workflow run."""
        return tuple(run for run in self.all() if run.workflow_run_id == workflow_run_id)

    def stop_requested(self, run_id: str) -> bool:
        """Whether this run was asked to stop."""
        return self._executions[run_id].stop_requested

    @property
    def process_ids(self) -> tuple[int, ...]:
        """Of every run that has had a process, in the order of the runs."""
        processes = (execution.process for execution in self._executions.values())
        return tuple(process.pid for process in processes if process is not None)

    @property
    def threads(self) -> tuple[threading.Thread, ...]:
        """Of every run that was started."""
        threads = (execution.thread for execution in self._executions.values())
        return tuple(thread for thread in threads if thread is not None)

    # ---- starting --------------------------------------------------------------------------

    def start_by_hand(
        self,
        job_name: str,
        *,
        arguments: Mapping[str, str],
        timeout: int | None,
        queuing_enabled: bool | None,
    ) -> str:
        """StartJobRun.

        Raises:
            EntityNotFoundError: there is no such job.
            ConcurrentRunsExceededError: the job's limit is reached and the run may not wait.
        """
        job = self._glue.job(job_name)
        if job is None:
            raise EntityNotFoundError(f"Job {job_name} not found.")
        queuing = job.queuing_enabled if queuing_enabled is None else queuing_enabled
        _, admission = self._queue(job).submit("", limit=job.max_concurrent_runs, queuing=queuing)
        if admission is Admission.REFUSED:
            raise ConcurrentRunsExceededError(_concurrent_runs_of(job))
        run = self.prepare(job, arguments=arguments, timeout=timeout, queuing_enabled=queuing)
        self.submit(run)
        return run.run_id

    def prepare(
        self,
        job: Job,
        *,
        arguments: Mapping[str, str],
        timeout: int | None,
        queuing_enabled: bool | None = None,
        workflow_run_id: str | None = None,
        trigger_name: str | None = None,
    ) -> JobRun:
        """A run of the job that is not submitted yet; `submit` knows it."""
        run_id, now = new_job_run_id(), datetime.now(UTC)
        run = JobRun(
            run_id=run_id,
            job=job.name,
            log=(self._work_folder / run_id) / LOG_NAME,
            arguments=dict(arguments),
            timeout=timeout or job.timeout,
            queuing_enabled=job.queuing_enabled if queuing_enabled is None else queuing_enabled,
            started_on=now,
            modified_on=now,
            workflow_run_id=workflow_run_id,
            trigger_name=trigger_name,
        )
        self._executions[run_id] = _Execution(run, job)
        return run

    def submit(self, run: JobRun) -> None:
        """Starts a job run, lets it wait for its turn, or fails it."""
        execution = self._executions[run.run_id]
        job = execution.job
        # The limit may have been raised while runs waited.
        self._start_waiting(job)
        self._queues[job.name], admission = self._queue(job).submit(
            run.run_id, limit=job.max_concurrent_runs, queuing=run.queuing_enabled
        )
        if admission is Admission.STARTED:
            self._start(execution)
        elif admission is Admission.WAITING:
            if self._gives_up_after is not None:
                execution.gives_up_at = (
                    self._clock() + self._gives_up_after * self._seconds_per_minute
                )
            self._change(execution, run.in_state("WAITING"))
        else:
            message = f"ConcurrentRunsExceededException: {_concurrent_runs_of(job)}"
            self._end(execution, Ending("FAILED", message))

    def _queue(self, job: Job) -> JobQueue:
        return self._queues.get(job.name, JobQueue())

    def _start_waiting(self, job: Job) -> None:
        if self._closed:
            return
        self._queues[job.name], started = self._queue(job).promote(limit=job.max_concurrent_runs)
        for run_id in started:
            self._start(self._executions[run_id])

    def _start(self, execution: _Execution) -> None:
        # The definition that is deployed now; a run that waited may find another one.
        execution.job = self._glue.job(execution.job.name) or execution.job
        self._change(execution, execution.run.in_state("STARTING"))
        name = f"glue-job-{execution.run.run_id[:12]}"
        execution.thread = threading.Thread(
            target=self._carry_out, args=(execution,), name=name, daemon=True
        )
        execution.thread.start()

    # ---- waiting ---------------------------------------------------------------------------

    def give_up_overdue(self) -> None:
        """Fails every run that has waited too long.

        One version of the AWS Glue user guide's "AWS Glue job run statuses" has it: a run that
        cannot get its resources becomes FAILED after at most 15 minutes or 10 attempts.
        """
        now = self._clock()
        for execution in self._waiting():
            if execution.gives_up_at is not None and execution.gives_up_at <= now:
                message = f"{_concurrent_runs_of(execution.job)}: the run waited too long."
                self._end(execution, Ending("FAILED", message))

    @property
    def seconds_to_next_deadline(self) -> float | None:
        """Until the first waiting run is given up; None while none is."""
        deadlines = [e.gives_up_at for e in self._waiting() if e.gives_up_at is not None]
        return max(0.0, min(deadlines) - self._clock()) if deadlines else None

    def _waiting(self) -> list[_Execution]:
        return [e for e in self._executions.values() if e.run.state == "WAITING"]

    # ---- running, in the run's thread ------------------------------------------------------

    def _carry_out(self, execution: _Execution) -> None:
        try:
            exit_code, error_message = self._execute(execution)
        except Exception as error:  # noqa: BLE001 (whatever it is, it is why this run failed)
            exit_code, error_message = 1, str(error)
        with self._changed:
            ending = job_run_ending(
                exit_code,
                error_message=error_message,
                timeout=execution.run.timeout,
                stop_requested=execution.stop_requested,
            )
            self._end(execution, ending)
            self._start_waiting(self._glue.job(execution.job.name) or execution.job)

    def _execute(self, execution: _Execution) -> tuple[int | None, str]:
        process = self._launch(self._request(execution))
        with self._changed:
            execution.process = process
            if not execution.stop_requested:
                self._change(execution, execution.run.in_state("RUNNING"))
        if execution.stop_requested:
            process.terminate()
            return None, ""
        minutes = execution.run.timeout
        code = process.wait(minutes * self._seconds_per_minute if minutes else None)
        if code is None:
            process.terminate()
        return code, "" if code in (None, 0) else process.error_message()

    def _request(self, execution: _Execution) -> JobRequest:
        job, run = execution.job, execution.run
        arguments = {
            **job.default_arguments,
            **run.arguments,
            **job.non_overridable_arguments,
            "--JOB_NAME": job.name,
            "--JOB_RUN_ID": run.run_id,
            "--JOB_ID": f"j_{run.run_id.removeprefix('jr_')}",
        }
        return JobRequest(
            job.role,
            job.script_location,
            arguments,
            run.log.parent,
            run.run_id,
            job.security_configuration,
            runtime_of(job.glue_version),
        )

    # ---- ending ----------------------------------------------------------------------------

    def request_stop(self, run_id: str) -> None:
        """Asks for the end of a run. `end_process` then ends its process."""
        execution = self._executions[run_id]
        execution.stop_requested = True
        if execution.run.state == "WAITING":
            self._end(execution, Ending("STOPPED"))
        else:
            self._change(execution, execution.run.in_state("STOPPING"))

    def request_stop_of_all(self) -> tuple[str, ...]:
        """Asks for the end of every run, and lets none start any more.

        Returns:
            The runs whose processes must now be ended.
        """
        self._closed = True
        unfinished = tuple(run.run_id for run in self.all() if not run.finished)
        for run_id in unfinished:
            self.request_stop(run_id)
        return unfinished

    def end_process(self, run_id: str) -> None:
        """Ends the process of a run. It takes seconds, so the caller must not hold the lock."""
        # Where there is no process yet, the thread of the run sees the request before it waits.
        process = self._executions[run_id].process
        if process is not None:
            process.terminate()

    def _end(self, execution: _Execution, ending: Ending) -> None:
        name = execution.job.name
        self._queues[name] = self._queue(execution.job).leave(execution.run.run_id)
        self._change(execution, execution.run.in_state(ending.state, ending.error_message))
        self._ended(execution.run)

    def _change(self, execution: _Execution, run: JobRun) -> None:
        execution.run = run
        self._glue.show_job_run(run)
        self._board.announce(
            JobRunChanged(
                job=run.job,
                run_id=run.run_id,
                workflow_run_id=run.workflow_run_id,
                state=run.state,
                error_message=run.error_message,
                log=str(run.log),
            )
        )


def _concurrent_runs_of(job: Job) -> str:
    return f"Concurrent runs exceeded for {job.name}"
