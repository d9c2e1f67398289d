"""The parts of the Glue engine, each alone: no account, no Spark, no process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from tools.sandbox.glue.batches import Firing, Reason
from tools.sandbox.glue.definitions import Action, EventTrigger, Job, Workflow
from tools.sandbox.glue.errors import ConcurrentRunsExceededError, EntityNotFoundError
from tools.sandbox.glue.job_process import JobRequest
from tools.sandbox.glue.job_runs import JobRuns
from tools.sandbox.glue.notice_board import NoticeBoard
from tools.sandbox.glue.notices import Notice, ProblemFound
from tools.sandbox.glue.runs import JobRun, WorkflowRun
from tools.sandbox.glue.triggers import Triggers
from tools.sandbox.glue.workflow_runs import WorkflowRuns

PATIENCE = 20.0
JOB = Job("orders", "role", "s3://code/job.py", {"--a": "1"}, {}, 10, 1, queuing_enabled=True)
TRIGGER = EventTrigger(
    "orders-batch",
    "CREATED",
    {"BatchSize": 2, "BatchWindow": 60},
    (Action("orders", "", {}, None),),
    {"Name": "orders-batch"},
)


@dataclass
class Definitions:
    """What is deployed, in memory, and what the API would show."""

    workflow_limit: int | None = None
    the_trigger: EventTrigger | None = TRIGGER
    the_job: Job | None = JOB
    workflow_runs: list[WorkflowRun] = field(default_factory=list)
    job_runs: list[JobRun] = field(default_factory=list)

    def workflow(self, name: str) -> Workflow | None:
        return Workflow(name, self.workflow_limit, {}) if name == "orders" else None

    def event_trigger(self, workflow_name: str) -> EventTrigger | None:
        return self.the_trigger

    def job(self, name: str) -> Job | None:
        return self.the_job if self.the_job and name == self.the_job.name else None

    def show_workflow_run(self, run: WorkflowRun) -> None:
        self.workflow_runs.append(run)

    def show_job_run(self, run: JobRun) -> None:
        self.job_runs.append(run)


@dataclass
class GatedProcess:
    """A job that runs until it is stopped."""

    request: JobRequest
    pid: int = 1
    gate: threading.Event = field(default_factory=threading.Event)
    code: int = 0

    def end(self, code: int = 0) -> None:
        self.code = code
        self.gate.set()

    def wait(self, timeout: float | None = None) -> int | None:
        return self.code if self.gate.wait(timeout) else None

    def terminate(self) -> None:
        self.end(-15)

    def error_message(self) -> str:
        return "it failed"


class World:
    """The parts, joined as the engine joins them."""

    def __init__(self, folder: Path) -> None:
        self.definitions = Definitions()
        self.changed = threading.Condition(threading.RLock())
        self.board = NoticeBoard(self.changed)
        self.processes: list[GatedProcess] = []
        self.now = 0.0
        self.jobs = JobRuns(
            self.definitions,
            self.board,
            self.changed,
            launch=self._launch,
            ended=lambda run: self.workflows.job_run_ended(run),
            work_folder=folder,
            clock=lambda: self.now,
            seconds_per_minute=60.0,
            gives_up_after=15,
        )
        self.workflows = WorkflowRuns(self.definitions, self.board, self.jobs)

    def _launch(self, request: JobRequest) -> GatedProcess:
        process = GatedProcess(request)
        self.processes.append(process)
        return process

    def fire(self, *event_ids: str) -> None:
        with self.changed:
            self.workflows.start_by_trigger("orders", Firing(Reason.SIZE, event_ids, 0.0, 1.0))

    def wait(self, condition: Callable[[], bool]) -> None:
        with self.changed:
            assert self.changed.wait_for(condition, PATIENCE), self.jobs.all()

    def states(self) -> list[str]:
        return [run.state for run in self.jobs.all()]

    def in_states(self, *states: str) -> None:
        self.wait(lambda: self.states() == list(states))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


# ---- triggers ------------------------------------------------------------------------------


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Listening:
    """A trigger with a clock of the test's, and what it fired."""

    definitions: Definitions = field(default_factory=Definitions)
    clock: Clock = field(default_factory=Clock)
    fired: list[Firing] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.board = NoticeBoard(threading.Condition())
        self.triggers = Triggers(
            self.definitions,
            self.board,
            clock=self.clock,
            fire=lambda workflow, firing: self.fired.append(firing),
        )


def test_window_that_ends_fires_its_batch_at_its_deadline() -> None:
    listening = Listening()
    listening.triggers.receive("orders", "e1")
    listening.clock.now = 59.0
    listening.triggers.fire_overdue()
    assert listening.fired == []
    assert listening.triggers.seconds_to_next_deadline == 1.0
    listening.clock.now = 61.0
    listening.triggers.fire_overdue()
    assert listening.fired == [Firing(Reason.WINDOW, ("e1",), 0.0, 60.0)]
    assert listening.triggers.seconds_to_next_deadline is None


def test_open_window_shows_how_far_its_batch_is() -> None:
    listening = Listening()
    listening.triggers.receive("orders", "e1")
    listening.clock.now = 20.0
    [window] = listening.triggers.open_windows()
    assert (window.events, window.batch_size, window.seconds_left) == (1, 2, 40.0)


