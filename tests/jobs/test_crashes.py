"""A run that dies at any of its calls to S3 is finished by the next run: nothing lost or doubled.

In full without Spark, with the stand-in in memory. Over HTTP and with Spark a selection; in full
with `pytest tests/jobs -m full`.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
from mypy_boto3_s3 import S3Client
from pyspark.sql import SparkSession

from tests.jobs.invariants import Proof
from tests.jobs.memory_s3 import MemoryS3, Version
from tests.jobs.one_process import (
    OneProcess,
    ProcessDied,
    pairs_of_places,
    places_to_die,
    use_threads,
)
from tests.jobs.world import World, as_csv, memory_world, new_world, order

_numbers = itertools.count(1)

Run = Callable[[World, OneProcess], object]
NewWorld = Callable[[], World]

AFTER = pytest.mark.parametrize("after", [False, True], ids=["before the call", "after its effect"])


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each number is one and the same call in every case."""
    use_threads(monkeypatch, 1)


@pytest.fixture
def in_memory(tmp_path: Path) -> NewWorld:
    return lambda: ticking(memory_world(tmp_path / str(next(_numbers))))


@pytest.fixture
def over_http(s3: S3Client, tmp_path: Path) -> NewWorld:
    def new() -> World:
        number = next(_numbers)
        return ticking(new_world(s3, f"crash{number}", tmp_path / str(number)))

    return new


def ticking(world: World) -> World:
    """A second passes whenever the job asks, so no two batches are planned in the same one."""
    seconds = itertools.count()
    start = datetime(2025, 1, 31, 23, 59, 50, tzinfo=UTC)
    return replace(world, clock=lambda: start + timedelta(seconds=next(seconds)))


def burst(world: World, run: Run | None = None) -> Proof:
    """Good, bad, empty, overwritten, deleted and archived files, and keys that leave one by one."""
    proof = Proof(world)
    numbers = itertools.count(1)

    def put(key: str, rows: int) -> None:
        orders = [order(next(numbers)) for _ in range(rows)]
        proof.put(key, as_csv(orders), [row["order_id"] for row in orders])

    put("orders/good.csv", 3)
    bad = as_csv([order(900), order(901, quantity="many")])
    ids = [order(number)["order_id"] for number in (900, 901)]
    # Of a file with a value that does not fit, the rows are loaded where it is rescued.
    proof.put("orders/bad.csv", bad, ids if run is rescuing else None)
    proof.put("orders/worse.csv", b"no,such,columns\n1,2,3\n", None)
    proof.put("orders/empty.csv", b"", [])
    put("orders/header only.csv", 0)
    put("orders/overwritten.csv", 2)
    put("orders/overwritten.csv", 1)
    put("orders/deleted.csv", 1)
    world.s3.delete_object(Bucket=world.landing, Key="orders/deleted.csv")
    put("orders/tab\t.csv", 1)
    proof.archive("orders/archived.csv", as_csv([order(800)]), [order(800)["order_id"]])
    return proof


def plain(world: World, process: OneProcess) -> object:
    return world.drain_plain(process)


def plain_in_batches(world: World, process: OneProcess) -> object:
    return world.drain_plain(process, max_files_per_batch=4)


def rescuing(world: World, process: OneProcess) -> object:
    return world.drain_plain(process, unknown_columns="rescue", bad_values="rescue")


def with_spark(world: World, process: OneProcess) -> object:
    with process.watching(world.s3):
        return world.drain()


def calls_of_a_clean_run(new_world: NewWorld, run: Run) -> list[str]:
    proof, process = burst(new_world(), run), OneProcess()
    run(proof.world, process)
    proof.check_settled()
    return process.calls


def assert_survives(new_world: NewWorld, run: Run, *deaths: OneProcess) -> None:
    """Each process dies in its turn, one more runs to the end."""
    proof = burst(new_world(), run)
    with told(deaths):
        for process in deaths:
            with contextlib.suppress(ProcessDied):
                run(proof.world, process)
            proof.check()
        run(proof.world, OneProcess())
        proof.check_settled()


@contextlib.contextmanager
def told(deaths: tuple[OneProcess, ...]) -> Iterator[None]:
    """A failure says where the processes died."""
    try:
        yield
    except Exception as error:
        for process in deaths:
            error.add_note(f"The process died {process.last()}" if process.died else "No death")
        raise


