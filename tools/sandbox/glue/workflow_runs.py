"""Workflow runs: started within the workflow's limit, ended when their jobs have ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from tools.operate.words import count
from tools.sandbox.glue.admission import Admission, admit_workflow_run, workflow_run_ending
from tools.sandbox.glue.batches import Firing
from tools.sandbox.glue.definitions import EventTrigger, GlueAccount, Workflow
from tools.sandbox.glue.errors import ConcurrentRunsExceededError, EntityNotFoundError
from tools.sandbox.glue.job_runs import JobRuns
from tools.sandbox.glue.notice_board import NoticeBoard
from tools.sandbox.glue.notices import TriggerFired, WorkflowRunChanged
from tools.sandbox.glue.runs import JobRun, WorkflowRun, new_workflow_run_id


class WorkflowRuns:
    """The workflow runs of the account. The caller holds the engine's lock."""

    def __init__(self, glue: GlueAccount, board: NoticeBoard, jobs: JobRuns) -> None:
        self._glue = glue
        self._board = board
        self._jobs = jobs
        self._runs: dict[str, WorkflowRun] = {}

    def all(self) -> tuple[WorkflowRun, ...]:
        """Every run as it is now, in the order of their start."""
        return tuple(self._runs.values())

    def start_by_trigger(self, workflow_name: str, firing: Firing) -> None:
        """The trigger of the workflow fires. A run beyond the workflow's limit becomes ERROR."""
        workflow = self._glue.workflow(workflow_name)
        trigger = self._glue.event_trigger(workflow_name)
        if workflow is None or trigger is None:
            missing = "trigger" if workflow else "workflow"
            self._board.report_problem(
                f"The {missing} of {workflow_name} was deleted while "
                f"{count(len(firing.event_ids), 'event')} waited for it: nothing starts."
            )
            return
        admission = self._admission(workflow)
        # Glue gives the ids as one text in brackets, without quotes (published jobs read it with
        # `[1:-1]`); what separates two ids is on no page *(unconfirmed)*.
        properties = {"aws:eventIds": f"[{', '.join(firing.event_ids)}]"}
        run = self._new_run(workflow, trigger, properties, firing)
        self._board.announce(
            TriggerFired(
                workflow=workflow_name,
                trigger=trigger.name,
                reason=firing.reason,
                event_ids=firing.event_ids,
                workflow_run_id=run.run_id,
            )
        )
        if admission is Admission.REFUSED:
            # No problem to report: an event only says *look*, and a run that waits has not looked.
            self._change(run.with_status("ERROR", concurrent_runs_exceeded(workflow)))
            return
        self._change(run)
        self._run_actions(run, trigger)

    def start_by_hand(self, workflow_name: str, properties: Mapping[str, str]) -> str:
        """StartWorkflowRun: runs the actions of the workflow's EVENT trigger.

        Raises:
            EntityNotFoundError: there is no such workflow.
            ConcurrentRunsExceededError: the workflow's limit is reached.
        """
        workflow = self._glue.workflow(workflow_name)
        if workflow is None:
            raise EntityNotFoundError(f"Workflow {workflow_name} does not exist.")
        if self._admission(workflow) is Admission.REFUSED:
            raise ConcurrentRunsExceededError(concurrent_runs_exceeded(workflow))
        trigger = self._glue.event_trigger(workflow_name)
        run = self._new_run(workflow, trigger, properties, None)
        self._change(run)
        self._run_actions(run, trigger)
        return run.run_id

    def request_stop(self, workflow_name: str, run_id: str) -> Sequence[str]:
        """StopWorkflowRun: asks for the end of every job run of it.

        Returns:
            The job runs whose processes must now be ended.

        Raises:
            EntityNotFoundError: the workflow has no such run.
        """
        run = self._runs.get(run_id)
        if run is None or run.workflow != workflow_name:
            raise EntityNotFoundError(f"Workflow {workflow_name} has no run {run_id}.")
        unfinished = [job for job in self._jobs.of_workflow_run(run_id) if not job.finished]
        if unfinished:
            self._change(run.with_status("STOPPING"))
        for job in unfinished:
            self._jobs.request_stop(job.run_id)
        return [job.run_id for job in unfinished]

    def job_run_ended(self, job_run: JobRun) -> None:
        """One of the jobs has ended; with the last one, the workflow run ends."""
        run = self._runs.get(job_run.workflow_run_id or "")
        if run is None or run.completed_on:
            return
        jobs = self._jobs.of_workflow_run(run.run_id)
        stop_requested = any(self._jobs.stop_requested(job.run_id) for job in jobs)
        status = workflow_run_ending((job.state for job in jobs), stop_requested=stop_requested)
        if status is not None:
            self._change(run.with_status(status))

    def _admission(self, workflow: Workflow) -> Admission:
        runs = self._runs.values()
        active = sum(run.active for run in runs if run.workflow == workflow.name)
        return admit_workflow_run(active, workflow.max_concurrent_runs)

    def _new_run(
        self,
        workflow: Workflow,
        trigger: EventTrigger | None,
        properties: Mapping[str, str],
        firing: Firing | None,
    ) -> WorkflowRun:
        earlier = [run.run_id for run in self._runs.values() if run.workflow == workflow.name]
        return WorkflowRun(
            run_id=new_workflow_run_id(),
            workflow=workflow.name,
            started_on=datetime.now(UTC),
            properties={**workflow.default_run_properties, **properties},
            firing=firing,
            trigger=trigger.definition if trigger else None,
            previous_run_id=earlier[-1] if earlier else None,
        )

    def _run_actions(self, run: WorkflowRun, trigger: EventTrigger | None) -> None:
        prepared = []
        for action in trigger.actions if trigger else ():
            job = self._glue.job(action.job_name)
            if job is None:
                self._board.report_problem(
                    f"Workflow {run.workflow} cannot run {action.job_name or action.other}: "
                    "there is no such job."
                )
                continue
            names = {"--WORKFLOW_NAME": run.workflow, "--WORKFLOW_RUN_ID": run.run_id}
            prepared.append(
                self._jobs.prepare(
                    job,
                    arguments={**action.arguments, **names},
                    timeout=action.timeout,
                    workflow_run_id=run.run_id,
                    trigger_name=trigger.name if trigger else None,
                )
            )
        for job_run in prepared:
            self._jobs.submit(job_run)
        if not prepared:
            self._board.report_problem(f"Workflow {run.workflow} has nothing to run.")
            self._change(run.with_status("COMPLETED"))

    def _change(self, run: WorkflowRun) -> None:
        self._runs[run.run_id] = run
        self._glue.show_workflow_run(run)
        self._board.announce(
            WorkflowRunChanged(
                workflow=run.workflow,
                run_id=run.run_id,
                status=run.status,
                error_message=run.error_message,
            )
        )


def concurrent_runs_exceeded(workflow: Workflow) -> str:
    """The error message of a workflow run beyond the limit."""
    return f"Concurrent runs exceeded for workflow: {workflow.name}."
