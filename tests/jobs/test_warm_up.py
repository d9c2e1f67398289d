"""The engine starts while landing is still being listed, and only for what the run will read."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from burst.drain import drain
from burst.errors import TooManyUnreadableFilesError

from tests.jobs.one_process import OneProcess
from tests.jobs.plain_row_engine import PlainRowEngine
from tests.jobs.test_script import submit_arguments
from tests.jobs.test_unreadable import put_refused
from tests.jobs.world import GLUE_JOBS, World, as_csv, memory_world, order
from tests.patience import PATIENCE
from tools.sandbox.java import java_options

# The page size of the worlds in memory.
PAGE = 4


@dataclass
class StartedEngine(PlainRowEngine):
    """Keeps which calls had been made whenever it was told to start."""

    process: OneProcess = field(default_factory=OneProcess)
    starts: list[list[str]] = field(default_factory=list)

    def warm_up(self) -> None:
        self.starts.append(list(self.process.calls))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return memory_world(tmp_path)


def starts_of_a_run(world: World, **other: int) -> list[list[str]]:
    """The calls of a run before each time at which it told its engine to start."""
    args, s3, process = world.arguments(**other), world.as_the_job(), OneProcess()
    engine = StartedEngine(s3, args.landing_bucket, args.format, process=process)
    with process.watching(s3):
        drain(args, s3=s3, engine=engine, clock=world.clock)
    return engine.starts


def test_engine_starts_when_the_first_page_of_landing_is_there(world: World) -> None:
    for number in range(3 * PAGE):
        world.put(f"orders/{number:02}.csv", as_csv([order(number)]))

    first = starts_of_a_run(world)[0]

    assert sum(call.startswith("ListObjectVersions") for call in first) == 1
    # It has taken nothing yet.
    assert not [call for call in first if call.startswith("PutObject")]
    assert len(world.order_ids()) == 3 * PAGE


def test_engine_does_not_start_for_an_empty_landing(world: World) -> None:
    assert starts_of_a_run(world) == []


def test_engine_does_not_start_for_files_that_s3_refuses(world: World) -> None:
    for number in range(PAGE + 1):
        put_refused(world, f"orders/{number}.csv", b"x")
    with pytest.raises(TooManyUnreadableFilesError):
        world.drain_plain()

    assert starts_of_a_run(world) == []
    world.put("orders/last.csv", as_csv([order(1)]))
    assert starts_of_a_run(world) != []


def test_engine_does_not_start_where_there_is_no_time_for_a_batch(world: World) -> None:
    world.put("orders/a.csv", as_csv([order(1)]))

    assert starts_of_a_run(world, timeout_minutes=1, time_reserve=1) == []
    assert world.in_landing() == ["orders/a.csv"]


PROGRAM = """
import sys
from burst.contract import JobSpec
from burst.spark import SparkRowEngine

args = JobSpec.from_arguments(sys.argv[1:])
engine = SparkRowEngine(args.landing_bucket, args.format, args.transform)
engine.warm_up()
engine.warm_up()

from pyspark.sql import SparkSession

# A transform may ask for it.
print(SparkSession.getActiveSession() is engine.spark)
engine.stop()
"""


def run(
    program: str, world: World, environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, *world.argv()],
        env={**environment, "PYTHONPATH": str(GLUE_JOBS)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def test_spark_that_is_warming_up_can_be_used_and_stopped(
    world: World, job_environment: dict[str, str]
) -> None:
    java = {"PYSPARK_SUBMIT_ARGS": submit_arguments(java_options())}

    done = run(PROGRAM, world, {**job_environment, **java})

    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["True"]
    assert "Traceback" not in done.stderr


def test_spark_that_cannot_start_is_no_matter_until_something_is_read(
    world: World, job_environment: dict[str, str]
) -> None:
    program = PROGRAM.partition("from pyspark")[0] + "print('goes on')"

    done = run(program, world, {**job_environment, "JAVA_HOME": "/nonexistent"})

    assert (done.returncode, done.stdout.strip()) == (0, "goes on"), done.stderr
