"""The example in docs/forecast.md is what the forecast says today."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.forecast.command import EXAMPLE
from tools.forecast.model import Candidate, RunTimes
from tools.forecast.page import picture
from tools.forecast.prices import read_prices
from tools.forecast.report import report
from tools.forecast.search import forecast
from tools.forecast.sentence import trace_like
from tools.forecast.terminal import seconds

DOCS = Path(__file__).resolve().parents[3] / "docs"
PRICES = read_prices("eu-central-1")
WITHOUT_END = RunTimes(give_up=1e8)


@pytest.mark.parametrize(
    ("candidate", "times"),
    [
        pytest.param(Candidate(10, 60, max_concurrent_runs=None), WITHOUT_END, id="no limit"),
        pytest.param(Candidate(10, 60, max_concurrent_runs=None), RunTimes(), id="given up"),
        pytest.param(Candidate(10, 60), RunTimes(), id="3"),
        pytest.param(Candidate(100, 120), RunTimes(), id="recommended"),
    ],
)
def test_table_of_the_example_is_what_the_forecast_says(
    candidate: Candidate, times: RunTimes
) -> None:
    found = forecast(trace_like(EXAMPLE), candidate, times, PRICES.prices)
    played = found.replay
    counts = (played.runs, played.empty_runs, played.refused, played.given_up)
    row = " | ".join(
        [*(f"{count:,}" for count in counts), seconds(found.burst_p99), f"{found.dollars:.2f}"]
    )
    assert f"| {row} |" in (DOCS / "forecast.md").read_text(encoding="utf-8")


def test_picture_of_the_example_and_its_alternatives_are_those_of_the_docs() -> None:
    """`burst forecast --size 10 --window 60 --limit 0 --svg docs/forecast.svg` draws it again."""
    present = Candidate(10, 60, max_concurrent_runs=None)
    made = report(trace_like(EXAMPLE), present, RunTimes(), PRICES, promise_seconds=300)
    assert (DOCS / "forecast.svg").read_text(encoding="utf-8") == picture(made)
    text = (DOCS / "forecast.md").read_text(encoding="utf-8")
    for item in made.alternatives:
        waits = f"{seconds(item.latency_p50)} | {seconds(item.latency_max)}"
        assert f"| {item.runs:,} | {waits} | {item.costs.total:,.2f} |" in text, item.name
    assert {(10, 60), (100, 900)} <= {
        (item.candidate.batch_size, item.candidate.batch_window_seconds) for item in made.frontier
    }
