"""One panel for each pipeline."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from burst import drift
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from tools.operate import runs
from tools.operate.health import PipelineSnapshot
from tools.operate.history import History, OpenBatch
from tools.operate.ids import short_batch
from tools.operate.quarantine import SHOWN, Quarantine
from tools.operate.refusals import Unavailable
from tools.operate.status import EnvironmentStatus, PipelineStatus
from tools.operate.views.tables import STATE_STYLES, batches_table, table_of
from tools.operate.waiting import Waiting
from tools.operate.words import ago, count, duration, size

# In what started a run; the head of the column says it once.
_EVENTS = re.compile(r" events?\)$")


def screen(found: Sequence[EnvironmentStatus]) -> RenderableType:
    """All environments, one below the other; first what needs attention."""
    pipelines = [(status.environment, one) for status in found for one in status.pipelines]
    ordered = sorted(pipelines, key=lambda one: not one[1].findings)
    return Group(*(_status_panel(*one) for one in ordered))


def status_panels(status: EnvironmentStatus) -> Iterator[RenderableType]:
    """One panel for each pipeline."""
    for pipeline in status.pipelines:
        yield _status_panel(status.environment, pipeline)


def _status_panel(environment: str, status: PipelineStatus) -> RenderableType:
    snapshot, healthy = status.snapshot, not status.findings
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row("Rule", _rule(snapshot))
    grid.add_row("Landing", _shown(snapshot.waiting, lambda part: _waiting(part, snapshot.at)))
    grid.add_row("Runs", _shown(snapshot.runs, lambda part: _runs(part, snapshot.at)))
    if not isinstance(snapshot.refused, Unavailable) and snapshot.refused:
        grid.add_row("Refused", _refused(len(snapshot.refused)))
    grid.add_row("Batches", _shown(snapshot.history, _history))
    if rescued := _rescued(snapshot.rescued):
        name = f"{environment} {snapshot.pipeline.name}"
        grid.add_row("Rescued", Text(f"{rescued}: `burst drift {name}` says more", style="yellow"))
    grid.add_row("Quarantine", _shown(snapshot.quarantine, _quarantine))
    grid.add_row("Undelivered", _shown(snapshot.dead_letters, _dead_letters))
    for finding in status.findings:
        grid.add_row(Text("Attention", style="bold yellow"), Text(finding))
    name, word = f"{environment} {snapshot.pipeline.name}", "healthy" if healthy else "attention"
    return _Framed(name, word, grid, "green" if healthy else "bold yellow")


@dataclass(frozen=True)
class _Framed:
    """A pipeline in a box on a terminal; elsewhere plain lines, with an empty one below them."""

    name: str
    word: str
    grid: Table
    style: str

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        title = Text.assemble(f"{self.name}: ", (self.word, self.style))
        if console.is_terminal:
            border = self.style.removeprefix("bold ")
            yield Panel(self.grid, title=title, title_align="left", border_style=border)
        else:
            yield from (title, self.grid, Text())

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        # A box takes all of a terminal; the title is shorter than what stands in the grid.
        grid = Measurement.get(console, options, self.grid)
        return Measurement(1, options.max_width if console.is_terminal else grid.maximum)


def _shown(part: object, draw: object) -> RenderableType:
    if isinstance(part, Unavailable):
        return Text("not known, see below", style="red")
    drawn: RenderableType = draw(part)  # type: ignore[operator]
    return drawn


def _rule(snapshot: PipelineSnapshot) -> RenderableType:
    if isinstance(snapshot.rule_state, Unavailable):
        return Text("not known, see below", style="red")
    if snapshot.rule_state == "ENABLED":
        return Text("enabled", style="green")
    by = "paused" if snapshot.pipeline.paused else "not by its setting"
    wrong = snapshot.rule_state != "DISABLED" or not snapshot.pipeline.paused
    return Text(f"{snapshot.rule_state.lower()} ({by})", style="bold red" if wrong else "yellow")


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
    table = table_of("run", "state", "ago", "took", "files", "by (events)")
    for run in found:
        table.add_row(
            run.shown_id,
            Text(run.state, style=STATE_STYLES.get(run.state, "bold red")),
            ago(run.started_at, now, units=1).removesuffix(" ago"),
            duration(run.took(now)),
            _files(run),
            _EVENTS.sub(")", run.started_by or "unknown"),
        )
    return table


def _files(run: runs.Run) -> str:
    if run.files is None:
        return ""
    return f"≥ {run.files:,}" if run.more_files else f"{run.files:,}"


def _refused(number: int) -> Text:
    shown = f"{count(number, 'firing')} within a day, harmless: a run that waits takes the files"
    return Text(shown, style="dim")


def _history(past: History) -> RenderableType:
    parts: list[RenderableType] = []
    for batch in past.open:
        shown = f"open: {short_batch(batch.batch)}, {count(batch.files, 'file')}, {_state(batch)}"
        parts.append(Text(shown, style="red" if batch.unsettled else "cyan"))
        parts += [Text(f"{file.key}: {file.reason}") for file in batch.bad[:SHOWN]]
        if left := len(batch.bad[SHOWN:]):
            parts.append(Text(f"and {left:,} more, see `burst inspect`", style="dim"))
    if past.last:
        parts.append(batches_table(past.last, with_run=True))
    return Group(*parts) if parts else Text("none yet", style="dim")


def _rescued(rows: Mapping[str, int] | Unavailable) -> str:
    return "" if isinstance(rows, Unavailable) or not rows else drift.words(rows)


def _state(batch: OpenBatch) -> str:
    if batch.unsettled:
        return f"committed, {len(batch.unsettled):,} unsettled: S3 does not let them go"
    return "committed, its files are not moved yet" if batch.committed else "not committed yet"


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
