"""What the demo shows and reports, at the widths of terminals."""

from __future__ import annotations

import io
import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pyarrow as pa
import pytest
from burst.contract import SOURCE_KEY
from burst.ledger import FileResult
from rich.console import Console, RenderableType
from rich.live import Live

from tests.screen import Screen
from tools.operate.answer import print_whole
from tools.operate.deployment import PROJECT_FOLDER
from tools.sandbox import demo, view
from tools.sandbox.demo import BurstProgress, FileCounts, Outcome, Rows
from tools.sandbox.demo_command import LivePicture
from tools.sandbox.glue.batches import Firing, Reason
from tools.sandbox.glue.notices import OpenWindow, Snapshot
from tools.sandbox.glue.runs import JobRun, WorkflowRun
from tools.sandbox.terraform import Change
from tools.sandbox.work import Work

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
RUNS = 20
README = PROJECT_FOLDER / "README.md"


def shown(item: RenderableType, width: int = 80) -> list[str]:
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    console.print(item)
    return str(console.file.getvalue()).splitlines()  # type: ignore[attr-defined]


def result(name: str, reason: str | None = None, rows: int = 0) -> FileResult:
    outcome = "quarantined" if reason else "curated"
    return FileResult(f"orders/2026/{name}", "v1", 10, outcome, rows, reason, f"{outcome}/{name}")


def workflow_run(number: int, events: int = 10, reason: Reason = Reason.SIZE) -> WorkflowRun:
    ids = tuple(str(event) for event in range(events))
    return WorkflowRun(
        run_id=f"wr_{number:08x}",
        workflow="orders",
        started_on=NOW,
        firing=Firing(reason, ids, 0.0, 1.0),
        status="COMPLETED" if number < 3 else "ERROR",
    )


def job_run(number: int, state: str) -> JobRun:
    return JobRun(
        run_id=f"jr_{number}",
        job="orders",
        log=Path("log.txt"),
        arguments={},
        timeout=None,
        queuing_enabled=True,
        started_on=NOW,
        modified_on=NOW,
        state=state,
        workflow_run_id=f"wr_{number:08x}",
        running_since=NOW + timedelta(seconds=50),
        completed_on=NOW + timedelta(seconds=61) if state == "SUCCEEDED" else None,
    )


def progress() -> BurstProgress:
    jobs = (job_run(0, "SUCCEEDED"), job_run(1, "SUCCEEDED"), job_run(2, "RUNNING"))
    engine = Snapshot(
        matched_events=200,
        undelivered_events=0,
        windows=(),
        workflow_runs=tuple(workflow_run(number) for number in range(RUNS)),
        job_runs=jobs,
        problems=(),
    )
    work = {"jr_0": Work(13, 13, 378), "jr_1": Work(), "jr_2": Work(12, 0, 0)}
    return BurstProgress(12.0, 200, FileCounts(200, 187, 13, 0), engine, work)


def outcome(quarantined: list[FileResult] | None = None, **rows: int) -> Outcome:
    bad = quarantined or []
    repeated = {
        "order_id": ["O-1", "O-1", "O-2"],
        SOURCE_KEY: ["orders/2026/a.csv", "orders/2026/a.csv", "orders/2026/b.csv"],
        "order_total": [1.5, 1.5, None],
        "comment": ["x" * 60, "y", "z"],
    }
    return Outcome(
        files=1 + len(bad),
        results=(result("a.csv", rows=3), *bad),
        bad_files=len(bad),
        rows=Rows(**({"came_in": 3, "came_out": 3, "lost": 0, "extra": 0} | rows), agree="agreed"),
        runs=(
            *((workflow_run(number), Work()) for number in range(RUNS)),
            (workflow_run(0, 5, Reason.WINDOW), Work(1, 1, 3)),
        ),
        latencies=(3.0, 9.0),
        curated=Path("curated"),
        sample=pa.table(repeated),
    )


# ---- while it runs -------------------------------------------------------------------------


@pytest.mark.parametrize("width", [80, 120])
def test_live_view_leaves_room_for_a_typed_ctrl_c(width: int) -> None:
    lines = shown(view.burst_panel(progress(), width=width), width)
    assert max(map(len, lines)) == width - view.FREE_COLUMNS


def test_run_says_what_it_found_what_it_does_and_how_many_starts_were_refused() -> None:
    text = "\n".join(shown(view.burst_panel(progress(), width=80)))
    assert "size: 10 events  ✓ took 13 files, 378 rows, 11 s" in text
    assert "✓ found no files, 11 s" in text
    assert "reads 12 files" in text
    assert "17 starts refused, which costs nothing" in text
    assert text.count("size: 10 events") == 3


