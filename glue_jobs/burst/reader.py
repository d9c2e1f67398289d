"""Files to rows. One pass gives the rows and, after each file's rows, the verdict on the file.

The stream of record batches has the pipeline's columns, the lineage columns and four private
columns. A row with `_rows` set is no data: it says how many rows the file `_input` gave, or why it
is bad. Whoever has seen the verdicts can drop the rows of a file that failed half way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from burst.arguments import FileFormat
from burst.batch import InputFile, shares
from burst.client import s3_client
from burst.columns import (
    BATCH,
    INPUT,
    SOURCE_KEY,
    SOURCE_VERSION,
    STATUS_REASON,
    STATUS_ROWS,
    STATUS_UNREAD,
    read_schema,
    spark_read_schema,
)
from burst.fetch import Fetched, Refused, fetch
from burst.parse import parse
from burst.parse_error import ParseError
from burst.plane import FileOutcome

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from pyspark.sql import DataFrame, SparkSession

# A task is worth its start from about this much on.
TASK_BYTES = 64 * 1024**2
TASK_FILES = 100
# Small files' rows go to Spark together, in pieces of at least this many rows or bytes.
FLUSH_ROWS = 32 * 1024
FLUSH_BYTES = 8 * 1024**2

GONE = "The version was deleted from landing by someone else before it was read."


def read_files(
    s3: S3Client,
    *,
    bucket: str,
    batch: str,
    inputs: Sequence[tuple[int, InputFile]],
    format: FileFormat,
) -> Iterator[pa.RecordBatch]:
    """All rows and verdicts of these inputs (position in the batch, file).

    Raises what S3 or the network raise; a file that is bad is a verdict.
    """
    schema = read_schema(format.columns)
    waiting: list[pa.RecordBatch] = []
    rows = size = 0
    for fetched in fetch(s3, bucket, inputs):
        for piece in _read_file(fetched, batch, format, schema):
            waiting.append(piece)
            rows, size = rows + piece.num_rows, size + piece.nbytes
            if rows >= FLUSH_ROWS or size >= FLUSH_BYTES:
                yield from _joined(waiting, schema)
                waiting, rows, size = [], 0, 0
    if waiting:
        yield from _joined(waiting, schema)


def _joined(pieces: list[pa.RecordBatch], schema: pa.Schema) -> list[pa.RecordBatch]:
    batches: list[pa.RecordBatch] = (
        pa.Table.from_batches(pieces, schema).combine_chunks().to_batches()
    )
    return batches


def _read_file(
    fetched: Fetched, batch: str, format: FileFormat, schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    lineage = {
        SOURCE_KEY: fetched.file.key,
        SOURCE_VERSION: fetched.file.version_id,
        BATCH: batch,
        INPUT: fetched.index,
    }
    if isinstance(fetched.content, Refused):
        yield _verdict(FileOutcome(0, fetched.content.reason, "unreadable"), lineage, schema)
        return
    if fetched.content is None:
        yield _verdict(FileOutcome(0, GONE, "gone"), lineage, schema)
        return
    if fetched.file.is_folder_marker:
        yield _verdict(FileOutcome(0), lineage, schema)
        return
    rows = 0
    try:
        for piece in parse(fetched.content, key=fetched.file.key, format=format):
            rows += piece.num_rows
            # A block of tiny rows has millions, and each of them gets a key of up to 1 KiB.
            for start in range(0, piece.num_rows, FLUSH_ROWS):
                yield _with_lineage(piece.slice(start, FLUSH_ROWS), lineage, schema)
        outcome = FileOutcome(rows)
    except ParseError as error:
        outcome = FileOutcome(0, str(error))
    yield _verdict(outcome, lineage, schema)


def _with_lineage(
    piece: pa.RecordBatch, lineage: dict[str, Any], schema: pa.Schema
) -> pa.RecordBatch:
    count = piece.num_rows
    arrays = list(piece.columns)
    for field in list(schema)[len(arrays) :]:
        value = pa.scalar(lineage.get(field.name), type=field.type)
        arrays.append(pa.repeat(value, count))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _verdict(outcome: FileOutcome, lineage: dict[str, Any], schema: pa.Schema) -> pa.RecordBatch:
    row = {
        **lineage,
        STATUS_ROWS: outcome.rows,
        STATUS_REASON: outcome.reason,
        STATUS_UNREAD: outcome.unread,
    }
    arrays = [pa.array([row.get(field.name)], type=field.type) for field in schema]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def spark_frame(
    spark: SparkSession,
    *,
    bucket: str,
    batch: str,
    inputs: Sequence[InputFile],
    format: FileFormat,
) -> DataFrame:
    """The same as a frame that is read in as many tasks as are worth their start."""
    dealt = shares(inputs, _task_count(spark, inputs))
    tasks = [[(index, inputs[index]) for index in share] for share in dealt]

    def read_tasks(numbers: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for number in (value for piece in numbers for value in piece.column(0).to_pylist()):
            yield from read_files(
                s3_client(), bucket=bucket, batch=batch, inputs=tasks[number], format=format
            )

    # One row, one partition, one task: a number that tells the task which files are its own.
    numbers = spark.range(0, len(tasks), 1, numPartitions=len(tasks))
    return numbers.mapInArrow(read_tasks, spark_read_schema(format.columns))


def _task_count(spark: SparkSession, inputs: Sequence[InputFile]) -> int:
    size = sum(file.size for file in inputs)
    wanted = max(
        -(-size // TASK_BYTES), -(-len(inputs) // TASK_FILES), spark.sparkContext.defaultParallelism
    )
    return min(len(inputs), wanted)
