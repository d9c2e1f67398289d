"""Holding a transform to account: what it gave back beside what it was given.

Both are counted while the rows are written, so nothing is computed twice. Lineage is compared as
sums of hashes, which no order of rows changes. What is not seen is a row that was replaced by
another row of the same file.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from burst.contract import LINEAGE, RowChanges
from burst.errors import RowEngineError

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, Observation

# Spark reports right after the rows are written; when its queue of events was full, it never does.
REPORT_SECONDS = 300

_MAY = {
    "none": "it may neither drop nor add rows",
    "drop": "it may drop rows, but not add any",
    "multiply": "it may add rows, but not drop any",
}


@dataclass(frozen=True)
class Account:
    """Rows, and the two halves of the sum of their origins; rows that have none of these origins.

    Halves, because a sum of 64 bits may overflow and stop Spark.
    """

    rows: int
    upper: int
    lower: int
    strangers: int = 0


def origin() -> Column:
    """A number of 64 bits for the file version and batch from which a row comes."""
    from pyspark.sql import functions as f

    return f.xxhash64(*LINEAGE)


def account_of(rows_by_origin: Mapping[int, int]) -> Account:
    """What a frame with this many rows of each origin amounts to."""
    items = [(number % 2**64, rows) for number, rows in rows_by_origin.items()]
    return Account(
        rows=sum(rows for _, rows in items),
        upper=sum((number >> 32) * rows for number, rows in items),
        lower=sum((number & 0xFFFFFFFF) * rows for number, rows in items),
    )


class Observed:
    """A frame that counts what passes. It reports once it has been written."""

    def __init__(self, frame: DataFrame, origins: Mapping[int, int]) -> None:
        from pyspark.sql import Observation
        from pyspark.sql import functions as f

        self._observation = Observation()
        hashed = origin()
        known = ", ".join(f"{number}L" for number in origins) or "null"
        # As a text, because each literal would be a call to Java.
        is_known = f.expr(f"xxhash64({', '.join(LINEAGE)}) in ({known})")
        self.frame = frame.observe(
            self._observation,
            f.count(f.lit(1)).alias("rows"),
            f.sum(f.shiftrightunsigned(hashed, 32)).alias("upper"),
            f.sum(hashed.bitwiseAND(f.lit(0xFFFFFFFF))).alias("lower"),
            f.count(f.when(~f.coalesce(is_known, f.lit(False)), 1)).alias("strangers"),
        )

    def account(self) -> Account:
        """What has been written. Raises RowEngineError when Spark does not report it."""
        found = _report(self._observation)
        if not found:
            raise RowEngineError(
                "Spark wrote the rows but did not report how many. Nothing of the batch was "
                "committed; the next run starts it again."
            )
        return Account(**{name: value or 0 for name, value in found.items()})


def _report(observation: Observation) -> dict[str, Any] | None:
    reports: list[dict[str, Any]] = []
    waiting = threading.Thread(target=lambda: reports.append(observation.get), daemon=True)
    waiting.start()
    waiting.join(REPORT_SECONDS)
    return reports[0] if reports else None


def fault(given: Account, returned: Account, may_change: RowChanges) -> str | None:
    """What the transform did that it may not, as the rest of a sentence; None when all is well.

    given, returned: what went into the transform, what came out of it.
    """
    if returned.strangers:
        return (
            f"gave back {returned.strangers} rows with other values in {', '.join(LINEAGE)} than "
            "any row that it was given; it must return these columns as they are"
        )
    dropped = returned.rows < given.rows and may_change in ("none", "multiply")
    added = returned.rows > given.rows and may_change in ("none", "drop")
    if dropped or added:
        return (
            f"was given {given.rows} rows and gave back {returned.rows}, but {_MAY[may_change]} "
            f"(row_changes is {may_change})"
        )
    moved = (given.upper, given.lower) != (returned.upper, returned.lower)
    if moved and may_change == "none":
        return (
            f"gave back as many rows as it was given, but not as many of each file: "
            f"{', '.join(LINEAGE)} must stay with their rows"
        )
    return None
