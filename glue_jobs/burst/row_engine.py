"""What the drain loop needs of the engine that reads and writes the rows.

Spark is the one that is shipped (`spark/row_engine.py`). The loop knows only this, so that it can
be tested thousands of times without Spark.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

from burst.batch import InputFile
from burst.contract import RESCUED, STATUS_REASON, STATUS_ROWS, STATUS_UNREAD

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

T = TypeVar("T")
R = TypeVar("R")

Unread = Literal["gone", "unreadable"]


@dataclass(frozen=True)
class FileOutcome:
    """What reading one file gave.

    rows: rows read, 0 when there is a reason.
    reason: why the file is bad or was not read, None when it is good.
    unread: set when no byte could be read, so that the file is neither good nor bad: `gone` when
        the version does not exist any more, `unreadable` when S3 refuses to return it.
    rescued: by name in the file, how many rows have a value in `_rescued`; of many names the first.
    """

    rows: int
    reason: str | None = None
    unread: Unread | None = None
    rescued: Mapping[str, int] = field(default_factory=dict)


def outcome_of(verdict: Mapping[str, Any]) -> FileOutcome:
    """The outcome that a row of the reader with a verdict says."""
    return FileOutcome(
        verdict[STATUS_ROWS],
        verdict[STATUS_REASON],
        verdict[STATUS_UNREAD],
        json.loads(verdict.get(RESCUED) or "{}"),
    )


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

    def warm_up(self) -> None:
        """Start what reading needs, beside what the caller does. May be called any number of times.

        Raises nothing: what is wrong is met again, and explained, when a batch is read.
        """

    def read(self, batch: str, inputs: Sequence[InputFile]) -> ReadBatch:
        """Read every input by version id. Raises when reading fails and no file is to blame."""

    def made_up(self, batch: str) -> ReadBatch:
        """What reading would give for a file of one row of ordinary values. It reads no file."""

    def write(self, read: ReadBatch, target: str) -> Written:
        """Transform the rows and write them as Parquet into the folder `target` (a URI).

        Nobody else writes there, and nobody reads there before the batch is committed.
        Raises RowEngineError when the transform changes rows or lineage as it must not.
        """

    def spread(self, work: Callable[[S3Client, T, int], R], parts: Sequence[T]) -> list[R]:
        """Do this work for each part, on as many machines as there are; answers in their order.

        work is called with a client, a part, and the number of threads that may use the client. It
        and the parts can be sent to other processes. A part may be done twice. Raises SettleError:
        it is the files of committed batches that are moved like this.
        """

    def release(self, read: ReadBatch) -> None:
        """Give back what the batch's rows occupy."""
