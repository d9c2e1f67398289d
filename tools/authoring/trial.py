"""One pipeline's files through the job's parser and the transform, on this machine."""

from __future__ import annotations

import ast
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq
from burst.columns import arrow_schema, differences
from burst.contract import (
    BATCH,
    LINEAGE,
    NO_TRANSFORM,
    RESCUED,
    SOURCE_KEY,
    SOURCE_VERSION,
    JobSpec,
)
from burst.parsing import ParseError, parse

from tools.authoring.samples import GZIP, STANDARD_INPUT, open_file
from tools.processes import descendants, handle_signals

# As many as a terminal of 80 columns has room for.
SHOWN_ROWS = 3
# As a batch of the job is called; a transform may derive times from it.
BATCH_ID = "20250110T120000Z-0123abcd"


@dataclass(frozen=True)
class TriedFile:
    """One file: its rows, or the reason for which it would go to quarantine.

    picked_up: whether the pipeline's suffix lets it in.
    """

    name: str
    key: str
    rows: int
    reason: str | None
    picked_up: bool = True


@dataclass(frozen=True)
class Transformed:
    """What the transform made of the rows. wrong: why they would not be loaded, in a sentence."""

    by: str
    rows_in: int
    rows_out: int = 0
    wrong: str | None = None
    types: Mapping[str, str] | None = None
    first: Sequence[Mapping[str, Any]] = ()


class Rows:
    """The rows of the good files, as one Parquet file with the job's lineage columns."""

    def __init__(self, path: Path, spec: JobSpec) -> None:
        self.path = path
        self.spec = spec
        schema = arrow_schema(spec.format.columns, spec.format.rescues)
        for name in LINEAGE:
            schema = schema.append(pa.field(name, pa.string()))
        self.schema = schema
        self.rows = 0

    def add(self, files: Sequence[str], report: Any) -> Iterator[TriedFile]:
        """Parse the files; the rows of a bad one do not count."""
        with pq.ParquetWriter(self.path, self.schema) as writer:
            for name in files:
                yield self._add(name, writer)
                report()

    def _add(self, name: str, writer: pq.ParquetWriter) -> TriedFile:
        with ExitStack() as stack:
            source = open_file(name)
            if name != STANDARD_INPUT:
                stack.enter_context(source)
            key = self._key(name, source)
            picked_up = name == STANDARD_INPUT or key.endswith(self.spec.suffix)
            part = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "rows.parquet"
            rows = 0
            try:
                with pq.ParquetWriter(part, self.schema) as one:
                    for batch in parse(source, key=key, format=self.spec.format):
                        one.write_batch(self._with_lineage(batch, key))
                        rows += batch.num_rows
            except ParseError as error:
                return TriedFile(name, key, 0, str(error), picked_up)
            for batch in pq.ParquetFile(part).iter_batches():
                writer.write_batch(batch)
        self.rows += rows
        return TriedFile(name, key, rows, None, picked_up)

    def _key(self, name: str, source: BinaryIO) -> str:
        if name != STANDARD_INPUT:
            return self.spec.prefix + PurePath(name).name
        # Standard input has no name that could say so.
        zipped = source.peek(2)[:2] == GZIP  # type: ignore[attr-defined]
        return f"{self.spec.prefix}standard-input{'.gz' if zipped else ''}"

    def _with_lineage(self, batch: pa.RecordBatch, key: str) -> pa.RecordBatch:
        values = {SOURCE_KEY: key, SOURCE_VERSION: "tried", BATCH: BATCH_ID}
        lineage = [pa.repeat(pa.scalar(values[name]), batch.num_rows) for name in LINEAGE]
        return pa.RecordBatch.from_arrays([*batch.columns, *lineage], schema=self.schema)

    def first(self) -> list[Mapping[str, Any]]:
        """The first rows, without the lineage."""
        return first_rows(self.path)


def first_rows(path: Path) -> list[Mapping[str, Any]]:
    """The first rows of a Parquet file or a folder of them, without the lineage."""
    files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    found: list[Mapping[str, Any]] = []
    for file in files:
        for batch in pq.ParquetFile(file).iter_batches(SHOWN_ROWS):
            rows = batch.slice(0, SHOWN_ROWS - len(found)).to_pylist(maps_as_pydicts="strict")
            found += [{k: v for k, v in row.items() if k not in LINEAGE} for row in rows]
            if len(found) >= SHOWN_ROWS:
                return found
    return found


