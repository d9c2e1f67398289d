"""The tables that several answers share."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from tools.operate.history import Batch
from tools.operate.words import duration

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


def table_of(*names: str) -> Table:
    """A table without lines, whose header names the columns."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in names:
        table.add_column(name, overflow="fold", no_wrap=name in ("batch", "run", "started"))
    return table


def batches_table(batches: Sequence[Batch]) -> Table:
    """Committed batches; the id begins with the time of planning, so that has no column."""
    table = table_of("batch", "files", "rows", "bad", "took", "started by")
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
