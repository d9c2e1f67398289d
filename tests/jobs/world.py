"""What the tests of the job stand on: an emulated S3 with two buckets, and files to put there."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq
from burst.batch import InputFile
from burst.contract import JobSpec
from burst.drain import Clock, Summary, drain, utc_now
from burst.metrics import Metrics
from burst.row_engine import ReadBatch
from burst.spark.row_engine import SparkRowEngine
from mypy_boto3_s3 import S3Client

from tests.jobs.judged_s3 import JudgedS3, policy_of_the_job
from tests.jobs.memory_s3 import MemoryS3
from tests.jobs.one_process import OneProcess
from tests.jobs.plain_row_engine import PlainRowEngine
from tools.sandbox.example_project import TRANSFORMS

GLUE_JOBS = Path(__file__).parents[2] / "glue_jobs"

COLUMNS = [
    {"name": "order_id", "type": "string"},
    {"name": "customer_id", "type": "string"},
    {"name": "status", "type": "string"},
    {"name": "ordered_at", "type": "timestamp"},
    {"name": "updated_at", "type": "timestamp"},
    {"name": "sku", "type": "string"},
    {"name": "quantity", "type": "int"},
    {"name": "unit_price", "type": "decimal(10,2)"},
    {"name": "currency", "type": "string"},
]
NAMES = [column["name"] for column in COLUMNS]

Row = dict[str, Any]


def order(number: int, **other: Any) -> Row:
    """One order's row as a file has it."""
    return {
        "order_id": f"o-{number:05}",
        "customer_id": f"c-{number % 7}",
        "status": "Shipped",
        "ordered_at": "2025-01-02T03:04:05Z",
        "updated_at": "2025-01-02T04:04:05.123456Z",
        "sku": f"sku {number % 3}",
        "quantity": number % 5 + 1,
        "unit_price": Decimal(number).scaleb(-2),
        "currency": "EUR",
        **other,
    }


def as_csv(rows: Iterable[Row]) -> bytes:
    lines = [",".join(NAMES)]
    lines += [",".join(str(row[name]) for name in NAMES) for row in rows]
    return ("\n".join(lines) + "\n").encode()


def as_json(rows: Iterable[Row]) -> bytes:
    return "".join(json.dumps(row, default=float) + "\n" for row in rows).encode()


def as_parquet(rows: Sequence[Row]) -> bytes:
    times = {
        name: [datetime.fromisoformat(row[name]) for row in rows]
        for name in ("ordered_at", "updated_at")
    }
    table = pa.table({name: times.get(name) or [row[name] for row in rows] for name in NAMES})
    out = io.BytesIO()
    pq.write_table(table, out)
    return out.getvalue()


def as_csv_gz(rows: Iterable[Row]) -> bytes:
    return gzip.compress(as_csv(rows))


def build_burst_zip(target: Path) -> Path:
    """What the stack ships beside the script."""
    with zipfile.ZipFile(target, "w") as archive:
        for package in (GLUE_JOBS / "burst", TRANSFORMS):
            for file in sorted(package.rglob("*.py")):
                archive.write(file, file.relative_to(package.parent))
    return target


@dataclass
class HookedRowEngine(SparkRowEngine):
    """The shipped engine; what the hook does happens between reading and judging."""

    after_read: Callable[[], None] = field(default=lambda: None)

    def read(self, batch: str, inputs: Sequence[InputFile]) -> ReadBatch:
        read = super().read(batch, inputs)
        self.after_read()
        return read


