"""Plays the one part of Glue that moto lacks: EVENT triggers, workflow runs and job runs.

It knows nothing but what is deployed in the account, and looks that up when it needs it: the
target of the rule that matched, its role, the workflow, its EVENT trigger with the batch size
and window, the job with its script, arguments, timeout, concurrency and queuing.

What it leaves out, because no stack here uses it: conditional triggers inside a workflow,
crawlers, job retries, BatchStopJobRun and the resumption of workflow runs.
"""

import atexit
import queue
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from moto.glue.exceptions import (
    ConcurrentRunsExceededException,
    EntityNotFoundException,
    InvalidInputException,
)
from moto.glue.models import FakeJob, FakeTrigger, FakeWorkflow, GlueBackend

from tools.sandbox import delivery
from tools.sandbox.account import Account
from tools.sandbox.batching import EventBatch, Firing, Reason
from tools.sandbox.job_process import JobProcess, JobRequest, java_home
from tools.sandbox.notices import (
    EventMatched,
    EventUndelivered,
    JobRunChanged,
    JobRunPicture,
    MessagePublished,
    Notice,
    OpenWindow,
    ProblemFound,
    Snapshot,
    TriggerFired,
    WindowOpened,
    WorkflowRunChanged,
    WorkflowRunPicture,
)
from tools.sandbox.runs import JOB_FINISHED, JOB_OCCUPIES, RecordedJobRun, RecordedWorkflowRun

# An EVENT trigger is CREATED all its life; AWS refuses to start or stop one
# (terraform-provider-aws #49407). moto would do it, and then it must not fire.
LISTENING_STATES = frozenset({"CREATED", "ACTIVATED"})
JOIN_GRACE = 20.0
SECONDS_PER_MINUTE = 60.0
MAX_PROBLEMS = 100

Observer = Callable[[Notice], None]


@dataclass(eq=False)
class _JobExecution:
    """A job run and what carries it out."""

    record: RecordedJobRun
    job: FakeJob
    folder: Path
    workflow_run: "_WorkflowExecution | None" = None
    process: JobProcess | None = None
    thread: threading.Thread | None = None
    stop_requested: bool = False

    @property
    def log(self) -> Path:
        return JobRequest("", {}, self.folder).log


@dataclass(eq=False)
class _WorkflowExecution:
    """A workflow run, and the batch that started it."""

    record: RecordedWorkflowRun
    firing: Firing | None = None
    jobs: list[_JobExecution] = field(default_factory=list)


