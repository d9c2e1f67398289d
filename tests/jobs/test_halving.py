"""A file that makes reading or writing fail is found, and everything else is loaded.

In full without Spark: files that raise, files that end the process, and runs that die at any call
while they find out.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from burst.batch import InputFile
from burst.drain import drain
from burst.errors import RowEngineError, TakenOverError, TooManyBadFilesError, TransformError
from burst.ledger import Ledger, SetAsideRecord
from burst.report import Summary
from burst.row_engine import ReadBatch, Written

from tests.jobs.invariants import Proof
from tests.jobs.memory_s3 import MemoryS3
from tests.jobs.one_process import (
    OneProcess,
    ProcessDied,
    pairs_of_places,
    places_to_die,
    use_threads,
)
from tests.jobs.plain_row_engine import PlainRowEngine
from tests.jobs.world import World, as_csv, memory_world, order


@dataclass
class HostileRowEngine(PlainRowEngine):
    """Files whose key says so make it raise while they are read or written, or end the process."""

    keys: tuple[str, ...] = field(default=(), init=False)
    limit: int = 1000
    broken: bool = False

    def read(self, batch: str, inputs: Sequence[InputFile]) -> ReadBatch:
        self.keys = tuple(file.key for file in inputs)
        if len(inputs) > self.limit:
            raise ProcessDied
        self._meet("read")
        return super().read(batch, inputs)

    def made_up(self, batch: str) -> ReadBatch:
        self.keys = ()
        return super().made_up(batch)

    def write(self, read: ReadBatch, target: str) -> Written:
        if self.broken:
            raise RowEngineError("The transform raised: KeyError: 'amount'.")
        written = super().write(read, target)
        self._meet("write")
        return written

    def _meet(self, phase: str) -> None:
        if any(f"dies at {phase}" in key for key in self.keys):
            raise ProcessDied
        if any(f"raises at {phase}" in key for key in self.keys):
            raise RowEngineError(f"The engine fails at {phase}.", cause="SystemError: boom.")


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    use_threads(monkeypatch, 1)


_numbers = itertools.count(1)


@pytest.fixture
def new_world(tmp_path: Path) -> Callable[[], World]:
    def new() -> World:
        seconds = itertools.count()
        start = datetime(2025, 1, 31, 23, 59, 50, tzinfo=UTC)
        world = memory_world(tmp_path / str(next(_numbers)))
        return replace(world, clock=lambda: start + timedelta(seconds=next(seconds)))

    return new


def put(proof: Proof, names: Sequence[str], rows: int = 1) -> None:
    """A file per name; those with a verb in their name are hostile, and end in quarantine."""
    for name in names:
        orders = [order(number) for number in itertools.islice(_numbers, rows)]
        hostile = " at " in name
        ids = None if hostile else [row["order_id"] for row in orders]
        proof.put(f"orders/{name}.csv", as_csv(orders), ids)


def run(
    world: World, process: OneProcess | None = None, *, broken: bool = False, **other: Any
) -> Summary:
    process = process or OneProcess()
    arguments = world.arguments(**other)
    s3 = world.as_the_job()
    engine = HostileRowEngine(
        s3, arguments.landing_bucket, arguments.format, step=process.step, broken=broken
    )
    with process.watching(s3):
        return drain(arguments, s3=s3, engine=engine, clock=world.clock)


def runs_until_settled(world: World, most: int, **other: Any) -> int:
    """Runs, of which each may die, until one ends; returns how many died."""
    for died in range(most):
        try:
            run(world, **other)
        except ProcessDied:
            continue
        return died
    raise AssertionError(f"{most} runs died")


@pytest.mark.parametrize("phase", ["read", "write"])
@pytest.mark.parametrize("place", range(5))
def test_file_on_which_the_engine_raises_is_quarantined_and_the_others_are_loaded(
    new_world: Callable[[], World], phase: str, place: int
) -> None:
    proof = Proof(new_world())
    names = [f"good {number}" for number in range(5)]
    names[place] = f"raises at {phase}"
    put(proof, names)

    summary = run(proof.world)

    proof.check_settled()
    assert summary.bad_files == 1
    [reason] = [body for key, body in proof.world.in_lake("quarantine/").items() if "reason" in key]
    assert b"SystemError: boom." in reason


@pytest.mark.parametrize("phase", ["read", "write"])
@pytest.mark.parametrize("place", range(5))
def test_file_that_ends_the_process_is_quarantined_after_some_runs(
    new_world: Callable[[], World], phase: str, place: int
) -> None:
    proof = Proof(new_world())
    names = [f"good {number}" for number in range(5)]
    names[place] = f"dies at {phase}"
    put(proof, names)

    died = runs_until_settled(proof.world, 12)

    assert died >= 4
    proof.check_settled()


@pytest.mark.parametrize("phase", ["read", "write"])
def test_file_that_fails_and_is_alone_is_quarantined_as_a_row_that_was_made_up_is_loaded(
    new_world: Callable[[], World], phase: str
) -> None:
    proof = Proof(new_world())
    put(proof, [f"raises at {phase}"])

    summary = run(proof.world)

    proof.check_settled()
    assert summary.bad_files == 1
    [reason] = [body for key, body in proof.world.in_lake("quarantine/").items() if "reason" in key]
    assert b"SystemError: boom." in reason
    assert b"tried alone, 3 times" in reason
    assert b"more memory or time than the job has" in reason


@pytest.mark.parametrize("phase", ["read", "write"])
def test_file_that_ends_the_process_and_is_alone_is_quarantined_after_some_runs(
    new_world: Callable[[], World], phase: str
) -> None:
    proof = Proof(new_world())
    put(proof, [f"dies at {phase}"])

    assert runs_until_settled(proof.world, 4) == 3

    proof.check_settled()


def test_a_few_files_that_fail_in_batches_of_their_own_are_quarantined(
    new_world: Callable[[], World],
) -> None:
    proof = Proof(new_world())
    put(proof, ["raises at read", "raises at write"])

    run(proof.world, max_files_per_batch=1)

    proof.check_settled()


@pytest.mark.parametrize(("files", "max_files"), [(2, 1000), (3, 1)])
def test_where_both_halves_fail_or_many_files_no_row_that_was_made_up_says_that_it_is_the_files(
    new_world: Callable[[], World], files: int, max_files: int
) -> None:
    proof = Proof(new_world())
    put(proof, [f"raises at write {number}" for number in range(files)])

    for _ in range(4):
        with pytest.raises(RowEngineError, match="No other file was loaded"):
            run(proof.world, max_files_per_batch=max_files)
        proof.check()

    assert len(proof.outstanding()) == files


def test_file_that_ends_the_process_does_not_keep_new_files_waiting(
    new_world: Callable[[], World],
) -> None:
    proof = Proof(new_world())
    put(proof, ["dies at read"])
    for _ in range(2):
        with contextlib.suppress(ProcessDied):
            run(proof.world)
    put(proof, ["new"])

    with contextlib.suppress(ProcessDied):
        run(proof.world)

    assert proof.world.in_landing() == ["orders/dies at read.csv"]


def test_several_files_that_fail_are_found_one_by_one(new_world: Callable[[], World]) -> None:
    proof = Proof(new_world())
    names = [f"good {number:02}" for number in range(16)]
    for place in (0, 5, 6, 15):
        names[place] = f"raises at write {place:02}"
    put(proof, names)

    run(proof.world)

    proof.check_settled()


@pytest.mark.parametrize("files", [1, 2, 3, 40])
def test_where_every_half_fails_the_run_fails_and_nothing_is_set_aside(
    new_world: Callable[[], World], files: int
) -> None:
    proof = Proof(new_world())
    put(proof, [f"good {number}" for number in range(files)])

    for _ in range(4):
        with pytest.raises(RowEngineError, match="nothing was set aside"):
            run(proof.world, broken=True)
        proof.check()
        assert len(proof.outstanding()) == files
        assert proof.world.in_lake("quarantine/") == {}

    run(proof.world)
    proof.check_settled()


def test_transform_that_breaks_its_settings_halves_nothing(
    new_world: Callable[[], World], monkeypatch: pytest.MonkeyPatch
) -> None:
    proof = Proof(new_world())
    put(proof, ["a", "b"])

    def forbidden(*_: object) -> Written:
        raise TransformError("It gives other columns.")

    with monkeypatch.context() as patch:
        patch.setattr(PlainRowEngine, "write", forbidden)
        for _ in range(4):
            with pytest.raises(TransformError):
                run(proof.world)

    assert len(proof.world.ledger()) == 1
    run(proof.world)
    proof.check_settled()


def test_where_too_many_files_fail_alone_the_run_stops_until_a_person_decides(
    new_world: Callable[[], World],
) -> None:
    proof = Proof(new_world())
    put(proof, [f"raises at write {number}" for number in range(4)] + ["good"])
    bounds: dict[str, Any] = {"min_bad_files": 2, "max_bad_fraction": 0}

    with pytest.raises(TooManyBadFilesError, match="burst set-aside dev orders --batch") as stop:
        run(proof.world, **bounds)
    proof.check()
    [batch] = {name for name in proof.world.ledger() if name in str(stop.value)}

    for _ in range(4):
        set_aside(proof.world, batch)
        with contextlib.suppress(TooManyBadFilesError):
            run(proof.world, **bounds)
        proof.check()
    run(proof.world, **bounds)

    proof.check_settled()


def test_batch_that_is_too_large_gets_smaller(new_world: Callable[[], World]) -> None:
    proof = Proof(new_world())
    put(proof, [f"good {number}" for number in range(8)])

    def small(world: World) -> Summary:
        arguments, s3 = world.arguments(), world.as_the_job()
        engine = HostileRowEngine(s3, arguments.landing_bucket, arguments.format, limit=3)
        return drain(arguments, s3=s3, engine=engine, clock=world.clock)

    for _ in range(6):
        with contextlib.suppress(ProcessDied):
            small(proof.world)
    small(proof.world)

    proof.check_settled()
    assert proof.world.in_lake("quarantine/") == {}


def set_aside(world: World, batch: str) -> None:
    ledger = Ledger(world.s3, world.lake, "orders", "dev")
    attempts = ledger.find_attempts(batch)
    assert attempts is not None
    files = tuple(file.identity for file in attempts.files)
    ledger.replace(SetAsideRecord(attempts.origin, files, "arn:aws:iam::1:user/ada"))


def test_batch_that_is_stopped_says_which_files_are_bad_and_goes_on_once_they_are_set_aside(
    new_world: Callable[[], World],
) -> None:
    proof = Proof(new_world())
    put(proof, ["good"])
    for number in range(6):
        proof.put(f"orders/bad {number}.csv", b"no,such,columns\n1,2,3\n", None)

    for _ in range(3):
        with pytest.raises(TooManyBadFilesError, match=r"6 of 7 .*bad 0.csv: .*bad 4.csv: "):
            run(proof.world)
    assert len(proof.outstanding()) == 7
    [batch] = proof.world.ledger()
    assert [file["key"] for file in proof.world.record(batch, "attempts")["files"]] == [
        f"orders/bad {number}.csv" for number in range(6)
    ]

    set_aside(proof.world, batch)
    run(proof.world)

    proof.check_settled()


def test_file_is_quarantined_once_it_is_set_aside_where_nothing_can_be_loaded(
    new_world: Callable[[], World],
) -> None:
    proof = Proof(new_world())
    put(proof, ["raises at read"])
    said = r"Nor could a row that was made up \(The transform raised.*burst set-aside dev orders"
    with pytest.raises(RowEngineError, match=said):
        run(proof.world, broken=True)
    [batch] = proof.world.ledger()

    set_aside(proof.world, batch)
    run(proof.world, broken=True)

    proof.check_settled()


def hostile_burst(world: World) -> Proof:
    proof = Proof(world)
    put(proof, ["a", "raises at write", "b", "c"], rows=2)
    proof.put("orders/bad.csv", b"no,such,columns\n1,2,3\n", None)
    return proof


def calls_of_a_clean_run(new_world: Callable[[], World]) -> list[str]:
    proof, process = hostile_burst(new_world()), OneProcess()
    run(proof.world, process)
    proof.check_settled()
    return process.calls


def assert_survives(new_world: Callable[[], World], *deaths: OneProcess) -> None:
    proof = hostile_burst(new_world())
    with _told(deaths):
        for process in deaths:
            with contextlib.suppress(ProcessDied, RowEngineError):
                run(proof.world, process)
            proof.check()
        # Once something else is loaded, the file that fails is known to be why.
        put(proof, ["later"])
        run(proof.world)
        proof.check_settled()


@contextlib.contextmanager
def _told(deaths: Sequence[OneProcess]) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        for process in deaths:
            error.add_note(f"The process died {process.last()}" if process.died else "No death")
        raise


@pytest.mark.parametrize("step", [3, pytest.param(1, marks=pytest.mark.full)])
def test_run_that_dies_while_it_finds_out_is_finished_by_the_next(
    new_world: Callable[[], World], step: int
) -> None:
    calls = calls_of_a_clean_run(new_world)
    assert any(call.endswith("/attempts.json") for call in calls)

    for place in places_to_die(calls)[::step]:
        process = OneProcess(*place)
        assert_survives(new_world, process)
        assert process.died


def test_run_that_dies_while_it_finds_out_about_a_file_that_is_alone_is_finished_by_the_next(
    new_world: Callable[[], World],
) -> None:
    clean, proof = OneProcess(), Proof(new_world())
    put(proof, ["raises at write"])
    run(proof.world, clean)

    for place in places_to_die(clean.calls):
        process, proof = OneProcess(*place), Proof(new_world())
        put(proof, ["raises at write"])
        with _told([process]):
            with pytest.raises(ProcessDied):
                run(proof.world, process)
            proof.check()
            run(proof.world)
            proof.check_settled()


@pytest.mark.parametrize("every", [(7, 25), pytest.param((1, 1), marks=pytest.mark.full)], ids=str)
def test_two_runs_that_die_while_they_find_out_are_finished_by_the_next(
    new_world: Callable[[], World], every: tuple[int, int]
) -> None:
    def next_calls(dead: OneProcess) -> list[str]:
        world, process = hostile_burst(new_world()).world, OneProcess()
        for each in (dead, process):
            with contextlib.suppress(ProcessDied, RowEngineError):
                run(world, each)
        return process.calls

    for places in pairs_of_places(calls_of_a_clean_run(new_world), next_calls, every):
        deaths = OneProcess(*places[0]), OneProcess(*places[1])
        assert_survives(new_world, *deaths)
        assert all(process.died for process in deaths)


@pytest.mark.parametrize("step", [11, pytest.param(1, marks=pytest.mark.full)])
def test_run_that_was_given_up_and_still_works_beside_the_next_halves_nothing_twice(
    new_world: Callable[[], World], step: int
) -> None:
    """The first run is interrupted at its calls by a whole second one."""
    calls = len(calls_of_a_clean_run(new_world))
    for number in range(1, calls + 1, step):
        proof = hostile_burst(new_world())
        other = replace(proof.world, s3=cast(MemoryS3, proof.world.s3).another_client())  # type: ignore[arg-type]

        def meanwhile(call: int, at: int = number, other: World = other) -> None:
            if call == at:
                with contextlib.suppress(RowEngineError):
                    run(other, JOB_RUN_ID="jr_2")

        with contextlib.suppress(TakenOverError, RowEngineError):
            run(proof.world, OneProcess(on_call=meanwhile))
        proof.check()
        put(proof, ["later"])
        run(proof.world)
        proof.check_settled()
