"""Spark reads, transforms and writes."""

from __future__ import annotations

import importlib
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from burst.batch import InputFile
from burst.columns import differences
from burst.contract import (
    INPUT,
    LINEAGE,
    NO_TRANSFORM,
    RESCUED,
    STATUS_REASON,
    STATUS_ROWS,
    STATUS_UNREAD,
    FileFormat,
    Output,
)
from burst.errors import (
    ConnectionFailedError,
    EngineLostError,
    RowEngineError,
    SettleError,
    TransformError,
)
from burst.row_engine import R, ReadBatch, T, Written, outcome_of
from burst.s3 import threads_each
from burst.spark.accounting import Observed, account_of, fault, origin
from burst.spark.worker import worker_s3_client

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from pyspark.sql import DataFrame, SparkSession

_SETTINGS = {
    # Days and instants must not depend on where a worker stands.
    "spark.sql.session.timeZone": "UTC",
    # Spark's default is INT96, which other engines are giving up.
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    # Days before 1582 as they are. The default refuses to write them, and with them the batch.
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
    # Where tracebacks differ, moving files would start Python workers of another kind than reading
    # them did. This makes both the same.
    "spark.sql.execution.pyspark.udf.simplifiedTraceback.enabled": "false",
}

_ORIGIN = "_origin"

# As Python ends a traceback: the class (none of Java's), a colon, the message.
_PYTHON_ERROR = re.compile(r"(?!org\.|java\.|py4j\.)\w+(\.\w+)*: ")
# As Spark 3 hands on what failed in a task; Spark 4 begins with it. In brackets is Spark's name of
# the error.
_SPARK_ERROR = re.compile(
    r"Caused by: org\.apache\.spark\.[\w.]+: (\[(?!TASK_WRITE_FAILED)[A-Z_.]+\] .+)"
)

# Errors of the clients that fetch the files, as such a line begins.
_OF_THE_LINE = re.compile(r"(botocore|urllib3|http\.client|socket|ssl)\.|Connection\w*Error: ")


@dataclass(frozen=True)
class _Rows:
    """A batch's rows, packed, with their verdicts, and how many there are of each origin."""

    frame: DataFrame
    by_origin: Mapping[int, int]


