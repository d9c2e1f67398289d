"""The frontier and the recommendation are what brute force finds, and no promise is broken."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.forecast.test_replay import trace_of
from tools.forecast.errors import PromiseError
from tools.forecast.model import Candidate, RunTimes
from tools.forecast.prices import read_prices
from tools.forecast.replay import replay
from tools.forecast.report import Trial, less_that_costs_more, report, slower_that_costs_less
from tools.forecast.search import Forecast, candidates, forecast_all, frontier, recommend
from tools.forecast.trace import MICROSECONDS

LIST = read_prices("eu-central-1")
PRESENT = Candidate(10, 60)
CHOICES = candidates(PRESENT, sizes=(1, 5, 20), windows=(5, 60, 900), workers=(2, 4))

bursts = st.lists(
    st.tuples(st.integers(0, 40_000), st.integers(1, 30), st.integers(1, 9_000_000)),
    min_size=1,
    max_size=6,
).map(lambda items: sorted((b + n * 0.7, size) for b, count, size in items for n in range(count)))


def beats(one: Forecast, other: Forecast) -> bool:
    """Cheaper and not slower, or quicker and not dearer."""
    cheaper, quicker = one.dollars < other.dollars, one.burst_p99 < other.burst_p99
    return (cheaper and one.burst_p99 <= other.burst_p99) or (
        quicker and one.dollars <= other.dollars
    )


@given(bursts)
def test_frontier_is_what_no_other_candidate_beats(arrivals: list[tuple[float, int]]) -> None:
    every = forecast_all(trace_of(arrivals), CHOICES, RunTimes(), LIST.prices)
    complete = [item for item in every if not item.replay.left]
    unbeaten = {
        (item.burst_p99, item.dollars)
        for item in complete
        if not any(beats(other, item) for other in complete)
    }
    found = frontier(every)
    assert {(item.burst_p99, item.dollars) for item in found} == unbeaten
    assert [item.burst_p99 for item in found] == sorted(item.burst_p99 for item in found)


@given(bursts, st.integers(20, 1_200))
def test_recommendation_keeps_its_promise_on_its_trace_and_nothing_cheaper_does(
    arrivals: list[tuple[float, int]], promise: int
) -> None:
    trace = trace_of(arrivals)
    every = forecast_all(trace, CHOICES, RunTimes(), LIST.prices)
    if not any(item.keeps(promise) for item in every):
        with pytest.raises(PromiseError, match="The nearest is"):
            recommend(every, promise)
        return
    best = recommend(every, promise)
    played = replay(trace, best.candidate, RunTimes(), detailed=True)
    late = {
        int(burst)
        for burst, come, done in zip(trace.burst_of, trace.times, played.queryable, strict=True)
        if done < 0 or (done - come) > promise * MICROSECONDS
    }
    assert len(late) <= 0.01 * trace.bursts
    cheaper = [item for item in every if round(item.dollars, 2) < round(best.dollars, 2)]
    assert not any(item.keeps(promise) for item in cheaper)


def test_every_size_window_and_worker_is_tried_and_the_present_settings_come_first() -> None:
    present = replace(PRESENT, batch_size=7, worker_type="G.2X", max_files_per_batch=99)
    found = candidates(present)
    assert found[0] == present
    assert len(found) == len(set(found)) == 8 * 10 * 5 + 1
    assert {item.worker_type for item in found} == {"G.2X"}
    assert {item.max_files_per_batch for item in found} == {99}


def test_report_counts_its_candidates_and_tries_other_volumes_and_slower_runs() -> None:
    counts: list[tuple[int, int]] = []
    trace = trace_of([(n * 3_600.0, 1_000) for n in range(30)])
    made = report(
        trace, PRESENT, RunTimes(), LIST, promise_seconds=300, slower=2.5,
        progress=lambda done, of: counts.append((done, of)),
    )  # fmt: skip
    assert sorted(counts) == [(n, 400) for n in range(1, 401)]
    names = [trial.name for trial in made.trials]
    assert names == ["half the files", "twice the files", "runs 2.5 times as slow"]
    assert made.trials[2].forecast.burst_p99 > made.recommended.burst_p99  # type: ignore[union-attr]


def test_fewer_files_that_cost_more_and_slower_runs_that_cost_less_are_explained() -> None:
    trace = trace_of([(n * 100.0, 1_000) for n in range(60)])
    every = forecast_all(trace, CHOICES, RunTimes(), LIST.prices)
    cheap, *_, dear = sorted(every, key=lambda item: item.dollars)
    [note] = less_that_costs_more(cheap, [Trial("half the files", dear, True)])
    assert f"start {dear.replay.runs} runs and not {cheap.replay.runs}: a run costs" in note
    assert not [*less_that_costs_more(dear, [Trial("half the files", cheap, True)])]
    assert not [*less_that_costs_more(cheap, [Trial("twice the files", dear, True)])]
    runs, usual = cheap.replay.runs, dear.replay.runs
    [note] = slower_that_costs_less(dear, [Trial("runs 1.5 times as slow", cheap, True)])
    assert f"more files gather until a run takes them: {runs} runs and not {usual}" in note
    assert not [*slower_that_costs_less(cheap, [Trial("runs 1.5 times as slow", dear, True)])]
    assert not [*slower_that_costs_less(dear, [Trial("half the files", cheap, True)])]


@pytest.mark.parametrize(
    ("arrivals", "words"),
    [
        ([(0.0, 1)], "The trace covers 1 day: a month is that times 30.4"),
        ([(0.0, 1)], "1 burst: 99 percent of them means all of them"),
    ],
)
def test_notes_say_what_little_the_forecast_stands_on(
    arrivals: list[tuple[float, int]], words: str
) -> None:
    made = report(trace_of(arrivals), PRESENT, RunTimes(), LIST, promise_seconds=300)
    assert any(words in note for note in made.notes)


def test_note_says_when_the_limit_of_workflow_runs_is_too_low() -> None:
    slow = RunTimes(workflow_end=60)
    made = report(trace_of([(0.0, 1)]), PRESENT, slow, LIST, promise_seconds=300)
    assert any("workflow_max_concurrent_runs must be at least 5" in note for note in made.notes)
