"""The orders transform: every row once, one current row an order."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from burst.contract import parse_columns
from burst.spark.columns import spark_type
from pyspark.sql import SparkSession
from pyspark.sql.types import StringType, StructField, StructType
from transforms.orders import transform

from tests.jobs.world import COLUMNS, World, as_csv, order

BATCH = "20250110T120000Z-0123abcd"


def transformed(spark: SparkSession, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    fields = [StructField(c.name, spark_type(c)) for c in parse_columns(json.dumps(COLUMNS))]
    fields += [StructField(n, StringType()) for n in ("_source_key", "_source_version", "_batch")]
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    frame = spark.createDataFrame(
        [tuple(r[f.name] for f in fields) for r in rows], StructType(fields)
    )
    return [row.asDict() for row in transform(frame.repartition(3)).collect()]


def row(number: int, **other: Any) -> dict[str, Any]:
    times = {
        "ordered_at": datetime(2025, 1, 9, tzinfo=UTC),
        "updated_at": datetime(2025, 1, 9, 12, tzinfo=UTC),
    }
    lineage = {"_source_key": "k", "_source_version": "v", "_batch": BATCH}
    return {**order(number), **times, **lineage, **other}


def test_row_updated_last_is_current_and_ties_have_one_winner(spark: SparkSession) -> None:
    early = datetime(2025, 1, 8, tzinfo=UTC)
    rows = [
        row(1, status="old", updated_at=early),
        row(1, status="new"),
        row(2, _source_key="a"),
        row(2, _source_key="b"),
        row(3),
        row(3),
        row(4, updated_at=None),
        row(4, status="known", updated_at=early),
        row(5, order_id=None),
    ]

    out = transformed(spark, rows)

    assert len(out) == len(rows)
    current = [r for r in out if r["is_current"]]
    assert sorted(str(r["order_id"]) for r in current) == [
        "None",
        "o-00001",
        "o-00002",
        "o-00003",
        "o-00004",
    ]
    chosen = {r["order_id"]: r for r in current}
    assert chosen["o-00001"]["status"] == "new"
    assert chosen["o-00002"]["_source_key"] == "b"
    assert chosen["o-00004"]["status"] == "known"


@pytest.mark.parametrize(
    ("changes", "late"),
    [
        ({"updated_at": datetime(2025, 1, 8, 23, 59, 59, tzinfo=UTC)}, True),
        ({"updated_at": datetime(2025, 1, 9, tzinfo=UTC)}, False),
        ({"updated_at": None}, False),
    ],
)
def test_order_updated_more_than_a_day_before_the_batch_s_day_is_late(
    spark: SparkSession, changes: dict[str, Any], late: bool
) -> None:
    assert [r["is_late"] for r in transformed(spark, [row(1, **changes)])] == [late]


def test_total_is_exact_for_the_largest_values_and_null_for_unknown_ones(
    spark: SparkSession,
) -> None:
    price = Decimal("99999999.99")
    rows = [row(1, quantity=2**31 - 1, unit_price=price), row(2, quantity=None)]

    totals = {r["order_id"]: r["order_total"] for r in transformed(spark, rows)}

    assert totals == {"o-00001": (2**31 - 1) * price, "o-00002": None}


def test_extreme_values_arrive_unchanged(spark_world: World) -> None:
    extremes = [
        order(1, ordered_at="0001-01-01T00:00:00Z", updated_at="9999-12-31T23:59:59.999999Z"),
        order(2, status="\0", sku="\u2028ü😀", quantity=-(2**31), unit_price="-99999999.99"),
    ]
    spark_world.put("orders/a.csv", as_csv(extremes))

    summary = spark_world.drain()

    assert (summary.rows, summary.bad_files) == (2, 0)
    first, second = sorted(spark_world.curated(), key=lambda r: r["order_id"])
    assert first["ordered_at"] == datetime(1, 1, 1, tzinfo=UTC)
    assert first["updated_at"] == datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
    assert (second["status"], second["sku"]) == ("\0", "\u2028ü😀")
    assert (second["quantity"], second["unit_price"]) == (-(2**31), Decimal("-99999999.99"))
