"""What the forecast advises for a new pipeline, from a sentence or a trace of arrivals."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tools.forecast.command import read_duration
from tools.forecast.errors import PromiseError
from tools.forecast.model import RunTimes
from tools.forecast.present import DEFAULT, DEFAULT_REGION
from tools.forecast.prices import read_prices
from tools.forecast.search import candidates, forecast_all, recommend
from tools.forecast.sentence import trace_like
from tools.forecast.sources import trace_from_file
from tools.operate.errors import InputError
from tools.operate.words import duration

# Days that a sentence plays, as in `burst forecast`.
DAYS, SEED = 30, 1


@dataclass(frozen=True)
class Advice:
    """Settings, and in words what they come to."""

    batch_size: int
    window_seconds: int
    workers: int
    words: str


def advice(like: str | None, arrivals: Path | None, promise: str) -> Advice | None:
    """The cheapest settings that keep the promise; None where there are no arrivals.

    like: the arrivals as a sentence. arrivals: or as a CSV of time and bytes. promise: how long 99
    of 100 bursts may wait, such as 5m. Raises `ForecastError` for arrivals that cannot be read,
    `InputError` where there are two, or where no settings keep the promise.
    """
    if like is not None and arrivals is not None:
        raise InputError("Say how files arrive with one of --like and --arrivals; both are given.")
    seconds = read_duration(promise)
    if like is not None:
        trace = trace_like(like, days=DAYS, seed=SEED)
    elif arrivals is not None:
        trace = trace_from_file(arrivals)
    else:
        return None
    prices = read_prices(DEFAULT_REGION).prices
    try:
        best = recommend(forecast_all(trace, candidates(DEFAULT), RunTimes(), prices), seconds)
    except PromiseError as error:
        raise InputError(
            f"{error} Give a longer --promise, or leave the arrivals out and choose --size and "
            "--window."
        ) from error
    chosen = best.candidate
    return Advice(
        chosen.batch_size,
        chosen.batch_window_seconds,
        chosen.workers,
        f"{best.dollars:,.2f} $ a month in {DEFAULT_REGION}, and 99 of 100 bursts are queryable "
        f"within {duration(best.burst_p99)}",
    )
