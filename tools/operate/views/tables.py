"""The tables that several answers share."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from tools.operate.history import Batch
from tools.operate.ids import short_batch
from tools.operate.ledger import BadFile
from tools.operate.words import duration

SHOWN_FILES = 20
# Columns that wrap where there is no room; a number or an id stays on one line.
FREE_TEXTS = frozenset({"file", "reason", "started by", "EventBridge said", "for example", ""})
STATE_STYLES = {
    "SUCCEEDED": "green",
    "COMPLETED": "green",
    "STARTING": "cyan",
    "RUNNING": "cyan",
    "WAITING": "yellow",
    "STOPPING": "yellow",
    "STOPPED": "yellow",
}


def table_of(*names: str) -> Table:
    """A table without lines, whose header names the columns."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in names:
        is_text = name in FREE_TEXTS or name.startswith("row ")
        table.add_column(name, overflow="fold", no_wrap=not is_text, min_width=len(name))
    return table


def bad_files_table(files: Sequence[BadFile]) -> Table:
    """Files with why they are bad; the first ones."""
    table = table_of("file", "reason")
    for file in files[:SHOWN_FILES]:
        table.add_row(Text(file.key), Text(file.reason))
    if left := len(files[SHOWN_FILES:]):
        table.add_row(Text(f"and {left:,} more", style="dim"), "")
    return table


def batches_table(batches: Sequence[Batch]) -> Table:
    """Committed batches; the id begins with the time of planning, so that has no column."""
    table = table_of("batch", "files", "rows", "bad", "took", "started by")
    for batch in batches:
        table.add_row(
            short_batch(batch.batch),
            f"{batch.files:,}",
            f"{batch.rows:,}",
            Text(f"{batch.bad_files:,}", style="yellow" if batch.bad_files else ""),
            duration(batch.seconds),
            batch.started_by or "unknown",
        )
    return table
