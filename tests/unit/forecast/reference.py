"""A second implementation of the rules, event by event, to hold the forecast against.

It is slow and simple: a queue of things that happen, the engine's own decisions on events, workflow
runs and waiting jobs, and the job's own cut into batches and time budget. It shares nothing with
`tools/forecast/replay.py`.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import cast

from burst.batch import InputFile, batches
from burst.contract import TimeLimit
from burst.time_budget import TimeBudget

from tools.forecast.model import Candidate, RunTimes
from tools.sandbox.glue.admission import Admission, JobQueue, admit_workflow_run
from tools.sandbox.glue.batches import EventBatch, Firing, Reason

US = 1_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# What happens first where several things happen at one moment: a run ends, a window ends, an
# event comes.
RUN_ENDS, WINDOW_ENDS, EVENT_COMES = 0, 1, 2


@dataclass
class Row:
    """One firing and what became of it; times in microseconds, -1 for never.

    work: per batch, when it was planned and committed, its first file, and how many it had.
    """

    fired: int
    by_size: bool
    events: int
    outcome: str = "ran"
    started: int = -1
    ended: int = -1
    files: int = 0
    batches: int = 0
    work: list[tuple[int, int, int, int]] = field(default_factory=list)


@dataclass
class World:
    """Glue and landing at one moment."""

    candidate: Candidate
    times: RunTimes
    landing: list[tuple[int, int]]
    taken: int = 0
    batch: EventBatch = field(default_factory=EventBatch)
    rows: list[Row] = field(default_factory=list)
    active: int = 0
    jobs: JobQueue = field(default_factory=JobQueue)
    agenda: list[tuple[int, int, int, object]] = field(default_factory=list)
    queryable: dict[int, int] = field(default_factory=dict)
    order: int = 0

    def at(self, time: int, kind: int, what: object = None) -> None:
        self.order += 1
        heapq.heappush(self.agenda, (time, kind, self.order, what))


def simulate(
    arrivals: list[tuple[int, int]], candidate: Candidate, times: RunTimes, sweeps: list[int]
) -> World:
    """Play arrivals (microsecond, bytes), ascending, and sweeps to the very end."""
    world = World(candidate, times, arrivals)
    world.batch = EventBatch(candidate.batch_size, candidate.batch_window_seconds)
    delay = round(times.event_delay * US)
    for time in sorted([time + delay for time, _ in arrivals] + sweeps):
        world.at(time, EVENT_COMES)
    while world.agenda:
        now, kind, _, what = heapq.heappop(world.agenda)
        if kind == EVENT_COMES:
            _event(world, now)
        elif kind == WINDOW_ENDS:
            _window(world, now)
        else:
            what(world, now)  # type: ignore[operator]
    return world


def _event(world: World, now: int) -> None:
    was_empty = not world.batch.event_ids
    world.batch, firing = world.batch.receive(str(now), _seconds(now))
    if firing:
        _fire(world, firing)
    if world.batch.event_ids and (was_empty or firing):
        world.at(round((world.batch.deadline or 0) * US), WINDOW_ENDS)


def _window(world: World, now: int) -> None:
    world.batch, firing = world.batch.tick(_seconds(now))
    if firing:
        _fire(world, firing)


def _fire(world: World, firing: Firing) -> None:
    now = round(firing.fired_at * US)
    row = Row(now, firing.reason is Reason.SIZE, len(firing.event_ids))
    world.rows.append(row)
    limit = world.candidate.max_concurrent_runs
    if admit_workflow_run(world.active, limit) is Admission.REFUSED:
        row.outcome = "refused"
        return
    world.active += 1
    name = str(len(world.rows) - 1)
    world.jobs, admission = world.jobs.submit(name, limit=1, queuing=True)
    if admission is Admission.STARTED:
        _start(world, row, now)
    else:
        give_up = now + round(world.times.give_up * US)
        # A moment after: a run that gets its turn at the last moment still starts.
        world.at(give_up + 1, RUN_ENDS, lambda world, _: _give_up(world, name))


def _give_up(world: World, name: str) -> None:
    if name not in world.jobs.waiting:
        return
    world.jobs = world.jobs.leave(name)
    row = world.rows[int(name)]
    row.outcome = "given up"
    end = row.fired + round((world.times.give_up + world.times.workflow_end) * US)
    world.at(max(end, row.fired), RUN_ENDS, _workflow_ended)


def _workflow_ended(world: World, now: int) -> None:
    world.active -= 1


def _start(world: World, row: Row, now: int) -> None:
    row.started = now
    script = now + round(world.times.start * US)
    _look(world, row, script, script + round(world.times.look * US))


def _look(world: World, row: Row, script: int, now: int) -> None:
    """List landing, and take what is there; then look again, or end."""
    times, candidate = world.times, world.candidate
    budget = TimeBudget(
        TimeLimit(candidate.timeout_minutes, candidate.time_reserve), _moment(script)
    )
    end = world.taken
    while end < len(world.landing) and world.landing[end][0] <= now:
        end += 1
    found = [_file(place, *world.landing[place]) for place in range(world.taken, end)]
    out_of_time = False
    for inputs in batches(
        found, max_files=candidate.max_files_per_batch, max_bytes=candidate.max_bytes_per_batch
    ):
        if budget.is_spent(_moment(now)):
            out_of_time = True
            break
        planned = now
        if not row.batches:
            now += round(times.spark_start * US)
        size = sum(file.size for file in inputs)
        work = len(inputs) * round(times.per_file * US)
        work += size * round(times.per_megabyte * US) // 1_000_000
        now += round(times.per_batch * US) + work // min(len(inputs), candidate.cores)
        for file in inputs:
            world.queryable[int(file.key)] = now
        row.work.append((planned, now, world.taken, len(inputs)))
        row.batches += 1
        row.files += len(inputs)
        world.taken += len(inputs)
    if found and not out_of_time:
        _look(world, row, script, now + round(times.look * US))
        return
    row.ended = now + round(times.finish * US)
    world.at(row.ended, RUN_ENDS, _job_ended)
    world.at(row.ended + round(times.workflow_end * US), RUN_ENDS, _workflow_ended)


def _job_ended(world: World, now: int) -> None:
    (ended,) = world.jobs.occupying
    world.jobs, started = world.jobs.leave(ended).promote(limit=1)
    for name in started:
        _start(world, world.rows[int(name)], now)


def _file(place: int, time: int, size: int) -> InputFile:
    return InputFile(f"{place:09}", "v", "e", size, _moment(time))


def _seconds(microseconds: int) -> float:
    # Exact, and it behaves as the float that the batching is written for.
    return cast(float, Fraction(microseconds, US))


def _moment(microseconds: int) -> datetime:
    return EPOCH + timedelta(microseconds=microseconds)