@pytest.mark.parametrize(
    ("trigger", "problem"),
    [
        (None, "its EVENT trigger does not exist"),
        (replace(TRIGGER, state="DEACTIVATED"), "its EVENT trigger is DEACTIVATED"),
        (replace(TRIGGER, batching_condition={"BatchSize": 101}), "batch size 101 is not within"),
    ],
)
def test_trigger_that_cannot_fire_is_a_problem(trigger: EventTrigger | None, problem: str) -> None:
    listening = Listening(Definitions(the_trigger=trigger))
    listening.triggers.receive("orders", "e1")
    assert problem in listening.board.problems[0]
    assert listening.fired == []


# ---- workflow runs and job runs ------------------------------------------------------------


def test_second_run_waits_for_the_first_and_both_workflow_runs_complete(world: World) -> None:
    world.fire("e1")
    world.fire("e2")
    world.in_states("RUNNING", "WAITING")
    world.processes[0].end()
    world.in_states("SUCCEEDED", "RUNNING")
    world.processes[1].end(1)
    world.in_states("SUCCEEDED", "FAILED")
    assert [run.status for run in world.workflows.all()] == ["COMPLETED", "COMPLETED"]
    assert world.jobs.all()[1].error_message == "it failed"


def test_firing_beyond_the_workflows_limit_is_an_error_and_starts_no_job(world: World) -> None:
    world.definitions.workflow_limit = 1
    world.fire("e1")
    world.fire("e2", "e3")
    refused = world.workflows.all()[1]
    assert refused.status == "ERROR"
    assert refused.error_message == "Concurrent runs exceeded for workflow: orders."
    assert refused.completed_on
    assert len(world.jobs.all()) == 1
    with pytest.raises(ConcurrentRunsExceededError):
        world.workflows.start_by_hand("orders", {})
    # It is started in a thread.
    world.wait(lambda: bool(world.processes))
    world.processes[0].end()
    world.wait(lambda: world.workflows.all()[0].status == "COMPLETED")
    world.fire("e4")
    world.in_states("SUCCEEDED", "RUNNING")


def test_run_that_may_not_wait_is_refused_by_hand_and_fails_in_a_workflow(world: World) -> None:
    world.definitions.the_job = replace(JOB, queuing_enabled=False)
    world.fire("e1")
    world.fire("e2")
    world.in_states("RUNNING", "FAILED")
    with pytest.raises(ConcurrentRunsExceededError):
        world.jobs.start_by_hand("orders", arguments={}, timeout=None, queuing_enabled=None)
    assert len(world.jobs.all()) == 2


def test_run_that_is_stopped_while_it_waits_never_starts(world: World) -> None:
    world.fire("e1")
    world.fire("e2")
    world.in_states("RUNNING", "WAITING")
    with world.changed:
        assert world.workflows.request_stop("orders", world.workflows.all()[1].run_id)
    world.processes[0].end()
    world.in_states("SUCCEEDED", "STOPPED")
    assert len(world.processes) == 1
    assert [run.status for run in world.workflows.all()] == ["COMPLETED", "STOPPED"]


def test_limit_that_is_raised_while_runs_wait_starts_them_with_the_next_run(world: World) -> None:
    world.fire("e1")
    world.fire("e2")
    world.definitions.the_job = replace(JOB, max_concurrent_runs=2)
    world.fire("e3")
    world.in_states("RUNNING", "RUNNING", "WAITING")


def test_job_gets_its_arguments_and_the_names_of_its_runs(world: World) -> None:
    world.fire("e1")
    world.in_states("RUNNING")
    arguments = world.processes[0].request.arguments
    [run] = world.jobs.all()
    assert arguments["--a"] == "1"
    assert arguments["--JOB_RUN_ID"] == run.run_id
    assert arguments["--WORKFLOW_RUN_ID"] == run.workflow_run_id


def test_trigger_without_a_job_completes_its_run_and_is_a_problem(world: World) -> None:
    world.definitions.the_job = None
    world.fire("e1")
    assert [run.status for run in world.workflows.all()] == ["COMPLETED"]
    assert any("cannot run orders" in problem for problem in world.board.problems)


def test_unknown_names_are_refused(world: World) -> None:
    with pytest.raises(EntityNotFoundError):
        world.workflows.start_by_hand("none", {})
    with pytest.raises(EntityNotFoundError):
        world.workflows.request_stop("orders", "wr_none")
    with pytest.raises(EntityNotFoundError):
        world.jobs.start_by_hand("none", arguments={}, timeout=None, queuing_enabled=None)


# ---- notices -------------------------------------------------------------------------------


def test_observers_hear_notices_in_order_and_a_broken_one_stops_nothing() -> None:
    heard: list[Notice] = []

    def broken(notice: Notice) -> None:
        raise RuntimeError("no screen")

    board = NoticeBoard(threading.Condition())
    board.subscribe(broken)
    unsubscribe = board.subscribe(heard.append)
    board.start()
    for message in ("one", "two", "one"):
        board.report_problem(message)
    board.close()
    assert [n.message for n in heard if isinstance(n, ProblemFound)] == ["one", "two"]
    assert any("no screen" in problem for problem in board.problems)
    unsubscribe()
    unsubscribe()
