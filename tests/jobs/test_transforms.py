"""What a transform gives is what the settings declare, and what it must know of Spark 4.

docs/glue-6.md has a table of expressions. It is run here with ANSI mode on as in Glue 6.0 and off
as in Glue 5.1, whatever Spark is installed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from burst.contract import LINEAGE
from burst.errors import RowEngineError
from burst.landing import Landing, joined
from pyspark import __version__
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

from tests.jobs.test_accounting import BATCH, engine_with, run
from tests.jobs.world import COLUMNS, World, as_csv, order

ANSI = "spark.sql.ansi.enabled"
PAGE = Path(__file__).parents[2] / "docs" / "glue-6.md"
ROW = re.compile(r"\| `(.+?)` \| (.+?) \| (.+?) \| `(.+?)` \|")
EXPRESSIONS = [found.groups() for found in ROW.finditer(PAGE.read_text(encoding="utf-8"))]
# The columns of the page's table. Spark calculates with such a row while it plans, without a task.
SAMPLE = """
    select * from values ('x', 2147483647, 0, array('only'), cast(null as array<string>))
    as sample (text, most, zero, list, nothing)
"""
ADDED = [
    {"name": "order_total", "type": "decimal(21,2)"},
    {"name": "is_current", "type": "boolean"},
    {"name": "is_late", "type": "boolean"},
]


def test_what_is_declared_is_written_in_the_declared_order_with_the_lineage_last(
    spark_world: World,
) -> None:
    spark_world.put("orders/a.csv", as_csv([order(1)]))
    declared = [*reversed(ADDED), *COLUMNS]
    spark_world.drain(curated_columns=json.dumps(declared))
    [row] = spark_world.curated()
    assert list(row) == [*(column["name"] for column in declared), *LINEAGE]
    assert row["order_id"] == "o-00001"


def test_transform_that_gives_other_columns_stops_the_run_and_loads_nothing(
    spark_world: World,
) -> None:
    spark_world.put("orders/a.csv", as_csv([order(1)]))
    wrong = [*COLUMNS, {"name": "order_total", "type": "double"}, {"name": "tax", "type": "int"}]

    with pytest.raises(RowEngineError) as stopped:
        spark_world.drain(curated_columns=json.dumps(wrong))

    assert str(stopped.value) == (
        "The transform 'orders' gives other columns than the settings declare: tax is missing; "
        "order_total is decimal(21,2) and not double; is_current is not declared; "
        "is_late is not declared. Correct the transform, or the pipeline's added_columns and "
        "dropped_columns, and deploy. Nothing of the batch was written; the next run starts it "
        "again."
    )
    assert spark_world.curated() == []
    assert spark_world.in_landing() == ["orders/a.csv"]
    # Once the settings are corrected, the next run goes on from there.
    assert spark_world.drain(curated_columns=json.dumps(COLUMNS + ADDED)).rows == 1


# ---- Spark 4 ---------------------------------------------------------------------------------


@pytest.fixture
def ansi(spark: SparkSession) -> Iterator[Callable[[bool], None]]:
    """Switches ANSI mode; afterwards it is as it was."""
    before = spark.conf.get(ANSI)
    yield lambda on: spark.conf.set(ANSI, on)
    spark.conf.set(ANSI, before)  # type: ignore[arg-type]


def value(spark: SparkSession, expression: str) -> str:
    """As the page writes it; `error` where Spark raises."""
    try:
        [[found]] = spark.sql(SAMPLE).select(f.expr(expression)).collect()
    except PySparkException:
        return "error"
    except Exception as error:
        # An error that Spark 3 hands on as Java's.
        if type(error).__name__ != "Py4JJavaError":
            raise
        return "error"
    return "null" if found is None else str(found)


def test_ansi_mode_is_as_spark_has_it(spark: SparkSession) -> None:
    """The job leaves it alone, so it is off on Glue 5.1 and on with Glue 6.0."""
    assert spark.conf.get(ANSI) == ("true" if int(__version__.split(".")[0]) >= 4 else "false")


@pytest.mark.parametrize(("expression", "off", "on", "instead"), EXPRESSIONS)
def test_expression_gives_what_the_page_says_and_what_is_written_instead_gives_the_same_on_both(
    spark: SparkSession,
    ansi: Callable[[bool], None],
    expression: str,
    off: str,
    on: str,
    instead: str,
) -> None:
    ansi(False)
    assert value(spark, expression) == off
    tolerant = value(spark, instead)
    ansi(True)
    assert value(spark, expression) == on
    assert value(spark, instead) == tolerant != "error"


def casts(frame: DataFrame) -> DataFrame:
    return frame.withColumn("number", f.col("customer_id").cast("int"))


def casts_as_before(frame: DataFrame) -> DataFrame:
    """As the page says how a transform keeps the old way."""
    frame.sparkSession.conf.set(ANSI, "false")
    return casts(frame)


BAD = as_csv([order(1) | {"customer_id": "no number"}])


def test_error_of_a_transform_s_row_is_the_cause_that_its_file_gets_as_reason(
    spark_world: World, ansi: Callable[[bool], None]
) -> None:
    """That such an error costs the file alone is in test_spark_halving.py."""
    ansi(True)
    spark_world.put("orders/bad.csv", BAD)
    engine = engine_with(spark_world, casts, "none")
    landing = Landing(spark_world.s3, spark_world.landing, "", "")
    read = engine.read(BATCH, joined(landing.pages()).files)

    with pytest.raises(RowEngineError) as raised:
        engine.write(read, spark_world.curated_folder.as_uri())

    assert raised.value.cause.startswith(
        "Spark failed while writing it: [CAST_INVALID_INPUT] The value 'no number' of the type "
        '"STRING" cannot be cast to "INT"'
    )


@pytest.mark.parametrize("transform", [casts, casts_as_before])
def test_without_ansi_mode_the_value_is_null_and_the_file_is_loaded(
    spark_world: World,
    ansi: Callable[[bool], None],
    transform: Callable[[DataFrame], DataFrame],
) -> None:
    ansi(transform is casts_as_before)
    spark_world.put("orders/bad.csv", BAD)

    run(spark_world, transform)

    [row] = spark_world.curated()
    expected: dict[str, Any] = {"customer_id": "no number", "number": None}
    assert {name: row[name] for name in expected} == expected
    assert len(row) > len(COLUMNS)
