"""The log of a run, in CloudWatch Logs of an emulated account."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.patience import PATIENCE
from tests.tools.small_pipeline import NAME, SmallPipeline, deploy
from tools.operate import logs
from tools.operate.deployment import DeployedPipeline, Deployment
from tools.operate.errors import InputError
from tools.operate.logs import LogLine, RunLog, followed_lines
from tools.operate.runs import find_run
from tools.sandbox.account import Account
from tools.sandbox.glue.engine import GlueEngine
from tools.sandbox.glue.job_logs import group_prefix

PREFIX = "/burst/dev/orders"
OURS, OTHERS = "jr_aaaa", "jr_bbbb"


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with Account() as account:
        for kind in logs.KINDS:
            account.client("logs").create_log_group(logGroupName=f"{PREFIX}/{kind}")
        yield account


def write(account: Account, kind: str, stream: str, *lines: tuple[int, str]) -> None:
    client, group = account.client("logs"), f"{PREFIX}/{kind}"
    known = client.describe_log_streams(logGroupName=group, logStreamNamePrefix=stream)
    if not known["logStreams"]:
        client.create_log_stream(logGroupName=group, logStreamName=stream)
    events = [{"timestamp": at, "message": text} for at, text in lines]
    client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def texts(lines: list[LogLine]) -> list[str]:
    return [f"{line.kind} {line.stream.rpartition('-')[2]} {line.text}" for line in lines]


def test_both_groups_and_all_streams_of_one_run_are_one_sequence_that_goes_on(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One stream in each call, as if the run had hundreds.
    monkeypatch.setattr(logs, "MOST_STREAMS", 1)
    now = round(time.time() * 1000) - 1000
    write(account, "output", f"{OURS}-driver", (now, "first\n"), (now + 30, "fourth"))
    write(account, "error", f"{OURS}-driver", (now + 10, "second"))
    write(account, "error", f"{OURS}-1", (now + 20, "third"))
    write(account, "output", f"{OTHERS}-driver", (now, "of another run"))
    log = RunLog(account.client("logs"), PREFIX, OURS)
    assert texts(log.new_lines()) == [
        "output driver first",
        "error driver second",
        "error 1 third",
        "output driver fourth",
    ]
    assert log.new_lines() == []
    # The later line is older than one that was seen: executors are slower than the driver.
    write(account, "error", f"{OURS}-1", (now + 25, "late"))
    assert texts(log.new_lines()) == ["error 1 late"]
    assert RunLog(account.client("logs"), PREFIX, "jr_none").new_lines() == []
    [only] = RunLog(account.client("logs"), PREFIX, OTHERS, ["output"]).new_lines()
    assert only.text == "of another run"


class _Arriving:
    """A log whose lines come with each look."""

    def __init__(self, *looks: list[str]) -> None:
        self.looks = list(looks)

    def new_lines(self) -> list[Any]:
        return self.looks.pop(0) if self.looks else []


def test_following_ends_when_the_run_has_ended_and_its_last_lines_had_time() -> None:
    passed = 0.0

    def sleep(seconds: float) -> None:
        nonlocal passed
        passed += seconds

    log: Any = _Arriving(["a"], [], ["b"], [], ["after its end"])
    found = followed_lines(log, lambda: passed < 5, clock=lambda: passed, sleep=sleep)
    assert list(found) == ["a", "b", "after its end"]
    assert 5 + logs.LAST_LOOK_SECONDS <= passed < 20


@pytest.mark.parametrize(
    ("arguments", "configuration", "prefix"),
    [
        ({}, "", "/aws-glue/jobs"),
        ({"--custom-logGroup-prefix": PREFIX}, "", PREFIX),
        ({"--custom-logGroup-prefix": PREFIX}, "kms", f"{PREFIX}/kms-role/job"),
    ],
)
def test_groups_are_named_as_glue_names_them(
    arguments: dict[str, str], configuration: str, prefix: str
) -> None:
    assert group_prefix(arguments, configuration, "arn:aws:iam::1:role/job") == prefix


def test_what_a_job_prints_is_in_its_file_and_in_cloudwatch_logs_if_its_role_may_write_there(
    account: Account, tmp_path: Path
) -> None:
    with GlueEngine(account, work_folder=tmp_path / "runs") as engine:
        pipeline = deploy(
            account,
            tmp_path,
            arguments={"--custom-logGroup-prefix": PREFIX, "--fail": "no room"},
        )
        run = _one_run(engine, pipeline)
        found = RunLog(account.client("logs"), PREFIX, run.run_id).new_lines()
        assert "output driver the job says hello" in texts(found)
        assert "error driver ValueError: no room" in texts(found)
        kept = Path(run.log).read_text(encoding="utf-8")
        assert [line.text for line in found if line.text not in kept] == []
        _a_run_of_another_pipeline_is_named(account, run.run_id)

        account.client("iam").delete_role_policy(RoleName="job", PolicyName="logs")
        silent = _one_run(engine, pipeline)
        assert silent.run_id != run.run_id
        assert list(RunLog(account.client("logs"), PREFIX, silent.run_id).new_lines()) == []
        assert "the job says hello" in Path(silent.log).read_text(encoding="utf-8")


def _a_run_of_another_pipeline_is_named(account: Account, run_id: str) -> None:
    glue = account.client("glue")
    job = glue.get_job(JobName=NAME)["Job"]
    glue.create_job(Name="other", Role=job["Role"], Command=job["Command"])
    mine, other = (_deployed(name, job) for name, job in [("orders", NAME), ("trips", "other")])
    deployment = Deployment("dev", "eu-central-1", "l", "k", {"orders": mine, "trips": other})
    assert find_run(glue, deployment, mine, run_id[:11]).run_id == run_id
    with pytest.raises(InputError, match="of the pipeline orders: type orders in place of trips"):
        find_run(glue, deployment, other, run_id[:11])
    with pytest.raises(InputError, match="There is no run jr_00000000 in the job other"):
        find_run(glue, deployment, other, "jr_00000000")


def _deployed(name: str, job_name: str) -> DeployedPipeline:
    return DeployedPipeline(name, f"{name}/", "", "", "", "", job_name, "", PREFIX, paused=False)


def _one_run(engine: GlueEngine, pipeline: SmallPipeline) -> Any:
    pipeline.account.client("glue").start_job_run(JobName=NAME)
    assert engine.wait(lambda now: bool(now.job_runs) and now.idle, PATIENCE)
    return engine.snapshot().job_runs[-1]
