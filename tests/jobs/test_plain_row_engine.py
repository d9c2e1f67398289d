"""The plain engine of the tests does what the shipped one does, but for the transform."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from burst.landing import Landing, joined
from burst.row_engine import FileOutcome, RowEngine
from burst.spark.row_engine import SparkRowEngine
from mypy_boto3_s3 import S3Client
from pyspark.sql import SparkSession

from tests.jobs.plain_row_engine import PlainRowEngine
from tests.jobs.test_crashes import burst
from tests.jobs.world import NAMES, World

BATCH = "20250131T235959Z-0123abcd"
LINEAGE = ["_source_key", "_source_version", "_batch"]


def read_and_write(
    engine: RowEngine, world: World, folder: Path
) -> tuple[tuple[FileOutcome, ...], Counter[tuple[Any, ...]]]:
    """Outcomes and rows."""
    inputs = joined(Landing(world.s3, world.landing, "", "").pages()).files
    read = engine.read(BATCH, inputs)
    engine.write(read, folder.as_uri())
    engine.release(read)
    rows: Counter[tuple[Any, ...]] = Counter()
    for file in folder.glob("*.parquet"):
        for row in pq.ParquetFile(file).read(columns=NAMES + LINEAGE).to_pylist():
            rows[tuple(row[name] for name in NAMES + LINEAGE)] += 1
    return read.outcomes, rows


def test_both_planes_give_the_same_verdicts_and_rows(
    spark_world: World, s3: S3Client, spark: SparkSession, tmp_path: Path
) -> None:
    world = burst(spark_world).world
    args = world.arguments()
    plain = PlainRowEngine(s3, world.landing, args.format)
    shipped = SparkRowEngine(world.landing, args.format, args.transform)

    outcomes, rows = read_and_write(plain, world, tmp_path / "plain")

    assert (outcomes, rows) == read_and_write(shipped, world, tmp_path / "shipped")
    assert sum(rows.values()) == 8
