"""Runs that overlap lose nothing, double nothing, and show readers nothing that is not committed.

Glue starts one run at a time, but it cannot fence one that it gave up and that still executes, nor
a request of a dead run that arrives late. Here two and three runs share a pipeline in every way.
After each of their calls a reader lists curated as Athena would.

In full with `pytest tests/jobs/test_two_writers.py -m full`.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.jobs.interleaving import Run, as_another, histories
from tests.jobs.invariants import Proof
from tests.jobs.one_process import OneProcess, use_threads
from tests.jobs.test_crashes import ticking
from tests.jobs.world import as_csv, memory_world, order

_numbers = itertools.count(1)

NewProof = Callable[[], Proof]
# Of a run over `few_files` in two batches.
FEWEST_CALLS = 30


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Calls in one order."""
    with pytest.MonkeyPatch.context() as patch:
        use_threads(patch, 1)
        yield


@pytest.fixture
def few_files(tmp_path: Path) -> NewProof:
    """A good, a bad and an overwritten file: two batches."""

    def new() -> Proof:
        proof = Proof(ticking(memory_world(tmp_path / str(next(_numbers)), page_size=1000)))
        put(proof, "orders/a.csv", 1)
        proof.put("orders/bad.csv", b"no,such,columns\n1,2,3\n", None)
        put(proof, "orders/a.csv", 2)
        return proof

    return new


def put(proof: Proof, key: str, first: int) -> None:
    proof.put(key, as_csv([order(first)]), [order(first)["order_id"]])


def run_of(proof: Proof, number: int, files: int = 2) -> Run:
    arguments: dict[str, str | int | float] = {
        "max_files_per_batch": files,
        "max_bad_fraction": 1,
        "JOB_RUN_ID": f"jr_{number}",
    }
    return Run(proof.world, arguments)


def finish(proof: Proof) -> None:
    """What every history ends with: one more run, and nothing lost or doubled.

    The run has something to take, so it also removes the stages that dead runs left behind.
    """
    proof.check()
    put(proof, "orders/last.csv", 999)
    as_another(proof.world).drain_plain(OneProcess(), max_bad_fraction=1)
    proof.check_settled()


def calls_of_one_run(new: NewProof) -> int:
    proof = new()
    run = run_of(proof, 0)
    with histories([run]):
        while not run.over:
            run.step()
            proof.check_readers()
        finish(proof)
    assert run.calls >= FEWEST_CALLS
    return run.calls + 1


def test_run_wholly_inside_another_one_at_any_point(few_files: NewProof) -> None:
    for point in range(calls_of_one_run(few_files) + 1):
        proof = few_files()
        outer = run_of(proof, 0)
        runs = [outer]
        with histories(runs):
            outer.steps(point)
            runs.append(run_of(proof, 1))
            runs[1].steps()
            proof.check()
            # Something new comes, which the outer run may still take.
            put(proof, "orders/late.csv", 50)
            while not outer.over:
                outer.step()
                proof.check_readers()
            finish(proof)


@pytest.mark.parametrize("ends", [True, False], ids=["has finished it", "goes on with it"])
def test_run_that_lost_the_head_says_whether_the_other_one_has_finished_its_batch(
    few_files: NewProof, ends: bool
) -> None:
    proof = few_files()
    runs = [run_of(proof, 0)]
    with histories(runs):
        while not proof.head()["open"]:
            runs[0].step()
        [batch] = proof.head()["open"]
        runs.append(run_of(proof, 1))
        while f"ledger/orders/{batch}/result.json" not in proof.world.in_lake("ledger/"):
            runs[1].step()
        if ends:
            runs[1].steps()
        runs[0].steps()
        said = runs[0].taken_over
        assert said is not None
        assert said.finished == ends
        assert str(said).startswith("Another run (job run jr_1) has taken over pipeline orders")
        assert (f"Its batch {batch} is not finished yet" in str(said)) != ends
        runs[1].steps()
        finish(proof)


