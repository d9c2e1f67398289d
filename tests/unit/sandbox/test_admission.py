"""What becomes of a run: started, waiting, refused, and how it ends."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.sandbox.glue.admission import (
    Admission,
    Ending,
    JobQueue,
    admit_workflow_run,
    job_run_ending,
    workflow_run_ending,
)


@pytest.mark.parametrize(
    ("active", "limit", "admission"),
    [
        (0, 1, Admission.STARTED),
        (1, 1, Admission.REFUSED),
        (2, 3, Admission.STARTED),
        (3, 3, Admission.REFUSED),
        (4, 3, Admission.REFUSED),
        (99, None, Admission.STARTED),
        (99, 0, Admission.STARTED),
    ],
)
def test_workflow_run_starts_within_the_limit_and_never_waits(
    active: int, limit: int | None, admission: Admission
) -> None:
    assert admit_workflow_run(active, limit) is admission


def test_run_beyond_the_limit_waits_where_queuing_is_on_and_is_refused_elsewhere() -> None:
    queue, first = JobQueue().submit("a", limit=1, queuing=True)
    assert first is Admission.STARTED
    waiting, second = queue.submit("b", limit=1, queuing=True)
    assert (second, waiting.waiting) == (Admission.WAITING, ("b",))
    same, third = queue.submit("b", limit=1, queuing=False)
    assert (third, same) == (Admission.REFUSED, queue)


def test_place_that_becomes_free_goes_to_the_run_that_has_waited_longest() -> None:
    queue = JobQueue(occupying=("a",), waiting=("b", "c")).leave("a")
    queue, started = queue.promote(limit=1)
    assert (started, queue) == (("b",), JobQueue(("b",), ("c",)))


def test_run_that_gives_up_waiting_makes_room_for_the_next() -> None:
    queue = JobQueue(occupying=("a",), waiting=("b", "c")).leave("b").leave("a")
    assert queue.promote(limit=1)[1] == ("c",)


def test_raised_limit_lets_several_start_and_a_lowered_one_none() -> None:
    queue = JobQueue(occupying=("a", "b"), waiting=("c", "d", "e"))
    assert queue.promote(limit=4)[1] == ("c", "d")
    assert queue.promote(limit=1)[1] == ()


@given(
    limit=st.integers(1, 3),
    steps=st.lists(st.tuples(st.booleans(), st.integers(0, 5)), max_size=30),
)
def test_no_more_runs_than_the_limit_and_everyone_in_order(
    limit: int, steps: Sequence[tuple[bool, int]]
) -> None:
    queue, submitted, started = JobQueue(), 0, []
    for arrives, which in steps:
        if arrives:
            run = str(submitted)
            submitted += 1
            queue, admission = queue.submit(run, limit=limit, queuing=True)
            started += [run] if admission is Admission.STARTED else []
        elif queue.occupying:
            queue = queue.leave(queue.occupying[which % len(queue.occupying)])
            queue, now = queue.promote(limit=limit)
            started += now
        assert len(queue.occupying) <= limit
        assert not queue.waiting or len(queue.occupying) == limit
    assert started == [str(number) for number in range(len(started))]


@pytest.mark.parametrize(
    ("exit_code", "stop_requested", "ending"),
    [
        (0, False, Ending("SUCCEEDED")),
        (0, True, Ending("SUCCEEDED")),
        (1, False, Ending("FAILED", "ValueError: no")),
        (-15, True, Ending("STOPPED")),
        (None, True, Ending("STOPPED")),
        (None, False, Ending("TIMEOUT", "The job run exceeded its timeout of 3 minutes.")),
    ],
)
def test_ending_of_a_job_run(exit_code: int | None, stop_requested: bool, ending: Ending) -> None:
    found = job_run_ending(
        exit_code, error_message="ValueError: no", timeout=3, stop_requested=stop_requested
    )
    assert found == ending


@pytest.mark.parametrize(
    ("states", "stop_requested", "status"),
    [
        (["SUCCEEDED"], False, "COMPLETED"),
        (["FAILED", "SUCCEEDED"], False, "COMPLETED"),
        (["SUCCEEDED", "WAITING"], False, None),
        (["STOPPING"], True, None),
        (["STOPPED"], True, "STOPPED"),
    ],
)
def test_ending_of_a_workflow_run(
    states: list[str], stop_requested: bool, status: str | None
) -> None:
    assert workflow_run_ending(states, stop_requested=stop_requested) == status
