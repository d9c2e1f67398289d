"""What a transform may do with rows and lineage, and that it is found out."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from burst.contract import Output, RowChanges
from burst.drain import Summary, drain
from burst.errors import RowEngineError
from burst.landing import Landing, joined
from burst.row_engine import Written
from burst.spark.accounting import account_of, fault
from burst.spark.row_engine import SparkRowEngine
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import DataFrame
from pyspark.sql import functions as f

from tests.jobs.world import World, as_csv, order

Transform = Callable[[DataFrame], DataFrame]
BATCH = "20250131T235959Z-0123abcd"


def engine_with(world: World, transform: Transform, may: RowChanges) -> SparkRowEngine:
    engine = SparkRowEngine(
        world.landing, world.arguments().format, "orders", output=Output(row_changes=may)
    )
    vars(engine)["_transform"] = transform
    return engine


def run(world: World, transform: Transform, may: RowChanges = "none") -> Summary:
    return drain(
        world.arguments(row_changes=may),
        s3=world.s3,
        engine=engine_with(world, transform, may),
        clock=world.clock,
    )


@pytest.fixture
def two_files(spark_world: World) -> World:
    """Five rows of one file and three of another; a bad file beside them."""
    spark_world.put("orders/a.csv", as_csv(order(number) for number in range(5)))
    spark_world.put("orders/b.csv", as_csv(order(number) for number in range(5, 8)))
    spark_world.put("orders/bad.csv", b"bad\n")
    return spark_world


def drop_one(frame: DataFrame) -> DataFrame:
    return frame.where("order_id != 'o-00003'")


def drop_all(frame: DataFrame) -> DataFrame:
    return frame.groupBy(*frame.columns).count().where("count > 1").drop("count")


def double(frame: DataFrame) -> DataFrame:
    return frame.unionAll(frame)


def shuffle(frame: DataFrame) -> DataFrame:
    return frame.withColumn("order_id", f.lower("order_id")).repartition(3, "sku")


ALLOWED: dict[str, tuple[Transform, RowChanges, int]] = {
    "other values in another order": (shuffle, "none", 8),
    "one dropped": (drop_one, "drop", 7),
    "all dropped": (drop_all, "drop", 0),
    "all doubled": (double, "multiply", 16),
    "one dropped of any": (drop_one, "any", 7),
    "all doubled of any": (double, "any", 16),
}


@pytest.mark.parametrize(("transform", "may", "rows"), ALLOWED.values(), ids=ALLOWED)
def test_rows_that_were_written_are_counted_beside_those_that_were_read(
    two_files: World, transform: Transform, may: RowChanges, rows: int
) -> None:
    engine = engine_with(two_files, transform, may)
    read = engine.read(
        BATCH, joined(Landing(two_files.s3, two_files.landing, "", "").pages()).files
    )
    written = engine.write(read, two_files.curated_folder.as_uri())
    engine.release(read)

    assert sum(outcome.rows for outcome in read.outcomes) == 8
    assert written == Written(rows)
    assert len(two_files.curated()) == rows


FORBIDDEN: dict[str, tuple[Transform, RowChanges, str]] = {
    "one dropped": (
        drop_one,
        "none",
        "was given 8 rows and gave back 7, but it may neither drop nor add rows (row_changes is",
    ),
    "all dropped": (drop_all, "none", "was given 8 rows and gave back 0"),
    "one dropped where only more may come": (drop_one, "multiply", "but not drop any"),
    "all doubled": (double, "none", "was given 8 rows and gave back 16"),
    "all doubled where only fewer may come": (double, "drop", "but not add any"),
    "another key": (
        lambda frame: frame.withColumn("_source_key", f.upper("_source_key")),
        "any",
        "gave back 8 rows with other values in _source_key, _source_version, _batch",
    ),
    "no version": (
        lambda frame: frame.withColumn("_source_version", f.lit(None).cast("string")),
        "any",
        "gave back 8 rows with other values",
    ),
    "another batch": (
        lambda frame: frame.withColumn("_batch", f.lit("b")),
        "any",
        "gave back 8 rows with other values",
    ),
    "the lineage of another file": (
        lambda frame: drop_one(frame).unionAll(frame.where("order_id = 'o-00006'")),
        "none",
        "gave back as many rows as it was given, but not as many of each file",
    ),
    "a column of the lineage is gone": (
        lambda frame: frame.drop("_batch"),
        "any",
        "does not give back _batch as it was",
    ),
}


@pytest.mark.parametrize(("transform", "may", "sentence"), FORBIDDEN.values(), ids=FORBIDDEN)
def test_transform_that_does_what_it_may_not_stops_the_run_and_nothing_counts(
    two_files: World, transform: Transform, may: RowChanges, sentence: str
) -> None:
    with pytest.raises(RowEngineError) as stopped:
        run(two_files, transform, may)

    assert sentence in str(stopped.value)
    assert "The transform 'orders'" in str(stopped.value)
    [records] = two_files.ledger().values()
    assert records == ["attempts.json", "plan.json"]
    assert two_files.in_landing() == ["orders/a.csv", "orders/b.csv", "orders/bad.csv"]


def test_run_goes_on_from_there_with_a_transform_that_is_right(two_files: World) -> None:
    with pytest.raises(RowEngineError):
        run(two_files, double)

    assert run(two_files, shuffle).rows == 8

    assert len(two_files.order_ids()) == 8
    assert two_files.in_landing() == []


origins = st.dictionaries(st.integers(-(2**63), 2**63 - 1), st.integers(1, 10**9), max_size=5)


@given(origins, origins)
def test_two_accounts_without_a_fault_are_of_the_same_rows(
    given: dict[int, int], returned: dict[int, int]
) -> None:
    assert fault(account_of(given), account_of(given), "none") is None
    if given != returned:
        assert fault(account_of(given), account_of(returned), "none")
