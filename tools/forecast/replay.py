"""A trace played in virtual time, as EventBridge, Glue and the job do it.

The rules are those of the engine in `tools/sandbox` and of the job, which stay the reference; the
tests hold the two together run for run. They are written once more here, as one loop over plain
arrays that Numba compiles, because a search plays a million arrivals hundreds of times.

All times are whole microseconds, so no rounding decides which of two things came first. At one and
the same moment a window that ends comes before an event, and a run that ends before a firing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from numba import njit

from tools.forecast.model import Candidate, RunTimes
from tools.forecast.trace import MICROSECONDS, Times, Trace

# One bin per second of latency, up to two days; what is longer is in the last one.
LATENCY_BINS = 2 * 86_400
HOUR = 3_600 * MICROSECONDS
NO_LIMIT = 0
# What became of a firing.
RAN, REFUSED, GIVEN_UP = 0, 1, 2
# Why a trigger fired.
BY_SIZE, BY_WINDOW = 0, 1
RUN_FIELDS = (
    "fired",
    "reason",
    "events",
    "outcome",
    "started",
    "ended",
    "files",
    "bytes",
    "batches",
)
FIRED, REASON, EVENTS, OUTCOME, STARTED, ENDED, FILES, BYTES, BATCHES = range(len(RUN_FIELDS))


@dataclass(frozen=True, eq=False)
class Replay:
    """What became of a trace under one candidate.

    firings: one row per firing of the trigger, with the columns of RUN_FIELDS; times in
        microseconds, -1 where a run did not start. Empty unless it was asked for.
    queryable: when each file's rows could be queried, in microseconds; -1 for never. Empty unless
        it was asked for.
    latencies: files by whole seconds from arrival to queryable, LATENCY_BINS bins at most.
    burst_seconds: longest latency in each burst, in seconds.
    hours: hours of the clock in which a batch was committed.
    billed: seconds that Glue bills, times the workers that each took.
    """

    candidate: Candidate
    runs: int
    empty_runs: int
    refused: int
    waited: int
    given_up: int
    longest_queue: int
    batches: int
    left: int
    hours: int
    billed_worker_seconds: float
    longest_seconds: float
    latencies: Times
    burst_seconds: npt.NDArray[np.float64]
    firings: Times
    queryable: Times

    def latency(self, share: float) -> float:
        """Seconds within which this share (0 to 1) of the files is queryable, rounded up."""
        counts = np.cumsum(self.latencies)
        place = int(np.searchsorted(counts, share * counts[-1]))
        return min(float(place + 1), self.longest_seconds)

    def burst_latency(self, share: float) -> float:
        """Seconds within which every file of this share of the bursts is queryable."""
        return float(self._bursts_in_order[math.ceil((len(self.burst_seconds) - 1) * share)])

    @cached_property
    def _bursts_in_order(self) -> npt.NDArray[np.float64]:
        return np.sort(self.burst_seconds)


def replay(
    trace: Trace,
    candidate: Candidate,
    times: RunTimes,
    *,
    events: Times | None = None,
    detailed: bool = False,
) -> Replay:
    """Play the trace.

    events: when the trigger receives an event, ascending; left out, one per file and per sweep.
    detailed: also every firing, and when each file was queryable.
    """
    if events is None:
        events = _events(trace, candidate, times)
    capacity = len(events) + 1 if detailed else 1
    firings = np.full((capacity, len(RUN_FIELDS)), -1, dtype=np.int64)
    queryable = np.full(len(trace) if detailed else 1, -1, dtype=np.int64)
    latencies = np.zeros(LATENCY_BINS, dtype=np.int64)
    bursts = np.zeros(trace.bursts, dtype=np.int64)
    counts = _play(
        events,
        trace.times,
        trace.sizes,
        trace.burst_of,
        _settings(candidate),
        _durations(candidate, times),
        detailed,
        firings,
        queryable,
        latencies,
        bursts,
    )
    (
        fired,
        runs,
        empty,
        refused,
        waited,
        given_up,
        queue,
        batches,
        left,
        hours,
        billed,
        longest,
    ) = counts
    return Replay(
        candidate=candidate,
        runs=int(runs),
        empty_runs=int(empty),
        refused=int(refused),
        waited=int(waited),
        given_up=int(given_up),
        longest_queue=int(queue),
        batches=int(batches),
        left=int(left),
        hours=int(hours),
        billed_worker_seconds=float(billed) / MICROSECONDS,
        longest_seconds=float(longest) / MICROSECONDS,
        # A copy, because most of the bins are empty and a search keeps hundreds of these.
        latencies=latencies[: _bins(int(longest)) if batches else 0].copy(),
        burst_seconds=bursts / MICROSECONDS,
        firings=firings[: int(fired)] if detailed else firings[:0],
        queryable=queryable if detailed else queryable[:0],
    )


def _events(trace: Trace, candidate: Candidate, times: RunTimes) -> Times:
    """When the trigger receives an event: one per file, and one per sweep."""
    arrivals = trace.times + _us(times.event_delay)
    if candidate.sweep_seconds is None:
        return arrivals
    every = candidate.sweep_seconds * MICROSECONDS
    first = (int(trace.times[0]) // every + 1) * every
    # One sweep after the last file, so that nothing waits for ever in a trace that ends.
    sweeps = np.arange(first, int(trace.times[-1]) + every + 1, every, dtype=np.int64)
    return np.sort(np.concatenate((arrivals, sweeps)), kind="stable")


def _settings(candidate: Candidate) -> Times:
    timeout = candidate.timeout_minutes * 60 * MICROSECONDS
    return np.array(
        [
            candidate.batch_size,
            candidate.batch_window_seconds * MICROSECONDS,
            candidate.max_concurrent_runs or NO_LIMIT,
            candidate.max_files_per_batch,
            candidate.max_bytes_per_batch,
            timeout,
            round(timeout * candidate.time_reserve),
            candidate.workers,
            candidate.cores,
            candidate.dpu_per_worker * 4,
        ],
        dtype=np.int64,
    )


def _durations(candidate: Candidate, times: RunTimes) -> Times:
    return np.array(
        [
            _us(times.start),
            _us(times.look),
            _us(times.spark_start),
            _us(times.per_batch),
            _us(times.per_file),
            _us(times.per_megabyte),
            _us(times.finish),
            _us(times.workflow_end),
            _us(times.give_up),
        ],
        dtype=np.int64,
    )


def _bins(longest: int) -> int:
    """How many bins there are up to the one of the longest latency."""
    return min(longest // MICROSECONDS, LATENCY_BINS - 1) + 1


def _us(seconds: float) -> int:
    return round(seconds * MICROSECONDS)


@njit(cache=True)
def _work(files, size, cores, per_file, per_megabyte):  # type: ignore[no-untyped-def]
    """Microseconds of a batch's files, on as many cores as there are files for."""
    used = min(files, cores)
    return (files * per_file + size * per_megabyte // 1_000_000) // used


@njit(cache=True, nogil=True)
def _play(  # type: ignore[no-untyped-def]
    events,
    arrivals,
    sizes,
    burst_of,
    settings,
    durations,
    detailed,
    firings,
    queryable,
    latencies,
    bursts,
):
    batch_size, window, limit = settings[0], settings[1], settings[2]
    max_files, max_bytes = settings[3], settings[4]
    timeout, reserve = settings[5], settings[6]
    workers, cores, cores_per_worker = settings[7], settings[8], settings[9]
    start, look, spark_start, per_batch = durations[0], durations[1], durations[2], durations[3]
    per_file, per_megabyte = durations[4], durations[5]
    finish, workflow_end, give_up = durations[6], durations[7], durations[8]

    fired = runs = empty = refused = waited = given_up = queue = total_batches = 0
    hours = billed = longest = 0
    last_hour = np.int64(-1)
    # Files that a run has taken are a beginning of the trace, because the oldest are taken first.
    taken = 0
    job_free = np.int64(-1)
    # Ends of the workflow runs that count against the limit, and starts of jobs that wait.
    active = np.zeros(max(limit, 1), dtype=np.int64)
    active_count = 0
    waiting = np.zeros(16, dtype=np.int64)
    waiting_first = waiting_count = 0

    count = len(events)
    first = 0
    while first < count:
        # The trigger: the batch that begins with event `first`.
        last = first + batch_size - 1
        deadline = events[first] + window
        if last < count and events[last] < deadline:
            fire, reason, following = events[last], BY_SIZE, last + 1
        else:
            fire, reason = deadline, BY_WINDOW
            following = first + 1
            while following < count and events[following] < deadline:
                following += 1
        row = fired
        fired += 1
        if detailed:
            firings[row, FIRED] = fire
            firings[row, REASON] = reason
            firings[row, EVENTS] = following - first
        first = following

        # The workflow: refused where too many of its runs have not ended.
        if limit:
            kept = 0
            for place in range(active_count):
                if active[place] > fire:
                    active[kept] = active[place]
                    kept += 1
            active_count = kept
            if active_count >= limit:
                refused += 1
                if detailed:
                    firings[row, OUTCOME] = REFUSED
                continue

        # The job: one run at a time, the others wait.
        begin = max(fire, job_free)
        if begin > fire:
            waited += 1
            while waiting_count and waiting[waiting_first] <= fire:
                waiting_first = (waiting_first + 1) % len(waiting)
                waiting_count -= 1
            leaves = min(begin, fire + give_up)
            if waiting_count == len(waiting):
                grown = np.zeros(2 * len(waiting), dtype=np.int64)
                for place in range(waiting_count):
                    grown[place] = waiting[(waiting_first + place) % len(waiting)]
                waiting, waiting_first = grown, 0
            waiting[(waiting_first + waiting_count) % len(waiting)] = leaves
            waiting_count += 1
            queue = max(queue, waiting_count)
        if begin - fire > give_up:
            given_up += 1
            if detailed:
                firings[row, OUTCOME] = GIVEN_UP
            if limit:
                active[active_count] = fire + give_up + workflow_end
                active_count += 1
            continue

        # The run: batch after batch until a listing is empty, or the time is up.
        runs += 1
        script = begin + start
        now = script + look
        run_files = run_bytes = run_batches = 0
        run_workers = min(workers, 2)
        out_of_time = False
        while not out_of_time:
            listed = taken
            while listed < len(arrivals) and arrivals[listed] <= now:
                listed += 1
            if listed == taken:
                break
            while taken < listed:
                if timeout - (now - script) < reserve:
                    out_of_time = True
                    break
                end = taken
                size = 0
                while end < listed:
                    if end > taken and (end - taken >= max_files or size + sizes[end] > max_bytes):
                        break
                    size += sizes[end]
                    end += 1
                files = end - taken
                if run_batches == 0:
                    now += spark_start
                now += per_batch + _work(files, size, cores, per_file, per_megabyte)
                if now // HOUR != last_hour:
                    last_hour = now // HOUR
                    hours += 1
                used = 1 + (min(files, cores) + cores_per_worker - 1) // cores_per_worker
                run_workers = max(run_workers, min(workers, used))
                for file in range(taken, end):
                    latency = now - arrivals[file]
                    longest = max(longest, latency)
                    latencies[min(latency // 1_000_000, len(latencies) - 1)] += 1
                    bursts[burst_of[file]] = max(bursts[burst_of[file]], latency)
                    if detailed:
                        queryable[file] = now
                run_files += files
                run_bytes += size
                run_batches += 1
                taken = end
            if not out_of_time:
                now += look
        ended = now + finish
        job_free = ended
        billed += max(60 * 1_000_000, ended - script) * run_workers
        total_batches += run_batches
        if run_files == 0:
            empty += 1
        if limit:
            active[active_count] = ended + workflow_end
            active_count += 1
        if detailed:
            firings[row, OUTCOME] = RAN
            firings[row, STARTED] = begin
            firings[row, ENDED] = ended
            firings[row, FILES] = run_files
            firings[row, BYTES] = run_bytes
            firings[row, BATCHES] = run_batches
    left = len(arrivals) - taken
    return (
        fired,
        runs,
        empty,
        refused,
        waited,
        given_up,
        queue,
        total_batches,
        left,
        hours,
        billed,
        longest,
    )
