"""A ledger of the format before is taken over by the first run of this job.

The fixture holds what the job before this one left behind when it died, before and after each of
its calls, over the burst of `test_crashes.py` in batches of four: both buckets, with curated in the
lake as on AWS.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import pytest

from tests.jobs.interleaving import Run, histories
from tests.jobs.invariants import Proof, Upload
from tests.jobs.memory_s3 import MemoryS3, Version
from tests.jobs.one_process import OneProcess, use_threads
from tests.jobs.test_crashes import ticking
from tests.jobs.world import World, memory_world

FIXTURE = json.loads(
    gzip.decompress((Path(__file__).parent / "data/ledgers-of-format-1.json.gz").read_bytes())
)
STATES: list[dict[str, Any]] = FIXTURE["states"]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        use_threads(patch, 1)
        yield


def left_behind(state: dict[str, Any], folder: Path) -> Proof:
    """The world as the old job left it."""
    world = ticking(memory_world(folder))
    memory = cast(MemoryS3, world.s3)
    for bucket, versions in state["buckets"].items():
        for key, version, body, modified, refused in versions:
            memory._buckets[bucket][key].append(
                Version(key, version, _body(body), datetime.fromisoformat(modified), refused)
            )
    # The versions that come now are newer than those.
    for _ in range(1000):
        next(memory._numbers)
    uploads = [
        Upload(
            key,
            version,
            cast(bytes, _body(body)),
            None if orders is None else tuple(orders),
            *readable,
        )
        for key, version, body, orders, *readable in state["uploads"]
    ]
    return Proof(world, {upload.identity: upload for upload in uploads})


def _body(name: str | None) -> bytes | None:
    return None if name is None else base64.b64decode(FIXTURE["bodies"][name])


def drain(world: World, process: OneProcess | None = None) -> None:
    world.drain_plain(process or OneProcess(), max_files_per_batch=4, max_bad_fraction=1)


@pytest.mark.parametrize("number", range(len(STATES)), ids=lambda number: STATES[number]["where"])
def test_ledger_that_the_old_job_left_at_any_call_is_taken_over(
    number: int, tmp_path: Path
) -> None:
    proof = left_behind(STATES[number], tmp_path)

    drain(proof.world)

    proof.check_settled()
    # From now on nothing is listed any more.
    process = OneProcess()
    drain(proof.world, process)
    assert not [call for call in process.calls if call.startswith("ListObjectsV2")]


@pytest.mark.parametrize("every", [7, pytest.param(1, marks=pytest.mark.full)])
def test_take_over_by_two_runs_at_once_and_by_one_that_dies(every: int, tmp_path: Path) -> None:
    for number, state in enumerate(STATES[::every]):
        for point in range(1, 30, 4):
            proof = left_behind(state, tmp_path / f"{number}-{point}")
            arguments: dict[str, Any] = {"max_files_per_batch": 4, "max_bad_fraction": 1}
            runs = [Run(proof.world, arguments)]
            with histories(runs):
                runs[0].steps(point)
                runs.append(Run(proof.world, arguments))
                runs[1].steps(point + number % 5)
                runs[0].kill()
                runs[1].steps()
                drain(proof.world)
                proof.check_settled()
