"""Every candidate on one trace, the frontier of cost and latency, and the one to take."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import product

from tools.forecast.costs import Costs, costs_of, dpu_hours_of
from tools.forecast.errors import PromiseError
from tools.forecast.model import Candidate, RunTimes
from tools.forecast.prices import Prices
from tools.forecast.replay import Replay
from tools.forecast.replay import replay as play
from tools.forecast.trace import Trace

SIZES = (1, 2, 5, 10, 20, 50, 75, 100)
WINDOWS = (15, 30, 60, 90, 120, 180, 300, 450, 600, 900)
WORKERS = (2, 3, 5, 8, 12)
# A promise holds for this share of the bursts.
KEPT_SHARE = 0.99


@dataclass(frozen=True, eq=False)
class Forecast:
    """One candidate, and what the trace would have been with it."""

    candidate: Candidate
    replay: Replay
    costs: Costs
    dpu_hours: float
    burst_p50: float
    burst_p95: float
    burst_p99: float
    burst_max: float

    @property
    def dollars(self) -> float:
        """US dollars a month."""
        return self.costs.total

    def keeps(self, promise_seconds: float) -> bool:
        """Whether all files of 99 percent of the bursts are queryable within the promise."""
        return self.burst_p99 <= promise_seconds and not self.replay.left


def forecast(trace: Trace, candidate: Candidate, times: RunTimes, prices: Prices) -> Forecast:
    """What the trace costs and waits with one candidate."""
    played = play(trace, candidate, times)
    return Forecast(
        candidate=candidate,
        replay=played,
        costs=costs_of(played, trace, prices),
        dpu_hours=dpu_hours_of(played),
        burst_p50=played.burst_latency(0.5),
        burst_p95=played.burst_latency(0.95),
        burst_p99=played.burst_latency(KEPT_SHARE),
        burst_max=played.burst_latency(1.0),
    )


def candidates(
    present: Candidate,
    *,
    sizes: Sequence[int] = SIZES,
    windows: Sequence[int] = WINDOWS,
    workers: Sequence[int] = WORKERS,
) -> tuple[Candidate, ...]:
    """The grid around the present settings, which are in it; all else is as in them."""
    grid = (
        replace(
            present,
            batch_size=size,
            batch_window_seconds=window,
            workers=count,
            max_concurrent_runs=present.max_concurrent_runs or 3,
        )
        for size, window, count in product(sizes, windows, workers)
    )
    return tuple(dict.fromkeys((present, *grid)))


def forecast_all(
    trace: Trace,
    choices: Iterable[Candidate],
    times: RunTimes,
    prices: Prices,
    *,
    progress: Callable[[], None] = lambda: None,
) -> tuple[Forecast, ...]:
    """The forecast of each candidate, in their order. progress is called after each."""

    def one(candidate: Candidate) -> Forecast:
        result = forecast(trace, candidate, times, prices)
        progress()
        return result

    # The loop over the trace runs outside of Python's lock, so threads are enough.
    threads = ThreadPoolExecutor(os.cpu_count())
    try:
        return tuple(threads.map(one, choices))
    finally:
        # After Ctrl-C, nobody waits for the candidates that have not begun.
        threads.shutdown(cancel_futures=True)


def frontier(forecasts: Iterable[Forecast]) -> tuple[Forecast, ...]:
    """Those that no other one beats in cost without being slower, quickest first."""
    best: list[Forecast] = []
    for item in sorted(forecasts, key=_quickest_first):
        if not item.replay.left and (not best or item.dollars < best[-1].dollars):
            best.append(item)
    return tuple(best)


def recommend(forecasts: Iterable[Forecast], promise_seconds: float) -> Forecast:
    """The cheapest candidate that keeps the promise; of equally cheap ones the quickest.

    Raises PromiseError when none keeps it.
    """
    every = tuple(forecasts)
    kept = [item for item in every if item.keeps(promise_seconds)]
    if not kept:
        nearest = min(every, key=_quickest_first)
        raise PromiseError(
            f"No candidate makes 99 percent of the bursts queryable within {promise_seconds:g} s. "
            f"The nearest is {nearest.candidate}: {nearest.burst_p99:.0f} s for "
            f"{nearest.dollars:,.2f} $ a month."
        )
    return min(kept, key=lambda item: (round(item.dollars, 2), *_quickest_first(item)))


def _quickest_first(item: Forecast) -> tuple[float, float, int]:
    return item.burst_p99, item.dollars, -item.candidate.batch_size
