"""What the demo draws: the burst while it runs, and what became of it."""

from __future__ import annotations

import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from burst.contract import SOURCE_KEY
from burst.ledger import FileResult
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
)
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from tools.operate.words import count, duration, nested_text
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
from tools.sandbox.terraform import Change
from tools.sandbox.work import Work

BAR_WIDTH = 24
# What a live view leaves free at the end of a line: a "^C" that is typed there and reaches the next
# line would let the view be drawn one line too low.
FREE_COLUMNS = 4
SHORT_ID = 11
# As many as a terminal of 24 lines has room for, under what was printed before.
SHOWN_RUNS = 6
SHOWN_FILES = 3
SHOWN_ROWS = 5
# Between two lines about a long step, where there is no terminal.
LINE_SECONDS = 10.0
MAX_CELL = 40
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
# Where in a file a reason found something; files that are bad in the same way differ in it.
_PLACE = re.compile(r"^(?P<place>Row \d+), (?P<what>.*)$", re.DOTALL)
# What Terraform's name of a resource ends in: a hash of its path.
_HASH = re.compile(r"_[0-9A-F]{8}$")


class _SignColumn(SpinnerColumn):
    """What became of a step: a tick, a cross where it was stopped, else a spinner."""

    def render(self, task: Task) -> RenderableType:
        return Text("✗", style="red") if task.fields["stopped"] else super().render(task)


class Deployment:
    """The way to a deployed stack, for a live view: its steps, and what Terraform waits for."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._doing = ""
        self._since = 0.0
        self._others = 0
        self._progress = Progress(
            _SignColumn(finished_text="[green]✓[/]"),
            TextColumn("{task.description}"),
            BarColumn(BAR_WIDTH),
            TextColumn("{task.fields[figures]}"),
            TimeElapsedColumn(),
            console=console,
        )

    def begin(self, what: str, note: str = "") -> None:
        """The next step; the one before it is done. note: what it does as long as no one says."""
        self.end()
        self._progress.add_task(what, total=None, figures="", stopped=False)
        self._doing, self._since = note, time.monotonic()

    def change(self, change: Change) -> None:
        """A step of the apply."""
        figures = f"{change.done}/{change.total}" if change.total else ""
        self._progress.update(
            self._progress.tasks[-1].id,
            total=change.total or None,
            completed=change.done,
            figures=figures,
        )
        if not change.waiting:
            if change.total and change.done == change.total:
                self._doing = ""
            return
        self._others = len(change.waiting) - 1
        if change.waiting[0] != self._doing:
            self._doing, self._since = change.waiting[0], time.monotonic()

    def stop(self) -> None:
        """The last step came to no end; nothing happens where all are done."""
        self._doing, self._others = "", 0
        for task in self._progress.tasks:
            if not task.finished:
                self._progress.stop_task(task.id)
                # A bar without a total would go on moving.
                self._progress.update(task.id, total=task.total or 1, stopped=True)

    def end(self) -> None:
        """The last step is done."""
        self._doing, self._others = "", 0
        if self._progress.tasks:
            last = self._progress.tasks[-1]
            self._progress.update(last.id, total=last.total or 1, completed=last.total or 1)

    def __rich__(self) -> RenderableType:
        if not self._doing:
            return self._progress
        line = f"  {time.monotonic() - self._since:.0f} s: {making(self._doing, self._others)}"
        width = self._console.width - FREE_COLUMNS
        shown = Text(line, style="dim", no_wrap=True)
        shown.truncate(width, overflow="ellipsis")
        return Group(self._progress, shown)


class Lines:
    """The same in lines, where there is no terminal: a step, and what is waited for."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._last_said = time.monotonic()
        self._done = False
        self._phases: dict[str, str] = {}

    def change(self, change: Change) -> None:
        """A step of the apply: the whole of it, and after that a line every few seconds."""
        done = change.done == change.total
        if self._done or (not done and time.monotonic() < self._last_said + LINE_SECONDS):
            return
        self._last_said, self._done = time.monotonic(), done
        waiting = change.waiting
        now = f" and is making {making(waiting[0], len(waiting) - 1)}" if waiting else ""
        self._say(f"Terraform has made {change.done} of {change.total} resources{now}.")

    def progress(self, progress: BurstProgress) -> None:
        """A line where a run does something else than before, and one for what it has found."""
        for run in progress.engine.job_runs:
            work = progress.work.get(run.run_id)
            if work is None:
                continue
            now = ""
            if run.state == "SUCCEEDED":
                now = found(work)
            elif run.state == "RUNNING" and work.planned > work.files:
                now = phase(work)
            if now and self._phases.get(run.run_id) != now:
                self._phases[run.run_id] = now
                self._say(f"Run {short(run.workflow_run_id or run.run_id)} {now}.")


