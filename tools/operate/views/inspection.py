"""What happened to a file, and what a batch did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from burst import drift
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from tools.operate.ids import short
from tools.operate.inspection import BatchStory, KeyStory, RunStory, Version
from tools.operate.views.tables import (
    SHOWN_FILES,
    STATE_STYLES,
    RowsTable,
    batches_table,
    table_of,
)
from tools.operate.words import count, duration, size, timestamp

if TYPE_CHECKING:
    import pyarrow as pa

WHERE_STYLES = {
    "archive": "green",
    "landing": "cyan",
    "reading": "cyan",
    "quarantine": "yellow",
    "gone": "red",
    "unreadable": "red",
    "unsettled": "red",
}


def key_story(story: KeyStory) -> Iterator[RenderableType]:
    """Every version of a key, oldest first, with what happened to it."""
    for version in story.versions:
        yield _version_panel(version)
    if story.delete_markers:
        yield Text(
            f"Somebody deleted this key without naming a version "
            f"({count(story.delete_markers, 'delete marker')}); its versions are still read."
        )
    yield Text(_looked(story), style="dim")


def _looked(story: KeyStory) -> str:
    if story.looked < story.batches:
        return (
            f"Looked through the newest {story.looked:,} of {story.batches:,} batches; "
            "`--batches 0` looks through all."
        )
    return f"Looked through all of the ledger ({count(story.batches, 'batch', 'batches')})."


def _version_panel(version: Version) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True, style="dim")
    grid.add_column(overflow="fold")
    for step in version.steps:
        grid.add_row(timestamp(step.at), Text(step.what))
    if version.where == "landing":
        grid.add_row("now", Text("waits in landing for the next run", style="cyan"))
    if version.where == "unreadable":
        grid.add_row("now", Text("in landing; every run asks S3 for it again", style="red"))
    if version.where == "unsettled":
        grid.add_row("now", Text("in landing; every run tries again to remove it", style="red"))
    if version.where == "reading":
        grid.add_row("now", Text("in a batch that is not committed yet", style="cyan"))
    if version.output:
        grid.add_row("rows in", Text(version.output))
    style = WHERE_STYLES.get(version.where, "")
    return Panel(
        grid,
        title=f"version {escape(version.version_id)}, {size(version.size)}: "
        f"[{style}]{version.where}[/]",
        title_align="left",
        border_style=style,
    )


def run_story(story: RunStory) -> Iterator[RenderableType]:
    """A run: its ids as AWS takes them, how it ended, and its batches."""
    run = story.run
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row("Started", f"{timestamp(run.started_at)} by {run.started_by or 'unknown'}")
    grid.add_row("Ended", timestamp(run.ended_at) if run.ended_at else "not yet")
    grid.add_row("Used", duration(run.seconds))
    if run.error:
        grid.add_row("It said", Text(run.error, style="red"))
    grid.add_row("Log", f"{story.log_group_prefix}/error and {story.log_group_prefix}/output")
    grid.add_row("Job run", run.run_id)
    grid.add_row("Workflow run", run.workflow_run_id or "none")
    style = STATE_STYLES.get(run.state, "bold red")
    yield Panel(grid, title=f"{run.shown_id}: [{style}]{run.state}[/]", title_align="left")
    yield batches_table(story.batches) if story.batches else Text("It committed no batch.")


def batch_story(story: BatchStory) -> Iterator[RenderableType]:
    """A batch: when what happened, its figures, and its files."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for step in story.steps:
        grid.add_row(timestamp(step.at), step.what)
    outcomes = [file.outcome for file in story.files]
    bad = outcomes.count("quarantined")
    bad += sum(file.outcome is None and file.reason is not None for file in story.files)
    grid.add_row("Files", f"{len(story.files):,} ({bad:,} bad), {size(story.bytes)}")
    grid.add_row("Rows", _rows(story))
    phases = ", ".join(f"{name} {seconds:.1f}" for name, seconds in story.seconds.items())
    grid.add_row("Seconds", phases or "not known yet")
    grid.add_row("Output", _output(story))
    grid.add_row("Transform", story.transform)
    run = story.workflow_run_id or story.job_run_id
    grid.add_row("Run", short(run) if run else "not known")
    rescued: Counter[str] = Counter()
    for one in story.files:
        rescued.update(one.rescued)
    if rescued:
        grid.add_row("Rescued", Text(f"{drift.words(rescued)} rows", style="yellow"))
    for place in story.missing:
        grid.add_row("Missing", Text(place, style="red"))
    for file in story.unsettled[:SHOWN_FILES]:
        grid.add_row("Unsettled", Text(f"{file.key}: {file.reason}", style="red"))
    yield Panel(grid, title=f"{story.batch}: {story.state}", title_align="left")
    yield _batch_files(story)


def _rows(story: BatchStory) -> str:
    written = "" if story.rows_written is None else f", {story.rows_written:,} written"
    return f"{story.rows:,} read{written}"


def _output(story: BatchStory) -> Text:
    if story.output_removed_by:
        return Text(f"removed by the replay {story.output_removed_by}", style="yellow")
    return Text(story.output or "none: no rows")


def _batch_files(story: BatchStory) -> RenderableType:
    """The bad files first: they are why somebody looks."""
    table = table_of("file", "outcome", "rows", "reason")
    ordered = sorted(story.files, key=lambda file: (file.reason is None, file.key))
    for file in ordered[:SHOWN_FILES]:
        outcome = (file.outcome or ("bad" if file.reason else "reading")) + (
            ", replayed" if file.replayed else ""
        )
        table.add_row(Text(file.key), outcome, f"{file.rows:,}", Text(file.reason or ""))
    left = len(ordered) - SHOWN_FILES
    return (
        Group(table, Text(f"and {left:,} more; --json shows all", style="dim"))
        if (left > 0)
        else table
    )


def rows_table(key: str, table: pa.Table) -> RenderableType:
    """Rows of curated, each in a column: there are more fields than fit side by side."""
    names = table.column_names
    rows = [[row[name] for name in names] for row in table.to_pylist()]
    shown = RowsTable(("",), [(name,) for name in names], rows)
    return Group(Text(f"Rows of {key} in curated:", style="bold"), shown)


def key_parts(story: KeyStory, rows: Sequence[tuple[str, pa.Table]]) -> Iterator[RenderableType]:
    """All that is known of a key, and its rows where they were asked for."""
    if not story.versions:
        yield f"No version of {story.key} is known: it is not in landing, and in no batch."
    yield from key_story(story)
    for key, table in rows:
        yield rows_table(key, table)
