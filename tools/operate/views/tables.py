"""The tables that several answers share."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from tools.operate.answer import UNLIMITED, natural_width
from tools.operate.history import Batch
from tools.operate.ids import short, short_batch
from tools.operate.ledger import BadFile
from tools.operate.words import count, duration, nested_text

SHOWN_FILES = 20
# Blanks between two columns of a table.
GAP = 2
LONG_WORD = 12
# Takes the place of a blank where no line may end.
NOT_BROKEN = "\0"
# Columns that wrap where there is no room; a number or an id stays on one line.
FREE_TEXTS = frozenset(
    {"file", "reason", "started by", "by (events)", "EventBridge said", "for example", ""}
)
STATE_STYLES = {
    "SUCCEEDED": "green",
    "COMPLETED": "green",
    "STARTING": "cyan",
    "RUNNING": "cyan",
    "WAITING": "yellow",
    "STOPPING": "yellow",
    "STOPPED": "yellow",
}


class FittingTable(Table):
    """A table of as many columns as there is room for; a line says how many more there are.

    A column that wraps needs the room of its longest word; the others that of their widest cell.
    """

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        number = len(self.columns)
        while number > 1 and self._needs(console, options, number) > options.max_width:
            number -= 1
        shown = copy(self)
        shown.columns = self.columns[:number]
        yield from Table.__rich_console__(shown, console, options)
        if left := len(self.columns) - number:
            yield Text(f"{count(left, 'more column')}: make the window wider", style="dim")

    def _needs(self, console: Console, options: ConsoleOptions, number: int) -> int:
        columns = self.columns[:number]
        free = options.update(width=UNLIMITED)
        widths = [
            max(
                Measurement.get(console, free, cell).maximum if column.no_wrap else _word(cell)
                for cell in (column.header, *column.cells)
            )
            for column in columns
        ]
        return sum(widths) + GAP * (number - 1)


def _word(cell: RenderableType) -> int:
    """Columns for the longest word, unless it is a key or a path, which may be broken."""
    return min(LONG_WORD, max(map(cell_len, str(cell).split()), default=0))


def _run(batch: Batch) -> str:
    run = batch.workflow_run_id or batch.job_run_id
    return short(run) if run else "unknown"


def table_of(*names: str) -> Table:
    """A table without lines, whose header names the columns, the most important first."""
    table = FittingTable(box=None, pad_edge=False, header_style="dim")
    for name in names:
        is_text = name in FREE_TEXTS or name.startswith("row ")
        table.add_column(name, overflow="fold", no_wrap=not is_text, min_width=len(name))
    return table


def value_text(value: object) -> Text:
    """A value of a table as a reader sees it; what is nested is JSON, cut when it is long."""
    if value is None:
        return Text("null", style="dim")
    if isinstance(value, datetime):
        # Every timestamp of curated is in UTC.
        return Text(value.isoformat(" ").removesuffix("+00:00") + "Z")
    return Text(nested_text(value) if isinstance(value, dict | list) else str(value))


@dataclass(frozen=True)
class Labelled:
    """Words beside labels, without a box, broken at blanks only.

    An id, a key or a path is there to be copied: one that is too long gets lines to itself, which
    the terminal breaks, and a double click takes it whole. key: one with blanks in it, that stays
    whole in the words, too.
    """

    rows: Sequence[tuple[str, str | Text]]
    key: str = ""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        beside = max((cell_len(label) for label, _ in self.rows), default=0) + 2
        room = max(1, options.max_width - beside)
        for label, words in self.rows:
            style = words.style if isinstance(words, Text) else ""
            head = label.ljust(beside)
            for line in _broken(str(words), room, self.key):
                if cell_len(line) > room:
                    if head.strip():
                        yield _line(Text(head.rstrip(), style="dim"))
                    yield _line(Text(f"  {line}", style=style))
                else:
                    yield _line(Text.assemble((head, "dim"), (line, style)))
                head = " " * beside

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        beside = max((cell_len(label) for label, _ in self.rows), default=0) + 2
        widest = max((cell_len(str(words)) for _, words in self.rows), default=0)
        return Measurement(1, min(options.max_width, beside + widest))


def _broken(text: str, room: int, key: str) -> list[str]:
    if key:
        text = text.replace(key, key.replace(" ", NOT_BROKEN))
    lines = textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False) or [""]
    return [line.replace(NOT_BROKEN, " ") for line in lines]


def _line(text: Text) -> Text:
    text.no_wrap, text.overflow = True, "ignore"
    return text


@dataclass(frozen=True)
class RowsTable:
    """Rows as columns, a line for each field, and only as many rows as there is room for.

    fields: what stands before the values, field by field. rows: values in the fields' order.
    all_rows: those without room stand below, as a sample does not need to.
    """

    headers: Sequence[str]
    fields: Sequence[Sequence[str]]
    rows: Sequence[Sequence[object]]
    all_rows: bool = False

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        shown = self._fitting(console, options, 0)
        yield self._table(0, shown)
        while self.all_rows and shown < len(self.rows):
            first, shown = shown, self._fitting(console, options, shown)
            yield Text()
            yield self._table(first, shown)
        if left := len(self.rows) - shown:
            are = "row has" if left == 1 else "rows have"
            yield Text(f"{left} more {are} no room in {options.max_width} columns.", style="dim")

    def _fitting(self, console: Console, options: ConsoleOptions, first: int) -> int:
        """The end of the rows that fit side by side: at least one."""

        def fits(end: int) -> bool:
            return natural_width(console, self._table(first, end)) <= options.max_width

        last = len(self.rows)
        if fits(last):
            return last
        end = first + 1
        while end < last and fits(end + 1):
            end += 1
        return end

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement.get(console, options, self._table(0, len(self.rows)))

    def _table(self, first: int, end: int) -> Table:
        table = Table(box=None, pad_edge=False, header_style="dim")
        for name in self.headers:
            table.add_column(name, no_wrap=True, overflow="fold")
        for row in range(first + 1, end + 1):
            # One that is wider than the terminal by itself has to be broken somewhere.
            table.add_column(f"row {row}", overflow="fold")
        for at, field in enumerate(self.fields):
            values = (value_text(row[at]) for row in self.rows[first:end])
            table.add_row(*map(Text, field), *values)
        return table


def bad_files_table(files: Sequence[BadFile]) -> Table:
    """Files with why they are bad; the first ones."""
    table = table_of("file", "reason")
    for file in files[:SHOWN_FILES]:
        table.add_row(Text(file.key), Text(file.reason))
    if left := len(files[SHOWN_FILES:]):
        table.add_row(Text(f"and {left:,} more", style="dim"), "")
    return table


def batches_table(batches: Sequence[Batch], *, with_run: bool = False) -> Table:
    """Committed batches; the id begins with the time of planning, so that has no column.

    with_run: which run loaded it, beside a table of runs that says what started those.
    """
    table = table_of("batch", "files", "rows", "bad", "took", "run" if with_run else "started by")
    for batch in batches:
        table.add_row(
            short_batch(batch.batch),
            f"{batch.files:,}",
            f"{batch.rows:,}",
            Text(f"{batch.bad_files:,}", style="yellow" if batch.bad_files else ""),
            duration(batch.took),
            _run(batch) if with_run else batch.started_by or "unknown",
        )
    return table
