"""A query of the newest day works: the deployed table describes what the deployed job writes.

There is no Athena here. What it does is done by hand from what the emulator gives back of the
table, and from nothing else: derive the days from the projection, look below the newest day's
location, and read the Parquet there with the table's columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.deploy.conftest import Deployed
from tests.patience import PATIENCE
from tools.sandbox.orders import generate

# Athena user guide, "Data types in Amazon Athena": what Parquet must hold for each type.
ARROW: Mapping[str, pa.DataType] = {
    "string": pa.string(),
    "boolean": pa.bool_(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", tz="UTC"),
}


@pytest.fixture
def table(deployed: Deployed) -> Mapping[str, Any]:
    """The table as the catalog gives it back."""
    outputs = deployed.sandbox.outputs
    answer = deployed.sandbox.account.client("glue").get_table(
        DatabaseName=outputs["database_name"],
        Name=outputs["pipelines"]["orders"]["table_name"],
    )
    return dict(answer["Table"])


@pytest.fixture(scope="module")
def day(deployed: Deployed) -> date:
    """The UTC day on which the job has just processed a file."""
    sandbox = deployed.sandbox
    before = len(sandbox.engine.snapshot().job_runs)
    [file] = generate(1, seed=7, now=datetime.now(UTC))
    sandbox.account.client("s3").put_object(
        Bucket=sandbox.outputs["landing_bucket_name"], Key="orders/query.csv", Body=file.body
    )
    assert sandbox.engine.wait(lambda now: len(now.job_runs) > before and now.idle, PATIENCE)
    run = sandbox.engine.snapshot().job_runs[-1]
    assert run.state == "SUCCEEDED", run.error_message
    return run.started_on.date()


def projected_days(table: Mapping[str, Any], key: str, now: datetime) -> Iterator[str]:
    """The values of a partition key, newest first, as Athena derives them."""
    projection = {
        name.removeprefix(f"projection.{key}."): value
        for name, value in table["Parameters"].items()
    }
    assert table["Parameters"]["projection.enabled"] == "true"
    assert (projection["type"], projection["format"]) == ("date", "yyyy-MM-dd")
    assert (projection["interval"], projection["interval.unit"]) == ("1", "DAYS")
    first, last = projection["range"].split(",")
    assert last == "NOW"
    day = now.astimezone(UTC).date()
    while day >= date.fromisoformat(first):
        yield day.isoformat()
        day -= timedelta(days=1)


def newest_partition(deployed: Deployed, table: Mapping[str, Any]) -> Path:
    """Where Athena finds the newest rows; the sandbox has the lake's curated in a local folder."""
    root = table["StorageDescriptor"]["Location"]
    lake = deployed.sandbox.outputs["lake_bucket_name"]
    assert root == f"s3://{lake}/curated/orders/"
    place = deployed.sandbox.curated("orders")
    assert table["PartitionKeys"]
    for key in (item["Name"] for item in table["PartitionKeys"]):
        values = projected_days(table, key, datetime.now(UTC))
        folders = (place / f"{key}={value}" for value in values)
        place = next(folder for folder in folders if folder.is_dir())
    return place


def schema(table: Mapping[str, Any]) -> pa.Schema:
    """The table's columns, as Parquet must hold them."""
    return pa.schema(
        [
            (column["Name"], _arrow(column["Type"]))
            for column in table["StorageDescriptor"]["Columns"]
        ]
    )


def _arrow(kind: str) -> pa.DataType:
    if kind.startswith("decimal("):
        precision, scale = kind.removeprefix("decimal(").removesuffix(")").split(",")
        return pa.decimal128(int(precision), int(scale))
    return ARROW[kind]


def test_rows_of_the_newest_day_are_read_with_exactly_the_columns_of_the_table(
    deployed: Deployed, table: Mapping[str, Any], day: date
) -> None:
    newest = newest_partition(deployed, table)
    [first] = newest.relative_to(deployed.sandbox.curated("orders")).parts[:1]
    assert first.partition("=")[2] >= day.isoformat()

    # Everything below the location, as Athena reads it, but what begins with _ or a dot.
    files = [file for file in newest.rglob("*") if file.is_file() and file.name[0] not in "._"]
    wanted = schema(table)
    rows: list[dict[str, Any]] = []
    for file in files:
        found = pq.read_schema(file)
        # Also in their order, though Athena reads Parquet by name. Whether a column may be null
        # is nothing that a table says.
        assert list(zip(found.names, found.types, strict=True)) == list(
            zip(wanted.names, wanted.types, strict=True)
        )
        rows += pq.ParquetFile(file).read().to_pylist()

    read = [row for row in rows if row["_source_key"] == "orders/query.csv"]
    assert read
    assert all(row["_source_version"] and row["_batch"][:8].isdigit() for row in read)
    assert sum(row["order_total"] is not None for row in read) > 0


def test_timestamps_are_not_int96_which_is_deprecated(
    deployed: Deployed, table: Mapping[str, Any], day: date
) -> None:
    file = next(newest_partition(deployed, table).rglob("*.parquet"))
    columns = pq.ParquetFile(file).schema
    [column] = [
        columns.column(index) for index, name in enumerate(columns.names) if name == "updated_at"
    ]
    assert column.physical_type == "INT64"
    assert "timeUnit=microseconds" in str(column.logical_type)
    assert "isAdjustedToUTC=true" in str(column.logical_type)


def test_days_are_derived_from_the_first_to_today_in_utc(table: Mapping[str, Any]) -> None:
    key = table["PartitionKeys"][0]["Name"]
    days = list(projected_days(table, key, datetime(2025, 1, 3, tzinfo=UTC)))
    assert days == ["2025-01-03", "2025-01-02", "2025-01-01"]
