"""Rows to Parquet, in one folder a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from burst.contract import Output

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def write_parquet(
    frame: DataFrame, target: str, *, input_bytes: int, rows: int, output: Output
) -> None:
    """Replace the folder `target` by the frame's rows.

    Overwriting makes the step repeatable: the same batch always ends as the same folder. How large
    the rows become is known only once they are written, so the input's size (bytes as stored, rows)
    decides on the number of files: a small burst is one file, and a large one is cut also where
    a single task has it all.
    """
    files = max(1, -(-input_bytes // output.file_bytes))
    writer = frame.coalesce(files).write.mode("overwrite")
    if files > 1:
        writer = writer.option("maxRecordsPerFile", max(1, -(-rows // files)))
    writer.parquet(target, compression=output.compression)
