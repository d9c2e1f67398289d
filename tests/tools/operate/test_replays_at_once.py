"""Replays, somebody who gives them up, and the job, at once: every file comes back once.

In full with `pytest tests/tools/operate/test_replays_at_once.py -m full`.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

import pytest

from tests.tools.operate.stepping import Actor
from tests.tools.operate.world import LAKE, World, output_prefix
from tools.operate.errors import OperateError
from tools.operate.replays import replay as replaying
from tools.operate.replays import uploads

ALL = {"orders/a.csv", "orders/b.csv", "orders/c.csv"}


@pytest.fixture(autouse=True)
def calls_in_one_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replaying, "FILES_PER_RECORD", 2)
    monkeypatch.setattr(uploads, "THREADS", 1)


def replays(world: World, **selection: Any) -> Actor:
    """Who replays; what a run has not loaded yet, or somebody gave up, is no fault."""

    def work(s3: Any) -> None:
        world.replay(s3=s3, load=lambda seen: "The run is still at work.", **selection).run()

    return Actor(world.s3, work, (OperateError,))


def gives_up(world: World) -> Actor:
    def work(s3: Any) -> None:
        job = world.giving_up(s3)
        if found := job.look():
            job.run(found.request)

    return Actor(world.s3, work)


def job(world: World, runs: int) -> Actor:
    """One run after the other, as Glue starts them."""

    def work(s3: Any) -> None:
        for _ in range(runs):
            replace(world, s3=s3).job_runs(most=2)

    return Actor(world.s3, work)


@contextmanager
def history(actors: Sequence[Actor]) -> Iterator[None]:
    """A failure says what each had done; in the end no thread is left behind."""
    try:
        yield
        for actor in actors:
            if actor.error:
                raise actor.error
    except BaseException as error:
        for number, actor in enumerate(actors):
            error.add_note(f"Actor {number}: " + "\n  ".join(actor.calls))
        raise
    finally:
        for actor in actors:
            actor.kill()


def settled(world: World, **selection: Any) -> None:
    """What a person does at last: the same command, until there is nothing to do."""
    for _ in range(4):
        if world.giving_up().look() and world.replay(**selection).unfinished() is None:
            break
        with suppress(OperateError):
            world.replay(**selection).run()
        if found := world.giving_up().look():
            world.giving_up().run(found.request)
        world.job_runs()
    assert world.giving_up().look() is None


def each_came_once(world: World) -> None:
    arrived = [body for _, body in world.arrivals()]
    assert sorted(arrived) == sorted(body for key, body in world.bodies.items())


@pytest.mark.parametrize("step", [4, pytest.param(1, marks=pytest.mark.full)])
def test_replay_and_who_gives_it_up_paused_at_any_pair_of_points(step: int) -> None:
    """Both are half-way; the replay goes on to its end, then the other."""
    for one, other in itertools.product(range(1, 40), range(1, 40)):
        if (one + other) % step:
            continue
        world = World.in_memory()
        world.batch(bad=["a", "b", "c"])
        actors = [replays(world)]
        with history(actors):
            steps(actors[0], one)
            actors.append(gives_up(world))
            steps(actors[1], other)
            actors[0].finish()
            actors[1].finish()
        settled(world)
        each_came_once(world)


def steps(actor: Actor, number: int) -> None:
    for _ in range(number):
        if not actor.over:
            actor.step()


COUNTS = pytest.mark.parametrize("count", [60, pytest.param(1000, marks=pytest.mark.full)])


@COUNTS
def test_random_schedules_send_each_file_once(count: int) -> None:
    for seed in range(count):
        chance = random.Random(seed)
        world = World.in_memory()
        world.batch(bad=["a", "b", "c"])
        actors = [replays(world), replays(world), job(world, 2), gives_up(world)]
        with history(actors):
            act(actors, chance, lambda: None)
        settled(world)
        each_came_once(world)


@COUNTS
def test_random_schedules_that_replace_rows_never_miss_one_and_double_none(count: int) -> None:
    for seed in range(count):
        chance = random.Random(seed)
        world = World.in_memory()
        batch = world.batch(good=["a", "b", "c"])
        what = {"area": "archive", "batch": batch, "replace": True}
        actors = [replays(world, **what), replays(world, **what), job(world, 3)]
        if chance.random() < 0.3:
            actors.append(gives_up(world))

        def all_are_there(world: World = world) -> None:
            assert set(world.rows()) >= ALL

        with history(actors):
            act(actors, chance, all_are_there)
        settled(world, **what)
        each_came_once(world)
        assert world.rows() == dict.fromkeys(ALL, 1)
        assert world.keys(LAKE, output_prefix(batch)) == []


def act(actors: Sequence[Actor], chance: random.Random, look: Callable[[], None]) -> None:
    """Step by step until all are over; some sleep for long, and some die. The job does not."""
    while waiting := [actor for actor in actors if not actor.over]:
        actor = chance.choice(waiting)
        for _ in range(chance.choice([1, 1, 2, 5, 40])):
            if not actor.over:
                actor.step()
                look()
        if chance.random() < 0.03 and actor is not actors[2]:
            actor.kill()
