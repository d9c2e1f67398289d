"""What people build instead, on the same trace and with the same run times and prices."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from numba import njit

from tools.forecast.costs import KEYS_PER_REQUEST, Costs, dpu_hours_of
from tools.forecast.model import Candidate, RunTimes
from tools.forecast.prices import Prices
from tools.forecast.replay import Replay
from tools.forecast.replay import replay as play
from tools.forecast.trace import MICROSECONDS, Times, Trace

# Glue job runs at a time in an account, unless AWS has raised the quota
# (AWS General Reference, "AWS Glue endpoints and quotas").
CONCURRENT_JOB_RUNS = 50
# A Lambda function that starts a run or lists a prefix: 128 MB for 0.2 s.
SMALL_LAMBDA_GB_SECONDS = 0.128 * 0.2
# One that reads a file and writes Parquet: 1 GB for a second and what the file takes.
READING_LAMBDA_SECONDS = 1.0
MESSAGES_PER_LAMBDA = 10
# Sent, received and deleted in tens.
SQS_REQUESTS_PER_MESSAGE = 1.2


@dataclass(frozen=True)
class Alternative:
    """One way, and what the trace would have cost and waited with it.

    latency_*: seconds from arrival to queryable. curated_files: Parquet files that it writes a
    month: each query opens them all.
    """

    name: str
    runs: int
    empty_runs: int
    latency_p50: float
    latency_p95: float
    latency_max: float
    burst_p99: float
    dpu_hours: float
    costs: Costs
    curated_files: float
    remark: str = ""


def alternatives(
    trace: Trace, candidate: Candidate, times: RunTimes, prices: Prices, *, every_minutes: int = 15
) -> tuple[Alternative, ...]:
    """The four ways, with the workers of the candidate."""
    return (
        cron(trace, candidate, times, prices, every_minutes=every_minutes),
        scanner(trace, candidate, times, prices, every_minutes=every_minutes),
        job_per_file(trace, candidate, times, prices),
        sqs_and_lambda(trace, times, prices),
    )


def cron(
    trace: Trace, candidate: Candidate, times: RunTimes, prices: Prices, *, every_minutes: int
) -> Alternative:
    """The job by the clock, whether there are files or not."""
    ticks = _ticks(trace, every_minutes)
    played = play(trace, _by_the_clock(candidate), times, events=ticks)
    return _of_replay(
        f"job every {every_minutes} min",
        played,
        trace,
        prices,
        costs=_job_costs(played, trace, prices),
    )


def scanner(
    trace: Trace, candidate: Candidate, times: RunTimes, prices: Prices, *, every_minutes: int
) -> Alternative:
    """A function by the clock that lists landing, and starts the job where it finds files."""
    ticks = _ticks(trace, every_minutes)
    seen = np.searchsorted(trace.times, ticks, side="right")
    with_files = ticks[np.diff(np.concatenate(([0], seen))) > 0]
    played = play(trace, _by_the_clock(candidate), times, events=with_files)
    scans = len(ticks) / trace.months
    costs = _job_costs(played, trace, prices)
    costs = replace(
        costs,
        compute=scans * _small_lambda(prices),
        requests=costs.requests + scans * prices.s3_put_thousand / 1e3,
    )
    return _of_replay(f"scan every {every_minutes} min", played, trace, prices, costs=costs)


def job_per_file(
    trace: Trace, candidate: Candidate, times: RunTimes, prices: Prices
) -> Alternative:
    """A function that starts one job run per file, as many at a time as the account allows."""
    script = (
        times.look + times.spark_start + times.per_batch + times.per_file + times.finish
    ) + trace.sizes / 1e6 * times.per_megabyte
    arrived = trace.times + round(times.event_delay * MICROSECONDS)
    busy = ((times.start + script) * MICROSECONDS).astype(np.int64)
    ended = _ends(arrived, busy, CONCURRENT_JOB_RUNS)
    latency = (ended - trace.times) / MICROSECONDS - times.finish
    billed = float(np.maximum(60.0, script).sum()) * 2
    dpu_hours = billed * candidate.dpu_per_worker / 3_600
    return Alternative(
        name="job run per file",
        runs=len(trace),
        empty_runs=0,
        **_latencies(latency, trace),
        dpu_hours=dpu_hours,
        costs=Costs(
            glue=dpu_hours * prices.dpu_hour(candidate.glue_version) / trace.months,
            events=_per_month(trace, len(trace)) / 1e6 * prices.events_million,
            requests=_requests(trace, len(trace) * 2, prices),
            compute=_per_month(trace, len(trace)) * _small_lambda(prices),
        ),
        curated_files=_per_month(trace, len(trace)),
        remark=f"{CONCURRENT_JOB_RUNS} runs at a time",
    )


def sqs_and_lambda(trace: Trace, times: RunTimes, prices: Prices) -> Alternative:
    """A queue that feeds a function with up to ten files at a time, without Glue."""
    duration = READING_LAMBDA_SECONDS + times.per_file + trace.sizes / 1e6 * times.per_megabyte
    latency = times.event_delay + duration
    invocations = math.ceil(len(trace) / MESSAGES_PER_LAMBDA)
    gigabyte_seconds = float(duration.sum())
    return Alternative(
        name="SQS and Lambda",
        runs=invocations,
        empty_runs=0,
        **_latencies(latency, trace),
        dpu_hours=0.0,
        costs=Costs(
            requests=_requests(trace, len(trace) * 2, prices)
            + _per_month(trace, len(trace) * SQS_REQUESTS_PER_MESSAGE) / 1e6 * prices.sqs_million,
            compute=_per_month(trace, gigabyte_seconds) * prices.lambda_gb_second
            + _per_month(trace, invocations) / 1e6 * prices.lambda_million,
        ),
        curated_files=_per_month(trace, invocations),
        remark="at least once: rows may come twice",
    )


def _by_the_clock(candidate: Candidate) -> Candidate:
    """Every tick is a run; one that finds the job busy waits for it."""
    return replace(candidate, batch_size=1, batch_window_seconds=1, max_concurrent_runs=None)


def _ticks(trace: Trace, every_minutes: int) -> Times:
    every = every_minutes * 60 * MICROSECONDS
    first = int(trace.times[0]) // every * every + every
    last = int(trace.times[-1]) + every
    return np.arange(first, last + 1, every, dtype=np.int64)


def _job_costs(played: Replay, trace: Trace, prices: Prices) -> Costs:
    writes = len(trace) + played.batches * 3 + played.runs + len(trace) / KEYS_PER_REQUEST
    return Costs(
        glue=dpu_hours_of(played) * prices.dpu_hour(played.candidate.glue_version) / trace.months,
        requests=_requests(trace, writes, prices),
    )


def _requests(trace: Trace, writes: float, prices: Prices) -> float:
    total = writes * prices.s3_put_thousand + len(trace) * prices.s3_get_thousand
    return total / 1e3 / trace.months


def _of_replay(
    name: str, played: Replay, trace: Trace, prices: Prices, *, costs: Costs
) -> Alternative:
    return Alternative(
        name=name,
        runs=played.runs,
        empty_runs=played.empty_runs,
        latency_p50=played.latency(0.5),
        latency_p95=played.latency(0.95),
        latency_max=played.longest_seconds,
        burst_p99=played.burst_latency(0.99),
        dpu_hours=dpu_hours_of(played),
        costs=costs,
        curated_files=_per_month(trace, played.batches),
    )


def _latencies(seconds: npt.NDArray[np.float64], trace: Trace) -> dict[str, float]:
    bursts = np.zeros(trace.bursts)
    np.maximum.at(bursts, trace.burst_of, seconds)
    return {
        "latency_p50": float(np.quantile(seconds, 0.5)),
        "latency_p95": float(np.quantile(seconds, 0.95)),
        "latency_max": float(seconds.max()),
        "burst_p99": float(np.quantile(bursts, 0.99, method="higher")),
    }


def _small_lambda(prices: Prices) -> float:
    return prices.lambda_million / 1e6 + SMALL_LAMBDA_GB_SECONDS * prices.lambda_gb_second


def _per_month(trace: Trace, count: float) -> float:
    return count / trace.months


@njit(cache=True)
def _ends(arrived, busy, servers):  # type: ignore[no-untyped-def]
    """When each of these is done where only this many can be busy at a time, in their order."""
    free = np.zeros(servers, dtype=np.int64)
    ended = np.zeros(len(arrived), dtype=np.int64)
    for place in range(len(arrived)):
        server = np.argmin(free)
        ended[place] = max(arrived[place], free[server]) + busy[place]
        free[server] = ended[place]
    return ended