@dataclass
class SparkRowEngine:
    """Starts Spark when there is something to read, not before: most of an empty run would be that.

    bucket: the landing bucket. transform: the name of a module in `transforms`, or none.
    """

    bucket: str
    format: FileFormat
    transform: str
    output: Output = field(default=Output(), kw_only=True)
    _is_warming_up: bool = field(default=False, init=False)

    @cached_property
    def spark(self) -> SparkSession:
        from pyspark.sql import SparkSession

        spark = SparkSession.builder.appName("burst").getOrCreate()
        for name, value in _SETTINGS.items():
            spark.conf.set(name, value)
        return spark

    def warm_up(self) -> None:
        if self._is_warming_up or "spark" in vars(self):
            return
        self._is_warming_up = True
        with suppress(Exception):
            # Not in the thread: the session is the active one only where it is made.
            threading.Thread(target=_start_workers, args=[self.spark], daemon=True).start()

    @cached_property
    def _transform(self) -> Callable[[DataFrame], DataFrame]:
        if self.transform == NO_TRANSFORM:
            return lambda frame: frame
        module = importlib.import_module(f"transforms.{self.transform}")
        function: Callable[[DataFrame], DataFrame] = module.transform
        return function

    def read(self, batch: str, inputs: Sequence[InputFile]) -> ReadBatch:
        from burst.spark.frame import spark_frame

        with _explained("reading", batch):
            frame = spark_frame(
                self.spark, bucket=self.bucket, batch=batch, inputs=inputs, format=self.format
            )
            return self._read(batch, frame, len(inputs), sum(file.size for file in inputs))

    def made_up(self, batch: str) -> ReadBatch:
        from burst.spark.frame import made_up_frame

        with _explained("making up a row for", batch):
            frame = made_up_frame(self.spark, batch=batch, format=self.format)
            return self._read(batch, frame, 1, 0)

    def _read(self, batch: str, frame: DataFrame, files: int, size: int) -> ReadBatch:
        from pyspark import StorageLevel
        from pyspark.sql import functions as f

        # Kept, so that the verdicts and the rows come from one and the same pass.
        frame = frame.persist(StorageLevel.MEMORY_AND_DISK)
        rescued = [RESCUED] if self.format.rescues else []
        found = frame.where(f.col(STATUS_ROWS).isNotNull()).select(
            INPUT, STATUS_ROWS, STATUS_REASON, STATUS_UNREAD, *rescued, origin().alias(_ORIGIN)
        )
        try:
            verdicts = found.collect()
        except Exception:
            frame.unpersist()
            raise
        outcomes = {row[INPUT]: outcome_of(row.asDict()) for row in verdicts}
        return ReadBatch(
            batch=batch,
            outcomes=tuple(outcomes[index] for index in range(files)),
            bytes=size,
            rows=_Rows(frame, {row[_ORIGIN]: row[STATUS_ROWS] for row in verdicts}),
        )

    def write(self, read: ReadBatch, target: str) -> Written:
        from burst.spark.frame import row_frame
        from burst.spark.writer import write_parquet

        frame, rows_by_origin = read.rows.frame, read.rows.by_origin
        failed = [index for index, outcome in enumerate(read.outcomes) if outcome.reason]
        with _explained("writing", read.batch):
            rows = row_frame(frame, self.format, without=failed)
            transformed = self._as_declared(self._transform(rows))
            given = {number: rows for number, rows in rows_by_origin.items() if rows}
            observed = Observed(transformed, given)
            write_parquet(
                observed.frame,
                target,
                input_bytes=read.bytes,
                rows=sum(given.values()),
                output=self.output,
            )
            returned = observed.account()
        if wrong := fault(account_of(given), returned, self.output.row_changes):
            raise TransformError(
                f"The transform {self.transform!r} {wrong}. Correct the transform, or the "
                f"pipeline's row_changes, and deploy. Nothing of batch {read.batch} was loaded; "
                "the next run starts it again."
            )
        return Written(returned.rows)

    def _as_declared(self, rows: DataFrame) -> DataFrame:
        """The columns in the order of the table over curated.

        Raises when the table would not show what the transform gives.
        """
        found = {field.name: field.dataType.simpleString() for field in rows.schema}
        if self.output.columns is None:
            if lost := [name for name in LINEAGE if found.get(name) != "string"]:
                raise TransformError(
                    f"The transform {self.transform!r} does not give back {', '.join(lost)} as it "
                    "was. Correct the transform and deploy. Nothing of the batch was written; the "
                    "next run starts it again."
                )
            return rows
        if wrong := differences(self.output.columns, found):
            raise TransformError(
                f"The transform {self.transform!r} gives other columns than the settings declare: "
                f"{'; '.join(wrong)}. Correct the transform, or the pipeline's added_columns and "
                "dropped_columns, and deploy. Nothing of the batch was written; the next run "
                "starts it again."
            )
        return rows.select(*(column.name for column in self.output.columns), *LINEAGE)

    def spread(self, work: Callable[[S3Client, T, int], R], parts: Sequence[T]) -> list[R]:
        from py4j.protocol import Py4JError
        from pyspark.errors import PySparkException

        try:
            context = self.spark.sparkContext
            threads = threads_each(min(len(parts), context.defaultParallelism))

            def answer(part: T) -> R:
                return work(worker_s3_client(), part, threads)

            return context.parallelize(parts, len(parts)).map(answer).collect()
        except (Py4JError, PySparkException) as error:
            raise SettleError(
                f"Spark failed while moving the files of a batch: {cause_of(str(error))} Their "
                "rows are committed, nothing is lost; the next run goes on from here."
            ) from error

    def release(self, read: ReadBatch) -> None:
        read.rows.frame.unpersist()

    def stop(self) -> None:
        """Stop Spark, if it was started."""
        if "spark" in vars(self):
            self.spark.stop()


def _start_workers(spark: SparkSession) -> None:
    from burst.spark.frame import start_workers

    with suppress(Exception):
        start_workers(spark)


@contextmanager
def _explained(doing: str, batch: str) -> Iterator[None]:
    """Spark's errors as one sentence; their long form stays with it as the cause."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except (Py4JError, PySparkException) as error:
        cause = cause_of(str(error))
        said = f"Spark failed while {doing} batch {batch}: {cause}"
        again = "Nothing of the batch was committed; the next run starts it again."
        if _is_lost():
            raise EngineLostError(f"{said} Spark has stopped. {again}") from error
        kind = ConnectionFailedError if _OF_THE_LINE.match(cause) else RowEngineError
        raise kind(f"{said} {again}", cause=f"Spark failed while {doing} it: {cause}") from error


def _is_lost() -> bool:
    """Whether Spark itself has ended, so that everything that is asked of it fails."""
    from py4j.protocol import Py4JError
    from pyspark import SparkContext

    context = SparkContext._active_spark_context
    if context is None:
        return True
    try:
        return bool(context._jsc.sc().isStopped())
    except (Py4JError, OSError):
        return True


def cause_of(text: str) -> str:
    """The Python error inside Spark's long error, else Spark's own, else its first line."""
    lines = [line.removeprefix(": ") for line in text.splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith("An error occurred while calling")]
    # What is indented is a traceback's source code, which may look like anything.
    inner = [line for line in lines if _PYTHON_ERROR.match(line)]
    own = [found[1] for line in lines if (found := _SPARK_ERROR.match(line))]
    return (inner or own[-1:] or lines or ["no message"])[0].strip()[:500].rstrip(".") + "."
