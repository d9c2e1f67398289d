"""What a month costs, in parts."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tools.forecast.prices import Prices
from tools.forecast.replay import Replay
from tools.forecast.trace import DAYS_OF_A_MONTH, Trace

# DeleteObjects and listings take a thousand keys per request, and deleting is free.
KEYS_PER_REQUEST = 1_000
# Per batch: plan, result, done and the head twice; the Parquet file is written, listed and copied.
WRITES_PER_BATCH = 9
# Per file: one GET to read, one COPY to archive.
GETS_PER_FILE = 1
WRITES_PER_FILE = 1
# Metrics of a batch (`MetricName` and `PHASES` of the contract). They are metered in the hours in
# which they are sent (CloudWatch pricing page, "Metrics").
METRICS = 9
HOURS_OF_A_MONTH = DAYS_OF_A_MONTH * 24


@dataclass(frozen=True)
class Costs:
    """US dollars a month.

    glue: DPU-hours of all runs. events: EventBridge. requests: S3 (and SQS). compute: Lambda.
    watching: metrics, dashboard. Not in it: storage, logs, KMS, queries; nor alarms, which cost the
        same for every candidate.
    """

    glue: float = 0.0
    events: float = 0.0
    requests: float = 0.0
    compute: float = 0.0
    watching: float = 0.0

    @property
    def total(self) -> float:
        return self.glue + self.events + self.requests + self.compute + self.watching


def costs_of(replay: Replay, trace: Trace, prices: Prices) -> Costs:
    """A month of this pipeline, if it goes on as in the trace."""
    candidate = replay.candidate
    dpu_hours = dpu_hours_of(replay)
    listings = replay.runs + replay.batches
    pages = listings + math.ceil(len(trace) / KEYS_PER_REQUEST)
    writes = len(trace) * WRITES_PER_FILE + replay.batches * WRITES_PER_BATCH + pages
    reads = len(trace) * GETS_PER_FILE + replay.runs
    sweeps = (
        0.0 if candidate.sweep_seconds is None else trace.days * 86_400 / candidate.sweep_seconds
    )
    return Costs(
        glue=dpu_hours * prices.dpu_hour(candidate.glue_version) / trace.months,
        events=(len(trace) + sweeps) / 1e6 * prices.events_million / trace.months,
        requests=(writes * prices.s3_put_thousand + reads * prices.s3_get_thousand)
        / 1e3
        / trace.months,
        watching=watching(prices, hours_a_month=replay.hours / trace.months),
    )


def dpu_hours_of(replay: Replay) -> float:
    """DPU-hours of all runs in the trace, with Glue's minimum of one minute per run."""
    return replay.billed_worker_seconds * replay.candidate.dpu_per_worker / 3_600


def watching(prices: Prices, *, hours_a_month: float = 0.0) -> float:
    """Metrics of one pipeline, and the dashboard of its environment, per month.

    hours_a_month: in which a batch is committed.
    """
    return METRICS * prices.metric_month * hours_a_month / HOURS_OF_A_MONTH + prices.dashboard_month


def idle_costs(replay: Replay, prices: Prices) -> float:
    """A month in which no file arrives: the sweeps, which find nothing, and the watching."""
    candidate = replay.candidate
    if candidate.sweep_seconds is None:
        return watching(prices)
    sweeps = DAYS_OF_A_MONTH * 86_400 / candidate.sweep_seconds
    dpu_hours = sweeps * 60 / 3_600 * min(candidate.workers, 2) * candidate.dpu_per_worker
    return watching(prices) + dpu_hours * prices.dpu_hour(candidate.glue_version)