class GlueEngine:
    """Runs the deployed workflows of an account while its `with` block runs.

    Args:
        account: the open account.
        work_folder: each job run gets a folder of its own in it.
        clock: seconds on a scale that only grows; deadlines are on it.
        seconds_per_minute: length of a minute of a job's timeout; tests shorten it.
    """

    def __init__(
        self,
        account: Account,
        *,
        work_folder: Path,
        clock: Callable[[], float] = time.monotonic,
        seconds_per_minute: float = SECONDS_PER_MINUTE,
    ) -> None:
        self.clock = clock
        self._account = account
        self._work_folder = work_folder
        self._seconds_per_minute = seconds_per_minute
        # One lock for all state; every change of state is announced on it.
        self._changed = threading.Condition(threading.RLock())
        self._stopping = False
        self._matched = 0
        self._undelivered = 0
        self._problems: deque[str] = deque(maxlen=MAX_PROBLEMS)
        self._batches: dict[str, EventBatch] = {}
        self._workflow_runs: list[_WorkflowExecution] = []
        self._job_runs: list[_JobExecution] = []
        self._observers: list[Observer] = []
        self._notices: queue.SimpleQueue[Notice | None] = queue.SimpleQueue()
        self._timer = threading.Thread(target=self._watch_deadlines, name="glue-timer", daemon=True)
        self._teller = threading.Thread(target=self._tell, name="glue-notices", daemon=True)

    # ---- life ------------------------------------------------------------------------------

    def start(self) -> None:
        """Begins to listen to the account.

        Raises:
            SandboxError: there is no Java for the jobs.
        """
        java_home()
        with self._changed:
            if self._stopping or self._timer.ident is not None:
                return
            self._timer.start()
            self._teller.start()
            self._account.hooks.listener = self
            # Should nobody stop it: no job may outlive this process.
            atexit.register(self.stop)

    def stop(self) -> None:
        """Ends everything that it started and returns when nothing of it is left.

        Runs that have not ended become STOPPED. Safe to call at any time, and again.
        """
        with self._changed:
            self._stopping = True
            if self._account.hooks.listener is self:
                self._account.hooks.listener = None
            unfinished = [run for run in self._job_runs if run.record.status not in JOB_FINISHED]
            for run in unfinished:
                self._request_stop(run)
            self._changed.notify_all()
        for run in unfinished:
            self._end_process(run)
        threads = [run.thread for run in self._job_runs if run.thread is not None]
        _join(*threads, self._timer)
        # Last, so that whoever watches hears of every end.
        self._notices.put(None)
        _join(self._teller)
        atexit.unregister(self.stop)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    # ---- for those who watch ---------------------------------------------------------------

    def subscribe(self, observer: Observer) -> Callable[[], None]:
        """Calls `observer` with every notice from now on, in order, in a thread of the engine.

        Returns:
            A function that ends the subscription.
        """
        with self._changed:
            self._observers.append(observer)

        def unsubscribe() -> None:
            with self._changed:
                if observer in self._observers:
                    self._observers.remove(observer)

        return unsubscribe

    @property
    def problems(self) -> tuple[str, ...]:
        """What is deployed in a way that cannot work, and what went wrong here; latest last."""
        with self._changed:
            return tuple(self._problems)

    def snapshot(self) -> Snapshot:
        """A picture of this moment."""
        with self._changed:
            return Snapshot(
                matched_events=self._matched,
                undelivered_events=self._undelivered,
                windows=tuple(self._open_windows()),
                workflow_runs=tuple(_workflow_picture(run) for run in self._workflow_runs),
                job_runs=tuple(_job_picture(run) for run in self._job_runs),
                problems=tuple(self._problems),
            )

    def wait(self, condition: Callable[[Snapshot], bool], timeout: float) -> bool:
        """Waits until the condition is true of a snapshot; False if the timeout comes first."""
        with self._changed:
            return self._changed.wait_for(lambda: condition(self.snapshot()), timeout)

    def _open_windows(self) -> Iterator[OpenWindow]:
        now = self.clock()
        for workflow, batch in self._batches.items():
            trigger = self._event_trigger(workflow)
            if batch.deadline is not None:
                yield OpenWindow(
                    workflow=workflow,
                    trigger=trigger.name if trigger else "",
                    events=len(batch.event_ids),
                    batch_size=batch.batch_size,
                    batch_window=batch.batch_window,
                    deadline=batch.deadline,
                    seconds_left=max(0.0, batch.deadline - now),
                )

    # ---- what the account calls (GlueListener) ---------------------------------------------

    def event_for_workflow(
        self, event: Mapping[str, Any], rule_arn: str, target: Mapping[str, Any]
    ) -> None:
        """A deployed rule matched an event and names a workflow as its target."""
        if self._stopping:
            return
        event_id, workflow_arn = str(event["id"]), str(target["Arn"])
        with self._changed:
            self._matched += 1
            self._announce(_matched(event, rule_arn, workflow_arn))
        why = delivery.refusal(self._account, rule_arn, target)
        if why is None:
            self._receive(workflow_arn.rpartition("/")[2], event_id)
            return
        lost = delivery.send_to_dead_letter_queue(self._account, rule_arn, target, event, why)
        with self._changed:
            self._undelivered += 1
            self._announce(
                EventUndelivered(
                    event_id=event_id,
                    rule_arn=rule_arn,
                    workflow_arn=workflow_arn,
                    code=why.code,
                    message=why.message,
                    lost=lost,
                )
            )
            self._problem(f"An event was not delivered ({why.code}): {why.message}")
            if lost:
                self._problem(f"An undelivered event is lost: {lost}.")

    def message_published(self, topic_arn: str, message: str) -> None:
        """A deployed rule sent a message to a topic."""
        with self._changed:
            self._announce(MessagePublished(topic_arn=topic_arn, message=message))

    def start_job_run(
        self,
        job_name: str,
        *,
        arguments: Mapping[str, str],
        timeout: int | None,
        queuing_enabled: bool | None,
    ) -> str:
        """StartJobRun."""
        with self._changed:
            self._refuse_when_stopping("StartJobRun")
            job = self._glue.get_job(job_name)
            run = self._new_job_run(job, arguments, timeout, queuing_enabled)
            if not run.record.queuing_enabled and not self._has_room(job):
                raise ConcurrentRunsExceededException(_concurrent_runs_of(job))
            self._submit(run)
            return run.record.job_run_id

    def start_workflow_run(self, workflow_name: str, properties: Mapping[str, str]) -> str:
        """StartWorkflowRun: runs the actions of the workflow's EVENT trigger."""
        with self._changed:
            self._refuse_when_stopping("StartWorkflowRun")
            workflow = self._glue.workflows.get(workflow_name)
            if workflow is None:
                raise EntityNotFoundException("Entity not found")
            if self._is_full(workflow):
                raise ConcurrentRunsExceededException(_concurrent_runs_exceeded(workflow))
            trigger = self._event_trigger(workflow_name)
            run = self._new_workflow_run(workflow, trigger, properties)
            self._set_workflow_status(run, "RUNNING")
            self._run_actions(run, trigger)
            return run.record.run_id

    def stop_workflow_run(self, workflow_name: str, run_id: str) -> None:
        """StopWorkflowRun."""
        with self._changed:
            found = [run for run in self._workflow_runs if run.record.run_id == run_id]
            if not found or found[0].record.workflow_name != workflow_name:
                raise EntityNotFoundException("Entity not found")
            unfinished = [run for run in found[0].jobs if run.record.status not in JOB_FINISHED]
            if unfinished:
                self._set_workflow_status(found[0], "STOPPING")
            for run in unfinished:
                self._request_stop(run)
        for run in unfinished:
            self._end_process(run)

    # ---- the trigger -----------------------------------------------------------------------

    def _receive(self, workflow_name: str, event_id: str) -> None:
        with self._changed:
            if self._stopping:
                return
            trigger = self._event_trigger(workflow_name)
            if trigger is None or trigger.state not in LISTENING_STATES:
                what = f"is {trigger.state}" if trigger else "does not exist"
                self._problem(
                    f"Workflow {workflow_name} received an event, but its EVENT trigger {what}: "
                    "nothing starts."
                )
                return
            batch = self._batch_of(workflow_name, trigger)
            if batch is None:
                return
            now = self.clock()
            was_open = batch.opened_at is not None
            batch, firing = batch.receive(event_id, now)
            self._batches[workflow_name] = batch
            if firing:
                self._fire_or_say_why_not(workflow_name, firing)
            if batch.deadline is not None and (firing or not was_open):
                self._announce(
                    WindowOpened(
                        workflow=workflow_name,
                        trigger=trigger.name,
                        batch_size=batch.batch_size,
                        batch_window=batch.batch_window,
                        deadline=batch.deadline,
                    )
                )
            # Also wakes the timer, which then knows the new deadline.
            self._changed.notify_all()

    def _batch_of(self, workflow_name: str, trigger: FakeTrigger) -> EventBatch | None:
        """The batch being collected, or an empty one with the limits that are deployed now.

        A batch keeps the limits that it began with; a changed trigger counts from the next one.
        """
        collecting = self._batches.get(workflow_name)
        if collecting is not None and collecting.event_ids:
            return collecting
        try:
            return EventBatch.from_condition(trigger.event_batching_condition)
        except ValueError as error:
            self._problem(f"Trigger {trigger.name} cannot fire: {error}.")
            return None

    def _watch_deadlines(self) -> None:
        with self._changed:
            while not self._stopping:
                now = self.clock()
                for workflow_name, batch in list(self._batches.items()):
                    self._batches[workflow_name], firing = batch.tick(now)
                    if firing:
                        self._fire_or_say_why_not(workflow_name, firing)
                deadlines = [b.deadline for b in self._batches.values() if b.deadline is not None]
                left = min(deadlines) - self.clock() if deadlines else None
                self._changed.wait(left if left is None else max(0.0, left))

    def _fire_or_say_why_not(self, workflow_name: str, firing: Firing) -> None:
        try:
            self._fire(workflow_name, firing)
        except Exception as error:  # noqa: BLE001 (the other triggers need the timer)
            self._problem(f"Workflow {workflow_name} could not be started: {error!r}")

    def _fire(self, workflow_name: str, firing: Firing) -> None:
        workflow = self._glue.workflows.get(workflow_name)
        trigger = self._event_trigger(workflow_name)
        if workflow is None or trigger is None:
            missing = "trigger" if workflow else "workflow"
            self._problem(
                f"The {missing} of {workflow_name} was deleted while {len(firing.event_ids)} "
                "events waited for it: nothing starts."
            )
            return
        full = self._is_full(workflow)
        # Glue gives the ids as one text in brackets, without quotes (published jobs read it with
        # `[1:-1]`); what stands between two ids is on no page *(unconfirmed)*.
        properties = {"aws:eventIds": f"[{', '.join(firing.event_ids)}]"}
        run = self._new_workflow_run(workflow, trigger, properties, firing)
        self._announce(
            TriggerFired(
                workflow=workflow_name,
                trigger=trigger.name,
                reason=firing.reason,
                event_ids=firing.event_ids,
                workflow_run_id=run.record.run_id,
            )
        )
        if full:
            message = _concurrent_runs_exceeded(workflow)
            self._set_workflow_status(run, "ERROR", message)
            self._problem(f"{message} {len(firing.event_ids)} events are gone.")
            return
        self._set_workflow_status(run, "RUNNING")
        self._run_actions(run, trigger)

    # ---- workflow runs ---------------------------------------------------------------------

    def _new_workflow_run(
        self,
        workflow: FakeWorkflow,
        trigger: FakeTrigger | None,
        properties: Mapping[str, str],
        firing: Firing | None = None,
    ) -> _WorkflowExecution:
        record = RecordedWorkflowRun(
            workflow.name,
            previous_run_id=next(reversed(workflow.runs), None),
            properties={**(workflow.default_run_properties or {}), **properties},
            starting_condition=_starting_condition(firing),
            trigger=trigger.as_dict() if trigger else None,
        )
        # A new mapping, because somebody may be listing the old one at this moment.
        workflow.runs = OrderedDict(workflow.runs) | {record.run_id: record}
        run = _WorkflowExecution(record, firing)
        self._workflow_runs.append(run)
        return run

    def _run_actions(self, run: _WorkflowExecution, trigger: FakeTrigger | None) -> None:
        name = run.record.workflow_name
        actions = trigger.actions if trigger else []
        for action in actions:
            job = self._glue.jobs.get(str(action.job_name))
            if job is None:
                self._problem(
                    f"Workflow {name} cannot run {action.job_name or action.crawler_name}: "
                    "there is no such job."
                )
                continue
            names = {"--WORKFLOW_NAME": name, "--WORKFLOW_RUN_ID": run.record.run_id}
            arguments: Any = action.arguments or {}
            timeout: Any = action.timeout
            job_run = self._new_job_run(job, {**arguments, **names}, timeout, None)
            job_run.workflow_run = run
            job_run.record.trigger_name = trigger.name if trigger else None
            run.jobs.append(job_run)
            run.record.job_runs.append(job_run.record)
        for job_run in run.jobs:
            self._submit(job_run)
        if not run.jobs:
            self._problem(f"Workflow {name} has nothing to run.")
            self._set_workflow_status(run, "COMPLETED")

    def _is_full(self, workflow: FakeWorkflow) -> bool:
        active = (run for run in workflow.runs.values() if run.status in ("RUNNING", "STOPPING"))
        limit = workflow.max_concurrent_runs
        return bool(limit) and sum(1 for _ in active) >= int(limit or 0)

    def _finish_workflow_run(self, run: _WorkflowExecution) -> None:
        if run.record.completed_on or any(
            job.record.status not in JOB_FINISHED for job in run.jobs
        ):
            return
        stopped = any(job.stop_requested for job in run.jobs)
        self._set_workflow_status(run, "STOPPED" if stopped else "COMPLETED")

    def _set_workflow_status(
        self, run: _WorkflowExecution, status: str, error_message: str | None = None
    ) -> None:
        if status in ("RUNNING", "STOPPING"):
            run.record.status = status
        else:
            run.record.finish(status, error_message)
        self._announce(
            WorkflowRunChanged(
                workflow=run.record.workflow_name,
                run_id=run.record.run_id,
                status=status,
                error_message=error_message,
            )
        )

    # ---- job runs --------------------------------------------------------------------------

    def _new_job_run(
        self,
        job: FakeJob,
        arguments: Mapping[str, str],
        timeout: int | None,
        queuing_enabled: bool | None,
    ) -> _JobExecution:
        deployed = bool(getattr(job, "job_run_queuing_enabled", False))
        record = RecordedJobRun(
            job,
            arguments=arguments,
            timeout=timeout or job.timeout,
            queuing_enabled=deployed if queuing_enabled is None else queuing_enabled,
        )
        return _JobExecution(record, job, self._work_folder / record.job_run_id)

    def _submit(self, run: _JobExecution) -> None:
        """Starts a job run, lets it wait for its turn, or refuses it."""
        # Those who wait already come first; there is room for them if the limit was raised.
        self._start_waiting(run.job)
        has_room = self._has_room(run.job)
        run.job.job_runs.append(run.record)
        self._job_runs.append(run)
        if has_room:
            self._launch(run)
        elif run.record.queuing_enabled:
            self._set_job_state(run, "WAITING")
            run.record.state_detail = "Waiting for a concurrent run of the job to end."
        else:
            message = f"ConcurrentRunsExceededException: {_concurrent_runs_of(run.job)}"
            self._finish_job_run(run, "FAILED", message)

    def _has_room(self, job: FakeJob) -> bool:
        active = sum(1 for run in job.job_runs if run.status in JOB_OCCUPIES)
        return active < int(job.execution_property.get("MaxConcurrentRuns") or 1)

    def _launch(self, run: _JobExecution) -> None:
        self._set_job_state(run, "STARTING")
        name = f"glue-job-{run.record.job_run_id[:12]}"
        run.thread = threading.Thread(target=self._carry_out, args=(run,), name=name, daemon=True)
        run.thread.start()

    def _carry_out(self, run: _JobExecution) -> None:
        """One job run from its start to its end, in a thread of its own."""
        try:
            state, message = self._execute(run)
        except Exception as error:  # noqa: BLE001 (whatever it is, it is why this run failed)
            state, message = "FAILED", str(error)
        with self._changed:
            if run.stop_requested and state != "SUCCEEDED":
                state, message = "STOPPED", None
            self._finish_job_run(run, state, message)
            self._start_waiting(run.job)

    def _execute(self, run: _JobExecution) -> tuple[str, str | None]:
        process = JobProcess.start(self._request(run), self._account)
        with self._changed:
            run.process = process
            stop_requested = run.stop_requested
            if not stop_requested:
                self._set_job_state(run, "RUNNING")
        if stop_requested:
            process.terminate()
            return "STOPPED", None
        minutes = run.record.timeout
        code = process.wait(minutes * self._seconds_per_minute if minutes else None)
        if code is None:
            process.terminate()
            return "TIMEOUT", f"The job run exceeded its timeout of {minutes} minutes."
        return ("SUCCEEDED", None) if code == 0 else ("FAILED", process.error_message())

    def _request(self, run: _JobExecution) -> JobRequest:
        job, record = run.job, run.record
        command: Any = job.command
        arguments = {
            **job.default_arguments,
            **(record.arguments or {}),
            **(job.non_overridable_arguments or {}),
            "--JOB_NAME": job.name,
            "--JOB_RUN_ID": record.job_run_id,
            "--JOB_ID": f"j_{record.job_run_id.removeprefix('jr_')}",
        }
        return JobRequest(str(command["ScriptLocation"]), arguments, run.folder)

    def _start_waiting(self, job: FakeJob) -> None:
        for run in self._job_runs:
            waits = run.job is job and run.record.status == "WAITING"
            if waits and not self._stopping and self._has_room(job):
                self._launch(run)

    def _request_stop(self, run: _JobExecution) -> None:
        run.stop_requested = True
        if run.record.status == "WAITING":
            self._finish_job_run(run, "STOPPED", None)
        else:
            self._set_job_state(run, "STOPPING")

    def _end_process(self, run: _JobExecution) -> None:
        # Without a process yet, the thread of the run sees the request before it waits.
        if run.process is not None:
            run.process.terminate()

    def _finish_job_run(self, run: _JobExecution, state: str, message: str | None) -> None:
        run.record.error_message = message
        self._set_job_state(run, state)
        if run.workflow_run is not None:
            self._finish_workflow_run(run.workflow_run)

    def _set_job_state(self, run: _JobExecution, state: str) -> None:
        run.record.status = state
        self._announce(
            JobRunChanged(
                job=run.job.name,
                run_id=run.record.job_run_id,
                workflow_run_id=run.workflow_run.record.run_id if run.workflow_run else None,
                state=state,
                error_message=run.record.error_message,
                log=str(run.log),
            )
        )

    # ---- what is deployed, and telling -----------------------------------------------------

    @property
    def _glue(self) -> GlueBackend:
        backend: GlueBackend = self._account.backend("glue")
        return backend

    def _event_trigger(self, workflow_name: str) -> FakeTrigger | None:
        triggers = list(self._glue.triggers.values())
        return next(
            (t for t in triggers if t.workflow_name == workflow_name and t.trigger_type == "EVENT"),
            None,
        )

    def _refuse_when_stopping(self, operation: str) -> None:
        if self._stopping:
            raise InvalidInputException(operation, "The sandbox is stopping.")

    def _problem(self, message: str) -> None:
        if message not in self._problems:
            self._problems.append(message)
            self._announce(ProblemFound(message=message))

    def _announce(self, notice: Notice) -> None:
        """Called with the lock held, so that notices are in the order of what they tell."""
        self._notices.put(notice)
        self._changed.notify_all()

    def _tell(self) -> None:
        while (notice := self._notices.get()) is not None:
            with self._changed:
                observers = list(self._observers)
            for observer in observers:
                try:
                    observer(notice)
                except Exception as error:  # noqa: BLE001 (a broken view must not stop the runs)
                    with self._changed:
                        self._problems.append(f"An observer failed: {error!r}")