def passes_through(source: str | bytes) -> bool:
    """Whether a transform module does nothing but return the frame that it is given."""
    functions = [
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef) and node.name == "transform"
    ]
    if len(functions) != 1 or functions[0].decorator_list or len(functions[0].args.args) != 1:
        return False
    [function] = functions
    body = [
        node
        for node in function.body
        if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
    ]
    [argument] = function.args.args
    return (
        len(body) == 1
        and isinstance(body[0], ast.Return)
        and isinstance(body[0].value, ast.Name)
        and body[0].value.id == argument.arg
    )


def passed_through(rows: Rows) -> Transformed:
    """The rows as a transform returns them that changes nothing."""
    types = {column.name: column.hive_type for column in rows.spec.format.columns}
    if rows.spec.format.rescues:
        types[RESCUED] = "string"
    wrong = differences(
        rows.spec.output.columns or (), {**types, **dict.fromkeys(LINEAGE, "string")}
    )
    how = (
        "the rows are loaded as they come"
        if rows.spec.transform == NO_TRANSFORM
        else "it passes rows through, so Spark was not needed"
    )
    return Transformed(
        f"{rows.spec.transform}; {how}",
        rows.rows,
        rows.rows,
        _other_columns(wrong) if wrong else None,
        types,
        rows.first(),
    )


def _other_columns(wrong: Sequence[str]) -> str:
    return (
        f"The transform gives other columns than the settings declare: {'; '.join(wrong)}. Correct "
        "the transform, or the pipeline's added_columns and dropped_columns."
    )


@contextmanager
def spark_session(glue_jobs: Path, glue_version: str) -> Iterator[Any]:
    """A small Spark on this machine, set as the job sets it for what a transform can see.

    glue_version: of the pipeline; for 6.0 ANSI mode is on.
    """
    import os
    import sys

    from tools.sandbox.java import java_home, java_options
    from tools.sandbox.runtime import settings_of

    os.environ |= {
        "JAVA_HOME": str(java_home()),
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
        "PYTHONPATH": str(glue_jobs),
        "SPARK_LOCAL_IP": "127.0.0.1",
    }
    from pyspark.sql import SparkSession

    with descendants("Spark"):
        session = (
            SparkSession.builder.master("local[2]")
            .config("spark.ui.enabled", "false")
            .config("spark.ui.showConsoleProgress", "false")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.sql.shuffle.partitions", "4")
            .config("spark.driver.extraJavaOptions", java_options())
            .config("spark.sql.session.timeZone", "UTC")
            .config("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
            .config("spark.sql.parquet.datetimeRebaseModeInWrite", "CORRECTED")
            .getOrCreate()
        )
        handle_signals()
        # What fails is said in a sentence.
        session.sparkContext.setLogLevel("OFF")
        for name, value in settings_of(glue_version).items():
            session.conf.set(name, value)
        yield session
        session.stop()


def transformed(session: Any, rows: Rows, folder: Path) -> Transformed:
    """The rows after the transform, by the rules by which the job holds it to account.

    folder: where Spark may write.
    """
    import importlib

    from burst.errors import RowEngineError
    from burst.spark import Observed, account_of, cause_of, fault, origin
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    name = rows.spec.transform
    by = f"{name}, run in Spark"
    try:
        frame = session.read.parquet(str(rows.path))
        counted = frame.groupBy(origin().alias("origin")).count().collect()
        given = {row["origin"]: row["count"] for row in counted}
        result = importlib.import_module(f"transforms.{name}").transform(frame)
        types = {field.name: field.dataType.simpleString() for field in result.schema}
        declared = rows.spec.output.columns or ()
        if wrong := differences(declared, types):
            return Transformed(by, rows.rows, wrong=_other_columns(wrong))
        result = result.select(*(column.name for column in declared), *LINEAGE)
        observed = Observed(result, given)
        observed.frame.write.parquet(str(folder))
        returned = observed.account()
    except (Py4JError, PySparkException, RowEngineError) as error:
        return Transformed(by, rows.rows, wrong=f"The transform failed: {cause_of(str(error))}")
    except Exception as error:  # noqa: BLE001 - the transform is the user's code
        what = f"{type(error).__name__}: {error}"
        return Transformed(by, rows.rows, wrong=f"The transform failed: {what}")
    problem = fault(account_of(given), returned, rows.spec.output.row_changes)
    return Transformed(
        by,
        rows.rows,
        returned.rows,
        f"The transform {name!r} {problem}." if problem else None,
        {column.name: column.hive_type for column in declared},
        first_rows(folder),
    )