@pytest.mark.parametrize(
    ("work", "said"),
    [
        (Work(), "starts"),
        (Work(planned=1), "reads 1 file"),
        (Work(planned=3, files=1), "reads 2 files"),
        (Work(planned=3, files=3, rows=1), "looks for more"),
    ],
)
def test_phase_of_a_run_follows_from_the_ledger(work: Work, said: str) -> None:
    assert view.phase(work) == said


def test_deployment_names_the_resource_that_takes_longest() -> None:
    console = Console(file=io.StringIO(), width=80)
    deployment = view.Deployment(console)
    deployment.begin("Synthesize the stack")
    deployment.begin("Deploy it with Terraform", "it starts")
    assert shown(deployment)[2] == "  0 s: it starts"
    lifecycle = "aws_s3_bucket_lifecycle_configuration.lake_lifecycle_0B6E62BD"
    deployment.change(Change(37, 46, "", (lifecycle, "aws_sqs_queue.a", "aws_sqs_queue.b")))
    lines = shown(deployment)
    assert "37/46" in lines[1]
    assert lines[2] == ("  0 s: aws_s3_bucket_lifecycle_configuration.lake_lifecycle and 2 more")
    assert max(map(len, lines)) <= 80 - view.FREE_COLUMNS
    deployment.change(Change(46, 46, ""))
    assert len(shown(deployment)) == 2, "nothing is waited for any more"


def test_without_a_terminal_there_is_a_line_for_each_phase_and_each_ten_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [100.0]
    monkeypatch.setattr(view.time, "monotonic", lambda: now[0])
    said: list[str] = []
    lines = view.Lines(said.append)
    for done in (1, 2, 3):
        lines.change(Change(done, 4, "", ("aws_sqs_queue.dlq_0B6E62BD",)))
        now[0] += 6
    lines.change(Change(4, 4, ""))
    lines.change(Change(4, 4, ""))
    lines.progress(progress())
    lines.progress(progress())
    assert said == [
        "Terraform has made 3 of 4 resources and is making aws_sqs_queue.dlq.",
        "Terraform has made 4 of 4 resources.",
        "Run wr_00000000 took 13 files, 378 rows.",
        "Run wr_00000001 found no files.",
        "Run wr_00000002 reads 12 files.",
    ]


@pytest.mark.parametrize("width", [80, 120])
def test_last_picture_of_a_burst_that_was_stopped_says_so_and_counts_nothing_down(
    width: int,
) -> None:
    now = progress()
    window = OpenWindow("orders", "orders-batch", 4, 10, 15.0, 1.0, 8.0)
    now = replace(now, engine=replace(now.engine, windows=(window,)))
    out = io.StringIO()
    console = Console(file=out, width=width, height=24, force_terminal=True, color_system=None)
    with Live(console=console, auto_refresh=False) as live:
        picture = LivePicture(live, partial(view.burst_panel, width=width))
        picture.show(now)
        live.refresh()
        assert "window ends in 8 s" in out.getvalue()
        picture.stop()
        picture.stop()
        picture.show(now)
    last = "\n".join(Screen.of(out.getvalue()).lines)
    assert last.count("Burst  00:12  ✗ stopped") == 1
    assert "4 of 10 events, stopped" in last
    assert "size: 10 events  ✗ stopped" in last
    assert "✓ took 13 files, 378 rows, 11 s" in last
    assert not re.search(r"window ends in|reads|[⠁-⣿]", last)


# ---- the report ----------------------------------------------------------------------------


def report(item: Outcome, width: int = 80) -> str:
    tables = view.outcome_tables(item, width=width)
    return "\n".join(line for table in tables for line in shown(table, width))


def test_report_says_every_way_of_starting_once_and_which_runs_found_nothing() -> None:
    text = " ".join(report(outcome(), 200).replace("│", " ").split())
    assert "runs 3 by size: 10 events, 1 by window: 5 events; 3 of them found no files" in text
    assert "17 starts, which cost nothing" in text


def test_same_reason_is_said_once_with_the_files_and_their_rows() -> None:
    bad = [
        result(f"{n}.csv", f"Row {n}, column 'quantity': found 'three', expected a number.")
        for n in range(1, 8)
    ]
    assert list(view.reasons(bad)) == [
        "7 files: [yellow]1.csv (row 1), 2.csv (row 2), 3.csv (row 3)[/] and 4 more: "
        "column 'quantity': found 'three', expected a number."
    ]


