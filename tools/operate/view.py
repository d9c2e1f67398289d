"""How the answers are drawn. Green is as it should be, yellow waits for someone, red is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from tools.operate import runs
from tools.operate.deployment import Pipeline
from tools.operate.draining import Drained
from tools.operate.health import Picture
from tools.operate.history import Batch, History
from tools.operate.inspection import BatchStory, KeyStory, Version
from tools.operate.quarantine import Quarantine
from tools.operate.redelivery import Reason
from tools.operate.refusals import Unreadable
from tools.operate.replays.selection import Choice, Selection
from tools.operate.status import EnvironmentStatus, PipelineStatus
from tools.operate.waiting import Waiting

if TYPE_CHECKING:
    import pyarrow as pa

SHOWN_FILES = 20
STATE_STYLES = {
    "SUCCEEDED": "green",
    "COMPLETED": "green",
    "STARTING": "cyan",
    "RUNNING": "cyan",
    "WAITING": "yellow",
    "STOPPING": "yellow",
    "STOPPED": "yellow",
}
WHERE_STYLES = {
    "archive": "green",
    "landing": "cyan",
    "reading": "cyan",
    "quarantine": "yellow",
    "gone": "red",
    "unreadable": "red",
}
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


# ---- status ------------------------------------------------------------------------------------


def status_panels(status: EnvironmentStatus) -> Iterator[RenderableType]:
    """One panel for each pipeline."""
    for pipeline in status.pipelines:
        yield _status_panel(status.environment, pipeline)


def _status_panel(environment: str, status: PipelineStatus) -> RenderableType:
    picture, healthy = status.picture, not status.findings
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row("Rule", _rule(picture))
    grid.add_row("Landing", _shown(picture.waiting, lambda part: _waiting(part, picture.at)))
    grid.add_row("Runs", _shown(picture.runs, lambda part: _runs(part, picture.at)))
    grid.add_row("Batches", _shown(picture.history, _history))
    grid.add_row("Quarantine", _shown(picture.quarantine, _quarantine))
    grid.add_row("Undelivered", _shown(picture.dead_letters, _dead_letters))
    for finding in status.findings:
        grid.add_row(Text("Attention", style="bold yellow"), Text(finding))
    word = "[green]healthy[/]" if healthy else "[bold yellow]attention[/]"
    return Panel(
        grid,
        title=f"{environment} {picture.pipeline.name}: {word}",
        title_align="left",
        border_style="green" if healthy else "yellow",
    )


def _shown(part: object, draw: object) -> RenderableType:
    if isinstance(part, Unreadable):
        return Text("not known, see below", style="red")
    drawn: RenderableType = draw(part)  # type: ignore[operator]
    return drawn


def _rule(picture: Picture) -> RenderableType:
    if isinstance(picture.rule_state, Unreadable):
        return Text("not known, see below", style="red")
    if picture.rule_state == "ENABLED":
        return Text("enabled", style="green")
    by = "paused" if picture.pipeline.paused else "not by its setting"
    wrong = picture.rule_state != "DISABLED" or not picture.pipeline.paused
    return Text(f"{picture.rule_state.lower()} ({by})", style="bold red" if wrong else "yellow")


def _waiting(waiting: Waiting, now: datetime) -> Text:
    refused = f", {count(len(waiting.unreadable), 'version')} unreadable"
    end = Text(refused if waiting.unreadable else "", style="red")
    if not waiting.files:
        return Text("nothing waits", style="green") + end
    more = "more than " if waiting.capped else ""
    verb = "waits" if waiting.files == 1 else "wait"
    shown = (
        f"{more}{count(waiting.files, 'file')} {verb}, {size(waiting.bytes)}, the oldest for "
        f"{duration(waiting.age_seconds(now))}"
    )
    return Text(shown, style="cyan") + end


def _runs(found: Sequence[runs.Run], now: datetime) -> RenderableType:
    if not found:
        return Text("none yet", style="dim")
    table = _table("run", "state", "started", "used", "started by")
    for run in found:
        table.add_row(
            run.run_id[:14],
            Text(run.state, style=STATE_STYLES.get(run.state, "bold red")),
            ago(run.started_at, now),
            duration(run.seconds),
            run.started_by or "unknown",
        )
    return table


def _history(told: History) -> RenderableType:
    parts: list[RenderableType] = []
    for batch in told.open:
        state = (
            "its rows are in curated, its files are not moved yet"
            if batch.committed
            else ("not committed yet")
        )
        parts.append(
            Text(f"open: {batch.batch}, {count(batch.files, 'file')}, {state}", style="cyan")
        )
    if told.last:
        parts.append(_batches(told.last))
    return Group(*parts) if parts else Text("none yet", style="dim")


def _batches(batches: Sequence[Batch]) -> Table:
    """The id begins with the time of planning, so no column is needed for that."""
    table = _table("batch", "files", "rows", "bad", "took", "started by")
    for batch in batches:
        table.add_row(
            batch.batch,
            f"{batch.files:,}",
            f"{batch.rows:,}",
            Text(f"{batch.bad_files:,}", style="yellow" if batch.bad_files else ""),
            duration(batch.seconds),
            batch.started_by or "unknown",
        )
    return table


def _quarantine(bad: Quarantine) -> RenderableType:
    replayed = f", and {bad.replayed:,} that came back already" if bad.replayed else ""
    if not bad.files:
        return Text(f"nothing to look after{replayed}", style="green")
    more = "more than " if bad.capped else ""
    head = Text(f"{more}{count(bad.files, 'file')}{replayed}", style="yellow")
    return Group(head, *(Text(f"{file.key}: {file.reason}") for file in bad.newest), *_rest(bad))


def _rest(bad: Quarantine) -> Iterator[Text]:
    left = bad.files - len(bad.newest)
    if left > 0:
        yield Text(f"and {left:,} more", style="dim")


def _dead_letters(letters: int) -> Text:
    if not letters:
        return Text("none", style="green")
    return Text(f"{count(letters, 'event')} in the dead-letter queue", style="bold red")


# ---- inspect -----------------------------------------------------------------------------------


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
        grid.add_row(moment(step.at), Text(step.what))
    if version.where == "landing":
        grid.add_row("now", Text("waits in landing for the next run", style="cyan"))
    if version.where == "unreadable":
        grid.add_row("now", Text("in landing; every run asks S3 for it again", style="red"))
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


def batch_story(story: BatchStory) -> Iterator[RenderableType]:
    """A batch: when what happened, its figures, and its files."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for step in story.steps:
        grid.add_row(moment(step.at), step.what)
    outcomes = [file.outcome for file in story.files]
    bad = outcomes.count("quarantined")
    grid.add_row("Files", f"{len(story.files):,} ({bad:,} bad), {size(story.bytes)}")
    grid.add_row("Rows", f"{story.rows:,}")
    phases = ", ".join(f"{name} {seconds:.1f}" for name, seconds in story.seconds.items())
    grid.add_row("Seconds", phases or "not known yet")
    grid.add_row("Output", _output(story))
    grid.add_row("Transform", story.transform)
    grid.add_row("Run", f"{story.job_run_id or 'none'} of {story.workflow_run_id or 'no workflow'}")
    for place in story.missing:
        grid.add_row("Missing", Text(place, style="red"))
    yield Panel(grid, title=f"{story.batch}: {story.state}", title_align="left")
    yield _batch_files(story)


