"""Rows to Parquet, in one folder a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# One Parquet file for about this many bytes of input, so that a small burst is one file.
FILE_BYTES = 128 * 1024**2


def write_parquet(frame: DataFrame, target: str, *, input_bytes: int) -> None:
    """Replace the folder `target` by the frame's rows.

    Overwriting makes the step repeatable: the same batch always ends as the same folder.
    """
    files = max(1, -(-input_bytes // FILE_BYTES))
    frame.coalesce(files).write.mode("overwrite").parquet(target)
