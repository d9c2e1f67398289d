"""What the drain loop needs of whoever reads and writes the rows.

Spark is the one that is shipped (`spark/row_engine.py`). The loop knows only this, so that it can
be tested thousands of times without Spark.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from burst.batch import InputFile

Unread = Literal["gone", "unreadable"]


@dataclass(frozen=True)
class FileOutcome:
    """What reading one file gave.

    rows: rows read, 0 when there is a reason.
    reason: why the file is bad or was not read, None when it is good.
    unread: set when no byte could be read, so that the file is neither good nor bad: `gone` when
        the version does not exist any more, `unreadable` when S3 does not hand it out.
    """

    rows: int
    reason: str | None = None
    unread: Unread | None = None


@dataclass(frozen=True)
class ReadBatch:
    """A batch that was read once: an outcome for each input, in their order, and the rows.

    rows belongs to the engine that made it. It holds no row of a file that failed.
    """

    batch: str
    outcomes: tuple[FileOutcome, ...]
    bytes: int
    rows: Any


@dataclass(frozen=True)
class Written:
    """What writing a batch gave. rows: rows in the target folder."""

    rows: int


class RowEngine(Protocol):
    """Reads a batch's files and writes its rows."""

    def read(self, batch: str, inputs: Sequence[InputFile]) -> ReadBatch:
        """Read every input by version id. Raises when reading fails for no file's fault."""

    def write(self, read: ReadBatch, target: str) -> Written:
        """Transform the rows and replace the folder `target` (a URI) by them, as Parquet.

        Raises RowEngineError when the transform does with rows or lineage what it may not. The
        target may hold rows then, as after any error.
        """

    def release(self, read: ReadBatch) -> None:
        """Give back what the batch's rows occupy."""
