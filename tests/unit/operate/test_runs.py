"""What started a run, from what Glue says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from tests.unit.operate.records import NOW, PIPELINE
from tools.operate.draining import job_state
from tools.operate.runs import Start, refused_runs, start_of


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
