"""What a transform must know of Spark 4, held against the Spark that is installed.

docs/glue-6.md has a table of expressions; the tests here run it, with ANSI mode on as in Glue 6.0
and off as in Glue 5.1, whatever Spark is installed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from burst.errors import RowEngineError
from burst.landing import Landing
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
    read = engine.read(BATCH, landing.list_outstanding().files)

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