def test_other_reasons_are_said_each_and_one_that_is_no_markup_is_kept() -> None:
    bad = [result("a.csv", "The file is empty."), result("b.csv", "found '[/red]'")]
    lines = list(view.reasons(bad))
    assert lines[0] == "[yellow]a.csv[/]: The file is empty."
    assert "found '[/red]'" in report(outcome(bad), 120)


def test_rows_of_the_sample_differ_in_what_is_shown_and_fit() -> None:
    lines = report(outcome()).splitlines()
    start = next(n for n, line in enumerate(lines) if "Some rows of curated" in line)
    assert lines[start].strip() == "Some rows of curated"
    rows = [line for line in lines[start:] if "O-" in line]
    assert len(rows) == len(set(rows)) == 3
    narrow = view._sample(outcome(), 40)
    assert str(narrow.title) == "Some rows of curated (and 1 more column)"
    shown_rows = [line for line in shown(narrow, 40) if "O-" in line]
    assert len(shown_rows) == 2


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_of_the_report_is_wider_than_the_terminal(width: int) -> None:
    assert max(map(len, report(outcome(), width).splitlines())) <= width


def test_readme_shows_the_report_as_a_pipe_gets_it() -> None:
    reason = "Row 61, column 'quantity': found 'three', expected a whole number of 32 bits."
    good = [result(f"{number}.csv", rows=0) for number in range(24)]
    report = replace(
        outcome(),
        files=25,
        results=(*good, result("zurich-00013.csv", reason)),
        rows=Rows(716, 716, 0, 0, "every row came out once"),
        runs=(
            *((workflow_run(number), Work()) for number in range(2)),
            (workflow_run(2, 5, Reason.WINDOW), Work(15, 15, 400)),
        ),
        latencies=(58.4, 3.0, 65.9),
        sample=pa.table({}),
    )
    console = Console(file=io.StringIO(), width=80)
    for table in view.outcome_tables(report, width=80, boxed=False):
        print_whole(console, table)
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert lines[:3] == ["", "One burst, end to end", "files in         25 (24 good, 1 bad)"]
    assert "\n".join(lines) in README.read_text(encoding="utf-8")


def test_report_in_a_pipe_has_no_boxes_and_no_blanks_at_the_ends_of_lines() -> None:
    console = Console(file=io.StringIO(), width=80)
    for table in view.outcome_tables(outcome(), width=80, boxed=False):
        print_whole(console, table)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "Some rows of curated\norder_id" in text
    assert not set(text) & set("│─┃━┌┐└┘┏┓")
    assert all(line == line.rstrip() for line in text.splitlines())


# ---- what is accounted for -----------------------------------------------------------------


def test_burst_is_complete_where_every_file_is_accounted_for_once() -> None:
    bad = [result("b.csv", "The file is empty.")]
    assert outcome(bad).complete
    assert not outcome(bad, lost=1).complete
    assert not outcome(bad, extra=1).complete
    whole = outcome(bad)
    for results in (whole.results[:1], (*whole.results, whole.results[0])):
        assert not Outcome(**{**vars(whole), "results": results}).complete


def test_file_that_is_in_no_batch_is_counted_in_the_reason_for_the_failure() -> None:
    whole = outcome([result("b.csv", "The file is empty.")])
    missing = Outcome(**{**vars(whole), "results": whole.results[:1], "bad_files": None})
    assert "1 of 2 files are in no batch, or in more than one" in view.what_is_missing(missing)


def test_rows_are_compared_file_by_file_so_that_one_cannot_hide_another() -> None:
    results = [result("a.csv", rows=3), result("b.csv", rows=2), result("c.csv", "bad")]
    same = demo.compare_by_file(results, Counter({"orders/2026/a.csv": 3, "orders/2026/b.csv": 2}))
    assert (same.came_in, same.came_out, same.lost, same.extra) == (5, 5, 0, 0)
    moved = demo.compare_by_file(results, Counter({"orders/2026/a.csv": 2, "orders/2026/b.csv": 3}))
    assert (moved.lost, moved.extra) == (1, 1)


def test_transform_that_may_change_the_number_of_rows_is_held_to_what_it_wrote() -> None:
    assert demo.compare_counts(10, 7, 7).lost == demo.compare_counts(10, 7, 7).extra == 0
    assert demo.compare_counts(10, 7, 6).lost == 1
    assert demo.compare_counts(10, 7, 9).extra == 2