def _join(*threads: threading.Thread) -> None:
    for thread in threads:
        if thread.ident is not None and thread is not threading.current_thread():
            thread.join(JOIN_GRACE)


def _matched(event: Mapping[str, Any], rule_arn: str, workflow_arn: str) -> EventMatched:
    bucket, key, version_id = _object_of(event.get("detail") or {})
    return EventMatched(
        event_id=str(event["id"]),
        rule_arn=rule_arn,
        workflow_arn=workflow_arn,
        detail_type=str(event.get("detail-type", "")),
        bucket=bucket,
        key=key,
        version_id=version_id,
    )


def _object_of(detail: Mapping[str, Any]) -> tuple[str | None, str | None, str | None]:
    """Bucket, key and version of an event of S3, or of one that CloudTrail made of a call to it."""
    call = detail.get("requestParameters")
    if isinstance(call, Mapping):
        return call.get("bucketName"), call.get("key"), None
    bucket, s3_object = detail.get("bucket"), detail.get("object")
    name = bucket.get("name") if isinstance(bucket, Mapping) else None
    known: Mapping[str, Any] = s3_object if isinstance(s3_object, Mapping) else {}
    return name, known.get("key"), known.get("version-id")


def _starting_condition(firing: Firing | None) -> dict[str, int] | None:
    """`StartingEventBatchCondition`: the one of the two limits that started the run."""
    if firing is None:
        return None
    if firing.reason is Reason.SIZE:
        return {"BatchSize": len(firing.event_ids)}
    return {"BatchWindow": round(firing.fired_at - firing.opened_at)}


