"""Plays the part of Glue that the emulator lacks, with whatever is deployed in the account.

It looks everything up when it needs it: the target of the rule that matched, its role, the
workflow, its EVENT trigger with the batch size and window, the job with its script, arguments,
timeout, concurrency and queuing.

It leaves out what no stack here uses: conditional triggers inside a workflow, crawlers, job
retries, BatchStopJobRun and the resumption of workflow runs.
"""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tools.sandbox import delivery
from tools.sandbox.account import Account
from tools.sandbox.glue.errors import InvalidInputError
from tools.sandbox.glue.job_process import JobProcess
from tools.sandbox.glue.job_runs import JobRuns
from tools.sandbox.glue.notice_board import JOIN_SECONDS, NoticeBoard, Observer
from tools.sandbox.glue.notices import (
    EventMatched,
    EventUndelivered,
    MessagePublished,
    Snapshot,
)
from tools.sandbox.glue.triggers import Triggers
from tools.sandbox.glue.workflow_runs import WorkflowRuns
from tools.sandbox.java import java_home

SECONDS_PER_MINUTE = 60.0


class GlueEngine:
    """Runs the deployed workflows of an account while its `with` block runs.

    Args:
        account: the open account.
        work_folder: each job run gets its own folder in it.
        clock: seconds on a scale that only grows; deadlines are on it.
        seconds_per_minute: length of a minute of a job's timeout; tests shorten it.
        gives_up_after: minutes for which a job run waits in the queue before it fails; None, as
            the current documentation of Glue has it, for ever. One version of it says 15.
    """

    def __init__(
        self,
        account: Account,
        *,
        work_folder: Path,
        clock: Callable[[], float] = time.monotonic,
        seconds_per_minute: float = SECONDS_PER_MINUTE,
        gives_up_after: float | None = None,
    ) -> None:
        self._account = account
        # One lock for all state; every change of state is announced on it.
        self._changed = threading.Condition(threading.RLock())
        self._stopping = False
        self._matched = 0
        self._undelivered = 0
        self._board = NoticeBoard(self._changed)
        self.jobs = JobRuns(
            account.glue,
            self._board,
            self._changed,
            launch=partial(JobProcess.start, account=account),
            ended=lambda run: self._workflows.job_run_ended(run),
            work_folder=work_folder,
            clock=clock,
            seconds_per_minute=seconds_per_minute,
            gives_up_after=gives_up_after,
        )
        self._workflows = WorkflowRuns(account.glue, self._board, self.jobs)
        self._triggers = Triggers(
            account.glue, self._board, clock=clock, fire=self._workflows.start_by_trigger
        )
        self._timer = threading.Thread(target=self._watch_deadlines, name="glue-timer", daemon=True)

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
            self._board.start()
            self._account.hooks.listener = self
            # No job may outlive this process, also if nobody stops the engine.
            atexit.register(self.stop)

    def stop(self) -> None:
        """Ends everything that it started and returns when nothing of it is left.

        Runs that have not ended become STOPPED. Safe to call at any time, and again.
        """
        with self._changed:
            self._stopping = True
            if self._account.hooks.listener is self:
                self._account.hooks.listener = None
            unfinished = self.jobs.request_stop_of_all()
            self._changed.notify_all()
        for run_id in unfinished:
            self.jobs.end_process(run_id)
        _join(*self.jobs.threads, self._timer)
        # Last, so that observers hear of every end.
        self._board.close()
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

    def _watch_deadlines(self) -> None:
        with self._changed:
            while not self._stopping:
                self._triggers.fire_overdue()
                self.jobs.give_up_overdue()
                self._changed.wait(self._seconds_to_next_deadline)

    @property
    def _seconds_to_next_deadline(self) -> float | None:
        deadlines = (self._triggers.seconds_to_next_deadline, self.jobs.seconds_to_next_deadline)
        return min((seconds for seconds in deadlines if seconds is not None), default=None)

    # ---- for observers ---------------------------------------------------------------------

    def subscribe(self, observer: Observer) -> Callable[[], None]:
        """Calls `observer` with every notice from now on, in order, in a thread of the engine.

        Returns:
            A function that ends the subscription.
        """
        return self._board.subscribe(observer)

    @property
    def problems(self) -> tuple[str, ...]:
        """What is deployed in a way that cannot work, and what failed here; the latest last."""
        return self._board.problems

    def snapshot(self) -> Snapshot:
        """Everything that is known at this moment."""
        with self._changed:
            return Snapshot(
                matched_events=self._matched,
                undelivered_events=self._undelivered,
                windows=tuple(self._triggers.open_windows()),
                workflow_runs=self._workflows.all(),
                job_runs=self.jobs.all(),
                problems=self._board.problems,
            )

    def wait(self, condition: Callable[[Snapshot], bool], timeout: float) -> bool:
        """Waits until the condition is true of a snapshot; False if the timeout comes first."""
        with self._changed:
            return self._changed.wait_for(lambda: condition(self.snapshot()), timeout)

    # ---- what the account calls (GlueListener) ---------------------------------------------

    def event_for_workflow(
        self, event: Mapping[str, Any], rule_arn: str, target: Mapping[str, Any]
    ) -> None:
        """A deployed rule matched an event and names a workflow as its target."""
        if self._stopping:
            return
        workflow_arn = str(target["Arn"])
        with self._changed:
            self._matched += 1
            self._board.announce(_matched(event, rule_arn, workflow_arn))
        why = delivery.refusal(self._account, target)
        if why is not None:
            self._undeliverable(event, rule_arn, target, why)
            return
        with self._changed:
            if not self._stopping:
                self._triggers.receive(workflow_arn.rpartition("/")[2], str(event["id"]))
                # Wakes the timer, which then knows the new deadline.
                self._changed.notify_all()

    def message_published(self, topic_arn: str, message: str) -> None:
        """A deployed rule sent a message to a topic."""
        self._board.announce(MessagePublished(topic_arn=topic_arn, message=message))

    def start_job_run(
        self,
        job_name: str,
        *,
        arguments: Mapping[str, str],
        timeout: int | None,
        queuing_enabled: bool | None,
    ) -> str:
        """StartJobRun; raises GlueError where it is refused."""
        with self._changed:
            self._refuse_when_stopping()
            return self.jobs.start_by_hand(
                job_name, arguments=arguments, timeout=timeout, queuing_enabled=queuing_enabled
            )

    def start_workflow_run(self, workflow_name: str, properties: Mapping[str, str]) -> str:
        """StartWorkflowRun; raises GlueError where it is refused."""
        with self._changed:
            self._refuse_when_stopping()
            return self._workflows.start_by_hand(workflow_name, properties)

    def stop_workflow_run(self, workflow_name: str, run_id: str) -> None:
        """StopWorkflowRun; raises GlueError where it is refused."""
        with self._changed:
            unfinished = self._workflows.request_stop(workflow_name, run_id)
        for job_run_id in unfinished:
            self.jobs.end_process(job_run_id)

    def _refuse_when_stopping(self) -> None:
        if self._stopping:
            raise InvalidInputError("The sandbox is stopping.")

    def _undeliverable(
        self,
        event: Mapping[str, Any],
        rule_arn: str,
        target: Mapping[str, Any],
        why: delivery.Refusal,
    ) -> None:
        lost = delivery.send_to_dead_letter_queue(self._account, rule_arn, target, event, why)
        with self._changed:
            self._undelivered += 1
            self._board.announce(
                EventUndelivered(
                    event_id=str(event["id"]),
                    rule_arn=rule_arn,
                    workflow_arn=str(target["Arn"]),
                    code=why.code,
                    message=why.message,
                    lost=lost,
                )
            )
            self._board.report_problem(f"An event was not delivered ({why.code}): {why.message}")
            if lost:
                self._board.report_problem(f"An undelivered event is lost: {lost}.")


def _join(*threads: threading.Thread) -> None:
    for thread in threads:
        if thread.ident is not None and thread is not threading.current_thread():
            thread.join(JOIN_SECONDS)


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
