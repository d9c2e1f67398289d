"""The forecast plays a trace run for run as the sandbox's batching and the job's own rules do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.forecast.reference import US, simulate
from tools.forecast import replay as rules
from tools.forecast.model import Candidate, RunTimes
from tools.forecast.replay import replay
from tools.forecast.trace import Trace

OUTCOMES = {rules.RAN: "ran", rules.REFUSED: "refused", rules.GIVEN_UP: "given up"}
NOW = 1_760_000_000 * US
QUICK = RunTimes(
    event_delay=1, start=3, look=1, spark_start=2, per_batch=1, per_file=1, per_megabyte=0,
    finish=1, workflow_end=5,
)  # fmt: skip


def trace_of(arrivals: list[tuple[float, int]]) -> Trace:
    times = np.array([NOW + round(time * US) for time, _ in arrivals], dtype=np.int64)
    return Trace.of_arrays(times, np.array([size for _, size in arrivals]), source="test", days=1)


def played(trace: Trace, candidate: Candidate, times: RunTimes) -> list[tuple[object, ...]]:
    """Every firing as the forecast plays it."""
    result = replay(trace, candidate, times, detailed=True)
    return [
        (
            int(row[rules.FIRED]),
            row[rules.REASON] == rules.BY_SIZE,
            int(row[rules.EVENTS]),
            OUTCOMES[int(row[rules.OUTCOME])],
            int(row[rules.STARTED]),
            int(row[rules.ENDED]),
            max(0, int(row[rules.FILES])),
            max(0, int(row[rules.BATCHES])),
        )
        for row in result.firings
    ]


def expected(
    trace: Trace, candidate: Candidate, times: RunTimes
) -> tuple[list[tuple[object, ...]], dict[int, int]]:
    arrivals = list(zip(trace.times.tolist(), trace.sizes.tolist(), strict=True))
    every = candidate.sweep_seconds
    sweeps = []
    if every is not None:
        first = (arrivals[0][0] // (every * US) + 1) * every * US
        sweeps = list(range(first, arrivals[-1][0] + every * US + 1, every * US))
    world = simulate(arrivals, candidate, times, sweeps)
    rows: list[tuple[object, ...]] = [
        (
            row.fired, row.by_size, row.events, row.outcome, row.started, row.ended, row.files,
            row.batches,
        )
        for row in world.rows
    ]  # fmt: skip
    return rows, world.queryable


seconds = st.integers(0, 90)
arrival_lists = st.lists(
    st.tuples(st.one_of(seconds, st.floats(0, 90).map(lambda x: round(x, 3))), st.integers(0, 50)),
    min_size=1,
    max_size=60,
)
candidates = st.builds(
    Candidate,
    batch_size=st.integers(1, 7),
    batch_window_seconds=st.integers(1, 30),
    workers=st.integers(2, 4),
    max_concurrent_runs=st.one_of(st.none(), st.integers(2, 4)),
    sweep_seconds=st.one_of(st.none(), st.integers(40, 200)),
    max_files_per_batch=st.integers(1, 9),
    max_bytes_per_batch=st.integers(1, 120),
    timeout_minutes=st.integers(1, 2),
    time_reserve=st.sampled_from([0.0, 0.25, 0.8, 0.95]),
)
durations = st.builds(
    RunTimes,
    event_delay=st.integers(0, 3),
    start=st.integers(0, 12),
    look=st.integers(0, 2),
    spark_start=st.integers(0, 5),
    per_batch=st.integers(0, 4),
    per_file=st.integers(0, 3),
    per_megabyte=st.integers(0, 3),
    finish=st.integers(0, 2),
    workflow_end=st.integers(0, 10),
    give_up=st.integers(5, 40),
)


@given(arrival_lists, candidates, durations)
def test_every_firing_and_file_is_as_in_the_event_by_event_simulation(
    arrivals: list[tuple[float, int]], candidate: Candidate, times: RunTimes
) -> None:
    trace = trace_of(sorted(arrivals))
    rows, queryable = expected(trace, candidate, times)
    assert played(trace, candidate, times) == rows
    result = replay(trace, candidate, times, detailed=True)
    assert {
        place: int(time) for place, time in enumerate(result.queryable) if time >= 0
    } == queryable


@given(arrival_lists, candidates, durations)
def test_counts_are_those_of_the_firings(
    arrivals: list[tuple[float, int]], candidate: Candidate, times: RunTimes
) -> None:
    trace = trace_of(sorted(arrivals))
    result = replay(trace, candidate, times, detailed=True)
    outcome, firings = result.firings[:, rules.OUTCOME], result.firings
    ran = firings[outcome == rules.RAN]
    assert result.runs == len(ran)
    assert result.empty_runs == (ran[:, rules.FILES] == 0).sum()
    assert result.refused == (outcome == rules.REFUSED).sum()
    assert result.given_up == (outcome == rules.GIVEN_UP).sum()
    assert result.batches == ran[:, rules.BATCHES].sum()
    assert result.left == (result.queryable < 0).sum()
    done_at = result.queryable[result.queryable >= 0]
    assert result.hours == len(set((done_at // (3_600 * US)).tolist()))
    assert result.latencies.sum() == len(trace) - result.left
    waits = [time - come for time, come in zip(result.queryable, trace.times, strict=True)]
    done = [wait / US for wait in waits if wait >= 0]
    assert result.longest_seconds == max(done, default=0)


@pytest.mark.parametrize(
    ("arrivals", "candidate", "runs", "empty", "refused"),
    [
        pytest.param([(0, 1)], Candidate(10, 10), 1, 0, 0, id="one event waits for its window"),
        pytest.param([(0, 1)], Candidate(1, 10), 1, 0, 0, id="size 1 fires at once"),
        pytest.param(
            [(0, 1), (10, 1)], Candidate(10, 10), 2, 1, 0, id="an event at the window's end is next"
        ),
        pytest.param(
            [(0, 1), (9.999999, 1)], Candidate(10, 10), 1, 0, 0, id="just before it is not"
        ),
        pytest.param(
            [(0, 1)] * 100, Candidate(10, 10, max_concurrent_runs=3), 3, 2, 7, id="limit reached"
        ),
        pytest.param([(n, 1) for n in range(3)], Candidate(5, 1), 3, 2, 0, id="window of a second"),
    ],
)
def test_known_corners(
    arrivals: list[tuple[float, int]], candidate: Candidate, runs: int, empty: int, refused: int
) -> None:
    result = replay(trace_of(arrivals), replace(candidate, sweep_seconds=None), QUICK)
    assert (result.runs, result.empty_runs, result.refused) == (runs, empty, refused)


def test_run_that_waits_too_long_is_given_up_and_its_files_are_taken_by_the_next() -> None:
    arrivals = [(0.0, 1)] * 240 + [(10.0, 1), (100.0, 1)]
    candidate = Candidate(100, 1, max_concurrent_runs=None, sweep_seconds=None)
    result = replay(trace_of(arrivals), candidate, replace(QUICK, give_up=20), detailed=True)
    assert result.given_up == 3
    assert result.left == 0
