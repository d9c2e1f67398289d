"""Everything that a forecast shows, as data; the views only draw it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tools.forecast.alternatives import Alternative, alternatives
from tools.forecast.costs import idle_costs
from tools.forecast.errors import PromiseError
from tools.forecast.model import Candidate, RunTimes
from tools.forecast.prices import PriceList
from tools.forecast.replay import Replay
from tools.forecast.search import Forecast, candidates, forecast, forecast_all, frontier, recommend
from tools.forecast.trace import Trace
from tools.operate.words import count

# What a recommendation is tried with: another volume, and slower runs, where nothing is measured.
VOLUMES = {"half the files": 0.5, "twice the files": 2.0}
SLOWER = 1.5


@dataclass(frozen=True)
class Trial:
    """The recommended settings under other circumstances, and whether the promise holds there."""

    name: str
    forecast: Forecast
    keeps: bool


@dataclass(frozen=True, eq=False)
class Report:
    """A forecast: the present settings, every candidate, and the one to take.

    recommended: None where no candidate keeps the promise; `nearest` then says which comes
    nearest. idle_dollars: a month without a file. notes: what limits the forecast.
    """

    trace: Trace
    times: RunTimes
    price_list: PriceList
    promise_seconds: float
    present: Forecast
    every: tuple[Forecast, ...]
    frontier: tuple[Forecast, ...]
    recommended: Forecast | None
    nearest: str | None
    trials: tuple[Trial, ...]
    alternatives: tuple[Alternative, ...]
    idle_dollars: float
    notes: tuple[str, ...]

    @property
    def saved_dollars(self) -> float:
        """US dollars a month that the recommended settings cost less than the present ones."""
        return self.present.dollars - self.recommended.dollars if self.recommended else 0.0


def report(
    trace: Trace,
    present: Candidate,
    times: RunTimes,
    price_list: PriceList,
    *,
    promise_seconds: float,
    every_minutes: int = 15,
    slower: float = SLOWER,
    notes: tuple[str, ...] = (),
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Report:
    """Play every candidate on the trace.

    slower: how many times as long slow runs take. progress is called with how many of how many
    candidates are done.
    """
    prices = price_list.prices
    choices = candidates(present)
    done = 0

    def one_more() -> None:
        nonlocal done
        done += 1
        progress(done, len(choices))

    every = forecast_all(trace, choices, times, prices, progress=one_more)
    recommended, nearest = None, None
    try:
        recommended = recommend(every, promise_seconds)
    except PromiseError as error:
        nearest = str(error)
    trials = _trials(recommended, trace, times, price_list, promise_seconds, slower)
    return Report(
        trace=trace,
        times=times,
        price_list=price_list,
        promise_seconds=promise_seconds,
        present=every[0],
        every=every,
        frontier=frontier(every),
        recommended=recommended,
        nearest=nearest,
        trials=trials,
        alternatives=alternatives(trace, present, times, prices, every_minutes=every_minutes),
        idle_dollars=idle_costs(every[0].replay, prices),
        notes=(
            *_notes(trace, every[0].replay, times),
            *less_that_costs_more(recommended, trials),
            *slower_that_costs_less(recommended, trials),
            *notes,
        ),
    )


def _trials(
    recommended: Forecast | None,
    trace: Trace,
    times: RunTimes,
    price_list: PriceList,
    promise_seconds: float,
    slower: float,
) -> tuple[Trial, ...]:
    if recommended is None:
        return ()
    cases = [(name, trace.scaled(factor), times) for name, factor in VOLUMES.items()]
    cases.append((f"runs {slower:.2g} times as slow", trace, times.slower(slower)))
    trials = []
    for name, changed, durations in cases:
        tried = forecast(changed, recommended.candidate, durations, price_list.prices)
        trials.append(Trial(name, tried, tried.keeps(promise_seconds)))
    return tuple(trials)


def less_that_costs_more(recommended: Forecast | None, trials: Sequence[Trial]) -> Iterator[str]:
    """Why fewer files cost more, where they do: it looks like a mistake."""
    for trial in trials:
        if recommended is None or VOLUMES.get(trial.name, 1.0) >= 1:
            continue
        runs, usual = trial.forecast.replay.runs, recommended.replay.runs
        if trial.forecast.dollars > recommended.dollars and runs > usual:
            yield (
                f"With {trial.name} it costs more, because these happen to start {runs:,} runs and "
                f"not {usual:,}: a run costs about the same with few files as with many."
            )


def slower_that_costs_less(recommended: Forecast | None, trials: Sequence[Trial]) -> Iterator[str]:
    """Why slower runs cost less, where they do: it looks like a mistake."""
    for trial in trials:
        if recommended is None or trial.name in VOLUMES:
            continue
        tried, usual = trial.forecast.replay, recommended.replay
        if trial.forecast.dollars >= recommended.dollars:
            continue
        fewer = [
            f"{count(now, *names)} and not {before:,}"
            for now, before, names in (
                (tried.runs, usual.runs, ("run",)),
                (tried.batches, usual.batches, ("batch", "batches")),
            )
            if now < before
        ]
        if fewer:
            yield (
                f"With {trial.name} it costs less, because more files gather until a run takes "
                f"them: {', '.join(fewer)}, and each costs requests and time of its own."
            )


def _notes(trace: Trace, present: Replay, times: RunTimes) -> tuple[str, ...]:
    notes = list(trace.notes)
    if present.given_up:
        notes.append(
            f"With the present settings {present.given_up:,} runs wait for "
            f"{times.give_up / 60:.0f} minutes and are given up: Glue ends them as FAILED, and "
            "each is an alert."
        )
    limit = present.candidate.max_concurrent_runs
    if limit is not None and limit < times.least_limit:
        notes.append(
            f"With these run times, workflow_max_concurrent_runs must be at least "
            f"{times.least_limit} so that no file waits for the next event or the sweep; it is "
            f"{limit}."
        )
    if trace.days < 7:
        notes.append(
            f"The trace covers {trace.days:g} day{'' if trace.days == 1 else 's'}: a month is that "
            f"times {1 / trace.months:.1f}, and bursts of other weekdays are not in it."
        )
    if trace.bursts < 20:
        notes.append(
            f"The trace has {trace.bursts} burst{'' if trace.bursts == 1 else 's'}: 99 percent of "
            "them means all of them."
        )
    return tuple(notes)
