"""With Spark: a file that ends the worker, or on which the transform raises, is found."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from burst.drain import drain
from mypy_boto3_s3 import S3Client
from pyspark.sql import DataFrame, SparkSession

from tests.jobs.invariants import Proof
from tests.jobs.one_process import OneProcess, ProcessDied
from tests.jobs.world import HookedRowEngine, World, as_csv, new_world, order

HOSTILE = "o-00666"


def raises(frame: DataFrame) -> DataFrame:
    """A transform that raises on one row."""
    return _over_rows(frame, _raise)


def ends_the_worker(frame: DataFrame) -> DataFrame:
    """A transform by which native code ends the process on one row."""
    return _over_rows(frame, lambda: os._exit(1))


def _raise() -> None:
    raise ValueError("cannot work with this order")


def _over_rows(frame: DataFrame, act: Callable[[], None]) -> DataFrame:
    def look(pieces: Iterator[object]) -> Iterator[object]:
        for piece in pieces:
            if HOSTILE in piece.column("order_id").to_pylist():  # type: ignore[attr-defined]
                act()
            yield piece

    return frame.mapInArrow(look, frame.schema)  # type: ignore[arg-type]


def run(
    world: World, transform: Callable[[DataFrame], DataFrame], process: OneProcess | None = None
) -> None:
    arguments = world.arguments()
    engine = HookedRowEngine(arguments.landing_bucket, arguments.format, "orders")
    vars(engine)["_transform"] = transform
    with (process or OneProcess()).watching(world.s3):
        drain(arguments, s3=world.as_the_job(), engine=engine, clock=world.clock)


@pytest.mark.parametrize(("transform", "said"), [(raises, "ValueError"), (ends_the_worker, "")])
def test_row_that_stops_spark_costs_its_file_only_also_across_a_run_that_dies(
    s3: S3Client,
    tmp_path: Path,
    spark: SparkSession,
    transform: Callable[[DataFrame], DataFrame],
    said: str,
) -> None:
    proof = Proof(new_world(s3, f"halving-{transform.__name__.replace('_', '-')}", tmp_path))
    for number in (1, 2, 666, 3):
        orders = [order(number), order(number + 1000)]
        ids = None if number == 666 else [row["order_id"] for row in orders]
        proof.put(f"orders/{number}.csv", as_csv(orders), ids)
    process = OneProcess()

    def dies_once_it_has_halved(call: int) -> None:
        if any("attempts.json" in made for made in process.calls):
            process.dies_at = process.dies_at or call + 12

    process.on_call = dies_once_it_has_halved
    with contextlib.suppress(ProcessDied):
        run(proof.world, transform, process)
    assert process.died
    assert len(proof.outstanding()) >= 1
    proof.check()

    run(proof.world, transform)

    proof.check_settled()
    [reason] = [
        body.decode()
        for key, body in proof.world.in_lake("quarantine/").items()
        if key.endswith(".reason.json")
    ]
    assert "orders/666.csv" in reason
    assert said in reason


def test_row_that_stops_spark_is_quarantined_with_its_file_when_it_is_alone(
    s3: S3Client, tmp_path: Path, spark: SparkSession
) -> None:
    proof = Proof(new_world(s3, "halving-alone", tmp_path))
    proof.put("orders/666.csv", as_csv([order(666)]), None)

    run(proof.world, raises)

    proof.check_settled()
