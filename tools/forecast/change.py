"""What a change of settings does to a trace that the repository keeps, in one sentence."""

from __future__ import annotations

from pathlib import Path

from tools.forecast.errors import ForecastError
from tools.forecast.model import Candidate, RunTimes
from tools.forecast.present import DEFAULT_REGION
from tools.forecast.prices import read_prices
from tools.forecast.search import forecast
from tools.forecast.sources import trace_from_file
from tools.forecast.terminal import seconds
from tools.operate.words import days


def change_sentence(file: Path, before: Candidate, after: Candidate, region: str | None) -> str:
    """The difference in dollars and wait on the arrivals in the file.

    region: of the prices; None for the default. An input that cannot be used is said, not raised:
    a review shows the rest of a plan all the same.
    """
    try:
        trace = trace_from_file(file)
        prices = read_prices(region or DEFAULT_REGION).prices
    except ForecastError as error:
        return f"no forecast: {error}"
    old, new = (forecast(trace, item, RunTimes(), prices) for item in (before, after))
    saved = new.dollars - old.dollars
    cost = f"{'+' if saved > 0 else '−'}{abs(saved):,.2f} $ a month"  # noqa: RUF001 (a minus)
    return (
        f"forecast: about {cost}, 99 of 100 bursts wait {seconds(old.burst_p99)} → "
        f"{seconds(new.burst_p99)}, on the arrivals of {days(trace.days)} in {file.as_posix()}"
    )
