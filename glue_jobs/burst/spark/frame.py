"""A batch's files as a Spark frame: each task fetches and parses its share of them.

There are two frames: `spark_frame`, which Spark keeps, has a verdict on each file and the rows as
pieces; `row_frame` has the rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from burst.batch import InputFile, shares
from burst.contract import FileFormat
from burst.reader import made_up_rows, read_files
from burst.s3 import threads_each
from burst.spark.columns import spark_read_schema
from burst.spark.packing import PIECE, kept_names, pack, row_names, unpack
from burst.spark.worker import worker_s3_client

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

# Below about this much, starting a task costs more than it saves.
TASK_BYTES = 64 * 1024**2
TASK_FILES = 500


def spark_frame(
    spark: SparkSession,
    *,
    bucket: str,
    batch: str,
    inputs: Sequence[InputFile],
    format: FileFormat,
) -> DataFrame:
    """What `read_files` gives, packed, in as many tasks as are worth starting."""
    processes = spark.sparkContext.defaultParallelism
    dealt = shares(inputs, _task_count(inputs, processes))
    threads = threads_each(min(len(dealt), processes))
    # Sent once to each worker; as part of the function it would be sent with every task.
    tasks = spark.sparkContext.broadcast(
        [[(index, inputs[index]) for index in share] for share in dealt]
    )

    def read_tasks(numbers: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for number in (value for piece in numbers for value in piece.column(0).to_pylist()):
            found = read_files(
                worker_s3_client(),
                bucket=bucket,
                batch=batch,
                inputs=tasks.value[number],
                format=format,
                threads=threads,
            )
            yield from pack(found, format)

    # One row, one partition, one task: a number that tells the task which files it reads.
    numbers = spark.range(0, len(dealt), 1, numPartitions=len(dealt))
    return numbers.mapInArrow(read_tasks, _kept_schema(format))


def start_workers(spark: SparkSession) -> None:
    """Have each of Spark's workers import what reading needs, so that it need not wait for that."""

    def begin(numbers: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        worker_s3_client()
        yield from numbers

    processes = spark.sparkContext.defaultParallelism
    numbers = spark.range(0, processes, 1, numPartitions=processes)
    numbers.mapInArrow(begin, numbers.schema).collect()


def made_up_frame(spark: SparkSession, *, batch: str, format: FileFormat) -> DataFrame:
    """The same for `made_up_rows`, made by a worker."""

    def make(numbers: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for _ in numbers:
            yield from pack(made_up_rows(batch, format), format)

    one = spark.range(0, 1, 1, numPartitions=1)
    return one.mapInArrow(make, _kept_schema(format))


def row_frame(kept: DataFrame, format: FileFormat, *, without: Sequence[int]) -> DataFrame:
    """The rows of one of these frames, but for those of some inputs, with their lineage."""
    from pyspark.sql import functions as f

    def rows(pieces: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        yield from unpack(pieces, format, without=without)

    pieces = kept.where(f.col(PIECE).isNotNull()).select(PIECE)
    return pieces.mapInArrow(rows, _chosen(row_names(format), format))


def _kept_schema(format: FileFormat) -> StructType:
    from pyspark.sql import types as t

    return _chosen(kept_names(format), format).add(PIECE, t.BinaryType())


def _chosen(names: Sequence[str], format: FileFormat) -> StructType:
    from pyspark.sql import types as t

    schema = spark_read_schema(format.columns, format.rescues)
    return t.StructType([schema[name] for name in names])


def _task_count(inputs: Sequence[InputFile], processes: int) -> int:
    size = sum(file.size for file in inputs)
    wanted = max(-(-size // TASK_BYTES), -(-len(inputs) // TASK_FILES), processes)
    return min(len(inputs), wanted)
