"""What the months of small, hand-computed traces cost: ours, and what people build instead."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tools.forecast.alternatives import cron, job_per_file, scanner, sqs_and_lambda
from tools.forecast.costs import costs_of, idle_costs
from tools.forecast.errors import ForecastError
from tools.forecast.model import Candidate, RunTimes
from tools.forecast.prices import SHIPPED, Prices, read_prices
from tools.forecast.replay import replay
from tools.forecast.trace import DAYS_OF_A_MONTH, Trace

# One dollar per unit, so that a cost is a count.
PRICES = Prices(
    glue_dpu_hour=1, glue_6_dpu_hour=1, events_million=1e6, s3_put_thousand=1e3,
    s3_get_thousand=1e3, alarm_metric_month=0, metric_month=0, dashboard_month=0,
    lambda_million=1e6, lambda_gb_second=1, sqs_million=1e6,
)  # fmt: skip
TIMES = RunTimes(
    event_delay=1, start=10, look=2, spark_start=8, per_batch=4, per_file=1, per_megabyte=0,
    finish=2, workflow_end=0,
)  # fmt: skip
NOON = datetime(2025, 1, 6, 12, tzinfo=UTC)
ONE_WORKER = Candidate(100, 60, sweep_seconds=None)


def month_of(*seconds: float) -> Trace:
    """Files of a byte, this long after noon; the trace counts as a month."""
    arrivals = [(NOON + timedelta(seconds=second), 1) for second in seconds]
    return Trace.of(arrivals, source="test", days=DAYS_OF_A_MONTH)


def test_a_run_costs_its_workers_for_a_minute_at_least_and_each_part_what_it_counts() -> None:
    trace = month_of(0, 1, 2)
    played = replay(trace, ONE_WORKER, TIMES)
    costs = costs_of(played, trace, PRICES)
    # 2 + 8 + 4 + 1 + 2 + 2 = 19 seconds are billed as 60, for two workers of one DPU.
    assert costs.glue == pytest.approx(2 * 60 / 3600)
    assert costs.events == pytest.approx(3)
    # 3 archive copies, 9 writes of the batch, 2 listings and their page; 3 reads and the head.
    assert costs.requests == pytest.approx(3 + 9 + 3 + 3 + 1)
    assert (costs.compute, costs.watching) == (0, 0)
    assert costs.total == pytest.approx(costs.glue + costs.events + costs.requests)


def test_on_glue_6_every_dpu_hour_has_its_own_price() -> None:
    prices = replace(PRICES, glue_dpu_hour=100, glue_6_dpu_hour=1)
    candidate = replace(ONE_WORKER, glue_version="6.0", sweep_seconds=86_400)
    trace = month_of(0)
    played = replay(trace, candidate, TIMES)
    run = 2 * 60 / 3600
    assert costs_of(played, trace, prices).glue == pytest.approx(run * played.runs)
    assert idle_costs(played, prices) == pytest.approx(DAYS_OF_A_MONTH * run)
    assert job_per_file(trace, candidate, TIMES, prices).costs.glue == pytest.approx(run)
    assert cron(trace, candidate, TIMES, prices, every_minutes=1_440).costs.glue == pytest.approx(
        run
    )


def test_a_long_run_is_billed_by_the_second() -> None:
    # Four cores read 100 files in 250 seconds; before and after come 2 + 8 + 4 and 2 + 2.
    played = replay(month_of(*[0] * 100), ONE_WORKER, replace(TIMES, per_file=10))
    assert played.billed_worker_seconds == 2 * (14 + 250 + 4)


def test_dashboard_costs_always_and_metrics_in_hours_with_batches() -> None:
    prices = replace(PRICES, dashboard_month=3, metric_month=730.5)
    trace = month_of(0, 7_200)
    played = replay(trace, ONE_WORKER, TIMES)
    assert costs_of(played, trace, prices).watching == pytest.approx(3 + 2 * 9)
    assert idle_costs(played, prices) == 3


def test_an_idle_month_costs_the_sweeps_and_the_watching() -> None:
    trace = month_of(0)
    played = replay(trace, replace(ONE_WORKER, sweep_seconds=86_400), TIMES)
    assert idle_costs(played, PRICES) == pytest.approx(DAYS_OF_A_MONTH * 2 * 60 / 3600)


def test_cron_runs_at_every_tick_whether_there_are_files_or_not() -> None:
    # Ticks at 12:15, 12:30, 12:45 and 13:00; the files come at 12:01 and 12:46.
    found = cron(month_of(60, 2_760), ONE_WORKER, TIMES, PRICES, every_minutes=15)
    assert (found.runs, found.empty_runs) == (4, 2)
    # To the tick, then 10 + 2 seconds of start and listing, and 8 + 4 + 1 of work.
    assert found.latency_max == pytest.approx(14 * 60 + 12 + 13)
    assert found.costs.glue == pytest.approx(4 * 2 * 60 / 3600)
    assert (found.costs.events, found.costs.compute) == (0, 0)
    assert found.curated_files == pytest.approx(2)


def test_scanner_starts_the_job_only_where_it_finds_files() -> None:
    found = scanner(month_of(60, 2_760), ONE_WORKER, TIMES, PRICES, every_minutes=15)
    assert (found.runs, found.empty_runs) == (2, 0)
    assert found.costs.glue == pytest.approx(2 * 2 * 60 / 3600)
    # Four scans of 0.2 s with 128 MB, each one request.
    assert found.costs.compute == pytest.approx(4 * (1 + 0.128 * 0.2))


def test_job_per_file_pays_a_minute_per_file_and_waits_only_beyond_fifty() -> None:
    # 17 seconds of work are billed as 60 for two workers, once per file.
    few = job_per_file(month_of(*[0] * 50), ONE_WORKER, TIMES, PRICES)
    assert few.costs.glue == pytest.approx(50 * 2 * 60 / 3600)
    assert few.latency_max == pytest.approx(1 + 10 + 2 + 8 + 4 + 1)
    many = job_per_file(month_of(*[0] * 51), ONE_WORKER, TIMES, PRICES)
    assert many.latency_max == pytest.approx(1 + (10 + 17) + (10 + 15))
    assert many.curated_files == pytest.approx(51)


def test_sqs_and_lambda_take_ten_messages_at_a_time_without_glue() -> None:
    found = sqs_and_lambda(month_of(*range(25)), TIMES, PRICES)
    assert (found.runs, found.dpu_hours, found.costs.glue) == (3, 0, 0)
    # Two gigabyte-seconds per file, and three invocations.
    assert found.costs.compute == pytest.approx(25 * 2 + 3)
    # A write and an archive copy per file, one read; 1.2 queue requests per message.
    assert found.costs.requests == pytest.approx(25 * 2 + 25 + 25 * 1.2)
    assert found.latency_max == pytest.approx(1 + 2)


# ---- the price list ----------------------------------------------------------------------------


def test_shipped_list_has_every_price_with_its_page_and_a_date() -> None:
    document = json.loads(SHIPPED.read_text(encoding="utf-8"))
    names = {field.name for field in fields(Prices)}
    assert set(document["pages"]) == names
    assert all(page.startswith("https://aws.amazon.com/") for page in document["pages"].values())
    assert datetime.fromisoformat(document["dated"])
    for region in document["regions"]:
        assert read_prices(region).region == region


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("{", "is not JSON"),
        ("[]", "has no `regions`"),
        ('{"regions": {}}', "has no `regions`"),
        ('{"regions": {"mars-north-1": {}}}', "no prices for the region 'eu-central-1'; it has"),
        ('{"regions": {"eu-central-1": {}}}', "the price glue_dpu_hour of eu-central-1 is None"),
        ('{"regions": {"eu-central-1": {"glue_dpu_hour": -1}}}', "is -1; a number of US dollars"),
        ('{"regions": {"eu-central-1": {"glue_dpu_hour": true}}}', "is True; a number"),
        ('{"regions": {"eu-central-1": {"glue_dpu_hour": NaN}}}', "is nan; a number"),
        ('{"regions": {"eu-central-1": 3}}', "glue_dpu_hour of eu-central-1 is None"),
    ],
)
def test_price_list_that_cannot_be_used_is_refused(
    tmp_path: Path, document: str, words: str
) -> None:
    file = tmp_path / "prices.json"
    file.write_text(document, encoding="utf-8")
    with pytest.raises(ForecastError) as caught:
        read_prices("eu-central-1", file)
    assert words in str(caught.value)


def test_price_list_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ForecastError, match=r"none\.json cannot be read"):
        read_prices("eu-central-1", tmp_path / "none.json")


def test_own_price_list_replaces_the_shipped_one(tmp_path: Path) -> None:
    document = json.loads(SHIPPED.read_text(encoding="utf-8"))
    document["regions"]["us-east-1"]["glue_dpu_hour"] = 0.29
    file = tmp_path / "mine.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    assert read_prices("us-east-1", file).prices.glue_dpu_hour == 0.29
