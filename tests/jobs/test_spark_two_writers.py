"""Two real jobs, each with its own Spark, work on one batch at the same time."""

from __future__ import annotations

import contextlib
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.jobs.one_process import OneProcess, ProcessDied
from tests.jobs.test_crashes import burst
from tests.jobs.test_script import Script
from tests.jobs.world import World


@pytest.mark.full
def test_two_spark_jobs_that_write_one_batch_give_each_row_once(
    world: World, tmp_path: Path, job_environment: dict[str, str]
) -> None:
    proof = burst(world)
    process = OneProcess(after=True)

    def die_once_the_batch_is_named(call: int) -> None:
        if any(name.endswith("/plan.json") for name in process.calls[:-1]):
            process.dies_at = call

    process.on_call = die_once_the_batch_is_named
    with contextlib.suppress(ProcessDied):
        world.drain_plain(process, JOB_RUN_ID="jr_0")
    assert len(proof.head()["open"]) == 1

    def run(number: int) -> subprocess.CompletedProcess[str]:
        folder = tmp_path / f"job{number}"
        folder.mkdir()
        script = Script(folder, job_environment)
        return script.run(*world.argv(JOB_RUN_ID=f"jr_{number}"))

    with ThreadPoolExecutor(2) as threads:
        ended = list(threads.map(run, (1, 2)))

    assert 0 in {job.returncode for job in ended}, [job.stderr[-2000:] for job in ended]
    for job in ended:
        assert job.returncode == 0 or "has taken over pipeline orders" in job.stderr, job.stderr
    proof.check()
    assert sorted(proof.world.order_ids()) == sorted(set(proof.world.order_ids()))
    proof.put("orders/last.csv", b"", [])
    world.drain_plain()
    proof.check_settled()