def _output(story: BatchStory) -> Text:
    if story.output_removed_by:
        return Text(f"removed by the replay {story.output_removed_by}", style="yellow")
    return Text(story.output or "none: no rows")


def _batch_files(story: BatchStory) -> RenderableType:
    """The bad files first: they are why somebody looks."""
    table = _table("file", "outcome", "rows", "reason")
    ordered = sorted(story.files, key=lambda file: (file.reason is None, file.key))
    for file in ordered[:SHOWN_FILES]:
        outcome = (file.outcome or "reading") + (", replayed" if file.replayed else "")
        table.add_row(Text(file.key), outcome, f"{file.rows:,}", Text(file.reason or ""))
    left = len(ordered) - SHOWN_FILES
    return (
        Group(table, Text(f"and {left:,} more; --json shows all", style="dim"))
        if (left > 0)
        else table
    )


def rows_table(key: str, table: pa.Table) -> RenderableType:
    """Rows of curated, each in a column: there are more fields than fit side by side."""
    shown = _table("", *(f"row {number}" for number in range(1, table.num_rows + 1)))
    for name in table.column_names:
        shown.add_row(Text(name, style="bold"), *map(_cell, table[name].to_pylist()))
    return Group(Text(f"Rows of {key} in curated:", style="bold"), shown)


def _cell(value: object) -> Text:
    return Text(f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else str(value))