@pytest.mark.parametrize("run", [plain, plain_in_batches, rescuing])
def test_run_that_dies_at_any_call_is_finished_by_the_next(in_memory: NewWorld, run: Run) -> None:
    calls = calls_of_a_clean_run(in_memory, run)
    # Every kind of call that the job makes is among them.
    assert {call.split()[0] for call in calls} >= {
        "ListObjectsV2",
        "ListObjectVersions",
        "GetObject",
        "PutObject",
        "CopyObject",
        "DeleteObjects",
        "DeleteObject",
    }

    for place in places_to_die(calls):
        process = OneProcess(*place)
        assert_survives(in_memory, run, process)
        assert process.died


@pytest.mark.parametrize("run", [plain, plain_in_batches, rescuing])
def test_every_state_in_which_a_run_can_leave_s3_has_its_place_to_die(
    in_memory: NewWorld, run: Run
) -> None:
    world = burst(in_memory(), run).world
    held: list[dict[str, dict[str, list[Version]]]] = []
    changes = []

    def look(number: int) -> None:
        buckets = cast(MemoryS3, world.s3)._buckets
        held.append({name: {k: list(v) for k, v in keys.items()} for name, keys in buckets.items()})
        if held[-2:-1] and held[-2] != held[-1]:
            changes.append((number - 1, True))

    process = OneProcess(on_call=look)
    run(world, process)

    assert len(changes) > 20
    assert set(changes) <= set(places_to_die(process.calls))


@AFTER
def test_run_that_dies_with_many_calls_on_their_way_is_finished_by_the_next(
    in_memory: NewWorld, after: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = calls_of_a_clean_run(in_memory, plain)
    use_threads(monkeypatch, 16)

    for number in range(1, len(calls) + 1):
        process = OneProcess(dies_at=number, after=after)
        assert_survives(in_memory, plain, process)
        assert process.died


@pytest.mark.parametrize("every", [(1, 10), pytest.param((1, 1), marks=pytest.mark.full)], ids=str)
def test_run_that_dies_while_it_finishes_a_dead_one_is_finished_by_the_next(
    in_memory: NewWorld, every: tuple[int, int]
) -> None:
    def next_calls(dead: OneProcess) -> list[str]:
        proof, process = burst(in_memory()), OneProcess()
        with contextlib.suppress(ProcessDied):
            plain(proof.world, dead)
        plain(proof.world, process)
        return process.calls

    for places in pairs_of_places(calls_of_a_clean_run(in_memory, plain), next_calls, every):
        deaths = OneProcess(*places[0]), OneProcess(*places[1])
        assert_survives(in_memory, plain, *deaths)
        assert all(process.died for process in deaths)


@pytest.mark.parametrize("step", [8, pytest.param(1, marks=pytest.mark.full)])
def test_over_http_a_run_that_dies_at_a_call_is_finished_by_the_next(
    over_http: NewWorld, step: int
) -> None:
    calls = calls_of_a_clean_run(over_http, plain)

    for place in places_to_die(calls)[::step]:
        process = OneProcess(*place)
        assert_survives(over_http, plain, process)
        assert process.died


def death_at(calls: list[str], operation: str, end: str, *, after: bool) -> OneProcess:
    [number] = [
        number
        for number, call in enumerate(calls, 1)
        if call.startswith(operation) and call.endswith(end)
    ]
    return OneProcess(dies_at=number, after=after)


SPARK_SELECTION = [
    # Planned, and nothing read yet.
    ("PutObject", "/plan.json", True),
    # Rows are written, and not committed.
    ("PutObject", "/result.json", False),
    # Committed, and everything is still in landing.
    ("PutObject", "/result.json", True),
    # A bad file is in quarantine, its reason is not.
    ("CopyObject", "/bad.csv", True),
    # Copied, deleted in part.
    ("DeleteObjects", "?delete", True),
    # Settled, and the ledger does not say so.
    ("PutObject", "/done.json", False),
]


def test_with_spark_a_run_that_dies_is_finished_by_the_next(
    over_http: NewWorld, spark: SparkSession
) -> None:
    calls = calls_of_a_clean_run(over_http, with_spark)
    for operation, end, after in SPARK_SELECTION:
        process = death_at(calls, operation, end, after=after)

        assert_survives(over_http, with_spark, process)

        assert process.died


@pytest.mark.full
def test_with_spark_a_run_that_dies_at_any_call_is_finished_by_the_next(
    over_http: NewWorld, spark: SparkSession
) -> None:
    calls = calls_of_a_clean_run(over_http, with_spark)

    for place in places_to_die(calls):
        process = OneProcess(*place)
        assert_survives(over_http, with_spark, process)
        assert process.died