def pairs(calls: int, count: int | None) -> list[tuple[int, int]]:
    found = list(itertools.product(range(1, calls), range(1, calls + 12)))
    if count is None:
        return found
    # All of those where the first run is at the very end of its work.
    last = [pair for pair in found if pair[0] >= calls - 2]
    return last + random.Random(12).sample(found, count - len(last))


@pytest.mark.parametrize("count", [120, pytest.param(None, marks=pytest.mark.full)])
def test_two_runs_that_pause_at_any_pair_of_points(few_files: NewProof, count: int | None) -> None:
    for one, other in pairs(calls_of_one_run(few_files), count):
        proof = few_files()
        runs = [run_of(proof, 0)]
        with histories(runs):
            runs[0].steps(one)
            put(proof, "orders/late.csv", 50)
            runs.append(run_of(proof, 1))
            runs[1].steps(other)
            runs[0].steps()
            proof.check()
            runs[1].steps()
            finish(proof)


@pytest.mark.parametrize("count", [75, pytest.param(5000, marks=pytest.mark.full)])
def test_random_schedules_of_two_and_three_runs_that_may_die(
    few_files: NewProof, count: int
) -> None:
    deaths = 0
    for seed in range(count):
        chance = random.Random(seed)
        proof = few_files()
        runs = [run_of(proof, number, files=chance.choice([1, 2, 10])) for number in range(2)]
        if chance.random() < 0.5:
            runs.append(run_of(proof, 2))
        with histories(runs):
            while waiting := [run for run in runs if not run.over]:
                run = chance.choice(waiting)
                # Some go on for long while the others sleep, and wake up when all is over.
                for _ in range(chance.choice([1, 1, 2, 5, 40])):
                    if run.over:
                        break
                    run.step()
                    proof.check_readers()
                if chance.random() < 0.02:
                    put(proof, "orders/more.csv", 100 + run.calls)
                if chance.random() < 0.03 and not run.over:
                    run.kill()
                    deaths += 1
                    proof.check()
            finish(proof)
    assert deaths > count // 10


@pytest.mark.parametrize("step", [2, pytest.param(1, marks=pytest.mark.full)])
@pytest.mark.parametrize("meanwhile", ["settled", "half way"])
def test_late_write_of_a_dead_run_changes_nothing(
    few_files: NewProof, step: int, meanwhile: str
) -> None:
    """Its last request arrives when another run has finished its work, or is in the middle."""
    late = 0
    for point in range(1, calls_of_one_run(few_files), step):
        proof = few_files()
        runs = [run_of(proof, 0)]
        with histories(runs):
            runs[0].steps(point)
            runs[0].kill()
            runs.append(run_of(proof, 1))
            runs[1].steps(None if meanwhile == "settled" else 12 + point % 20)
            if runs[0].client.late:
                late += 1
                # S3 may refuse it by now.
                with suppress(ClientError):
                    runs[0].client.late()
            proof.check()
            runs[1].steps()
            finish(proof)
    assert late > 10


@pytest.mark.parametrize("dies", [False, True], ids=["it ends", "it dies when all is done"])
def test_late_publishing_does_not_bring_back_rows_that_were_removed(
    few_files: NewProof, dies: bool
) -> None:
    """A batch is done, and somebody replaces its rows; a run that slept over all this wakes up."""
    for point in range(calls_of_one_run(few_files)):
        proof = few_files()
        sleeper = run_of(proof, 0)
        runs = [sleeper]
        with histories(runs):
            sleeper.steps(point)
            runs.append(run_of(proof, 1))
            while not runs[1].over and not (dies and all_is_done(proof)):
                runs[1].step()
            runs[1].kill()
            lake = proof.world.lake
            for key in proof.world.in_lake("curated/orders/ingest_date="):
                proof.world.s3.delete_object(Bucket=lake, Key=key)
            sleeper.steps()
            assert proof.world.curated_files() == {}


def all_is_done(proof: Proof) -> bool:
    """Whether nothing is left in landing, and every batch that is committed is done."""
    records = [key.rpartition("/")[2] for key in proof.world.in_lake("ledger/orders/2")]
    return not proof.outstanding() and records.count("result.json") == records.count("done.json")
