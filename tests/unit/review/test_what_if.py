"""A changed setting has the forecast's remark where the repository keeps a trace of arrivals."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.unit.review.plans import plan, resource
from tools.forecast.sentence import trace_like
from tools.forecast.sources import write_trace
from tools.review.behaviour import SettingChange, setting_changes
from tools.review.what_if import with_forecasts

NAME = "pipeline-orders_{}_BBA96BCE"


def trigger(size: int, window: int) -> dict[str, Any]:
    return {"event_batching_condition": [{"batch_size": size, "batch_window": window}]}


def job(workers: int, glue_version: str = "5.1") -> dict[str, Any]:
    return {
        "number_of_workers": workers,
        "worker_type": "G.1X",
        "timeout": 60,
        "glue_version": glue_version,
    }


def workflow(limit: int | None) -> dict[str, Any]:
    arn = "arn:aws:glue:eu-west-1:111122223333:workflow/burst-dev-orders"
    return {"max_concurrent_runs": limit, "arn": arn}


def remarks(
    traces: Path, old: tuple[Any, Any, Any], new: tuple[Any, Any, Any]
) -> tuple[SettingChange, ...]:
    types = ("aws_glue_trigger", "aws_glue_job", "aws_glue_workflow")
    changes = [
        resource(
            kind, before, after, name=NAME.format(kind.rpartition("_")[2]),
            actions=["no-op"] if before == after else None,
        )
        for kind, before, after in zip(types, old, new, strict=True)
    ]  # fmt: skip
    made = plan(*changes)
    return with_forecasts(setting_changes(made), made, "dev", traces)


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("trace") / "trace.csv.gz"
    write_trace(trace_like("500 files of 20 KB in 5 minutes, 6 times a day", days=10), file)
    return file


@pytest.fixture
def traces(trace: Path, tmp_path: Path) -> Path:
    """A folder with the trace of one pipeline, which a test may break."""
    shutil.copy(trace, tmp_path / "dev-orders.csv.gz")
    return tmp_path


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            (trigger(10, 60), job(2), workflow(3)),
            (trigger(100, 300), job(2), workflow(3)),
            "$ a month, 99 of 100 bursts wait",
        ),
        (
            (trigger(10, 60), job(2), workflow(None)),
            (trigger(10, 60), job(2), workflow(3)),
            "forecast: about −",  # noqa: RUF001
        ),
        (
            (trigger(10, 60), job(2), workflow(3)),
            (trigger(10, 60), job(9), workflow(3)),
            "forecast: about +",
        ),
        (
            (trigger(10, 60), job(2), workflow(3)),
            (trigger(10, 60), job(2, "6.0"), workflow(3)),
            "goes wrong is an error (docs/glue-6.md); forecast: about −",  # noqa: RUF001
        ),
    ],
)
def test_first_changed_setting_of_a_pipeline_has_the_difference(
    traces: Path, old: Any, new: Any, words: str
) -> None:
    first, *others = remarks(traces, old, new)
    assert words in first.note
    assert f"on the arrivals of 10 days in {traces.as_posix()}/dev-orders.csv.gz" in first.note
    assert not any("forecast" in item.note for item in others)


def test_other_remarks_of_the_setting_stay(traces: Path) -> None:
    old, new = ((trigger(10, 60), job(workers), workflow(3)) for workers in (2, 5))
    (change,) = remarks(traces, old, new)
    assert change.note.startswith("at most 2 → 5 DPU for a run; forecast: about")


def test_without_a_trace_nothing_is_said(tmp_path: Path) -> None:
    found = remarks(
        tmp_path, (trigger(10, 60), job(2), workflow(3)), (trigger(9, 60), job(2), workflow(3))
    )
    assert [item.note for item in found] == [""]


def test_without_the_development_packages_nothing_is_said(
    traces: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tools.forecast.change", None)
    found = remarks(
        traces, (trigger(10, 60), job(2), workflow(3)), (trigger(9, 60), job(2), workflow(3))
    )
    assert [item.note for item in found] == [""]


def test_trace_that_cannot_be_read_is_said_and_the_plan_is_shown_all_the_same(
    traces: Path,
) -> None:
    (traces / "dev-orders.csv.gz").write_bytes(b"no gzip")
    (found,) = remarks(
        traces, (trigger(10, 60), job(2), workflow(3)), (trigger(9, 60), job(2), workflow(3))
    )
    assert "no forecast: " in found.note
    assert "cannot be read" in found.note


def test_pipeline_that_the_plan_does_not_know_whole_gets_no_remark(traces: Path) -> None:
    changed = resource(
        "aws_glue_trigger", trigger(10, 60), trigger(9, 60), name=NAME.format("trigger")
    )
    del changed["change"]["before"]["event_batching_condition"][0]["batch_window"]
    made = plan(changed)
    found = with_forecasts(setting_changes(made), made, "dev", traces)
    assert not any("forecast" in item.note for item in found)
