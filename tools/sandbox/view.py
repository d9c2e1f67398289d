"""What the demo draws: the burst while it runs, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from tools.sandbox.alert_lines import alert_line
from tools.sandbox.demo import BurstProgress, FileCounts, Outcome
from tools.sandbox.glue.batches import Reason
from tools.sandbox.glue.notices import (
    EventUndelivered,
    JobRunChanged,
    MessagePublished,
    Notice,
    OpenWindow,
    ProblemFound,
    Snapshot,
    TriggerFired,
    WorkflowRunChanged,
)
from tools.sandbox.glue.runs import JobRun, WorkflowRun

BAR_WIDTH = 30
SHORT_ID = 11
STATE_STYLES = {
    "SUCCEEDED": "green",
    "COMPLETED": "green",
    "RUNNING": "cyan",
    "STARTING": "cyan",
    "WAITING": "yellow",
    "FAILED": "bold red",
    "TIMEOUT": "bold red",
    "ERROR": "bold red",
    "STOPPED": "red",
}
# The status of a workflow run beyond the workflow's limit.
REFUSED = "ERROR"
# As many as fit into 80 columns.
SAMPLE_COLUMNS = ("order_id", "status", "updated_at", "order_total", "is_current")


def burst_panel(progress: BurstProgress) -> RenderableType:
    """The burst at one progress."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column()
    grid.add_row("Files", _files(progress))
    grid.add_row("Events", _events(progress.engine))
    grid.add_row("Batch", _batch(progress.engine.windows))
    grid.add_row("Runs", _runs(progress.engine))
    minutes, seconds = divmod(int(progress.seconds), 60)
    return Panel(grid, title=f"Burst  {minutes:02d}:{seconds:02d}", title_align="left")


def outcome_tables(outcome: Outcome) -> Iterator[RenderableType]:
    """The summary, and the first rows of curated."""
    summary = Table(title="One burst, end to end", title_justify="left", show_header=False)
    summary.add_column(style="bold", no_wrap=True)
    summary.add_column(overflow="fold")
    for name, value in _summary(outcome):
        summary.add_row(name, value)
    yield summary
    yield _sample(outcome)


def narrate(notice: Notice) -> str | None:
    """One line for a log, where there is no live view; None for a notice that is not worth one."""
    match notice:
        case TriggerFired():
            run, events = short(notice.workflow_run_id), _count(len(notice.event_ids), "event")
            return f"Trigger {notice.trigger} fired by {notice.reason}: {events}, run {run}."
        case WorkflowRunChanged() if notice.status == REFUSED:
            return (
                f"Run {short(notice.run_id)} was refused, which costs nothing: the run that waits "
                "takes its files."
            )
        case JobRunChanged() if notice.state != "STARTING":
            # By the id under which every command shows it.
            return f"Run {short(notice.workflow_run_id or notice.run_id)} is {notice.state}."
        case EventUndelivered():
            return f"Event {notice.event_id} was not delivered: {notice.message}"
        case MessagePublished():
            return alert_line(notice.message)
        case ProblemFound():
            return notice.message
    return None


def short(run_id: str) -> str:
    """The beginning of a run's id, enough to tell runs apart."""
    return run_id[:SHORT_ID]


def _files(progress: BurstProgress) -> RenderableType:
    files = progress.files
    settled = files.archived + files.quarantined
    line = Table.grid(padding=(0, 2))
    line.add_row(
        ProgressBar(total=progress.total, completed=settled, width=BAR_WIDTH),
        f"{settled} of {progress.total} processed",
    )
    return Group(line, Text.from_markup(_where(files)))


def _where(files: FileCounts) -> str:
    bad = f"[red]{files.quarantined} quarantined[/]" if files.quarantined else "0 quarantined"
    return (
        f"{files.sent} sent · [cyan]{files.waiting} in landing[/] · "
        f"[green]{files.archived} archived[/] · {bad}"
    )


def _events(engine: Snapshot) -> Text:
    lost = engine.undelivered_events
    return Text.from_markup(
        f"{engine.matched_events} matched by the rule · "
        + (f"[bold red]{lost} undelivered[/]" if lost else "0 undelivered")
    )


def _batch(windows: tuple[OpenWindow, ...]) -> RenderableType:
    if not windows:
        return Text("no open window", style="dim")
    lines = Table.grid(padding=(0, 2))
    for window in windows:
        lines.add_row(
            ProgressBar(total=window.batch_size, completed=window.events, width=BAR_WIDTH),
            f"{window.events} of {window.batch_size} events, "
            f"window ends in {window.seconds_left:.0f} s",
        )
    return lines


def _runs(engine: Snapshot) -> RenderableType:
    if not engine.workflow_runs:
        return Text("none yet", style="dim")
    lines = Table.grid(padding=(0, 2))
    for run in engine.workflow_runs:
        jobs = [_job(job) for job in engine.job_runs if job.workflow_run_id == run.run_id]
        ends = [Text("refused, costs nothing", style="dim")] if run.status == REFUSED else jobs
        lines.add_row(short(run.run_id), _started_by(run), *ends)
    return lines


def _started_by(run: WorkflowRun) -> str:
    events = _count(len(run.event_ids), "event")
    if run.reason is Reason.SIZE:
        return f"by size: {events}"
    return f"by window: {events}" if run.reason is Reason.WINDOW else "by hand"


def _job(job: JobRun) -> Text:
    style = STATE_STYLES.get(job.state, "")
    ended = f" {_seconds(job.started_on, job.completed_on)}" if job.completed_on else ""
    return Text(f"{job.state}{ended}", style=style)


def _seconds(start: datetime, end: datetime) -> str:
    return f"{(end - start).total_seconds():.0f} s"


def _summary(outcome: Outcome) -> Iterator[tuple[str, str]]:
    good = outcome.files - outcome.bad_files
    yield "files in", f"{outcome.files} ({good} good, {outcome.bad_files} bad)"
    for key, reason in outcome.quarantined:
        yield "quarantined", f"[yellow]{escape(key)}[/]: {escape(reason)}"
    runs = [run for run in outcome.runs if run.status != REFUSED]
    yield "runs started", f"{len(runs)} ({', '.join(_started_by(run) for run in runs)})"
    if refused := len(outcome.runs) - len(runs):
        yield "refused firings", f"{refused} (they cost nothing; a run that waits takes the files)"
    yield "rows in", f"{outcome.rows_in} (of the good files)"
    verdict = "[green]every row came out once[/]"
    if outcome.lost or outcome.extra:
        verdict = f"[bold red]{outcome.lost} lost, {outcome.extra} too many[/]"
    yield "rows out", f"{outcome.rows_out} ({verdict})"
    if outcome.latencies:
        first, last = outcome.latencies[0], max(outcome.latencies)
        yield "file to curated", f"first file {first:.1f} s, longest {last:.1f} s"
    yield "curated Parquet", str(outcome.curated)


def _sample(outcome: Outcome) -> Table:
    names = [name for name in SAMPLE_COLUMNS if name in outcome.sample.column_names]
    table = Table(title="First rows of curated", title_justify="left")
    for name in names:
        table.add_column(name, no_wrap=True)
    for row in outcome.sample.select(names).to_pylist():
        table.add_row(*(_cell(row[name]) for name in names))
    return table


def _cell(value: object) -> str:
    return f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else str(value)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
