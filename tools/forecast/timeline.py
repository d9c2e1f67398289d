"""What happened when: the busiest day and hour for the page, and one moment for `--explain`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from tools.forecast import replay as rules
from tools.forecast.errors import ForecastError
from tools.forecast.model import Candidate, RunTimes
from tools.forecast.trace import MICROSECONDS, Times, Trace, moment
from tools.operate.words import count

# Columns of a drawing.
BINS = 288


@dataclass(frozen=True)
class Timeline:
    """One hour or day. Times in microseconds; spans are begin, end and what they say.

    arrivals: files per column of the drawing. queue: most runs that waited, per column.
    """

    begin: int
    end: int
    files: int
    refused: int
    empty: int
    arrivals: tuple[int, ...]
    windows: tuple[tuple[int, int, str], ...]
    runs: tuple[tuple[int, int, str], ...]
    queue: tuple[int, ...]


def timelines(
    trace: Trace, candidate: Candidate, times: RunTimes, lengths: Sequence[int]
) -> tuple[Timeline, ...]:
    """For each length in microseconds, the hour or UTC day of that length with the most files."""
    firings = rules.replay(trace, candidate, times, detailed=True).firings
    return tuple(_timeline(trace, candidate, firings, *trace.busiest(length)) for length in lengths)


def _timeline(trace: Trace, candidate: Candidate, firings: Times, begin: int, end: int) -> Timeline:
    fired, outcome = firings[:, rules.FIRED], firings[:, rules.OUTCOME]
    inside = firings[(fired >= begin) & (fired < end)]
    started, ended = firings[:, rules.STARTED], firings[:, rules.ENDED]
    # A run within this time may have been fired before it.
    ran = firings[(outcome == rules.RAN) & (ended > begin) & (started < end)]
    arrived = trace.times[(trace.times >= begin) & (trace.times < end)]
    step = (end - begin) // BINS
    edges = np.arange(begin, end + step, step)
    return Timeline(
        begin=begin,
        end=end,
        files=len(arrived),
        refused=int((inside[:, rules.OUTCOME] == rules.REFUSED).sum()),
        empty=int((ran[:, rules.FILES] == 0).sum()),
        arrivals=tuple(int(number) for number in np.histogram(arrived, edges)[0]),
        windows=tuple(_window(row, candidate) for row in ran),
        runs=tuple(
            (int(row[rules.STARTED]), int(row[rules.ENDED]), _what_it_did(row)) for row in ran
        ),
        queue=tuple(_waiting(ran, int(edge), step) for edge in edges[:-1]),
    )


def _window(row: Times, candidate: Candidate) -> tuple[int, int, str]:
    fired = int(row[rules.FIRED])
    if row[rules.REASON] == rules.BY_WINDOW:
        opened = fired - candidate.batch_window_seconds * MICROSECONDS
        return opened, fired, f"window of {candidate.batch_window_seconds} s"
    return fired, fired, f"full with {count(int(row[rules.EVENTS]), 'event')}"


def _what_it_did(row: Times) -> str:
    files = int(row[rules.FILES])
    if not files:
        return "found nothing"
    waited = (int(row[rules.STARTED]) - int(row[rules.FIRED])) / MICROSECONDS
    after = f", after {waited:.0f} s in the queue" if waited else ""
    batches = count(int(row[rules.BATCHES]), "batch", "batches")
    return f"{count(files, 'file')} in {batches}{after}"


def _waiting(ran: Times, edge: int, step: int) -> int:
    fired, started = ran[:, rules.FIRED], ran[:, rules.STARTED]
    return int(((fired < edge + step) & (started > edge) & (started > fired)).sum())


def explain(trace: Trace, candidate: Candidate, times: RunTimes, at: datetime) -> tuple[str, ...]:
    """Which event fired which run for the first file at or after a time, and why.

    Raises ForecastError for a time without a zone or after the last file.
    """
    if at.tzinfo is None:
        raise ForecastError(f"--explain {at.isoformat()} has no zone; add one, for instance Z.")
    stamp = round(at.timestamp() * MICROSECONDS)
    file = int(np.searchsorted(trace.times, stamp))
    if file == len(trace):
        raise ForecastError(
            f"No file arrived at {at.isoformat()} or later; the last came at "
            f"{moment(int(trace.times[-1])).isoformat()}."
        )
    played = rules.replay(trace, candidate, times, detailed=True)
    return tuple(_story(trace, played, file, times))


def _story(trace: Trace, played: rules.Replay, file: int, times: RunTimes) -> list[str]:
    arrived, queryable = int(trace.times[file]), int(played.queryable[file])
    lines = [f"{_clock(arrived)}  the file arrives ({int(trace.sizes[file]):,} bytes)"]
    event = arrived + round(times.event_delay * MICROSECONDS)
    lines.append(f"{_clock(event)}  its event reaches the trigger")
    ran = played.firings[played.firings[:, rules.OUTCOME] == rules.RAN]
    taker = ran[(ran[:, rules.STARTED] < queryable) & (ran[:, rules.ENDED] >= queryable)]
    later = played.firings[played.firings[:, rules.FIRED] >= event]
    if len(later):
        own = later[0]
        why = "the batch is full" if own[rules.REASON] == rules.BY_SIZE else "the window ends"
        lines.append(
            f"{_clock(int(own[rules.FIRED]))}  the trigger fires: {why}, {int(own[rules.EVENTS])} "
            f"events; {_OUTCOMES[int(own[rules.OUTCOME])]}"
        )
    if not len(taker) or queryable < 0:
        return [*lines, "No run takes the file within the trace."]
    row = taker[0]
    lines.append(
        f"{_clock(int(row[rules.STARTED]))}  the run that takes it starts (its trigger fired at "
        f"{_clock(int(row[rules.FIRED]))})"
    )
    lines.append(f"{_clock(queryable)}  its rows can be queried, with {_what_it_did(row)}")
    lines.append(f"The wait was {(queryable - arrived) / MICROSECONDS:.1f} s.")
    return sorted(lines[:-1]) + lines[-1:]


_OUTCOMES = {
    rules.RAN: "a run is accepted",
    rules.REFUSED: "refused, because a run that has not looked yet waits already; it costs nothing",
    rules.GIVEN_UP: "its run waits for 15 minutes and is given up",
}


def _clock(microseconds: int) -> str:
    return f"{moment(microseconds):%Y-%m-%d %H:%M:%S.%f}"[:-3]