def making(address: str, others: int) -> str:
    """What Terraform is making: the resource that takes longest, and how many beside it."""
    more = f" and {others} more" if others else ""
    return f"{_HASH.sub('', address)}{more}"


def burst_panel(progress: BurstProgress, *, width: int, stopped: bool = False) -> RenderableType:
    """The burst at one moment. stopped: its last one, in which nothing moves any more."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column()
    grid.add_row("Files", _files(progress))
    grid.add_row("Events", _events(progress.engine))
    grid.add_row("Batch", _batch(progress.engine.windows, stopped=stopped))
    grid.add_row("Runs", _runs(progress, stopped=stopped))
    minutes, seconds = divmod(int(progress.seconds), 60)
    title = f"Burst  {minutes:02d}:{seconds:02d}{'  ✗ stopped' if stopped else ''}"
    return Panel(grid, title=title, title_align="left", width=width - FREE_COLUMNS)


def outcome_tables(outcome: Outcome, *, width: int, boxed: bool = True) -> Iterator[RenderableType]:
    """The summary, and some rows of curated. boxed: with lines around them, for a terminal."""
    summary = _table("One burst, end to end", boxed=boxed)
    summary.show_header = False
    summary.add_column(style="bold", no_wrap=True)
    summary.add_column()
    for name, value in _summary(outcome):
        summary.add_row(name, value)
    yield summary
    if outcome.sample.num_rows:
        yield _sample(outcome, width, boxed=boxed)


def _table(title: str, *, boxed: bool) -> Table:
    if boxed:
        return Table(title=title, title_justify="left")
    # The title begins where the rows do, and an empty line divides it from what is above.
    return Table(title=f"\n{title}", title_justify="left", box=None, pad_edge=False)


def what_is_missing(outcome: Outcome) -> str:
    """Why a burst is not complete."""
    rows, missing = outcome.rows, outcome.files - len(outcome.results)
    parts = [
        f"{rows.came_in} rows went in and {rows.came_out} came out: {rows.lost} are lost, "
        f"{rows.extra} are there too often"
    ]
    if missing:
        parts.append(f"{missing} of {outcome.files} files are in no batch, or in more than one")
    if outcome.bad_files is not None:
        parts.append(
            f"of {outcome.bad_files} bad files {len(outcome.quarantined)} are in quarantine"
        )
    return "; ".join(parts) + "."


def next_steps(*, own: bool) -> Iterator[tuple[str, str]]:
    """What to type after the demo, and why."""
    if not own:
        yield "demo --size 100", "the same burst as one run, by the window"
        yield "new NAME --from FILE...", "a pipeline for your own files"
    yield "sandbox", "keep the account; docs/runbook.md leads the bad file to its rows"
    yield "forecast", "what it would cost, and how long files would wait"


def narrate(notice: Notice, work: Work | None = None) -> str | None:
    """One line for a log, where there is no live view; None for a notice that is not worth one.

    work: what a job run that has ended well has done, where it is known.
    """
    match notice:
        case TriggerFired():
            run, events = short(notice.workflow_run_id), count(len(notice.event_ids), "event")
            return f"Trigger {notice.trigger} fired by {notice.reason}: {events}, run {run}."
        case WorkflowRunChanged() if notice.status == REFUSED:
            return (
                f"Run {short(notice.run_id)} was refused, which costs nothing: the run that waits "
                "takes its files."
            )
        case JobRunChanged() if notice.state != "STARTING":
            # By the id under which every command shows it.
            run = short(notice.workflow_run_id or notice.run_id)
            done = f": {found(work)}" if work else ""
            return f"Run {run} of {notice.job} is {notice.state}{done}."
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


def _batch(windows: tuple[OpenWindow, ...], *, stopped: bool) -> RenderableType:
    if not windows:
        return Text("no open window", style="dim")
    lines = Table.grid(padding=(0, 2))
    for window in windows:
        lines.add_row(
            ProgressBar(total=window.batch_size, completed=window.events, width=BAR_WIDTH),
            f"{window.events} of {window.batch_size} events, "
            + ("stopped" if stopped else f"window ends in {window.seconds_left:.0f} s"),
        )
    return lines


def _runs(progress: BurstProgress, *, stopped: bool) -> RenderableType:
    engine = progress.engine
    runs = [run for run in engine.workflow_runs if run.status != REFUSED]
    if not runs:
        return Text("none yet", style="dim")
    lines = Table.grid(padding=(0, 2))
    for run in runs[-SHOWN_RUNS:]:
        jobs = [
            _job(job, progress.work.get(job.run_id, Work()), stopped=stopped)
            for job in engine.job_runs
            if job.workflow_run_id == run.run_id
        ]
        lines.add_row(short(run.run_id), _started_by(run).removeprefix("by "), *jobs)
    others = [f"{count(hidden, 'earlier run')}"] if (hidden := len(runs) - SHOWN_RUNS) > 0 else []
    if refused := len(engine.workflow_runs) - len(runs):
        others.append(f"{count(refused, 'start')} refused, which costs nothing")
    return Group(lines, Text(" · ".join(others), style="dim")) if others else lines


def _started_by(run: WorkflowRun) -> str:
    events = count(len(run.event_ids), "event")
    if run.reason is Reason.SIZE:
        return f"by size: {events}"
    return f"by window: {events}" if run.reason is Reason.WINDOW else "by hand"


def _job(job: JobRun, work: Work, *, stopped: bool) -> RenderableType:
    if stopped and not job.completed_on:
        took = f" after it {found(work)}" if work.files else ""
        return Text(f"✗ stopped{took}", style=STATE_STYLES["STOPPED"])
    if job.state == "RUNNING" and job.running_since:
        seconds = _seconds(job.running_since, datetime.now(job.running_since.tzinfo))
        return Spinner("dots", Text(f"{phase(work)}, {seconds}", style=STATE_STYLES[job.state]))
    style = STATE_STYLES.get(job.state, "")
    if not job.completed_on:
        return Text(job.state, style=style)
    seconds = _seconds(job.running_since or job.started_on, job.completed_on)
    mark = "✓" if job.state == "SUCCEEDED" else job.state
    return Text(f"{mark} {found(work)}, {seconds}", style=style)


def phase(work: Work) -> str:
    """What a run that runs is doing."""
    if work.planned > work.files:
        return f"reads {count(work.planned - work.files, 'file')}"
    return "looks for more" if work.files else "starts"


def found(work: Work) -> str:
    """What a run that has ended found."""
    if not work.files:
        return "found no files"
    return f"took {count(work.files, 'file')}, {count(work.rows, 'row')}"


def _seconds(start: datetime, end: datetime) -> str:
    return duration((end - start).total_seconds())


def _summary(outcome: Outcome) -> Iterator[tuple[str, str]]:
    bad = len(outcome.quarantined)
    yield "files in", f"{outcome.files:,} ({outcome.loaded:,} good, {bad:,} bad)"
    if missing := outcome.files - len(outcome.results):
        yield "files missing", f"[bold red]{missing:,}[/]"
    for number, line in enumerate(reasons(outcome.quarantined)):
        yield "quarantined" if number == 0 else "", line
    yield "runs", _run_summary(outcome.runs)
    refused = sum(run.status == REFUSED for run, _ in outcome.runs)
    if refused:
        yield (
            "refused",
            f"{count(refused, 'start')}, which cost nothing: a waiting run takes the files",
        )
    rows = outcome.rows
    yield "rows in", f"{rows.came_in:,} (of the good files)"
    verdict = f"[green]{rows.agree}[/]"
    if rows.lost or rows.extra:
        verdict = f"[bold red]{rows.lost:,} lost, {rows.extra:,} too many[/]"
    yield "rows out", f"{rows.came_out:,} ({verdict})"
    if outcome.latencies:
        first, last = outcome.latencies[0], max(outcome.latencies)
        yield "file to curated", f"first file {first:.1f} s, longest {last:.1f} s"


def reasons(quarantined: Sequence[FileResult]) -> Iterator[str]:
    """Each reason once, with the files that it is about."""
    files: dict[str, list[str]] = defaultdict(list)
    for file in quarantined:
        place, what = _divided(file.reason or "no reason is known")
        name = file.key.rpartition("/")[2]
        files[what].append(f"{name} ({place.lower()})" if place else name)
    for what, names in files.items():
        more = f" and {len(names) - SHOWN_FILES:,} more" if len(names) > SHOWN_FILES else ""
        head = f"{count(len(names), 'file')}: " if len(names) > 1 else ""
        shown = escape(", ".join(names[:SHOWN_FILES]))
        yield f"{head}[yellow]{shown}[/]{more}: {escape(what)}"


def _divided(reason: str) -> tuple[str, str]:
    match = _PLACE.match(reason)
    return (match["place"], match["what"]) if match else ("", reason)


def _run_summary(runs: Sequence[tuple[WorkflowRun, Work]]) -> str:
    started = [(run, work) for run, work in runs if run.status != REFUSED]
    by = Counter(_started_by(run) for run, _ in started)
    empty = sum(not work.files for _, work in started)
    how = ", ".join(f"{number:,} {way}" for way, number in by.items())
    nothing = f"; {empty:,} of them found no files, and ended at once" if empty else ""
    return f"{how}{nothing}"


def _sample(outcome: Outcome, width: int, *, boxed: bool = True) -> Table:
    """As many columns as fit, and no two rows that look the same in them."""
    named = {name: "file" if name == SOURCE_KEY else name for name in outcome.sample.column_names}
    rows = [
        {name: _cell(value, name) for name, value in row.items()}
        for row in outcome.sample.to_pylist(maps_as_pydicts="lossy")
    ]
    names = fitting(named, rows, width)
    different = list(dict.fromkeys(tuple(row[name] for name in names) for row in rows))
    hidden = len(named) - len(names)
    more = f" (and {count(hidden, 'more column')})" if hidden else ""
    table = _table(f"Some rows of curated{more}", boxed=boxed)
    for name in names:
        table.add_column(named[name], no_wrap=True)
    for row in different[:SHOWN_ROWS]:
        table.add_row(*row)
    return table


def fitting(named: dict[str, str], rows: Sequence[dict[str, str]], width: int) -> list[str]:
    """The first columns that fit beside each other; the first one is always there."""
    chosen: list[str] = []
    left = width - 1
    for name, title in named.items():
        # Two blanks and a line belong to each column.
        needs = 3 + max(cell_len(title), *(cell_len(row[name]) for row in rows))
        if needs <= left or not chosen:
            chosen.append(name)
            left -= needs
    return chosen


def _cell(value: object, name: str) -> str:
    if value is None:
        return ""
    if name == SOURCE_KEY:
        return str(value).rpartition("/")[2]
    text = f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else str(value)
    if isinstance(value, dict | list):
        text = nested_text(value)
    return escape(text.replace("\n", " ").replace("\r", " ")[:MAX_CELL])
