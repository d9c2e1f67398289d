"""Nested columns through Spark into curated, and what other readers make of the same."""

from __future__ import annotations

import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from burst.contract import LINEAGE, Column, FileFormat
from burst.parsing import parse
from burst.spark.columns import spark_type
from pyspark.sql import SparkSession
from pyspark.sql import types as t

from tests.jobs.world import World

ITEMS = "array<struct<sku:string,unitPrice:decimal(10,2),sold:date>>"
NESTED = [
    {"name": "id", "type": "bigint"},
    {"name": "items", "type": ITEMS},
    {"name": "customer", "type": "struct<id:int,since:timestamp,tags:map<string,array<double>>>"},
]
LINES = [
    {
        "id": 1,
        "items": [{"sku": "ä", "unitPrice": 12345678.25, "sold": "2026-11-26"}, None, {}],
        "customer": {"id": 7, "since": "1969-12-31T23:59:59.000001Z", "tags": {"x": [1.5, None]}},
    },
    {"id": 2, "items": [], "customer": {"tags": {}}},
    {"id": 3, "items": None, "customer": None},
]
BODY = "".join(json.dumps(line) + "\n" for line in LINES).encode()
ROWS: list[dict[str, Any]] = [
    {
        "id": 1,
        "items": [
            {"sku": "ä", "unitprice": Decimal("12345678.25"), "sold": date(2026, 11, 26)},
            None,
            {"sku": None, "unitprice": None, "sold": None},
        ],
        "customer": {
            "id": 7,
            "since": datetime(1969, 12, 31, 23, 59, 59, 1, tzinfo=UTC),
            "tags": {"x": [1.5, None]},
        },
    },
    {"id": 2, "items": [], "customer": {"id": None, "since": None, "tags": {}}},
    {"id": 3, "items": None, "customer": None},
]
AS_JSON = "to_json(struct(*), map('timestampFormat', 'yyyy-MM-dd\\'T\\'HH:mm:ss.SSSSSSXXX'))"
SETTINGS = {"input_format": "json", "transform": "none"}


def load(world: World, columns: list[dict[str, str]], body: bytes) -> None:
    world.put("orders/a.json", body)
    text = json.dumps(columns)
    world.drain(**SETTINGS, columns=text, curated_columns=text)


def in_curated(world: World) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for body in world.curated_files().values():
        rows += pq.ParquetFile(io.BytesIO(body)).read().to_pylist(maps_as_pydicts="strict")
    return [{key: row[key] for key in row if key not in LINEAGE} for row in rows]


def test_nested_rows_are_in_curated_as_the_files_have_them(spark_world: World) -> None:
    load(spark_world, NESTED, BODY)

    assert in_curated(spark_world) == ROWS


def test_what_is_added_later_is_null_in_the_rows_that_are_there(
    spark_world: World, spark: SparkSession
) -> None:
    """By name, as Athena reads Parquet, too: a column, and a field inside of structs."""
    load(spark_world, NESTED, BODY)
    wider = [
        Column("added", "date"),
        Column("id", "bigint"),
        Column("items", ITEMS.replace("sku:", "qty:int,sku:")),
        Column("customer", "struct<address:struct<zip:string>,id:int,since:timestamp>"),
    ]
    schema = t.StructType([t.StructField(one.name, spark_type(one)) for one in wider])

    rows = spark.read.schema(schema).parquet(spark_world.curated_uri).orderBy("id").collect()

    found = [row.asDict(recursive=True) for row in rows]
    assert [row["added"] for row in found] == [None] * 3
    assert [row["items"] and [i and i["qty"] for i in row["items"]] for row in found] == [
        [None, None, None],
        [],
        None,
    ]
    assert found[0]["items"][0]["sku"] == "ä"
    assert found[0]["customer"]["address"] is None
    assert found[0]["customer"]["id"] == 7
    # Arrow's reader, too, where the file is asked for the columns that it has.
    assert [row["id"] for row in in_curated(spark_world)] == [1, 2, 3]


def test_spark_s_own_json_reader_finds_the_same(spark: SparkSession, tmp_path: Path) -> None:
    file = tmp_path / "lines.json"
    file.write_bytes(BODY)
    columns = tuple(Column(**one) for one in NESTED)
    # With the names of the files.
    schema = ", ".join(f"{one.name} {one.type}" for one in columns)
    zone = spark.conf.get("spark.sql.session.timeZone")
    try:
        spark.conf.set("spark.sql.session.timeZone", "UTC")
        theirs = spark.read.json(file.as_uri(), schema=schema, mode="FAILFAST")
        as_json = [json.loads(row[0]) for row in theirs.selectExpr(AS_JSON).collect()]
    finally:
        spark.conf.set("spark.sql.session.timeZone", str(zone))

    batches = parse(io.BytesIO(BODY), key="k", format=FileFormat("json", columns))
    ours = [row for batch in batches for row in batch.to_pylist(maps_as_pydicts="strict")]

    assert ours == ROWS
    assert [lowered(row) for row in as_json] == [without_nulls(row) for row in ours]


def lowered(value: Any) -> Any:
    """Spark's JSON with values of Python and the names of the table."""
    if isinstance(value, dict):
        return {name.lower(): typed(name, item) for name, item in value.items()}
    return [lowered(item) for item in value] if isinstance(value, list) else value


def typed(name: str, item: Any) -> Any:
    if name == "unitPrice":
        return Decimal(str(item))
    if name == "sold":
        return date.fromisoformat(item)
    return datetime.fromisoformat(item) if name == "since" else lowered(item)


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_nulls(item) for name, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value
