"""What started a run, from what Glue says."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from tests.unit.operate.records import BATCH, LATER, NOW, PIPELINE
from tools.operate.draining import job_state, took
from tools.operate.history import Batch
from tools.operate.ledger import planned_at
from tools.operate.probes import BAD_ARGUMENT
from tools.operate.runs import Run, Start, last_runs, refused_runs, start_of, with_files


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"StartingEventBatchCondition": {"BatchSize": 10}}, "size (10 events)"),
        (
            {
                "StartingEventBatchCondition": {"BatchWindow": 60},
                "WorkflowRunProperties": {"aws:eventIds": "[a, b]"},
            },
            "window (2 events)",
        ),
        ({"WorkflowRunProperties": {"aws:eventIds": "[a]"}}, "size (1 event)"),
        ({"WorkflowRunProperties": {"aws:eventIds": "[]"}}, "by hand"),
        ({}, "by hand"),
    ],
    ids=["size", "window", "batch size of one", "no events", "nothing"],
)
def test_start_is_described_in_words(fields: dict[str, Any], words: str) -> None:
    assert start_of({"StartedOn": NOW, **fields}).words == words


@pytest.mark.parametrize(
    ("start", "minutes", "sweep"),
    [
        (Start(NOW, 1, 60), 60, True),
        (Start(NOW, 1, 60), 2, False),
        (Start(NOW, 2, 60), 60, False),
        (Start(NOW, 0, 0), 60, False),
    ],
    ids=["old file, one event", "its own event", "two events", "by hand"],
)
def test_one_event_that_no_file_can_have_sent_was_the_sweeps(
    start: Start, minutes: int, sweep: bool
) -> None:
    assert start.is_sweep(NOW - timedelta(minutes=minutes)) is sweep


def job(state: str, **fields: Any) -> dict[str, Any]:
    return {"JobDetails": {"JobRuns": [{"JobRunState": state, **fields}]}}


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ([job("SUCCEEDED")], ("SUCCEEDED", None)),
        ([job("FAILED", ErrorMessage="why")], ("FAILED", "why")),
        ([{"Type": "TRIGGER"}, job("RUNNING")], ("RUNNING", None)),
        ([], ("COMPLETED", None)),
    ],
)
def test_state_of_a_run_is_that_of_its_job(nodes: list[Any], expected: tuple[str, None]) -> None:
    assert job_state({"Status": "COMPLETED", "Graph": {"Nodes": nodes}}) == expected


def test_every_page_of_workflow_runs_is_read() -> None:
    glue = boto3.client(
        "glue",
        region_name="eu-central-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    refused = {"Status": "ERROR", "StartedOn": NOW, "ErrorMessage": "Concurrent runs exceeded"}
    with Stubber(glue) as stubber:
        for number, token in enumerate(({}, {"NextToken": "more"})):
            page = {"Runs": [refused | {"WorkflowRunId": f"wr_{number}"}]}
            stubber.add_response(
                "get_workflow_runs",
                page if token else page | {"NextToken": "more"},
                {"Name": PIPELINE.workflow_name} | token,
            )
        found = refused_runs(glue, PIPELINE, since=NOW)
    assert [run.run_id for run in found] == ["wr_0", "wr_1"]


def test_time_of_a_run_is_that_of_its_job_from_start_to_end() -> None:
    ended = {"StartedOn": NOW, "CompletedOn": NOW + timedelta(seconds=38)}
    later = NOW + timedelta(minutes=5)
    workflow = {"StartedOn": NOW - timedelta(seconds=7), "Graph": {"Nodes": []}}
    assert took({**workflow, "Graph": {"Nodes": [job("SUCCEEDED", **ended)]}}, later) == 38
    assert took({**workflow, "Graph": {"Nodes": [job("RUNNING", StartedOn=NOW)]}}, later) == 300
    assert took(workflow, NOW) == 7
    run = Run("jr_1", "SUCCEEDED", NOW, ended["CompletedOn"], 2, None, "wr_1")
    assert (run.took(later), replace(run, ended_at=None).took(later)) == (38, 300)


def test_run_has_the_files_of_its_batches_as_far_as_they_were_read() -> None:
    def batch(name: str, run: str, files: int) -> Batch:
        return Batch(name, NOW, files, 1, 0, 0, 10, 1.0, True, run, None)

    batches = [batch(LATER, "jr_2", 3), batch(BATCH, "jr_1", 2)]
    first, second, idle = (
        Run(name, "SUCCEEDED", at, None, 1, None, None)
        for name, at in (
            ("jr_1", planned_at(BATCH) - timedelta(seconds=9)),
            ("jr_2", planned_at(LATER) - timedelta(seconds=9)),
            ("jr_0", planned_at(BATCH) - timedelta(hours=1)),
        )
    )
    known = with_files([second, first, idle], batches, all_read=False)
    assert [(run.files, run.more_files) for run in known] == [(3, False), (2, True), (None, False)]
    every = with_files([second, first, idle], batches, all_read=True)
    assert [(run.files, run.more_files) for run in every] == [(3, False), (2, False), (0, False)]


def test_run_that_a_check_has_fail_is_known_by_its_argument() -> None:
    runs = [
        {"Id": name, "JobRunState": "FAILED", "StartedOn": NOW, "Arguments": arguments}
        for name, arguments in (("jr_1", BAD_ARGUMENT), ("jr_2", {"--input_format": "csv"}))
    ]
    glue = boto3.client(
        "glue",
        region_name="eu-central-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    with Stubber(glue) as stub:
        stub.add_response("get_job_runs", {"JobRuns": runs})
        found = last_runs(glue, PIPELINE, last=5)
    assert {run.run_id: run.by_somebody for run in found} == {
        "jr_1": "burst check",
        "jr_2": "by hand",
    }
