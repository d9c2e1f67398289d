"""Corrections of moto's Glue."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import camelcase_to_underscores
from moto.glue.exceptions import (
    AlreadyExistsException,
    ConcurrentRunsExceededException,
    EntityNotFoundException,
    InvalidInputException,
)
from moto.glue.models import FakeJob, FakeJobRun, GlueBackend
from moto.glue.responses import GlueResponse
from moto.glue.utils import Action, Predicate

from tools.sandbox.account.corrections.base import Hooks, correction
from tools.sandbox.account.glue_state import workflow_run_graph
from tools.sandbox.glue import errors

# Fields of `JobUpdate` with what they become where the update leaves them out: "The previous
# job definition is completely overwritten by this information" (API reference, JobUpdate).
JOB_FIELDS: Mapping[str, Callable[[], Any]] = {
    "Description": lambda: None,
    "LogUri": lambda: None,
    "Role": lambda: None,
    "ExecutionProperty": dict,
    "Command": dict,
    "DefaultArguments": dict,
    "NonOverridableArguments": lambda: None,
    "Connections": lambda: None,
    "MaxRetries": lambda: None,
    "AllocatedCapacity": lambda: None,
    "Timeout": lambda: None,
    "MaxCapacity": lambda: None,
    "SecurityConfiguration": lambda: None,
    "NotificationProperty": lambda: None,
    "GlueVersion": lambda: None,
    "NumberOfWorkers": lambda: None,
    "WorkerType": lambda: None,
    "CodeGenConfigurationNodes": lambda: None,
    "ExecutionClass": lambda: None,
    "SourceControlDetails": lambda: None,
}
QUEUING = "job_run_queuing_enabled"


def _new_action(name: str, method: Callable[[GlueResponse], ActionResult]) -> Any:
    """moto finds an API action by the name of a method of its response class."""
    return patch.object(GlueResponse, name, method, create=True)


@correction
def names_in_glue_are_given_once(hooks: Hooks) -> Iterator[None]:
    """AWS: CreateJob, CreateTrigger and CreateWorkflow answer AlreadyExistsException for a name
    that is taken (API reference, "Errors" of each).
    moto 5.2.5: puts the new one in the old one's place.
    Goes when moto answers AlreadyExistsException.
    """
    with ExitStack() as patches:
        for kind in ("job", "trigger", "workflow"):
            patches.enter_context(_given_once(kind))
        yield


def _given_once(kind: str) -> Any:
    vanilla = getattr(GlueBackend, f"create_{kind}")

    def create(backend: GlueBackend, name: str, *arguments: Any, **named: Any) -> Any:
        if name in getattr(backend, f"{kind}s"):
            raise AlreadyExistsException(kind.capitalize())
        return vanilla(backend, name, *arguments, **named)

    return patch.object(GlueBackend, f"create_{kind}", create)


@correction
def triggers_need_their_workflow_and_jobs(hooks: Hooks) -> Iterator[None]:
    """AWS: CreateTrigger answers EntityNotFoundException where its workflow or a job that it starts
    is not there (API reference, CreateTrigger, "Errors": "A specified entity does not exist").
    moto 5.2.5: takes any name, so a stack that makes the trigger first would pass.
    Goes when moto looks for both.
    """
    vanilla = GlueBackend.create_trigger

    def create_trigger(backend: GlueBackend, *arguments: Any, **named: Any) -> Any:
        workflow = named.get("workflow_name")
        if workflow and workflow not in backend.workflows:
            raise EntityNotFoundException(f"Workflow {workflow} not found.")
        for action in named.get("actions") or ():
            if action.job_name and action.job_name not in backend.jobs:
                raise EntityNotFoundException(f"Job {action.job_name} not found.")
        return vanilla(backend, *arguments, **named)

    with patch.object(GlueBackend, "create_trigger", create_trigger):
        yield


@correction
def triggers_can_be_updated(hooks: Hooks) -> Iterator[None]:
    """AWS: UpdateTrigger replaces a trigger's definition (API reference, TriggerUpdate: "this
    structure overwrites the previous trigger definition completely").
    moto 5.2.5: does not have the action and answers 500, so a changed batch size or window
    cannot be applied.
    Goes when moto has UpdateTrigger.
    """

    def update_trigger(response: GlueResponse) -> ActionResult:
        trigger: Any = response.glue_backend.get_trigger(response._get_param("Name"))
        update = response._get_param("TriggerUpdate") or {}
        trigger.description = update.get("Description")
        trigger.schedule = update.get("Schedule")
        trigger.actions = [Action(action) for action in update.get("Actions", [])]
        trigger.predicate = Predicate(update["Predicate"]) if update.get("Predicate") else None
        trigger.event_batching_condition = update.get("EventBatchingCondition")
        return ActionResult({"Trigger": trigger.as_dict()})

    with _new_action("update_trigger", update_trigger):
        yield


@correction
def jobs_can_be_updated(hooks: Hooks) -> Iterator[None]:
    """AWS: UpdateJob replaces a job's definition (API reference, JobUpdate).
    moto 5.2.5: does not have the action and answers 500, so changed code, arguments or workers
    cannot be applied.
    Goes when moto has UpdateJob.
    """

    def update_job(response: GlueResponse) -> ActionResult:
        job = response.glue_backend.get_job(response._get_param("JobName"))
        update = response._get_param("JobUpdate") or {}
        for field, absent in JOB_FIELDS.items():
            setattr(job, camelcase_to_underscores(field), update.get(field, absent()))
        setattr(job, QUEUING, bool(update.get("JobRunQueuingEnabled")))
        return ActionResult({"JobName": job.name})

    with _new_action("update_job", update_job):
        yield


@correction
def jobs_keep_their_queuing(hooks: Hooks) -> Iterator[None]:
    """AWS: GetJob returns `JobRunQueuingEnabled` as it was set (API reference, Job).
    moto 5.2.5: drops it, so Terraform wants to set it again with every plan, and the engine
    could not know whether a second run waits.
    Goes when moto keeps it.
    """
    vanilla_create = GlueResponse.create_job
    vanilla_as_dict = FakeJob.as_dict

    def create_job(response: GlueResponse) -> ActionResult:
        result = vanilla_create(response)
        job = response.glue_backend.jobs[response._get_param("Name")]
        setattr(job, QUEUING, bool(response._get_param("JobRunQueuingEnabled")))
        return result

    def as_dict(job: FakeJob) -> dict[str, Any]:
        return {**vanilla_as_dict(job), "JobRunQueuingEnabled": getattr(job, QUEUING, False)}

    with (
        patch.object(GlueResponse, "create_job", create_job),
        patch.object(FakeJob, "as_dict", as_dict),
    ):
        yield


@correction
def jobs_show_only_the_execution_class_they_were_given(hooks: Hooks) -> Iterator[None]:
    """AWS: a job without an execution class runs as STANDARD, and GetJob names a class only
    where one was set: the Terraform provider's argument is optional and not computed, and plans
    nothing for such jobs (that GetJob leaves it out is concluded from this, *unconfirmed*).
    moto 5.2.5: always names one, so Terraform wants to remove it with every plan.
    Goes when a plan after an apply is empty without it.
    """
    vanilla = GlueResponse.create_job

    def create_job(response: GlueResponse) -> ActionResult:
        result = vanilla(response)
        job = response.glue_backend.jobs[response._get_param("Name")]
        job.execution_class = response._get_param("ExecutionClass")
        return result

    with patch.object(GlueResponse, "create_job", create_job):
        yield


@correction
def job_runs_come_newest_first(hooks: Hooks) -> Iterator[None]:
    """AWS: GetJobRuns returns the newest job runs first (API reference, GetJobRuns).
    moto 5.2.5: returns the oldest first, so a caller who wants the last five gets the first.
    Goes when moto begins with the newest.
    """
    vanilla = FakeJob.get_job_runs

    def get_job_runs(job: FakeJob) -> list[FakeJobRun]:
        return vanilla(job)[::-1]

    with patch.object(FakeJob, "get_job_runs", get_job_runs):
        yield


@correction
def runs_belong_to_the_engine(hooks: Hooks) -> Iterator[None]:
    """AWS: StartJobRun and StartWorkflowRun run something, a run changes its state as it goes on,
    StopWorkflowRun stops it, and GetWorkflowRun returns the run's graph where IncludeGraph asks
    for it (API reference, JobRun, WorkflowRun).
    moto 5.2.5: runs nothing; a job run is SUCCEEDED as soon as it is looked at, a workflow run is
    RUNNING for ever, stopping one does nothing, and there is no graph.
    Goes never: what runs is the engine's part. It registers itself as the account's listener;
    without one moto answers as it always does.
    """
    with ExitStack() as patches:
        for name, replacement in _run_actions(hooks).items():
            patches.enter_context(patch.object(GlueResponse, name, replacement))
        yield


def _run_actions(hooks: Hooks) -> dict[str, Callable[[GlueResponse], ActionResult]]:
    vanilla_start_job_run = GlueResponse.start_job_run
    vanilla_start_workflow_run = GlueResponse.start_workflow_run
    vanilla_stop_workflow_run = GlueResponse.stop_workflow_run
    vanilla_get_workflow_run = GlueResponse.get_workflow_run
    vanilla_get_workflow_runs = GlueResponse.get_workflow_runs

    def start_job_run(response: GlueResponse) -> ActionResult:
        listener = hooks.listener
        if listener is None:
            return vanilla_start_job_run(response)
        with _refusals("StartJobRun"):
            run_id = listener.start_job_run(
                response._get_param("JobName"),
                arguments=response._get_param("Arguments") or {},
                timeout=response._get_param("Timeout"),
                queuing_enabled=response._get_param("JobRunQueuingEnabled"),
            )
        return ActionResult({"JobRunId": run_id})

    def start_workflow_run(response: GlueResponse) -> ActionResult:
        listener = hooks.listener
        if listener is None:
            return vanilla_start_workflow_run(response)
        with _refusals("StartWorkflowRun"):
            run_id = listener.start_workflow_run(
                response._get_param("Name"), response._get_param("RunProperties") or {}
            )
        return ActionResult({"RunId": run_id})

    def stop_workflow_run(response: GlueResponse) -> ActionResult:
        listener = hooks.listener
        if listener is None:
            return vanilla_stop_workflow_run(response)
        with _refusals("StopWorkflowRun"):
            listener.stop_workflow_run(response._get_param("Name"), response._get_param("RunId"))
        return EmptyResult()

    def get_workflow_run(response: GlueResponse) -> ActionResult:
        answer: Any = vanilla_get_workflow_run(response).result
        return ActionResult({"Run": _with_graph(response, answer["Run"])})

    def get_workflow_runs(response: GlueResponse) -> ActionResult:
        answer: Any = vanilla_get_workflow_runs(response).result
        runs = [_with_graph(response, run) for run in answer["Runs"]]
        return ActionResult({**answer, "Runs": runs})

    return {
        "start_job_run": start_job_run,
        "start_workflow_run": start_workflow_run,
        "stop_workflow_run": stop_workflow_run,
        "get_workflow_run": get_workflow_run,
        "get_workflow_runs": get_workflow_runs,
    }


def _with_graph(response: GlueResponse, answer: dict[str, Any]) -> dict[str, Any]:
    if not response._get_param("IncludeGraph"):
        return answer
    workflow = response.glue_backend.workflows[answer["Name"]]
    graph = workflow_run_graph(workflow, answer["WorkflowRunId"])
    return answer if graph is None else {**answer, "Graph": graph}


@contextmanager
def _refusals(operation: str) -> Iterator[None]:
    """The engine's refusals become those of the Glue API."""
    try:
        yield
    except errors.EntityNotFoundError as error:
        raise EntityNotFoundException(str(error)) from error
    except errors.ConcurrentRunsExceededError as error:
        raise ConcurrentRunsExceededException(str(error)) from error
    except errors.InvalidInputError as error:
        raise InvalidInputException(operation, str(error)) from error
