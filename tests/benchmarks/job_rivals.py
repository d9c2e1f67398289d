"""One way to take a burst: ours, and two that people write first. A program of `bench job`.

All do the same work: list what lies in landing, read it, write it as Parquet, and move the files
out of landing (copy, then delete). None transforms the rows. What differs is how:

    ours     the job's drain() with Spark, as it is shipped: reading by version id in Spark's
             tasks, ledger, verdicts, settling with threads
    folder   the driver downloads everything with threads; Spark reads the folder
    loop     one file after the other, with pandas

Prints one line of JSON: seconds for the session's start and for each phase, files, rows.
"""

from __future__ import annotations

import io
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from burst.contract import JobSpec
from burst.s3 import s3_client, threads_each

from tests.benchmarks.process_tree import processor_seconds
from tests.benchmarks.stand_in_s3 import LAKE, LANDING, PREFIX
from tests.jobs.world import COLUMNS
from tools.sandbox.java import java_options

DELETE_KEYS = 1000
Seconds = dict[str, float]


@contextmanager
def phase(name: str, seconds: Seconds) -> Iterator[None]:
    start = time.perf_counter()
    yield
    seconds[name] = time.perf_counter() - start


@contextmanager
def work(seconds: Seconds) -> Iterator[None]:
    """Everything after the session's start, with the processor time of all processes."""
    before = processor_seconds(os.getpid())
    with phase("work", seconds):
        yield
    seconds["processor"] = processor_seconds(os.getpid()) - before


def start_spark() -> Any:
    """A session that has done something: what both Spark programs need before they begin."""
    from pyspark.sql import SparkSession

    session = (
        SparkSession.builder.master("local[2,4]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.extraJavaOptions", java_options())
        .config("spark.ui.showConsoleProgress", "false")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    session.range(2).count()
    return session


def ours(target: Path, seconds: Seconds) -> tuple[int, int]:
    from burst.drain import drain
    from burst.metrics import NoMetrics
    from burst.spark.row_engine import SparkRowEngine

    untouched = ModuleType("transforms.untouched")
    untouched.transform = lambda frame: frame  # type: ignore[attr-defined]
    sys.modules[untouched.__name__] = untouched
    with phase("session", seconds):
        start_spark()
    args = JobSpec.from_arguments(
        [
            *("--environment", "bench", "--pipeline", "orders", "--transform", "orders"),
            *("--landing_bucket", LANDING, "--lake_bucket", LAKE, "--prefix", PREFIX),
            *("--curated_uri", target.as_uri(), "--input_format", "json"),
            *("--columns", json.dumps(COLUMNS)),
        ]
    )
    spent: dict[str, float] = {}

    class Phases(NoMetrics):
        def publish(self, values: Any) -> None:
            for name in ("read", "write", "settle"):
                value = values.get(f"{name.title()}Seconds", (0.0,))[0]
                spent[name] = spent.get(name, 0.0) + value

    engine = SparkRowEngine(LANDING, args.format, "untouched", output=args.output)
    with work(seconds):
        summary = drain(args, s3=s3_client(), engine=engine, metrics=Phases())
    seconds.update(spent)
    return summary.files, summary.rows


def folder(target: Path, seconds: Seconds) -> tuple[int, int]:
    from burst.spark.columns import spark_read_schema

    with phase("session", seconds):
        spark = start_spark()
    with work(seconds), ThreadPoolExecutor(threads_each(1)) as threads:
        s3 = s3_client()
        with phase("read", seconds):
            versions = listed()
            place = target / "downloaded"
            place.mkdir(parents=True)

            def download(item: dict[str, Any]) -> None:
                body = s3.get_object(Bucket=LANDING, Key=item["Key"], VersionId=item["VersionId"])[
                    "Body"
                ].read()
                (place / Path(item["Key"]).name).write_bytes(body)

            list(threads.map(download, versions))
        with phase("write", seconds):
            schema = spark_read_schema(columns())
            names = [column.name for column in columns()]
            frame = spark.read.schema(schema).json(str(place)).select(*names)
            frame.coalesce(1).write.parquet((target / "curated").as_uri())
        with phase("settle", seconds):
            list(threads.map(copy, versions))
            for start in range(0, len(versions), DELETE_KEYS):
                group = versions[start : start + DELETE_KEYS]
                objects = [{"Key": v["Key"], "VersionId": v["VersionId"]} for v in group]
                s3.delete_objects(Bucket=LANDING, Delete={"Objects": objects, "Quiet": True})  # type: ignore[typeddict-item]
    return len(versions), spark.read.parquet((target / "curated").as_uri()).count()


def loop(target: Path, seconds: Seconds) -> tuple[int, int]:
    import pandas as pd

    seconds["session"] = 0.0
    with work(seconds):
        s3 = s3_client()
        with phase("read", seconds):
            versions = listed()
            frames = []
            for item in versions:
                body = s3.get_object(Bucket=LANDING, Key=item["Key"], VersionId=item["VersionId"])[
                    "Body"
                ].read()
                frames.append(pd.read_json(io.BytesIO(body), lines=True))
        with phase("write", seconds):
            frame = pd.concat(frames)
            target.mkdir(parents=True)
            frame.to_parquet(target / "orders.parquet")
        with phase("settle", seconds):
            for item in versions:
                copy(item)
                s3.delete_object(Bucket=LANDING, Key=item["Key"], VersionId=item["VersionId"])
    return len(versions), len(frame)


def columns() -> Sequence[Any]:
    from burst.contract import parse_columns

    return parse_columns(json.dumps(COLUMNS))


def listed() -> list[dict[str, Any]]:
    pages = s3_client().get_paginator("list_object_versions")
    found: list[Any] = []
    for page in pages.paginate(Bucket=LANDING, Prefix=PREFIX):
        found += page.get("Versions", [])
    return found


def copy(item: dict[str, Any]) -> None:
    source = {"Bucket": LANDING, "Key": item["Key"], "VersionId": item["VersionId"]}
    s3_client().copy_object(Bucket=LAKE, Key=f"archive/{item['Key']}", CopySource=source)  # type: ignore[arg-type]


RIVALS: dict[str, Callable[[Path, Seconds], tuple[int, int]]] = {
    "ours": ours,
    "folder": folder,
    "loop": loop,
}


def main() -> None:
    name, target = sys.argv[1], Path(sys.argv[2])
    seconds: Seconds = {}
    files, rows = RIVALS[name](target, seconds)
    print(json.dumps({"files": files, "rows": rows, **seconds}), flush=True)


if __name__ == "__main__":
    main()
