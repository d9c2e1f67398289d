"""What happens to Spark's tasks and workers in the middle of a batch does not reach the result."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from burst import batch_run
from burst.errors import RowEngineError, SettleError
from burst.row_engine import ReadBatch, Written
from burst.s3 import fetching
from burst.settle import Move, Mover
from burst.spark import SparkRowEngine
from pyspark.sql import SparkSession

from tests.jobs.faulty_s3 import Fault, FaultyS3, Request
from tests.jobs.invariants import Proof
from tests.jobs.test_crashes import burst
from tests.jobs.test_script import Script
from tests.jobs.world import World, as_csv, order


@pytest.fixture
def proof(spark_world: World) -> Proof:
    """Files enough for several tasks."""
    proof = burst(spark_world)
    for number in range(100, 110):
        row = order(number)
        proof.put(f"orders/{number}.csv", as_csv([row]), [row["order_id"]])
    return proof


def spark_workers() -> list[int]:
    """The Python processes in which this session's tasks run: children of pyspark's daemon."""
    return [
        child
        for parent in _descendants(os.getpid())
        if b"pyspark.daemon" in _command(parent)
        for child in _children(parent)
    ]


def _descendants(process: int) -> Iterator[int]:
    for child in _children(process):
        yield child
        yield from _descendants(child)


def _children(process: int) -> list[int]:
    found: list[int] = []
    for thread in Path(f"/proc/{process}/task").glob("*/children"):
        found += [int(number) for number in thread.read_text().split()]
    return found


def _command(process: int) -> bytes:
    return Path(f"/proc/{process}/cmdline").read_bytes()


def is_read(request: Request, end: str) -> bool:
    return request.method == "GET" and request.path.endswith(end)


def test_task_that_fails_is_tried_again_and_its_rows_come_once(
    proof: Proof, line: FaultyS3
) -> None:
    # One more than a worker tries by itself, so that the task fails and Spark tries it again.
    left = [Fault.CUT] * (fetching.ATTEMPTS + 1)
    line.set(lambda request: left.pop() if left and is_read(request, "/105.csv") else None)

    summary = proof.world.drain()

    assert left == []
    assert (len(summary.batches), summary.resumed) == (1, 0)
    proof.check_settled()


def test_task_that_always_fails_ends_the_run_and_blames_no_file(
    proof: Proof, line: FaultyS3
) -> None:
    line.set(lambda request: Fault.CUT if is_read(request, "/105.csv") else None)

    with pytest.raises(
        RowEngineError, match=r"while reading batch .* the next run starts it again"
    ):
        proof.world.drain()

    # Spark's four tries of the task, each with those of boto3, and before them one the short way,
    # which a worker leaves out for ten seconds after an error on it.
    assert 4 * fetching.ATTEMPTS <= line.faults <= 4 * (1 + fetching.ATTEMPTS)
    assert proof.world.in_lake("quarantine/") == {}
    line.set(lambda _: None)
    proof.check()
    assert proof.world.drain().resumed == 1
    proof.check_settled()


def test_worker_that_is_killed_in_the_middle_of_a_task_costs_nothing(
    proof: Proof, line: FaultyS3
) -> None:
    killed: list[int] = []
    lock = threading.Lock()

    def kill_the_workers(request: Request) -> Fault | None:
        with lock:
            if not killed and is_read(request, "/105.csv"):
                killed.extend(spark_workers())
                for worker in killed:
                    os.kill(worker, signal.SIGKILL)
        return None

    line.set(kill_the_workers)

    summary = proof.world.drain()

    assert killed
    assert (len(summary.batches), summary.resumed) == (1, 0)
    proof.check_settled()


def test_rows_that_are_lost_with_an_executor_before_they_are_written_are_read_again(
    proof: Proof, line: FaultyS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    write = SparkRowEngine.write

    def forget_then_write(engine: SparkRowEngine, read: ReadBatch, target: str) -> Written:
        # What Spark kept in an executor is gone with it; here it is the only one, and stays.
        context = engine.spark.sparkContext._jsc
        kept = list(context.getPersistentRDDs())
        assert kept
        for number in kept:
            context.sc().env().blockManager().master().removeRdd(number, True)
        return write(engine, read, target)

    def count(request: Request) -> None:
        if is_read(request, "/105.csv"):
            asked.append(request.path)

    monkeypatch.setattr(SparkRowEngine, "write", forget_then_write)
    line.set(count)

    summary = proof.world.drain()

    assert len(asked) == 2
    assert (len(summary.batches), summary.resumed) == (1, 0)
    proof.check_settled()


def test_worker_that_is_killed_while_it_moves_files_costs_nothing(
    proof: Proof, line: FaultyS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_run, "SPREAD_FILES", 1)
    monkeypatch.setattr(batch_run, "PART_FILES", 4)
    killed: list[int] = []
    lock = threading.Lock()

    def kill_the_workers(request: Request) -> Fault | None:
        with lock:
            if not killed and request.method == "PUT" and "/archive/" in request.path:
                killed.extend(spark_workers())
                for worker in killed:
                    os.kill(worker, signal.SIGKILL)
        return None

    line.set(kill_the_workers)

    proof.world.drain()

    assert killed
    proof.check_settled()


def test_workers_that_cannot_move_files_say_why_and_that_nothing_is_lost(
    spark_world: World,
) -> None:
    args = spark_world.arguments()
    engine = SparkRowEngine(args.landing_bucket, args.format, args.transform)
    move = Move("orders/a.csv", "v1", "e", 1, "archive/a", None)

    with pytest.raises(
        SettleError, match=r"while moving .*NoSuchBucket.* rows are committed, nothing is lost"
    ):
        engine.spread(Mover(spark_world.landing, "no-such-lake").move, [[move]])


def test_job_that_is_killed_between_write_and_commit_is_finished_by_the_next(
    spark: SparkSession,
    proof: Proof,
    line: FaultyS3,
    tmp_path: Path,
    job_environment: dict[str, str],
) -> None:
    script = Script(tmp_path, job_environment)
    written: list[int] = []

    def kill_the_job(request: Request) -> Fault | None:
        if request.path.endswith("/result.json"):
            written.append(len(proof.staged()))
            assert proof.world.curated() == []
            for child in _children(os.getpid()):
                if str(script.path).encode() in _command(child):
                    os.kill(child, signal.SIGKILL)
        return Fault.ERROR_BEFORE if written else None

    line.set(kill_the_job)
    done = script.run(*proof.world.argv())

    assert done.returncode == -signal.SIGKILL
    assert written[0] > 0
    line.set(lambda _: None)
    proof.check()
    assert proof.world.drain().resumed == 1
    proof.check_settled()
