"""How long the search of `burst forecast` takes, and how much memory it needs."""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Sequence

from tools.forecast.model import Candidate, RunTimes
from tools.forecast.prices import read_prices
from tools.forecast.search import candidates, forecast_all, frontier
from tools.forecast.sentence import trace_like
from tools.forecast.trace import Trace

STORY = "10 files in 2 minutes, 6 times a day; 3000 files of 20 KB in 5 minutes, once a day"
MILLION = "10 files in 2 minutes, 60 times a day; 16366 files in 20 minutes, twice a day"


def main(arguments: Sequence[str]) -> int:
    """Print seconds and memory for a month of 90,000 files and for one of a million."""
    parser = argparse.ArgumentParser(prog="bench forecast", description=__doc__)
    parser.add_argument("--days", type=int, default=30)
    options = parser.parse_args(arguments)
    # What is compiled is kept on disk; the first use after a change of the code compiles.
    search(trace_like("1 file once a day", days=1))
    print("files | candidates | seconds | CPU seconds | frontier | most memory in MB")
    for text in (STORY, MILLION):
        print(search(trace_like(text, days=options.days)))
    return 0


def search(trace: Trace) -> str:
    """One line: what was searched and what it took."""
    prices = read_prices("eu-central-1").prices
    choices = candidates(Candidate(10, 60))
    wall, cpu = time.perf_counter(), time.process_time()
    found = forecast_all(trace, choices, RunTimes(), prices)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_000
    return (
        f"{len(trace):,} | {len(choices)} | {wall:.2f} | {cpu:.2f} | {len(frontier(found))} | "
        f"{memory:.0f}"
    )