# ---- replay, drain, redeliver ------------------------------------------------------------------


def choice_table(choice: Choice) -> RenderableType:
    """What would be replayed."""
    table = _table("file", "batch", "size")
    for item in choice.items[:SHOWN_FILES]:
        table.add_row(Text(item.key), item.batch, size(item.size))
    left = len(choice.items) - SHOWN_FILES
    return Group(table, Text(f"and {left:,} more", style="dim")) if left > 0 else table


def left_out(choice: Choice, pipeline: Pipeline) -> Iterator[str]:
    """Sentences on what a replay leaves out."""
    if choice.replayed:
        files = count(choice.replayed, "file was", "files were")
        yield f"{files} replayed before and left out: a file comes back once."
    if choice.missing:
        yield (
            f"{count(choice.missing, 'file is', 'files are')} no longer in the lake (removed or "
            "expired) and cannot come back."
        )
    if choice.foreign:
        yield (
            f"{count(len(choice.foreign), 'file is', 'files are')} left out because the pipeline "
            f"takes only {pipeline.prefix}*{pipeline.suffix} now, the first is {choice.foreign[0]}."
        )
    if choice.unsettled:
        yield (
            f"{count(len(choice.unsettled), 'batch is', 'batches are')} not done, so "
            "its files may still be in landing: `burst drain` first."
        )


def warning(selection: Selection, choice: Choice) -> str:
    """What a replay from the archive does to curated."""
    if selection.replace:
        return (
            f"The output of {count(len(choice.outputs), 'batch', 'batches')} is removed from "
            f"curated and {count(len(choice.items), 'file')} are loaded anew: until the next run "
            "has ended, readers miss these rows. They never see them twice."
        )
    return (
        f"The rows of {count(len(choice.items), 'file')} are in curated already and will come "
        "AGAIN: whoever reads curated sees them twice. For whole batches (--batch or --since, no "
        "--key) --replace removes the old output first."
    )


def reasons_table(pipeline: str, reasons: Sequence[Reason]) -> RenderableType:
    """Why events were not delivered."""
    table = _table("events", "code", "EventBridge said", "for example")
    for reason in reasons:
        table.add_row(
            f"{reason.events:,}", reason.code, Text(reason.message), Text(reason.example or "")
        )
    return Group(Text(f"Undelivered events of {pipeline}:", style="bold"), table)


def drained_line(drained: Drained) -> Text:
    """How a run ended."""
    if not drained.succeeded:
        return Text(f"The run {drained.workflow_run_id} ended as {drained.state}.", "bold red")
    bad = f", {drained.bad_files:,} of them bad" if drained.bad_files else ""
    gone = f", {drained.gone_files:,} deleted before they were read" if drained.gone_files else ""
    done = (
        f"{count(drained.files, 'file')}{bad}{gone}, {count(drained.rows, 'row')} in "
        f"{count(len(drained.batches), 'batch', 'batches')}"
        if drained.batches
        else "there was nothing to do"
    )
    text = Text(f"The run ended after {duration(drained.seconds)}: {done}.", "green")
    if drained.bad_files:
        text.append(" `burst status` shows why they are bad.", "yellow")
    return text


def batches_table(batches: Sequence[Batch]) -> Table:
    """Batches of one run."""
    return _batches(batches)


# ---- words -------------------------------------------------------------------------------------


def count(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun: 1 file, 2 files."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def size(number: float) -> str:
    """Bytes in the largest unit that leaves a number of 1 or more."""
    for unit in _UNITS[:-1]:
        if number < 1024:
            return f"{number:.0f} B" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1024
    return f"{number:.1f} {_UNITS[-1]}"


def duration(seconds: float) -> str:
    """Seconds in the two largest units: 45 s, 3 min 20 s, 2 h 5 min, 3 d 4 h."""
    left = round(seconds)
    parts: list[str] = []
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        whole, left = divmod(left, length)
        if whole or parts:
            parts.append(f"{whole} {unit}")
    return " ".join(parts[:2]) or "0 s"


def ago(at: datetime, now: datetime) -> str:
    """How long ago."""
    return f"{duration(max(0.0, (now - at).total_seconds()))} ago"


def moment(at: datetime) -> str:
    """A moment in UTC."""
    return f"{at:%Y-%m-%d %H:%M:%S}Z"


def _table(*names: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in names:
        table.add_column(name, overflow="fold", no_wrap=name in ("batch", "run", "started"))
    return table