def _concurrent_runs_exceeded(workflow: FakeWorkflow) -> str:
    return f"Concurrent runs exceeded for workflow: {workflow.name}."


def _concurrent_runs_of(job: FakeJob) -> str:
    return f"Concurrent runs exceeded for {job.name}"


def _workflow_picture(run: _WorkflowExecution) -> WorkflowRunPicture:
    return WorkflowRunPicture(
        workflow=run.record.workflow_name,
        run_id=run.record.run_id,
        status=run.record.status,
        reason=run.firing.reason if run.firing else None,
        event_ids=run.firing.event_ids if run.firing else (),
        started_on=run.record.started_on.replace(tzinfo=UTC),
        completed_on=_aware(run.record.completed_on),
        error_message=run.record.error_message,
    )


def _job_picture(run: _JobExecution) -> JobRunPicture:
    return JobRunPicture(
        job=run.job.name,
        run_id=run.record.job_run_id,
        workflow_run_id=run.workflow_run.record.run_id if run.workflow_run else None,
        state=run.record.status,
        started_on=run.record.started_on.replace(tzinfo=UTC),
        completed_on=_aware(run.record.finished_on),
        error_message=run.record.error_message,
        log=str(run.log),
    )


def _aware(moment: datetime | None) -> datetime | None:
    """moto keeps its times in UTC and does not say so."""
    return None if moment is None else moment.replace(tzinfo=UTC)