@dataclass(frozen=True)
class World:
    """One test's landing bucket, lake bucket, curated folder and time of day.

    curated_in_s3: whether curated is in the lake bucket, as on AWS, and not in the folder.
    """

    s3: S3Client
    landing: str
    lake: str
    curated_folder: Path
    clock: Clock = utc_now
    curated_in_s3: bool = False

    @property
    def curated_uri(self) -> str:
        if self.curated_in_s3:
            return f"s3://{self.lake}/curated/orders"
        return self.curated_folder.as_uri()

    def argv(self, **other: str | int | float) -> list[str]:
        """The arguments as Glue passes them."""
        values: Mapping[str, object] = {
            "environment": "dev",
            "pipeline": "orders",
            "landing_bucket": self.landing,
            "prefix": "orders/",
            "lake_bucket": self.lake,
            "curated_uri": self.curated_uri,
            "input_format": "csv",
            "columns": json.dumps(COLUMNS),
            "transform": "orders",
            "JOB_NAME": "burst-dev-orders",
            "JOB_RUN_ID": "jr_1",
            "enable-metrics": "true",
            **other,
        }
        return [part for name, value in values.items() for part in (f"--{name}", str(value))]

    def arguments(self, **other: str | int | float) -> JobSpec:
        return JobSpec.from_arguments(self.argv(**other))

    def put(self, key: str, body: bytes) -> str:
        """Upload; returns the version id."""
        return self.s3.put_object(Bucket=self.landing, Key=key, Body=body)["VersionId"]

    def archive(self, key: str, body: bytes) -> str:
        """Upload into an archive storage class; returns the version id."""
        return self.s3.put_object(
            Bucket=self.landing, Key=key, Body=body, StorageClass="DEEP_ARCHIVE"
        )["VersionId"]

    def drain(
        self, after_read: Callable[[], None] = lambda: None, **other: str | int | float
    ) -> Summary:
        args = self.arguments(**other)
        engine = HookedRowEngine(
            args.landing_bucket, args.format, args.transform, after_read, output=args.output
        )
        return drain(args, s3=self.as_the_job(), engine=engine, clock=self.clock)

    def drain_plain(
        self,
        process: OneProcess | None = None,
        *,
        metrics: Metrics | None = None,
        **other: str | int | float,
    ) -> Summary:
        """Drain without Spark, as this process."""
        args = self.arguments(**other)
        process = process or OneProcess()
        s3 = self.as_the_job()
        engine = PlainRowEngine(s3, args.landing_bucket, args.format, step=process.step)
        with process.watching(s3):
            return drain(args, s3=s3, engine=engine, clock=self.clock, metrics=metrics)

    def as_the_job(self) -> S3Client:
        """The client with the permissions of the job's role, and no others."""
        policy = policy_of_the_job(self.landing, self.lake)
        return cast(S3Client, JudgedS3(self.s3, policy))

    def in_landing(self) -> list[str]:
        return [key for key, _ in sorted(self.versions_in_landing())]

    def versions_in_landing(self) -> set[tuple[str, str]]:
        """Key and version id of every version; delete markers are none."""
        pages = self.s3.get_paginator("list_object_versions").paginate(Bucket=self.landing)
        return {
            (version["Key"], version["VersionId"])
            for page in pages
            for version in page.get("Versions", [])
        }

    def in_lake(self, prefix: str) -> dict[str, bytes]:
        """Key and bytes of every object of the lake under this prefix."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.lake, Prefix=prefix)
        return {
            item["Key"]: self.s3.get_object(Bucket=self.lake, Key=item["Key"])["Body"].read()
            for page in pages
            for item in page.get("Contents", [])
        }

    def ledger(self) -> dict[str, list[str]]:
        """The names of the records of each batch."""
        records: dict[str, list[str]] = {}
        for key in self.in_lake("ledger/orders/2"):
            _, _, batch, name = key.split("/")
            records.setdefault(batch, []).append(name)
        return records

    def record(self, batch: str, name: str) -> dict[str, Any]:
        key = f"ledger/orders/{batch}/{name}.json"
        record: dict[str, Any] = json.loads(self.in_lake(key)[key])
        return record

    def curated(self) -> list[Row]:
        """Every row in curated, from whatever Parquet lies there."""
        rows: list[Row] = []
        for body in self.curated_files().values():
            rows += pq.ParquetFile(io.BytesIO(body)).read().to_pylist()
        return rows

    def curated_files(self) -> dict[str, bytes]:
        """What a reader of curated sees, by its path: nothing whose name begins with _ or a dot."""
        if self.curated_in_s3:
            prefix = "curated/orders/"
            found = {key.removeprefix(prefix): body for key, body in self.in_lake(prefix).items()}
        else:
            found = {
                file.relative_to(self.curated_folder).as_posix(): file.read_bytes()
                for file in sorted(self.curated_folder.rglob("*"))
                if file.is_file()
            }
        return {
            path: body
            for path, body in found.items()
            if not any(part.startswith(("_", ".")) for part in path.split("/"))
        }

    def order_ids(self) -> list[str]:
        return sorted(row["order_id"] for row in self.curated())


def new_world(s3: S3Client, name: str, folder: Path) -> World:
    """Both buckets versioned, as deployed."""
    world = World(s3, f"{name}-landing", f"{name}-lake", folder / "curated")
    for bucket in (world.landing, world.lake):
        s3.create_bucket(Bucket=bucket)
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return world


def memory_world(folder: Path, page_size: int = 4, s3: MemoryS3 | None = None) -> World:
    """On the stand-in in memory; its listings have pages so small that there are several."""
    client = cast(S3Client, s3 or MemoryS3(page_size))
    world = World(client, "landing", "lake", folder / "curated", curated_in_s3=True)
    for bucket in (world.landing, world.lake):
        world.s3.create_bucket(Bucket=bucket)
    return world
