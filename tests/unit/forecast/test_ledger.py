"""A forecast from a pipeline's own ledger: its arrivals, and how long its batches took."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import numpy as np
import pytest
from burst.batch import InputFile
from burst.ledger import DoneRecord, Ledger, Origin, PlanRecord
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from tests.unit.forecast.reference import EPOCH, World, simulate
from tests.unit.forecast.test_replay import played
from tests.unit.forecast.test_replay import trace_of as trace_at
from tools.forecast.errors import ForecastError
from tools.forecast.ledger import (
    Records,
    least_squares_without_negatives,
    measured,
    read_ledger,
    trace_of,
)
from tools.forecast.model import Candidate, RunTimes

START = datetime(2025, 10, 1, 8, tzinfo=UTC)
TIMES = RunTimes(
    event_delay=0, start=15, look=2, spark_start=11, per_batch=3, per_file=0.25, per_megabyte=0.5,
    finish=2, workflow_end=10,
)  # fmt: skip


def plan_of(run: str, at: datetime, files: list[tuple[datetime, int]], number: int) -> PlanRecord:
    batch = f"{at:%Y%m%dT%H%M%SZ}-{number:08x}"
    origin = Origin(batch, "orders", "dev", "orders", run, f"w{run}", at)
    inputs = tuple(
        InputFile(f"orders/{number}-{place}", "v", "e", size, time)
        for place, (time, size) in enumerate(files)
    )
    return PlanRecord(origin, inputs)


def done_of(plan: PlanRecord, at: datetime) -> DoneRecord:
    return DoneRecord(replace(plan.origin, at=at), len(plan.inputs), 0, 0, 0, ())


def ledger_of(world: World) -> list[Records]:
    """The records that the job would have written in this simulation."""
    records: list[Records] = []
    for run in world.rows:
        for begin, end, first, count in run.work:
            arrived = world.landing[first : first + count]
            files = [(EPOCH + timedelta(microseconds=time), size) for time, size in arrived]
            plan = plan_of(str(run.fired), EPOCH + timedelta(microseconds=begin), files, first)
            records.append((plan, done_of(plan, EPOCH + timedelta(microseconds=end))))
    return records


# S3 gives whole seconds.
days_of_bursts = st.lists(
    st.tuples(st.integers(0, 40_000), st.integers(1, 40), st.integers(0, 3_000_000)),
    min_size=1,
    max_size=8,
)


def arrivals_of(bursts: list[tuple[int, int, int]]) -> list[tuple[float, int]]:
    return sorted((begin + n, size + n) for begin, count, size in bursts for n in range(count))


@given(days_of_bursts, st.integers(1, 20), st.integers(1, 120))
def test_forecast_from_the_ledger_of_a_simulated_month_has_the_same_runs(
    bursts: list[tuple[int, int, int]], size: int, window: int
) -> None:
    candidate = Candidate(size, window, max_files_per_batch=25, sweep_seconds=None)
    trace = trace_at(arrivals_of(bursts))
    arrivals = list(zip(trace.times.tolist(), trace.sizes.tolist(), strict=True))
    records = ledger_of(simulate(arrivals, candidate, TIMES, []))
    until = records[-1][1].origin.at  # type: ignore[union-attr]
    found = trace_of(records, until=until, source="ledger")
    assert found.times.tolist() == trace.times.tolist()
    assert played(found, candidate, TIMES) == played(trace, candidate, TIMES)


def test_run_times_of_a_simulation_are_found_in_its_ledger() -> None:
    generator = np.random.default_rng(1)
    bursts = [(place * 1_800, int(generator.integers(1, 60)), int(generator.integers(1, 9_000_000)))
              for place in range(40)]  # fmt: skip
    trace = trace_at(arrivals_of(bursts))
    arrivals = list(zip(trace.times.tolist(), trace.sizes.tolist(), strict=True))
    world = simulate(arrivals, Candidate(20, 60, max_files_per_batch=9), TIMES, [])
    found = measured(ledger_of(world), RunTimes(), workers=2, dpu_per_worker=1)
    for name in ("spark_start", "per_batch", "per_file", "per_megabyte"):
        assert getattr(found.times, name) == pytest.approx(getattr(TIMES, name), abs=0.01), name
    assert found.quick == pytest.approx(1, abs=0.01)
    assert found.slow == pytest.approx(1, abs=0.01)
    # What the ledger does not show is as assumed.
    assert found.times.start == RunTimes().start


def test_spread_of_the_batches_is_that_of_their_seconds() -> None:
    records: list[Records] = []
    for number in range(100):
        plan = plan_of(f"r{number}", START + timedelta(minutes=number), [(START, 1)], number)
        spent = timedelta(seconds=10 if number % 5 else 20)
        records.append((plan, done_of(plan, plan.origin.at + spent)))
    found = measured(records, RunTimes(), workers=2, dpu_per_worker=1)
    assert found.batches == 100
    assert (found.quick, found.slow) == pytest.approx((10 / 12, 20 / 12), abs=0.01)


def test_too_few_batches_leave_the_times_as_assumed() -> None:
    plan = plan_of("r", START, [(START, 1)], 1)
    found = measured([(plan, None)] * 50, TIMES, workers=2, dpu_per_worker=1)
    assert (found.times, found.batches, found.slow) == (TIMES, 0, 1.0)


def test_batch_that_another_run_took_up_again_is_not_measured() -> None:
    plan = plan_of("r", START, [(START, 1)], 1)
    late = done_of(plan, START + timedelta(hours=5))
    resumed = replace(late, origin=replace(late.origin, job_run_id="other"))
    assert measured([(plan, resumed)] * 20, TIMES, workers=2, dpu_per_worker=1).batches == 0


@given(st.integers(0, 2**32 - 1))
def test_fit_is_never_negative_and_no_step_makes_it_better(seed: int) -> None:
    generator = np.random.default_rng(seed)
    table, wanted = generator.random((12, 4)), generator.normal(0.5, 1, 12)
    values = least_squares_without_negatives(table, wanted)
    assert (values >= 0).all()
    # The conditions of Karush, Kuhn and Tucker: no value can move downhill.
    slope = table.T @ (table @ values - wanted)
    assert (slope > -1e-6).all()
    assert np.abs(slope[values > 0]).max(initial=0) < 1e-6


def test_batch_in_whose_place_smaller_ones_came_is_not_measured() -> None:
    plan = plan_of("r", START, [(START, 1)], 1)
    replaced = replace(done_of(plan, START + timedelta(seconds=30)), archived=0)
    assert measured([(plan, replaced)] * 20, TIMES, workers=2, dpu_per_worker=1).batches == 0


def test_version_that_was_planned_twice_is_one_arrival_and_days_are_those_until_now() -> None:
    plan = plan_of("r", START, [(START, 7), (START + timedelta(hours=1), 8)], 1)
    again = replace(plan, origin=replace(plan.origin, job_run_id="r2"))
    until = START + timedelta(days=9, hours=1)
    trace = trace_of([(plan, None), (again, None)], until=until, source="ledger")
    assert (len(trace), trace.total_bytes, trace.days) == (2, 15, 10)


def test_ledger_without_a_batch_is_refused_with_what_to_do() -> None:
    with pytest.raises(ForecastError, match=r"dev/orders has no batch.*--days.*--like"):
        trace_of([], until=START, source="the ledger of dev/orders")


@pytest.fixture
def s3() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client(
            "s3", region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
        )
        client.create_bucket(Bucket="lake")
        yield client


def test_records_since_a_time_are_read_from_the_lake_in_order(s3: Any) -> None:
    ledger = Ledger(s3, "lake", "orders", "dev")
    for number in range(12):
        at = START + timedelta(hours=number)
        plan = plan_of(f"r{number}", at, [(at - timedelta(minutes=1), number)], number)
        ledger.write(plan)
        if number != 11:
            ledger.write(done_of(plan, at + timedelta(seconds=20)))
    counts: list[tuple[int, int]] = []
    records = read_ledger(
        ledger,
        since=START + timedelta(hours=2),
        progress=lambda done, of: counts.append((done, of)),
    )
    assert [plan.inputs[0].size for plan, _ in records] == list(range(2, 12))
    assert [done is None for _, done in records] == [False] * 9 + [True]
    assert counts[-1] == (10, 10)
